//! Rows as version 1 wrote them, for those types that have a later version. They are read for ever and written no more.

use super::rows;
use super::usage_version_2::{UsageRecordRowV2, UsageRowV2};
use super::version_2::ReservationRowV2;
use super::version_3::HoldRowV2;
use super::{IterationRow, LedgerStateRow, MoneyRow, PriceRow, ReceiptLineRow};
use crate::store::codec::DecimalBytes;
use crate::types::{Basis, Decimal};

rows! {
    /// The state of the file, before records were digested into rollups.
    LedgerStateRowV1 in "meta" {
        tables: Vec<(u8, u64, [u8; 16])>,
        head_record: u64,
        head_link: [u8; 16],
        first_record: u64,
    }
    /// What was held in one budget and window.
    HoldRowV1 in "reservations" {
        budget_id: u64,
        window_start: Option<i64>,
        amount: DecimalBytes,
        currency: Option<String>,
        closes: bool,
    }
    /// A row of `reservations`.
    ReservationRowV1 in "reservations" {
        session: u64,
        request_id: String,
        attempt: u32,
        record_uid: String,
        user: Option<String>,
        tags: Vec<(String, String)>,
        model_config_id: u64,
        provider: String,
        model: String,
        capability: String,
        worst_case: Option<MoneyRow>,
        worst_case_tokens: u64,
        on_unpriced: Option<String>,
        created_at: i64,
        expires_at: i64,
        holds: Vec<HoldRowV1>,
    }
    /// A row of `ai_model_pricing`: an unconditional price of one meter.
    PriceRowV1 in "ai_model_pricing" {
        model_id: u64,
        pricing_type: String,
        unit_price: DecimalBytes,
        unit: String,
        currency: String,
        effective_date: i64,
        expiry_date: Option<i64>,
        is_active: bool,
        source: String,
        created_at: i64,
    }
    /// The quantities of an attempt, all whole.
    UsageRowV1 in "ai_usage_records" {
        meters: Vec<(String, u64)>,
        flags: Vec<String>,
        reported_total: Option<u64>,
        reported_cost: Option<DecimalBytes>,
        iterations: Vec<IterationRowV1>,
    }
    /// Billed work that the meters leave out.
    IterationRowV1 in "ai_usage_records" {
        kind: String,
        model: Option<String>,
        meters: Vec<(String, u64)>,
    }
    /// A line of a receipt.
    ReceiptLineRowV1 in "ai_usage_records" {
        attempt: u32,
        model: String,
        meter: Option<String>,
        note: Option<String>,
        quantity: u64,
        unit_price: Option<DecimalBytes>,
        unit: Option<String>,
        price_id: Option<u64>,
        amount: Option<DecimalBytes>,
        currency: Option<String>,
    }
    /// A row of `ai_usage_records`.
    UsageRecordRowV1 in "ai_usage_records" {
        uid: String,
        user: Option<String>,
        tags: Vec<(String, String)>,
        provider_id: u64,
        provider: String,
        model_id: u64,
        model: String,
        model_config_id: u64,
        usage_type: String,
        usage: UsageRowV1,
        token_consumed: Option<u64>,
        cost_amount: Option<DecimalBytes>,
        currency: Option<String>,
        cost_status: String,
        billed_by: String,
        receipt: Vec<ReceiptLineRowV1>,
        price_ids: Vec<u64>,
        status: String,
        request_id: String,
        provider_request_id: Option<String>,
        served_model: Option<String>,
        attempt: u32,
        error_code: Option<String>,
        error_message: Option<String>,
        latency_ms: u64,
        created_at: i64,
        holds: Vec<HoldRowV1>,
    }
}

fn whole(quantity: u64) -> DecimalBytes {
    Decimal::from(quantity).serialize()
}

fn whole_meters(meters: Vec<(String, u64)>) -> Vec<(String, DecimalBytes)> {
    meters.into_iter().map(|(meter, quantity)| (meter, whole(quantity))).collect()
}

fn all<From, To: std::convert::From<From>>(rows: Vec<From>) -> Vec<To> {
    rows.into_iter().map(To::from).collect()
}

