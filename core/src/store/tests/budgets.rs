//! Budgets: what a new one starts with, changes and deletion.

use super::*;

on_each_engine! {
    a_new_budget_starts_with_the_records_of_its_running_window,
    a_new_budget_counts_days_that_have_not_begun,
    a_new_budget_holds_what_is_under_way,
    the_same_terms_change_the_limit_and_keep_the_balance,
    a_deleted_budget_caps_no_more_and_its_id_is_not_given_again,
    wrong_terms_are_refused,
}

fn a_new_budget_starts_with_the_records_of_its_running_window(engine: Engine) {
    let fixture = Fixture::on(engine);
    let spend = |name: &str, cost: Money, now: Timestamp| {
        let held = fixture.reserve(ReserveRequest { now, ..fixture.request(name, Some(cost)) }).unwrap();
        fixture.settle(Settlement { now, ..settlement(held, Some(cost)) }).unwrap();
    };
    spend("alice", usd("1.5"), at("2026-10-31T23:59:59Z"));
    spend("alice", usd("2.25"), at("2026-11-01T00:00:00Z"));
    spend("alice", cny("9"), noon());
    spend("bob", usd("4"), noon());
    let month = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Month));
    let total = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    let everyone = fixture.budget(terms(Scope::everyone(), Limit::Money(usd("5")), Window::Total));
    let tag = Scope::of_tag("feature", "geo");
    let tokens = fixture.budget(terms(tag, Limit::Tokens(500), Window::Month));
    assert_eq!(fixture.balance(month, noon()), balance("2.25", "0", 0));
    assert_eq!(fixture.balance(total, noon()), balance("3.75", "0", 0));
    assert_eq!(fixture.balance(everyone, noon()), balance("7.75", "0", 0));
    assert_eq!(fixture.balance(tokens, noon()), balance("126", "0", 0));
}

fn a_new_budget_counts_days_that_have_not_begun(engine: Engine) {
    let fixture = Fixture::on(engine);
    let days = ["2026-11-22T12:00:00Z", "2026-11-22T16:30:00Z", "2026-11-23T15:59:59Z", "2026-11-23T16:00:00Z"];
    for (cents, now) in (1..).zip(days.iter().cycle().take(12).map(|instant| at(instant))) {
        let cost = Money::new(Decimal::new(cents, 2), Currency::USD);
        let held = fixture.reserve(ReserveRequest { now, ..fixture.request("alice", Some(cost)) }).unwrap();
        fixture.settle(Settlement { now, ..settlement(held, Some(cost)) }).unwrap();
    }
    while let Outcome::Digested { more: true } = fixture.apply(Operation::Digest).unwrap() {}
    let limit = Limit::Money(usd("50"));
    let in_shanghai =
        |window| BudgetTerms { time_zone: "Asia/Shanghai".into(), ..terms(Scope::everyone(), limit, window) };
    let (day, hour) = (fixture.budget(in_shanghai(Window::Day)), fixture.budget(in_shanghai(Window::Hour)));
    let settled = |id, instant: &str| fixture.balance(id, at(instant));
    for (instant, of_day, of_hour) in
        [(days[0], "0.15", "0.15"), (days[1], "0.39", "0.18"), (days[2], "0.39", "0.21"), (days[3], "0.24", "0.24")]
    {
        assert_eq!(settled(day, instant), balance(of_day, "0", 0), "{instant}");
        assert_eq!(settled(hour, instant), balance(of_hour, "0", 0), "{instant}");
    }
}

fn a_new_budget_holds_what_is_under_way(engine: Engine) {
    let fixture = Fixture::on(engine);
    let held = fixture.reserve(fixture.request("alice", Some(usd("2")))).unwrap();
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("3")), Window::Total));
    assert_eq!(fixture.balance(id, noon()), balance("0", "2", 0));
    assert!(fixture.reserve(fixture.request("alice", Some(usd("1.01")))).is_err());
    fixture.settle(settlement(held, Some(usd("0.5")))).unwrap();
    assert_eq!(fixture.balance(id, noon()), balance("0.5", "0", 0));
}

fn the_same_terms_change_the_limit_and_keep_the_balance(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("1")), Window::Total));
    fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap();
    assert_eq!(fixture.budget(terms(user("alice"), Limit::Money(usd("1.5")), Window::Total)), id);
    assert_ne!(fixture.budget(terms(user("alice"), Limit::Money(cny("1")), Window::Total)), id);
    assert_ne!(fixture.budget(terms(user("alice"), Limit::Tokens(1_000), Window::Total)), id);
    assert_ne!(fixture.budget(terms(user("alice"), Limit::Money(usd("9")), Window::Day)), id);
    fixture.reserve(fixture.request("alice", Some(usd("0.5")))).unwrap();
    assert_eq!(fixture.balance(id, noon()), balance("0", "1.5", 0));
    let statuses = fixture.run(fixture.store().budget_statuses(None, noon())).unwrap();
    assert_eq!(statuses[0].remaining, decimal("0"));
}

fn a_deleted_budget_caps_no_more_and_its_id_is_not_given_again(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("1")), Window::Total));
    let held = fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap();
    fixture.apply(Operation::DeleteBudget { id }).unwrap();
    fixture.reserve(fixture.request("alice", Some(usd("10")))).unwrap();
    fixture.settle(settlement(held, Some(usd("1")))).unwrap();
    assert!(fixture.budget(terms(user("alice"), Limit::Money(usd("1")), Window::Total)) > id);
    let error = fixture.apply(Operation::DeleteBudget { id }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

fn wrong_terms_are_refused(engine: Engine) {
    let fixture = Fixture::on(engine);
    let wrong = [
        BudgetTerms { time_zone: "Nowhere".into(), ..terms(Scope::everyone(), Limit::Tokens(1), Window::Day) },
        terms(Scope::everyone(), Limit::Money(usd("-1")), Window::Day),
        terms(Scope::of_tag("", "x"), Limit::Tokens(1), Window::Day),
    ];
    for terms in wrong {
        let error = fixture.apply(Operation::PutBudget { terms, now: noon() }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
    assert!(fixture.configuration().budgets.is_empty());
}
