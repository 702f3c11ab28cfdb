//! What calls cost by the embedded catalog, where sellers charge by more than the number of tokens.

use std::sync::Arc;

use jiff::Timestamp;

use super::bundled;
use crate::billing::component::Component;
use crate::billing::price::{BillHead, PriceSet};
use crate::types::{Attribute, CostStatus, Currency, Facts, Meter, ModelName, Usage};

const MILLION: u64 = 1_000_000;

/// Returns the cost of a call by the prices that were in force at its start, or nothing if it is unpriced.
fn cost(name: &str, at: &str, facts: &[(Attribute, &str)], meters: &[(Meter, u64)]) -> Option<String> {
    let ModelName { provider, model } = ModelName::parse(name).unwrap();
    let offer = bundled().find(provider, model).unwrap();
    let at: Timestamp = at.parse().unwrap();
    let terms = offer.prices.iter().map(|price| offer.term(price, Timestamp::MIN));
    let components: Vec<_> = terms.map(|terms| Arc::new(Component::of_terms(terms))).collect();
    let prices = PriceSet::in_force(&components, at, Timestamp::MAX).unwrap();
    let mut call = Facts::at(at);
    for (attribute, value) in facts {
        call.set(*attribute, value);
    }
    let meters = meters.iter().map(|(meter, count)| (*meter, (*count).into())).collect();
    let usage = Usage { meters, ..Usage::default() };
    let head = BillHead { attempt: 1, model: name, reported_currency: Currency::USD };
    let bill = prices.bill(head, &usage, &call).unwrap();
    assert_eq!(bill.cost.is_none(), bill.cost_status == CostStatus::Unpriced);
    bill.cost.map(|cost| cost.amount.normalize().to_string())
}

#[test]
fn hours_of_the_day_have_the_prices_that_they_had() {
    for (name, at, expected) in [
        ("deepseek/deepseek-chat", "2025-02-20T18:00:00Z", "0.27"),
        ("deepseek/deepseek-chat", "2025-08-01T12:00:00Z", "0.27"),
        ("deepseek/deepseek-chat", "2025-08-01T16:30:00Z", "0.135"),
        ("deepseek/deepseek-chat", "2025-08-02T00:29:59Z", "0.135"),
        ("deepseek/deepseek-chat", "2025-08-02T00:30:00Z", "0.27"),
        ("deepseek/deepseek-chat", "2025-09-05T17:00:00Z", "0.56"),
        ("deepseek/deepseek-chat", "2026-01-05T17:00:00Z", "0.28"),
        ("deepseek/deepseek-v4-pro", "2026-05-06T02:00:00Z", "0.435"),
        ("deepseek/deepseek-v4-pro", "2026-08-16T15:59:59Z", "0.435"),
        ("deepseek/deepseek-v4-pro", "2026-08-16T16:00:00Z", "0.66"),
        ("deepseek/deepseek-v4-pro", "2026-08-22T02:00:00Z", "1.32"),
        ("deepseek/deepseek-v4-pro", "2026-08-23T02:00:00Z", "0.66"),
        ("deepseek/deepseek-v4-pro", "2026-11-23T00:59:59Z", "0.66"),
        ("deepseek/deepseek-v4-pro", "2026-11-23T01:00:00Z", "1.32"),
        ("deepseek/deepseek-v4-pro", "2026-11-23T04:00:00Z", "0.66"),
        ("deepseek/deepseek-v4-pro", "2026-11-23T09:59:59Z", "1.32"),
        ("deepseek/deepseek-v4-pro", "2026-11-22T02:00:00Z", "0.66"),
        ("deepseek/deepseek-v4-pro", "2026-10-01T02:00:00Z", "0.66"),
        ("deepseek/deepseek-v4-flash", "2026-09-09T02:00:00Z", "0.44"),
        ("deepseek/deepseek-v4-flash", "2026-09-10T02:00:00Z", "0.3"),
    ] {
        let found = cost(name, at, &[], &[(Meter::InputToken, MILLION)]);
        assert_eq!(found.as_deref(), Some(expected), "{name} at {at}");
    }
}

