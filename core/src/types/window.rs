//! Windows: how long a budget runs before it starts again from zero.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::{Span, SpanRelativeTo};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::error::{Error, ErrorKind, Result};

/// The longest rolling window: what is rolled over must be kept.
const LONGEST_ROLLING: u64 = 400 * 24 * 3600;

/// How long a budget runs before it starts again from zero.
///
/// It is written as a string: `total`, `minute`, `hour`, `day`, `week`, `month`; an ISO 8601 duration such as `PT5H` for a rolling
/// window, in which a day has 24 hours; or an ISO 8601 recurrence such as `R/2026-11-15/P1M` for a calendar of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Window {
    /// It never starts again.
    #[default]
    Total,
    /// A minute of the clock.
    Minute,
    /// An hour of the clock in the budget's time zone.
    Hour,
    /// A calendar day in the budget's time zone.
    Day,
    /// A week in the budget's time zone, from Monday on.
    Week,
    /// A calendar month in the budget's time zone.
    Month,
    /// The last so many seconds, whenever one looks.
    Rolling(u64),
    /// Periods of a calendar of its own, one after another.
    Recurring(Recurrence),
}

/// Periods of one length, one after another, from the midnight that begins a day in the budget's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Recurrence {
    /// The day that the first one begins with.
    pub from: Date,
    /// The length in months.
    pub months: u32,
    /// The length in days, beyond the months.
    pub days: u32,
}

impl Window {
    /// Returns what people call it.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Total => "total".to_owned(),
            Self::Minute => "minute's".to_owned(),
            Self::Hour => "hourly".to_owned(),
            Self::Day => "daily".to_owned(),
            Self::Week => "weekly".to_owned(),
            Self::Month => "monthly".to_owned(),
            Self::Rolling(_) | Self::Recurring(_) => format!("{self}"),
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total => formatter.write_str("total"),
            Self::Minute => formatter.write_str("minute"),
            Self::Hour => formatter.write_str("hour"),
            Self::Day => formatter.write_str("day"),
            Self::Week => formatter.write_str("week"),
            Self::Month => formatter.write_str("month"),
            Self::Rolling(seconds) => {
                let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
                formatter.write_str("PT")?;
                for (number, unit) in [(hours, 'H'), (minutes, 'M'), (rest, 'S')] {
                    if number > 0 {
                        write!(formatter, "{number}{unit}")?;
                    }
                }
                Ok(())
            }
            Self::Recurring(Recurrence { from, months, days }) => {
                write!(formatter, "R/{from}/P")?;
                for (number, unit) in [(months, 'M'), (days, 'D')] {
                    if *number > 0 {
                        write!(formatter, "{number}{unit}")?;
                    }
                }
                Ok(())
            }
        }
    }
}

impl FromStr for Window {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = match text {
            "total" => Self::Total,
            "minute" => Self::Minute,
            "hour" => Self::Hour,
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            _ => {
                let read = if text.starts_with("R/") { recurring(text) } else { rolling(text) };
                return read.ok_or_else(|| {
                    Error::new(
                        ErrorKind::InvalidRequest,
                        format!(
                            "window {text:?} is not known; give \"total\", \"minute\", \"hour\", \"day\", \"week\", \
                             \"month\", a rolling length of 1 second to 400 days such as \"PT5H\" or \"P30D\", or a calendar \
                             of whole days or months such as \"R/2026-11-15/P1M\""
                        ),
                    )
                });
            }
        };
        Ok(known)
    }
}

fn rolling(text: &str) -> Option<Window> {
    // Without the sign of a duration, words of people would be read too.
    let span: Span = text.starts_with('P').then(|| text.parse().ok())??;
    if span.get_years() != 0 || span.get_months() != 0 {
        return None;
    }
    let whole = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    let length = u64::try_from(whole.as_secs()).ok()?;
    (whole.subsec_nanos() == 0 && (1..=LONGEST_ROLLING).contains(&length)).then_some(Window::Rolling(length))
}

fn recurring(text: &str) -> Option<Window> {
    let (from, every) = text.strip_prefix("R/")?.split_once('/')?;
    let span: Span = every.starts_with('P').then(|| every.parse().ok())??;
    let months = u32::try_from(i32::from(span.get_years()) * 12 + span.get_months()).ok()?;
    let days = u32::try_from(span.get_weeks() * 7 + span.get_days()).ok()?;
    let from: Date = from.parse().ok()?;
    (!every.contains('T') && (months > 0 || days > 0) && months <= 1_200 && days <= 36_600)
        .then_some(Window::Recurring(Recurrence { from, months, days }))
}

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error: Error| de::Error::custom(error.detail()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_written_as_it_is_read() {
        for (text, written) in [
            ("total", "total"),
            ("minute", "minute"),
            ("hour", "hour"),
            ("day", "day"),
            ("week", "week"),
            ("month", "month"),
            ("PT5H", "PT5H"),
            ("PT90M", "PT1H30M"),
            ("P30D", "PT720H"),
            ("P1W", "PT168H"),
            ("PT1S", "PT1S"),
            ("R/2026-11-15/P1M", "R/2026-11-15/P1M"),
            ("R/2026-01-05/P2W", "R/2026-01-05/P14D"),
            ("R/2024-02-29/P1Y", "R/2024-02-29/P12M"),
        ] {
            let window: Window = text.parse().unwrap();
            assert_eq!(window.to_string(), written);
            assert_eq!(written.parse::<Window>().unwrap(), window);
            assert_eq!(serde_json::from_value::<Window>(serde_json::to_value(window).unwrap()).unwrap(), window);
        }
    }

    #[test]
    fn what_is_no_window_is_refused_with_what_can_be_given() {
        for text in [
            "",
            "Day",
            "fortnight",
            "5h",
            "PT0S",
            "-PT5H",
            "P1M",
            "PT0.5S",
            "P401D",
            "R/2026-11-15",
            "R/2026-13-01/P1M",
            "R/2026-11-15/PT5H",
            "R/2026-11-15/P0D",
            "R/2026-11-15/-P1M",
        ] {
            let error = text.parse::<Window>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{text}");
            assert!(error.detail().contains("R/2026-11-15/P1M"), "{error}");
        }
    }
}
