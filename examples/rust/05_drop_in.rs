//! The drop-in: requests in OpenAI's format, as its libraries make them; another vendor's model answers, and it is billed.

use serde_json::{Value, from_slice, json};
use tollway::client::{FetchResponse, Tollway};
use tollway::settings::Settings;
use tollway::types::{
    BudgetTerms, CallOptions, Currency, FetchOptions, FetchRequest, Limit, ModelTerms, Money, Scope, UsageFilter,
    Window,
};
use tollway::vault::MasterKey;

/// Answers what a library would send to OpenAI. No socket is opened here, and a key in the headers would not be used.
async fn post(tw: &Tollway, question: &str, max_tokens: u64, stream: bool) -> tollway::types::Result<FetchResponse> {
    let (model, messages) = ("anthropic/claude-haiku-4-5", json!([{"role": "user", "content": question}]));
    let body = json!({"model": model, "messages": messages, "max_tokens": max_tokens, "stream": stream});
    let (method, url, body) = ("POST".into(), "/v1/chat/completions".into(), body.to_string().into_bytes());
    let request = FetchRequest { method, url, headers: vec![], body };
    let options = CallOptions { user: Some("alice".into()), ..CallOptions::default() };
    tw.fetch(request, FetchOptions { model: None, options }).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let api_key = std::env::var("ANTHROPIC_API_KEY")
        .map_err(|_| "set ANTHROPIC_API_KEY to a key of yours; ANTHROPIC_BASE_URL may name another server")?;
    let folder = tempfile::tempdir()?;
    let master_key = MasterKey::Text("a passphrase of yours".into());
    let tw = Tollway::open(folder.path().join("app.tollway"), master_key, Settings::default()).await?;
    let (name, base_url) = ("anthropic/claude-haiku-4-5".into(), std::env::var("ANTHROPIC_BASE_URL").ok());
    tw.set_model(ModelTerms { name, api_key: Some(api_key.into()), base_url, ..ModelTerms::default() }).await?;
    let (scope, limit) = (Scope::everyone(), Limit::Money(Money::new("0.05".parse()?, Currency::USD)));
    tw.set_budget(BudgetTerms::new(scope, limit, Window::Month)).await?;

    let mut response = post(&tw, "Name three rivers.", 100, false).await?;
    let completion: Value = from_slice(&response.body.next().await.ok_or("no body")??)?;
    println!("{}", completion["choices"][0]["message"]["content"].as_str().unwrap_or_default());
    let bill = |name: &str| completion["tollway"][name].as_str().unwrap_or_default();
    println!("{} for {} {}, {}", bill("model"), bill("cost"), bill("currency"), bill("cost_status"));

    let mut response = post(&tw, "Name three seas.", 100, true).await?;
    while let Some(piece) = response.body.next().await {
        // A piece holds whole events, each a line of JSON after `data: `; the last one is no JSON.
        for data in String::from_utf8(piece?)?.lines().filter_map(|line| line.strip_prefix("data: ")) {
            let chunk: Value = serde_json::from_str(data).unwrap_or_default();
            print!("{}", chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
        }
    }
    println!();

    // A refusal is an answer with a status and an error of OpenAI's shape.
    let mut response = post(&tw, "Go on.", 20_000, false).await?;
    let refusal: Value = from_slice(&response.body.next().await.ok_or("no body")??)?;
    println!("{} {}", response.head.status, refusal["error"]["code"].as_str().unwrap_or_default());

    for record in tw.usage_records(UsageFilter::default(), None, 100).await?.records {
        let cost = Money::new(record.cost_amount.ok_or("unpriced")?, record.currency.ok_or("unpriced")?);
        let (user, status) = (record.user.unwrap_or_default(), record.status.name());
        println!("{user}, {}/{}, {status}, {cost}", record.provider, record.model);
    }
    Ok(())
}
