//! Prices: dated, and never two in force at once for one meter of one config.
//!
//! What was in force at a past instant stays so: a price that would rewrite the past begins now instead.

use jiff::Timestamp;

use super::configs;
use super::{invalid, not_found};
use crate::store::codec::micros;
use crate::store::ledger::Ledger;
use crate::store::rows::PriceRow;
use crate::types::{ModelConfigId, PriceId, PriceTerms, Result, Unit};

/// The counter of `ai_model_pricing`.
const COUNTER: &str = "last_id:ai_model_pricing";

/// The rows that new prices make and change, before anything is written.
pub(super) struct Plan {
    rows: Vec<Planned>,
}

struct Planned {
    /// The row's id; absent if it is new.
    id: Option<u64>,
    row: PriceRow,
    changed: bool,
}

pub(super) fn add(
    ledger: &mut Ledger<'_>,
    config: ModelConfigId,
    terms: &[PriceTerms],
    now: Timestamp,
) -> Result<Vec<PriceId>> {
    configs::find(ledger, config)?;
    check(terms)?;
    let planned = plan(ledger, config, terms, now)?;
    let ids = write(ledger, planned)?;
    ledger.configuration_changed()?;
    Ok(ids)
}

/// Checks each price by itself.
pub(super) fn check(terms: &[PriceTerms]) -> Result<()> {
    for price in terms {
        let meter = price.pricing_type;
        let fits = meter.meter().map_or(price.unit == Unit::Ratio, |meter| price.unit.fits(meter));
        if !fits {
            return Err(invalid(format!(
                "a price of {meter} cannot count {}; give a unit that fits it",
                price.unit.name()
            )));
        }
        if price.unit_price.is_sign_negative() && !price.unit_price.is_zero() {
            return Err(invalid(format!("the price of {meter} is below zero; give zero or more")));
        }
        if price.expiry_date.is_some_and(|expiry| micros(expiry) <= micros(price.effective_date)) {
            return Err(invalid(format!(
                "the price of {meter} expires before it is effective; give a later expiry_date"
            )));
        }
    }
    Ok(())
}

/// Works out the rows after prices are added.
pub(super) fn plan(ledger: &Ledger<'_>, config: ModelConfigId, terms: &[PriceTerms], now: Timestamp) -> Result<Plan> {
    let mut rows: Vec<Planned> = Vec::new();
    ledger.prices.each(|id, row| {
        if row.model_id == config.get() {
            rows.push(Planned { id: Some(id), row, changed: false });
        }
        Ok(())
    })?;
    let now = micros(now);
    for price in terms {
        let row = PriceRow::new(config, price, now);
        let row = fit(row, &mut rows, now)?;
        rows.push(Planned { id: None, row, changed: true });
    }
    Ok(Plan { rows })
}

/// Makes room for a price among the others of its meter, and returns it with the interval that is free for it.
fn fit(mut price: PriceRow, rows: &mut [Planned], now: i64) -> Result<PriceRow> {
    if !price.is_active {
        return Ok(price);
    }
    let end = |row: &PriceRow| row.expiry_date.unwrap_or(i64::MAX);
    let mut others: Vec<&mut Planned> = rows
        .iter_mut()
        .filter(|other| {
            let row = &other.row;
            row.is_active && row.pricing_type == price.pricing_type && row.effective_date < end(row)
        })
        .collect();
    let rewrites_past = price.effective_date < now
        && others
            .iter()
            .any(|other| other.row.effective_date < now.min(end(&price)) && end(&other.row) > price.effective_date);
    if rewrites_past {
        price.effective_date = now;
        if end(&price) <= now {
            return Err(invalid(format!(
                "another price of {} was in force then, and what was billed stays; give an expiry_date that is not past",
                price.pricing_type
            )));
        }
    }
    let start = price.effective_date;
    let next = others.iter().map(|other| other.row.effective_date).filter(|other| *other > start).min();
    if let Some(next) = next.filter(|next| *next < end(&price)) {
        price.expiry_date = Some(next);
    }
    for other in &mut others {
        if other.row.effective_date <= start && end(&other.row) > start {
            other.row.expiry_date = Some(start);
            other.changed = true;
        }
    }
    Ok(price)
}

/// Writes what was planned, and returns the ids of the new prices in the order given.
pub(super) fn write(ledger: &mut Ledger<'_>, plan: Plan) -> Result<Vec<PriceId>> {
    let mut ids = Vec::new();
    for planned in plan.rows.into_iter().filter(|planned| planned.changed) {
        let id = if let Some(id) = planned.id {
            id
        } else {
            let id = ledger.take_id(COUNTER)?;
            ids.push(PriceId::new(id));
            id
        };
        ledger.prices.put(id, &planned.row)?;
    }
    Ok(ids)
}

pub(super) fn expire(ledger: &mut Ledger<'_>, id: PriceId, at: Timestamp) -> Result<()> {
    let mut row = ledger.prices.get(id.get())?.ok_or_else(|| not_found(&format!("price {id}")))?;
    let at = micros(at).max(row.effective_date);
    if row.expiry_date.is_some_and(|expiry| expiry <= at) {
        return Ok(());
    }
    row.expiry_date = Some(at);
    ledger.prices.put(id.get(), &row)?;
    ledger.configuration_changed()
}
