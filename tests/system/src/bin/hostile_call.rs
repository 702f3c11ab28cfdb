//! A process that makes one call of a provider that wishes it ill, and says what became of it and what it took.
//!
//! `hostile_call FOLDER CALL`, where CALL is JSON: `url`, `format`, `mode`, `timeout` and `max_tokens`. It writes one line of
//! JSON: how the call ended, what was billed, and the time and the memory of the process.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tollway::client::Tollway;
use tollway::types::{
    BudgetTerms, CallOptions, ChatRequest, Error, FetchOptions, FetchRequest, Limit, ModelTerms, Scope, StreamEvent,
    UnpricedPolicy, Window,
};
use tollway_system_tests::{all_records, committed, five_dollars, open};

/// How long a reader who stalls reads nothing, after the first piece.
const STALL: Duration = Duration::from_secs(2);

/// The most bytes of a body that are told.
const LONGEST: usize = 2_000;

/// The longest wait of other work so far, in milliseconds.
static LONGEST_WAIT: AtomicU64 = AtomicU64::new(0);

/// What the caller got.
#[derive(Default)]
struct Got {
    error: Option<Error>,
    status: Option<u16>,
    bytes: usize,
    /// The longest wait of other work beside the call, in milliseconds.
    beside: u64,
    /// The beginning of an event that is an error, and the end of the body.
    error_event: Vec<u8>,
    body: Vec<u8>,
}

fn main() -> ExitCode {
    // What one call keeps from going on is seen best where there is one thread.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    match runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run())) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<Value, Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, call] = arguments.as_slice() else { return Err("usage: hostile_call FOLDER CALL".into()) };
    let call: Value = serde_json::from_str(call)?;
    let text = |key: &str| call[key].as_str().unwrap_or_default().to_owned();
    let tollway = open(&Path::new(folder).join("app.tollway")).await?;
    tollway.add_model(model(&text("url"), &text("format"))).await?;
    let everyone = BudgetTerms::new(Scope::everyone(), Limit::Money(five_dollars()), Window::Total);
    if text("mode") != "passed" && text("mode") != "passed_stalled" && call["capped"] != json!(false) {
        tollway.set_budget(everyone).await?;
    }
    let options = CallOptions {
        timeout: Some(Duration::from_secs_f64(call["timeout"].as_f64().unwrap_or(30.0))),
        on_unpriced: Some(UnpricedPolicy::Allow),
        ..CallOptions::default()
    };
    let started = Instant::now();
    let got = match text("mode").as_str() {
        "whole" => whole(&tollway, &call, options).await,
        "beside" => {
            let watching = tokio::spawn(longest_wait(tollway.clone()));
            let got = stream(&tollway, &call, options, false).await;
            watching.abort();
            Got { beside: LONGEST_WAIT.load(Ordering::Relaxed), ..got }
        }
        "stream" => stream(&tollway, &call, options, false).await,
        "stalled" => stream(&tollway, &call, options, true).await,
        mode => fetched(&tollway, &call, options, mode).await,
    };
    let seconds = started.elapsed().as_secs_f64();
    let closing = Instant::now();
    let is_settled = tollway.clone().shutdown(Duration::from_secs(10)).await;
    let closed = closing.elapsed().as_secs_f64();
    drop(tollway);
    // What the ledger says is read by the next who opens it, as after any run.
    let tollway = open(&Path::new(folder).join("app.tollway")).await?;
    let records: Vec<Value> = all_records(&tollway)
        .await?
        .iter()
        .map(|record| {
            json!({"cost": record.cost_amount, "billed_by": record.billed_by, "cost_status": record.cost_status,
                "error_code": record.error_code})
        })
        .collect();
    let committed: Vec<String> = tollway.budgets().await?.iter().map(|status| committed(status).to_string()).collect();
    let reserved = tollway.reservations().await?.len();
    let (peak, cpu) = taken();
    Ok(json!({
        "code": got.error.as_ref().map(Error::code), "detail": got.error.as_ref().map(Error::detail),
        "beside": Duration::from_millis(got.beside).as_secs_f64(), "status": got.status, "bytes": got.bytes, "body": String::from_utf8_lossy(&[got.error_event, got.body].concat()),
        "seconds": seconds, "closed": closed, "is_settled": is_settled,
        "records": records, "committed": committed, "reserved": reserved, "peak": peak, "cpu": cpu,
    }))
}

fn model(url: &str, format: &str) -> ModelTerms {
    let price = |amount: &str| json!({"unit_price": amount, "unit": "per_token", "currency": "USD"});
    let input = json!({
        "name": "house/m",
        "api_key": "sk-house",
        "base_url": url,
        "default": true,
        "params": {"wire_format": format},
        "prices": {"input_token": price("0.000001"), "output_token": price("0.00001")},
    });
    serde_json::from_value(input).unwrap_or_default()
}

