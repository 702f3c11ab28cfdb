//! Rerating: what past calls would cost at other prices, and the adjustments that make it so.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::billing::component::Component;
use crate::billing::coverage::configured_tier;
use crate::billing::price::{Bill, BillHead, PriceSet};
use crate::client::engine::{Tollway, unexpected};
use crate::provider::{seller, vendor};
use crate::routing::snapshot::Snapshot;
use crate::store::{Adjustment, Operation, Outcome};
use crate::types::{
    Attribute, BilledBy, CostStatus, Currency, Decimal, Error, ErrorKind, ModelName, Money, PriceBook, PriceId, Result,
    Totals, UsageFilter, UsageFlag, UsageRecord, exact_add, exact_subtract,
};

/// How many differences are written at once.
const AT_ONCE: usize = 256;

/// Which records to bill again, and at which prices.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RerateQuery {
    /// Only records settled at or after this instant.
    pub since: Timestamp,
    /// Only records settled before this instant.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Which of them; its own times narrow those above.
    #[serde(default)]
    pub filter: UsageFilter,
    /// The prices.
    pub book: RerateBook,
}

/// The prices at which records are billed again.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RerateBook {
    /// The file's prices in force when each call began, by what is known now.
    AsKnownNow,
    /// The file's prices in force now.
    InForceNow,
    /// The offers of a list, found by provider and exact model name or alias.
    Book(PriceBook),
}

/// What billing again came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RerateReport {
    /// How many records were looked at.
    pub records: u64,
    /// How many of them cost the same.
    pub unchanged: u64,
    /// Those that cost something else, or could not be billed, in the order of their settlement.
    pub lines: Vec<RerateLine>,
    /// The differences, per currency.
    pub differences: Totals,
    /// Whether the differences were written.
    pub applied: bool,
}

/// A record that costs something else, or could not be billed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RerateLine {
    /// The record.
    pub uid: String,
    /// `provider/model`.
    pub model: String,
    /// What it was billed, earlier adjustments included; absent if it is unpriced.
    pub old_cost: Option<Decimal>,
    /// What it costs at the new prices; absent if they do not price it.
    pub new_cost: Option<Decimal>,
    /// The new cost less the old one; an unpriced record counts as nothing. Absent if it could not be billed.
    pub difference: Option<Decimal>,
    /// The currency of the amounts.
    pub currency: Option<Currency>,
    /// Why it could not be billed, and what to do.
    pub reason: Option<String>,
    /// The price rows that make the new cost.
    pub price_ids: Vec<PriceId>,
}

impl Tollway {
    /// Bills past records again at other prices, and writes the differences if `apply` is set.
    ///
    /// No record changes: each difference is a record of its own that adjusts it, and moves the budgets' running windows.
    /// A record that had no price gets its cost. What was applied once makes no difference the second time. Fails with
    /// `invalid_request` if a price book offers one model twice.
    pub async fn rerate(&self, query: RerateQuery, apply: bool) -> Result<RerateReport> {
        self.engine.check()?;
        let snapshot = self.engine.reload().await?;
        let RerateQuery { since, until, filter, book } = query;
        let since = Some(filter.since.map_or(since, |own| own.max(since)));
        let until = [filter.until, until].into_iter().flatten().min();
        let filter = UsageFilter { since, until, ..filter };
        let adjusted = self.adjusted(&filter).await?;
        let prices = Prices::new(book, snapshot, self.engine.environment.now())?;
        let run = Arc::new(Mutex::new(Run { prices, adjusted, report: RerateReport::default() }));
        let sink = Arc::clone(&run);
        let visit = move |record| sink.lock().unwrap_or_else(PoisonError::into_inner).take(&record);
        self.engine.store.scan_usage_records(filter, Box::new(visit)).await?;
        let mut report = std::mem::take(&mut run.lock().unwrap_or_else(PoisonError::into_inner).report);
        if apply {
            for batch in report.lines.chunks_mut(AT_ONCE) {
                self.apply_batch(batch).await?;
            }
            report.applied = true;
        }
        for line in &report.lines {
            if let (Some(difference), Some(currency)) = (line.difference, line.currency) {
                report.differences.add(Money::new(difference, currency))?;
            }
        }
        Ok(report)
    }

