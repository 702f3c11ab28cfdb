//! Windows: when a budget starts again from zero.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan, Zoned};

use crate::types::{Error, ErrorKind, Recurrence, Result, Window, time_zone};

/// How many parts a rolling window is counted in. The oldest part counts as a whole, so that a cap holds over every stretch of the
/// window's length.
const ROLLING_PARTS: u64 = 60;

/// The window that runs at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The first instant of the bucket that a call of this instant moves. It is that of the window, unless that rolls.
    pub bucket: Timestamp,
    /// The first instant of the first bucket that counts.
    pub first: Timestamp,
    /// The first instant of the next window; of a rolling one, when nothing that was used until now counts any more.
    pub end: Timestamp,
}

/// Returns the bounds of the window that runs at an instant; nothing for a total, which never ends.
///
/// Hours, days, weeks and months are those of the calendar in the time zone, so a day may have 23 or 25 hours. Fails with
/// [`ErrorKind::InvalidRequest`] if the time zone is not an IANA name.
pub fn window_bounds(window: Window, time_zone: &str, now: Timestamp) -> Result<Option<Bounds>> {
    let local = now.to_zoned(zone(time_zone)?);
    let next_day = |start: Zoned, days: i64| start.checked_add(days.days()).and_then(|day| day.start_of_day());
    let bounds = match window {
        Window::Total => return Ok(None),
        Window::Minute => whole(now, 60),
        Window::Rolling(length) => rolling(now, length),
        Window::Hour => hour(&local),
        Window::Day => local.start_of_day().and_then(|start| Ok(fixed(&start, &next_day(start.clone(), 1)?))),
        Window::Week => {
            let since_monday = i64::from(local.weekday().to_monday_zero_offset());
            local
                .checked_sub(since_monday.days())
                .and_then(|monday| monday.start_of_day())
                .and_then(|start| Ok(fixed(&start, &next_day(start.clone(), 7)?)))
        }
        Window::Month => {
            first_of_month(&local).and_then(|start| Ok(fixed(&start, &first_of_month(&start.checked_add(1.month())?)?)))
        }
        Window::Recurring(recurrence) => recurring(&local, recurrence),
    };
    bounds.map(Some).map_err(|_| {
        Error::new(ErrorKind::InvalidRequest, format!("the instant {now} is outside the calendar; set the clock right"))
    })
}

/// Returns the time zone of an IANA name. Fails with [`ErrorKind::InvalidRequest`] if there is none of that name.
pub(super) fn zone(name: &str) -> Result<TimeZone> {
    time_zone(name).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidRequest,
            format!("time zone {name:?} is not known; give an IANA name such as \"Asia/Shanghai\" or \"UTC\""),
        )
    })
}

/// Returns the first instant of the bucket that a call of an instant moves; nothing for a total. Fails as [`window_bounds`] does.
pub fn bucket_at(window: Window, time_zone: &str, at: Timestamp) -> Result<Option<Timestamp>> {
    Ok(window_bounds(window, time_zone, at)?.map(|bounds| bounds.bucket))
}

/// Returns how many seconds a bucket of a rolling window has.
#[must_use]
pub const fn rolling_grain(length: u64) -> u64 {
    if length < ROLLING_PARTS { 1 } else { length.div_ceil(ROLLING_PARTS) }
}

type Bounded = std::result::Result<Bounds, jiff::Error>;

fn fixed(start: &Zoned, end: &Zoned) -> Bounds {
    Bounds { bucket: start.timestamp(), first: start.timestamp(), end: end.timestamp() }
}

/// Returns the stretch of so many seconds, counted from 1970, that holds an instant.
fn whole(now: Timestamp, seconds: i64) -> Bounded {
    let start = Timestamp::from_second(now.as_second().div_euclid(seconds) * seconds)?;
    Ok(Bounds { bucket: start, first: start, end: start.checked_add(seconds.seconds())? })
}

fn rolling(now: Timestamp, length: u64) -> Bounded {
    let seconds = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let (length, grain) = (seconds(length), seconds(rolling_grain(length)));
    let bucket = whole(now, grain)?;
    let first = whole(now.checked_sub(length.seconds())?, grain)?;
    Ok(Bounds { bucket: bucket.bucket, first: first.bucket, end: bucket.end.checked_add(length.seconds())? })
}

