//! Off-peak prices: hours and days at which other prices replace the usual ones, whatever those depend on.

use std::collections::BTreeSet;

use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::document::number;
use super::keys::{BATCH, Entry, meter_of};
use crate::catalog::import::extent::{self, MOST_PRICES, MOST_RULES, TOO_MANY_PRICES, TOO_MANY_RULES};
use crate::types::{Attribute, Calendar, Conditions, Hours, OfferPrice, Weekday, time_zone};

/// The fields of a block that say when it holds.
const TIMES: [&str; 3] = ["windows", "hours_utc", "weekday_timezone"];

const DAY: i64 = 24 * 60;

/// Adds the prices of a block to those that hold outside of its hours, or returns what of it was not understood.
pub(super) fn add(
    block: &Map<String, Value>,
    entry: Entry<'_>,
    prices: &mut Vec<OfferPrice>,
) -> Vec<(String, String, &'static str)> {
    let calendars = match calendars(block) {
        Ok(calendars) => calendars,
        Err(reason) => return vec![(String::new(), Value::Object(block.clone()).to_string(), reason)],
    };
    let mut wrong = Vec::new();
    for (key, value) in block.iter().filter(|(key, _)| !TIMES.contains(&key.as_str())) {
        let Some(((meter, unit), price)) = meter_of(key, entry).zip(number(value)) else {
            wrong.push((format!(".{key}"), value.to_string(), "the key names no meter, or its value is no price"));
            continue;
        };
        let own = |other: &&OfferPrice| other.pricing_type == meter && other.conditions.calendar.is_none();
        let mut usual: Vec<OfferPrice> = prices.iter().filter(own).cloned().collect();
        if !usual.iter().any(|price| price.conditions.is_empty()) {
            usual.push(OfferPrice::new(meter, price, unit));
        }
        if usual.len() * calendars.len() > MOST_PRICES || !extent::fits(prices) {
            wrong.push((format!(".{key}"), value.to_string(), TOO_MANY_PRICES));
            continue;
        }
        for other in usual {
            // The price of a batch does not depend on the hour.
            let is_batch =
                other.conditions.choices.get(&Attribute::ServiceTier).is_some_and(|tiers| tiers.contains(BATCH));
            let price = if is_batch { other.unit_price } else { price };
            for calendar in &calendars {
                let conditions: Conditions = other.conditions.clone().with_calendar(calendar.clone());
                prices.push(OfferPrice::new(meter, price, unit).when(conditions));
            }
        }
    }
    wrong
}

/// Reads when a block holds.
fn calendars(block: &Map<String, Value>) -> Result<Vec<Calendar>, &'static str> {
    let zone = zone(block.get("weekday_timezone"))?;
    let mut calendars = Vec::new();
    if let Some(hours) = block.get("hours_utc") {
        calendars.push(calendar(hours, None, &zone)?);
    }
    let windows = block.get("windows").and_then(Value::as_array);
    if windows.is_some_and(|windows| windows.len() > MOST_RULES) {
        return Err(TOO_MANY_RULES);
    }
    for window in windows.into_iter().flatten() {
        let window = window.as_object().ok_or("a window is an object of hours and weekdays")?;
        let hours = window.get("hours_utc").ok_or("a window names no hours")?;
        calendars.push(calendar(hours, window.get("weekdays"), &zone)?);
    }
    if calendars.is_empty() { Err("the block names no hours") } else { Ok(calendars) }
}

/// The calendar that weekdays are read on, with how many minutes its clock is ahead of UTC.
struct Zone {
    name: Option<String>,
    ahead: i64,
}

/// Hours are told in UTC and weekdays on another clock: one calendar can hold both only if the two never drift apart.
fn zone(value: Option<&Value>) -> Result<Zone, &'static str> {
    let Some(name) = value.and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty()) else {
        return Ok(Zone { name: None, ahead: 0 });
    };
    let zone = time_zone(name).ok_or("the time zone of the weekdays is not known")?;
    // The beginning of 2020: no price of the list is older.
    let since = Timestamp::from_second(1_577_836_800).map_err(|_| "the time zone of the weekdays is not known")?;
    if zone.following(since).next().is_some() {
        return Err("the clock of the weekdays changes with the seasons, but the hours do not");
    }
    Ok(Zone { name: Some(name.to_owned()), ahead: i64::from(zone.to_offset(since).seconds()) / 60 })
}

fn calendar(hours: &Value, weekdays: Option<&Value>, zone: &Zone) -> Result<Calendar, &'static str> {
    let windows: Vec<&str> = match hours {
        Value::String(window) => vec![window],
        Value::Array(windows) => windows.iter().filter_map(Value::as_str).collect(),
        _ => return Err("hours are a string such as \"16:30-00:30\", or an array of such"),
    };
    if windows.len() > MOST_RULES {
        return Err(TOO_MANY_RULES);
    }
    let mut minutes = Vec::new();
    for window in windows {
        let (from, until) = window.split_once('-').ok_or("hours are a string such as \"16:30-00:30\"")?;
        minutes.push((minute(from)?, minute(until)?));
    }
    let mut calendar = Calendar { time_zone: zone.name.clone(), weekdays: days(weekdays)?, ..Calendar::default() };
    if minutes.iter().any(|(from, until)| from == until) {
        // Hours that end when they begin are the whole day.
        return if calendar.weekdays.is_empty() { Err("the prices hold at all times") } else { Ok(calendar) };
    }
    for (from, until) in minutes {
        // A weekday is that of the moment, so hours are cut where the day ends on the clock of the weekdays.
        let (from, until) = ((from + zone.ahead).rem_euclid(DAY), (until + zone.ahead).rem_euclid(DAY));
        let parts = if from < until || until == 0 { vec![(from, until)] } else { vec![(from, 0), (0, until)] };
        for (from, until) in parts {
            calendar.hours.insert(Hours { from: time(from), until: time(until) });
        }
    }
    Ok(calendar)
}

