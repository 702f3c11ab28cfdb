//! A fallback: the first vendor refuses for too many requests, and another vendor's model answers.

use std::env;

use tollway::client::Tollway;
use tollway::settings::Settings;
use tollway::types::{CallOptions, ChatRequest, Message, ModelTerms, RouteTerms, Strategy, TextMessage};
use tollway::vault::MasterKey;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let missing =
        "set ANTHROPIC_API_KEY and OPENAI_API_KEY; ANTHROPIC_BASE_URL and OPENAI_BASE_URL may name other servers";
    let anthropic_key = env::var("ANTHROPIC_API_KEY").map_err(|_| missing)?;
    let openai_key = env::var("OPENAI_API_KEY").map_err(|_| missing)?;
    let folder = tempfile::tempdir()?;
    let master_key = MasterKey::Text("a passphrase of yours".into());
    let tw = Tollway::open(folder.path().join("app.tollway"), master_key, Settings::default()).await?;
    // The lower number is tried first.
    tw.set_model(ModelTerms {
        name: "anthropic/claude-haiku-4-5".into(),
        api_key: Some(anthropic_key.into()),
        base_url: env::var("ANTHROPIC_BASE_URL").ok(),
        priority: Some(1),
        default: Some(true),
        ..ModelTerms::default()
    })
    .await?;
    tw.set_model(ModelTerms {
        name: "openai/gpt-4o-mini".into(),
        api_key: Some(openai_key.into()),
        base_url: env::var("OPENAI_BASE_URL").ok(),
        priority: Some(2),
        ..ModelTerms::default()
    })
    .await?;
    let (name, strategy) = ("text".into(), Strategy::Fallback);
    tw.set_route(RouteTerms { name, strategy, models: vec![], preferred_providers: vec![], maximum_cost: None })
        .await?;

    // By default a model that refuses is asked twice more before the next one is; here the next one is asked at once.
    let question = Message::User(TextMessage { content: "Name three lakes.".into(), name: None });
    let request = ChatRequest { messages: vec![question], ..ChatRequest::default() };
    let options = CallOptions { user: Some("alice".into()), max_retries: Some(0), ..CallOptions::default() };
    let reply = tw.chat(request, options).await?;

    println!("{}", reply.text);
    let currency = reply.currency.ok_or("unpriced")?;
    println!("answered by {}/{} for {} {currency}", reply.provider, reply.model, reply.cost.ok_or("unpriced")?);
    for attempt in &reply.attempts {
        let why = attempt.error_code.as_ref().map(|code| format!(", {code}")).unwrap_or_default();
        print!("  attempt {}: {}/{}: {}{why}", attempt.number, attempt.provider, attempt.model, attempt.status.name());
        println!(", {} {currency}", attempt.cost.ok_or("unpriced")?);
    }
    Ok(())
}
