//! Reserve: caps, currencies and calls without a price.

use super::*;

on_each_engine! {
    a_cap_holds_to_the_last_digit,
    a_cap_holds_against_many_callers_at_once,
    a_uid_is_used_once_by_callers_at_once,
    a_refusal_by_one_budget_holds_nothing_in_the_others,
    windows_begin_afresh_and_a_clock_that_jumps_back_finds_its_spending_again,
    a_scope_capped_in_another_currency_refuses,
    without_a_price_a_capped_call_is_refused_unless_a_policy_says_otherwise,
    a_token_budget_wants_no_price,
    a_negative_reservation_is_refused,
    a_budget_of_tokens_refuses_a_number_that_is_not_known_unless_the_policy_allows_it,
    what_was_planned_with_a_configuration_that_was_replaced_holds_nothing,
}

fn unpriced(fixture: &Fixture, policy: Option<UnpricedPolicy>) -> ReserveRequest {
    ReserveRequest { on_unpriced: policy, ..fixture.request("alice", None) }
}

fn a_cap_holds_to_the_last_digit(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("5.00")), Window::Month));
    fixture.reserve(fixture.request("alice", Some(usd("3")))).unwrap();
    fixture.reserve(fixture.request("alice", Some(usd("1.9999999999")))).unwrap();
    let error = fixture.reserve(fixture.request("alice", Some(usd("0.0000000002")))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BudgetExceeded);
    for part in ["\"alice\"", "monthly", "limit 5.00", "settled 0", "reserved 4.9999999999", "asked 0.0000000002"] {
        assert!(error.detail().contains(part), "{part} is not in {}", error.detail());
    }
    assert!(error.is_retryable() && error.retry_after() == Some(Duration::from_secs(1)), "calls under way hold it");
    let last = fixture.reserve(fixture.request("alice", Some(usd("0.0000000001")))).unwrap();
    assert_eq!(fixture.balance(id, noon()), balance("0", "5.0000000000", 0));
    fixture.settle(settlement(last, Some(usd("0.0000000001")))).unwrap();
    let error = fixture.reserve(fixture.request("alice", Some(usd("5")))).unwrap_err();
    // November has 8 days, 11 hours, 59 minutes and some seconds left.
    assert_eq!(error.retry_after().unwrap().as_secs(), 8 * 86_400 + 43_199);
    assert!(!error.is_retryable() && error.detail().contains("wait for the next window"), "{error}");
    fixture.reserve(fixture.request("bob", Some(usd("100")))).unwrap();
}

fn a_cap_holds_against_many_callers_at_once(engine: Engine) {
    for window in [Window::Total, Window::Day, Window::Rolling(3_600)] {
        let fixture = Fixture::on(engine);
        let id = fixture.budget(terms(Scope::everyone(), Limit::Money(usd("5.00")), window));
        let other = fixture.another();
        let requests: Vec<_> = (0..400).map(|_| fixture.request("alice", Some(usd("0.07")))).collect();
        let granted = fixture.run(async {
            let calls: Vec<_> = requests
                .into_iter()
                .enumerate()
                .map(|(number, request)| {
                    let store = if number % 2 == 0 { fixture.store() } else { &other };
                    store.apply(Operation::Reserve(Box::new(request)))
                })
                .collect();
            let outcomes = futures_util::future::join_all(calls).await;
            outcomes.into_iter().flatten().count()
        });
        assert_eq!(granted, 71, "{window:?}");
        assert_eq!(fixture.balance(id, noon()), balance("0", "4.97", 0));
        assert_eq!(fixture.run(fixture.store().reservations()).unwrap().len(), 71);
    }
}

