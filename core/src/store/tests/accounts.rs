//! Accounts: which budgets a call moves, in which bucket, and what the journal says of it.

use super::*;
use crate::types::{Call, Enforcement};

on_each_engine! {
    a_call_moves_every_budget_whose_values_it_has_and_no_other,
    a_budget_of_each_user_is_one_for_each,
    requests_and_meters_are_counted_as_tokens_are,
    a_meter_that_no_bound_is_known_of_is_refused_unless_the_policy_allows_it,
    a_soft_budget_counts_and_refuses_nothing,
    a_rolling_window_holds_over_every_stretch_of_its_length,
    ended_buckets_are_folded_away_but_for_what_is_held_in_them,
    a_clock_that_is_set_back_comes_into_buckets_that_are_as_full_as_they_were,
    a_rolling_window_behind_a_clock_that_is_set_back_counts_what_was_folded_away,
    a_bucket_whose_records_were_archived_can_be_come_into_again,
    a_correction_of_yesterday_frees_nothing_of_today,
    a_new_budget_counts_a_correction_where_its_record_lies,
    verification_agrees_with_balances_after_every_kind_of_movement,
}

fn spend(fixture: &Fixture, request: ReserveRequest, cost: Money) -> String {
    let (uid, now) = (request.record_uid.clone(), request.now);
    let held = fixture.reserve(request).unwrap();
    fixture.settle(Settlement { now, ..settlement(held, Some(cost)) }).unwrap();
    uid
}

fn verified(fixture: &Fixture) {
    let checked = fixture.run(fixture.store().verify()).unwrap();
    assert_eq!(checked.damage, []);
}

fn a_call_moves_every_budget_whose_values_it_has_and_no_other(engine: Engine) {
    let fixture = Fixture::on(engine);
    let set = |scope: Scope| fixture.budget(terms(scope, Limit::Money(usd("9")), Window::Total));
    let tagged = Scope::of_tag("feature", "geo");
    let applies = [
        set(Scope::everyone()),
        set(Scope { user: Some("alice".into()), ..tagged.clone() }),
        set(Scope { provider: Some("openai".into()), ..Scope::default() }),
        set(Scope { model: Some("openai/gpt-test".into()), user: Some("alice".into()), ..tagged.clone() }),
    ];
    let others = [
        set(Scope { user: Some("bob".into()), ..tagged.clone() }),
        set(Scope { provider: Some("gemini".into()), ..tagged }),
        set(Scope { model: Some("gpt-other".into()), ..Scope::default() }),
    ];
    spend(&fixture, fixture.request("alice", Some(usd("2"))), usd("1.5"));
    for id in applies {
        assert_eq!(fixture.balance(id, noon()), balance("1.5", "0", 0), "{id}");
    }
    for id in others {
        assert_eq!(fixture.balance(id, noon()), balance("0", "0", 0), "{id}");
    }
    verified(&fixture);
}

fn a_budget_of_each_user_is_one_for_each(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    spend(&fixture, fixture.request("alice", Some(usd("1"))), usd("0.25"));
    let id = fixture.budget(terms(Scope::of_user("*"), Limit::Money(usd("1")), Window::Month));
    let of = |fixture: &Fixture, user: &str| {
        let call = Call { user: Some(user.into()), ..Call::default() };
        fixture.run(fixture.store().budget_status(id, Some(call), noon())).unwrap().unwrap().balance
    };
    assert_eq!(of(&fixture, "alice"), balance("0.25", "0", 0), "what she used before counts");
    spend(&fixture, fixture.request("bob", Some(usd("1"))), usd("1"));
    let error = fixture.reserve(fixture.request("bob", Some(usd("0.01")))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BudgetExceeded);
    assert!(error.detail().contains("each user"), "{error}");
    fixture.reserve(fixture.request("alice", Some(usd("0.75")))).unwrap();
    fixture.reopen();
    assert_eq!((of(&fixture, "alice").reserved, of(&fixture, "bob").settled), (decimal("0.75"), decimal("1")));
    assert_eq!(of(&fixture, "carol"), balance("0", "0", 0));
    let anyone = ReserveRequest { user: None, ..fixture.request("", Some(usd("100"))) };
    fixture.reserve(anyone).unwrap();
    verified(&fixture);
}

