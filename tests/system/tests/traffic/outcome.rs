//! What an app got for a call.

use std::time::{Duration, Instant};

use rust_decimal::Decimal;
use serde_json::Value;
use tollway::client::Tollway;
use tollway::types::{Attempt, ChatReply, CostStatus, Error, StreamEvent, Usage};

use super::call::{Call, Leaving, Spoken, Way};
use super::spelling::comparable;

/// A reply as an app sees it.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) request_id: String,
    pub(crate) cost: Option<Decimal>,
    pub(crate) cost_status: CostStatus,
    pub(crate) attempts: Vec<Attempt>,
    /// The reply's usage, where the app is told it in our words.
    pub(crate) usage: Option<Usage>,
    /// The reply's text.
    pub(crate) text: String,
    /// The names and the arguments of its calls of tools, where they are read.
    pub(crate) calls: Option<Vec<(String, Value)>>,
}

/// What became of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) elapsed: Duration,
    pub(crate) has_left: bool,
    pub(crate) reply: Option<Told>,
    /// The code and the sentence.
    pub(crate) error: Option<(String, String)>,
    /// The pieces of a stream, joined.
    pub(crate) streamed: Option<String>,
    /// The body of an answer that was passed on.
    pub(crate) passed: Option<Vec<u8>>,
}

/// Makes a call and waits for its end, or leaves before.
pub(crate) async fn make(tollway: &Tollway, call: &Call) -> Outcome {
    let started = Instant::now();
    let mut outcome = Outcome::default();
    let making = async {
        match (call.way, call.is_streamed) {
            (Way::Native, false) => match tollway.chat(call.request(), call.options()).await {
                Ok(reply) => outcome.reply = Some(of_reply(&reply)),
                Err(error) => outcome.failed(&error),
            },
            (Way::Native, true) => stream(tollway, call, &mut outcome).await,
            _ => fetch(tollway, call, &mut outcome).await,
        }
    };
    // An engine that hangs must not hang the test; what it holds is then found.
    let patience = call.timeout + super::check::GRACE;
    let patience = if let Leaving::After(time) = call.leaving { time.min(patience) } else { patience };
    let has_ended = tokio::time::timeout(patience, making).await.is_ok();
    outcome.has_left |= !has_ended && matches!(call.leaving, Leaving::After(_));
    outcome.elapsed = started.elapsed();
    outcome
}

impl Outcome {
    fn failed(&mut self, error: &Error) {
        self.error = Some((error.code().to_owned(), error.detail().to_owned()));
    }
}

fn leaves_after(call: &Call, pieces: usize) -> bool {
    matches!(call.leaving, Leaving::AfterPieces(count) if pieces > count)
}

async fn stream(tollway: &Tollway, call: &Call, outcome: &mut Outcome) {
    let mut stream = match tollway.chat_stream(call.request(), call.options()).await {
        Ok(stream) => stream,
        Err(error) => return outcome.failed(&error),
    };
    let mut pieces = 0;
    let text = outcome.streamed.insert(String::new());
    while let Some(event) = stream.next().await {
        match event {
            Ok(StreamEvent::Delta(delta)) => {
                text.push_str(&delta.text);
                pieces += 1;
                if leaves_after(call, pieces) {
                    outcome.has_left = true;
                    return;
                }
            }
            Ok(StreamEvent::Done(reply)) => outcome.reply = Some(of_reply(&reply)),
            Err(error) => {
                outcome.error = Some((error.code().to_owned(), error.detail().to_owned()));
            }
        }
    }
}

