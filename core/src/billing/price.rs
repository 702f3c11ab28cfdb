//! Pricing: usage times the prices in force, as the lines of a receipt.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::types::{
    CostStatus, Currency, Decimal, Error, ErrorKind, Meter, Money, Price, PriceId, ReceiptLine, Result, Usage,
    UsageFlag, exact_add, exact_amount,
};

/// The prices of one model config that are in force at one instant, in one currency.
#[derive(Clone, Debug, Default)]
pub struct PriceSet {
    by_meter: BTreeMap<Meter, Price>,
}

/// What an attempt costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Bill {
    /// The cost; absent if unpriced.
    pub cost: Option<Money>,
    /// Where the cost comes from.
    pub cost_status: CostStatus,
    /// The lines, in the order of the meters.
    pub lines: Vec<ReceiptLine>,
    /// The price rows that were applied, in the order of the lines.
    pub price_ids: Vec<PriceId>,
}

/// Which attempt the lines of a bill belong to.
#[derive(Clone, Copy, Debug)]
pub struct BillHead<'a> {
    /// The place among the call's attempts, from 1.
    pub attempt: u32,
    /// `provider/model`.
    pub model: &'a str,
    /// The currency that the provider reports costs in.
    pub reported_currency: Currency,
}

impl PriceSet {
    /// Picks the prices in force at an instant.
    ///
    /// Fails with `currency_mismatch` if they are in two currencies, which cannot make one cost.
    pub fn in_force<'a>(prices: impl IntoIterator<Item = &'a Price>, at: Timestamp) -> Result<Self> {
        let mut set = Self::default();
        for price in prices.into_iter().filter(|price| price.terms.in_force(at)) {
            if let Some(currency) = set.currency()
                && currency != price.terms.currency
            {
                return Err(Error::new(
                    ErrorKind::CurrencyMismatch,
                    format!(
                        "prices of one model are in {currency} and in {}; set all of them in one currency",
                        price.terms.currency
                    ),
                ));
            }
            let newer = set
                .by_meter
                .get(&price.terms.pricing_type)
                .is_none_or(|other| (other.terms.effective_date, other.id) < (price.terms.effective_date, price.id));
            if newer {
                set.by_meter.insert(price.terms.pricing_type, price.clone());
            }
        }
        Ok(set)
    }

    /// Returns the one currency of the prices.
    #[must_use]
    pub fn currency(&self) -> Option<Currency> {
        self.by_meter.values().next().map(|price| price.terms.currency)
    }

    /// Tells whether text can be priced: both its input and its output have a price.
    #[must_use]
    pub fn prices_text(&self) -> bool {
        self.price_of(Meter::InputToken).is_some() && self.price_of(Meter::OutputToken).is_some()
    }

    /// Returns the price of a meter: its own, or that of the nearest parent which has one.
    #[must_use]
    pub fn price_of(&self, meter: Meter) -> Option<&Price> {
        std::iter::successors(Some(meter), |meter| meter.parent()).find_map(|meter| self.by_meter.get(&meter))
    }

    /// Prices what an attempt consumed.
    ///
    /// Without a price for a meter that was used, the provider's reported cost stands in; without that, the bill is
    /// unpriced, which is not zero. Fails with `internal` only if an exact amount does not fit 28 digits.
    pub fn bill(&self, head: BillHead<'_>, usage: &Usage) -> Result<Bill> {
        let mut lines = Vec::new();
        let mut request = BTreeMap::from([(Meter::Request, 1)]);
        request.retain(|meter, _| self.by_meter.contains_key(meter));
        for (note, meters) in [(None, &usage.meters), (None, &request)].into_iter().chain(
            usage.iterations.iter().filter(|done| done.model.is_none()).map(|done| (Some(&done.kind), &done.meters)),
        ) {
            for (meter, quantity) in meters.iter().filter(|(_, quantity)| **quantity > 0) {
                lines.push(self.line(head, *meter, *quantity, note.cloned())?);
            }
        }
        let known = usage.input_tokens().is_some() || usage.output_tokens().is_some();
        if known && self.currency().is_some() && lines.iter().all(|line| line.amount.is_some()) {
            let currency = self.currency().unwrap_or(head.reported_currency);
            let mut total = Decimal::ZERO;
            for amount in lines.iter().filter_map(|line| line.amount) {
                total = exact_add(total, amount)?;
            }
            let price_ids = lines.iter().filter_map(|line| line.price_id).collect();
            let doubtful = [UsageFlag::Estimated, UsageFlag::UnpricedIteration, UsageFlag::OtherServiceTier];
            let estimated = usage.flags.iter().any(|flag| doubtful.contains(flag));
            let cost_status = if estimated { CostStatus::Estimated } else { CostStatus::Computed };
            return Ok(Bill { cost: Some(Money::new(total, currency)), cost_status, lines, price_ids });
        }
        if let Some(reported) = usage.reported_cost {
            let cost = Money::new(reported, head.reported_currency);
            let line = flat_line(head, "reported cost", cost);
            return Ok(Bill {
                cost: Some(cost),
                cost_status: CostStatus::Reported,
                lines: vec![line],
                price_ids: vec![],
            });
        }
        let price_ids = lines.iter().filter_map(|line| line.price_id).collect();
        Ok(Bill { cost: None, cost_status: CostStatus::Unpriced, lines, price_ids })
    }

    /// Returns the most that an attempt can cost whose input and output are bounded; nothing if text has no price.
    ///
    /// The dearest rate counts for all of the input, and for all of the output. `writes_1h` tells whether the request
    /// asks for 1-hour cache writes; no provider makes them unasked.
    pub fn worst_case(&self, input_tokens: u64, output_tokens: u64, writes_1h: bool) -> Result<Option<Money>> {
        if !self.prices_text() {
            return Ok(None);
        }
        let input = [Meter::InputToken, Meter::CachedInputToken, Meter::CacheWrite5mToken, Meter::CacheWrite1hToken];
        let input = &input[..if writes_1h { 4 } else { 3 }];
        let output = [Meter::OutputToken, Meter::ReasoningToken];
        let mut total = Decimal::ZERO;
        for (meters, quantity) in [(input, input_tokens), (&output[..], output_tokens), (&[Meter::Request][..], 1)] {
            let mut dearest = Decimal::ZERO;
            for price in meters.iter().filter_map(|meter| self.price_of(*meter)) {
                dearest = dearest.max(exact_amount(price.terms.unit_price, quantity, price.terms.unit.size())?);
            }
            total = exact_add(total, dearest)?;
        }
        Ok(self.currency().map(|currency| Money::new(total, currency)))
    }

    fn line(&self, head: BillHead<'_>, meter: Meter, quantity: u64, note: Option<String>) -> Result<ReceiptLine> {
        let price = self.price_of(meter);
        let terms = price.map(|price| &price.terms);
        Ok(ReceiptLine {
            attempt: head.attempt,
            model: head.model.to_owned(),
            meter: Some(meter),
            note,
            quantity,
            unit_price: terms.map(|terms| terms.unit_price),
            unit: terms.map(|terms| terms.unit),
            price_id: price.map(|price| price.id),
            amount: terms.map(|terms| exact_amount(terms.unit_price, quantity, terms.unit.size())).transpose()?,
            currency: terms.map(|terms| terms.currency),
        })
    }
}

/// Makes the single line of an amount that no meter makes.
#[must_use]
pub fn flat_line(head: BillHead<'_>, note: &str, cost: Money) -> ReceiptLine {
    ReceiptLine {
        attempt: head.attempt,
        model: head.model.to_owned(),
        meter: None,
        note: Some(note.to_owned()),
        quantity: 1,
        unit_price: None,
        unit: None,
        price_id: None,
        amount: Some(cost.amount),
        currency: Some(cost.currency),
    }
}

#[cfg(test)]
#[path = "price_tests.rs"]
mod tests;
