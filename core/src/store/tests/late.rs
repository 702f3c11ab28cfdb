//! Settlements that come after recovery took their attempt for one whose process had ended.

use super::verifying::verified;
use super::*;

on_each_engine! {
    a_late_settlement_is_a_record_of_its_own_that_corrects_what_recovery_billed,
    whatever_was_recovered_the_ledger_sums_to_what_the_late_settlement_says,
    a_late_settlement_twice_is_one,
    a_late_settlement_moves_the_windows_that_held_it_and_no_others,
    a_late_settlement_in_another_currency_takes_back_what_was_billed,
    a_budget_that_was_closed_for_want_of_a_price_opens_with_the_late_one,
    a_late_settlement_completes_its_key,
}

/// Holds for an attempt, and lets recovery settle it.
fn recovered(fixture: &mut Fixture, request: ReserveRequest, policy: RecoveryPolicy) -> ReservationId {
    let held = fixture.reserve(request).unwrap();
    fixture.reopen();
    assert_eq!(fixture.recover(policy, noon()), 1);
    held
}

/// Returns what the records cost, the tokens that they count, and those that their meters do.
fn sums(fixture: &Fixture) -> (Totals, i64, u64) {
    let records = fixture.records(UsageFilter::default());
    let mut totals = Totals::default();
    for (amount, currency) in records.iter().filter_map(|record| record.cost_amount.zip(record.currency)) {
        totals.add(Money::new(amount, currency)).unwrap();
    }
    let counted = records.iter().filter_map(|record| record.token_consumed).sum();
    (totals, counted, records.iter().filter_map(|record| record.usage.total_tokens()).sum())
}

fn a_late_settlement_is_a_record_of_its_own_that_corrects_what_recovery_billed(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    let money = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    let tokens = fixture.budget(terms(user("alice"), Limit::Tokens(1_000), Window::Total));
    let request = fixture.request("alice", Some(usd("1.25")));
    let held = recovered(&mut fixture, request, RecoveryPolicy::BillReserved);
    let newer = fixture.budget(terms(Scope::everyone(), Limit::Money(usd("9")), Window::Total));
    let newer_tokens = fixture.budget(terms(Scope::everyone(), Limit::Tokens(9_000), Window::Total));
    let first = fixture.records(UsageFilter::default()).remove(0);
    assert_eq!(fixture.balance(newer_tokens, noon()), balance("100", "0", 0));

    let later = noon() + Duration::from_hours(1);
    let bill = ReceiptLine { amount: Some(decimal("0.1")), note: None, ..first.receipt[0].clone() };
    let late = Settlement { now: later, receipt: vec![bill.clone()], ..settlement(held, Some(usd("0.1"))) };
    let settled = fixture.settle(late.clone()).unwrap();
    assert_eq!((settled.record_id, settled.model_id), (first.id, first.model_id));
    fixture.reopen();
    let records = fixture.records(UsageFilter::default());
    assert_eq!((records.len(), &records[0]), (2, &first), "what was billed stays");
    let correction = &records[1];
    assert_eq!((correction.adjusts.as_ref(), correction.billed_by), (Some(&first.uid), BilledBy::Adjustment));
    assert_eq!((correction.cost_amount, correction.currency), (Some(decimal("-1.15")), Some(Currency::USD)));
    assert_eq!((correction.status, correction.cost_status), (RecordStatus::Success, CostStatus::Computed));
    assert_eq!((&correction.usage, correction.token_consumed), (&late.usage, Some(42 - 100)));
    assert_eq!((correction.error_message.as_ref(), correction.created_at), (None, later));
    let back = ReceiptLine { amount: Some(decimal("-1.25")), ..first.receipt[0].clone() };
    assert_eq!(correction.receipt, [back, bill]);
    assert_eq!(correction.uid.len(), 36, "{}", correction.uid);

    for (id, settled) in [(money, "0.1"), (newer, "0.1"), (tokens, "42"), (newer_tokens, "42")] {
        assert_eq!(fixture.balance(id, noon()), balance(settled, "0", 0));
    }
    let newest = fixture.budget(terms(Scope::everyone(), Limit::Tokens(900), Window::Month));
    assert_eq!(fixture.balance(newest, noon()), balance("42", "0", 0));
    let (totals, counted, used) = sums(&fixture);
    assert_eq!((totals.iter().collect::<Vec<_>>(), counted, used), (vec![usd("0.1")], 42, 42));
    assert_eq!(verified(&fixture), Vec::<String>::new());
}

