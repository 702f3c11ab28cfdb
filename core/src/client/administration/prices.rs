//! What administrators do with prices: set, add, list and end them.

use jiff::Timestamp;

use super::references::one;
use crate::client::engine::{Tollway, invalid, unexpected};
use crate::store::{Operation, Outcome};
use crate::types::{Decimal, Price, PriceDraft, PriceId, PriceMap, PriceTerms, PricingType, Result};

/// No limit and no price reaches this much of a currency: 10 digits before the point and 18 after it are exact together.
pub(super) const MOST_MONEY: u64 = 10_000_000_000;

impl Tollway {
    /// Sets the prices of some meters of a config, so that what is given is all that there is of them from then on.
    ///
    /// What is in force of a meter ends where the first of its new prices begins, whatever its conditions. A price that
    /// begins in the past corrects what is believed of the time since then; past calls keep what they were billed, until
    /// they are rerated. Fails with `invalid_request` if a price makes no sense, or if two currencies would be in force
    /// at once.
    pub async fn set_prices(&self, reference: &str, prices: PriceMap) -> Result<Vec<PriceId>> {
        self.put_prices(reference, &prices, true).await
    }

    /// Adds prices to those of a config: only those for the same thing under the same conditions end where they begin.
    ///
    /// Fails as [`Self::set_prices`] does.
    pub async fn add_prices(&self, reference: &str, prices: PriceMap) -> Result<Vec<PriceId>> {
        self.put_prices(reference, &prices, false).await
    }

    async fn put_prices(&self, reference: &str, prices: &PriceMap, replaces_meters: bool) -> Result<Vec<PriceId>> {
        self.engine.check()?;
        let now = self.engine.environment.now();
        let model_config_id = self.one(reference).await?.id;
        let prices = terms_of(prices, now)?;
        let add = Operation::AddPrices { model_config_id, prices, replaces_meters, now };
        let outcome = self.engine.apply(add).await?;
        self.engine.reload().await?;
        match outcome {
            Outcome::PricesAdded(ids) => Ok(ids),
            other => Err(unexpected(&other)),
        }
    }

    /// Returns the prices of a config, or of all, in force or not, by id.
    pub async fn prices(&self, reference: Option<&str>) -> Result<Vec<Price>> {
        self.engine.check()?;
        let snapshot = self.engine.reload().await?;
        let configs = match reference {
            Some(reference) => vec![one(&snapshot, reference)?],
            None => snapshot.configs().to_vec(),
        };
        let mut prices: Vec<_> = configs.iter().flat_map(|config| snapshot.prices(config.id)).cloned().collect();
        prices.sort_by_key(|price| price.id);
        Ok(prices)
    }

    /// Ends a price at an instant, or now. An instant in the past takes the price back from then on; past calls keep it.
    pub async fn expire_price(&self, id: PriceId, at: Option<Timestamp>) -> Result<()> {
        self.engine.check()?;
        let now = self.engine.environment.now();
        self.write(Operation::ExpirePrice { id, at: at.unwrap_or(now), now }).await
    }
}

/// Makes the terms of prices that are given at an instant.
pub(super) fn terms_of(prices: &PriceMap, now: Timestamp) -> Result<Vec<PriceTerms>> {
    if let Some((pricing_type, _)) = prices.iter().find(|(_, list)| list.0.is_empty()) {
        return Err(invalid(format!(
            "the list of prices of {pricing_type} is empty; leave {pricing_type} out, or end the prices that it has"
        )));
    }
    let all = prices.iter().flat_map(|(pricing_type, list)| list.iter().map(|input| (*pricing_type, input)));
    all.map(|(pricing_type, input)| term_of(pricing_type, input, now)).collect()
}

fn term_of(pricing_type: PricingType, input: &PriceDraft, now: Timestamp) -> Result<PriceTerms> {
    if input.unit_price >= Decimal::from(MOST_MONEY) {
        return Err(invalid(format!(
            "the price of {pricing_type} is not below {MOST_MONEY}; give the price of one unit"
        )));
    }
    let terms = PriceTerms {
        pricing_type,
        unit_price: input.unit_price,
        unit: input.unit,
        currency: input.currency,
        conditions: input.conditions.clone(),
        basis: input.basis,
        rounding: input.rounding,
        modifier: input.modifier.clone(),
        effective_date: input.effective_date.unwrap_or(now),
        expiry_date: input.expiry_date,
        known_from: now,
        is_active: true,
        source: input.source.clone().unwrap_or_else(|| "user".to_owned()),
    };
    match terms.problem() {
        Some(problem) => Err(invalid(problem)),
        None => Ok(terms),
    }
}

#[cfg(test)]
#[path = "prices_tests.rs"]
mod tests;
