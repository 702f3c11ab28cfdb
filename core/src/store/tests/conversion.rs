//! Conversion: budgets in another currency than the price, at rates that are frozen when money is held.

use super::*;

on_each_engine! {
    a_budget_holds_and_counts_what_a_price_in_another_currency_converts_to,
    the_cap_holds_in_the_budgets_currency,
    two_currencies_are_never_added_and_a_later_rate_alters_nothing,
    a_new_budget_counts_what_records_and_calls_under_way_convert_to,
    recovery_bills_at_the_rate_of_the_hold,
    a_price_that_comes_later_is_converted_at_the_rate_of_the_call,
    a_hold_that_asked_nothing_for_want_of_a_rate_counts_nothing,
    rates_are_added_and_never_changed,
    no_budget_counts_more_tokens_or_money_of_another_currency_than_it_held_whatever_is_claimed,
}

fn rate(fixture: &Fixture, from: Currency, to: Currency, rate: &str, effective_date: Timestamp) -> Result<FxRate> {
    let rate = NewFxRate { from, to, rate: decimal(rate), effective_date, source: "bank".into() };
    match fixture.apply(Operation::AddFxRate { rate, now: noon() })? {
        Outcome::FxRateAdded(rate) => Ok(rate),
        other => panic!("{other:?}"),
    }
}

fn yuan_to_dollars(fixture: &Fixture, amount: &str) -> FxRate {
    rate(fixture, Currency::CNY, Currency::USD, amount, noon()).unwrap()
}

fn a_budget_holds_and_counts_what_a_price_in_another_currency_converts_to(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    let dollars = fixture.budget(terms(user("alice"), Limit::Money(usd("1")), Window::Total));
    assert_eq!(
        fixture.reserve(fixture.request("alice", Some(cny("1")))).unwrap_err().kind(),
        ErrorKind::CurrencyMismatch
    );
    let fx = rate(&fixture, Currency::USD, Currency::CNY, "7", noon()).unwrap();
    let held = fixture.reserve(fixture.request("alice", Some(cny("1")))).unwrap();
    // A seventh has no end: what is held is rounded up, what is counted to the nearest.
    assert_eq!(fixture.balance(dollars, noon()), balance("0", "0.142857142857142858", 0));
    fixture.reopen();
    let exchange =
        Exchange { fx_rate_id: fx.id, from: Currency::CNY, to: Currency::USD, rate: decimal("7"), is_inverse: true };
    let reservations = fixture.run(fixture.store().reservations()).unwrap();
    assert_eq!(reservations[0].holds[0].exchange, Some(exchange));

    fixture.settle(settlement(held, Some(cny("1")))).unwrap();
    assert_eq!(fixture.balance(dollars, noon()), balance("0.142857142857142857", "0", 0));
    let record = fixture.records(UsageFilter::default()).remove(0);
    assert_eq!((record.cost_amount, record.currency), (Some(decimal("1")), Some(Currency::CNY)));
    assert_eq!(record.conversions, [Conversion { exchange, amount: decimal("0.142857142857142857") }]);
    assert!(record.usage.flags.is_empty(), "{:?}", record.usage.flags);
}

fn the_cap_holds_in_the_budgets_currency(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(Scope::everyone(), Limit::Money(usd("5.00")), Window::Total));
    yuan_to_dollars(&fixture, "0.1403");
    let requests: Vec<_> = (0..120)
        .map(|number| fixture.request("alice", Some(if number % 2 == 0 { cny("0.7") } else { usd("0.1") })))
        .collect();
    let granted = fixture.run(async {
        let calls = requests.into_iter().map(|request| fixture.store().apply(Operation::Reserve(Box::new(request))));
        futures_util::future::join_all(calls).await.into_iter().flatten().count()
    });
    // 25 pairs of 0.09821 and 0.1 are 4.95525, and neither fits after that.
    assert_eq!(granted, 50);
    let held = fixture.balance(id, noon()).reserved;
    assert_eq!(held, decimal("4.95525"));
    for reservation in fixture.run(fixture.store().reservations()).unwrap() {
        let cost = reservation.request.worst_case;
        fixture.settle(settlement(reservation.id, cost)).unwrap();
        let balance = fixture.balance(id, noon());
        assert!(balance.settled + balance.reserved <= decimal("5.00"));
    }
    assert_eq!(fixture.balance(id, noon()), balance("4.95525", "0", 0));
    let error = fixture.reserve(fixture.request("alice", Some(cny("0.4")))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BudgetExceeded);
    assert!(error.detail().contains("asked 0.05612 USD"), "{error}");
}

