//! What budgets count of a late settlement, beyond what they counted when recovery wrote its record.

use std::collections::BTreeMap;

use crate::budget::window::window_bounds;
use crate::store::apply::balance::{self, HeldAs, Moved};
use crate::store::apply::settle::kept_facts;
use crate::store::ledger::Ledger;
use crate::store::tables::BalanceKey;
use crate::store::{Hold, Settlement};
use crate::types::{Balance, Conversion, Currency, Decimal, Limit, Money, Result, UsageFlag, UsageRecord, exact_add};

/// The balances that a late settlement moves: of the budgets that held the attempt, in the windows that held it, and of newer ones
/// that counted its record.
pub(super) struct Counting<'a> {
    record: &'a UsageRecord,
    holds: &'a [Hold],
    /// The currency that the attempt was held in.
    currency: Option<Currency>,
    balances: BTreeMap<BalanceKey, Balance>,
}

impl<'a> Counting<'a> {
    pub(super) fn new(record: &'a UsageRecord, holds: &'a [Hold], currency: Option<Currency>) -> Self {
        Self { record, holds, currency, balances: BTreeMap::new() }
    }

    /// Returns the record with what a settlement says of the attempt. Its tokens are those beyond what was counted.
    pub(super) fn settled(&mut self, ledger: &Ledger<'_>, settlement: Settlement) -> Result<UsageRecord> {
        let mut usage = settlement.usage;
        let (tokens, was_cut) = self.count_tokens(ledger, usage.consumed_tokens())?;
        if was_cut {
            usage.flag(UsageFlag::UsageExceedsBound);
        }
        Ok(UsageRecord {
            usage,
            facts: kept_facts(settlement.facts),
            token_consumed: tokens,
            cost_amount: settlement.cost.map(|cost| cost.amount),
            currency: settlement.cost.map(|cost| cost.currency),
            cost_status: settlement.cost_status,
            receipt: settlement.receipt,
            price_ids: settlement.price_ids,
            status: settlement.status,
            provider_request_id: settlement.provider_request_id,
            served_model: settlement.served_model,
            error_code: settlement.error_code,
            error_message: settlement.error_message,
            latency_ms: settlement.latency_ms,
            ..self.record.clone()
        })
    }

    /// Counts the tokens beyond those that were counted; returns them, and whether more were claimed than was proven to be possible.
    fn count_tokens(&mut self, ledger: &Ledger<'_>, tokens: Option<u64>) -> Result<(Option<i64>, bool)> {
        let Some(tokens) = tokens else { return Ok((None, false)) };
        let bounds = self.holds.iter().filter(|hold| hold.currency.is_none() && !hold.amount.is_zero());
        let bound = bounds.filter_map(|hold| u64::try_from(hold.amount).ok()).min();
        let was_cut = bound.is_some_and(|bound| tokens > bound);
        let tokens = i64::try_from(bound.map_or(tokens, |bound| tokens.min(bound))).unwrap_or(i64::MAX);
        let more = tokens.saturating_sub(self.record.token_consumed.unwrap_or_default());
        let own = self.holds.iter().filter(|hold| hold.currency.is_none());
        for hold in own {
            self.add(ledger, balance::key(hold.budget_id, hold.window_start), more.into())?;
        }
        for (key, limit) in self.newer(ledger)? {
            if matches!(limit, Limit::Tokens(_)) {
                self.add(ledger, key, more.into())?;
            }
        }
        Ok((Some(more), was_cut))
    }

    /// Counts an amount, and returns what was converted for it.
    pub(super) fn count(&mut self, ledger: &Ledger<'_>, cost: Option<(Decimal, Currency)>) -> Result<Vec<Conversion>> {
        let (mut conversions, at) = (Vec::new(), self.record.facts.started_at);
        let Some(cost) = cost.map(|(amount, currency)| Money::new(amount, currency)) else { return Ok(conversions) };
        let made = HeldAs { currency: self.currency, at, bounds_tokens: false };
        for hold in self.holds.iter().filter(|hold| hold.currency.is_some()) {
            let counted = balance::within(ledger, hold, Some(cost), None, made, &mut Moved::default())?;
            let key = balance::key(hold.budget_id, hold.window_start);
            if let Some(counted) = counted
                && self.add(ledger, key, counted.amount)?
            {
                counted.note(&mut conversions);
            }
        }
        for (key, limit) in self.newer(ledger)? {
            if let Limit::Money(limit) = limit
                && let Some(counted) = balance::in_currency(ledger, cost, limit.currency, None, at)?
                && self.add(ledger, key, counted.amount)?
            {
                counted.note(&mut conversions);
            }
        }
        Ok(conversions)
    }

    /// Closes the budgets that hold the attempt as closing, or opens them, where that has changed.
    pub(super) fn close(&mut self, ledger: &Ledger<'_>, was_closed: bool, is_closed: bool) -> Result<()> {
        for hold in self.holds.iter().filter(|hold| hold.closes && was_closed != is_closed) {
            let key = balance::key(hold.budget_id, hold.window_start);
            if self.add(ledger, key, Decimal::ZERO)?
                && let Some(balance) = self.balances.get_mut(&key)
            {
                let holds = balance.holds;
                balance.holds = if is_closed { holds.saturating_add(1) } else { holds.saturating_sub(1) };
            }
        }
        Ok(())
    }

    /// Writes the balances.
    pub(super) fn write(self, ledger: &mut Ledger<'_>) -> Result<()> {
        self.balances.into_iter().try_for_each(|balance| balance::write(ledger, balance))
    }

    /// Adds to what a budget counts. Returns whether there is such a budget still.
    fn add(&mut self, ledger: &Ledger<'_>, key: BalanceKey, amount: Decimal) -> Result<bool> {
        if ledger.budget_rows.get(key.0)?.is_none() {
            return Ok(false);
        }
        let mut balance = self.balances.get(&key).map_or_else(|| balance::read(ledger, key), |known| Ok(*known))?;
        balance.settled = exact_add(balance.settled, amount)?;
        self.balances.insert(key, balance);
        Ok(true)
    }

    /// Returns the budgets that are newer than the reservation, and counted its record when they were made.
    fn newer(&self, ledger: &Ledger<'_>) -> Result<Vec<(BalanceKey, Limit)>> {
        let mut newer = Vec::new();
        for budget in ledger.applying(self.record.user.as_deref(), &self.record.tags) {
            let bounds = window_bounds(budget.terms.window, &budget.terms.time_zone, self.record.created_at)?;
            let key = balance::key(budget.id, bounds.map(|(start, _)| start));
            if !self.holds.iter().any(|hold| hold.budget_id == budget.id) && ledger.balances.get(key)?.is_some() {
                newer.push((key, budget.terms.limit));
            }
        }
        Ok(newer)
    }
}
