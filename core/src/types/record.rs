//! Usage records: one billed attempt each, and what is asked of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::currency::Currency;
use super::facts::Facts;
use super::fx_rate::Conversion;
use super::ids::{ModelConfigId, ModelId, PriceId, ProviderId, UsageRecordId};
use super::model_name::ModelName;
use super::receipt::{CostStatus, ReceiptLine};
use super::record_status::RecordStatus;
use super::request::AbandonPolicy;
use super::usage::Usage;

/// What produced the number of a record whose answer did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BilledBy {
    /// The provider's usage, read to its end or complete.
    ProviderUsage,
    /// The policy `drain`: the provider's usage, read after the caller had gone.
    Drain,
    /// The policy `cancel_and_estimate`, or a broken stream without usage.
    Estimate,
    /// The policy `bill_reserved`.
    Reservation,
    /// Recovery at open, after the process had ended before settlement.
    Recovery,
    /// Nothing: the provider answered with an error before doing any work.
    NotBilled,
    /// A correction of another record's cost.
    Adjustment,
}

impl BilledBy {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProviderUsage => "provider_usage",
            Self::Drain => "drain",
            Self::Estimate => "estimate",
            Self::Reservation => "reservation",
            Self::Recovery => "recovery",
            Self::NotBilled => "not_billed",
            Self::Adjustment => "adjustment",
        }
    }

    /// Returns what a policy bills by.
    #[must_use]
    pub const fn policy(policy: AbandonPolicy) -> Self {
        match policy {
            AbandonPolicy::Drain => Self::Drain,
            AbandonPolicy::CancelAndEstimate => Self::Estimate,
            AbandonPolicy::BillReserved => Self::Reservation,
        }
    }
}

/// A row of `ai_usage_records`: one billed attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRecord {
    /// The row.
    pub id: UsageRecordId,
    /// The identity over all ledgers (UUIDv7).
    pub uid: String,
    /// Whom it is billed to.
    pub user: Option<String>,
    /// The labels of the call.
    pub tags: BTreeMap<String, String>,
    /// The provider.
    pub provider_id: ProviderId,
    /// The provider's name.
    pub provider: String,
    /// The model that is billed: a row of `ai_models`.
    pub model_id: ModelId,
    /// The model's name at the provider.
    pub model: String,
    /// The config that was picked, which may be deleted since.
    pub model_config_id: ModelConfigId,
    /// The kind of work: `text_generation`.
    pub usage_type: String,
    /// What it consumed.
    pub usage: Usage,
    /// What it was, as far as prices depend on it.
    #[serde(default)]
    pub facts: Facts,
    /// All tokens, where known. An adjustment's are those beyond what its record says, and may be below zero.
    pub token_consumed: Option<i64>,
    /// What it cost; absent if unpriced. An adjustment's may be below zero.
    pub cost_amount: Option<Decimal>,
    /// The currency of the cost.
    pub currency: Option<Currency>,
    /// Where the cost comes from.
    pub cost_status: CostStatus,
    /// What produced the number.
    pub billed_by: BilledBy,
    /// The lines of the cost.
    pub receipt: Vec<ReceiptLine>,
    /// The price rows that were applied.
    pub price_ids: Vec<PriceId>,
    /// The cost in the currencies of budgets that it moved, at rates that no later one changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conversions: Vec<Conversion>,
    /// The uid of the record whose cost this one corrects; absent on every other record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjusts: Option<String>,
    /// How it ended.
    pub status: RecordStatus,
    /// The id of the call, shared by its attempts.
    pub request_id: String,
    /// The provider's id of the request.
    pub provider_request_id: Option<String>,
    /// The model that the provider says it served.
    pub served_model: Option<String>,
    /// The place among the call's attempts, from 1.
    pub attempt: u32,
    /// The code of the error that ended it.
    pub error_code: Option<String>,
    /// The error's sentence.
    pub error_message: Option<String>,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
    /// When it was settled.
    pub created_at: Timestamp,
}

impl UsageRecord {
    /// Returns the name of the model that is billed.
    #[must_use]
    pub fn full_name(&self) -> ModelName<'_> {
        ModelName::new(&self.provider, &self.model)
    }
}

/// Which usage records to return. Records come in the order of the times at which they were settled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct UsageFilter {
    /// Only those of a user.
    pub user: Option<String>,
    /// Only those with all these tags.
    pub tags: BTreeMap<String, String>,
    /// Only those of a provider.
    pub provider: Option<String>,
    /// Only those of a model, as `provider/model` or the bare name.
    pub model: Option<String>,
    /// Only those of one call.
    pub request_id: Option<String>,
    /// Only those with a status.
    pub status: Option<RecordStatus>,
    /// Only those with a cost status.
    pub cost_status: Option<CostStatus>,
    /// Only those settled at or after this instant.
    pub since: Option<Timestamp>,
    /// Only those settled before this instant.
    pub until: Option<Timestamp>,
}

impl UsageFilter {
    /// Returns whether a record passes.
    #[must_use]
    pub fn is_met_by(&self, record: &UsageRecord) -> bool {
        fn is<T: PartialEq>(wanted: Option<&T>, actual: &T) -> bool {
            wanted.is_none_or(|wanted| wanted == actual)
        }
        self.user.as_ref().is_none_or(|user| record.user.as_ref() == Some(user))
            && self.tags.iter().all(|(key, value)| record.tags.get(key) == Some(value))
            && is(self.provider.as_ref(), &record.provider)
            && self.names_model(&record.provider, &record.model)
            && is(self.request_id.as_ref(), &record.request_id)
            && is(self.status.as_ref(), &record.status)
            && is(self.cost_status.as_ref(), &record.cost_status)
            && self.since.is_none_or(|since| record.created_at >= since)
            && self.until.is_none_or(|until| record.created_at < until)
    }

    /// Returns whether records of a model pass, as far as it is named.
    #[must_use]
    pub fn names_model(&self, provider: &str, model: &str) -> bool {
        self.model.as_ref().is_none_or(|wanted| {
            wanted == model || wanted.split_once('/').is_some_and(|parts| parts == (provider, model))
        })
    }
}

/// Where a record stands among others: they are in the order of their times, and those of one time in that of their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordPlace {
    /// When it was settled.
    pub at: Timestamp,
    /// The record.
    pub id: UsageRecordId,
}

impl RecordPlace {
    /// Returns where a record stands.
    #[must_use]
    pub const fn of(record: &UsageRecord) -> Self {
        Self { at: record.created_at, id: record.id }
    }
}

/// In which order records come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RecordOrder {
    /// In the order of the times at which they were settled.
    #[default]
    Asc,
    /// The newest first.
    Desc,
}

/// A page of usage records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsagePage {
    /// The records.
    pub records: Vec<UsageRecord>,
    /// What to pass to get the next page; absent on the last one.
    pub next_cursor: Option<String>,
}