    /// Sums the adjustments that there are of records that a filter may mean.
    async fn adjusted(&self, filter: &UsageFilter) -> Result<BTreeMap<String, Decimal>> {
        let sums = Arc::new(Mutex::new(BTreeMap::<String, Decimal>::new()));
        let sink = Arc::clone(&sums);
        let visit = move |record: UsageRecord| {
            if let (Some(adjusted), Some(amount)) = (record.adjusts, record.cost_amount) {
                let mut sums = sink.lock().unwrap_or_else(PoisonError::into_inner);
                let sum = sums.entry(adjusted).or_default();
                *sum = exact_add(*sum, amount)?;
            }
            Ok(())
        };
        // An adjustment is of its record's user, tags and model; its time and its status are its own.
        let wide = UsageFilter { until: None, status: None, cost_status: None, ..filter.clone() };
        self.engine.store.scan_corrections(wide, Box::new(visit)).await?;
        let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut *sums))
    }

    /// Writes the differences of some lines, which share commits. Calls go on between two batches.
    async fn apply_batch(&self, lines: &mut [RerateLine]) -> Result<()> {
        let applied = join_all(lines.iter_mut().map(|line| self.apply_line(line))).await;
        for (line, applied) in lines.iter_mut().zip(applied) {
            if let Err(error) = applied {
                if concerns_all(&error) {
                    return Err(error);
                }
                (line.difference, line.reason) = (None, Some(error.detail().to_owned()));
            }
        }
        Ok(())
    }

    /// Writes the difference of a line; what another process wrote meanwhile is taken into account.
    async fn apply_line(&self, line: &mut RerateLine) -> Result<()> {
        let (Some(new_cost), Some(currency), None) = (line.new_cost, line.currency, &line.reason) else {
            return Ok(());
        };
        let cost = Money::new(new_cost, currency);
        if line.old_cost.is_none() {
            return self.price_record(&line.uid, cost).await;
        }
        let adjustment = Adjustment {
            adjusts: line.uid.clone(),
            cost,
            price_ids: line.price_ids.clone(),
            record_uid: self.engine.environment.unique_id(),
            now: self.engine.environment.now(),
        };
        match self.engine.apply(Operation::Adjust(Box::new(adjustment))).await? {
            Outcome::Adjusted(difference) => {
                line.old_cost = Some(exact_subtract(new_cost, difference.amount)?);
                line.difference = Some(difference.amount);
                Ok(())
            }
            other => Err(unexpected(&other)),
        }
    }
}

/// Returns whether an error keeps every other difference from being written too.
fn concerns_all(error: &Error) -> bool {
    use ErrorKind::{Closed, CorruptedFile, Forked, NewerFile, Storage};
    matches!(error.kind(), Closed | CorruptedFile | Forked | NewerFile | Storage)
}

/// A run over records.
struct Run {
    prices: Prices,
    adjusted: BTreeMap<String, Decimal>,
    report: RerateReport,
}

impl Run {
    fn take(&mut self, record: &UsageRecord) -> Result<()> {
        // What did no work costs nothing at any price, and a correction is part of what it corrects.
        if record.adjusts.is_some() || record.billed_by == BilledBy::NotBilled {
            return Ok(());
        }
        self.report.records += 1;
        let adjusted = self.adjusted.get(&record.uid).copied().unwrap_or_default();
        let old = record.cost_amount.map(|amount| exact_add(amount, adjusted)).transpose()?;
        let mut line = RerateLine {
            uid: record.uid.clone(),
            model: record.full_name().to_string(),
            old_cost: old,
            new_cost: None,
            difference: None,
            currency: record.currency,
            reason: None,
            price_ids: Vec::new(),
        };
        match self.prices.bill(record, &line.model) {
            Err(Refusal::Skipped) => {
                self.report.unchanged += 1;
                return Ok(());
            }
            Err(Refusal::Failed(error)) => line.reason = Some(error.detail().to_owned()),
            Err(Refusal::Because(reason)) => line.reason = Some(reason),
            Ok((cost, price_ids)) => {
                line.price_ids = price_ids;
                line.new_cost = Some(cost.amount);
                if let Some(currency) = record.currency.filter(|currency| *currency != cost.currency) {
                    line.reason = Some(format!(
                        "it was billed in {currency} and would now cost {cost}; amounts of two currencies have no \
                         difference, so give prices in {currency}"
                    ));
                } else {
                    line.currency = Some(cost.currency);
                    let difference = exact_subtract(cost.amount, old.unwrap_or_default())?;
                    if difference.is_zero() && old.is_some() {
                        self.report.unchanged += 1;
                        return Ok(());
                    }
                    line.difference = Some(difference);
                }
            }
        }
        self.report.lines.push(line);
        Ok(())
    }
}

