//! Law: a cap holds, whatever a provider claims that a call consumed or cost.

use mock_provider::{MockProvider, Reply, Script};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tollway::client::Tollway;
use tollway::types::{
    BudgetTerms, CallOptions, Currency, Limit, ModelTerms, Money, Scope, StreamEvent, UsageFlag, UsageRecord, Window,
};
use tollway_system_tests::{all_records, committed, open, request};

/// Claims that nothing proves: tokens by the million, and costs beyond any.
fn claims() -> Vec<(&'static str, &'static str, Value)> {
    let million = 50_000_000;
    vec![
        (
            "openai_chat",
            "house/m",
            json!({"prompt_tokens": million, "completion_tokens": million, "total_tokens": 2 * million}),
        ),
        ("openai_chat", "house/m", json!({"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": million})),
        (
            "openai_chat",
            "house/m",
            json!({"prompt_tokens": 5, "completion_tokens": 3, "completion_tokens_details": {"reasoning_tokens": million}}),
        ),
        (
            "openai_chat",
            "openrouter/m",
            json!({"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8, "cost": 1_000.5}),
        ),
        (
            "openai_chat",
            "xai/m",
            json!({"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8, "cost_in_usd_ticks": 9_000_000_000_000_000_i64}),
        ),
        (
            "openai_chat",
            "perplexity/m",
            json!({"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8, "cost": {"total_cost": "77.7"}}),
        ),
        (
            "anthropic_messages",
            "anthropic/m",
            json!({"input_tokens": 5, "cache_read_input_tokens": million, "output_tokens": million}),
        ),
        (
            "gemini_generate_content",
            "gemini/m",
            json!({"promptTokenCount": 5, "candidatesTokenCount": 3, "thoughtsTokenCount": million, "totalTokenCount": million + 8}),
        ),
        // Work that has no price, and that no bound foresaw.
        (
            "openai_chat",
            "house/m",
            json!({"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8, "num_sources_used": 4}),
        ),
        (
            "openai_chat",
            "xai/m",
            json!({"prompt_tokens": 5, "completion_tokens": 3, "server_side_tool_usage": {"file_search_calls": 1}}),
        ),
        ("openai_chat", "perplexity/m", json!({"prompt_tokens": 5, "completion_tokens": 3, "citation_tokens": 50})),
    ]
}

fn model(name: &str, wire_format: &str, base_url: &str) -> ModelTerms {
    let price =
        |amount: &str| json!({"unit_price": amount, "unit": "per_1m_tokens", "currency": "USD", "source": "a list"});
    let input = json!({
        "name": name,
        "alias": "claimant",
        "api_key": "sk-house",
        "base_url": base_url,
        "params": {"wire_format": wire_format},
        "prices": {"input_token": price("1"), "output_token": price("10"), "web_search": {
            "unit_price": "0.001", "unit": "per_search", "currency": "USD", "source": "a list"}},
    });
    serde_json::from_value(input).unwrap()
}

fn budget(limit: Limit) -> BudgetTerms {
    BudgetTerms::new(Scope::everyone(), limit, Window::Total)
}

async fn call(tollway: &Tollway, streamed: bool) {
    let mut request = request("hello", 20);
    request.model = Some("claimant".to_owned());
    if !streamed {
        let _ = tollway.chat(request, CallOptions::default()).await;
        return;
    }
    let Ok(mut stream) = tollway.chat_stream(request, CallOptions::default()).await else { return };
    while let Some(Ok(event)) = stream.next().await {
        if matches!(event, StreamEvent::Done(_)) {
            break;
        }
    }
}

fn exceeds(record: &UsageRecord) -> bool {
    record.usage.flags.contains(&UsageFlag::UsageExceedsBound)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_claim_of_a_provider_passes_a_cap() {
    let mock = MockProvider::start().await.unwrap();
    for (number, (wire_format, name, usage)) in claims().into_iter().enumerate() {
        for streamed in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let tollway = open(&folder.path().join("app.tollway")).await.unwrap();
            let reply = Reply { automatic: true, usage: Some(usage.clone()), ..Reply::default() };
            let url = mock.script(&format!("claim-{number}-{streamed}"), Script::new([reply])).unwrap();
            tollway.add_model(model(name, wire_format, &format!("{url}/v1"))).await.unwrap();
            let (dollars, tokens) = (Decimal::TWO, 200_000);
            tollway.set_budget(budget(Limit::Money(Money::new(dollars, Currency::USD)))).await.unwrap();
            tollway.set_budget(budget(Limit::Tokens(tokens))).await.unwrap();
            for _ in 0..8 {
                call(&tollway, streamed).await;
                for status in tollway.budgets().await.unwrap() {
                    let limit = status.budget.terms.limit.amount();
                    assert!(committed(&status) <= limit, "{name} {usage}: {} of {limit}", committed(&status));
                }
            }
            let records = all_records(&tollway).await.unwrap();
            assert!(records.iter().any(exceeds), "{name} {usage}: {:?}", records.first());
            for record in &records {
                let lines: Decimal = record.receipt.iter().filter_map(|line| line.amount).sum();
                assert_eq!(Some(lines), record.cost_amount, "{name} {usage}: {:?}", record.receipt);
                assert!(record.cost_amount.is_some_and(|cost| cost > Decimal::ZERO));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_budget_a_claim_is_billed_as_it_is() {
    let mock = MockProvider::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let tollway = open(&folder.path().join("app.tollway")).await.unwrap();
    let usage = json!({"prompt_tokens": 5, "completion_tokens": 3_000_000, "total_tokens": 3_000_005});
    let reply = Reply { automatic: true, usage: Some(usage), ..Reply::default() };
    let url = mock.script("claim", Script::new([reply])).unwrap();
    tollway.add_model(model("house/m", "openai_chat", &format!("{url}/v1"))).await.unwrap();
    call(&tollway, false).await;
    let record = all_records(&tollway).await.unwrap().remove(0);
    assert_eq!(record.cost_amount, Some("30.000005".parse().unwrap()));
    assert!(!exceeds(&record));
}
