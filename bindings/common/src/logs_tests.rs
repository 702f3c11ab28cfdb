use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::engine::Engine;

/// Returns the records that are ready, read.
fn taken(logs: &Logs) -> Vec<Value> {
    let records = logs.take(usize::MAX).records;
    records.map(|text| serde_json::from_str(&text).unwrap()).unwrap_or_default()
}

fn messages(logs: &Logs) -> Vec<String> {
    taken(logs).iter().map(|record| record["message"].as_str().unwrap().to_owned()).collect()
}

/// Logs on a thread that listens, in the span of a queue.
fn log_in(logs: &Logs, log: impl FnOnce() + Send + 'static) {
    let span = logs.span();
    let thread = std::thread::spawn(move || {
        listen_on_this_thread();
        span.in_scope(log);
    });
    thread.join().unwrap();
}

fn engine(logs: &Logs) -> Engine {
    let options = r#"{"master_key": "a passphrase"}"#;
    Engine::new(Path::new(":memory:"), options, None).unwrap().logging_to(logs)
}

fn call(engine: &Engine, verb: &str, arguments: &Value) -> Value {
    let text = futures_executor::block_on(engine.call(verb, &arguments.to_string())).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_record_has_its_level_its_target_its_sentence_and_its_fields() {
    let logs = Logs::new(LogLevel::Debug);
    log_in(&logs, || {
        let absent: Option<u16> = None;
        tracing::warn!(
            target: "tollway::call", model = "m", attempt = 2_u32, wait = 0.5, absent, is_last = true, less = -1_i64,
            error = %"e", "{} again", "trying",
        );
    });
    let [record] = taken(&logs).try_into().unwrap();
    assert!(record["time"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        (record["level"].clone(), record["target"].clone(), record["message"].clone()),
        (json!("warn"), json!("tollway.call"), json!("trying again"))
    );
    let fields = json!({"model": "m", "attempt": 2, "wait": 0.5, "is_last": true, "less": -1, "error": "e"});
    assert_eq!(record["fields"], fields);
}

#[test]
fn each_queue_gets_what_its_own_handles_log_and_nothing_of_others() {
    let (one, other) = (Logs::new(LogLevel::Info), Logs::new(LogLevel::Info));
    let (first, second) = (engine(&one), engine(&other));
    for (engine, name) in [(&first, "openai/gpt-4o-minni"), (&second, "openai/gpt-4o-maxi")] {
        call(engine, "models.add", &json!({"name": name, "api_key": "k"}));
    }
    for (logs, model) in [(&one, "gpt-4o-minni"), (&other, "gpt-4o-maxi")] {
        let records = taken(logs);
        assert!(!records.is_empty());
        for record in records {
            assert_eq!((&record["target"], &record["fields"]["model"]), (&json!("tollway.models"), &json!(model)));
        }
    }
    let unheard = Engine::new(Path::new(":memory:"), r#"{"master_key": "a passphrase"}"#, None).unwrap();
    call(&unheard, "models.add", &json!({"name": "openai/gpt-4o-minni", "api_key": "k"}));
    assert_eq!((taken(&one), taken(&other)), (vec![], vec![]));
}

#[test]
fn what_a_stream_and_a_fetch_log_comes_too() {
    let logs = Logs::new(LogLevel::Info);
    let engine = engine(&logs);
    call(&engine, "models.add", &json!({"name": "house/m", "base_url": "http://127.0.0.1:9/v1", "prices": {}}));
    call(&engine, "budgets.set", &json!({"limit": "0.01", "currency": "USD"}));
    let stream = engine.stream(&json!({"request": {"messages": "Hi", "model": "house/m"}}).to_string());
    assert_eq!(futures_executor::block_on(stream.next_batch(1)).unwrap_err().code, "unpriced");
    let head = json!({"method": "POST", "url": "/v1/chat/completions"});
    let body = json!({"model": "house/m", "messages": [{"role": "user", "content": "Hi"}]});
    let fetch = engine.fetch(&head.to_string(), body.to_string().into_bytes());
    let (sender, ready) = mpsc::channel();
    fetch.when_ready(move || sender.send(()).unwrap());
    ready.recv_timeout(Duration::from_secs(30)).unwrap();
    let codes: Vec<_> = taken(&logs).into_iter().map(|record| record["fields"]["code"].clone()).collect();
    assert_eq!(codes, ["unpriced", "unpriced"]);
}

#[test]
fn only_what_is_of_the_level_and_of_the_engine_is_taken() {
    let logs = Logs::new(LogLevel::Warn);
    let log = || {
        tracing::error!(target: "tollway::call", "error");
        tracing::warn!(target: "tollway::call", "warn");
        tracing::info!(target: "tollway::call", "info");
        tracing::debug!(target: "tollway::call", "debug");
        tracing::error!(target: "tollways", "of another crate");
        tracing::error!(target: "h2::client", "of a library");
    };
    log_in(&logs, log);
    assert_eq!(messages(&logs), ["error", "warn"]);
    logs.set_level(LogLevel::Debug);
    log_in(&logs, log);
    assert_eq!(messages(&logs), ["error", "warn", "info", "debug"]);
    logs.set_level(LogLevel::Error);
    log_in(&logs, log);
    assert_eq!(messages(&logs), ["error"]);
    for name in ["error", "warn", "info", "debug"] {
        assert!(LogLevel::from_name(name).is_some());
    }
    assert_eq!(LogLevel::from_name("trace"), None);
}

#[test]
fn what_is_logged_on_a_thread_of_the_host_or_outside_of_a_handle_is_not_taken() {
    let logs = Logs::new(LogLevel::Debug);
    logs.span().in_scope(|| tracing::error!(target: "tollway::call", "on a thread of the host"));
    let outside = std::thread::spawn(|| {
        listen_on_this_thread();
        tracing::error!(target: "tollway::call", "outside");
    });
    outside.join().unwrap();
    assert_eq!(messages(&logs), [""; 0]);
}

#[test]
fn records_that_do_not_fit_are_counted_and_told_in_their_place() {
    let logs = Logs::new(LogLevel::Info);
    log_in(&logs, || (0..CAPACITY + 7).for_each(|number| tracing::info!(target: "tollway::call", "{number}")));
    assert_eq!(logs.take(1).records.unwrap().matches("\"message\":\"0\"").count(), 1);
    log_in(&logs, || tracing::info!(target: "tollway::call", "late"));
    let records = taken(&logs);
    let [.., last, told, late] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((&last["message"], &late["message"]), (&json!((CAPACITY - 1).to_string()), &json!("late")));
    assert_eq!(
        (&told["level"], &told["target"], &told["fields"]),
        (&json!("warn"), &json!("tollway"), &json!({"dropped": 7}))
    );
    let long = "x".repeat(CAPACITY_BYTES / 4);
    log_in(&logs, move || (0..5).for_each(|_| tracing::info!(target: "tollway::call", "{long}")));
    let records = taken(&logs);
    assert_eq!((records.len(), &records[3]["fields"]), (4, &json!({"dropped": 2})));
    assert_eq!(logs.take(1), LogBatch { records: None, ended: false });
}

#[test]
fn a_waiting_reader_is_called_once_there_is_something_or_the_end() {
    let logs = Logs::new(LogLevel::Info);
    let (sender, ready) = mpsc::channel();
    let wait = |logs: &Logs| {
        let sender = sender.clone();
        logs.when_ready(move || sender.send(()).unwrap());
    };
    wait(&logs);
    assert!(ready.try_recv().is_err());
    log_in(&logs, || tracing::info!(target: "tollway::call", "one"));
    ready.try_recv().unwrap();
    wait(&logs);
    ready.try_recv().unwrap();
    assert_eq!(messages(&logs), ["one"]);
    wait(&logs);
    log_in(&logs, || tracing::info!(target: "tollway::call", "last"));
    logs.close();
    ready.try_recv().unwrap();
    log_in(&logs, || tracing::info!(target: "tollway::call", "after the end"));
    let last = logs.take(9);
    assert!(last.ended && last.records.unwrap().contains("last"));
    assert_eq!(logs.take(9), LogBatch { records: None, ended: true });
}

#[test]
fn a_queue_of_another_process_is_left_alone() {
    let logs = Logs::new(LogLevel::Info);
    log_in(&logs, || tracing::info!(target: "tollway::call", "of the parent"));
    let inherited = Arc::new(Queue { process: process_id() + 1, state: Mutex::default() });
    // As a thread that exists in the parent only would hold it.
    let _held = inherited.state.lock().unwrap();
    logs.0.queue.store(Arc::clone(&inherited));
    log_in(&logs, || tracing::info!(target: "tollway::call", "of the child"));
    assert_eq!(messages(&logs), ["of the child"]);
}
