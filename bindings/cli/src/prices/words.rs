//! Prices and their conditions in words.

use std::collections::BTreeSet;

use tollway::types::{
    Basis, Calendar, CalledAt, Conditions, Currency, Decimal, Hours, OfferPrice, PricingType, Range, Rounding, Scale,
    Unit, Weekday,
};

/// How many dates of a calendar are named; more are counted.
const MOST_DATES: usize = 3;

/// Returns a stable name as words: `input_tokens` is `input tokens`.
pub(crate) fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// Returns a unit as words: `per_1m_tokens` is `per 1M tokens`.
pub(crate) fn unit(unit: Unit) -> String {
    words(unit.name()).replace("1m ", "1M ")
}

/// Returns what a price is, such as `0.15 USD per 1M tokens`; of a modifier, what it multiplies by.
pub(crate) fn price(price: &OfferPrice, currency: Currency) -> String {
    match price.pricing_type {
        PricingType::Modifier(_) => format!("x {}", price.unit_price.normalize()),
        PricingType::Meter(_) => {
            let sign = if price.basis == Basis::Surcharge { "+ " } else { "" };
            format!("{sign}{}", unit_price(price.unit_price, price.unit, currency))
        }
    }
}

/// Returns the price of a unit, such as `0.15 USD per 1M tokens`; those of tokens are all of a million, to be compared.
pub(crate) fn unit_price(amount: Decimal, of: Unit, currency: Currency) -> String {
    let million = Unit::Per1mTokens;
    let is_fewer = of.family() == million.family() && of.size() < million.size();
    let factor = Decimal::from(million.size() / of.size().max(1));
    let (amount, of) = match amount.checked_mul(factor).filter(|_| is_fewer) {
        Some(amount) => (amount, million),
        None => (amount, of),
    };
    format!("{} {currency} {}", amount.normalize(), unit(of))
}

/// Returns what a price or a modifier is for.
pub(crate) fn subject(price: &OfferPrice) -> String {
    let Some(modifier) = &price.modifier else { return price.pricing_type.name().to_owned() };
    let meters: Vec<_> = modifier.meters.iter().map(|meter| meter.name()).collect();
    let of = if meters.is_empty() { "everything".to_owned() } else { meters.join(", ") };
    format!("{} on {of}", modifier.group)
}

/// Returns when a price applies; empty if always.
pub(crate) fn conditions(conditions: &Conditions) -> String {
    let ranges = conditions.ranges.iter().map(|(measure, bounds)| match conditions.scale {
        Scale::WholeRequest => range(&words(measure.name()), bounds),
        Scale::Marginal => format!("for the part with {}", range(&words(measure.name()), bounds)),
    });
    let choices = conditions.choices.iter().map(|(attribute, values)| {
        let values: Vec<_> = values.iter().map(String::as_str).collect();
        format!("{} {}", words(attribute.name()), values.join(" or "))
    });
    let calendar = conditions.calendar.as_ref().map(calendar);
    ranges.chain(choices).chain(calendar).collect::<Vec<_>>().join("; ")
}

/// Returns what is special about a price beside its conditions; empty if nothing is.
pub(crate) fn extras(price: &OfferPrice, currency: Currency) -> String {
    let mut parts = rounding(&price.rounding, currency);
    if let Some(modifier) = &price.modifier {
        if modifier.order != 0 {
            parts.push(format!("order {}", modifier.order));
        }
        if !modifier.excludes.is_empty() {
            parts.push(format!("instead of {}", modifier.excludes.join(", ")));
        }
    }
    parts.extend(price.effective_date.map(|date| format!("from {date}")));
    parts.extend(price.expiry_date.map(|date| format!("until {date}")));
    parts.join("; ")
}

fn rounding(rounding: &Rounding, currency: Currency) -> Vec<String> {
    let mut parts = Vec::new();
    parts.extend(rounding.minimum_quantity.map(|least| format!("at least {least}")));
    parts.extend(rounding.step.map(|step| format!("in steps of {step}")));
    parts.extend(rounding.minimum_charge.map(|least| format!("at least {} {currency}", least.normalize())));
    parts
}

fn range(name: &str, range: &Range) -> String {
    let bound = |sign: &str, end: Option<Decimal>| end.map(|end| format!("{sign} {}", end.normalize()));
    let lower = bound(">", range.above).or_else(|| bound(">=", range.from));
    let upper = bound("<=", range.up_to).or_else(|| bound("<", range.below));
    match (lower, upper) {
        (Some(lower), Some(upper)) => format!("{name} {lower} and {upper}"),
        (lower, upper) => format!("{name} {}", lower.or(upper).unwrap_or_else(|| "known".to_owned())),
    }
}

fn calendar(calendar: &Calendar) -> String {
    let mut parts = Vec::new();
    if !calendar.hours.is_empty() {
        let span = |hours: &Hours| format!("{}-{}", hours.from.strftime("%H:%M"), hours.until.strftime("%H:%M"));
        parts.push(calendar.hours.iter().map(span).collect::<Vec<_>>().join(", "));
    }
    if !calendar.weekdays.is_empty() {
        parts.push(weekdays(&calendar.weekdays));
    }
    if !calendar.excluded_dates.is_empty() {
        parts.push(format!("except {}", dates(&calendar.excluded_dates)));
    }
    if !calendar.included_dates.is_empty() {
        parts.push(format!("and {}", dates(&calendar.included_dates)));
    }
    parts.push(calendar.time_zone.clone().unwrap_or_else(|| "UTC".to_owned()));
    match calendar.at {
        CalledAt::RequestStart => {}
        CalledAt::FirstToken => parts.push("when the first token arrives".to_owned()),
        CalledAt::Completion => parts.push("when the answer is complete".to_owned()),
    }
    parts.join(" ")
}

