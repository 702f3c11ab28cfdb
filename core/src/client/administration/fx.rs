//! What administrators do with exchange rates.

use crate::client::engine::{Tollway, unexpected};
use crate::store::{NewFxRate, Operation, Outcome};
use crate::types::{FxRate, FxRateTerms, Result};

impl Tollway {
    /// Adds an exchange rate, with which budgets of one currency hold and count calls that are priced in the other.
    ///
    /// A rate is never changed: the newest that has begun applies, and what was converted keeps the rate that it had.
    /// Fails with `invalid_request` if the rate is not above zero, or converts a currency to itself.
    pub async fn set_fx_rate(&self, input: FxRateTerms) -> Result<FxRate> {
        self.engine.check()?;
        let now = self.engine.environment.now();
        let rate = NewFxRate {
            from: input.from,
            to: input.to,
            rate: input.rate,
            effective_date: input.effective_date.unwrap_or(now),
            source: input.source.unwrap_or_else(|| "user".to_owned()),
        };
        let outcome = self.engine.apply(Operation::AddFxRate { rate, now }).await?;
        self.engine.reload().await?;
        match outcome {
            Outcome::FxRateAdded(rate) => Ok(rate),
            other => Err(unexpected(&other)),
        }
    }

    /// Returns all exchange rates, by id.
    pub async fn fx_rates(&self) -> Result<Vec<FxRate>> {
        self.engine.check()?;
        Ok(self.engine.reload().await?.fx_rates().to_vec())
    }
}
