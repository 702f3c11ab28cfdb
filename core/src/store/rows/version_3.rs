//! Rows as they were written before balances were those of accounts, for those types that have a later version. They are read for
//! ever and written no more.

use super::exchange::{ConversionRow, ExchangeRow};
use super::rows;
use super::usage_version_2::UsageRecordRowV2;
use super::version_2::ReservationRowV2;
use super::{BudgetRow, FactsRow, HoldRow, MoneyRow, ReceiptLineRow, ReservationRow, UsageRecordRow, UsageRow};
use crate::store::codec::DecimalBytes;
use crate::types::{AccountUnit, Enforcement, OnExceeded};

rows! {
    /// A row of `budgets`. The limit counts tokens where the currency is absent.
    BudgetRowV1 in "budgets" {
        scope: String,
        scope_key: String,
        scope_value: String,
        limit: DecimalBytes,
        currency: Option<String>,
        window: String,
        time_zone: String,
        created_at: i64,
        updated_at: i64,
    }
    /// A row of `budget_balances`.
    BudgetBalanceRow in "budget_balances" {
        settled: DecimalBytes,
        reserved: DecimalBytes,
        holds: u64,
    }
    /// What was held in one budget and window.
    HoldRowV2 in "reservations" {
        budget_id: u64,
        window_start: Option<i64>,
        amount: DecimalBytes,
        currency: Option<String>,
        closes: bool,
        exchange: Option<ExchangeRow>,
    }
    /// A row of `reservations`.
    ReservationRowV3 in "reservations" after ReservationRowV2 {
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
        worst_case_tokens: Option<u64>,
        on_unpriced: Option<String>,
        created_at: i64,
        expires_at: i64,
        holds: Vec<HoldRowV2>,
    }
    /// A row of `ai_usage_records`.
    UsageRecordRowV3 in "ai_usage_records" after UsageRecordRowV2 {
        uid: String,
        user: Option<String>,
        tags: Vec<(String, String)>,
        provider_id: u64,
        provider: String,
        model_id: u64,
        model: String,
        model_config_id: u64,
        usage_type: String,
        usage: UsageRow,
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

/// The bytes of zero.
const NOTHING: DecimalBytes = [0; 16];

impl From<HoldRowV2> for HoldRow {
    fn from(row: HoldRowV2) -> Self {
        Self {
            kind: super::BUDGET,
            account: row.budget_id,
            part: String::new(),
            bucket: row.window_start,
            unit: row.currency.unwrap_or_else(|| AccountUnit::Tokens.to_string()),
            amount: row.amount,
            closes: row.closes,
            exchange: row.exchange,
        }
    }
}

impl From<BudgetRowV1> for BudgetRow {
    fn from(row: BudgetRowV1) -> Self {
        Self {
            user: (row.scope == "user").then(|| row.scope_value.clone()),
            limit: row.limit,
            window: row.window,
            time_zone: row.time_zone,
            created_at: row.created_at,
            updated_at: row.updated_at,
            tags: if row.scope == "tag" { vec![(row.scope_key, row.scope_value)] } else { Vec::new() },
            provider: None,
            model: None,
            unit: row.currency.unwrap_or_else(|| AccountUnit::Tokens.to_string()),
            enforcement: Enforcement::Hard.name().to_owned(),
            on_exceeded: OnExceeded::Refuse.name().to_owned(),
        }
    }
}

impl From<ReservationRowV3> for ReservationRow {
    fn from(row: ReservationRowV3) -> Self {
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
            holds: row.holds.into_iter().map(HoldRow::from).collect(),
            worst_case_meters: None,
            job_id: None,
        }
    }
}

impl From<UsageRecordRowV3> for UsageRecordRow {
    fn from(row: UsageRecordRowV3) -> Self {
        // Only a record without a price kept its holds, and it moved nothing of them yet.
        let holds = row.holds.into_iter().map(|hold| HoldRow { amount: NOTHING, ..hold.into() }).collect();
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
            usage: row.usage,
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
            holds,
            bounds: Vec::new(),
        }
    }
}
