//! Usage records as version 2 wrote them: without the figure that the prices make beside a stated cost. They are read for
//! ever and written no more.

use super::exchange::ConversionRow;
use super::rows;
use super::version_1::UsageRecordRowV1;
use super::version_3::{HoldRowV2, UsageRecordRowV3};
use super::{FactsRow, IterationRow, ReceiptLineRow, UsageRow};
use crate::store::codec::DecimalBytes;

rows! {
    /// The quantities of an attempt.
    UsageRowV2 in "ai_usage_records" {
        meters: Vec<(String, DecimalBytes)>,
        flags: Vec<String>,
        reported_total: Option<u64>,
        reported_cost: Option<DecimalBytes>,
        iterations: Vec<IterationRow>,
    }
    /// A row of `ai_usage_records`.
    UsageRecordRowV2 in "ai_usage_records" after UsageRecordRowV1 {
        uid: String,
        user: Option<String>,
        tags: Vec<(String, String)>,
        provider_id: u64,
        provider: String,
        model_id: u64,
        model: String,
        model_config_id: u64,
        usage_type: String,
        usage: UsageRowV2,
        facts: FactsRow,
        token_consumed: Option<u64>,
        cost_amount: Option<DecimalBytes>,
        currency: Option<String>,
        cost_status: String,
        billed_by: String,
        receipt: Vec<ReceiptLineRow>,
        price_ids: Vec<u64>,
        conversions: Vec<ConversionRow>,
        adjusts: Option<String>,
        status: String,
        request_id: String,
        provider_request_id: Option<String>,
        served_model: Option<String>,
        attempt: u32,
        error_code: Option<String>,
        error_message: Option<String>,
        latency_ms: u64,
        created_at: i64,
        holds: Vec<HoldRowV2>,
    }
}

impl From<UsageRowV2> for UsageRow {
    fn from(row: UsageRowV2) -> Self {
        Self {
            meters: row.meters,
            flags: row.flags,
            reported_total: row.reported_total,
            reported_cost: row.reported_cost,
            computed_cost: None,
            iterations: row.iterations,
        }
    }
}

impl From<UsageRecordRowV2> for UsageRecordRowV3 {
    fn from(row: UsageRecordRowV2) -> Self {
        Self {
            uid: row.uid,
            user: row.user,
            tags: row.tags,
            provider_id: row.provider_id,
            provider: row.provider,
            model_id: row.model_id,
            model: row.model,
            model_config_id: row.model_config_id,
            usage_type: row.usage_type,
            usage: row.usage.into(),
            facts: row.facts,
            token_consumed: row.token_consumed,
            cost_amount: row.cost_amount,
            currency: row.currency,
            cost_status: row.cost_status,
            billed_by: row.billed_by,
            receipt: row.receipt,
            price_ids: row.price_ids,
            conversions: row.conversions,
            adjusts: row.adjusts,
            status: row.status,
            request_id: row.request_id,
            provider_request_id: row.provider_request_id,
            served_model: row.served_model,
            attempt: row.attempt,
            error_code: row.error_code,
            error_message: row.error_message,
            latency_ms: row.latency_ms,
            created_at: row.created_at,
            holds: row.holds,
        }
    }
}

#[cfg(test)]
#[path = "usage_version_2_tests.rs"]
mod tests;
