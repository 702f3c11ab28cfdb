//! How a stretch of time is put together of whole days, whole hours, and what is left over.

use std::ops::Range;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::calendar::{HOUR, HOURS, day_number, first_day, local_date};
use crate::store::Grain;

/// How many days the longest month has, and hours a day.
const DAYS: usize = 31;

/// What the sums of a stretch of time are kept apart by. Nothing where they are not.
pub(super) type Label = Option<Date>;

/// A stretch of time, in microseconds, and how it is told apart.
#[derive(Clone, Debug)]
pub(super) struct Stretch<'z> {
    since: i64,
    until: i64,
    grain: Grain,
    zone: &'z TimeZone,
}

/// What is taken of the slots of a row: nothing, or their sums under a label.
pub(super) type Slots = Vec<Option<Label>>;

/// How the part of a stretch that lies in one month is put together.
#[derive(Debug, Default)]
pub(super) struct MonthPlan {
    /// Its whole days, by their place in the month.
    pub(super) days: Slots,
    /// Days that are put together of hours, by their numbers.
    pub(super) hours: Vec<(i32, Slots)>,
    /// Parts of hours, in microseconds, which records must tell.
    pub(super) rest: Vec<Range<i64>>,
}

impl<'z> Stretch<'z> {
    pub(super) fn new(since: i64, until: i64, grain: Grain, zone: &'z TimeZone) -> Self {
        Self { since, until, grain, zone }
    }

    /// Returns the first instant, in microseconds.
    pub(super) fn since(&self) -> i64 {
        self.since
    }

    /// Returns whether it ends before a month begins.
    pub(super) fn ends_before(&self, month: i32) -> bool {
        self.until <= first_micros(month)
    }

    /// Puts the part that lies in a month together.
    pub(super) fn plan(&self, month: i32) -> MonthPlan {
        let mut plan = MonthPlan::default();
        let first = day_number(first_day(month));
        let length = usize::try_from(first_day(month).days_in_month()).unwrap_or(DAYS);
        for place in 0..length {
            let day = first.saturating_add(i32::try_from(place).unwrap_or_default());
            let begin = i64::from(day) * HOURS * HOUR;
            let end = begin + HOURS * HOUR;
            let is_whole = self.since <= begin && end <= self.until;
            let label = self.label(begin..end).filter(|_| is_whole);
            let is_taken = label.is_some();
            plan.days.push(label);
            if is_taken || self.until <= begin || end <= self.since {
                continue;
            }
            let hours =
                (0..HOURS).map(|hour| begin + hour * HOUR).map(|hour| self.hour(hour, &mut plan.rest)).collect();
            plan.hours.push((day, hours));
        }
        plan
    }

    /// Returns the label of a whole hour that begins at an instant, or leaves what it has of the stretch to the records.
    fn hour(&self, begin: i64, rest: &mut Vec<Range<i64>>) -> Option<Label> {
        let part = begin.max(self.since)..(begin + HOUR).min(self.until);
        if part.is_empty() {
            return None;
        }
        if part == (begin..begin + HOUR)
            && let Some(label) = self.label(part.clone())
        {
            return Some(label);
        }
        match rest.last_mut() {
            Some(last) if last.end == part.start => last.end = part.end,
            _ => rest.push(part),
        }
        None
    }

    /// Returns what a part of the stretch is told apart by; nothing if one part of it is told from another.
    fn label(&self, part: Range<i64>) -> Option<Label> {
        let named = |date: Date| match self.grain {
            Grain::Whole => None,
            Grain::Day => Some(date),
            Grain::Month => Some(date.first_of_month()),
        };
        if self.grain == Grain::Whole {
            return Some(None);
        }
        // A change of the clock within the part keeps it in its day, or makes one of its ends another.
        let [first, last] = [part.start, part.end - 1].map(|micros| named(local_date(micros, self.zone)));
        (first == last).then_some(first)
    }
}