fn a_uid_is_used_once_by_callers_at_once(engine: Engine) {
    let fixture = Fixture::on(engine);
    let requests: Vec<_> = (0..40)
        .map(|_| ReserveRequest { record_uid: SystemEnvironment.unique_id(), ..fixture.request("alice", None) })
        .collect();
    let held: Vec<_> = requests.iter().map(|request| fixture.reserve(request.clone()).unwrap()).collect();
    // All of them wait together, so that one transaction settles an attempt and refuses another of its uid.
    let operations = held.into_iter().zip(requests).flat_map(|(held, request)| {
        [Operation::Settle(Box::new(settlement(held, None))), Operation::Reserve(Box::new(request))]
    });
    let calls: Vec<_> = operations.map(|operation| fixture.store().apply(operation)).collect();
    for (place, outcome) in fixture.run(futures_util::future::join_all(calls)).into_iter().enumerate() {
        match outcome {
            Ok(Outcome::Settled(_)) if place % 2 == 0 => {}
            Err(error) if place % 2 == 1 => assert!(error.detail().contains("exists already"), "{error}"),
            other => panic!("{place}: {other:?}"),
        }
    }
    assert_eq!(fixture.records(UsageFilter::default()).len(), 40);
}

fn a_refusal_by_one_budget_holds_nothing_in_the_others(engine: Engine) {
    let fixture = Fixture::on(engine);
    let everyone = fixture.budget(terms(Scope::everyone(), Limit::Money(usd("100")), Window::Day));
    let alice = fixture.budget(terms(user("alice"), Limit::Tokens(150), Window::Total));
    let tag = Scope::of_tag("feature", "geo");
    let tagged = fixture.budget(terms(tag, Limit::Money(usd("2")), Window::Total));
    fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap();
    let error = fixture.reserve(fixture.request("alice", Some(usd("0.1")))).unwrap_err();
    assert!(error.detail().contains("limit 150 tokens"), "{}", error.detail());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    assert_eq!(
        fixture.reserve(fixture.request("bob", Some(usd("1.5")))).unwrap_err().kind(),
        ErrorKind::BudgetExceeded
    );
    assert_eq!(fixture.balance(everyone, noon()), balance("0", "1", 0));
    assert_eq!(fixture.balance(alice, noon()), balance("0", "100", 0));
    assert_eq!(fixture.balance(tagged, noon()), balance("0", "1", 0));
    let held = fixture.run(fixture.store().reservations()).unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].holds.len(), 3);
}

fn windows_begin_afresh_and_a_clock_that_jumps_back_finds_its_spending_again(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("1")), Window::Day));
    fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap();
    let tomorrow = noon() + Duration::from_hours(24);
    let later = ReserveRequest { now: tomorrow, ..fixture.request("alice", Some(usd("0.4"))) };
    fixture.reserve(later).unwrap();
    assert_eq!(fixture.balance(id, tomorrow), balance("0", "0.4", 0));
    let error = fixture.reserve(fixture.request("alice", Some(usd("0.1")))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BudgetExceeded);
    assert_eq!(fixture.balance(id, noon()), balance("0", "1", 0));
}

fn a_scope_capped_in_another_currency_refuses(engine: Engine) {
    let fixture = Fixture::on(engine);
    let dollars = fixture.budget(terms(user("alice"), Limit::Money(usd("1")), Window::Total));
    let error = fixture.reserve(fixture.request("alice", Some(cny("0.01")))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CurrencyMismatch);
    assert!(error.detail().contains("CNY") && error.detail().contains("USD") && error.detail().contains("alice"));
    let yuan = fixture.budget(terms(user("alice"), Limit::Money(cny("7")), Window::Total));
    let held = fixture.reserve(fixture.request("alice", Some(cny("6")))).unwrap();
    assert_eq!(fixture.balance(yuan, noon()), balance("0", "6", 0));
    assert_eq!(fixture.balance(dollars, noon()), balance("0", "0", 0));
    fixture.settle(settlement(held, Some(cny("5.5")))).unwrap();
    assert_eq!(fixture.balance(yuan, noon()), balance("5.5", "0", 0));
    assert_eq!(fixture.balance(dollars, noon()), balance("0", "0", 0));
}

