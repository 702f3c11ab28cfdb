//! Quotas: their months, what their amounts are in the ledger's units, and whether they have room for a call.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use rust_decimal::Decimal;

use super::admission::{Demand, Refusal, asked};
use super::window::{window_bounds, zone};
use crate::types::{
    Balance, Capability, Error, ErrorKind, LEDGER_DECIMALS, Quota, QuotaEnforcement, QuotaType, Result, UnpricedPolicy,
    Window, exact_add, exact_amount, exact_subtract,
};

/// The month that runs at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month {
    /// What its bucket is named by: midnight of its first day in UTC, whatever the time zone, so that a change of that loses nothing.
    pub bucket: Timestamp,
    /// Its first instant.
    pub start: Timestamp,
    /// The first instant of the next one.
    pub end: Timestamp,
}

/// Returns the month of the calendar that runs at an instant in a time zone. Fails as [`window_bounds`] does.
pub fn month_at(time_zone: &str, at: Timestamp) -> Result<Month> {
    let outside = || Error::new(ErrorKind::InvalidRequest, format!("the instant {at} is outside the calendar"));
    let bounds = window_bounds(Window::Month, time_zone, at)?.ok_or_else(outside)?;
    let first_day = |zoned: Zoned| zoned.first_of_month()?.date().to_zoned(TimeZone::UTC);
    let bucket = first_day(at.to_zoned(zone(time_zone)?)).map_err(|_| outside())?.timestamp();
    Ok(Month { bucket, start: bounds.first, end: bounds.end })
}

/// Returns what an amount of a quota is in the ledger's units, exactly.
pub fn in_units(quota_type: QuotaType, amount: Decimal) -> Result<Decimal> {
    exact_amount(amount, quota_type.units().into(), 1)
}

/// Returns what an amount in the ledger's units is in a quota's, rounded at the ledger's last decimal where it has no end.
#[must_use]
pub fn of_units(quota_type: QuotaType, units: Decimal) -> Decimal {
    match quota_type.units() {
        1 => units,
        per => (units / Decimal::from(per)).round_dp(LEDGER_DECIMALS).normalize(),
    }
}

/// What a quota would hold of a call, in the ledger's units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Of the month's part.
    pub month: Decimal,
    /// Of the balance.
    pub balance: Decimal,
    /// Why it has no room, where it has none and minds.
    pub refusal: Option<Refusal>,
}

/// Works out what a quota would hold of a call, and whether it has room for it; nothing where the call is none of its work.
///
/// What is settled in the balance is what was used less what was granted and bought.
pub fn weigh_quota(
    demand: &Demand<'_>,
    capability: Capability,
    quota: &Quota,
    month: &Balance,
    balance: &Balance,
) -> Result<Option<Share>> {
    let (quota_type, unit) = (quota.terms.quota_type, quota.terms.quota_type.unit());
    let is_made = quota_type.is_made_by(capability);
    let (known, _) = asked(demand, unit, &|_, _| None)?;
    if !quota_type.counts(capability) || (!is_made && known == Some(Decimal::ZERO)) {
        return Ok(None);
    }
    let minds = quota.terms.enforcement != QuotaEnforcement::Record;
    let may_be_unknown = matches!(demand.on_unpriced, Some(UnpricedPolicy::Allow | UnpricedPolicy::Hold));
    if known.is_none() && is_made && minds && !may_be_unknown {
        let why = format!(
            "counts {unit}, and how many {}/{} would take is not known; pass on_unpriced \"hold\" or \"allow\"",
            demand.provider, demand.model
        );
        let refusal = Some(Refusal { why, is_held: false });
        return Ok(Some(Share { month: Decimal::ZERO, balance: Decimal::ZERO, refusal }));
    }
    let amount = known.unwrap_or_default();
    let left = |whole: Decimal, reserved: Decimal| exact_subtract(whole, reserved).map(|left| left.max(Decimal::ZERO));
    let monthly = in_units(quota_type, quota.terms.monthly)?;
    let month_left = left(exact_subtract(monthly, month.settled)?, month.reserved)?;
    let settled_left = exact_add(left(monthly, month.settled)?, left(-balance.settled, Decimal::ZERO)?)?;
    let all_left = exact_add(month_left, left(-balance.settled, balance.reserved)?)?;
    let of_month = amount.min(month_left);
    let has_room = amount <= all_left && (all_left > Decimal::ZERO || (amount.is_zero() && !is_made));
    let refusal = (minds && !has_room).then(|| {
        let is_held = settled_left > Decimal::ZERO && amount <= settled_left;
        let remedy = if is_held {
            "calls under way hold the rest; try again when they have ended"
        } else {
            "wait for the next month, grant or buy more, or ask for less"
        };
        let why = format!(
            "has no room: {settled_left} {unit} left, {} reserved, asked {amount}; {remedy}",
            month.reserved + balance.reserved
        );
        Refusal { why, is_held }
    });
    Ok(Some(Share { month: of_month, balance: exact_subtract(amount, of_month)?, refusal }))
}

