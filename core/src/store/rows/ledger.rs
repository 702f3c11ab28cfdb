//! Rows of the ledger: reservations, usage records and idempotency keys.

use super::account::HoldRow;
use super::budget::MoneyRow;
use super::exchange::ConversionRow;
use super::rows;
use super::usage::{FactsRow, ReceiptLineRow, UsageRow};
use super::version_3::{ReservationRowV3, UsageRecordRowV3};
use crate::store::codec::{DecimalBytes, Row, currency, decimal, from_name, micros, name_of, time};
use crate::store::{Hold, Reservation, ReserveRequest};
use crate::types::{
    ModelConfigId, ModelId, Money, PriceId, ProviderId, ReservationId, Result, UsageRecord, UsageRecordId,
};

rows! {
    /// A row of `reservations`. How many tokens the attempt can take may not be known. One with a `job_id` outlives its session.
    ReservationRow in "reservations" after ReservationRowV3 {
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
        worst_case_meters: Option<Vec<(String, u64)>>,
        on_unpriced: Option<String>,
        created_at: i64,
        expires_at: i64,
        holds: Vec<HoldRow>,
        job_id: Option<String>,
    }
    /// A row of `ai_usage_records`. It keeps what it moved in each account, and, of one that recovery wrote, what was held.
    UsageRecordRow in "ai_usage_records" after UsageRecordRowV3 {
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
        holds: Vec<HoldRow>,
        bounds: Vec<HoldRow>,
    }
    /// A row of `idempotency_keys`; it is a claim until it is completed.
    KeyRow in "idempotency_keys" {
        fingerprint: [u8; 32],
        request_id: String,
        session: u64,
        claimed_at: i64,
        expires_at: i64,
        completed_at: Option<i64>,
        reply: Option<Vec<u8>>,
    }
}

impl ReservationRow {
    pub(in crate::store) fn new(reservation: &Reservation) -> Result<Self> {
        let request = &reservation.request;
        Ok(Self {
            session: reservation.session,
            request_id: request.request_id.clone(),
            attempt: request.attempt,
            record_uid: request.record_uid.clone(),
            user: request.user.clone(),
            tags: request.tags.clone().into_iter().collect(),
            model_config_id: request.model_config_id.get(),
            provider: request.provider.clone(),
            model: request.model.clone(),
            capability: request.capability.name().to_owned(),
            worst_case: request.worst_case.map(MoneyRow::new),
            worst_case_tokens: request.worst_case_tokens,
            worst_case_meters: request
                .worst_case_meters
                .as_ref()
                .map(|meters| meters.iter().map(|(meter, most)| (meter.name().to_owned(), *most)).collect()),
            on_unpriced: request.on_unpriced.as_ref().map(name_of).transpose()?,
            created_at: micros(request.now),
            expires_at: micros(request.expires_at),
            holds: reservation.holds.iter().map(HoldRow::new).collect(),
            job_id: reservation.job_id.clone(),
        })
    }

    pub(in crate::store) fn reservation(self, id: u64) -> Result<Reservation> {
        Ok(Reservation {
            id: ReservationId::new(id),
            session: self.session,
            request: ReserveRequest {
                request_id: self.request_id,
                attempt: self.attempt,
                record_uid: self.record_uid,
                user: self.user,
                tags: self.tags.into_iter().collect(),
                model_config_id: ModelConfigId::new(self.model_config_id),
                provider: self.provider,
                model: self.model,
                capability: from_name(Self::TABLE, &self.capability)?,
                worst_case: self.worst_case.map(|money| money.money(Self::TABLE)).transpose()?,
                worst_case_tokens: self.worst_case_tokens,
                worst_case_meters: self
                    .worst_case_meters
                    .map(|meters| {
                        let meter = |(name, most): (String, u64)| Ok((from_name(Self::TABLE, &name)?, most));
                        meters.into_iter().map(meter).collect::<Result<_>>()
                    })
                    .transpose()?,
                on_unpriced: self.on_unpriced.map(|name| from_name(Self::TABLE, &name)).transpose()?,
                planned_with: None,
                now: time(Self::TABLE, self.created_at)?,
                expires_at: time(Self::TABLE, self.expires_at)?,
            },
            holds: self.holds.into_iter().map(|hold| hold.hold(Self::TABLE)).collect::<Result<_>>()?,
            job_id: self.job_id,
        })
    }
}

