//! What the attempts so far add to the reply of a call.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::types::{Attempt, ChatReply, CostStatus, Decimal, Money, Receipt, ReceiptLine, Result};

/// What the attempts so far add to the reply.
#[derive(Clone, Debug, Default)]
pub(in crate::client) struct Draft {
    pub(in crate::client) attempts: Vec<Attempt>,
    pub(in crate::client) lines: Vec<ReceiptLine>,
}

impl Draft {
    /// Returns the place of the next attempt, from 1.
    pub(in crate::client) fn next_number(&self) -> u32 {
        u32::try_from(self.attempts.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Returns the bill of all attempts, by lines.
    pub(in crate::client) fn receipt(&self) -> Result<Receipt> {
        Receipt::from_lines(self.lines.clone())
    }

    /// Returns how sure the cost of the last attempt is.
    pub(in crate::client) fn cost_status(&self) -> CostStatus {
        self.attempts.last().map_or(CostStatus::Unpriced, |attempt| attempt.cost_status)
    }

    /// Sums the attempts; nothing if one has no price, or if two that cost something are in different currencies.
    pub(in crate::client) fn total_cost(&self) -> Option<Money> {
        let costs: Option<Vec<_>> =
            self.attempts.iter().map(|attempt| Some(Money::new(attempt.cost?, attempt.currency?))).collect();
        let costs = costs?;
        let mut total =
            costs.iter().rev().copied().find(|cost| cost.amount != Decimal::ZERO).or(costs.last().copied())?;
        total.amount = Decimal::ZERO;
        for cost in costs.into_iter().filter(|cost| cost.amount != Decimal::ZERO) {
            total = total.checked_add(cost).ok()?;
        }
        Some(total)
    }
}

/// A reply that an idempotency key keeps.
pub(in crate::client) trait Reply: Clone + Send + Serialize + DeserializeOwned + 'static {
    /// Returns the attempts that made it.
    fn attempts_mut(&mut self) -> &mut Vec<Attempt>;

    /// Marks it as that of an earlier call.
    fn mark_replayed(&mut self);
}

impl Reply for ChatReply {
    fn attempts_mut(&mut self) -> &mut Vec<Attempt> {
        &mut self.attempts
    }

    fn mark_replayed(&mut self) {
        self.replayed = true;
    }
}
