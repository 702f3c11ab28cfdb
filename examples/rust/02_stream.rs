//! Streams: one that is read to its end, and one that is left early and billed all the same.

use std::{env, time::Duration};

use tollway::client::{ChatStream, Tollway};
use tollway::settings::Settings;
use tollway::types::{CallOptions, ChatRequest, Message, ModelTerms, Result, StreamEvent, TextMessage, UsageFilter};
use tollway::vault::MasterKey;

async fn ask(tw: &Tollway, question: &str) -> Result<ChatStream> {
    let messages = vec![Message::User(TextMessage { content: question.into(), name: None })];
    let options = CallOptions { user: Some("alice".into()), ..CallOptions::default() };
    tw.chat_stream(ChatRequest { messages, ..ChatRequest::default() }, options).await
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let api_key = env::var("OPENAI_API_KEY")
        .map_err(|_| "set OPENAI_API_KEY to a key of yours; OPENAI_BASE_URL may name another server of its format")?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("app.tollway");
    let open = || Tollway::open(&path, MasterKey::Text("a passphrase of yours".into()), Settings::default());
    let tw = open().await?;
    let (name, base_url) = ("openai/gpt-4o-mini".into(), env::var("OPENAI_BASE_URL").ok());
    let model =
        ModelTerms { name, api_key: Some(api_key.into()), base_url, default: Some(true), ..ModelTerms::default() };
    tw.set_model(model).await?;

    let mut stream = ask(&tw, "Name three seas.").await?;
    while let Some(event) = stream.next().await {
        match event? {
            StreamEvent::Delta(delta) => print!("{}", delta.text),
            // The last event comes once the cost is in the file.
            StreamEvent::Done(reply) => {
                println!("\ncost: {} {}", reply.cost.ok_or("unpriced")?, reply.currency.ok_or("unpriced")?);
            }
        }
    }

    let mut story = ask(&tw, "Tell me a long story.").await?;
    let mut heard = 0;
    while heard <= 20 {
        let Some(StreamEvent::Delta(delta)) = story.next().await.transpose()? else { break };
        print!("{}", delta.text);
        heard += delta.text.len();
    }
    // Dropping it closes the connection; by default what arrived is billed.
    drop(story);
    println!(" ... enough");
    // Waits for the bill of the stream that was left.
    tw.shutdown(Duration::from_secs(5)).await;

    for record in open().await?.usage_records(UsageFilter::default(), None, 100).await?.records {
        let (input, output) = (record.usage.input_tokens().unwrap_or(0), record.usage.output_tokens().unwrap_or(0));
        print!("{}: {input} tokens in, {output} out, ", record.status.name());
        let (amount, currency) = (record.cost_amount.ok_or("unpriced")?, record.currency.ok_or("unpriced")?);
        println!("{amount} {currency}, {}, by {}", record.cost_status.name(), record.billed_by.name());
    }
    Ok(())
}
