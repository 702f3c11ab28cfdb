//! The account of usage fields: each field of a provider's usage is read or deliberately ignored, and any other is noticed.

use serde_json::Value;

/// What is done with a field of usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is read.
    Read,
    /// It is left alone, for a reason.
    Ignored(&'static str),
}

/// The names of one field, of which hosts choose one.
pub(super) type Names = &'static [&'static str];

/// Fields by the paths of what they stand under, and their names, and what is done with them. Items of arrays are named `[]`.
pub(super) type UsageField = (Names, Names, Fate);

/// The place of fields that stand under nothing.
pub(super) const TOP: Names = &[];

/// All fields that stand somewhere, and what is below them.
pub(super) const ALL: Names = &["*"];

/// Returns whether what stands at a path of a usage has a value that the table does not name. What is null, zero or empty says
/// nothing.
pub(super) fn has_unknown(path: &str, value: &Value, table: &[UsageField]) -> bool {
    first_unknown(value, &mut path.to_owned(), table).is_some()
}

/// Returns the path of the first field that no table names.
fn first_unknown(value: &Value, path: &mut String, table: &[UsageField]) -> Option<String> {
    if says_nothing(value) || is_named(path, table) {
        return None;
    }
    let length = path.len();
    let mut look = |name: &str, value: &Value| {
        if length > 0 {
            path.push('.');
        }
        path.push_str(name);
        let unknown = first_unknown(value, path, table);
        path.truncate(length);
        unknown
    };
    match value {
        Value::Object(fields) => fields.iter().find_map(|(name, value)| look(name, value)),
        Value::Array(items) => items.iter().find_map(|item| look("[]", item)),
        _ => Some(path.clone()),
    }
}

fn is_named(path: &str, table: &[UsageField]) -> bool {
    table.iter().any(|(places, names, _)| {
        let is_name = |name: &str| *names == ALL || names.contains(&name);
        let stands_under = |place: &&str| match path.strip_prefix(*place) {
            Some("") => *names == ALL,
            Some(rest) => rest.strip_prefix('.').is_some_and(is_name),
            None => false,
        };
        if places.is_empty() { is_name(path) } else { places.iter().any(stands_under) }
    })
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || text.parse::<f64>() == Ok(0.0),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TABLE: &[UsageField] = &[
        (TOP, &["input"], Fate::Read),
        (&["details"], &["cached"], Fate::Read),
        (&["by_modality.[]"], &["tokens"], Fate::Read),
        (&["times"], ALL, Fate::Ignored("durations are not billed")),
    ];

    #[test]
    fn a_field_that_no_table_names_is_noticed_wherever_it_stands() {
        for (usage, unknown) in [
            (json!({"input": 1, "details": {"cached": 2}, "times": {"queue": 0.5}}), None),
            (json!({"input": 1, "searches": 2}), Some("searches")),
            (json!({"details": {"cached": 2, "video": 3}}), Some("details.video")),
            (json!({"by_modality": [{"tokens": 1}, {"tokens": 1, "seconds": 4}]}), Some("by_modality.[].seconds")),
            (json!({"details": 7}), Some("details")),
            (json!({"timestamp": 7}), Some("timestamp")),
        ] {
            assert_eq!(first_unknown(&usage, &mut String::new(), TABLE).as_deref(), unknown, "{usage}");
            assert_eq!(has_unknown("", &usage, TABLE), unknown.is_some());
        }
    }

    #[test]
    fn unknown_usage_that_is_null_zero_or_empty_is_not_flagged() {
        for value in
            [json!(null), json!(0), json!(0.0), json!("0"), json!(""), json!(false), json!([]), json!({"a": {}})]
        {
            assert!(!has_unknown("unheard_of", &value, TABLE), "{value}");
        }
    }
}
