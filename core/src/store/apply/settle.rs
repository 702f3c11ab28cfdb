//! Settle: writes the usage record of an attempt, moves the balances and frees the reservation.

use jiff::Timestamp;

use super::counted::{Consumed, HeldAs, move_later_budgets};
use super::recover::is_unsettled;
use super::released::released;
use super::{configs, invalid, keys, late, not_found};
use crate::store::codec::{Row, kept, micros, time};
use crate::store::ledger::Ledger;
use crate::store::operation::Cause;
use crate::store::rollup::digest;
use crate::store::rows::{ConversionRow, HoldRow, ModelRow, ReceiptLineRow, UsageRecordRow};
use crate::store::{Hold, Reservation, ReserveRequest, Settled, Settlement};
use crate::types::{
    BilledBy, CostStatus, Dimensions, Facts, ModelId, ModelName, Money, ProviderId, ReceiptLine, Result, UsageFlag,
    UsageRecord, UsageRecordId,
};

pub(super) fn settle(ledger: &mut Ledger<'_>, settlement: Settlement) -> Result<Settled> {
    let id = settlement.reservation_id;
    if let Some(row) = ledger.reservations.get(id.get())? {
        let reservation = row.reservation(id.get())?;
        let tokens = settlement.usage.consumed_tokens();
        return write(ledger, &reservation, settlement, tokens);
    }
    let record_id = ledger.records_by_reservation.get(id.get())?;
    let record_id = record_id.ok_or_else(|| not_found(&format!("reservation {id}")))?;
    let row = ledger.records.get(record_id)?.ok_or_else(|| not_found(&format!("usage record {record_id}")))?;
    let settled = Settled { record_id: UsageRecordId::new(record_id), model_id: ModelId::new(row.model_id) };
    if is_unsettled(row.error_message.as_deref()) {
        late::settle(ledger, record_id, row, settlement)?;
    }
    Ok(settled)
}

/// Settles an open reservation. `tokens` is what its token budgets count.
pub(super) fn write(
    ledger: &mut Ledger<'_>,
    reservation: &Reservation,
    settlement: Settlement,
    tokens: Option<u64>,
) -> Result<Settled> {
    let request = &reservation.request;
    if settlement.cost.is_some_and(|cost| cost.amount.is_sign_negative() && !cost.amount.is_zero()) {
        return Err(invalid("a cost is below zero; give zero or more"));
    }
    if ledger.records.of_uid(&request.record_uid)?.is_some() {
        return Err(invalid(format!(
            "record {} exists already; give each attempt a uid of its own",
            request.record_uid
        )));
    }
    // What did no work needs no price, so it does not keep a budget closed.
    let awaits_price = settlement.cost.is_none() && settlement.billed_by != BilledBy::NotBilled;
    let is_bound = matches!(settlement.billed_by, BilledBy::Recovery | BilledBy::Reservation);
    let consumed = Consumed {
        cost: settlement.cost,
        tokens,
        is_request: settlement.billed_by != BilledBy::NotBilled,
        usage: (!is_bound).then_some(&settlement.usage),
    };
    let moved = released(ledger, &reservation.holds, consumed, awaits_price, held_as(request))?;
    let known = ledger.models_by_code.get((request.provider.as_str(), request.model.as_str()))?;
    let model_id = ModelId::new(known.map_or_else(|| ledger.models.next_id(), Ok)?);
    let completed_key = match settlement.completes_key {
        Some((key, reply)) => keys::completable(ledger, &key, &request.request_id)?.map(|row| (key, row, reply)),
        None => None,
    };
    // What budgets count, now and in windows that are counted later, is one number; the meters keep what was claimed.
    let bound = request.worst_case_tokens.filter(|_| moved.was_cut);
    let tokens = tokens.map(|tokens| bound.map_or(tokens, |bound| tokens.min(bound)));
    let mut usage = settlement.usage;
    if moved.was_cut {
        usage.flag(UsageFlag::UsageExceedsBound);
    } else if moved.exceeded || exceeds_worst(request, settlement.cost) {
        usage.flag(UsageFlag::ExceededReservation);
    }
    let now = kept(settlement.now);
    let mut record = UsageRecord {
        id: UsageRecordId::new(ledger.records.next_id()?),
        uid: request.record_uid.clone(),
        user: request.user.clone(),
        tags: request.tags.clone(),
        provider_id: ProviderId::new(0),
        provider: request.provider.clone(),
        model_id,
        model: request.model.clone(),
        model_config_id: request.model_config_id,
        usage_type: usage_type(request).to_owned(),
        usage,
        facts: kept_facts(settlement.facts),
        token_consumed: tokens.map(|tokens| i64::try_from(tokens).unwrap_or(i64::MAX)),
        cost_amount: settlement.cost.map(|cost| cost.amount),
        currency: settlement.cost.map(|cost| cost.currency),
        cost_status: settlement.cost_status,
        billed_by: settlement.billed_by,
        receipt: settlement.receipt,
        price_ids: settlement.price_ids,
        conversions: moved.conversions,
        adjusts: None,
        status: settlement.status,
        request_id: request.request_id.clone(),
        provider_request_id: settlement.provider_request_id,
        served_model: settlement.served_model,
        attempt: request.attempt,
        error_code: settlement.error_code,
        error_message: settlement.error_message,
        latency_ms: settlement.latency_ms,
        created_at: now,
    };

    ledger.reservations.remove(reservation.id.get())?;
    record.provider_id = ProviderId::new(configs::find_or_create_provider(ledger, &request.provider, now)?);
    if known.is_none() {
        create_model(ledger, request, record.provider_id, now)?;
    }
    // Its own settlement may come yet.
    let bounds: &[Hold] = if is_unsettled(record.error_message.as_deref()) { &reservation.holds } else { &[] };
    let record_id = ledger.records.take_id()?;
    let row = UsageRecordRow::new(&record, &moved.moved, bounds)?;
    ledger.put_record(record_id, record, &row)?;
    ledger.records_by_reservation.put(reservation.id.get(), record_id)?;
    moved.changes.write(ledger, record_id, now)?;
    if let Some((key, row, reply)) = completed_key {
        keys::complete(ledger, &key, row, reply, now)?;
    }
    Ok(Settled { record_id: UsageRecordId::new(record_id), model_id })
}

