//! Exchange rates: added and never changed.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::invalid;
use crate::store::NewFxRate;
use crate::store::codec::kept;
use crate::store::ledger::Ledger;
use crate::store::rows::FxRateRow;
use crate::types::{FxRate, FxRateId, Result};

pub(super) fn add(ledger: &mut Ledger<'_>, rate: NewFxRate, now: Timestamp) -> Result<FxRate> {
    let NewFxRate { from, to, rate, effective_date, source } = rate;
    if from == to {
        return Err(invalid(format!("a rate from {from} to itself converts nothing; name two currencies")));
    }
    if rate <= Decimal::ZERO {
        return Err(invalid(format!("the rate from {from} to {to} is {rate}; give one above zero")));
    }
    let id = ledger.fx_rates.take_id()?;
    let rate = FxRate {
        id: FxRateId::new(id),
        from,
        to,
        rate,
        effective_date: kept(effective_date),
        source,
        created_at: kept(now),
    };
    ledger.fx_rates.put(id, &FxRateRow::new(&rate))?;
    ledger.configuration_changed()?;
    Ok(rate)
}