/// Returns the first microsecond of a month.
fn first_micros(month: i32) -> i64 {
    i64::from(day_number(first_day(month))) * HOURS * HOUR
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;

    use super::super::calendar::month;
    use super::*;

    fn micros(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    fn plan(since: &str, until: &str, grain: Grain, zone: &str, month_of: Date) -> MonthPlan {
        let zone = crate::types::time_zone(zone).unwrap();
        Stretch::new(micros(since), micros(until), grain, &zone).plan(month(month_of))
    }

    /// Adds up how many microseconds a plan takes under each label.
    fn lengths(plan: &MonthPlan) -> Vec<(Label, i64)> {
        let mut lengths: Vec<(Label, i64)> = Vec::new();
        let mut add = |label: Label, length| match lengths.iter_mut().find(|(own, _)| *own == label) {
            Some((_, sum)) => *sum += length,
            None => lengths.push((label, length)),
        };
        plan.days.iter().flatten().for_each(|label| add(*label, HOURS * HOUR));
        plan.hours.iter().flat_map(|(_, slots)| slots.iter().flatten()).for_each(|label| add(*label, HOUR));
        lengths
    }

    #[test]
    fn a_whole_month_is_whole_days_in_utc() {
        let plan = plan("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", Grain::Day, "UTC", date(2026, 11, 1));
        assert_eq!((plan.days.iter().flatten().count(), plan.hours.len(), plan.rest.len()), (30, 0, 0));
        assert_eq!(plan.days[21], Some(Some(date(2026, 11, 22))));
    }

    #[test]
    fn days_of_a_zone_of_whole_hours_are_put_together_of_hours() {
        let plan = plan("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", Grain::Day, "Asia/Shanghai", date(2026, 11, 1));
        assert_eq!((plan.days.iter().flatten().count(), plan.hours.len(), plan.rest.len()), (0, 30, 0));
        let lengths = lengths(&plan);
        assert_eq!(lengths.len(), 31);
        assert_eq!(lengths[0], (Some(date(2026, 11, 1)), 16 * HOUR));
        assert_eq!(lengths[1], (Some(date(2026, 11, 2)), 24 * HOUR));
        assert_eq!(lengths[30], (Some(date(2026, 12, 1)), 8 * HOUR));
    }

    #[test]
    fn months_of_a_zone_have_hours_at_their_ends_only() {
        let plan =
            plan("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", Grain::Month, "Asia/Shanghai", date(2026, 11, 1));
        assert_eq!((plan.days.iter().flatten().count(), plan.hours.len()), (29, 1));
        assert_eq!(plan.hours[0].1[16], Some(Some(date(2026, 12, 1))));
    }

    #[test]
    fn an_hour_that_a_midnight_divides_is_left_to_records() {
        let plan = plan("2026-11-01T00:00:00Z", "2026-11-03T00:00:00Z", Grain::Day, "Asia/Kolkata", date(2026, 11, 1));
        // Midnight in India is 18:30 in UTC.
        let rest: Vec<_> = plan.rest.iter().map(|part| (part.start, part.end - part.start)).collect();
        assert_eq!(rest, [(micros("2026-11-01T18:00:00Z"), HOUR), (micros("2026-11-02T18:00:00Z"), HOUR)]);
    }

    #[test]
    fn a_day_that_the_clock_changes_in_has_another_length() {
        let plan = plan("2026-10-24T00:00:00Z", "2026-10-28T00:00:00Z", Grain::Day, "Europe/Berlin", date(2026, 10, 1));
        let of = |day| lengths(&plan).into_iter().find(|(label, _)| *label == Some(date(2026, 10, day))).unwrap().1;
        assert_eq!((of(25), of(26)), (25 * HOUR, 24 * HOUR));
    }

    #[test]
    fn the_ends_of_a_stretch_are_left_to_records() {
        let plan = plan("2026-11-02T03:30:00Z", "2026-11-04T05:00:01Z", Grain::Whole, "UTC", date(2026, 11, 1));
        assert_eq!(plan.days.iter().flatten().count(), 1);
        assert_eq!(
            plan.rest,
            [
                micros("2026-11-02T03:30:00Z")..micros("2026-11-02T04:00:00Z"),
                micros("2026-11-04T05:00:00Z")..micros("2026-11-04T05:00:01Z"),
            ]
        );
        assert_eq!(lengths(&plan), [(None, (24 + 20 + 5) * HOUR)]);
    }

    #[test]
    fn a_stretch_within_an_hour_is_left_to_records_whole() {
        let plan = plan("2026-11-02T03:30:00Z", "2026-11-02T03:31:00Z", Grain::Whole, "UTC", date(2026, 11, 1));
        assert_eq!(plan.rest, vec![micros("2026-11-02T03:30:00Z")..micros("2026-11-02T03:31:00Z"); 1]);
        assert_eq!(lengths(&plan), []);
    }
}
