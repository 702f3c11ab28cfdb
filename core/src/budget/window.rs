//! Windows: when a budget starts again from zero.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use crate::types::{Error, ErrorKind, Result, Window};

/// Returns the first instant of the window that runs at an instant, and the first instant of the next one; nothing for
/// a total, which never ends.
///
/// Days and months are those of the calendar in the time zone, so a day may have 23 or 25 hours. Fails with
/// [`ErrorKind::InvalidRequest`] if the time zone is not an IANA name.
pub fn window_bounds(window: Window, time_zone: &str, now: Timestamp) -> Result<Option<(Timestamp, Timestamp)>> {
    let zone = TimeZone::get(time_zone).map_err(|_| {
        Error::new(
            ErrorKind::InvalidRequest,
            format!("time zone {time_zone:?} is not known; give an IANA name such as \"Asia/Shanghai\" or \"UTC\""),
        )
    })?;
    let local = now.to_zoned(zone);
    let bounds = match window {
        Window::Total => return Ok(None),
        Window::Day => local.start_of_day().and_then(|start| Ok((start, local.tomorrow()?.start_of_day()?))),
        Window::Month => first_of_month(&local).and_then(|start| {
            let next = first_of_month(&start.checked_add(1.month())?)?;
            Ok((start, next))
        }),
    };
    let (start, end) = bounds.map_err(|_| {
        Error::new(ErrorKind::InvalidRequest, format!("the instant {now} is outside the calendar; set the clock right"))
    })?;
    Ok(Some((start.timestamp(), end.timestamp())))
}

fn first_of_month(instant: &Zoned) -> std::result::Result<Zoned, jiff::Error> {
    instant.first_of_month()?.start_of_day()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(window: Window, zone: &str, now: &str) -> (String, String) {
        let (start, end) = window_bounds(window, zone, now.parse().unwrap()).unwrap().unwrap();
        (start.to_string(), end.to_string())
    }

    fn hours(window: Window, zone: &str, now: &str) -> i64 {
        let (start, end) = window_bounds(window, zone, now.parse().unwrap()).unwrap().unwrap();
        (end.as_second() - start.as_second()) / 3600
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
}
