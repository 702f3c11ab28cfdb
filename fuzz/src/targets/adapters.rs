//! The readers of what providers answer, and what is billed for it.

use std::sync::OnceLock;

use serde_json::Map;
use tollway::billing::belief::{Evidence, believe, is_plausible};
use tollway::billing::meter::disjoint;
use tollway::billing::price::{BillHead, PriceSet};
use tollway::provider::{ResponseHead, Target, chat_adapter, vendor};
use tollway::types::{Currency, Facts, Offer, ReportedUsage};

use super::framing::events;
use super::{pick, split_head};

pub(super) const OPENAI: &[&str] = &[
    "\"usage\"",
    "\"prompt_tokens\"",
    "\"completion_tokens\"",
    "\"total_tokens\"",
    "\"choices\"",
    "\"delta\"",
    "\"content\"",
    "\"tool_calls\"",
    "\"index\"",
    "\"arguments\"",
    "\"finish_reason\"",
    "\"error\"",
    "\"cost\"",
    "data: ",
    "\n\n",
    "[DONE]",
    "\"prompt_tokens_details\"",
    "\"cached_tokens\"",
    "\"reasoning_tokens\"",
    "\"completion_tokens_details\"",
    "\"message\"",
];
pub(super) const ANTHROPIC: &[&str] = &[
    "\"usage\"",
    "\"input_tokens\"",
    "\"output_tokens\"",
    "\"cache_creation_input_tokens\"",
    "\"cache_read_input_tokens\"",
    "\"message_start\"",
    "\"content_block_start\"",
    "\"content_block_delta\"",
    "\"message_delta\"",
    "\"message_stop\"",
    "\"text_delta\"",
    "\"input_json_delta\"",
    "\"partial_json\"",
    "\"server_tool_use\"",
    "\"iterations\"",
    "\"error\"",
    "event: error\n",
    "data: ",
    "\n\n",
    "\"index\"",
    "\"stop_reason\"",
];
pub(super) const GEMINI: &[&str] = &[
    "\"candidates\"",
    "\"content\"",
    "\"parts\"",
    "\"text\"",
    "\"thought\"",
    "\"functionCall\"",
    "\"usageMetadata\"",
    "\"promptTokenCount\"",
    "\"candidatesTokenCount\"",
    "\"thoughtsTokenCount\"",
    "\"totalTokenCount\"",
    "\"finishReason\"",
    "\"cachedContentTokenCount\"",
    "\"promptTokensDetails\"",
    "\"modality\"",
    "\"tokenCount\"",
    "\"error\"",
    "data: ",
    "\n\n",
];

/// Reads what hosts of OpenAI's format answer.
pub fn openai(bytes: &[u8]) {
    answer(
        bytes,
        &["openai", "openrouter", "deepseek", "mistral", "xai", "groq", "perplexity", "dashscope", "azure", "ollama"],
    );
}

/// Reads what hosts of Anthropic's format answer.
pub fn anthropic(bytes: &[u8]) {
    answer(bytes, &["anthropic"]);
}

/// Reads what hosts of Gemini's format answer.
pub fn gemini(bytes: &[u8]) {
    answer(bytes, &["gemini"]);
}

/// Reads an answer. Its first line says of whom it is and of which kind: `whole`, `stream` or a status.
fn answer(bytes: &[u8], providers: &[&'static str]) {
    let (head, body) = split_head(bytes);
    let (kind, provider) = head.split_once(' ').unwrap_or((&head, ""));
    let provider = *pick(providers, provider, |name| name);
    let params = Map::new();
    let base_url = Some("https://provider.test/v1");
    let target = Target { vendor: vendor(provider), provider, model: "m", base_url, api_key: None, params: &params };
    let Ok(adapter) = chat_adapter(&target) else { return };
    match kind {
        "stream" => {
            let mut decoder = adapter.decode_stream(&target, &answered(200));
            let mut deltas = Vec::new();
            for event in events(body, body.len().max(1)) {
                let is_flawed = decoder.decode_event(&event, &mut deltas).is_err();
                bill(decoder.provisional_usage());
                if is_flawed || decoder.is_over() {
                    break;
                }
            }
            decoder.finish(&mut deltas);
            let _ = (decoder.is_complete(), decoder.summary());
            bill(decoder.usage());
        }
        _ => match kind.parse::<u16>() {
            Ok(status) => {
                let error = adapter.decode_error(&target, &answered(status), body);
                assert!(!error.code().is_empty());
            }
            Err(_) => {
                if let Ok(decoded) = adapter.decode(&target, &answered(200), body) {
                    bill(decoded.usage);
                }
            }
        },
    }
}

fn answered(status: u16) -> ResponseHead {
    ResponseHead { status, headers: [].into() }
}

/// Makes meters and an amount of what was reported: nothing is below zero, and what can be true fits a budget's sums.
fn bill(reported: Option<ReportedUsage>) {
    let Some(reported) = reported else { return };
    let evidence = Evidence { input: 10, output: 5, has_content: true };
    let believed = believe(&reported, || evidence);
    let Some(prices) = prices() else { return };
    let head = BillHead { attempt: 1, model: "m", reported_currency: Currency::USD };
    for usage in [disjoint(&reported), believed.usage] {
        let Ok(bill) = prices.bill(head, &usage, &Facts::at(jiff::Timestamp::UNIX_EPOCH)) else {
            assert!(!is_plausible(&reported), "a usage that can be true has no bill: {reported:?}");
            continue;
        };
        if let (Some(cost), None) = (bill.cost, reported.cost) {
            assert!(!cost.amount.is_sign_negative() || cost.amount.is_zero(), "{cost:?} is billed for {reported:?}");
        }
    }
}

/// Returns a price for each kind of token.
fn prices() -> Option<&'static PriceSet> {
    static PRICES: OnceLock<Option<PriceSet>> = OnceLock::new();
    let make = || {
        let offer: Offer = serde_json::from_value(serde_json::json!({
            "provider": "acme", "model": "m", "currency": "USD", "source": "list", "checked": "2026-11-01", "prices": [
                {"pricing_type": "input_token", "unit_price": "3", "unit": "per_1m_tokens"},
                {"pricing_type": "cached_input_token", "unit_price": "0.3", "unit": "per_1m_tokens"},
                {"pricing_type": "cache_write_5m_token", "unit_price": "3.75", "unit": "per_1m_tokens"},
                {"pricing_type": "output_token", "unit_price": "15", "unit": "per_1m_tokens"},
                {"pricing_type": "web_search", "unit_price": "10", "unit": "per_1k_searches"},
            ]
        }))
        .ok()?;
        PriceSet::of_terms(offer.prices.iter().map(|price| offer.term(price, jiff::Timestamp::MIN))).ok()
    };
    PRICES.get_or_init(make).as_ref()
}
