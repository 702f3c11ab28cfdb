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
fn what_is_not_known_is_said_and_the_next_line_still_has_its_cost() {
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
