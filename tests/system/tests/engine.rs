//! What the engine does when something breaks: its own code, the clock's patience, the provider's, the reader's, the disk.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use mock_provider::{Fault, MockProvider, Reply, Script};
use rust_decimal::Decimal;
use serde_json::json;
use tollway::client::Tollway;
use tollway::environment::{BoxFuture, Environment, SystemEnvironment};
use tollway::settings::Settings;
use tollway::types::{
    BilledBy, BudgetTerms, CallOptions, CostStatus, Currency, ErrorKind, Limit, ModelTerms, Money, RecordStatus,
    RouteTerms, Scope, StreamEvent, Window,
};
use tollway_system_tests::{all_records, billed_to, five_dollars, house_model, master_key, open, request};

/// The real world, in which one call of the clock or of a wait panics when it is told to.
#[derive(Default)]
struct Faulty {
    sleep: AtomicBool,
    clock: AtomicBool,
}

impl Environment for Faulty {
    fn now(&self) -> Timestamp {
        assert!(!self.clock.swap(false, Ordering::SeqCst), "the clock was told to panic");
        SystemEnvironment.now()
    }

    fn monotonic(&self) -> Duration {
        SystemEnvironment.monotonic()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        assert!(!self.sleep.swap(false, Ordering::SeqCst), "the wait was told to panic");
        SystemEnvironment.sleep(duration)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        SystemEnvironment.fill_random(buffer);
    }

    fn variable(&self, name: &str) -> Option<String> {
        SystemEnvironment.variable(name)
    }

    fn process_id(&self) -> u32 {
        SystemEnvironment.process_id()
    }
}

struct Given {
    tollway: Tollway,
    mock: MockProvider,
    faulty: Arc<Faulty>,
    folder: tempfile::TempDir,
}

async fn given_with(reply: impl Into<Script>, settings: Settings) -> Given {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::start().await.unwrap();
    let url = mock.script("house", reply).unwrap();
    let faulty = Arc::new(Faulty::default());
    let world = Arc::clone(&faulty) as Arc<dyn Environment>;
    let path = folder.path().join("app.tollway");
    let tollway = Tollway::open_in(path, master_key(), settings, world).await.unwrap();
    tollway.add_model(house_model("openai/mock-words-20", &format!("{url}/v1"))).await.unwrap();
    Given { tollway, mock, faulty, folder }
}

async fn given(reply: impl Into<Script>) -> Given {
    let mut settings = Settings::default();
    settings.max_retries = 0;
    given_with(reply, settings).await
}

fn keyed(key: &str) -> CallOptions {
    CallOptions { idempotency_key: Some(key.to_owned()), ..billed_to("alice") }
}

fn cap() -> BudgetTerms {
    let limit = Limit::Money(five_dollars());
    BudgetTerms::new(Scope::everyone(), limit, Window::Total)
}