fn whatever_was_recovered_the_ledger_sums_to_what_the_late_settlement_says(engine: Engine) {
    let costs = [Some(usd("0.5")), Some(usd("2")), Some(usd("0")), Some(cny("3")), None];
    for policy in [RecoveryPolicy::BillReserved, RecoveryPolicy::Release] {
        for worst in [Some(usd("1")), None] {
            for cost in costs {
                let mut fixture = Fixture::on(engine);
                fixture.apply(Operation::AddFxRate { rate: yuan_in_dollars(), now: noon() }).unwrap();
                let money = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Day));
                let tokens = fixture.budget(terms(user("alice"), Limit::Tokens(1_000), Window::Month));
                let request =
                    ReserveRequest { on_unpriced: Some(UnpricedPolicy::Allow), ..fixture.request("alice", worst) };
                let held = recovered(&mut fixture, request, policy);
                fixture.settle(settlement(held, cost)).unwrap();
                let case = format!("{policy:?} of {worst:?}, then {cost:?}");
                let (totals, counted, used) = sums(&fixture);
                let expected = cost.unwrap_or(usd("0"));
                for currency in [Currency::USD, Currency::CNY] {
                    let of_currency = (currency == expected.currency).then_some(expected.amount);
                    assert_eq!(totals.get(currency).unwrap_or_default(), of_currency.unwrap_or_default(), "{case}");
                }
                assert_eq!((counted, used), (42, 42), "{case}");
                // Three yuan are 0.42 dollars.
                let dollars = if expected.currency == Currency::CNY { decimal("0.42") } else { expected.amount };
                assert_eq!(fixture.balance(money, noon()).settled, dollars, "{case}");
                assert_eq!(fixture.balance(tokens, noon()), balance("42", "0", 0), "{case}");
                assert_eq!(verified(&fixture), Vec::<String>::new(), "{case}");
                let newer = fixture.budget(terms(Scope::everyone(), Limit::Money(usd("9")), Window::Day));
                assert_eq!(fixture.balance(newer, noon()).settled, dollars, "{case}");
            }
        }
    }
}

fn yuan_in_dollars() -> NewFxRate {
    let (from, to) = (Currency::CNY, Currency::USD);
    NewFxRate { from, to, rate: decimal("0.14"), effective_date: noon(), source: "bank".into() }
}

fn a_late_settlement_twice_is_one(engine: Engine) {
    for worst in [Some(usd("1")), None] {
        let mut fixture = Fixture::on(engine);
        let request = ReserveRequest { on_unpriced: Some(UnpricedPolicy::Allow), ..fixture.request("alice", worst) };
        let held = recovered(&mut fixture, request, RecoveryPolicy::BillReserved);
        fixture.settle(settlement(held, Some(usd("0.5")))).unwrap();
        let once = fixture.records(UsageFilter::default());
        fixture.settle(settlement(held, Some(usd("0.5")))).unwrap();
        fixture.settle(settlement(held, Some(usd("0.9")))).unwrap();
        assert_eq!(fixture.records(UsageFilter::default()), once);
    }
}

fn a_late_settlement_moves_the_windows_that_held_it_and_no_others(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    let day = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Day));
    let request = fixture.request("alice", Some(usd("2")));
    let held = recovered(&mut fixture, request, RecoveryPolicy::BillReserved);
    let tomorrow = noon() + Duration::from_hours(24);
    fixture.settle(Settlement { now: tomorrow, ..settlement(held, Some(usd("0.5"))) }).unwrap();
    assert_eq!(fixture.balance(day, noon()), balance("0.5", "0", 0));
    let other = ReserveRequest { now: tomorrow, ..fixture.request("alice", Some(usd("1"))) };
    let other = fixture.reserve(other).unwrap();
    fixture.settle(Settlement { now: tomorrow, ..settlement(other, Some(usd("1"))) }).unwrap();
    assert_eq!(fixture.balance(day, tomorrow), balance("1", "0", 0));
}

