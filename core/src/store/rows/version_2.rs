//! Rows as version 2 wrote them, for those types that have a later version. They are read for ever and written no more.

use super::MoneyRow;
use super::rows;
use super::version_1::ReservationRowV1;
use super::version_3::{HoldRowV2, ReservationRowV3};

rows! {
    /// A row of `reservations`.
    ReservationRowV2 in "reservations" after ReservationRowV1 {
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
        holds: Vec<HoldRowV2>,
    }
}

impl From<ReservationRowV2> for ReservationRowV3 {
    fn from(row: ReservationRowV2) -> Self {
        // What was not known was written as the least or the greatest number, neither of which is any attempt's bound.
        let is_known = !matches!(row.worst_case_tokens, 0 | u64::MAX);
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
            worst_case_tokens: is_known.then_some(row.worst_case_tokens),
            on_unpriced: row.on_unpriced,
            created_at: row.created_at,
            expires_at: row.expires_at,
            holds: row.holds,
        }
    }
}

#[cfg(test)]
#[path = "version_2_tests.rs"]
mod tests;