/// Why a record was not billed.
enum Refusal {
    /// There is nothing to say.
    Skipped,
    /// The reason, and what to do.
    Because(String),
    /// Billing failed.
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The prices of a run.
struct Prices {
    source: Source,
    now: Timestamp,
}

/// The prices of offers, by provider and name.
type Offers = BTreeMap<(String, String), Arc<Vec<Arc<Component>>>>;

enum Source {
    File { snapshot: Arc<Snapshot>, as_of_now: bool },
    Book(Offers),
}

impl Prices {
    fn new(book: RerateBook, snapshot: Arc<Snapshot>, now: Timestamp) -> Result<Self> {
        let source = match book {
            RerateBook::AsKnownNow => Source::File { snapshot, as_of_now: false },
            RerateBook::InForceNow => Source::File { snapshot, as_of_now: true },
            RerateBook::Book(book) => Source::Book(offers(book)?),
        };
        Ok(Self { source, now })
    }

    fn bill(&self, record: &UsageRecord, model: &str) -> std::result::Result<(Money, Vec<PriceId>), Refusal> {
        if matches!(record.billed_by, BilledBy::Recovery | BilledBy::Reservation) {
            return Err(Refusal::Because(
                "it was billed what was reserved, and what it consumed is not known; adjust it by hand".to_owned(),
            ));
        }
        if record.usage.flags.contains(&UsageFlag::UsageExceedsBound) {
            return Err(Refusal::Because(
                "its provider claimed more than was proven to be possible, so that what it consumed is not known; adjust it \
                 by hand"
                    .to_owned(),
            ));
        }
        let at = record.facts.started_at;
        let mut configured = None;
        let prices = match &self.source {
            Source::File { snapshot, as_of_now } => {
                let config = record.model_config_id;
                let Some(found) = snapshot.configs().iter().find(|other| other.id == config) else {
                    return Err(Refusal::Because(format!(
                        "its model config {config} was deleted, and its prices with it; rerate against a price book"
                    )));
                };
                configured = configured_tier(&found.params);
                snapshot.price_set_as_known(config, if *as_of_now { self.now } else { at }, self.now)?
            }
            Source::Book(offers) => match offers.get(&(seller(&record.provider).to_owned(), record.model.clone())) {
                Some(offer) => PriceSet::in_force(offer.iter(), at, Timestamp::MAX)?,
                None if record.cost_status == CostStatus::Unpriced => {
                    return Err(Refusal::Because("the price book has no offer of it".to_owned()));
                }
                None => return Err(Refusal::Skipped),
            },
        };
        let reported_currency = vendor(&record.provider).currency;
        let head = BillHead { attempt: record.attempt, model, reported_currency };
        let bill = prices.bill(head, &record.usage, &record.facts)?;
        let Bill { cost, cost_status, price_ids, covers_tier, has_user_price, .. } = bill;
        // What the provider stated stands over the file's listed prices, as it did when the call was made.
        let is_list = matches!(self.source, Source::File { .. }) && !has_user_price;
        if record.cost_status == CostStatus::Reported && record.usage.reported_cost.is_some() && is_list {
            return Err(Refusal::Skipped);
        }
        let tier = record.facts.get(Attribute::ServiceTier);
        // The plain prices are not those of a tier that had none when it was asked for.
        if record.cost_status == CostStatus::Unpriced && !covers_tier && tier != configured {
            return Err(Refusal::Because(format!(
                "it was served at the tier {:?}, which no price names; add prices of that tier",
                tier.unwrap_or_default()
            )));
        }
        match (cost, record.cost_status) {
            // What the provider stated stays unless the prices say otherwise.
            (Some(_), CostStatus::Reported) if cost_status == CostStatus::Reported => Err(Refusal::Skipped),
            (Some(cost), _) => Ok((cost, price_ids)),
            (None, CostStatus::Reported) => Err(Refusal::Skipped),
            (None, _) => Err(Refusal::Because(
                "the prices that were in force do not price all that it consumed; add the missing ones".to_owned(),
            )),
        }
    }
}

/// Makes the offers of a book findable. A price without a date applies at all times.
fn offers(book: PriceBook) -> Result<Offers> {
    let mut offers = Offers::new();
    for offer in book.offers {
        let terms = offer.prices.iter().map(|price| offer.term(price, Timestamp::MIN));
        let components: Arc<Vec<_>> = Arc::new(terms.map(|terms| Arc::new(Component::of_terms(terms))).collect());
        for name in std::iter::once(&offer.model).chain(&offer.aliases) {
            let key = (seller(&offer.provider).to_owned(), name.clone());
            if offers.insert(key, Arc::clone(&components)).is_some() {
                return Err(crate::client::engine::invalid(format!(
                    "the price book offers {} twice; leave one of the offers out",
                    ModelName::new(&offer.provider, name)
                )));
            }
        }
    }
    Ok(offers)
}

#[cfg(test)]
#[path = "rerate_tests.rs"]
mod tests;
