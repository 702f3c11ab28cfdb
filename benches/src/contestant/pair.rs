//! The reservation and the settlement of a pair, which every ledger writes.

use tollway::environment::Environment;
use tollway::store::{ReserveRequest, Settlement};
use tollway::types::{
    BilledBy, Capability, CostStatus, Currency, Decimal, Facts, Meter, ModelConfigId, Money, RecordStatus,
    ReservationId, Usage,
};

/// The provider, the model and the user of every call.
pub(super) const PROVIDER: &str = "openai";
pub(super) const MODEL: &str = "bench";
pub(super) const USER: &str = "bench";
/// What the budget of the user allows, in dollars.
pub(super) const LIMIT: i64 = 1_000_000;

/// Returns so many dollars.
pub(super) fn dollars(amount: i64) -> Money {
    Money::new(Decimal::from(amount), Currency::USD)
}

/// Makes a reservation of one dollar.
pub(super) fn reservation(environment: &dyn Environment, model_config_id: ModelConfigId) -> ReserveRequest {
    let now = environment.now();
    ReserveRequest {
        request_id: environment.unique_id(),
        attempt: 1,
        record_uid: environment.unique_id(),
        user: Some(USER.into()),
        tags: [("feature".to_owned(), "bench".to_owned())].into(),
        model_config_id,
        provider: PROVIDER.into(),
        model: MODEL.into(),
        capability: Capability::Text,
        worst_case: Some(dollars(1)),
        worst_case_tokens: Some(1_000),
        worst_case_meters: None,
        on_unpriced: None,
        planned_with: None,
        now,
        expires_at: now.saturating_add(jiff::SignedDuration::from_mins(15)).unwrap_or(now),
    }
}

/// Makes the settlement of a reservation, for some thousandths of a cent.
pub(super) fn settlement(environment: &dyn Environment, reservation_id: ReservationId) -> Settlement {
    let mut usage = Usage::default();
    usage.meters.extend([(Meter::InputToken, 12.into()), (Meter::OutputToken, 34.into())]);
    Settlement {
        reservation_id,
        usage,
        facts: Facts::at(environment.now()),
        cost: Some(Money::new(Decimal::new(2_220, 8), Currency::USD)),
        cost_status: CostStatus::Computed,
        billed_by: BilledBy::ProviderUsage,
        receipt: Vec::new(),
        price_ids: Vec::new(),
        status: RecordStatus::Success,
        provider_request_id: None,
        served_model: Some(MODEL.into()),
        error_code: None,
        error_message: None,
        latency_ms: 1,
        completes_key: None,
        now: environment.now(),
    }
}