fn minute(text: &str) -> Result<i64, &'static str> {
    let wrong = "an hour is a string such as \"16:30\"";
    let (hour, minute) = text.trim().split_once(':').ok_or(wrong)?;
    let (hour, minute): (i64, i64) = hour.parse().ok().zip(minute.parse().ok()).ok_or(wrong)?;
    if (0..24).contains(&hour) && (0..60).contains(&minute) { Ok(hour * 60 + minute) } else { Err(wrong) }
}

fn time(minute: i64) -> Time {
    Time::midnight().wrapping_add(SignedDuration::from_mins(minute))
}

fn days(value: Option<&Value>) -> Result<BTreeSet<Weekday>, &'static str> {
    let Some(value) = value else { return Ok(BTreeSet::new()) };
    let items = value.as_array().ok_or("weekdays are an array")?;
    let days: Option<BTreeSet<Weekday>> = items.iter().map(day).collect();
    days.filter(|days| !days.is_empty()).ok_or("a weekday is a number from 1 for Monday to 7, or a name")
}

fn day(value: &Value) -> Option<Weekday> {
    let text = match value {
        Value::String(text) => text.trim().to_ascii_lowercase(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let names = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let place = text.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let place = place.or_else(|| names.iter().position(|name| text.len() >= 3 && name.starts_with(&text)))?;
    Weekday::ALL.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Decimal, Meter, Unit};

    fn block(text: &str) -> Map<String, Value> {
        super::super::document::exact_object(text).unwrap()
    }

    fn holds(block_text: &str, at: &str) -> bool {
        let calendars = calendars(&block(block_text)).unwrap();
        for calendar in &calendars {
            assert_eq!(calendar.problem(), None);
        }
        calendars.iter().any(|calendar| calendar.contains(at.parse().unwrap()))
    }

    #[test]
    fn hours_past_midnight_belong_to_the_weekday_of_the_moment() {
        let text = r#"{"windows": [{"hours_utc": ["22:00-02:00"], "weekdays": [5]}, {"hours_utc": "00:00-00:00", "weekdays": ["sun"]}]}"#;
        for (at, inside) in [
            ("2026-11-20T23:00:00Z", true),
            ("2026-11-21T01:00:00Z", false),
            ("2026-11-20T01:59:00Z", true),
            ("2026-11-20T02:00:00Z", false),
            ("2026-11-22T12:00:00Z", true),
        ] {
            assert_eq!(holds(text, at), inside, "{at}");
        }
    }

    #[test]
    fn weekdays_of_another_clock_are_read_on_it() {
        let text = r#"{"weekday_timezone": "Asia/Shanghai", "windows": [{"hours_utc": "10:00-00:00", "weekdays": [1, 2, 3, 4, 5]}]}"#;
        for (at, inside) in [
            ("2026-11-20T15:59:00Z", true),
            ("2026-11-20T16:00:00Z", false),
            ("2026-11-22T16:00:00Z", true),
            ("2026-11-22T15:59:00Z", false),
            ("2026-11-19T23:59:00Z", true),
            ("2026-11-20T00:00:00Z", false),
        ] {
            assert_eq!(holds(text, at), inside, "{at}");
        }
        let seasonal = r#"{"weekday_timezone": "Europe/Berlin", "hours_utc": "10:00-11:00"}"#;
        assert!(calendars(&block(seasonal)).unwrap_err().contains("seasons"));
    }

    #[test]
    fn an_off_peak_price_replaces_the_one_of_every_length() {
        let mut ladders = super::super::ladder::Ladders::default();
        for (step, price) in [((None, 0), 4), ((None, 200), 8), ((Some(BATCH), 0), 2)] {
            ladders.add(Meter::InputToken, Unit::PerToken, None, step, Decimal::from(price)).unwrap();
        }
        let mut prices = ladders.into_prices(false);
        let usual = prices.len();
        let wrong = add(
            &block(r#"{"hours_utc": "10:00-11:00", "input_cost_per_token": 1, "sparkle": 1}"#),
            Entry::default(),
            &mut prices,
        );
        assert_eq!(wrong.len(), 1);
        assert_eq!(prices.len(), 2 * usual);
        let off_peak = prices.iter().filter(|price| price.conditions.calendar.is_some());
        assert_eq!(off_peak.map(|price| price.unit_price.to_string()).collect::<Vec<_>>(), ["1", "1", "2", "2"]);
    }
}
