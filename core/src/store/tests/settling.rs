//! Settle: records, balances, models, the rollup, and costs that come later.

use super::*;

on_each_engine! {
    a_settlement_is_one_record_one_model_one_rollup_and_exact_balances,
    a_second_settlement_changes_nothing,
    a_cost_above_its_reservation_is_billed_in_full_and_flagged,
    an_unpriced_record_keeps_its_budget_closed_until_it_is_priced,
    a_call_that_did_no_work_opens_its_budget_again,
    an_allowed_record_can_be_priced_later_and_newer_budgets_count_it,
    a_refused_operation_harms_no_other_of_its_commit,
    an_operation_whose_future_is_dropped_is_committed_all_the_same,
    a_budget_of_tokens_counts_the_iterations_that_a_total_leaves_out,
}

fn a_settlement_is_one_record_one_model_one_rollup_and_exact_balances(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    let money = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Month));
    let tokens = fixture.budget(terms(Scope::everyone(), Limit::Tokens(1_000), Window::Day));
    let held = fixture.reserve(fixture.request("alice", Some(usd("2")))).unwrap();
    let line = ReceiptLine {
        attempt: 1,
        model: "openai/gpt-test".into(),
        meter: Some(Meter::InputToken),
        note: None,
        quantity: 30.into(),
        billed_quantity: None,
        modifiers: Vec::new(),
        unit_price: Some(decimal("0.150")),
        unit: Some(Unit::Per1mTokens),
        price_id: Some(PriceId::new(4)),
        amount: Some(decimal("0.00000450")),
        currency: Some(Currency::USD),
    };
    let usage = Usage {
        meters: Meter::ALL.iter().map(|meter| (*meter, Quantity::ONE)).collect(),
        flags: vec![UsageFlag::TotalMismatch, UsageFlag::UnpricedIteration],
        reported_total: Some(99),
        reported_cost: Some(decimal("0.010")),
        computed_cost: Some(usd("0.0030")),
        iterations: vec![Iteration {
            kind: "compaction".into(),
            model: Some("other".into()),
            meters: [(Meter::OutputToken, 3.into())].into(),
        }],
    };
    let settled = fixture
        .settle(Settlement {
            usage: usage.clone(),
            receipt: vec![line.clone()],
            price_ids: vec![PriceId::new(4)],
            provider_request_id: Some("req_1".into()),
            served_model: Some("gpt-test-2026".into()),
            ..settlement(held, Some(usd("0.00000450")))
        })
        .unwrap();
    fixture.reopen();

    let record = fixture.records(UsageFilter::default()).remove(0);
    assert_eq!((record.id, record.model_id), (settled.record_id, settled.model_id));
    assert_eq!(record.usage, usage);
    assert_eq!(record.receipt, vec![line]);
    assert_eq!(record.cost_amount.unwrap().to_string(), "0.00000450");
    assert_eq!(record.token_consumed, Some(22));
    assert_eq!((record.user.as_deref(), record.created_at), (Some("alice"), noon()));
    assert_eq!(fixture.balance(money, noon()), balance("0.00000450", "0", 0));
    assert_eq!(fixture.balance(tokens, noon()), balance("22", "0", 0));
    assert!(fixture.run(fixture.store().reservations()).unwrap().is_empty());
    let models = fixture.run(fixture.store().models()).unwrap();
    assert_eq!((models.len(), models[0].id, models[0].model_code.as_str()), (1, settled.model_id, "gpt-test"));
    assert_eq!(fixture.configuration().providers[0].id, models[0].provider_id);
    let day = jiff::civil::date(2026, 11, 22);
    let rollup = fixture.run(fixture.store().daily_costs(day, day)).unwrap().remove(0);
    assert_eq!((rollup.day, rollup.calls, rollup.cost), (day, 1, decimal("0.0000045")));
    assert_eq!((rollup.currency, rollup.meters), (Some(Currency::USD), usage.meters));
}