fn request(call: &Value) -> ChatRequest {
    let mut body = json!({"messages": [{"role": "user", "content": "hello"}]});
    if !call["max_tokens"].is_null() {
        body["max_tokens"] = call["max_tokens"].clone();
    }
    for (field, value) in call["fields"].as_object().into_iter().flatten() {
        body[field] = value.clone();
    }
    serde_json::from_value(body).unwrap_or_default()
}

async fn whole(tollway: &Tollway, call: &Value, options: CallOptions) -> Got {
    match tollway.chat(request(call), options).await {
        Ok(reply) => Got { bytes: reply.text.len(), ..Got::default() },
        Err(error) => Got { error: Some(error), ..Got::default() },
    }
}

async fn stream(tollway: &Tollway, call: &Value, options: CallOptions, stalls: bool) -> Got {
    let mut got = Got::default();
    let mut events = match tollway.chat_stream(request(call), options).await {
        Ok(events) => events,
        Err(error) => return Got { error: Some(error), ..got },
    };
    while let Some(event) = events.next().await {
        match event {
            Ok(StreamEvent::Delta(delta)) => got.bytes += delta.text.len(),
            Ok(StreamEvent::Done(_)) => {}
            Err(error) => got.error = Some(error),
        }
        if stalls {
            tokio::time::sleep(STALL).await;
            break;
        }
    }
    got
}

/// Looks at the budgets again and again, as another call does, for as long as it is let, and notes how long that takes.
async fn longest_wait(tollway: Tollway) {
    loop {
        let begin = Instant::now();
        tokio::time::sleep(Duration::from_millis(5)).await;
        let _ = tollway.budgets().await;
        let waited = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        LONGEST_WAIT.fetch_max(waited, Ordering::Relaxed);
    }
}

async fn fetched(tollway: &Tollway, call: &Value, options: CallOptions, mode: &str) -> Got {
    let is_passed = mode.starts_with("passed");
    let path = match call["format"].as_str() {
        _ if is_passed => "/v1/embeddings/multimodal",
        Some("anthropic_messages") => "/v1/messages",
        Some("gemini_generate_content") => "/v1/responses",
        _ => "/v1/chat/completions",
    };
    let mut body = if path == "/v1/responses" { json!({"input": "hello"}) } else { json!({}) };
    if path != "/v1/responses" {
        body["messages"] = json!([{"role": "user", "content": "hello"}]);
    }
    let limit = if path == "/v1/responses" { "max_output_tokens" } else { "max_tokens" };
    body[limit] = call["max_tokens"].as_u64().unwrap_or(100).into();
    body["model"] = "house/m".into();
    body["stream"] = (mode == "fetch_stream").into();
    let body = call["body"].as_str().map_or_else(|| body.to_string(), str::to_owned);
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    if call["format"] == "anthropic_messages" {
        headers.push(("anthropic-version".to_owned(), "2023-06-01".to_owned()));
    }
    let request =
        FetchRequest { method: "POST".into(), url: format!("https://app{path}"), headers, body: body.into_bytes() };
    let mut got = Got::default();
    match tollway.fetch(request, FetchOptions { model: None, options }).await {
        Err(error) => got.error = Some(error),
        Ok(mut answer) => {
            got.status = Some(answer.head.status);
            while let Some(piece) = answer.body.next().await {
                match piece {
                    Ok(piece) => {
                        got.bytes += piece.len();
                        // The last event of an error, or else the end, tells how it ended.
                        let error = piece.windows(12).position(|window| window == b"event: error");
                        match error {
                            Some(place) => got.error_event = piece[place..].iter().take(LONGEST).copied().collect(),
                            None => {
                                got.body =
                                    piece.get(piece.len().saturating_sub(LONGEST)..).unwrap_or_default().to_vec();
                            }
                        }
                    }
                    Err(error) => got.error = Some(error),
                }
                if mode == "passed_stalled" {
                    tokio::time::sleep(STALL).await;
                    break;
                }
            }
        }
    }
    got
}

/// Returns the most memory that this process had, in bytes, and the processor time that it took, in seconds; nothing where the
/// system does not say so in files.
fn taken() -> (Option<u64>, Option<f64>) {
    let peak = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1_024)
    });
    let cpu = std::fs::read_to_string("/proc/self/stat").ok().and_then(|stat| {
        // The name of the program, which may have blanks, is in parentheses; the times are the 14th and 15th field.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = fields.get(11)?.parse::<u32>().ok()? + fields.get(12)?.parse::<u32>().ok()?;
        Some(f64::from(ticks) / 100.0)
    });
    (peak, cpu)
}
