//! Usage records as they are shown.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use tollway::types::{
    self, BilledBy, Conversion, CostStatus, Currency, Decimal, Facts, ModelConfigId, ModelId, PriceId, ProviderId,
    ReceiptLine, RecordStatus, Usage, UsageRecordId,
};

use super::{Shown, full_name};

/// One billed attempt, as it stands in the ledger.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsageRecord<'a> {
    /// The row.
    id: UsageRecordId,
    /// The identity over all ledgers.
    uid: &'a str,
    /// Whom it is billed to.
    user: Option<&'a str>,
    /// The labels of the call.
    tags: &'a BTreeMap<String, String>,
    /// The provider.
    provider_id: ProviderId,
    /// The provider's name.
    provider: &'a str,
    /// The model that is billed: a row of `ai_models`.
    model_id: ModelId,
    /// The model that was asked, as `provider/model`.
    model: String,
    /// The config that was picked, which may be deleted since.
    model_config_id: ModelConfigId,
    /// The kind of work: `text_generation`.
    usage_type: &'a str,
    /// What it consumed.
    usage: &'a Usage,
    /// All tokens, where known. An adjustment's are those beyond what its record says, and may be below zero.
    token_consumed: Option<i64>,
    /// What it cost, in `currency`; absent if it is unpriced. An adjustment's may be below zero.
    cost_amount: Option<Decimal>,
    /// The currency of the cost.
    currency: Option<Currency>,
    /// Where the cost comes from: `reported`, `computed`, `estimated` or `unpriced`.
    cost_status: CostStatus,
    /// What produced the number, such as `provider_usage`, `drain`, `estimate` or `adjustment`.
    billed_by: BilledBy,
    /// The lines of the cost.
    receipt: &'a [ReceiptLine],
    /// The price rows that were applied.
    price_ids: &'a [PriceId],
    /// What it was, as far as prices depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<&'a Facts>,
    /// The cost in the currencies of budgets that it moved, at rates that no later one changes.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    conversions: &'a [Conversion],
    /// The uid of the record whose cost this one corrects; absent on every other record.
    #[serde(skip_serializing_if = "Option::is_none")]
    adjusts: Option<&'a str>,
    /// How it ended: `success`, `failed`, `timeout`, `cancelled` or `partial`.
    status: RecordStatus,
    /// The id of the call, shared by its attempts.
    request_id: &'a str,
    /// The provider's id of the request.
    provider_request_id: Option<&'a str>,
    /// The model that the provider says it served.
    served_model: Option<&'a str>,
    /// The place among the call's attempts, from 1.
    attempt: u32,
    /// The code of the error that ended it.
    error_code: Option<&'a str>,
    /// The error's sentence.
    error_message: Option<&'a str>,
    /// How long it took, in milliseconds.
    latency_ms: u64,
    /// When it was settled.
    created_at: Timestamp,
}

/// A page of usage records.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UsagePage<'a> {
    /// The records.
    records: Vec<UsageRecord<'a>>,
    /// What to pass to get the next page; absent on the last one.
    next_cursor: Option<&'a str>,
}

impl Shown for types::UsagePage {
    type Form<'a> = UsagePage<'a>;

    fn shown(&self) -> UsagePage<'_> {
        UsagePage { records: self.records.iter().map(record).collect(), next_cursor: self.next_cursor.as_deref() }
    }
}

fn record(record: &types::UsageRecord) -> UsageRecord<'_> {
    // Each field by its name, so that one that is added is not forgotten here.
    let types::UsageRecord {
        id,
        uid,
        user,
        tags,
        provider_id,
        provider,
        model_id,
        model,
        model_config_id,
        usage_type,
        usage,
        facts,
        token_consumed,
        cost_amount,
        currency,
        cost_status,
        billed_by,
        receipt,
        price_ids,
        conversions,
        adjusts,
        status,
        request_id,
        provider_request_id,
        served_model,
        attempt,
        error_code,
        error_message,
        latency_ms,
        created_at,
    } = record;
    UsageRecord {
        id: *id,
        uid,
        user: user.as_deref(),
        tags,
        provider_id: *provider_id,
        provider,
        model_id: *model_id,
        model: full_name(provider, model),
        model_config_id: *model_config_id,
        usage_type,
        usage,
        facts: Some(facts),
        token_consumed: *token_consumed,
        cost_amount: *cost_amount,
        currency: *currency,
        cost_status: *cost_status,
        billed_by: *billed_by,
        receipt,
        price_ids,
        conversions,
        adjusts: adjusts.as_deref(),
        status: *status,
        request_id,
        provider_request_id: provider_request_id.as_deref(),
        served_model: served_model.as_deref(),
        attempt: *attempt,
        error_code: error_code.as_deref(),
        error_message: error_message.as_deref(),
        latency_ms: *latency_ms,
        created_at: *created_at,
    }
}