async fn fetch(tollway: &Tollway, call: &Call, outcome: &mut Outcome) {
    let (request, options) = call.fetch();
    let mut answer = match tollway.fetch(request, options).await {
        Ok(answer) => answer,
        Err(error) => return outcome.failed(&error),
    };
    let mut body = Vec::new();
    let mut pieces = 0;
    while let Some(piece) = answer.body.next().await {
        match piece {
            Ok(piece) => body.extend(piece),
            Err(error) => outcome.failed(&error),
        }
        pieces += 1;
        if leaves_after(call, pieces) {
            outcome.has_left = true;
            return;
        }
    }
    let header = |name: &str| {
        let found = answer.head.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    };
    if !(200..300).contains(&answer.head.status) {
        let code = header("x-tollway-error-code").unwrap_or_else(|| answer.head.status.to_string());
        outcome.error = Some((code, String::from_utf8_lossy(&body).into_owned()));
        return;
    }
    let Way::DropIn(spoken) = call.way else {
        outcome.passed = Some(body);
        return;
    };
    let text = String::from_utf8(body).expect("what the drop-in writes is text");
    if call.is_streamed {
        read_events(&text, spoken, outcome);
    } else {
        let document: Value = serde_json::from_str(&text).expect("what the drop-in writes is JSON");
        outcome.reply = told(&document, whole_text(&document, spoken));
    }
}

fn of_reply(reply: &ChatReply) -> Told {
    let call = |call: &tollway::types::ToolCall| {
        let arguments = serde_json::from_str(&call.function.arguments);
        (call.function.name.clone(), arguments.unwrap_or_else(|_| Value::from(call.function.arguments.clone())))
    };
    Told {
        request_id: reply.request_id.clone(),
        cost: reply.cost,
        cost_status: reply.cost_status,
        attempts: reply.attempts.clone(),
        usage: Some(reply.usage.clone()),
        text: reply.text.clone(),
        calls: Some(reply.tool_calls.iter().map(call).collect()),
    }
}

/// Reads a stream of the drop-in: its text, and the receipt in its last pieces.
fn read_events(events: &str, spoken: Spoken, outcome: &mut Outcome) {
    let mut text = String::new();
    for data in events.lines().filter_map(|line| line.strip_prefix("data: ")) {
        let Ok(event) = serde_json::from_str::<Value>(data) else { continue };
        let piece = match spoken {
            Spoken::Completions => event.pointer("/choices/0/delta/content"),
            Spoken::Messages => event.pointer("/delta/text"),
            Spoken::Responses => event.get("delta").filter(|_| event["type"] == "response.output_text.delta"),
        };
        text.push_str(piece.and_then(Value::as_str).unwrap_or_default());
        if let Some(told) = told(&event, String::new()) {
            outcome.reply = Some(told);
        }
        let error = [event.pointer("/error"), event.pointer("/response/error")];
        if let Some(error) = error.into_iter().flatten().find(|error| !error.is_null()) {
            let code = error.get("code").or_else(|| error.get("type")).and_then(Value::as_str);
            outcome.error = Some((code.unwrap_or("unnamed").to_owned(), error.to_string()));
        }
    }
    if let Some(reply) = &mut outcome.reply {
        reply.text.clone_from(&text);
    }
    outcome.streamed = Some(text);
}

fn whole_text(document: &Value, spoken: Spoken) -> String {
    let texts = |items: Option<&Value>| -> String {
        let items = items.and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|item| item.get("text")?.as_str()).collect()
    };
    match spoken {
        Spoken::Completions => {
            document.pointer("/choices/0/message/content").and_then(Value::as_str).unwrap_or_default().to_owned()
        }
        Spoken::Messages => texts(document.get("content")),
        Spoken::Responses => {
            let items = document.get("output").and_then(Value::as_array).into_iter().flatten();
            let messages = items.filter(|item| item["type"] == "message");
            messages.map(|item| texts(item.get("content"))).collect()
        }
    }
}

/// Finds the field `tollway`, wherever a format carries it.
fn told(document: &Value, text: String) -> Option<Told> {
    let places = ["/tollway", "/response/tollway", "/usage/tollway", "/message/tollway"];
    let field = places.into_iter().find_map(|place| document.pointer(place))?;
    Some(Told {
        request_id: field["request_id"].as_str()?.to_owned(),
        cost: serde_json::from_value(field["cost"].clone()).ok()?,
        cost_status: serde_json::from_value(field["cost_status"].clone()).ok()?,
        attempts: serde_json::from_value(field["attempts"].clone()).ok()?,
        usage: None,
        text,
        calls: None,
    })
}

/// Returns whether two texts are the same but for how what is no text is written.
pub(crate) fn reads_as(text: &str, expected: &str) -> bool {
    comparable(text) == expected
}
