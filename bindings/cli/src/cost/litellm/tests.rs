use std::ffi::OsString;

use serde_json::Value;

/// Prices one line and returns its cost, or what is said instead.
fn cost(provider: &str, prices: &str, usage: &str) -> String {
    let line = format!(
        r#"{{"id": 1, "format": "litellm", "provider": "{provider}", "model": "a-model", "prices": {prices}, "usage": {usage}}}"#
    );
    let line = line.replace('\n', " ");
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let arguments = ["tollway", "cost", "--jsonl"].map(OsString::from);
    crate::run(arguments, line.as_bytes(), &mut output, &mut errors);
    assert!(errors.is_empty(), "{}", String::from_utf8_lossy(&errors));
    let answer: Value = serde_json::from_slice(&output).unwrap();
    let told = if answer["cost"].is_string() { &answer["cost"] } else { &answer["error"] };
    told.as_str().unwrap().to_owned()
}

#[test]
fn a_price_keeps_its_digits() {
    let prices = r#"{"input_cost_per_token": 5.0000000000000004e-08, "output_cost_per_token": "0.10"}"#;
    assert_eq!(
        cost("a", prices, r#"{"input_tokens_total": 3, "output_tokens_total": 1}"#),
        "0.100000150000000000000012"
    );
}

#[test]
fn usage_without_a_price_is_unpriced_and_not_zero() {
    let prices = r#"{"input_cost_per_token": 1e-06}"#;
    let told = cost("a", prices, r#"{"input_tokens_total": 3, "output_tokens_total": 1}"#);
    assert_eq!(told, "unpriced: there is no price for output_token");
    assert!(cost("a", prices, r#"{"input_tokens": 3}"#).contains("input_tokens"));
    assert!(cost("a", "[]", "{}").starts_with("invalid_request"));
    assert!(cost("a", r#"{"input_cost_per_token": "cheap"}"#, "{}").contains("input_cost_per_token is \"cheap\""));
}

#[test]
fn seconds_are_billed_by_whichever_price_the_model_has() {
    let cost = |prices, usage| cost("a", prices, usage);
    let both = r#"{"input_cost_per_second": 0.001, "output_cost_per_second": 0.0}"#;
    assert_eq!(cost(both, r#"{"seconds": 8.5}"#), "0.0085");
    assert_eq!(
        cost(r#"{"input_cost_per_second": 0.001, "output_cost_per_second": 0.002}"#, r#"{"seconds": 2}"#),
        "0.004"
    );
    let video = r#"{"output_cost_per_second": 0.1, "output_cost_per_second_720p": 0.05}"#;
    assert_eq!(cost(video, r#"{"seconds": 4, "resolution": "720p"}"#), "0.2");
    assert_eq!(cost(video, r#"{"seconds": 4, "resolution": "1080p"}"#), "0.4");
    let commitment = r#"{"cost_per_second": 0.011, "input_cost_per_second": 0.011}"#;
    assert_eq!(
        cost(commitment, r#"{"input_tokens_total": 9, "output_tokens_total": 9, "wall_clock_ms": 1500}"#),
        "0.0165"
    );
}

#[test]
fn images_are_billed_each_or_by_their_pixels() {
    let usage = r#"{"images": 2, "image_size": "512x1024"}"#;
    assert_eq!(cost("a", r#"{"output_cost_per_image": 0.04}"#, usage), "0.08");
    let pixels = r#"{"input_cost_per_pixel": 1e-08, "output_cost_per_pixel": 0.0}"#;
    assert_eq!(cost("a", pixels, usage), "0.01048576");
    let tokens = r#"{"input_cost_per_token": 1, "output_cost_per_token": 2, "output_cost_per_image": 5}"#;
    assert_eq!(cost("a", tokens, r#"{"images": 1, "input_tokens_total": 1, "output_tokens_total": 1}"#), "3");
}

#[test]
fn searches_are_counted_as_their_seller_counts_them() {
    let prices =
        r#"{"input_cost_per_token": 0, "search_context_cost_per_query": {"search_context_size_medium": 0.01}}"#;
    let usage = r#"{"input_tokens_total": 1, "web_searches": 3}"#;
    assert_eq!(cost("anthropic", prices, usage), "0.03");
    assert_eq!(cost("gemini", prices, usage), "0.01");
    let each = prices.replace("{\"input", r#"{"web_search_billing_unit": "per_query", "input"#);
    assert_eq!(cost("gemini", &each, usage), "0.03");
    let rows = r#"{"tiered_pricing": [{"max_results_range": [0, 25], "input_cost_per_query": 0.005},
        {"max_results_range": [26, 100], "input_cost_per_query": 0.025}]}"#;
    assert_eq!(cost("a", rows, r#"{"web_searches": 2, "max_results": 26}"#), "0.05");
    assert_eq!(cost("a", rows, r#"{"web_searches": 2}"#), "0.01");
}

#[test]
fn a_batch_bills_what_has_no_price_there_as_its_input_or_output() {
    let prices = r#"{"input_cost_per_token": 4, "input_cost_per_token_batches": 2, "output_cost_per_token": 8,
        "cache_read_input_token_cost": 1, "output_cost_per_reasoning_token": 10}"#;
    let usage = |tier: &str| {
        format!(
            r#"{{"input_tokens_total": 10, "cached_input_tokens": 5, "output_tokens_total": 3, "reasoning_tokens": 1,
                "service_tier": "{tier}"}}"#
        )
    };
    assert_eq!(cost("a", prices, &usage("batch")), "32");
    assert_eq!(cost("a", prices, &usage("default")), "51");
    let unstated = r#"{"input_cost_per_token": 4, "output_cost_per_token": 8}"#;
    assert_eq!(cost("a", unstated, &usage("batch")), "64");
}

#[test]
fn a_service_tier_applies_only_where_the_provider_has_it() {
    let prices = r#"{"input_cost_per_token": 4, "input_cost_per_token_priority": 7}"#;
    for (provider, tier, expected) in
        [("a", "priority", "7"), ("a", "fast", "7"), ("a", "flex", "4"), ("xai", "priority", "4")]
    {
        let usage = format!(r#"{{"input_tokens_total": 1, "service_tier": "{tier}"}}"#);
        assert_eq!(cost(provider, prices, &usage), expected, "{provider} {tier}");
    }
}

#[test]
fn reasoning_is_output_in_a_tier_that_prices_output_only() {
    let prices = r#"{"input_cost_per_token": 0, "output_cost_per_token": 4, "output_cost_per_token_above_200k_tokens": 6,
        "output_cost_per_token_priority": 7, "output_cost_per_reasoning_token": 4}"#;
    for (input, tier, expected) in
        [(1, "default", "8"), (200_001, "default", "10"), (1, "priority", "14"), (200_001, "priority", "12")]
    {
        let usage = format!(
            r#"{{"input_tokens_total": {input}, "output_tokens_total": 2, "reasoning_tokens": 1, "service_tier": "{tier}"}}"#
        );
        assert_eq!(cost("a", prices, &usage), expected, "{input} {tier}");
    }
}

#[test]
fn off_peak_hours_apply_only_where_the_time_of_the_call_is_known() {
    let prices =
        r#"{"input_cost_per_token": 4, "off_peak_pricing": {"hours_utc": "00:00-12:00", "input_cost_per_token": 1}}"#;
    assert_eq!(cost("a", prices, r#"{"input_tokens_total": 1}"#), "4");
    assert_eq!(cost("a", prices, r#"{"input_tokens_total": 1, "timestamp": "2026-11-22T11:59:59Z"}"#), "1");
    assert_eq!(cost("a", prices, r#"{"input_tokens_total": 1, "timestamp": "2026-11-22T12:00:00Z"}"#), "4");
}

#[test]
fn regions_and_speeds_multiply_the_price_of_tokens() {
    let prices = r#"{"input_cost_per_token": 10, "provider_specific_entry": {"us": 1.1, "fast": 2},
        "regional_endpoint_uplift_multiplier": 1.2}"#;
    for (facts, expected) in [
        (r#""inference_geo": "us""#, "11"),
        (r#""inference_geo": "us", "speed": "fast""#, "22"),
        (r#""vertex_location": "us-east5""#, "12"),
        (r#""vertex_location": "global""#, "10"),
    ] {
        assert_eq!(cost("a", prices, &format!(r#"{{"input_tokens_total": 1, {facts}}}"#)), expected, "{facts}");
    }
}