fn a_late_settlement_in_another_currency_takes_back_what_was_billed(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    fixture.apply(Operation::AddFxRate { rate: yuan_in_dollars(), now: noon() }).unwrap();
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    let request = fixture.request("alice", Some(usd("1")));
    let held = recovered(&mut fixture, request, RecoveryPolicy::BillReserved);
    // 1.40 dollars, which are more than was held.
    fixture.settle(settlement(held, Some(cny("10")))).unwrap();
    let records = fixture.records(UsageFilter::default());
    let costs: Vec<_> = records.iter().map(|record| record.cost_amount.zip(record.currency)).collect();
    let (dollars, yuan) = (Currency::USD, Currency::CNY);
    let expected = [(decimal("1"), dollars), (decimal("-1"), dollars), (decimal("10"), yuan)];
    assert_eq!(costs, expected.map(Some));
    let uids: std::collections::BTreeSet<_> = records.iter().map(|record| &record.uid).collect();
    assert_eq!(uids.len(), 3);
    assert_eq!(fixture.balance(id, noon()), balance("1", "0", 0), "no cap is passed by a claim");
    assert_eq!(verified(&fixture), Vec::<String>::new());
}

fn a_budget_that_was_closed_for_want_of_a_price_opens_with_the_late_one(engine: Engine) {
    let zero = Some(usd("0"));
    for (policy, cost, billed_by, holds) in [
        (RecoveryPolicy::BillReserved, Some(usd("0.3")), BilledBy::ProviderUsage, 0),
        (RecoveryPolicy::BillReserved, zero, BilledBy::NotBilled, 0),
        (RecoveryPolicy::BillReserved, None, BilledBy::ProviderUsage, 1),
        (RecoveryPolicy::Release, None, BilledBy::ProviderUsage, 1),
        (RecoveryPolicy::Release, Some(usd("0.3")), BilledBy::ProviderUsage, 0),
    ] {
        let mut fixture = Fixture::on(engine);
        let id = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
        let request = ReserveRequest { on_unpriced: Some(UnpricedPolicy::Hold), ..fixture.request("alice", None) };
        let uid = request.record_uid.clone();
        let held = recovered(&mut fixture, request, policy);
        fixture.settle(Settlement { billed_by, ..settlement(held, cost) }).unwrap();
        let settled = cost.map_or(Decimal::ZERO, |cost| cost.amount);
        assert_eq!(
            fixture.balance(id, noon()),
            Balance { settled, reserved: Decimal::ZERO, holds },
            "{policy:?} {cost:?}"
        );
        let record = fixture.records(UsageFilter::default()).remove(0);
        assert_eq!((record.billed_by, record.status), (billed_by, RecordStatus::Success));
        if cost.is_none() {
            fixture.apply(Operation::PriceRecord { uid, cost: usd("0.7"), now: noon() }).unwrap();
            assert_eq!(fixture.balance(id, noon()), balance("0.7", "0", 0));
        }
        assert_eq!(fixture.records(UsageFilter::default()).len(), 1);
        assert_eq!(verified(&fixture), Vec::<String>::new());
    }
}

fn a_late_settlement_completes_its_key(engine: Engine) {
    for worst in [Some(usd("1")), None] {
        let mut fixture = Fixture::on(engine);
        let request = ReserveRequest { on_unpriced: Some(UnpricedPolicy::Allow), ..fixture.request("alice", worst) };
        let request_id = request.request_id.clone();
        let held = recovered(&mut fixture, request, RecoveryPolicy::BillReserved);
        let claim = Operation::ClaimKey {
            key: "k".into(),
            fingerprint: [1; 32],
            former: [0; 32],
            request_id,
            now: noon(),
            expires_at: noon() + Duration::from_mins(1),
        };
        fixture.apply(claim.clone()).unwrap();
        let completes_key = Some(("k".to_owned(), b"sealed".to_vec()));
        fixture.settle(Settlement { completes_key, ..settlement(held, Some(usd("0.5"))) }).unwrap();
        let answer = Outcome::KeyClaim(KeyClaim::Completed(b"sealed".to_vec()));
        assert_eq!(fixture.apply(claim).unwrap(), answer);
    }
}