fn a_second_settlement_changes_nothing(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    let held = fixture.reserve(fixture.request("alice", Some(usd("2")))).unwrap();
    let first = fixture.settle(settlement(held, Some(usd("1")))).unwrap();
    let second = fixture.settle(settlement(held, Some(usd("9")))).unwrap();
    assert_eq!(first, second);
    assert_eq!(fixture.balance(id, noon()), balance("1", "0", 0));
    assert_eq!(fixture.records(UsageFilter::default()).len(), 1);
    let error = fixture.settle(settlement(ReservationId::new(99), None)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

fn a_cost_above_its_reservation_is_billed_in_full_and_flagged(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    let held = fixture.reserve(fixture.request("alice", Some(usd("2")))).unwrap();
    fixture.settle(settlement(held, Some(usd("6")))).unwrap();
    let within = fixture.reserve(fixture.request("bob", Some(usd("2")))).unwrap();
    fixture.settle(settlement(within, Some(usd("2.00")))).unwrap();
    let records = fixture.records(UsageFilter::default());
    assert_eq!(records[0].usage.flags, vec![UsageFlag::ExceededReservation]);
    assert!(records[1].usage.flags.is_empty());
    assert_eq!(fixture.balance(id, noon()), balance("6", "0", 0));
}

fn an_unpriced_record_keeps_its_budget_closed_until_it_is_priced(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    let request = ReserveRequest { on_unpriced: Some(UnpricedPolicy::Hold), ..fixture.request("alice", None) };
    let uid = request.record_uid.clone();
    let held = fixture.reserve(request).unwrap();
    fixture.settle(settlement(held, None)).unwrap();
    assert_eq!(fixture.balance(id, noon()), balance("0", "0", 1));
    assert!(fixture.reserve(fixture.request("alice", Some(usd("1")))).is_err());

    fixture.apply(Operation::PriceRecord { uid: uid.clone(), cost: usd("0.30"), now: noon() }).unwrap();
    assert_eq!(fixture.balance(id, noon()), balance("0.30", "0", 0));
    fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap();
    let record = fixture.records(UsageFilter::default()).remove(0);
    assert_eq!((record.cost_amount, record.cost_status), (Some(decimal("0.3")), CostStatus::Computed));
    assert_eq!(Receipt::from_lines(record.receipt).unwrap().totals.get(Currency::USD), Some(decimal("0.3")));
    let day = jiff::civil::date(2026, 11, 22);
    let rollup = fixture.run(fixture.store().daily_costs(day, day)).unwrap();
    assert_eq!(rollup.len(), 1);
    assert_eq!((rollup[0].calls, rollup[0].unpriced_calls, rollup[0].cost), (1, 0, decimal("0.3")));

    let again = fixture.apply(Operation::PriceRecord { uid, cost: usd("1"), now: noon() }).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::InvalidRequest);
    let missing = fixture.apply(Operation::PriceRecord { uid: "no".into(), cost: usd("1"), now: noon() }).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

fn a_call_that_did_no_work_opens_its_budget_again(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    let request = ReserveRequest { on_unpriced: Some(UnpricedPolicy::Hold), ..fixture.request("alice", None) };
    let held = fixture.reserve(request).unwrap();
    fixture.settle(Settlement { billed_by: BilledBy::NotBilled, ..settlement(held, None) }).unwrap();
    assert_eq!(fixture.balance(id, noon()), balance("0", "0", 0));
}

fn an_allowed_record_can_be_priced_later_and_newer_budgets_count_it(engine: Engine) {
    let fixture = Fixture::on(engine);
    let older = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    let request = ReserveRequest { on_unpriced: Some(UnpricedPolicy::Allow), ..fixture.request("alice", None) };
    let uid = request.record_uid.clone();
    let held = fixture.reserve(request).unwrap();
    fixture.settle(settlement(held, None)).unwrap();
    let newer = fixture.budget(terms(Scope::everyone(), Limit::Money(usd("5")), Window::Month));
    fixture.apply(Operation::PriceRecord { uid, cost: usd("0.30"), now: noon() }).unwrap();
    assert_eq!(fixture.balance(older, noon()), balance("0.30", "0", 0));
    assert_eq!(fixture.balance(newer, noon()), balance("0.30", "0", 0));
}

fn a_refused_operation_harms_no_other_of_its_commit(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    let good: Vec<_> = (0..10).map(|_| fixture.request("alice", Some(usd("0.1")))).collect();
    let bad: Vec<_> = (0..10).map(|_| fixture.request("alice", Some(usd("9")))).collect();
    let outcomes = fixture.run(async {
        let both = good.into_iter().zip(bad).flat_map(|(good, bad)| [good, bad]);
        let calls: Vec<_> = both.map(|request| fixture.store().apply(Operation::Reserve(Box::new(request)))).collect();
        futures_util::future::join_all(calls).await
    });
    for (number, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.is_ok(), number % 2 == 0, "{number}: {outcome:?}");
    }
    assert_eq!(fixture.balance(id, noon()), balance("0", "1.0", 0));
}

fn an_operation_whose_future_is_dropped_is_committed_all_the_same(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    for _ in 0..50 {
        let request = fixture.request("alice", Some(usd("1")));
        drop(fixture.store().apply(Operation::Reserve(Box::new(request))));
    }
    fixture.reopen();
    assert_eq!(fixture.run(fixture.store().reservations()).unwrap().len(), 50);
}

fn a_budget_of_tokens_counts_the_iterations_that_a_total_leaves_out(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Tokens(1_000), Window::Total));
    let reserved = fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap();
    let mut ended = settlement(reserved, Some(usd("0.1")));
    for (kind, model) in [("compaction", None), ("advisor", Some("other".to_owned()))] {
        let meters = [(Meter::InputToken, 7.into()), (Meter::OutputToken, 4.into()), (Meter::WebSearch, 3.into())];
        ended.usage.iterations.push(Iteration { kind: kind.to_owned(), model, meters: meters.into() });
    }
    assert_eq!((ended.usage.total_tokens(), ended.usage.consumed_tokens()), (Some(42), Some(64)));
    fixture.settle(ended).unwrap();
    assert_eq!(fixture.balance(id, noon()), balance("64", "0", 0));
    let late = fixture.budget(terms(Scope::everyone(), Limit::Tokens(1_000), Window::Total));
    assert_eq!(fixture.balance(late, noon()), balance("64", "0", 0));
}
