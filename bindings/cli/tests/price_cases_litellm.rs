//! Every price case of `LiteLLM`, through the command.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

const PEER: &str = "litellm";

/// Returns the cases, or why they are not at hand; they must be where everything is checked.
fn cases() -> Result<String, String> {
    #[expect(clippy::disallowed_methods, reason = "a test may look at the environment that it runs in")]
    let (shared, is_checked) = (std::env::var("TOLLWAY_SHARED").ok(), std::env::var("CI").is_ok_and(|ci| ci == "true"));
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let path = shared.map_or_else(beside, PathBuf::from).join("price_cases/cases.jsonl");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()));
    assert!(text.is_ok() || !is_checked, "{text:?}");
    text
}

#[test]
fn every_case_agrees_or_differs_for_a_reason_that_is_written_down() {
    let text = match cases() {
        Ok(text) => text,
        Err(reason) => return println!("skipped: {reason}"),
    };
    let cases: Vec<(&str, Value)> = text
        .lines()
        .map(|line| (line, serde_json::from_str::<Value>(line).unwrap()))
        .filter(|(_, case)| case["peer"] == PEER)
        .collect();
    let input = cases.iter().map(|(line, _)| *line).collect::<Vec<_>>().join("\n");
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let arguments = ["tollway", "cost", "--jsonl"].map(std::ffi::OsString::from);
    let code = tollway_cli::run(arguments, input.as_bytes(), &mut output, &mut errors);
    let output = String::from_utf8(output).unwrap();
    assert!(errors.is_empty(), "{}", String::from_utf8_lossy(&errors));
    let (mut agree, mut documented, mut left) = (0, BTreeMap::<String, usize>::new(), Vec::new());
    assert_eq!(output.lines().count(), cases.len());
    for (line, (_, case)) in output.lines().zip(&cases) {
        let priced: Value = serde_json::from_str(line).unwrap();
        assert_eq!(priced["id"], case["id"]);
        if priced["cost"] == case["expected_cost"] {
            agree += 1;
        } else if case["note"].is_string() {
            *documented.entry(case["group"].as_str().unwrap().to_owned()).or_default() += 1;
        } else {
            let told = if priced["cost"].is_string() { &priced["cost"] } else { &priced["error"] };
            left.push(format!("{} {} {told} instead of {}", case["group"], case["model"], case["expected_cost"]));
        }
    }
    let disagreements: usize = documented.values().sum();
    println!("{PEER}: {agree} agree, {disagreements} documented disagreements {documented:?}, {} left", left.len());
    assert!(left.is_empty(), "{}", left.join("\n"));
    assert!(agree > 0);
    assert_eq!(code, 0);
    let written = include_str!("../../../docs/price-cases.md");
    for group in documented.keys() {
        assert!(
            written.contains(&format!("| `{group}` |")),
            "{group} differs, and docs/price-cases.md says nothing of it"
        );
    }
}
