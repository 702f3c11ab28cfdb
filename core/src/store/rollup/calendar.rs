//! Stretches of time by which records are added up, all in UTC: months by their days, and days by their hours.

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

/// The number of the first month of 1970. Months come before all days.
const MONTHS: i32 = i32::MIN / 2;
/// How many hours a day has, and microseconds an hour.
pub(super) const HOURS: i64 = 24;
pub(super) const HOUR: i64 = 3_600_000_000;

/// Where an instant lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) month: i32,
    pub(super) day: i32,
    /// The day of the month, from zero.
    pub(super) day_of_month: u8,
    pub(super) hour: u8,
}

/// Returns where the hour of an instant, in microseconds, lies.
pub(super) fn place(micros: i64) -> Place {
    let day = date_of_day(i32::try_from(micros.div_euclid(HOUR * HOURS)).unwrap_or_default());
    Place {
        month: month(day),
        day: day_number(day),
        day_of_month: u8::try_from(day.day() - 1).unwrap_or_default(),
        hour: u8::try_from(micros.rem_euclid(HOUR * HOURS) / HOUR).unwrap_or_default(),
    }
}

/// Returns the number of a day since 1970.
pub(in crate::store) fn day_number(day: Date) -> i32 {
    day.duration_since(date(1970, 1, 1)).as_hours().div_euclid(HOURS).try_into().unwrap_or(i32::MAX)
}

/// Returns the day of a number since 1970; the nearest that there is.
pub(super) fn date_of_day(day: i32) -> Date {
    date(1970, 1, 1).saturating_add(jiff::Span::new().days(day.clamp(-7_000_000, 7_000_000)))
}

/// Returns the number of the month of a day.
pub(super) fn month(day: Date) -> i32 {
    MONTHS + (i32::from(day.year()) - 1970) * 12 + i32::from(day.month()) - 1
}

/// Returns whether a number is that of a month.
pub(super) fn is_month(bucket: i32) -> bool {
    bucket < MONTHS / 2
}

/// Returns the first day of a month.
pub(super) fn first_day(month: i32) -> Date {
    let months = month.saturating_sub(MONTHS).clamp(-143_628, 96_359);
    let year = i16::try_from(1970 + months.div_euclid(12)).unwrap_or(1970);
    date(year.clamp(-9999, 9999), i8::try_from(months.rem_euclid(12) + 1).unwrap_or(1), 1)
}

/// Returns the date of an instant, in microseconds, in a time zone.
pub(super) fn local_date(micros: i64, zone: &TimeZone) -> Date {
    let instant = Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX);
    instant.to_zoned(zone.clone()).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_lies_in_its_day_and_its_month() {
        for (text, first, of_month, hour) in [
            ("2026-11-22T12:34:56Z", "2026-11-01", 21, 12),
            ("1969-12-31T23:59:59.999999Z", "1969-12-01", 30, 23),
            ("1970-01-01T00:00:00Z", "1970-01-01", 0, 0),
            ("2024-02-29T00:00:00Z", "2024-02-01", 28, 0),
            ("-000044-03-15T07:00:00Z", "-000044-03-01", 14, 7),
        ] {
            let instant: Timestamp = text.parse().unwrap();
            let found = place(instant.as_microsecond());
            assert_eq!((found.day_of_month, found.hour), (of_month, hour), "{text}");
            assert_eq!(first_day(found.month), first.parse().unwrap(), "{text}");
            assert_eq!(day_number(date_of_day(found.day)), found.day);
            assert!(is_month(found.month) && !is_month(found.day));
        }
    }

    #[test]
    fn the_earliest_and_the_latest_instants_have_a_place() {
        for instant in [Timestamp::MIN, Timestamp::MAX] {
            let found = place(instant.as_microsecond());
            assert!(is_month(found.month) && !is_month(found.day), "{found:?}");
        }
    }
}