async fn nothing_stays_held(tollway: &Tollway) {
    assert_eq!(tollway.reservations().await.unwrap(), []);
    for status in tollway.budgets().await.unwrap() {
        assert_eq!(status.balance.reserved, Decimal::ZERO);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_on_the_way_to_the_provider_is_an_error_and_holds_nothing() {
    let given = given(Reply::automatic()).await;
    given.tollway.set_budget(cap()).await.unwrap();
    given.faulty.sleep.store(true, Ordering::SeqCst);
    let error = given.tollway.chat(request("two words", 32), keyed("k")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
    nothing_stays_held(&given.tollway).await;
    let records = all_records(&given.tollway).await.unwrap();
    assert_eq!((records[0].status, records[0].billed_by), (RecordStatus::Failed, BilledBy::NotBilled));
    given.faulty.sleep.store(true, Ordering::SeqCst);
    let mut stream = given.tollway.chat_stream(request("two words", 32), keyed("k")).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap_err().kind(), ErrorKind::Internal);
    assert!(stream.next().await.is_none());
    let reply = given.tollway.chat(request("two words", 32), keyed("k")).await.unwrap();
    assert!(!reply.replayed, "the key was freed");
    nothing_stays_held(&given.tollway).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_while_settling_bills_the_reservation() {
    let given = given(Reply::automatic().delay(Duration::from_millis(300))).await;
    given.tollway.set_budget(cap()).await.unwrap();
    let tollway = given.tollway.clone();
    let call = tokio::spawn(async move { tollway.chat(request("two words", 32), keyed("k")).await });
    while given.tollway.reservations().await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let held = given.tollway.reservations().await.unwrap()[0].request.worst_case.unwrap();
    given.faulty.clock.store(true, Ordering::SeqCst);
    assert_eq!(call.await.unwrap().unwrap_err().kind(), ErrorKind::Internal);
    let records = all_records(&given.tollway).await.unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!((records[0].billed_by, records[0].cost_amount), (BilledBy::Reservation, Some(held.amount)));
    nothing_stays_held(&given.tollway).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_ends_a_call_that_hangs_and_bills_what_was_sent() {
    let given = given(Reply::automatic().fault(Fault::Hang)).await;
    let began = Instant::now();
    let options = CallOptions { timeout: Some(Duration::from_millis(300)), ..billed_to("alice") };
    let error = given.tollway.chat(request("two words", 32), options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(began.elapsed() < Duration::from_secs(5));
    let record = all_records(&given.tollway).await.unwrap().remove(0);
    assert_eq!((record.status, record.billed_by), (RecordStatus::Timeout, BilledBy::Estimate));
    assert!(record.cost_amount.unwrap() > Decimal::ZERO);
    nothing_stays_held(&given.tollway).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_longest_timeout_that_can_be_given_does_not_overflow() {
    let given = given(Reply::automatic().delay(Duration::from_millis(200))).await;
    let options = CallOptions { timeout: Some(Duration::MAX), ..keyed("k") };
    let (tollway, second) = (given.tollway.clone(), options.clone());
    let first = tokio::spawn(async move { tollway.chat(request("two words", 32), second).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let replayed = given.tollway.chat(request("two words", 32), options).await.unwrap();
    assert_eq!(first.await.unwrap().unwrap().request_id, replayed.request_id);
    assert_eq!(all_records(&given.tollway).await.unwrap().len(), 1, "a claim that was stale at birth bills twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_two_candidates_is_left_alone_for_as_long_as_it_asked() {
    let given = given_with(Script::new([Reply::rate_limited(4), Reply::automatic()]), Settings::default()).await;
    let script = Script::new([Reply::rate_limited(1), Reply::automatic()]);
    let url = given.mock.script("second", script).unwrap();
    let mut second = house_model("openai/mock-words-8", &format!("{url}/v1"));
    (second.default, second.priority) = (Some(false), Some(5));
    given.tollway.add_model(second).await.unwrap();
    let route: RouteTerms = serde_json::from_value(json!({"name": "text", "strategy": "fallback"})).unwrap();
    given.tollway.set_route(route).await.unwrap();
    let began = Instant::now();
    let reply = given.tollway.chat(request("two words", 32), billed_to("alice")).await.unwrap();
    let waited = began.elapsed();
    assert!(waited >= Duration::from_secs(1) && waited < Duration::from_secs(4), "{waited:?}");
    assert_eq!((reply.model.as_str(), reply.attempts.len()), ("mock-words-8", 3));
    assert_eq!(given.mock.requests(Some("house")).len(), 1, "it asked for four seconds");
    assert_eq!(given.mock.requests(Some("second")).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_calls_with_one_key_are_one_record_and_twenty_equal_replies() {
    let given = given(Reply::automatic().delay(Duration::from_millis(150))).await;
    let other = open(&given.folder.path().join("app.tollway")).await.unwrap();
    let handles = [given.tollway.clone(), other];
    let calls = (0..20).map(|call: usize| {
        let tollway = handles[call % 2].clone();
        async move {
            if !call.is_multiple_of(3) {
                return tollway.chat(request("two words", 32), keyed("one")).await.unwrap();
            }
            let mut stream = tollway.chat_stream(request("two words", 32), keyed("one")).await.unwrap();
            loop {
                if let StreamEvent::Done(reply) = stream.next().await.unwrap().unwrap() {
                    return *reply;
                }
            }
        }
    });
    let replies = futures_util::future::join_all(calls).await;
    let records = all_records(&given.tollway).await.unwrap();
    assert_eq!((records.len(), given.mock.requests(Some("house")).len()), (1, 1));
    assert_eq!(replies.iter().filter(|reply| !reply.replayed).count(), 1);
    for mut reply in replies {
        assert_eq!(reply.attempts[0].record_uid, records[0].uid);
        assert_eq!(reply.cost, records[0].cost_amount);
        reply.replayed = false;
        assert_eq!(reply.text.split_whitespace().count(), 20);
    }
    let misuse = given.tollway.chat(request("other words", 32), keyed("one")).await.unwrap_err();
    assert_eq!(misuse.kind(), ErrorKind::IdempotencyConflict);
    nothing_stays_held(&given.tollway).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_seen_at_once_by_its_handle_and_within_a_second_by_another() {
    let given = given(Reply::automatic()).await;
    let other = open(&given.folder.path().join("app.tollway")).await.unwrap();
    other.chat(request("two words", 32), billed_to("alice")).await.unwrap();
    let terms = BudgetTerms { limit: Limit::Tokens(1), ..cap() };
    let id = given.tollway.set_budget(terms).await.unwrap();
    for tollway in [&given.tollway, &other] {
        let error = tollway.chat(request("two words", 32), billed_to("alice")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BudgetExceeded, "a budget is read from the file itself");
    }
    given.tollway.delete_budget(id).await.unwrap();
    given.tollway.delete_model("openai/mock-words-20").await.unwrap();
    let error = given.tollway.chat(request("two words", 32), billed_to("alice")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoRoute);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let error = other.chat(request("two words", 32), billed_to("alice")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoRoute, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_who_reads_nothing_keeps_no_file_from_closing() {
    let given = given(Script::new([Reply::text("word ".repeat(2_000))])).await;
    let mut stream = given.tollway.chat_stream(request("two words", 4_000), billed_to("alice")).await.unwrap();
    while stream.answering().is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(given.tollway.shutdown(Duration::from_secs(3)).await, "the settlement is in the file");
    let mut last = None;
    while let Some(event) = tokio::time::timeout(Duration::from_secs(3), stream.next()).await.unwrap() {
        last = Some(event);
    }
    assert!(last.unwrap().is_err(), "a stream never ends without a word");
    let again = open(&given.folder.path().join("app.tollway")).await.unwrap();
    let records = all_records(&again).await.unwrap();
    assert_eq!((records.len(), records[0].status), (1, RecordStatus::Partial));
    nothing_stays_held(&again).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_breaks_off_was_produced_and_is_billed() {
    let given = given(Reply::automatic().fault(Fault::CloseAfterBytes(120))).await;
    let error = given.tollway.chat(request("two words", 32), billed_to("alice")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ProviderUnavailable, "{error}");
    let record = all_records(&given.tollway).await.unwrap().remove(0);
    assert_eq!((record.billed_by, record.cost_status), (BilledBy::Estimate, CostStatus::Estimated));
    assert!(record.cost_amount.unwrap() > Decimal::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_that_leaves_a_side_out_or_cannot_be_true_is_estimated() {
    for usage in [
        json!({"completion_tokens": 20}),
        json!({"prompt_tokens": 2}),
        json!({"total_tokens": 22}),
        json!({"prompt_tokens": u64::MAX, "completion_tokens": u64::MAX}),
    ] {
        let given = given(Reply::automatic().usage(usage.clone())).await;
        given.tollway.set_budget(cap()).await.unwrap();
        let reply = given.tollway.chat(request("two words", 32), billed_to("alice")).await.unwrap();
        let (input, output) = (reply.usage.input_tokens().unwrap(), reply.usage.output_tokens().unwrap());
        assert!(input > 0 && output > 0 && output < 100, "{usage}: {:?}", reply.usage);
        assert_eq!(reply.cost_status, CostStatus::Estimated, "{usage}");
        let status = given.tollway.budgets().await.unwrap().remove(0);
        assert_eq!(Some(status.balance.settled), reply.cost);
        nothing_stays_held(&given.tollway).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_a_cap_a_call_without_bounds_or_prices_is_refused() {
    let given = given(Reply::automatic()).await;
    given.tollway.set_budget(cap()).await.unwrap();
    for (field, value, kind) in [
        ("best_of", json!(50), ErrorKind::InvalidRequest),
        ("max_output_tokens", json!(100_000), ErrorKind::InvalidRequest),
        ("max_new_tokens", json!(100_000), ErrorKind::InvalidRequest),
        ("model", json!("gpt-dear"), ErrorKind::InvalidRequest),
        ("max_completion_tokens", json!(100_000), ErrorKind::InvalidRequest),
        ("web_search_options", json!({}), ErrorKind::Unpriced),
        ("service_tier", json!("priority"), ErrorKind::Unpriced),
    ] {
        let mut asked = request("two words", 32);
        if field == "service_tier" {
            asked.service_tier = value.as_str().map(str::to_owned);
        } else {
            asked.extra.insert(field.to_owned(), value);
        }
        let error = given.tollway.chat(asked, billed_to("alice")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{field}: {error}");
        assert!(error.detail().contains(field), "{error}");
    }
    let error = given.tollway.chat(request("two words", 0), billed_to("alice")).await.unwrap_err();
    assert!(error.kind() == ErrorKind::InvalidRequest && error.detail().contains("max_tokens"), "{error}");
    assert_eq!(given.mock.requests(Some("house")).len(), 0, "nothing was sent");
    nothing_stays_held(&given.tollway).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tier_with_other_prices_is_unpriced_and_never_billed_at_the_wrong_ones() {
    let given = given(Reply::automatic()).await;
    let mut asked = request("two words", 32);
    asked.service_tier = Some("priority".into());
    let reply = given.tollway.chat(asked, billed_to("alice")).await.unwrap();
    assert_eq!((reply.cost, reply.cost_status), (None, CostStatus::Unpriced));
    let served = json!({"id": "x", "object": "chat.completion", "model": "m", "service_tier": "priority",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3}});
    let given = self::given(Reply::json(served)).await;
    let reply = given.tollway.chat(request("two words", 32), billed_to("alice")).await.unwrap();
    assert_eq!(reply.cost_status, CostStatus::Estimated, "the provider chose another tier by itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn configs_prices_and_budgets_are_checked_before_they_are_written() {
    let given = given(Reply::automatic()).await;
    let route: RouteTerms = serde_json::from_value(json!({"name": "cheap", "strategy": "fallback"})).unwrap();
    given.tollway.set_route(route).await.unwrap();
    let house = |name: &str| house_model(name, "http://127.0.0.1:9/v1");
    let aliased = |alias: &str| ModelTerms { alias: Some(alias.into()), ..house("openai/other") };
    let mut dear = house("openai/dear");
    for price in dear.prices.iter_mut().flat_map(|prices| prices.values_mut()) {
        price.0[0].unit_price = Decimal::MAX;
    }
    let mut fine = house("openai/fine");
    for price in fine.prices.iter_mut().flat_map(|prices| prices.values_mut()) {
        price.0[0].unit_price = "0.0000000000000000001".parse().unwrap();
    }
    for (input, said) in [
        (aliased("openai/mock-words-20"), "alias"),
        (aliased("cheap"), "alias"),
        (house("openai/a\nb"), "control"),
        (house("openai/ "), "spaces"),
        (house_model("openai/other", "http://"), "base_url"),
        (house_model("openai/other", "https:///v1"), "base_url"),
        (dear, "price"),
    ] {
        let error = given.tollway.add_model(input).await.unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidRequest && error.detail().contains(said), "{error}");
    }
    let limit = |amount: Decimal| BudgetTerms { limit: Limit::Money(Money::new(amount, Currency::USD)), ..cap() };
    for amount in [Decimal::MAX, Decimal::new(1, 25)] {
        let error = given.tollway.set_budget(limit(amount)).await.unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidRequest && error.detail().contains("limit"), "{error}");
    }
    assert_eq!(given.tollway.budgets().await.unwrap(), []);
    assert_eq!(given.tollway.model_configs().await.unwrap().len(), 1, "nothing was written");
    // A price may have more decimals than the ledger keeps: what is rounded is the bill.
    given.tollway.add_model(fine).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reasoning_that_a_limit_does_not_count_is_held_beside_it() {
    let given = given(Reply::automatic()).await;
    let url = given.mock.script("slow", Reply::automatic().delay(Duration::from_millis(250))).unwrap();
    given.tollway.add_model(house_model("dashscope/mock-words-8", &format!("{url}/v1"))).await.unwrap();
    for (extra, effort, beside) in
        [(json!({}), None, 32_768), (json!({"thinking_budget": 500}), None, 500), (json!({}), Some("none"), 0)]
    {
        let mut asked = request("two words", 10);
        asked.model = Some("dashscope/mock-words-8".into());
        asked.reasoning_effort = effort.map(str::to_owned);
        asked.extra = extra.as_object().cloned().unwrap();
        let stream = given.tollway.chat_stream(asked, billed_to("alice")).await.unwrap();
        let held = loop {
            if let Some(held) = given.tollway.reservations().await.unwrap().pop() {
                break held.request.worst_case_tokens.unwrap();
            }
        };
        assert!(held >= 10 + beside && held < 10 + beside + 400, "{held} for {beside}");
        drop(stream);
        while !given.tollway.reservations().await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streamed_answer_that_comes_as_one_list_is_read() {
    let piece = |text: &str, finish: serde_json::Value| {
        json!({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": finish}],
            "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6}})
    };
    let list = Reply::json(json!([piece("Rhine ", json!(null)), piece("Danube", json!("STOP"))]));
    let given = given(Reply::automatic()).await;
    let url = given.mock.script("list", list).unwrap();
    given.tollway.add_model(house_model("gemini/listed", &url)).await.unwrap();
    let mut asked = request("two rivers", 32);
    asked.model = Some("gemini/listed".into());
    let mut stream = given.tollway.chat_stream(asked, billed_to("alice")).await.unwrap();
    let mut text = String::new();
    let reply = loop {
        match stream.next().await.unwrap().unwrap() {
            StreamEvent::Delta(delta) => text.push_str(&delta.text),
            StreamEvent::Done(reply) => break reply,
        }
    };
    assert_eq!((text.as_str(), reply.text.as_str()), ("Rhine Danube", "Rhine Danube"));
    assert_eq!((reply.cost, reply.cost_status), (Some("0.024".parse().unwrap()), CostStatus::Computed));
}

async fn refused(path: &Path, kind: ErrorKind) {
    let before = std::fs::read(path).ok();
    let error = open(path).await.err().unwrap_or_else(|| panic!("{} opens", path.display()));
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.detail().len() > 20, "{error}");
    assert!(std::fs::read(path).ok() == before, "the file was changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_opened_is_told_apart_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    refused(&folder.path().join("nowhere/app.tollway"), ErrorKind::Storage).await;
    let foreign = folder.path().join("notes.txt");
    std::fs::write(&foreign, "Buy milk. ".repeat(1_000)).unwrap();
    refused(&foreign, ErrorKind::NotATollwayFile).await;
    let path = folder.path().join("app.tollway");
    let tollway = open(&path).await.unwrap();
    assert!(tollway.shutdown(Duration::from_secs(3)).await);
    drop(tollway);
    let whole = std::fs::read(&path).unwrap();
    let truncated = folder.path().join("truncated.tollway");
    std::fs::write(&truncated, &whole[..whole.len() / 3]).unwrap();
    refused(&truncated, ErrorKind::CorruptedFile).await;
    let locked = folder.path().join("locked.tollway");
    std::fs::write(&locked, &whole).unwrap();
    let mut permissions = std::fs::metadata(&locked).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&locked, permissions).unwrap();
    if std::fs::OpenOptions::new().write(true).open(&locked).is_ok() {
        eprintln!("skipped: this user may write what is read-only");
    } else {
        refused(&locked, ErrorKind::Storage).await;
    }
}

/// A small file system of its own, which only root can mount.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut command = std::process::Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=6m", "tmpfs"]).arg(folder.path());
        let mounted = command.output().is_ok_and(|output| output.status.success());
        mounted.then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0.path()).output();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_an_error_and_what_was_acknowledged_is_there_when_it_has_room_again() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: this user cannot mount a small file system");
        return;
    };
    let mock = MockProvider::start().await.unwrap();
    let url = mock.script("house", Script::new([Reply::automatic()])).unwrap();
    let path = disk.0.path().join("app.tollway");
    let tollway = open(&path).await.unwrap();
    tollway.add_model(house_model("openai/mock-words-20", &format!("{url}/v1"))).await.unwrap();
    let filler = disk.0.path().join("filler");
    let full = std::fs::write(&filler, vec![7; 8 << 20]);
    assert!(full.is_err(), "the disk is full");
    let mut acknowledged = Vec::new();
    let error = loop {
        let call = tollway.chat(request(&"two words ".repeat(200), 32), billed_to("alice"));
        match tokio::time::timeout(Duration::from_secs(10), call).await.unwrap() {
            Ok(reply) => acknowledged.push(reply.attempts[0].record_uid.clone()),
            Err(error) => break error,
        }
        assert!(acknowledged.len() < 20_000, "the disk never filled");
    };
    assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
    std::fs::remove_file(&filler).unwrap();
    // The same handle works on, and what was answered while the disk was full is settled.
    let reply = tollway.chat(request("two words", 32), billed_to("alice")).await.unwrap();
    acknowledged.push(reply.attempts[0].record_uid.clone());
    while !tollway.reservations().await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    if let Some(answered) = error.attempts().first().and_then(|attempt| attempt.record_uid.clone()) {
        acknowledged.push(answered);
    }
    assert_eq!(tollway.verify(None).await.unwrap().damage, []);
    drop(tollway);
    let tollway = open(&path).await.unwrap();
    let records = all_records(&tollway).await.unwrap();
    println!("{} acknowledged, {} recorded, then: {error}", acknowledged.len(), records.len());
    for uid in &acknowledged {
        assert!(records.iter().any(|record| record.uid == *uid), "lost: {uid}");
    }
    assert_eq!(records.len(), acknowledged.len());
    nothing_stays_held(&tollway).await;
    tollway.chat(request("two words", 32), billed_to("alice")).await.unwrap();
}