/// Names days of the week, three or more that follow each other as a span.
fn weekdays(days: &BTreeSet<Weekday>) -> String {
    let mut spans: Vec<Vec<Weekday>> = Vec::new();
    for day in Weekday::ALL {
        match spans.last_mut() {
            Some(span) if days.contains(&day) && !span.is_empty() => span.push(day),
            _ if days.contains(&day) => spans.push(vec![day]),
            // A gap: the next day begins a span of its own.
            _ => spans.push(Vec::new()),
        }
    }
    let name = |day: &Weekday| format!("{day:?}");
    let text = |span: &Vec<Weekday>| match span.as_slice() {
        [first, _, .., last] => format!("{} to {}", name(first), name(last)),
        few => few.iter().map(name).collect::<Vec<_>>().join(", "),
    };
    spans.iter().filter(|span| !span.is_empty()).map(text).collect::<Vec<_>>().join(", ")
}

fn dates(dates: &BTreeSet<jiff::civil::Date>) -> String {
    let named: Vec<_> = dates.iter().take(MOST_DATES).map(ToString::to_string).collect();
    match dates.len().checked_sub(named.len()) {
        Some(more @ 1..) => format!("{} and {more} more", named.join(", ")),
        _ => named.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        conditions(&Conditions::from_canonical(text).unwrap())
    }

    #[test]
    fn conditions_are_described_in_words() {
        for (text, words) in [
            ("", ""),
            (r#"{"input_tokens": {"above": 0, "up_to": 32000}}"#, "input tokens > 0 and <= 32000"),
            (
                r#"{"duration": {"below": "7.5"}, "service_tier": ["flex", "batch"]}"#,
                "duration < 7.5; service tier batch or flex",
            ),
            (r#"{"input_tokens": {"from": 1000}, "scale": "marginal"}"#, "for the part with input tokens >= 1000"),
            (
                r#"{"calendar": {"time_zone": "Asia/Shanghai", "weekdays": ["monday", "tuesday", "wednesday", "sunday"],
                    "hours": [{"from": "09:00:00", "until": "12:00:00"}],
                    "excluded_dates": ["2026-10-01", "2026-10-02", "2026-10-03", "2026-10-04"], "at": "first_token"}}"#,
                "09:00-12:00 Monday to Wednesday, Sunday except 2026-10-01, 2026-10-02, 2026-10-03 and 1 more \
                 Asia/Shanghai when the first token arrives",
            ),
            (
                r#"{"calendar": {"weekdays": ["saturday", "sunday"], "included_dates": ["2026-10-10"]}}"#,
                "Saturday, Sunday and 2026-10-10 UTC",
            ),
        ] {
            assert_eq!(said(text), words, "{text}");
        }
    }

    #[test]
    fn prices_of_tokens_can_be_compared() {
        for (amount, of, said) in [
            ("0.00000015", Unit::PerToken, "0.15 USD per 1M tokens"),
            ("0.15", Unit::Per1mTokens, "0.15 USD per 1M tokens"),
            ("0.0020", Unit::Per1kTokens, "2 USD per 1M tokens"),
            ("15", Unit::Per1mCharacters, "15 USD per 1M characters"),
            ("0.04", Unit::PerImage, "0.04 USD per image"),
        ] {
            assert_eq!(unit_price(amount.parse().unwrap(), of, Currency::USD), said);
        }
    }

    #[test]
    fn a_price_says_its_unit_and_what_is_special() {
        let text = r#"{"pricing_type": "input_audio_second", "unit_price": "0.0060", "unit": "per_minute",
            "basis": "surcharge", "rounding": {"minimum_quantity": 10, "step": 1, "minimum_charge": "0.01"},
            "effective_date": "2026-01-01T00:00:00Z", "expiry_date": "2027-01-01T00:00:00Z"}"#;
        let minute: OfferPrice = serde_json::from_str(text).unwrap();
        assert_eq!(price(&minute, Currency::USD), "+ 0.006 USD per minute");
        assert_eq!(
            extras(&minute, Currency::USD),
            "at least 10; in steps of 1; at least 0.01 USD; from 2026-01-01T00:00:00Z; until 2027-01-01T00:00:00Z"
        );
        let text = r#"{"pricing_type": "modifier", "unit_price": "0.5", "unit": "ratio",
            "modifier": {"meters": ["input_token"], "group": "batch", "order": 2, "excludes": ["cache"]}}"#;
        let half: OfferPrice = serde_json::from_str(text).unwrap();
        assert_eq!((price(&half, Currency::CNY).as_str(), subject(&half).as_str()), ("x 0.5", "batch on input_token"));
        assert_eq!(extras(&half, Currency::CNY), "order 2; instead of cache");
    }
}
