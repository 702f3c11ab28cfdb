//! The engine in Rust: routed, capped, metered, priced, and in the ledger before the reply is handed over.

use std::path::Path;

use serde_json::json;
use tollway::client::Tollway;
use tollway::report::SummaryQuery;
use tollway::settings::Settings;
use tollway::types::{
    BudgetTerms, CallOptions, ChatReply, ChatRequest, CostStatus, Currency, Decimal, Limit, ModelTerms, Money, Scope,
    StreamEvent, Window,
};
use tollway::vault::MasterKey;

use super::{Contestant, Work};
use crate::protocol::{Failure, Setup, Shape};

/// How many words the mock provider says in a whole reply.
const WHOLE_WORDS: usize = 20;
/// How many words, a piece each, the mock provider says in a streamed reply.
const STREAM_WORDS: usize = 100;

pub(super) struct Engine {
    tollway: Tollway,
    whole: ChatRequest,
    stream: ChatRequest,
    options: CallOptions,
}

impl Engine {
    pub(super) async fn open(setup: &Setup, exclusive: bool) -> Result<Self, Failure> {
        let mut settings = Settings::default();
        settings.exclusive = exclusive;
        let key = MasterKey::Text("0f".repeat(32).into());
        let tollway = Tollway::open(Path::new(&setup.folder).join("app.tollway"), key, settings).await?;
        for words in [WHOLE_WORDS, STREAM_WORDS] {
            let price = |amount: &str| json!({"unit_price": amount, "unit": "per_1m_tokens", "currency": "USD"});
            let model: ModelTerms = serde_json::from_value(json!({
                "name": format!("openai/mock-words-{words}"), "api_key": "sk-bench", "base_url": format!("{}/v1", setup.mock),
                "prices": {"input_token": price("0.15"), "output_token": price("0.60")},
            }))?;
            tollway.add_model(model).await?;
        }
        let limit = Limit::Money(Money::new(Decimal::from(1_000_000), Currency::USD));
        let scope = Scope::of_user("bench");
        tollway.set_budget(BudgetTerms::new(scope, limit, Window::Month)).await?;
        Ok(Self {
            tollway,
            whole: request(WHOLE_WORDS)?,
            stream: request(STREAM_WORDS)?,
            options: CallOptions { user: Some("bench".into()), ..CallOptions::default() },
        })
    }
}

impl Contestant for Engine {
    fn once(&self, shape: Shape) -> Work<'_, ()> {
        Box::pin(async move {
            match shape {
                Shape::Whole => {
                    let reply = self.tollway.chat(self.whole.clone(), self.options.clone()).await?;
                    check(&reply, WHOLE_WORDS)
                }
                Shape::Stream => {
                    let mut stream = self.tollway.chat_stream(self.stream.clone(), self.options.clone()).await?;
                    let mut pieces = 0;
                    while let Some(event) = stream.next().await {
                        match event? {
                            StreamEvent::Delta(delta) => pieces += usize::from(!delta.text.is_empty()),
                            StreamEvent::Done(reply) => check(&reply, STREAM_WORDS)?,
                        }
                    }
                    if pieces == STREAM_WORDS {
                        return Ok(());
                    }
                    Err(Failure::new(format!("the stream had {pieces} pieces")))
                }
                Shape::Pair => Err(Failure::new("the engine has no pairs")),
            }
        })
    }

    fn records(&self) -> Work<'_, Option<u64>> {
        Box::pin(async {
            let rows = self.tollway.usage_summary(SummaryQuery::default()).await?;
            Ok(Some(rows.iter().map(|row| row.calls).sum()))
        })
    }
}

fn request(words: usize) -> Result<ChatRequest, Failure> {
    Ok(serde_json::from_value(json!({
        "model": format!("openai/mock-words-{words}"),
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Name three rivers and where they end."}],
        "max_tokens": 200,
    }))?)
}

/// A reply that was cut, or that has no cost, would make the figures worthless.
fn check(reply: &ChatReply, words: usize) -> Result<(), Failure> {
    if reply.text.split_whitespace().count() == words && reply.cost_status == CostStatus::Computed {
        return Ok(());
    }
    Err(Failure::new(format!("a reply of {words} words was expected, not {:?} at {:?}", reply.text, reply.cost)))
}