fn requests_and_meters_are_counted_as_tokens_are(engine: Engine) {
    let fixture = Fixture::on(engine);
    let requests = fixture.budget(terms(user("alice"), Limit::Requests(2), Window::Total));
    let output = fixture.budget(terms(user("alice"), Limit::Meter(Meter::OutputToken, 100.into()), Window::Total));
    let images = fixture.budget(terms(user("alice"), Limit::Meter(Meter::Image, 1.into()), Window::Total));
    let asks = |output: u64, images: u64| {
        let meters = [(Meter::InputToken, 50), (Meter::OutputToken, output), (Meter::Image, images)];
        ReserveRequest { worst_case_meters: Some(meters.into()), ..fixture.request("alice", Some(usd("1"))) }
    };
    for (request, said) in [(asks(101, 0), "asked 101 output_token"), (asks(1, 2), "asked 2 image")] {
        let error = fixture.reserve(request).unwrap_err();
        assert!(error.detail().contains(said), "{error}");
    }
    let first = fixture.reserve(asks(60, 0)).unwrap();
    assert_eq!(fixture.balance(requests, noon()), balance("0", "1", 0));
    assert_eq!(fixture.balance(output, noon()), balance("0", "60", 0));
    let reasoned = [(Meter::InputToken, 30.into()), (Meter::OutputToken, 12.into()), (Meter::ReasoningToken, 8.into())];
    let usage = Usage { meters: reasoned.into(), ..Usage::default() };
    fixture.settle(Settlement { usage, ..settlement(first, Some(usd("1"))) }).unwrap();
    assert_eq!(fixture.balance(output, noon()), balance("20", "0", 0), "what is below a meter counts");
    let refused = fixture.reserve(asks(10, 0)).unwrap();
    let failed = Settlement { billed_by: BilledBy::NotBilled, ..settlement(refused, Some(usd("0"))) };
    fixture.settle(failed).unwrap();
    assert_eq!(fixture.balance(requests, noon()), balance("1", "0", 0), "what did no work is no request");
    fixture.reserve(asks(10, 1)).unwrap();
    let error = fixture.reserve(asks(10, 0)).unwrap_err();
    assert!(error.detail().contains("limit 2 requests, settled 1 requests, reserved 1 requests"), "{error}");
    assert_eq!(fixture.balance(images, noon()), balance("0", "1", 0));
    let later = fixture.budget(terms(Scope::everyone(), Limit::Requests(9), Window::Total));
    assert_eq!(fixture.balance(later, noon()), balance("1", "1", 0));
    verified(&fixture);
}

fn a_meter_that_no_bound_is_known_of_is_refused_unless_the_policy_allows_it(engine: Engine) {
    let fixture = Fixture::on(engine);
    fixture.budget(terms(user("alice"), Limit::Meter(Meter::Image, 1.into()), Window::Total));
    let request = |policy| ReserveRequest { on_unpriced: policy, ..fixture.request("alice", Some(usd("1"))) };
    let error = fixture.reserve(request(None)).unwrap_err();
    assert!(error.detail().contains("is not known; pass on_unpriced"), "{error}");
    fixture.reserve(request(Some(UnpricedPolicy::Allow))).unwrap();
}

fn a_soft_budget_counts_and_refuses_nothing(engine: Engine) {
    let fixture = Fixture::on(engine);
    let soft =
        BudgetTerms { enforcement: Enforcement::Soft, ..terms(user("alice"), Limit::Money(usd("1")), Window::Total) };
    let id = fixture.budget(soft.clone());
    spend(&fixture, fixture.request("alice", Some(usd("3"))), usd("3"));
    let unpriced = fixture.reserve(fixture.request("alice", None)).unwrap();
    assert_eq!(fixture.balance(id, noon()), balance("3", "0", 0));
    fixture.settle(settlement(unpriced, None)).unwrap();
    let hard = BudgetTerms { enforcement: Enforcement::Hard, ..soft };
    assert_eq!(fixture.budget(hard), id, "it is the same budget, made hard");
    assert_eq!(
        fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap_err().kind(),
        ErrorKind::BudgetExceeded
    );
}

fn a_rolling_window_holds_over_every_stretch_of_its_length(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("1.00")), Window::Rolling(3_600)));
    let mut spent: Vec<Timestamp> = Vec::new();
    for minute in 0..240 {
        let now = noon() + Duration::from_secs(minute * 60 + minute % 7);
        let request = ReserveRequest { now, ..fixture.request("alice", Some(usd("0.10"))) };
        let uid = request.record_uid.clone();
        match fixture.reserve(request) {
            Ok(held) => {
                fixture.settle(Settlement { now, ..settlement(held, Some(usd("0.10"))) }).unwrap();
                spent.push(now);
            }
            Err(error) => {
                assert!(error.retry_after().is_some_and(|wait| wait <= Duration::from_mins(62)), "{error} {uid}");
            }
        }
        let within = |at: &&Timestamp| now.duration_since(**at) < jiff::SignedDuration::from_secs(3_600);
        assert!(spent.iter().filter(within).count() <= 10);
    }
    // Ten in each hour and a minute: nothing is withheld for longer than a bucket.
    assert!((38..=40).contains(&spent.len()), "{}", spent.len());
    let end = noon() + Duration::from_hours(4);
    assert!(fixture.balance(id, end).settled <= decimal("1.00"));
    verified(&fixture);
}

