//! What accounts count of a late settlement, beyond what they counted when recovery wrote its record.

use crate::budget::window::bucket_at;
use crate::store::apply::balance::{Bucket, Changes};
use crate::store::apply::counted::{Consumed, Counted, HeldAs, Released, in_currency, of_meters, within};
use crate::store::apply::settle::kept_facts;
use crate::store::apply::{pool_holds, quota_holds};
use crate::store::ledger::Ledger;
use crate::store::operation::Cause;
use crate::store::{Hold, Settlement};
use crate::types::{
    AccountId, AccountUnit, BilledBy, Conversion, Currency, Decimal, Dimensions, Money, Result, Usage, UsageFlag,
    UsageRecord, exact_add, exact_subtract,
};

/// The balances that a late settlement moves: of the accounts that held the attempt, in the buckets that held it, and of newer ones
/// that counted its record.
pub(super) struct Counting<'a> {
    record: &'a UsageRecord,
    /// What was held.
    bounds: &'a [Hold],
    /// What recovery moved.
    before: &'a [Hold],
    /// The currency that the attempt was held in.
    currency: Option<Currency>,
    changes: Changes,
    moved: Vec<Hold>,
}

impl<'a> Counting<'a> {
    pub(super) fn new(
        record: &'a UsageRecord,
        (bounds, before): (&'a [Hold], &'a [Hold]),
        currency: Option<Currency>,
    ) -> Self {
        Self { record, bounds, before, currency, changes: Changes::default(), moved: Vec::new() }
    }

    /// Returns the record with what a settlement says of the attempt. Its tokens are those beyond what was counted.
    pub(super) fn settled(&mut self, ledger: &Ledger<'_>, settlement: Settlement) -> Result<UsageRecord> {
        let mut usage = settlement.usage;
        let (tokens, was_cut) = self.count_tokens(ledger, usage.consumed_tokens())?;
        self.count_work(ledger, &usage, settlement.billed_by != BilledBy::NotBilled)?;
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
        let of_tokens = |hold: &&Hold| hold.unit == AccountUnit::Tokens && !quota_holds::is_quotas(hold);
        let bounds = self.bounds.iter().filter(of_tokens).filter(|hold| !hold.amount.is_zero());
        let bound = bounds.filter_map(|hold| u64::try_from(hold.amount).ok()).min();
        let was_cut = bound.is_some_and(|bound| tokens > bound);
        let tokens = i64::try_from(bound.map_or(tokens, |bound| tokens.min(bound))).unwrap_or(i64::MAX);
        let more = tokens.saturating_sub(self.record.token_consumed.unwrap_or_default());
        for hold in self.bounds.iter().filter(of_tokens) {
            self.add(ledger, hold, more.into())?;
        }
        for hold in self.newer(ledger)?.iter().filter(of_tokens) {
            self.add(ledger, hold, more.into())?;
        }
        Ok((Some(more), was_cut))
    }

    /// Counts the request and its meters, beyond what was counted of them.
    fn count_work(&mut self, ledger: &Ledger<'_>, usage: &Usage, is_request: bool) -> Result<()> {
        self.count_quotas(ledger, usage, is_request)?;
        let newer = self.newer(ledger)?;
        let was_request = self.record.billed_by != BilledBy::NotBilled;
        for hold in self.bounds.iter().chain(&newer).filter(|hold| !quota_holds::is_quotas(hold)) {
            let work = match hold.unit {
                AccountUnit::Requests => Decimal::from(u64::from(is_request)),
                AccountUnit::Meter(_) | AccountUnit::AudioSeconds if is_request => of_meters(usage, hold.unit)?,
                AccountUnit::Meter(_) | AccountUnit::AudioSeconds => Decimal::ZERO,
                AccountUnit::Money(_) | AccountUnit::Tokens => continue,
            };
            let own = self.before.iter().find(|moved| Bucket::of(moved) == Bucket::of(hold));
            let counted = match (own, hold.unit) {
                (Some(moved), _) => moved.amount,
                (None, AccountUnit::Meter(_) | AccountUnit::AudioSeconds) => of_meters(&self.record.usage, hold.unit)?,
                (None, _) if newer.contains(hold) => Decimal::from(u64::from(was_request)),
                (None, _) => Decimal::ZERO,
            };
            self.add(ledger, hold, exact_subtract(work, counted)?)?;
        }
        Ok(())
    }

