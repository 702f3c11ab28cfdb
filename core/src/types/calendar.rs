//! Calendars: the hours and days at which a price applies, as its vendor's clock tells them.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use super::time_zone::time_zone;

/// Which instant of a call a calendar looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CalledAt {
    /// When the request was sent.
    #[default]
    RequestStart,
    /// When the first token arrived.
    FirstToken,
    /// When the answer was complete.
    Completion,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the days of the week need no words")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// Every day, from Monday.
    pub const ALL: [Self; 7] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday, Self::Saturday, Self::Sunday];

    fn of(date: Date) -> Self {
        let place = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap_or_default();
        Self::ALL[place % 7]
    }
}

/// Hours of a day, from the first up to the second, itself outside. Hours that end before they begin pass midnight, and
/// belong to the day on which they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("data" = true)))]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The first moment.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub from: Time,
    /// The first moment after it.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub until: Time,
}

/// The hours and days at which a price applies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("data" = true)))]
#[serde(deny_unknown_fields, default)]
pub struct Calendar {
    /// The IANA time zone of the vendor's clock, such as `Asia/Shanghai`; `UTC` where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The days of the week; all where empty.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub weekdays: BTreeSet<Weekday>,
    /// The hours; all where empty.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub hours: BTreeSet<Hours>,
    /// Days that do not count whatever their weekday, such as public holidays.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeSet<String>"))]
    pub excluded_dates: BTreeSet<Date>,
    /// Days that count whatever their weekday, such as make-up working days.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "BTreeSet<String>"))]
    pub included_dates: BTreeSet<Date>,
    /// Which instant of the call counts.
    #[serde(skip_serializing_if = "is_request_start")]
    pub at: CalledAt,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference to the field")]
fn is_request_start(at: &CalledAt) -> bool {
    *at == CalledAt::RequestStart
}

impl Calendar {
    /// Returns what is wrong with it.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if let Some(name) = &self.time_zone
            && time_zone(name).is_none()
        {
            return Some(format!("the time zone {name:?} of a calendar is not known; give an IANA name"));
        }
        if self.hours.iter().any(|hours| hours.from == hours.until) {
            return Some("hours of a calendar end when they begin; leave them out to mean the whole day".to_owned());
        }
        if self.weekdays.is_empty() && self.hours.is_empty() && self.excluded_dates.is_empty() {
            return Some("a calendar names no weekdays, no hours and no excluded dates; leave it out".to_owned());
        }
        None
    }

    /// Returns whether an instant is inside. A time zone that is not known contains nothing.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        let zone = match self.time_zone.as_deref() {
            None | Some("UTC") => Some(TimeZone::UTC),
            Some(name) => time_zone(name),
        };
        zone.is_some_and(|zone| self.contains_local(&at.to_zoned(zone)))
    }

    fn contains_local(&self, at: &Zoned) -> bool {
        let (date, time) = (at.date(), at.time());
        if self.hours.is_empty() {
            return self.counts(date);
        }
        self.hours.iter().any(|hours| {
            if hours.from < hours.until {
                hours.from <= time && time < hours.until && self.counts(date)
            } else if time >= hours.from {
                self.counts(date)
            } else {
                time < hours.until && date.yesterday().is_ok_and(|yesterday| self.counts(yesterday))
            }
        })
    }

    fn counts(&self, date: Date) -> bool {
        if self.included_dates.contains(&date) {
            return true;
        }
        !self.excluded_dates.contains(&date) && (self.weekdays.is_empty() || self.weekdays.contains(&Weekday::of(date)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(text: &str) -> Calendar {
        serde_json::from_str(text).unwrap()
    }

    fn contains(calendar: &Calendar, at: &str) -> bool {
        calendar.contains(at.parse().unwrap())
    }

    #[test]
    fn hours_are_of_the_vendors_clock_and_end_before_their_end() {
        let peak = calendar(
            r#"{"time_zone": "Asia/Shanghai", "weekdays": ["monday", "friday"],
                "hours": [{"from": "09:00:00", "until": "12:00:00"}]}"#,
        );
        for (at, inside) in [
            ("2026-11-20T00:59:59Z", false),
            ("2026-11-20T01:00:00Z", true),
            ("2026-11-20T03:59:59Z", true),
            ("2026-11-20T04:00:00Z", false),
            ("2026-11-22T01:00:00Z", false),
        ] {
            assert_eq!(contains(&peak, at), inside, "{at}");
        }
    }

    #[test]
    fn hours_that_pass_midnight_belong_to_the_day_on_which_they_begin() {
        let night = calendar(r#"{"weekdays": ["friday"], "hours": [{"from": "22:00:00", "until": "06:00:00"}]}"#);
        for (at, inside) in [
            ("2026-11-20T22:00:00Z", true),
            ("2026-11-21T05:59:59Z", true),
            ("2026-11-21T06:00:00Z", false),
            ("2026-11-20T05:00:00Z", false),
            ("2026-11-21T23:00:00Z", false),
        ] {
            assert_eq!(contains(&night, at), inside, "{at}");
        }
    }

    #[test]
    fn holidays_and_make_up_days_overrule_the_weekday() {
        let working = calendar(
            r#"{"weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday"],
                "excluded_dates": ["2026-10-01"], "included_dates": ["2026-10-10"]}"#,
        );
        assert!(!contains(&working, "2026-10-01T12:00:00Z") && contains(&working, "2026-10-10T12:00:00Z"));
        assert!(contains(&working, "2026-10-02T12:00:00Z") && !contains(&working, "2026-10-11T12:00:00Z"));
    }

    #[test]
    fn a_calendar_that_makes_no_sense_is_refused_with_its_field() {
        assert!(calendar(r#"{"time_zone": "Mars/Base", "weekdays": ["monday"]}"#).problem().unwrap().contains("Mars"));
        assert!(calendar("{}").problem().is_some());
    }
}