/// Returns how many balances the file has.
fn balances_kept(fixture: &Fixture) -> u64 {
    let mut count = 0;
    fixture
        .storage()
        .read(&mut |reading| {
            count = reading.count(tables::BALANCES.shape())?;
            Ok(())
        })
        .unwrap();
    count
}

fn day(number: u64) -> Timestamp {
    noon() + Duration::from_hours(24 * number)
}

fn ended_buckets_are_folded_away_but_for_what_is_held_in_them(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("1")), Window::Day));
    let on = |number: u64| ReserveRequest { now: day(number), ..fixture.request("alice", Some(usd("0.5"))) };
    spend(&fixture, on(0), usd("0.5"));
    let held = fixture.reserve(on(1)).unwrap();
    spend(&fixture, on(2), usd("0.3"));
    assert_eq!(balances_kept(&fixture), 2, "an ended day is kept no longer, but one that holds something is");
    assert_eq!(fixture.balance(id, day(0)), balance("0.5", "0", 0), "its journal tells what it had");
    assert_eq!(fixture.balance(id, day(1)), balance("0", "0.5", 0));
    fixture.settle(Settlement { now: day(2), ..settlement(held, Some(usd("0.4"))) }).unwrap();
    assert_eq!(fixture.balance(id, day(1)), balance("0.4", "0", 0));
    assert_eq!(fixture.balance(id, day(2)), balance("0.3", "0", 0));
    spend(&fixture, on(3), usd("0.1"));
    assert_eq!(balances_kept(&fixture), 1);
    assert_eq!(fixture.balance(id, day(1)), balance("0.4", "0", 0));
    verified(&fixture);
}

fn a_clock_that_is_set_back_comes_into_buckets_that_are_as_full_as_they_were(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("1")), Window::Day));
    let on = |number: u64, cost: &str| ReserveRequest { now: day(number), ..fixture.request("alice", Some(usd(cost))) };
    spend(&fixture, on(0, "0.3"), usd("0.3"));
    spend(&fixture, on(0, "0.3"), usd("0.3"));
    spend(&fixture, on(1, "0.1"), usd("0.1"));
    assert_eq!(balances_kept(&fixture), 1);
    let error = fixture.reserve(on(0, "0.5")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BudgetExceeded, "0.6 of 1 are spent of the day");
    spend(&fixture, on(0, "0.4"), usd("0.4"));
    assert_eq!(fixture.balance(id, day(0)), balance("1.0", "0", 0));
    assert_eq!(fixture.balance(id, day(1)), balance("0.1", "0", 0));
    verified(&fixture);
    spend(&fixture, on(2, "0.1"), usd("0.1"));
    assert_eq!(fixture.reserve(on(0, "0.01")).unwrap_err().kind(), ErrorKind::BudgetExceeded);
    verified(&fixture);
}

fn a_rolling_window_behind_a_clock_that_is_set_back_counts_what_was_folded_away(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("1")), Window::Rolling(3_600)));
    let at = |minute: u64, cost: &str| {
        let now = noon() + Duration::from_mins(minute);
        ReserveRequest { now, ..fixture.request("alice", Some(usd(cost))) }
    };
    for minute in [0, 10, 20, 65] {
        spend(&fixture, at(minute, "0.2"), usd("0.2"));
    }
    let kept = balances_kept(&fixture);
    spend(&fixture, at(200, "0.2"), usd("0.2"));
    assert!(balances_kept(&fixture) < kept, "what ended is folded away");
    // At the thirtieth minute the first three count, of which nothing is kept.
    assert_eq!(fixture.balance(id, noon() + Duration::from_mins(30)), balance("0.6", "0", 0));
    assert_eq!(fixture.reserve(at(30, "0.5")).unwrap_err().kind(), ErrorKind::BudgetExceeded);
    spend(&fixture, at(30, "0.4"), usd("0.4"));
    assert_eq!(fixture.reserve(at(31, "0.01")).unwrap_err().kind(), ErrorKind::BudgetExceeded);
    assert_eq!(fixture.balance(id, noon() + Duration::from_mins(31)), balance("1.0", "0", 0));
    verified(&fixture);
}

