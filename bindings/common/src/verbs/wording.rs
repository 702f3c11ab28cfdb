//! What is wrong with arguments, in words for people who know JSON and the docs, and not this program's types.

use tollway::types::ErrorKind;

use crate::error::ErrorInfo;

/// Arguments that no error may repeat.
const SECRETS: &[&str] = &["api_key", "master_key"];

const INSTANTS: &[&str] = &["since", "until", "effective_date", "expiry_date", "at"];

/// What the parser says that it expected, and what to say in its place.
const EXPECTED: &[(&str, &str)] = &[
    ("u64", "an integer of zero or more"),
    ("u32", "an integer of zero or more"),
    ("usize", "an integer of zero or more"),
    ("i64", "an integer"),
    ("f64", "a number"),
    ("a JSON number", "a number"),
    ("a boolean", "true or false"),
    ("a sequence", "an array"),
    ("a map", "an object"),
    ("internally tagged enum Message", r#"a message such as {"role": "user", "content": "Hi"}"#),
    ("internally tagged enum ResponseFormat", r#"{"type": "text"}, {"type": "json_object"} or a JSON schema"#),
];

/// Says what is wrong at a path of a verb's arguments.
pub(super) fn invalid_at(verb: &str, path: &str, error: &serde_json::Error) -> ErrorInfo {
    let last = path.rsplit('.').next().unwrap_or_default();
    let sentence = sentence(last, &error.to_string());
    if path == "." {
        return ErrorInfo::new(ErrorKind::InvalidRequest, format!("{verb}: {sentence}"));
    }
    ErrorInfo::new(ErrorKind::InvalidRequest, format!("{verb}: {path}: {sentence}")).with_field(path)
}

/// Says what is wrong with a verb's arguments as a whole.
pub(super) fn invalid(verb: &str, error: &serde_json::Error) -> ErrorInfo {
    invalid_at(verb, ".", error)
}

fn sentence(argument: &str, text: &str) -> String {
    // The position in a text that the caller never saw helps nobody.
    let text = text.rsplit_once(" at line ").map_or(text, |(sentence, _)| sentence);
    if text.starts_with("unknown field") || text.starts_with("missing field") {
        return text.to_owned();
    }
    if SECRETS.contains(&argument) {
        return "must be a string".to_owned();
    }
    if INSTANTS.contains(&argument) {
        return r#"must be an instant with its time zone, such as "2026-01-31T12:00:00Z""#.to_owned();
    }
    match text.rsplit_once(", expected ") {
        Some((found, expected)) => {
            let plain = EXPECTED.iter().find(|(known, _)| expected == *known).map_or(expected, |(_, plain)| *plain);
            format!("{found}, expected {plain}")
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_arguments_name_no_rust_type() {
        for (text, plain) in [
            (
                "invalid type: string \"5\", expected f64 at line 1 column 3",
                "invalid type: string \"5\", expected a number",
            ),
            (
                "invalid value: integer `-1`, expected u64",
                "invalid value: integer `-1`, expected an integer of zero or more",
            ),
            ("invalid type: map, expected a sequence", "invalid type: map, expected an array"),
            ("unknown variant `x`, expected `a` or `b`", "unknown variant `x`, expected `a` or `b`"),
            ("unknown field `foo`, expected `content`", "unknown field `foo`, expected `content`"),
        ] {
            assert_eq!(sentence("limit", text), plain);
        }
    }

    #[test]
    fn a_secret_is_never_repeated() {
        for name in SECRETS {
            assert_eq!(sentence(name, "invalid type: integer `12345`, expected a string"), "must be a string");
        }
    }

    #[test]
    fn an_instant_is_shown_by_an_example() {
        assert!(sentence("since", "failed to parse four digit integer as year").contains("2026-01-31T12:00:00Z"));
        assert_eq!(sentence("at", "missing field `at`"), "missing field `at`");
    }
}
