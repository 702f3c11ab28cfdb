//! The limits of labels: what a caller names a call by, and budgets, records and reports keep.

use std::collections::BTreeMap;

use super::error::{Error, ErrorKind, Result};
use super::printable::is_control;

/// The most bytes of a user, of the value of a tag, of an idempotency key, and of a name that is given to a config or a route.
pub const LONGEST_LABEL: usize = 256;

/// The most bytes of the name of a tag.
pub const LONGEST_TAG_NAME: usize = 64;

/// The most tags of a call.
pub const MOST_TAGS: usize = 64;

/// Checks a label; fails with `invalid_request`, naming the field and the limit.
pub fn check_label(field: &str, text: &str) -> Result<()> {
    check(field, text, LONGEST_LABEL)
}

/// Checks the name and the value of a tag; fails with `invalid_request`, naming the field and the limit.
pub fn check_tag(field: &str, name: &str, value: &str) -> Result<()> {
    check(&format!("{field} (the name of a tag)"), name, LONGEST_TAG_NAME)?;
    check(&format!("{field}.{name}"), value, LONGEST_LABEL)
}

/// Checks the tags of a call; fails with `invalid_request`, naming the field and the limit.
pub fn check_tags(tags: &BTreeMap<String, String>) -> Result<()> {
    if tags.len() > MOST_TAGS {
        return Err(invalid("tags", &format!("has {} tags; give {MOST_TAGS} at the most", tags.len())));
    }
    tags.iter().try_for_each(|(name, value)| check_tag("tags", name, value))
}

fn check(field: &str, text: &str, most: usize) -> Result<()> {
    if text.len() > most {
        return Err(invalid(field, &format!("has {} bytes; give {most} at the most", text.len())));
    }
    if text.contains(is_control) {
        return Err(invalid(field, "has a control character; leave it out"));
    }
    Ok(())
}

fn invalid(field: &str, problem: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("field `{field}` {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_its_size_and_no_control_character() {
        check_label("user", &"x".repeat(LONGEST_LABEL)).unwrap();
        check_label("user", "Zoë 漢").unwrap();
        for (wrong, said) in
            [("é".repeat(129), "has 258 bytes; give 256"), ("a\nb".into(), "control"), ("\u{202e}".into(), "control")]
        {
            let error = check_label("user", &wrong).unwrap_err();
            assert!(error.detail().contains("field `user`") && error.detail().contains(said), "{error}");
        }
    }

    #[test]
    fn tags_are_few_and_small() {
        let tags = |count: usize| (0..count).map(|number| (format!("t{number}"), "v".to_owned())).collect();
        check_tags(&tags(MOST_TAGS)).unwrap();
        let error = check_tags(&tags(MOST_TAGS + 1)).unwrap_err();
        assert!(error.detail().contains("has 65 tags; give 64"), "{error}");
        for (name, value, said) in [
            ("n".repeat(65), String::new(), "has 65 bytes; give 64"),
            ("team".into(), "v".repeat(257), "`tags.team` has 257 bytes; give 256"),
            ("te\u{0}am".into(), String::new(), "control"),
            ("team".into(), "\u{1b}".into(), "control"),
        ] {
            let error = check_tags(&BTreeMap::from([(name, value)])).unwrap_err();
            assert!(error.detail().contains(said), "{error}");
        }
    }
}
