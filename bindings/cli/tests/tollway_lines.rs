//! Lines of `tollway cost --jsonl` in Tollway's own form.

#![expect(clippy::unwrap_used, reason = "the helpers of a test")]

use serde_json::{Value, json};

fn run(lines: &[Value]) -> Vec<Value> {
    let mut input = String::new();
    for line in lines {
        input.push_str(&line.to_string());
        input.push('\n');
    }
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    tollway_cli::run(["tollway", "cost", "--jsonl"].map(Into::into), input.as_bytes(), &mut output, &mut errors);
    assert_eq!(String::from_utf8(errors).unwrap(), "");
    String::from_utf8(output).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn line(usage: &Value) -> Value {
    json!({"id": "a", "format": "tollway", "provider": "acme", "model": "duck", "usage": usage, "prices": {
        "currency": "CNY",
        "input_token": [
            {"unit_price": "1", "unit": "per_1m_tokens"},
            {"unit_price": 0.5, "unit": "per_1m_tokens", "conditions": {"service_tier": "batch"}},
            {"unit_price": "2", "unit": "per_1m_tokens", "conditions":
                {"calendar": {"hours": [{"from": "01:00:00", "until": "04:00:00"}]}}},
        ],
        "cached_input_token": {"unit_price": "0.1", "unit": "per_1m_tokens"},
        "output_token": [
            {"unit_price": "4", "unit": "per_1m_tokens"},
            {"unit_price": "8", "unit": "per_1m_tokens", "conditions": {"thinking": true}},
        ],
        "video_second": {"unit_price": "3.6", "unit": "per_hour", "conditions": {"resolution": "720p"}},
    }})
}

#[test]
fn a_usage_is_totals_or_meters_with_facts_beside_it() {
    for (usage, cost) in [
        (
            json!({"input_tokens_total": 1_000_000, "cached_input_tokens": 400_000, "timestamp": "2026-01-01T12:00:00Z"}),
            "0.64",
        ),
        (json!({"input_token": 600_000, "cached_input_token": 400_000, "timestamp": "2026-01-01T12:00:00Z"}), "0.64"),
        (json!({"input_token": 600_000, "timestamp": "2026-01-01T03:59:59Z"}), "1.2"),
        (json!({"input_token": 10, "service_tier": "Batch", "timestamp": "2026-01-01T12:00:00Z"}), "0.000005"),
        (json!({"output_token": 1_000_000, "thinking": true, "first_token_at": null}), "8"),
        (json!({"seconds": 7.5, "resolution": "720p"}), "0.0075"),
        (json!({"video_second": "7.5", "resolution": "720p"}), "0.0075"),
    ] {
        let answer = run(&[line(&usage)]).remove(0);
        assert_eq!((&answer["cost"], &answer["currency"]), (&json!(cost), &json!("CNY")), "{usage}: {answer}");
    }
}

#[test]
fn an_unknown_field_or_a_missing_price_is_an_error_of_its_line_only() {
    let answers = run(&[
        line(&json!({"input_tokns": 1})),
        line(&json!({"input_token": 1, "input_tokens_total": 1})),
        line(&json!({"video_second": 1, "resolution": "4k"})),
        line(&json!({"input_token": -1})),
        line(&json!({"output_token": 1})),
    ]);
    for (answer, says) in answers.iter().zip(["input_tokns", "give one of the two", "video_second", "input_token"]) {
        assert!(answer["error"].as_str().unwrap().contains(says), "{answer}");
    }
    assert_eq!(answers[4]["cost"], "0.000004");
}

/// What the command answers to these bytes, and its exit code.
fn answers(input: &[u8]) -> (u8, Vec<Value>) {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let code = tollway_cli::run(["tollway", "cost", "--jsonl"].map(Into::into), input, &mut output, &mut errors);
    assert_eq!(String::from_utf8(errors).unwrap(), "");
    let answers = String::from_utf8(output).unwrap();
    (code, answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

#[test]
fn invalid_utf_8_is_an_error_of_its_line_only() {
    let good = line(&json!({"output_token": 1})).to_string();
    let lines = [b"\xEF\xBB\xBF", good.as_bytes(), b"\r\n\r\n{\"id\": \"\xFF\"}\n", good.as_bytes()].concat();
    let (code, answers) = answers(&lines);
    assert_eq!((code, answers.len()), (1, 3), "{answers:?}");
    assert_eq!((&answers[0]["cost"], &answers[2]["cost"]), (&json!("0.000004"), &json!("0.000004")));
    assert!(answers[1]["error"].as_str().unwrap().contains("write it as UTF-8"), "{answers:?}");
}

#[test]
fn a_line_without_its_fields_still_says_which_it_is() {
    let (_, answers) = answers(b"{\"id\": [7], \"format\": \"parchment\"}\n{\"id\": 8}\n[1]\n{\"id\": 9");
    assert_eq!((&answers[0]["id"], &answers[1]["id"]), (&json!([7]), &json!(8)), "{answers:?}");
    assert!(answers[0]["error"].as_str().unwrap().contains("parchment"), "{answers:?}");
    assert!(answers[1]["error"].as_str().unwrap().contains("`format`"), "{answers:?}");
    assert!(answers[2]["error"].as_str().unwrap().contains("no JSON object"), "{answers:?}");
    assert_eq!((answers.len(), answers[2].get("id"), answers[3].get("id")), (4, None, None), "{answers:?}");
}

#[test]
fn a_total_that_is_no_whole_number_is_named_and_a_long_one_is_cut() {
    for (total, says) in [
        (json!(-5), "input_tokens_total is"),
        (json!(3.5), "give a whole number of zero or more"),
        (json!("7".repeat(100_000)), "input_tokens_total is"),
    ] {
        let answer = run(&[line(&json!({"output_tokens_total": 1, "input_tokens_total": total}))]).remove(0);
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains(says) && error.len() < 3_000, "{error}");
    }
}
