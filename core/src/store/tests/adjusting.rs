//! Adjust: costs are corrected by records of their own.

use super::*;

on_each_engine! {
    a_difference_is_a_record_of_its_own_and_moves_the_windows_of_its_record,
    the_same_correction_twice_is_one_and_later_ones_count_from_it,
    a_correction_moves_a_budget_in_another_currency_at_the_rate_of_the_record,
    an_adjustment_of_a_record_that_cannot_be_adjusted_is_refused,
}

fn adjust(fixture: &Fixture, uid: &str, cost: Money, now: Timestamp) -> Result<Money> {
    fixture.attempts.set(fixture.attempts.get() + 1);
    let adjustment = Adjustment {
        adjusts: uid.into(),
        cost,
        price_ids: vec![PriceId::new(3)],
        record_uid: format!("{}-{}", SystemEnvironment.unique_id(), fixture.attempts.get()),
        now,
    };
    match fixture.apply(Operation::Adjust(Box::new(adjustment)))? {
        Outcome::Adjusted(difference) => Ok(difference),
        other => panic!("{other:?}"),
    }
}

/// Makes a settled call and returns the uid of its record.
fn call(fixture: &Fixture, cost: Option<Money>) -> String {
    let request = ReserveRequest { on_unpriced: Some(UnpricedPolicy::Allow), ..fixture.request("alice", cost) };
    let uid = request.record_uid.clone();
    let held = fixture.reserve(request).unwrap();
    fixture.settle(settlement(held, cost)).unwrap();
    uid
}

fn a_difference_is_a_record_of_its_own_and_moves_the_windows_of_its_record(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    let total = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    let month = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Month));
    let tokens = fixture.budget(terms(Scope::everyone(), Limit::Tokens(1_000), Window::Total));
    let uid = call(&fixture, Some(usd("2.00")));
    let original = fixture.records(UsageFilter::default()).remove(0);
    let later = at("2026-12-05T00:00:00Z");
    assert_eq!(adjust(&fixture, &uid, usd("2.50"), later).unwrap(), usd("0.50"));
    fixture.reopen();

    let records = fixture.records(UsageFilter::default());
    assert_eq!(records[0], original);
    let adjustment = &records[1];
    assert_eq!((adjustment.adjusts.as_deref(), adjustment.billed_by), (Some(uid.as_str()), BilledBy::Adjustment));
    assert_eq!((adjustment.cost_amount, adjustment.currency), (Some(decimal("0.50")), Some(Currency::USD)));
    assert_eq!((&adjustment.request_id, &adjustment.model), (&original.request_id, &original.model));
    assert_eq!((adjustment.usage.meters.len(), adjustment.token_consumed), (0, None));
    assert_eq!((adjustment.receipt[0].note.as_deref(), adjustment.created_at), (Some("adjustment"), later));
    assert_eq!((&adjustment.user, &adjustment.tags), (&original.user, &original.tags));
    assert_ne!(adjustment.uid, uid);

    assert_eq!(fixture.balance(total, later), balance("2.50", "0", 0));
    assert_eq!(fixture.balance(month, later), balance("0", "0", 0), "a correction of last month is not this month's");
    assert_eq!(fixture.balance(month, noon()), balance("2.50", "0", 0));
    assert_eq!(fixture.balance(tokens, later), balance("42", "0", 0));
    let fresh = fixture.budget(terms(Scope::everyone(), Limit::Money(usd("9")), Window::Total));
    assert_eq!(fixture.balance(fresh, later).settled, decimal("2.50"));

    let (first, last) = (jiff::civil::date(2026, 11, 1), jiff::civil::date(2026, 12, 31));
    let rollup = fixture.run(fixture.store().daily_costs(first, last)).unwrap();
    let days: Vec<_> = rollup.iter().map(|row| (row.cost, row.calls, row.meters.len())).collect();
    assert_eq!(days, [(decimal("2.00"), 1, 2), (decimal("0.50"), 0, 0)]);
}

fn the_same_correction_twice_is_one_and_later_ones_count_from_it(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    let uid = call(&fixture, Some(usd("2")));
    assert_eq!(adjust(&fixture, &uid, usd("2"), noon()).unwrap(), usd("0"));
    assert_eq!(adjust(&fixture, &uid, usd("0.5"), noon()).unwrap(), usd("-1.5"));
    assert_eq!(adjust(&fixture, &uid, usd("0.50"), noon()).unwrap(), usd("0"));
    assert_eq!(fixture.balance(id, noon()), balance("0.5", "0", 0));
    assert_eq!(adjust(&fixture, &uid, usd("3"), noon()).unwrap(), usd("2.5"));
    assert_eq!(fixture.balance(id, noon()), balance("3", "0", 0));
    assert_eq!(fixture.records(UsageFilter::default()).len(), 3);
    // A day whose corrections cancel out keeps them.
    let day = jiff::civil::date(2026, 11, 22);
    let rollup = fixture.run(fixture.store().daily_costs(day, day)).unwrap();
    assert_eq!((rollup.len(), rollup[0].cost, rollup[0].calls), (1, decimal("3"), 1));
}

fn a_correction_moves_a_budget_in_another_currency_at_the_rate_of_the_record(engine: Engine) {
    let fixture = Fixture::on(engine);
    let add = |rate: &str| {
        let rate = NewFxRate {
            from: Currency::CNY,
            to: Currency::USD,
            rate: decimal(rate),
            effective_date: noon(),
            source: "bank".into(),
        };
        fixture.apply(Operation::AddFxRate { rate, now: noon() }).unwrap();
    };
    add("0.14");
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    let uid = call(&fixture, Some(cny("10")));
    add("0.5");
    assert_eq!(adjust(&fixture, &uid, cny("5"), noon()).unwrap(), cny("-5"));
    assert_eq!(fixture.balance(id, noon()), balance("0.7", "0", 0));
    let record = fixture.records(UsageFilter::default()).pop().unwrap();
    assert_eq!((record.currency, record.conversions[0].amount), (Some(Currency::CNY), decimal("-0.7")));
}

fn an_adjustment_of_a_record_that_cannot_be_adjusted_is_refused(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    let uid = call(&fixture, Some(usd("2")));
    let unpriced = call(&fixture, None);
    adjust(&fixture, &uid, usd("1"), noon()).unwrap();
    let adjustment = fixture.records(UsageFilter::default()).pop().unwrap().uid;
    for (uid, cost, kind) in [
        (uid.as_str(), cny("1"), ErrorKind::CurrencyMismatch),
        (uid.as_str(), usd("-1"), ErrorKind::InvalidRequest),
        (unpriced.as_str(), usd("1"), ErrorKind::InvalidRequest),
        (adjustment.as_str(), usd("1"), ErrorKind::InvalidRequest),
        ("nobody", usd("1"), ErrorKind::NotFound),
    ] {
        assert_eq!(adjust(&fixture, uid, cost, noon()).unwrap_err().kind(), kind, "{uid} {cost}");
    }
    assert_eq!(fixture.records(UsageFilter::default()).len(), 3);
    assert_eq!(fixture.balance(id, noon()), balance("1", "0", 0));
}