fn a_bucket_whose_records_were_archived_can_be_come_into_again(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("1")), Window::Day));
    let on = |number: u64, cost: &str| ReserveRequest { now: day(number), ..fixture.request("alice", Some(usd(cost))) };
    let archive = |until: Timestamp| {
        while let Outcome::Digested { more: true } = fixture.apply(Operation::Digest).unwrap() {}
        let records = fixture.records(UsageFilter::default()).iter().map(|record| record.id).collect();
        fixture.apply(Operation::ForgetArchived { records, before: until }).unwrap()
    };
    // Of the first day one record is archived before it is folded away, and one after that.
    spend(&fixture, on(0, "0.3"), usd("0.3"));
    assert!(matches!(archive(day(0) + Duration::from_secs(1)), Outcome::Forgotten(1)));
    spend(&fixture, on(0, "0.3"), usd("0.3"));
    spend(&fixture, on(1, "0.1"), usd("0.1"));
    assert_eq!(balances_kept(&fixture), 1);
    assert!(matches!(archive(day(1)), Outcome::Forgotten(1)));
    assert_eq!(fixture.reserve(on(0, "0.5")).unwrap_err().kind(), ErrorKind::BudgetExceeded);
    spend(&fixture, on(0, "0.4"), usd("0.4"));
    assert_eq!(fixture.balance(id, day(0)), balance("1.0", "0", 0));
    verified(&fixture);
    fixture.apply(Operation::DeleteBudget { id }).unwrap();
    verified(&fixture);
}

fn a_correction_of_yesterday_frees_nothing_of_today(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("1.00")), Window::Day));
    let tomorrow = noon() + Duration::from_hours(24);
    let yesterdays: Vec<_> =
        (0..5).map(|_| spend(&fixture, fixture.request("alice", Some(usd("0.20"))), usd("0.20"))).collect();
    let today = |cost: &str| ReserveRequest { now: tomorrow, ..fixture.request("alice", Some(usd(cost))) };
    spend(&fixture, today("0.40"), usd("0.40"));
    for uid in yesterdays {
        let adjustment = Adjustment {
            adjusts: uid,
            cost: usd("0"),
            price_ids: Vec::new(),
            record_uid: SystemEnvironment.unique_id(),
            now: tomorrow,
        };
        fixture.apply(Operation::Adjust(Box::new(adjustment))).unwrap();
    }
    assert_eq!(fixture.balance(id, tomorrow), balance("0.40", "0", 0));
    spend(&fixture, today("0.60"), usd("0.60"));
    let error = fixture.reserve(today("0.01")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BudgetExceeded, "1.00 of 1.00 are spent today");
    verified(&fixture);
}

fn a_new_budget_counts_a_correction_where_its_record_lies(engine: Engine) {
    let fixture = Fixture::on(engine);
    let yesterday = noon() - Duration::from_hours(24);
    let past = ReserveRequest { now: yesterday, ..fixture.request("alice", Some(usd("2"))) };
    let uid = spend(&fixture, past, usd("2"));
    spend(&fixture, fixture.request("alice", Some(usd("1"))), usd("1"));
    let adjustment = Adjustment {
        adjusts: uid,
        cost: usd("0.5"),
        price_ids: Vec::new(),
        record_uid: "correction".into(),
        now: noon(),
    };
    fixture.apply(Operation::Adjust(Box::new(adjustment))).unwrap();
    let day = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Day));
    assert_eq!(fixture.balance(day, noon()).settled, decimal("1"));
    let month = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Month));
    assert_eq!(fixture.balance(month, noon()).settled, decimal("1.5"));
}

fn verification_agrees_with_balances_after_every_kind_of_movement(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    let terms_of = |limit, window| terms(Scope::of_user("*"), limit, window);
    fixture.budget(terms_of(Limit::Money(usd("100")), Window::Month));
    fixture.budget(terms_of(Limit::Tokens(10_000), Window::Rolling(3_600)));
    let uid = spend(&fixture, fixture.request("alice", Some(usd("2"))), usd("1.25"));
    let unpriced = ReserveRequest { on_unpriced: Some(UnpricedPolicy::Hold), ..fixture.request("alice", None) };
    let later = unpriced.record_uid.clone();
    let held = fixture.reserve(unpriced).unwrap();
    fixture.settle(settlement(held, None)).unwrap();
    verified(&fixture);
    fixture.budget(terms(Scope::everyone(), Limit::Money(usd("100")), Window::Day));
    fixture.apply(Operation::PriceRecord { uid: later, cost: usd("0.5"), now: noon() }).unwrap();
    verified(&fixture);
    let adjustment = Adjustment {
        adjusts: uid,
        cost: usd("3"),
        price_ids: Vec::new(),
        record_uid: "correction".into(),
        now: noon(),
    };
    fixture.apply(Operation::Adjust(Box::new(adjustment))).unwrap();
    verified(&fixture);
    fixture.reserve(fixture.request("bob", Some(usd("2")))).unwrap();
    fixture.reopen();
    fixture.recover(RecoveryPolicy::BillReserved, noon() + Duration::from_hours(1));
    verified(&fixture);
    fixture.reserve(fixture.request("bob", Some(usd("1")))).unwrap();
    verified(&fixture);
}
