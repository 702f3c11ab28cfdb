//! Ranges: `tiered_pricing`, whose one table decides by a number of the request what all of it costs.

use serde_json::{Map, Value};

use super::document::number;
use super::keys::{Entry, meter_of};
use crate::catalog::import::extent::{MOST_RULES, TOO_MANY_RULES};
use crate::types::{Conditions, Decimal, Measure, Meter, OfferPrice, Range};

/// What of a row a rate stands for that the row does not give: no request mixes two rows.
const STAND_INS: [(Meter, Meter); 4] = [
    (Meter::CachedInputToken, Meter::InputToken),
    (Meter::CacheWrite5mToken, Meter::InputToken),
    (Meter::CacheWrite1hToken, Meter::CacheWrite5mToken),
    (Meter::ReasoningToken, Meter::OutputToken),
];

/// What a table came to.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) prices: Vec<OfferPrice>,
    /// The places and values that were not understood, with the reason.
    pub(super) wrong: Vec<(String, String, &'static str)>,
}

struct Row<'a> {
    place: usize,
    fields: &'a Map<String, Value>,
    measure: Measure,
    lower: Decimal,
    upper: Decimal,
}

/// Reads a table. `has_base` tells which meters have prices outside of it, that must not show through.
pub(super) fn read(table: &Value, entry: Entry<'_>, has_base: impl Fn(Meter) -> bool) -> Table {
    let mut read = Table::default();
    let Value::Array(items) = table else {
        read.wrong.push((String::new(), table.to_string(), "a table of prices is a list of rows"));
        return read;
    };
    if items.len() > MOST_RULES {
        read.wrong.push((String::new(), String::new(), TOO_MANY_RULES));
        return read;
    }
    let mut rows = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        match row(place, item) {
            Some(row) => rows.push(row),
            None => read.wrong.push((format!("[{place}]"), item.to_string(), "the row has no range of two numbers")),
        }
    }
    rows.sort_by_key(|row| row.lower);
    for (number, row) in rows.iter().enumerate() {
        let range = range(row, number == 0, number + 1 == rows.len());
        let conditions = Conditions::default().with_range(row.measure, range);
        row_prices(row, &conditions, entry, &has_base, &mut read);
    }
    read
}

fn row(place: usize, item: &Value) -> Option<Row<'_>> {
    let fields = item.as_object()?;
    let (key, measure) = if fields.contains_key("max_results_range") {
        ("max_results_range", Measure::MaxResults)
    } else {
        ("range", Measure::InputTokens)
    };
    let [lower, upper] = fields.get(key)?.as_array()?.as_slice() else { return None };
    Some(Row { place, fields, measure, lower: number(lower)?, upper: number(upper)? })
}

/// Ranges of tokens leave their lower end out; those of results contain both ends. The last one has no upper end.
fn range(row: &Row<'_>, is_first: bool, is_last: bool) -> Range {
    let lower = (!is_first || !row.lower.is_zero()).then_some(row.lower);
    let up_to = (!is_last).then_some(row.upper);
    match row.measure {
        Measure::MaxResults => Range { from: lower.filter(|_| !is_first), up_to, ..Range::default() },
        _ => Range { above: lower, up_to, ..Range::default() },
    }
}

fn row_prices(
    row: &Row<'_>,
    conditions: &Conditions,
    entry: Entry<'_>,
    has_base: &impl Fn(Meter) -> bool,
    read: &mut Table,
) {
    let mut found: Vec<(Meter, Decimal)> = Vec::new();
    for (key, value) in row.fields.iter().filter(|(key, _)| !key.ends_with("range")) {
        match meter_of(key, entry).zip(number(value)) {
            Some(((meter, unit), price)) => {
                found.push((meter, price));
                read.prices.push(OfferPrice::new(meter, price, unit).when(conditions.clone()));
            }
            None => read.wrong.push((
                format!("[{}].{key}", row.place),
                value.to_string(),
                "the key of a row names no meter, or its value is no price",
            )),
        }
    }
    for (meter, stand_in) in STAND_INS {
        let price_of = |meter| found.iter().find(|(other, _)| *other == meter).map(|(_, price)| *price);
        let Some(price) = price_of(stand_in).filter(|_| price_of(meter).is_none() && has_base(meter)) else { continue };
        found.push((meter, price));
        let unit = crate::types::Unit::PerToken;
        read.prices.push(OfferPrice::new(meter, price, unit).when(conditions.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str, base: &[Meter]) -> Table {
        let object = super::super::document::exact_object(&format!(r#"{{"table": {text}}}"#)).unwrap();
        read(&object["table"], Entry::default(), |meter| base.contains(&meter))
    }

    fn texts(table: &Table) -> Vec<String> {
        let text = |price: &OfferPrice| {
            format!("{} {} {}", price.pricing_type, price.unit_price, price.conditions.canonical())
        };
        table.prices.iter().map(text).collect()
    }

    #[test]
    fn rows_of_tokens_leave_their_lower_end_out_and_the_last_one_has_no_end() {
        let read = table(
            r#"[{"range": [1000, 2000], "input_cost_per_token": 2e-6}, {"range": [0, 1e3], "input_cost_per_token": 1e-6}]"#,
            &[Meter::CachedInputToken],
        );
        assert!(read.wrong.is_empty());
        assert_eq!(
            texts(&read),
            [
                r#"input_token 0.000001 {"input_tokens":{"up_to":1000}}"#,
                r#"cached_input_token 0.000001 {"input_tokens":{"up_to":1000}}"#,
                r#"input_token 0.000002 {"input_tokens":{"above":1000}}"#,
                r#"cached_input_token 0.000002 {"input_tokens":{"above":1000}}"#,
            ]
        );
    }

    #[test]
    fn rows_of_results_contain_both_ends() {
        let read = table(
            r#"[{"max_results_range": [1, 25], "input_cost_per_query": 0.005},
                {"max_results_range": [26, 100], "input_cost_per_query": 0.025}]"#,
            &[],
        );
        assert_eq!(
            texts(&read),
            [r#"search_unit 0.005 {"max_results":{"up_to":25}}"#, r#"search_unit 0.025 {"max_results":{"from":26}}"#,]
        );
    }

    #[test]
    fn an_invalid_row_of_a_price_table_is_named() {
        let read = table(r#"[{"input_cost_per_token": 1}, {"range": [0, 5], "sparkle": 2}]"#, &[]);
        assert!(read.prices.is_empty());
        let places: Vec<_> = read.wrong.iter().map(|(place, ..)| place.as_str()).collect();
        assert_eq!(places, ["[0]", "[1].sparkle"]);
    }
}