impl UsageRecordRow {
    pub(in crate::store) fn new(record: &UsageRecord, moved: &[Hold], bounds: &[Hold]) -> Result<Self> {
        Ok(Self {
            uid: record.uid.clone(),
            user: record.user.clone(),
            tags: record.tags.clone().into_iter().collect(),
            provider_id: record.provider_id.get(),
            provider: record.provider.clone(),
            model_id: record.model_id.get(),
            model: record.model.clone(),
            model_config_id: record.model_config_id.get(),
            usage_type: record.usage_type.clone(),
            usage: UsageRow::new(&record.usage)?,
            facts: FactsRow::new(&record.facts),
            token_consumed: record.token_consumed.map(i64::cast_unsigned),
            cost_amount: record.cost_amount.map(|amount| amount.serialize()),
            currency: record.currency.map(|currency| currency.code().to_owned()),
            cost_status: record.cost_status.name().to_owned(),
            billed_by: name_of(&record.billed_by)?,
            receipt: record.receipt.iter().map(ReceiptLineRow::new).collect(),
            price_ids: record.price_ids.iter().map(|id| id.get()).collect(),
            conversions: record.conversions.iter().map(ConversionRow::new).collect(),
            adjusts: record.adjusts.clone(),
            status: record.status.name().to_owned(),
            request_id: record.request_id.clone(),
            provider_request_id: record.provider_request_id.clone(),
            served_model: record.served_model.clone(),
            attempt: record.attempt,
            error_code: record.error_code.clone(),
            error_message: record.error_message.clone(),
            latency_ms: record.latency_ms,
            created_at: micros(record.created_at),
            holds: moved.iter().map(HoldRow::new).collect(),
            bounds: bounds.iter().map(HoldRow::new).collect(),
        })
    }

    /// Returns the cost, where there is one.
    pub(in crate::store) fn cost(&self) -> Result<Option<Money>> {
        self.cost_amount
            .zip(self.currency.as_ref())
            .map(|(amount, code)| Ok(Money::new(decimal(Self::TABLE, amount)?, currency(Self::TABLE, code)?)))
            .transpose()
    }

    pub(in crate::store) fn record(self, id: u64) -> Result<UsageRecord> {
        let cost = self.cost()?;
        Ok(UsageRecord {
            id: UsageRecordId::new(id),
            uid: self.uid,
            user: self.user,
            tags: self.tags.into_iter().collect(),
            provider_id: ProviderId::new(self.provider_id),
            provider: self.provider,
            model_id: ModelId::new(self.model_id),
            model: self.model,
            model_config_id: ModelConfigId::new(self.model_config_id),
            usage_type: self.usage_type,
            usage: self.usage.usage(Self::TABLE)?,
            facts: self.facts.facts(Self::TABLE)?,
            token_consumed: self.token_consumed.map(u64::cast_signed),
            cost_amount: cost.map(|cost| cost.amount),
            currency: cost.map(|cost| cost.currency),
            cost_status: from_name(Self::TABLE, &self.cost_status)?,
            billed_by: from_name(Self::TABLE, &self.billed_by)?,
            receipt: self.receipt.into_iter().map(|line| line.line(Self::TABLE)).collect::<Result<_>>()?,
            price_ids: self.price_ids.into_iter().map(PriceId::new).collect(),
            conversions: self.conversions.into_iter().map(|row| row.conversion(Self::TABLE)).collect::<Result<_>>()?,
            adjusts: self.adjusts,
            status: from_name(Self::TABLE, &self.status)?,
            request_id: self.request_id,
            provider_request_id: self.provider_request_id,
            served_model: self.served_model,
            attempt: self.attempt,
            error_code: self.error_code,
            error_message: self.error_message,
            latency_ms: self.latency_ms,
            created_at: time(Self::TABLE, self.created_at)?,
        })
    }
}