impl From<HoldRowV1> for HoldRowV2 {
    fn from(row: HoldRowV1) -> Self {
        Self {
            budget_id: row.budget_id,
            window_start: row.window_start,
            amount: row.amount,
            currency: row.currency,
            closes: row.closes,
            exchange: None,
        }
    }
}

impl From<ReservationRowV1> for ReservationRowV2 {
    fn from(row: ReservationRowV1) -> Self {
        Self {
            session: row.session,
            request_id: row.request_id,
            attempt: row.attempt,
            record_uid: row.record_uid,
            user: row.user,
            tags: row.tags,
            model_config_id: row.model_config_id,
            provider: row.provider,
            model: row.model,
            capability: row.capability,
            worst_case: row.worst_case,
            worst_case_tokens: row.worst_case_tokens,
            on_unpriced: row.on_unpriced,
            created_at: row.created_at,
            expires_at: row.expires_at,
            holds: all(row.holds),
        }
    }
}

impl From<PriceRowV1> for PriceRow {
    fn from(row: PriceRowV1) -> Self {
        Self {
            model_id: row.model_id,
            pricing_type: row.pricing_type,
            unit_price: row.unit_price,
            unit: row.unit,
            currency: row.currency,
            conditions: String::new(),
            basis: Basis::Replaces.name().to_owned(),
            min_charge_unit: None,
            minimum_quantity: None,
            minimum_charge: None,
            modifier: None,
            effective_date: row.effective_date,
            expiry_date: row.expiry_date,
            known_from: row.created_at,
            superseded: None,
            is_active: row.is_active,
            source: row.source,
            created_at: row.created_at,
        }
    }
}

impl From<LedgerStateRowV1> for LedgerStateRow {
    fn from(row: LedgerStateRowV1) -> Self {
        Self {
            tables: row.tables,
            head_record: row.head_record,
            head_link: row.head_link,
            first_record: row.first_record,
            digested_record: 0,
        }
    }
}

impl From<UsageRowV1> for UsageRowV2 {
    fn from(row: UsageRowV1) -> Self {
        Self {
            meters: whole_meters(row.meters),
            flags: row.flags,
            reported_total: row.reported_total,
            reported_cost: row.reported_cost,
            iterations: all(row.iterations),
        }
    }
}

impl From<IterationRowV1> for IterationRow {
    fn from(row: IterationRowV1) -> Self {
        Self { kind: row.kind, model: row.model, meters: whole_meters(row.meters) }
    }
}

impl From<ReceiptLineRowV1> for ReceiptLineRow {
    fn from(row: ReceiptLineRowV1) -> Self {
        Self {
            attempt: row.attempt,
            model: row.model,
            meter: row.meter,
            note: row.note,
            quantity: whole(row.quantity),
            billed_quantity: None,
            unit_price: row.unit_price,
            unit: row.unit,
            price_id: row.price_id,
            modifiers: Vec::new(),
            amount: row.amount,
            currency: row.currency,
        }
    }
}

impl From<UsageRecordRowV1> for UsageRecordRowV2 {
    fn from(row: UsageRecordRowV1) -> Self {
        // The start was not kept; it lies before the settlement by as long as the attempt took.
        let latency = i64::try_from(row.latency_ms).unwrap_or(i64::MAX).saturating_mul(1_000);
        let first = jiff::Timestamp::MIN.as_microsecond();
        let started_at = row.created_at.saturating_sub(latency).max(first.min(row.created_at));
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
            facts: super::FactsRow {
                attributes: Vec::new(),
                measures: Vec::new(),
                started_at,
                first_token_at: None,
                completed_at: None,
            },
            token_consumed: row.token_consumed,
            cost_amount: row.cost_amount,
            currency: row.currency,
            cost_status: row.cost_status,
            billed_by: row.billed_by,
            receipt: all(row.receipt),
            price_ids: row.price_ids,
            conversions: Vec::new(),
            adjusts: None,
            status: row.status,
            request_id: row.request_id,
            provider_request_id: row.provider_request_id,
            served_model: row.served_model,
            attempt: row.attempt,
            error_code: row.error_code,
            error_message: row.error_message,
            latency_ms: row.latency_ms,
            created_at: row.created_at,
            holds: all(row.holds),
        }
    }
}

#[cfg(test)]
#[path = "version_1_tests.rs"]
mod tests;