fn two_currencies_are_never_added_and_a_later_rate_alters_nothing(engine: Engine) {
    let fixture = Fixture::on(engine);
    yuan_to_dollars(&fixture, "0.14");
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    let first = fixture.reserve(fixture.request("alice", Some(cny("10")))).unwrap();
    let second = fixture.reserve(fixture.request("alice", Some(cny("10")))).unwrap();
    fixture.settle(settlement(first, Some(cny("10")))).unwrap();
    let record = fixture.records(UsageFilter::default()).remove(0);
    yuan_to_dollars(&fixture, "0.2");
    assert_eq!(fixture.balance(id, noon()), balance("1.40", "1.40", 0));
    assert_eq!(fixture.records(UsageFilter::default()), [record]);
    // What is under way keeps the rate that it was held at; what is new has the new one.
    fixture.settle(settlement(second, Some(cny("5")))).unwrap();
    assert_eq!(fixture.balance(id, noon()), balance("2.10", "0", 0));
    fixture.reserve(fixture.request("alice", Some(cny("10")))).unwrap();
    assert_eq!(fixture.balance(id, noon()), balance("2.10", "2", 0));

    let mut totals = Totals::default();
    for record in fixture.records(UsageFilter::default()) {
        totals.add(Money::new(record.cost_amount.unwrap(), record.currency.unwrap())).unwrap();
    }
    let dollars = fixture.reserve(fixture.request("alice", Some(usd("0.5")))).unwrap();
    fixture.settle(settlement(dollars, Some(usd("0.5")))).unwrap();
    assert_eq!(totals.iter().collect::<Vec<_>>(), [cny("15")]);
    let day = jiff::civil::date(2026, 11, 22);
    let rollup = fixture.run(fixture.store().daily_costs(day, day)).unwrap();
    let costs: Vec<_> = rollup.iter().map(|row| Money::new(row.cost, row.currency.unwrap())).collect();
    assert_eq!(costs, [cny("15"), usd("0.5")]);
}

fn a_new_budget_counts_what_records_and_calls_under_way_convert_to(engine: Engine) {
    let fixture = Fixture::on(engine);
    let before = fixture.reserve(fixture.request("alice", Some(cny("3")))).unwrap();
    fixture
        .settle(Settlement { facts: Facts::at(at("2026-11-22T00:00:00Z")), ..settlement(before, Some(cny("3"))) })
        .unwrap();
    yuan_to_dollars(&fixture, "0.14");
    let own = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    assert_eq!(fixture.balance(own, noon()), balance("0", "0", 0), "no rate was in force then");
    let settled = fixture.reserve(fixture.request("alice", Some(cny("10")))).unwrap();
    let open = fixture.reserve(fixture.request("alice", Some(cny("1")))).unwrap();
    fixture.settle(settlement(settled, Some(cny("10")))).unwrap();
    yuan_to_dollars(&fixture, "0.5");
    let newer = fixture.budget(terms(Scope::everyone(), Limit::Money(usd("9")), Window::Month));
    assert_eq!(fixture.balance(newer, noon()), balance("1.40", "0.5", 0), "records keep the rate that they have");
    fixture.settle(settlement(open, Some(cny("1")))).unwrap();
    assert_eq!(fixture.balance(own, noon()), balance("1.54", "0", 0));
    assert_eq!(fixture.balance(newer, noon()), balance("1.90", "0", 0));
    let record = fixture.records(UsageFilter::default()).pop().unwrap();
    let amounts: Vec<_> = record.conversions.iter().map(|conversion| conversion.amount).collect();
    assert_eq!(amounts, [decimal("0.14"), decimal("0.5")]);
}

fn recovery_bills_at_the_rate_of_the_hold(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    yuan_to_dollars(&fixture, "0.14");
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    fixture.reserve(fixture.request("alice", Some(cny("10")))).unwrap();
    yuan_to_dollars(&fixture, "0.5");
    fixture.reopen();
    assert_eq!(fixture.recover(RecoveryPolicy::BillReserved, noon()), 1);
    assert_eq!(fixture.balance(id, noon()), balance("1.4", "0", 0));
    let record = fixture.records(UsageFilter::default()).remove(0);
    assert_eq!((record.currency, record.conversions[0].amount), (Some(Currency::CNY), decimal("1.4")));

    fixture.reserve(fixture.request("alice", Some(cny("1")))).unwrap();
    fixture.reopen();
    assert_eq!(fixture.recover(RecoveryPolicy::Release, noon()), 1);
    assert_eq!(fixture.balance(id, noon()), balance("1.4", "0", 0));
}

