//! One call: what the model said, what it consumed, and what that cost.

use std::env;

use tollway::client::Tollway;
use tollway::settings::Settings;
use tollway::types::{CallOptions, ChatRequest, Message, ModelTerms, TextMessage};
use tollway::vault::MasterKey;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let api_key = env::var("OPENAI_API_KEY")
        .map_err(|_| "set OPENAI_API_KEY to a key of yours; OPENAI_BASE_URL may name another server of its format")?;
    // A real app names a file that stays, and takes the master key, which seals the API keys in it, from a safe place.
    let folder = tempfile::tempdir()?;
    let master_key = MasterKey::Text("a passphrase of yours".into());
    let tw = Tollway::open(folder.path().join("app.tollway"), master_key, Settings::default()).await?;
    // Prices that are not given come from the bundled catalog.
    tw.set_model(ModelTerms {
        name: "openai/gpt-4o-mini".into(),
        api_key: Some(api_key.into()),
        base_url: env::var("OPENAI_BASE_URL").ok(),
        default: Some(true),
        ..ModelTerms::default()
    })
    .await?;

    let question = Message::User(TextMessage { content: "Name three rivers.".into(), name: None });
    let request = ChatRequest { messages: vec![question], ..ChatRequest::default() };
    let tags = [("feature".into(), "geography".into())].into();
    let options = CallOptions { user: Some("alice".into()), tags, ..CallOptions::default() };
    let reply = tw.chat(request, options).await?;

    println!("{}", reply.text);
    println!("model: {}/{}", reply.provider, reply.model);
    let (input, output) = (reply.usage.input_tokens().unwrap_or(0), reply.usage.output_tokens().unwrap_or(0));
    println!("tokens: {input} in, {output} out");
    let (cost, currency) = (reply.cost.ok_or("unpriced")?, reply.currency.ok_or("unpriced")?);
    println!("cost: {cost} {currency}, {}", reply.cost_status.name());
    // Each amount is quantity times unit price, to the last digit; nothing is rounded.
    for line in &reply.receipt.lines {
        if let (Some(meter), Some(price), Some(unit)) = (line.meter, line.unit_price, line.unit)
            && let (Some(amount), Some(currency)) = (line.amount, line.currency)
        {
            println!("  {}: {} at {price} {} is {amount} {currency}", meter.name(), line.quantity, unit.name());
        }
    }
    Ok(())
}
