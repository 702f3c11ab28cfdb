//! A call as an app makes it: by which way, to whom, with how much patience.

use std::time::Duration;

use serde_json::json;
use tollway::types::{AbandonPolicy, CallOptions, ChatRequest, FetchOptions, FetchRequest, UnpricedPolicy};

use super::format::Format;
use super::random::Random;
use super::server::Asked;

/// A format in which an app's own library speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoken {
    Completions,
    Responses,
    Messages,
}

/// How an app makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Native,
    DropIn(Spoken),
    /// A request that no dialect knows.
    Passed,
}

/// When an app goes before its answer is there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Leaving {
    Never,
    After(Duration),
    /// After so many pieces.
    AfterPieces(usize),
}

/// A call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) number: usize,
    pub(crate) seed: u64,
    pub(crate) way: Way,
    pub(crate) is_streamed: bool,
    /// The configs to try, each as `provider/model`.
    pub(crate) candidates: Vec<String>,
    pub(crate) user: &'static str,
    pub(crate) timeout: Duration,
    pub(crate) max_tokens: u64,
    pub(crate) max_retries: u32,
    pub(crate) policy: AbandonPolicy,
    pub(crate) leaving: Leaving,
}

/// The users of an app.
pub(crate) const USERS: [&str; 3] = ["alice", "bob", "carol"];
/// The tag that names a call on its records.
pub(crate) const TAG: &str = "call";

const POLICIES: [AbandonPolicy; 3] =
    [AbandonPolicy::Drain, AbandonPolicy::CancelAndEstimate, AbandonPolicy::BillReserved];
const NOWHERE: [&str; 3] = ["refusing", "deaf", "slamming"];

impl Call {
    pub(crate) fn random(batch: u64, number: usize) -> Self {
        let seed = Random::of(batch, number as u64).next();
        let mut random = Random::new(seed);
        let way = match random.below(100) {
            0..=49 => Way::Native,
            50..=64 => Way::DropIn(Spoken::Completions),
            65..=74 => Way::DropIn(Spoken::Responses),
            75..=89 => Way::DropIn(Spoken::Messages),
            _ => Way::Passed,
        };
        let first = *random.pick(&Format::ALL);
        let config = |random: &mut Random, format: Format| {
            let name = match random.below(100) {
                0..=4 => *random.pick(&NOWHERE),
                5..=69 => "main",
                _ => "twin",
            };
            format!("{}/{name}", format.provider())
        };
        let mut candidates = vec![config(&mut random, first)];
        if way != Way::Passed && random.chance(15) {
            let format = *random.pick(&Format::ALL);
            let other = config(&mut random, format);
            if other != candidates[0] {
                candidates.push(other);
            }
        }
        let timeout = match random.below(20) {
            0 => random.between(20, 300),
            1..=3 => random.between(400, 1_200),
            _ => random.between(1_800, 2_500),
        };
        Self {
            number,
            seed,
            way,
            is_streamed: random.chance(55),
            candidates,
            user: *random.pick(&USERS),
            timeout: Duration::from_millis(timeout),
            max_tokens: random.between(16, 48),
            max_retries: u32::from(random.chance(20)),
            policy: *random.pick(&POLICIES),
            leaving: match random.below(100) {
                0..=5 => Leaving::After(Duration::from_micros(random.below(60_000))),
                6..=9 => Leaving::AfterPieces(random.place(4)),
                _ => Leaving::Never,
            },
        }
    }

    pub(crate) fn asked(&self) -> Asked {
        Asked { seed: self.seed, is_streamed: self.is_streamed, is_chat: self.way != Way::Passed }
    }

    pub(crate) fn options(&self) -> CallOptions {
        CallOptions {
            user: Some(self.user.to_owned()),
            tags: [(TAG.to_owned(), self.number.to_string())].into(),
            timeout: Some(self.timeout),
            max_retries: Some(self.max_retries),
            fallbacks: (self.way != Way::Passed).then(|| self.candidates.clone()),
            on_abandon: Some(self.policy),
            on_unpriced: (self.way == Way::Passed).then_some(UnpricedPolicy::Allow),
            ..CallOptions::default()
        }
    }

    pub(crate) fn request(&self) -> ChatRequest {
        let body = json!({"messages": [{"role": "user", "content": self.prompt()}], "max_tokens": self.max_tokens});
        serde_json::from_value(body).unwrap()
    }

    /// Returns the request of an app's own library, and its choices.
    pub(crate) fn fetch(&self) -> (FetchRequest, FetchOptions) {
        let messages = json!([{"role": "user", "content": self.prompt()}]);
        let stream = self.is_streamed;
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let format = Format::of(self.candidates[0].split('/').next().unwrap_or_default());
        let (path, body) = match self.way {
            Way::DropIn(Spoken::Responses) => (
                "/v1/responses",
                json!({"model": "m", "input": self.prompt(), "max_output_tokens": self.max_tokens, "stream": stream}),
            ),
            Way::DropIn(Spoken::Messages) => (
                "/v1/messages",
                json!({"model": "m", "messages": messages, "max_tokens": self.max_tokens, "stream": stream}),
            ),
            Way::Passed => {
                let path = match format {
                    Format::OpenAi => "/v1/embeddings/multimodal",
                    Format::Anthropic => "/v1/messages/count_tokens",
                    Format::Gemini => "/v1beta/models/main:embedContent",
                };
                (path, json!({"model": "m", "input": self.prompt()}))
            }
            _ => (
                "/v1/chat/completions",
                json!({"model": "m", "messages": messages, "max_tokens": self.max_tokens, "stream": stream}),
            ),
        };
        if path.starts_with("/v1/messages") {
            headers.push(("anthropic-version".to_owned(), "2023-06-01".to_owned()));
        }
        let request = FetchRequest {
            method: "POST".to_owned(),
            url: format!("https://api.example.com{path}"),
            headers,
            body: body.to_string().into_bytes(),
        };
        let model = (self.way == Way::Passed).then(|| self.candidates[0].clone());
        (request, FetchOptions { model, options: self.options() })
    }

    fn prompt(&self) -> String {
        format!("Name a river. ~{}~", self.number)
    }

    pub(crate) fn words(&self) -> String {
        format!(
            "call {}: {:?}{} to {}, user {}, timeout {:?}, max_tokens {}, max_retries {}, {:?}, leaves {:?}",
            self.number,
            self.way,
            if self.is_streamed { " streamed" } else { "" },
            self.candidates.join(" then "),
            self.user,
            self.timeout,
            self.max_tokens,
            self.max_retries,
            self.policy,
            self.leaving
        )
    }
}