/// Returns the cost of a call of plain input and output tokens.
fn two(name: &str, facts: &[(Attribute, &str)], input: u64, output: u64) -> Option<String> {
    cost(name, "2026-11-23T12:00:00Z", facts, &[(Meter::InputToken, input), (Meter::OutputToken, output)])
}

#[test]
fn ranges_of_input_and_of_output_are_looked_at_together() {
    for (name, input, output, expected) in [
        // 2 and 8 yuan a million below both ends, 3 and 14 at the end of the output, 4 and 16 at that of the input.
        ("zhipu/glm-4.6", 31_999, 199, "0.06559"),
        ("zhipu/glm-4.6", 31_999, 200, "0.098797"),
        ("zhipu/glm-4.6", 32_000, 199, "0.131184"),
        // 0.8 and 2 yuan up to both ends, 8 beyond that of the output, 1.2 and 16 beyond that of the input.
        ("doubao/doubao-seed-1-6-251015", 32_000, 200, "0.026"),
        ("doubao/doubao-seed-1-6-251015", 32_000, 201, "0.027208"),
        ("doubao/doubao-seed-1-6-251015", 32_001, 200, "0.0416012"),
    ] {
        assert_eq!(two(name, &[], input, output).as_deref(), Some(expected), "{name} {input} {output}");
    }
}

#[test]
fn thinking_and_batches_have_their_prices_in_both_lists_of_one_seller() {
    let (thinking, batch) = ((Attribute::Thinking, "true"), (Attribute::ServiceTier, "batch"));
    for (name, facts, expected) in [
        ("dashscope/qwen-plus", &[][..], "0.1"),
        ("dashscope/qwen-plus", &[thinking][..], "0.16"),
        ("dashscope/qwen-plus", &[batch][..], "0.05"),
        ("dashscope/qwen-plus", &[thinking, batch][..], "0.08"),
        ("dashscope-intl/qwen-plus", &[][..], "0.052"),
        ("dashscope-intl/qwen-plus", &[thinking][..], "0.08"),
    ] {
        assert_eq!(two(name, facts, 100_000, 10_000).as_deref(), Some(expected), "{name} {facts:?}");
    }
    let cached = [(Meter::CachedInputToken, 100_000)];
    let at = "2026-11-23T12:00:00Z";
    assert_eq!(cost("dashscope/qwen-plus", at, &[], &cached).as_deref(), Some("0.016"));
    assert_eq!(cost("dashscope/qwen-plus", at, &[batch], &cached).as_deref(), Some("0.04"), "no cache in a batch");
}

#[test]
fn media_are_billed_by_what_they_are() {
    let at = "2026-11-23T12:00:00Z";
    let size = |size, quality| vec![(Attribute::Size, size), (Attribute::Quality, quality)];
    let image = [(Meter::Image, 2)];
    assert_eq!(cost("azure/dall-e-3", at, &size("1024x1024", "hd"), &image).as_deref(), Some("0.176"));
    assert_eq!(cost("azure/dall-e-3", at, &size("1x1", "hd"), &image), None, "a size that is not listed has no price");
    let video = [(Meter::VideoSecond, 5)];
    let resolution = [(Attribute::Resolution, "720p")];
    assert_eq!(cost("dashscope/wan2.7-t2v", at, &resolution, &video).as_deref(), Some("3"));
    assert_eq!(cost("dashscope/wan2.7-t2v", at, &[], &video).as_deref(), Some("5"));
    assert_eq!(cost("groq/whisper-large-v3", at, &[], &[(Meter::InputAudioSecond, 3600)]).as_deref(), Some("0.111"));
    assert_eq!(cost("openai/tts-1", at, &[], &[(Meter::TtsCharacter, 1_000)]).as_deref(), Some("0.015"));
}