fn a_price_that_comes_later_is_converted_at_the_rate_of_the_call(engine: Engine) {
    let fixture = Fixture::on(engine);
    yuan_to_dollars(&fixture, "0.14");
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    let request = ReserveRequest { on_unpriced: Some(UnpricedPolicy::Hold), ..fixture.request("alice", None) };
    let uid = request.record_uid.clone();
    let held = fixture.reserve(request).unwrap();
    fixture.settle(settlement(held, None)).unwrap();
    assert_eq!(fixture.balance(id, noon()).holds, 1);
    rate(&fixture, Currency::CNY, Currency::USD, "0.5", noon() + Duration::from_secs(1)).unwrap();
    let newer = fixture.budget(terms(Scope::everyone(), Limit::Money(usd("9")), Window::Total));
    fixture.apply(Operation::PriceRecord { uid, cost: cny("10"), now: noon() }).unwrap();
    assert_eq!(fixture.balance(id, noon()), balance("1.4", "0", 0));
    assert_eq!(fixture.balance(newer, noon()), balance("1.4", "0", 0));
    let record = fixture.records(UsageFilter::default()).remove(0);
    assert_eq!((record.cost_amount, record.conversions.len()), (Some(decimal("10")), 1));
}

fn a_hold_that_asked_nothing_for_want_of_a_rate_counts_nothing(engine: Engine) {
    let fixture = Fixture::on(engine);
    let dollars = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    let yuan = fixture.budget(terms(user("alice"), Limit::Money(cny("50")), Window::Total));
    let before = fixture.reserve(fixture.request("alice", Some(cny("10")))).unwrap();
    yuan_to_dollars(&fixture, "0.14");
    fixture.settle(settlement(before, Some(cny("10")))).unwrap();
    assert_eq!(fixture.balance(dollars, noon()), balance("0", "0", 0));
    assert_eq!(fixture.balance(yuan, noon()), balance("10", "0", 0));
    // From then on each of the two caps all that it can count.
    let after = fixture.reserve(fixture.request("alice", Some(cny("10")))).unwrap();
    fixture.settle(settlement(after, Some(cny("10")))).unwrap();
    assert_eq!(fixture.balance(dollars, noon()), balance("1.4", "0", 0));
    assert_eq!(fixture.balance(yuan, noon()), balance("20", "0", 0));
    // A cost that is stated in another currency than the price is counted at the rate of the call.
    let stated = fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap();
    fixture.settle(settlement(stated, Some(cny("5")))).unwrap();
    assert_eq!(fixture.balance(dollars, noon()), balance("2.1", "0", 0));
    assert_eq!(fixture.balance(yuan, noon()), balance("25", "0", 0));
}

fn rates_are_added_and_never_changed(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    let version = fixture.configuration().version;
    let first = yuan_to_dollars(&fixture, "0.14");
    let second = yuan_to_dollars(&fixture, "0.15");
    assert!(second.id > first.id);
    for (from, to, wrong) in
        [(Currency::CNY, Currency::USD, "0"), (Currency::CNY, Currency::USD, "-1"), (Currency::USD, Currency::USD, "1")]
    {
        assert_eq!(rate(&fixture, from, to, wrong, noon()).unwrap_err().kind(), ErrorKind::InvalidRequest);
    }
    fixture.reopen();
    let configuration = fixture.configuration();
    assert_eq!((configuration.fx_rates, configuration.version), (vec![first, second], version + 2));
}

fn no_budget_counts_more_tokens_or_money_of_another_currency_than_it_held_whatever_is_claimed(engine: Engine) {
    let fixture = Fixture::on(engine);
    let money = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    let tokens = fixture.budget(terms(user("alice"), Limit::Tokens(1_000), Window::Total));
    let worst = Some(Money::new(decimal("14"), Currency::CNY));
    rate(&fixture, Currency::CNY, Currency::USD, "0.14", noon()).unwrap();
    let request = ReserveRequest { worst_case_tokens: Some(400), ..fixture.request("alice", worst) };
    let held = fixture.reserve(request).unwrap();
    let usage = Usage { meters: [(Meter::OutputToken, 9_000.into())].into(), ..Usage::default() };
    fixture.settle(Settlement { usage, ..settlement(held, Some(usd("6"))) }).unwrap();
    assert_eq!(fixture.balance(money, noon()), balance("1.96", "0", 0));
    assert_eq!(fixture.balance(tokens, noon()), balance("400", "0", 0));
    let record = fixture.records(UsageFilter::default()).remove(0);
    assert_eq!(record.usage.flags, vec![UsageFlag::UsageExceedsBound]);
    assert_eq!((record.usage.output_tokens(), record.token_consumed), (Some(9_000), Some(400)));
}
