//! A budget: a call that could pass the cap is refused before it is sent; what was spent is exact.

use std::env;

use tollway::client::Tollway;
use tollway::settings::Settings;
use tollway::types::{
    BudgetTerms, CallOptions, ChatReply, ChatRequest, Currency, Decimal, ErrorKind, Limit, Message, ModelTerms, Money,
    Result, Scope, TextMessage, UsageFilter, Window,
};
use tollway::vault::MasterKey;

async fn ask(tw: &Tollway, user: &str, question: &str, max_tokens: Option<u64>) -> Result<ChatReply> {
    let message = Message::User(TextMessage { content: question.into(), name: None });
    let request = ChatRequest { messages: vec![message], max_tokens, ..ChatRequest::default() };
    tw.chat(request, CallOptions { user: Some(user.into()), ..CallOptions::default() }).await
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let api_key = env::var("OPENAI_API_KEY")
        .map_err(|_| "set OPENAI_API_KEY to a key of yours; OPENAI_BASE_URL may name another server of its format")?;
    let folder = tempfile::tempdir()?;
    let master_key = MasterKey::Text("a passphrase of yours".into());
    let tw = Tollway::open(folder.path().join("app.tollway"), master_key, Settings::default()).await?;
    let (name, base_url) = ("openai/gpt-4o-mini".into(), env::var("OPENAI_BASE_URL").ok());
    let model =
        ModelTerms { name, api_key: Some(api_key.into()), base_url, default: Some(true), ..ModelTerms::default() };
    tw.set_model(model).await?;
    let limit = Limit::Money(Money::new("0.001".parse()?, Currency::USD));
    let scope = Scope::of_user("alice");
    tw.set_budget(BudgetTerms::new(scope, limit, Window::Month)).await?;

    // The most that a call can cost is held while it runs; then it is settled at what it did cost.
    let reply = ask(&tw, "alice", "Name three hills.", Some(100)).await?;
    println!("{} for {} {}", reply.text, reply.cost.ok_or("unpriced")?, reply.currency.ok_or("unpriced")?);

    match ask(&tw, "alice", "Write a novel.", Some(10_000)).await {
        Err(error) if error.kind() == ErrorKind::BudgetExceeded => println!("{}: {}", error.code(), error.detail()),
        other => return Err(format!("the budget did not refuse: {other:?}").into()),
    }

    // Another user's calls are not capped.
    println!("{}", ask(&tw, "bob", "Write a haiku.", None).await?.text);

    let budget = tw.budgets().await?.remove(0);
    let (settled, reserved) = (budget.balance.settled, budget.balance.reserved);
    println!("settled {settled}, reserved {reserved}, remaining {} of 0.001", budget.remaining);
    let filter = UsageFilter { user: Some("alice".into()), ..UsageFilter::default() };
    let records = tw.usage_records(filter, None, 100).await?.records;
    let spent: Decimal = records.iter().filter_map(|record| record.cost_amount).sum();
    let verdict = if spent == settled { "exact" } else { "wrong" };
    println!("alice's {} record adds up to {spent}: {verdict}", records.len());
    Ok(())
}
