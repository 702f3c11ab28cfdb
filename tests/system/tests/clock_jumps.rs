//! A wall clock that jumps, as that of a laptop does that slept: no call that is under way is billed as dead.

use std::time::Duration;

use jiff::SignedDuration;
use mock_provider::{MockProvider, Reply, Script};
use rust_decimal::Decimal;
use tollway::types::{BilledBy, BudgetTerms, CallOptions, Currency, ErrorKind, Limit, RecordStatus, Scope, Window};
use tollway_system_tests::{
    JumpingClock, all_records, billed_to, five_dollars, house_model, open_in, request, settings, total,
};

const HOUR: i64 = 3_600;
const YEAR: i64 = 365 * 24 * HOUR;

fn limit(user: &str, limit: Limit) -> BudgetTerms {
    let scope = Scope::of_user(user);
    BudgetTerms::new(scope, limit, Window::Total)
}

fn keyed(key: &str, user: &str) -> CallOptions {
    CallOptions { idempotency_key: Some(key.to_owned()), ..billed_to(user) }
}

/// Makes a call, lets the clock jump while it is under way, and lets a recovery look at it, by the same handle or another one.
async fn a_call_survives(jump: i64, exclusive: bool) {
    let case = format!("a jump of {jump} s, exclusive: {exclusive}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tollway");
    let clock = JumpingClock::new(&folder.path().join("clock"));
    let mock = MockProvider::start().await.unwrap();
    let url = mock.script("house", Script::new([Reply::automatic().delay(Duration::from_millis(400))])).unwrap();
    let mut settings = settings();
    settings.exclusive = exclusive;
    let tollway = open_in(&path, settings.clone(), clock.clone()).await.unwrap();
    tollway.add_model(house_model("openai/mock-words-20", &format!("{url}/v1"))).await.unwrap();
    tollway.set_budget(limit("alice", Limit::Money(five_dollars()))).await.unwrap();
    // In tokens, because a price that was set today does not apply yet where a clock shows yesterday.
    tollway.set_budget(limit("poor", Limit::Tokens(0))).await.unwrap();

    let slow = tollway.clone();
    let call = tokio::spawn(async move { slow.chat(request("two words", 32), keyed("k", "alice")).await });
    while tollway.reservations().await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    clock.jump(SignedDuration::from_secs(jump)).unwrap();
    // Any refusal runs a recovery, and so does opening the file.
    let refused = tollway.chat(request("two words", 32), billed_to("poor")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::BudgetExceeded, "{case}: {refused}");
    if !exclusive {
        let another = open_in(&path, settings, clock.clone()).await.unwrap();
        let refused = another.chat(request("two words", 32), billed_to("poor")).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::BudgetExceeded, "{case}: {refused}");
        // The key is still the first call's, which answers for both.
        let replayed = another.chat(request("two words", 32), keyed("k", "alice")).await.unwrap();
        assert!(replayed.replayed, "{case}");
    }
    let reply = call.await.unwrap().unwrap();
    let records = all_records(&tollway).await.unwrap();
    assert_eq!(records.len(), 1, "{case}: {records:?}");
    assert_eq!((records[0].status, records[0].billed_by), (RecordStatus::Success, BilledBy::ProviderUsage), "{case}");
    assert_eq!(records[0].cost_amount, reply.cost, "{case}");
    let alice = tollway.budgets().await.unwrap().remove(0);
    assert_eq!(Some(alice.balance.settled), total(&records).unwrap().get(Currency::USD), "{case}");
    assert_eq!(alice.balance.reserved, Decimal::ZERO, "{case}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jump_of_the_clock_bills_no_call_that_is_under_way_as_dead() {
    for jump in [2 * HOUR, -2 * HOUR, YEAR, -YEAR] {
        a_call_survives(jump, false).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_jump_of_the_clock_bills_no_call_of_an_exclusive_handle_as_dead() {
    for jump in [2 * HOUR, -2 * HOUR, YEAR, -YEAR] {
        a_call_survives(jump, true).await;
    }
}