fn without_a_price_a_capped_call_is_refused_unless_a_policy_says_otherwise(engine: Engine) {
    let fixture = Fixture::on(engine);
    fixture.reserve(unpriced(&fixture, None)).unwrap();
    let error = fixture.reserve(unpriced(&fixture, Some(UnpricedPolicy::Refuse))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unpriced);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("1")), Window::Total));
    for policy in [None, Some(UnpricedPolicy::Refuse)] {
        let error = fixture.reserve(unpriced(&fixture, policy)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unpriced);
        assert!(error.detail().contains("add a price") && error.detail().contains("on_unpriced"));
    }
    fixture.reserve(unpriced(&fixture, Some(UnpricedPolicy::Allow))).unwrap();
    assert_eq!(fixture.balance(id, noon()), balance("0", "0", 0));
    fixture.reserve(unpriced(&fixture, Some(UnpricedPolicy::Hold))).unwrap();
    assert_eq!(fixture.balance(id, noon()), balance("0", "0", 1));
    let error = fixture.reserve(fixture.request("alice", Some(usd("0.1")))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BudgetExceeded);
    assert!(error.detail().contains("without a price"), "{}", error.detail());
}

fn a_token_budget_wants_no_price(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Tokens(100), Window::Total));
    let held = fixture.reserve(unpriced(&fixture, None)).unwrap();
    assert_eq!(fixture.balance(id, noon()), balance("0", "100", 0));
    fixture.settle(settlement(held, None)).unwrap();
    assert_eq!(fixture.balance(id, noon()), balance("42", "0", 0));
}

fn a_negative_reservation_is_refused(engine: Engine) {
    let fixture = Fixture::on(engine);
    let error = fixture.reserve(fixture.request("alice", Some(usd("-1")))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}

fn a_budget_of_tokens_refuses_a_number_that_is_not_known_unless_the_policy_allows_it(engine: Engine) {
    for (policy, is_let_in) in [
        (None, false),
        (Some(UnpricedPolicy::Refuse), false),
        (Some(UnpricedPolicy::Hold), true),
        (Some(UnpricedPolicy::Allow), true),
    ] {
        let fixture = Fixture::on(engine);
        let id = fixture.budget(terms(user("alice"), Limit::Tokens(1_000), Window::Total));
        let worst_case = Some(usd("0.1"));
        let request =
            ReserveRequest { worst_case_tokens: None, on_unpriced: policy, ..fixture.request("alice", worst_case) };
        let outcome = fixture.reserve(request);
        assert_eq!(outcome.is_ok(), is_let_in, "{policy:?}");
        if let Err(error) = outcome {
            assert_eq!(error.kind(), ErrorKind::BudgetExceeded);
            assert!(error.detail().contains("is not known"), "{error}");
        }
        assert_eq!(fixture.balance(id, noon()), balance("0", "0", 0), "{policy:?}");
    }
}

fn what_was_planned_with_a_configuration_that_was_replaced_holds_nothing(engine: Engine) {
    let fixture = Fixture::on(engine);
    let planned = |version| ReserveRequest { planned_with: Some(version), ..fixture.request("alice", Some(usd("1"))) };
    let version = fixture.configuration().version;
    assert!(matches!(fixture.apply(Operation::Reserve(Box::new(planned(version)))), Ok(Outcome::Reserved(_))));
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    assert_eq!(fixture.apply(Operation::Reserve(Box::new(planned(version)))).unwrap(), Outcome::Superseded);
    assert_eq!(fixture.run(fixture.store().reservations()).unwrap().len(), 1);
    let another = fixture.another();
    fixture.run(another.apply(Operation::DeleteBudget { id })).unwrap();
    let after_both = planned(version + 2);
    for (request, is_held) in [(planned(version + 1), false), (after_both, true)] {
        let outcome = fixture.apply(Operation::Reserve(Box::new(request))).unwrap();
        assert_eq!(matches!(outcome, Outcome::Reserved(_)), is_held, "{outcome:?}");
    }
}
