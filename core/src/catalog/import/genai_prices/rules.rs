//! Rules of genai-prices: sets of prices that begin at a date or hold at hours of the day, the last of which wins.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, Time, date};
use jiff::tz::TimeZone;

use super::super::extent;
use super::keys::Rates;
use crate::types::{Calendar, Hours, Meter, OfferPrice, Weekday};

/// When a rule holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Constraint {
    /// Always.
    None,
    /// From a day on, which begins at midnight UTC.
    Since(Date),
    /// At hours of each day, UTC.
    Daily(Hours),
}

/// A set of prices and when it holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) constraint: Constraint,
    pub(super) rates: Rates,
}

impl Rule {
    fn since(&self) -> Option<Date> {
        if let Constraint::Since(date) = self.constraint { Some(date) } else { None }
    }

    fn hours(&self) -> Option<Hours> {
        if let Constraint::Daily(hours) = self.constraint { Some(hours) } else { None }
    }
}

/// Returns the first instant of a day, UTC.
pub(super) fn midnight(date: Date) -> Option<Timestamp> {
    date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// The days on which peak hours hold, where the vendor has such and the list has no word for it.
///
/// `DeepSeek` bills off-peak on weekends and public holidays of China since this day; the holidays are those of 2026.
const WORKING_DAYS_SINCE: Date = date(2026, 8, 23);
const HOLIDAYS: [Date; 6] =
    [date(2026, 9, 25), date(2026, 10, 1), date(2026, 10, 2), date(2026, 10, 5), date(2026, 10, 6), date(2026, 10, 7)];

fn are_peak_hours_of_working_days(provider: &str, hours: Hours) -> bool {
    let is = |from: i8, until: i8| {
        (hours.from, hours.until) == (Time::constant(from, 0, 0, 0), Time::constant(until, 0, 0, 0))
    };
    provider == "deepseek" && (is(1, 4) || is(6, 10))
}

/// Turns rules into dated prices, with calendars where a rule holds at hours.
///
/// Rules with hours have no date of their own. They begin with the last dated rule before them in the list, because they
/// belong to the prices that began then; their hours do not reach back into prices that were there before.
pub(super) fn prices(provider: &str, rules: &[Rule]) -> Vec<OfferPrice> {
    let mut starts: BTreeSet<Date> = rules.iter().filter_map(Rule::since).collect();
    let has_working_days =
        rules.iter().filter_map(Rule::hours).any(|hours| are_peak_hours_of_working_days(provider, hours));
    if has_working_days {
        starts.insert(WORKING_DAYS_SINCE);
    }
    let lower = std::iter::once(None).chain(starts.iter().copied().map(Some));
    let upper = starts.iter().copied().map(Some).chain([None]);
    let mut prices: Vec<OfferPrice> = Vec::new();
    for (from, until) in lower.zip(upper) {
        if !extent::fits(&prices) {
            return prices;
        }
        for price in interval(provider, rules, from) {
            let mut price = price;
            price.effective_date = from.and_then(midnight);
            price.expiry_date = until.and_then(midnight);
            join(&mut prices, price);
        }
    }
    prices
}

/// Adds a price, or lets the same price of the days before go on.
fn join(prices: &mut Vec<OfferPrice>, price: OfferPrice) {
    let continued = prices.iter_mut().find(|earlier| {
        earlier.expiry_date.is_some()
            && earlier.expiry_date == price.effective_date
            && OfferPrice { effective_date: None, expiry_date: None, ..(**earlier).clone() }
                == OfferPrice { effective_date: None, expiry_date: None, ..price.clone() }
    });
    match continued {
        Some(earlier) => earlier.expiry_date = price.expiry_date,
        None => prices.push(price),
    }
}

/// Returns the prices from a day on, up to the next at which any rule begins.
fn interval(provider: &str, rules: &[Rule], from: Option<Date>) -> Vec<OfferPrice> {
    let has_begun = |rule: &Rule| rule.since().is_none_or(|since| from.is_some_and(|from| since <= from));
    let standing = rules.iter().enumerate().rev().find(|(_, rule)| rule.hours().is_none() && has_begun(rule));
    // Where no rule holds, the first one of the list does.
    let Some((place, standing)) = standing.or_else(|| rules.iter().enumerate().next()) else { return Vec::new() };
    let mut taken: Vec<(Time, Time)> = Vec::new();
    let mut daily: Vec<(Calendar, &Rates)> = Vec::new();
    for (later, rule) in rules.iter().enumerate().skip(place).rev() {
        let Some(hours) = rule.hours() else { continue };
        let belongs_to = rules[..later].iter().filter_map(Rule::since).max();
        if belongs_to.is_some_and(|since| from.is_none_or(|from| from < since)) {
            continue;
        }
        let mut free = spans(hours);
        for busy in &taken {
            free = free.into_iter().flat_map(|span| without(span, *busy)).collect();
        }
        taken.extend(&free);
        let hours: BTreeSet<Hours> = free.into_iter().map(hours_of).collect();
        let mut calendar = Calendar { hours, ..Calendar::default() };
        let working_days = from.is_some_and(|from| from >= WORKING_DAYS_SINCE)
            && rule.hours().is_some_and(|hours| are_peak_hours_of_working_days(provider, hours));
        if working_days {
            calendar.weekdays = Weekday::ALL[..5].iter().copied().collect();
            calendar.excluded_dates = HOLIDAYS.into();
        }
        if !calendar.hours.is_empty() {
            daily.push((calendar, &rule.rates));
        }
    }
    daily.reverse();
    let mut prices = Vec::new();
    for (meter, rate) in &standing.rates {
        let has_no_hours = daily.is_empty();
        let is_plainly_replaced = rate.tiers.is_empty() && daily.iter().all(|(_, rates)| rates.contains_key(meter));
        if has_no_hours || is_plainly_replaced {
            prices.extend(rate.prices(*meter));
            continue;
        }
        for calendar in outside(&daily) {
            prices.extend(at(rate.prices(*meter), &calendar));
        }
    }
    for (calendar, rates) in daily {
        prices.extend(rates.iter().flat_map(|(meter, rate)| at(rate.prices(*meter), &calendar)));
    }
    prices
}

fn at(prices: Vec<OfferPrice>, calendar: &Calendar) -> impl Iterator<Item = OfferPrice> {
    prices.into_iter().map(|mut price| {
        price.conditions.calendar = Some(calendar.clone());
        price
    })
}

/// Returns when none of the calendars holds: the hours that no one names, and theirs on the days that they leave out.
fn outside(daily: &[(Calendar, &Rates)]) -> Vec<Calendar> {
    let mut free = vec![(Time::midnight(), Time::MAX)];
    for (calendar, _) in daily {
        for hours in &calendar.hours {
            for busy in spans(*hours) {
                free = free.into_iter().flat_map(|span| without(span, busy)).collect();
            }
        }
    }
    let mut calendars = Vec::new();
    if !free.is_empty() {
        calendars.push(Calendar { hours: free.into_iter().map(hours_of).collect(), ..Calendar::default() });
    }
    for (calendar, _) in daily.iter().filter(|(calendar, _)| !calendar.weekdays.is_empty()) {
        calendars.push(Calendar {
            hours: calendar.hours.clone(),
            weekdays: Weekday::ALL.into_iter().filter(|day| !calendar.weekdays.contains(day)).collect(),
            included_dates: calendar.excluded_dates.clone(),
            ..Calendar::default()
        });
    }
    calendars
}

/// Returns hours as spans of one day; the end of the day is its last instant.
fn spans(hours: Hours) -> Vec<(Time, Time)> {
    let end = |time: Time| if time == Time::midnight() { Time::MAX } else { time };
    if hours.from < end(hours.until) {
        vec![(hours.from, end(hours.until))]
    } else {
        vec![(Time::midnight(), hours.until), (hours.from, Time::MAX)]
    }
}

fn hours_of((from, until): (Time, Time)) -> Hours {
    Hours { from, until: if until == Time::MAX { Time::midnight() } else { until } }
}

/// Returns what is left of a span without another.
fn without((from, until): (Time, Time), (busy_from, busy_until): (Time, Time)) -> Vec<(Time, Time)> {
    [(from, until.min(busy_from)), (from.max(busy_until), until)]
        .into_iter()
        .filter(|(from, until)| from < until)
        .collect()
}

/// Returns whether any rule has a price that jumps with the length of the input.
pub(super) fn jumps(rules: &[Rule], meter: Meter) -> bool {
    rules.iter().any(|rule| rule.rates.get(&meter).is_some_and(|rate| !rate.tiers.is_empty()))
}