/// Returns how much of what a call took is the month's: as far as there is room, and what was held of it in any case.
pub fn of_month(monthly: Decimal, others: &Balance, held: Decimal, taken: Decimal) -> Result<Decimal> {
    let room = exact_subtract(exact_subtract(monthly, others.settled)?, others.reserved)?;
    Ok(taken.min(room.max(held)))
}

/// Names a quota, for people.
#[must_use]
pub fn describe_quota(quota: &Quota) -> String {
    format!("the {} quota {} of user {:?}", quota.terms.quota_type.name(), quota.id, quota.terms.user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_that_of_the_zone_and_is_named_by_its_first_day() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (zone, now, bucket, start, end) in [
            ("UTC", "2026-11-30T23:59:59Z", "2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
            // Clocks in New York are set back on the first of November: that month begins in summer time.
            (
                "America/New_York",
                "2026-12-01T04:59:59Z",
                "2026-11-01T00:00:00Z",
                "2026-11-01T04:00:00Z",
                "2026-12-01T05:00:00Z",
            ),
            (
                "Asia/Shanghai",
                "2026-11-30T16:00:00Z",
                "2026-12-01T00:00:00Z",
                "2026-11-30T16:00:00Z",
                "2026-12-31T16:00:00Z",
            ),
        ] {
            let expected = Month { bucket: at(bucket), start: at(start), end: at(end) };
            assert_eq!(month_at(zone, at(now)).unwrap(), expected, "{zone}");
        }
    }

    #[test]
    fn minutes_are_seconds_exactly_and_shown_rounded() {
        let decimal = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(in_units(QuotaType::Audio, decimal("1.5")).unwrap(), decimal("90"));
        assert_eq!(of_units(QuotaType::Audio, decimal("90")), decimal("1.5"));
        assert_eq!(of_units(QuotaType::Audio, decimal("1")), decimal("0.016666666666666667"));
        assert_eq!(of_units(QuotaType::Image, decimal("7")), decimal("7"));
    }

    #[test]
    fn a_call_takes_of_the_month_what_nobody_else_holds_and_never_less_than_it_held() {
        let balance =
            |settled: i64, reserved: i64| Balance { settled: settled.into(), reserved: reserved.into(), holds: 0 };
        for (monthly, others, held, taken, expected) in [
            (100, balance(0, 0), 50, 30, 30),
            (100, balance(60, 0), 20, 60, 40),
            (100, balance(60, 30), 10, 60, 10),
            (10, balance(60, 0), 20, 30, 20),
        ] {
            let part = of_month(monthly.into(), &others, held.into(), taken.into()).unwrap();
            assert_eq!(part, Decimal::from(expected), "{monthly} {others:?} {held} {taken}");
        }
    }
}
