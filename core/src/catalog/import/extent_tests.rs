use super::*;
use crate::catalog::import::{Imported, Origin, SourceFormat, import};

fn read(format: SourceFormat, text: &str) -> Result<Imported> {
    let origin = Origin { source: "a list".to_owned(), checked: "2026-11-20".parse().unwrap() };
    import(format, text, &origin, false)
}

/// Joins so many pieces.
fn joined(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).map(piece).collect::<Vec<_>>().join(",")
}

#[test]
fn a_list_of_more_entries_than_any_list_has_is_refused() {
    let many = MOST_ENTRIES + 1;
    let named = joined(many, |place| format!(r#""m{place}":{{}}"#));
    let listed = joined(many, |place| format!(r#"{{"id":"m{place}"}}"#));
    for (format, text) in [
        (SourceFormat::Litellm, format!("{{{named}}}")),
        (SourceFormat::ModelsDev, format!(r#"{{"acme":{{"models":{{{named}}}}}}}"#)),
        (SourceFormat::OpenRouter, format!(r#"{{"data":[{listed}]}}"#)),
        (SourceFormat::GenaiPrices, format!(r#"[{{"id":"acme","models":[{listed}]}}]"#)),
        (SourceFormat::Tollway, format!(r#"{{"format":"tollway-prices","version":1,"offers":[{listed}]}}"#)),
    ] {
        let error = read(format, &text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.detail().contains("more than 100000 entries; split the list"), "{format:?}: {error}");
    }
    // Over several sellers too.
    let half = joined(MOST_ENTRIES / 2 + 1, |place| format!(r#""m{place}":{{}}"#));
    let error =
        read(SourceFormat::ModelsDev, &format!(r#"{{"a":{{"models":{{{half}}}}},"b":{{"models":{{{half}}}}}}}"#));
    assert!(error.unwrap_err().detail().contains("the list has more than 100000 entries; split it"));
}

#[test]
fn an_entry_with_more_prices_than_can_be_compared_is_left_out_and_reported() {
    let rules = |count| {
        joined(count, |place| {
            format!(
                r#"{{"constraint":{{"start_date":"20{:02}-01-01"}},"prices":{{"input_mtok":{place}}}}}"#,
                place % 90 + 10
            )
        })
    };
    let overrides = |count| joined(count, |place| format!(r#"{{"min_prompt_tokens":{place},"prompt":"2"}}"#));
    let tiers = |count| joined(count, |place| format!(r#"{{"tier":{{"type":"context","size":{place}}},"input":3}}"#));
    let keys = |count| joined(count, |place| format!(r#""input_cost_per_token_above_{place}_tokens":1"#));
    for (format, text, reason) in [
        (
            SourceFormat::GenaiPrices,
            format!(r#"[{{"id":"a","models":[{{"id":"m","prices":[{}]}}]}}]"#, rules(65)),
            TOO_MANY_RULES,
        ),
        (
            SourceFormat::OpenRouter,
            format!(r#"{{"data":[{{"id":"m","pricing":{{"prompt":"1","overrides":[{}]}}}}]}}"#, overrides(65)),
            TOO_MANY_RULES,
        ),
        (
            SourceFormat::ModelsDev,
            format!(r#"{{"a":{{"models":{{"m":{{"cost":{{"input":1,"tiers":[{}]}}}}}}}}}}"#, tiers(501)),
            TOO_MANY_PRICES,
        ),
        (
            SourceFormat::GenaiPrices,
            format!(
                r#"[{{"id":"a","models":[{{"id":"m","prices":{{"input_mtok":{{"base":1,"tiers":[{}]}}}}}}]}}]"#,
                joined(501, |place| format!(r#"{{"start":{},"price":2}}"#, place + 1))
            ),
            TOO_MANY_PRICES,
        ),
        (SourceFormat::Litellm, format!(r#"{{"m":{{"litellm_provider":"a",{}}}}}"#, keys(501)), TOO_MANY_PRICES),
    ] {
        let imported = read(format, &text).unwrap();
        assert!(imported.book.offers.is_empty(), "{format:?}");
        assert_eq!(imported.report.unpriced.len(), 1, "{format:?}");
        let told = &imported.report.not_understood[0];
        assert_eq!(told.reason, reason, "{format:?}");
        assert!(told.value.len() <= LONGEST_QUOTE + 3, "{format:?}: {}", told.value.len());
    }
    let few = format!(r#"[{{"id":"a","models":[{{"id":"m","prices":[{}]}}]}}]"#, rules(64));
    assert!(!read(SourceFormat::GenaiPrices, &few).unwrap().book.offers.is_empty());
}

#[test]
fn of_two_entries_of_one_name_one_is_taken_and_the_other_reported() {
    for (format, text) in [
        (
            SourceFormat::Litellm,
            r#"{"m":{"litellm_provider":"a","input_cost_per_token":1},"m":{"litellm_provider":"a","input_cost_per_token":2}}"#,
        ),
        (SourceFormat::ModelsDev, r#"{"a":{"models":{"m":{"cost":{"input":1}},"m":{"cost":{"input":2}}}}}"#),
        (
            SourceFormat::OpenRouter,
            r#"{"data":[{"id":"m","pricing":{"prompt":"1"}},{"id":"m","pricing":{"prompt":"2"}}]}"#,
        ),
        (
            SourceFormat::GenaiPrices,
            r#"[{"id":"a","models":[{"id":"m","prices":{"input_mtok":1}},{"id":"m","prices":{"input_mtok":2}}]}]"#,
        ),
    ] {
        let imported = read(format, text).unwrap();
        assert_eq!(imported.book.offers.len(), 1, "{format:?}");
        let [told] = imported.report.not_understood.as_slice() else { panic!("{format:?}: {:?}", imported.report) };
        assert!(told.reason.contains("taken"), "{format:?}: {}", told.reason);
    }
}

#[test]
fn every_importer_refuses_lists_that_nest_too_deep() {
    for format in SourceFormat::ALL {
        for (open, close) in [("{\"a\":", "}"), ("[", "]")] {
            for levels in [97, 5_000, 100_000] {
                let deep = format!("{}1{}", open.repeat(levels), close.repeat(levels));
                for text in [
                    deep.clone(),
                    format!(r#"{{"data":[{{"id":"m","pricing":{deep}}}],"m":{{"models":{{"m":{deep}}}}}}}"#),
                ] {
                    let error = read(format, &text).unwrap_err();
                    assert!(error.detail().contains("nests deeper than 96 levels"), "{format:?}: {error}");
                }
            }
        }
    }
}