/// Returns the kind of work that a call does.
pub(super) fn usage_type(request: &ReserveRequest) -> &'static str {
    use crate::types::Capability;
    match request.capability {
        Capability::Text => "text_generation",
        Capability::Image => "image_generation",
        Capability::Audio => "audio_tts",
        Capability::Video => "video_generation",
        Capability::Embedding => "embedding",
        Capability::Rerank => "rerank",
    }
}

/// Returns what the holds of a request were made for.
pub(super) fn held_as(request: &ReserveRequest) -> HeldAs {
    HeldAs {
        currency: request.worst_case.map(|worst| worst.currency),
        at: request.now,
        bounds_tokens: request.worst_case_tokens.is_some(),
    }
}

/// Returns facts with instants as rows keep them.
pub(super) fn kept_facts(facts: Facts) -> Facts {
    Facts {
        started_at: kept(facts.started_at),
        first_token_at: facts.first_token_at.map(kept),
        completed_at: facts.completed_at.map(kept),
        ..facts
    }
}

/// Returns whether the true amount is above the worst case.
fn exceeds_worst(request: &ReserveRequest, cost: Option<Money>) -> bool {
    cost.zip(request.worst_case)
        .is_some_and(|(cost, worst)| cost.currency == worst.currency && cost.amount > worst.amount)
}

fn create_model(
    ledger: &mut Ledger<'_>,
    request: &ReserveRequest,
    provider_id: ProviderId,
    now: Timestamp,
) -> Result<()> {
    let id = ledger.models.take_id()?;
    let row = ModelRow {
        provider_id: provider_id.get(),
        provider: request.provider.clone(),
        model_code: request.model.clone(),
        model_name: request.model.clone(),
        model_type: request.capability.name().to_owned(),
        enabled: true,
        created_at: micros(now),
    };
    ledger.models.put(id, &row)?;
    ledger.models_by_code.put((request.provider.as_str(), request.model.as_str()), id)
}

/// Puts a cost on a record that has none.
pub(super) fn price_record(ledger: &mut Ledger<'_>, uid: &str, cost: Money, now: Timestamp) -> Result<()> {
    if cost.amount.is_sign_negative() && !cost.amount.is_zero() {
        return Err(invalid("a cost is below zero; give zero or more"));
    }
    let id = ledger.records.of_uid(uid)?.ok_or_else(|| not_found(&format!("usage record {uid}")))?;
    let mut row = ledger.records.get(id)?.ok_or_else(|| not_found(&format!("usage record {uid}")))?;
    if row.cost_amount.is_some() {
        return Err(invalid(format!("record {uid} has a cost already, and what was billed stays")));
    }
    let holds = std::mem::take(&mut row.holds).into_iter().map(|hold| hold.hold(UsageRecordRow::TABLE));
    let (money, mut kept): (Vec<Hold>, Vec<Hold>) =
        holds.collect::<Result<Vec<_>>>()?.into_iter().partition(|hold| hold.unit.currency().is_some());
    let created_at = time(UsageRecordRow::TABLE, row.created_at)?;
    let started_at = time(UsageRecordRow::TABLE, row.facts.started_at)?;
    let unpriced = HeldAs { currency: None, at: started_at, bounds_tokens: false };
    let consumed = Consumed { cost: Some(cost), ..Consumed::NOTHING };
    let mut moved = released(ledger, &money, consumed, false, unpriced)?;
    let tags = row.tags.iter().cloned().collect();
    let dimensions =
        Dimensions { user: row.user.as_deref(), tags: &tags, provider: Some(&row.provider), model: Some(&row.model) };
    let record = (&dimensions, created_at);
    move_later_budgets(ledger, &mut moved, &money, record, (cost, Cause::Price), &|_| None, started_at)?;
    kept.append(&mut moved.moved);
    let before = row.clone().record(id)?;
    row.cost_amount = Some(cost.amount.serialize());
    row.currency = Some(cost.currency.code().to_owned());
    CostStatus::Computed.name().clone_into(&mut row.cost_status);
    row.conversions = moved.conversions.iter().map(ConversionRow::new).collect();
    row.receipt.push(ReceiptLineRow::new(&ReceiptLine {
        attempt: row.attempt,
        model: ModelName::new(&row.provider, &row.model).to_string(),
        meter: None,
        note: Some("priced later".to_owned()),
        quantity: 1.into(),
        billed_quantity: None,
        modifiers: Vec::new(),
        unit_price: None,
        unit: None,
        price_id: None,
        amount: Some(cost.amount),
        currency: Some(cost.currency),
    }));
    row.holds = kept.iter().map(HoldRow::new).collect();
    let after = row.clone().record(id)?;

    ledger.records.put(id, &row)?;
    digest::moved(ledger, &before, &after)?;
    moved.changes.write(ledger, id, now)
}
