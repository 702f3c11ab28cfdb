//! What the attempts so far add to the reply of a call.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::types::{
    Attempt, CallParts, CallReply, CostStatus, Decimal, ModelConfig, Money, Receipt, ReceiptLine, Result,
};

/// What the attempts so far add to the reply.
#[derive(Clone, Debug, Default)]
pub(in crate::client) struct Draft {
    pub(in crate::client) attempts: Vec<Attempt>,
    pub(in crate::client) lines: Vec<ReceiptLine>,
    /// The output limit that the attempt was given, where its request had none, or budgets had room for no more.
    pub(in crate::client) output_limit: Option<u64>,
}

impl Draft {
    /// Returns the place of the next attempt, from 1.
    pub(in crate::client) fn next_number(&self) -> u32 {
        u32::try_from(self.attempts.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Returns what the call brings to its reply, of which a config made the answer.
    pub(in crate::client) fn parts(&self, request_id: &str, config: &ModelConfig) -> Result<CallParts> {
        let cost = self.total_cost();
        Ok(CallParts {
            request_id: request_id.to_owned(),
            provider: config.provider.clone(),
            model: config.model_name.clone(),
            cost: cost.map(|cost| cost.amount),
            currency: cost.map(|cost| cost.currency),
            cost_status: self.attempts.last().map_or(CostStatus::Unpriced, |attempt| attempt.cost_status),
            receipt: Receipt::from_lines(self.lines.clone())?,
            attempts: self.attempts.clone(),
        })
    }

    /// Sums the attempts; nothing if one has no price, or if two that cost something are in different currencies.
    fn total_cost(&self) -> Option<Money> {
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

impl<R: CallReply + Clone + Send + Serialize + DeserializeOwned + 'static> Reply for R {
    fn attempts_mut(&mut self) -> &mut Vec<Attempt> {
        CallReply::attempts_mut(self)
    }

    fn mark_replayed(&mut self) {
        CallReply::mark_replayed(self);
    }
}