    /// Counts what quotas count, beyond what was counted. Tokens beyond what was proven to be possible are none.
    fn count_quotas(&mut self, ledger: &Ledger<'_>, usage: &Usage, is_request: bool) -> Result<()> {
        for (month, balance) in quota_holds::pairs(self.bounds) {
            let whole = quota_holds::whole(month, balance)?.amount;
            let taken = match (month.unit, usage.consumed_tokens()) {
                (AccountUnit::Tokens, None) => continue,
                (AccountUnit::Tokens, Some(tokens)) if whole.is_zero() => tokens.into(),
                (AccountUnit::Tokens, Some(tokens)) => whole.min(tokens.into()),
                _ if is_request => of_meters(usage, month.unit)?,
                _ => Decimal::ZERO,
            };
            let before = |hold: &Hold| {
                let own = self.before.iter().filter(|moved| Bucket::of(moved) == Bucket::of(hold));
                own.map(|moved| moved.amount).try_fold(Decimal::ZERO, exact_add)
            };
            let (of_balance, of_month) = (before(balance)?, before(month)?);
            let more = exact_subtract(taken, exact_add(of_month, of_balance)?)?;
            let moved = (&mut self.changes, &mut self.moved);
            if more > Decimal::ZERO {
                quota_holds::take(ledger, (month, balance), more, Cause::Adjust, moved)?;
            } else {
                quota_holds::give_back(ledger, (month, balance), -more, of_balance, moved)?;
            }
        }
        Ok(())
    }

    /// Counts an amount, and returns what was moved and what was converted for it.
    pub(super) fn count(
        &mut self,
        ledger: &Ledger<'_>,
        cost: Option<(Decimal, Currency)>,
    ) -> Result<(Vec<Hold>, Vec<Conversion>)> {
        let (mut conversions, at) = (Vec::new(), self.record.facts.started_at);
        if let Some(cost) = cost.map(|(amount, currency)| Money::new(amount, currency)) {
            let made = HeldAs { currency: self.currency, at, bounds_tokens: false };
            let consumed = Consumed { cost: Some(cost), ..Consumed::NOTHING };
            let is_paying = pool_holds::paying(ledger, self.bounds, Some(cost), at);
            for hold in self.bounds.iter().filter(|hold| hold.unit.currency().is_some() && is_paying(hold)) {
                let counted = within(ledger, hold, consumed, made, &mut Released::default())?;
                if let Some(counted) = counted {
                    self.note(ledger, hold, &counted, &mut conversions)?;
                }
            }
            for hold in &self.newer(ledger)? {
                if let AccountUnit::Money(currency) = hold.unit
                    && let Some(counted) = in_currency(cost, currency, None, &ledger.rates_at(at))?
                {
                    self.note(ledger, hold, &counted, &mut conversions)?;
                }
            }
        }
        Ok((std::mem::take(&mut self.moved), conversions))
    }

    /// Closes the accounts that hold the attempt as closing, or opens them, where that has changed.
    pub(super) fn close(&mut self, ledger: &Ledger<'_>, was_closed: bool, is_closed: bool) -> Result<()> {
        for hold in self.bounds.iter().filter(|hold| hold.closes && was_closed != is_closed) {
            let bucket = Bucket::of(hold);
            if !self.changes.is_kept(ledger, &bucket)? {
                continue;
            }
            if is_closed {
                self.changes.hold(ledger, &bucket, (Decimal::ZERO, true), None)?;
            } else {
                self.changes.free(ledger, &bucket, (Decimal::ZERO, true))?;
            }
        }
        Ok(())
    }

    /// Returns the balances.
    pub(super) fn into_changes(self) -> Changes {
        self.changes
    }

    fn note(
        &mut self,
        ledger: &Ledger<'_>,
        hold: &Hold,
        counted: &Counted,
        conversions: &mut Vec<Conversion>,
    ) -> Result<()> {
        if self.changes.is_kept(ledger, &Bucket::of(hold))? {
            counted.note(conversions);
        }
        self.add(ledger, hold, counted.amount)
    }

    /// Adds to what an account counts, if it is still there.
    fn add(&mut self, ledger: &Ledger<'_>, hold: &Hold, amount: Decimal) -> Result<()> {
        let bucket = Bucket::of(hold);
        if self.changes.is_kept(ledger, &bucket)? {
            self.changes.settle(ledger, &bucket, amount, Cause::Adjust)?;
            self.moved.push(Hold { amount, closes: false, ..hold.clone() });
        }
        Ok(())
    }

    /// Returns the budgets that are newer than the reservation, and counted its record when they were made, as holds of nothing.
    fn newer(&self, ledger: &Ledger<'_>) -> Result<Vec<Hold>> {
        let mut newer = Vec::new();
        let record = self.record;
        let dimensions = Dimensions {
            user: record.user.as_deref(),
            tags: &record.tags,
            provider: Some(&record.provider),
            model: Some(&record.model),
        };
        for applying in ledger.applying(&dimensions) {
            let terms = &applying.budget.terms;
            let hold = Hold {
                account: AccountId::Budget(applying.budget.id),
                bucket: bucket_at(terms.window, &terms.time_zone, record.created_at)?,
                part: applying.part,
                unit: terms.limit.unit(),
                amount: Decimal::ZERO,
                closes: false,
                exchange: None,
            };
            let is_own = self.bounds.iter().any(|own| (own.account, &own.part) == (hold.account, &hold.part));
            if !is_own && self.changes.is_kept(ledger, &Bucket::of(&hold))? {
                newer.push(hold);
            }
        }
        Ok(newer)
    }
}
