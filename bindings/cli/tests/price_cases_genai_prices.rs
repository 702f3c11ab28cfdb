//! What genai-prices would bill, case by case: each must be exact, and where Tollway reads a price otherwise, that too.
//!
//! The cases are read from `price_cases/cases.jsonl` in the folder that `TOLLWAY_SHARED` names, or in `../shared`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "the helpers of a test, which finds its data through the environment and reports what it read"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tollway::environment::{Environment, SystemEnvironment};
use tollway::types::{Decimal, decimal_of};

type Case = Map<String, Value>;

/// The fields of a case that a line may have; the rest is the answer.
const PUBLISHED: [&str; 7] = ["id", "provider", "model", "prices", "price_rules", "price_context", "usage"];

fn cases() -> Option<Vec<Case>> {
    let shared = SystemEnvironment
        .variable("TOLLWAY_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")), PathBuf::from);
    let path = shared.join("price_cases/cases.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        assert!(SystemEnvironment.variable("CI").as_deref() != Some("true"), "{} is missing", path.display());
        println!("skipped: {} is missing; name its folder in TOLLWAY_SHARED", path.display());
        return None;
    };
    let cases = text.lines().map(|line| serde_json::from_str::<Case>(line).unwrap());
    Some(cases.filter(|case| case["peer"] == "genai-prices").collect())
}

/// Runs the command over the cases and returns the cost that it writes for each, or why there is none.
fn run(cases: &[Case]) -> Vec<Result<String, String>> {
    let mut input = String::new();
    for case in cases {
        let published = case.iter().filter(|(name, _)| PUBLISHED.contains(&name.as_str()));
        let mut line: Case = published.map(|(name, value)| (name.clone(), value.clone())).collect();
        line.insert("format".to_owned(), json!("genai-prices"));
        input.push_str(&Value::Object(line).to_string());
        input.push('\n');
    }
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let arguments = ["tollway", "cost", "--jsonl"].map(Into::into);
    tollway_cli::run(arguments, input.as_bytes(), &mut output, &mut errors);
    assert_eq!(String::from_utf8(errors).unwrap(), "");
    let answers: Vec<Value> =
        String::from_utf8(output).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), cases.len());
    for (answer, case) in answers.iter().zip(cases) {
        assert_eq!(answer["id"], case["id"]);
    }
    let cost = |answer: &Value| answer["cost"].as_str().map(str::to_owned).ok_or_else(|| answer["error"].to_string());
    answers.iter().map(cost).collect()
}

fn text<'a>(case: &'a Case, field: &str) -> &'a str {
    case.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Returns whether two amounts are the same in all the digits that are written.
fn same(left: &str, right: &str) -> bool {
    let plain = |text: &str| match text.split_once('.') {
        Some((whole, fraction)) => (whole.to_owned(), fraction.trim_end_matches('0').to_owned()),
        None => (text.to_owned(), String::new()),
    };
    plain(left) == plain(right)
}

/// What Tollway makes of a case whose peer is known to be wrong, from the rules of the case and nothing else.
fn own_reading(case: &Case) -> String {
    if case["group"] != "time-of-day" {
        return text(case, "expected_cost").to_owned();
    }
    // On weekends, and before the hours came, only the dated rules count.
    let at: Timestamp = text(case["usage"].as_object().unwrap(), "timestamp").parse().unwrap();
    let day = at.to_string()[..10].to_owned();
    let rule = case["price_rules"].as_array().unwrap().iter().rfind(|rule| match &rule["constraint"] {
        Value::Null => true,
        constraint => constraint["start_date"].as_str().is_some_and(|start| start <= day.as_str()),
    });
    let prices = rule.unwrap()["prices"].as_object().unwrap();
    let used = |name: &str| Decimal::from(case["usage"][name].as_u64().unwrap());
    let price = |name: &str| decimal_of(prices[name].as_str().unwrap()).unwrap();
    let cached = used("cached_input_tokens");
    let sum = (used("input_tokens_total") - cached) * price("input_mtok")
        + cached * price("cache_read_mtok")
        + used("output_tokens_total") * price("output_mtok");
    (sum / Decimal::from(1_000_000)).normalize().to_string()
}