/// Returns the hour of the clock that holds an instant. Where clocks are set back, the hour that comes twice is two.
fn hour(local: &Zoned) -> Bounded {
    let into = i64::from(local.minute()) * 60 + i64::from(local.second());
    let start = local.timestamp().checked_sub(into.seconds())?;
    let start = Timestamp::from_second(start.as_second())?;
    Ok(Bounds { bucket: start, first: start, end: start.checked_add(1.hour())? })
}

fn first_of_month(instant: &Zoned) -> std::result::Result<Zoned, jiff::Error> {
    instant.first_of_month()?.start_of_day()
}

/// Returns the period of a calendar of its own that holds an instant. Each begins so many lengths after the first, so that one from
/// the 31st ends on the last day of short months and comes back to the 31st.
fn recurring(local: &Zoned, recurrence: Recurrence) -> Bounded {
    let Recurrence { from, months, days } = recurrence;
    let start_of = |number: i64| {
        let length = Span::new().try_months(i64::from(months).saturating_mul(number))?;
        let length = length.try_days(i64::from(days).saturating_mul(number))?;
        from.checked_add(length)?.to_zoned(local.time_zone().clone())?.start_of_day()
    };
    let day = local.date();
    // No month has more than 31 days and none fewer than 28, so that the number lies between these two.
    let distance = i64::from(from.until(day)?.get_days());
    let (shortest, longest) = (i64::from(months) * 28 + i64::from(days), i64::from(months) * 31 + i64::from(days));
    let (mut low, mut high) = if distance >= 0 {
        (distance / longest - 1, distance / shortest + 1)
    } else {
        (distance / shortest - 1, distance / longest + 1)
    };
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if start_of(middle)?.date() <= day { low = middle } else { high = middle }
    }
    Ok(fixed(&start_of(low)?, &start_of(low + 1)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(window: Window, zone: &str, now: &str) -> (String, String) {
        let bounds = window_bounds(window, zone, now.parse().unwrap()).unwrap().unwrap();
        assert_eq!(bounds.bucket, bounds.first);
        (bounds.bucket.to_string(), bounds.end.to_string())
    }

    fn hours(window: Window, zone: &str, now: &str) -> i64 {
        let bounds = window_bounds(window, zone, now.parse().unwrap()).unwrap().unwrap();
        (bounds.end.as_second() - bounds.first.as_second()) / 3600
    }

    #[test]
    fn a_budget_for_ever_has_no_bounds_but_its_time_zone_is_checked() {
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        assert_eq!(window_bounds(Window::Total, "UTC", now).unwrap(), None);
        let error = window_bounds(Window::Total, "Mars/Olympus", now).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.detail().contains("Mars/Olympus"));
    }

    #[test]
    fn a_day_begins_at_midnight_of_the_zone() {
        assert_eq!(
            bounds(Window::Day, "Asia/Shanghai", "2026-11-22T15:59:59.999999Z"),
            ("2026-11-21T16:00:00Z".into(), "2026-11-22T16:00:00Z".into())
        );
        assert_eq!(
            bounds(Window::Day, "Asia/Shanghai", "2026-11-22T16:00:00Z"),
            ("2026-11-22T16:00:00Z".into(), "2026-11-23T16:00:00Z".into())
        );
    }

    #[test]
    fn days_of_a_clock_change_have_23_and_25_hours() {
        assert_eq!(hours(Window::Day, "Europe/Berlin", "2026-03-29T12:00:00Z"), 23);
        assert_eq!(hours(Window::Day, "Europe/Berlin", "2026-10-25T00:30:00Z"), 25);
        assert_eq!(hours(Window::Day, "Europe/Berlin", "2026-10-25T22:59:59Z"), 25);
        assert_eq!(hours(Window::Day, "Europe/Berlin", "2026-10-26T12:00:00Z"), 24);
    }

    #[test]
    fn a_day_without_midnight_begins_at_its_first_instant() {
        // Clocks in Beirut went from 23:59:59 to 01:00:00.
        let (start, _) = bounds(Window::Day, "Asia/Beirut", "2024-03-31T12:00:00Z");
        assert_eq!(start, "2024-03-30T22:00:00Z");
        assert_eq!(hours(Window::Day, "Asia/Beirut", "2024-03-31T12:00:00Z"), 23);
    }

    #[test]
    fn months_end_where_the_calendar_says() {
        assert_eq!(
            bounds(Window::Month, "UTC", "2028-02-29T23:59:59Z"),
            ("2028-02-01T00:00:00Z".into(), "2028-03-01T00:00:00Z".into())
        );
        assert_eq!(
            bounds(Window::Month, "America/New_York", "2026-11-22T12:00:00Z"),
            ("2026-11-01T04:00:00Z".into(), "2026-12-01T05:00:00Z".into())
        );
        assert_eq!(
            bounds(Window::Month, "Asia/Shanghai", "2026-12-31T16:00:00Z"),
            ("2026-12-31T16:00:00Z".into(), "2027-01-31T16:00:00Z".into())
        );
    }

    #[test]
    fn weeks_begin_on_monday_and_hours_where_the_clock_says() {
        assert_eq!(
            bounds(Window::Week, "Asia/Shanghai", "2026-11-22T15:59:59Z"),
            ("2026-11-15T16:00:00Z".into(), "2026-11-22T16:00:00Z".into())
        );
        assert_eq!(hours(Window::Week, "Europe/Berlin", "2026-10-25T12:00:00Z"), 7 * 24 + 1);
        assert_eq!(
            bounds(Window::Hour, "Asia/Kolkata", "2026-11-22T12:40:00.5Z"),
            ("2026-11-22T12:30:00Z".into(), "2026-11-22T13:30:00Z".into())
        );
        assert_eq!(
            bounds(Window::Minute, "UTC", "2026-11-22T12:40:59.9Z"),
            ("2026-11-22T12:40:00Z".into(), "2026-11-22T12:41:00Z".into())
        );
    }

    #[test]
    fn a_rolling_window_counts_at_least_its_length_and_one_bucket_more_at_the_most() {
        for length in [1, 59, 60, 61, 3_600, 18_000, 86_401] {
            let grain = i64::try_from(rolling_grain(length)).unwrap();
            for offset in [0, 1, 29, 59, 3_599] {
                let now = Timestamp::from_second(1_800_000_000 + offset).unwrap();
                let bounds = window_bounds(Window::Rolling(length), "UTC", now).unwrap().unwrap();
                let length = i64::try_from(length).unwrap();
                let counted = now.as_second() - bounds.first.as_second();
                assert!((length..length + grain).contains(&counted), "{length}: {counted}");
                assert!(bounds.bucket <= now && now.as_second() < bounds.bucket.as_second() + grain);
                assert_eq!((bounds.bucket.as_second() - bounds.first.as_second()) % grain, 0);
                assert_eq!(bounds.end.as_second(), bounds.bucket.as_second() + grain + length);
            }
        }
    }

    #[test]
    fn periods_of_a_calendar_of_its_own_follow_one_another() {
        let recurring = |text: &str, now: &str| bounds(text.parse().unwrap(), "UTC", now);
        assert_eq!(
            recurring("R/2026-11-15/P1M", "2026-12-14T23:59:59Z"),
            ("2026-11-15T00:00:00Z".into(), "2026-12-15T00:00:00Z".into())
        );
        assert_eq!(
            recurring("R/2026-01-31/P1M", "2026-02-28T00:00:00Z"),
            ("2026-02-28T00:00:00Z".into(), "2026-03-31T00:00:00Z".into())
        );
        assert_eq!(
            recurring("R/2026-01-05/P2W", "2026-11-22T12:00:00Z"),
            ("2026-11-09T00:00:00Z".into(), "2026-11-23T00:00:00Z".into())
        );
        assert_eq!(
            recurring("R/2030-01-01/P1Y", "2026-11-22T12:00:00Z"),
            ("2026-01-01T00:00:00Z".into(), "2027-01-01T00:00:00Z".into())
        );
        let (mut at, end): (Timestamp, Timestamp) =
            ("2023-01-01T00:00:00Z".parse().unwrap(), "2027-01-01T00:00:00Z".parse().unwrap());
        let window: Window = "R/2024-02-29/P1M3D".parse().unwrap();
        let mut last: Option<Bounds> = None;
        while at < end {
            let next = window_bounds(window, "Europe/Berlin", at).unwrap().unwrap();
            assert!(next.first <= at && at < next.end, "{at} lies in {next:?}");
            if let Some(last) = last.filter(|last| last.first != next.first) {
                assert_eq!(last.end, next.first);
            }
            last = Some(next);
            at += 6.hours();
        }
    }
}