#[test]
fn every_case_is_exact_or_noted() {
    let Some(cases) = cases() else { return };
    let (mut exact, mut differ) = (0, Vec::new());
    let mut noted: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    for (case, cost) in cases.iter().zip(run(&cases)) {
        let expected = text(case, "expected_cost");
        let is_noted = case.contains_key("note");
        let ours = if is_noted { own_reading(case) } else { expected.to_owned() };
        let cost = cost.unwrap_or_else(|error| error);
        if !same(&cost, &ours) {
            let (id, group, model) = (text(case, "id"), text(case, "group"), text(case, "model"));
            differ.push(format!("{id} {group} {model}: {cost} is not {ours}"));
        } else if is_noted {
            let counts = noted.entry((text(case, "group"), text(case, "note"))).or_default();
            counts.0 += 1;
            counts.1 += usize::from(same(&cost, expected));
        } else {
            exact += 1;
        }
    }
    println!("{} cases, {exact} exact, {} differ", cases.len(), differ.len());
    for ((group, note), (count, same)) in noted {
        println!("noted: {group}: {count}, of which {same} as the peer: {note}");
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

fn line(prices: &Value, usage: &Value) -> Case {
    let line = json!({"id": 1, "prices": prices, "usage": usage});
    line.as_object().unwrap().clone()
}

#[test]
fn a_key_that_is_not_understood_is_refused_and_not_dropped() {
    let error = run(&[line(&json!({"input_mtok": 1, "quacks_mtok": 2}), &json!({"input_tokens_total": 1}))]).remove(0);
    assert!(error.unwrap_err().contains("quacks_mtok"));
}

#[test]
fn fields_that_describe_a_call_cost_nothing_and_usage_without_a_price_is_reported() {
    let costs = run(&[
        line(&json!({"input_mtok": 2}), &json!({"input_tokens_total": 500_000, "seconds": 7.5, "images": 1})),
        line(&json!({"input_mtok": 2}), &json!({"seconds": 7.5})),
        line(
            &json!({"output_mtok": 1, "output_citation_mtok": 3}),
            &json!({"output_tokens_total": 10, "citation_tokens": 4}),
        ),
        line(&json!({"requests_kcount": 5, "input_mtok": 1}), &json!({"input_tokens_total": 0, "requests": 1})),
        line(&json!({"input_mtok": 1}), &json!({"input_tokens_total": 1, "web_searches": 1})),
    ]);
    assert_eq!(costs[0].as_deref(), Ok("1"));
    assert!(costs[1].as_ref().unwrap_err().contains("input_audio_second"));
    assert_eq!(costs[2].as_deref(), Ok("0.000018"));
    assert_eq!(costs[3].as_deref(), Ok("0.005"));
    assert!(costs[4].as_ref().unwrap_err().contains("web_search"));
}

#[test]
fn rules_are_read_with_their_dates_unless_a_context_picked_the_prices() {
    let rules = json!([
        {"constraint": null, "prices": {"input_mtok": "1"}},
        {"constraint": {"start_date": "2026-05-01"}, "prices": {"input_mtok": "2"}},
        {"when": {"processing": "batch"}, "constraint": null, "prices": {"input_mtok": "0.5"}},
    ]);
    let at = |timestamp: &str, context: Value| {
        let usage = json!({"input_tokens_total": 1_000_000, "timestamp": timestamp});
        let mut line = line(&json!({"input_mtok": "7"}), &usage);
        line.insert("price_rules".to_owned(), rules.clone());
        line.insert("price_context".to_owned(), context);
        line
    };
    let costs = run(&[
        at("2026-04-30T23:59:59Z", Value::Null),
        at("2026-05-01T02:00:00+02:00", Value::Null),
        at("2026-05-01T00:00:00Z", json!({"processing": "batch"})),
    ]);
    assert_eq!(costs, ["1", "2", "7"].map(|cost| Ok(cost.to_owned())));
}
