//! Pools: what is paid from them, in which currency, and what is left.

use super::*;
use crate::types::{NewRecharge, PoolRecharge, PoolStatus, PoolTerms};

on_each_engine! {
    an_attempt_holds_in_the_pool_of_its_provider_and_is_settled_by_its_cost,
    an_empty_pool_refuses_and_says_whether_calls_under_way_hold_it,
    what_a_pool_owes_is_kept_and_a_correction_moves_it,
    one_pool_pays_natively_or_by_a_rate,
    a_call_without_a_price_follows_the_policy,
    an_order_recharges_once,
    a_deleted_pool_holds_nothing_and_its_recharges_stay,
    calls_at_once_never_hold_more_than_there_is,
}

fn pool(fixture: &Fixture, currency: Currency, low_water: Option<&str>) -> PoolId {
    let terms = PoolTerms { provider: "openai".into(), currency, low_water: low_water.map(decimal) };
    match fixture.apply(Operation::PutPool { terms, now: noon() }).unwrap() {
        Outcome::PoolPut(id) => id,
        other => panic!("{other:?}"),
    }
}

fn recharge(fixture: &Fixture, amount: Money, order_id: Option<&str>) -> Result<PoolRecharge> {
    let recharge = NewRecharge {
        provider: "openai".into(),
        currency: amount.currency,
        amount: amount.amount,
        operator: Some("Kim".into()),
        remark: None,
        order_id: order_id.map(str::to_owned),
    };
    match fixture.apply(Operation::RechargePool { recharge: Box::new(recharge), now: noon() })? {
        Outcome::PoolRecharged(recharge) => Ok(*recharge),
        other => panic!("{other:?}"),
    }
}

fn status(fixture: &Fixture, currency: Currency) -> PoolStatus {
    let pools = fixture.run(fixture.store().pool_statuses(Some("openai".into()))).unwrap();
    pools.into_iter().find(|status| status.pool.terms.currency == currency).unwrap()
}

fn amounts(fixture: &Fixture) -> (String, String) {
    let status = status(fixture, Currency::USD);
    (status.balance.normalize().to_string(), status.reserved.normalize().to_string())
}

fn verified(fixture: &Fixture) {
    assert_eq!(fixture.run(fixture.store().verify()).unwrap().damage, []);
}

fn an_attempt_holds_in_the_pool_of_its_provider_and_is_settled_by_its_cost(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    pool(&fixture, Currency::USD, Some("4"));
    recharge(&fixture, usd("5"), None).unwrap();
    let held = fixture.reserve(fixture.request("alice", Some(usd("2")))).unwrap();
    assert_eq!(amounts(&fixture), ("5".into(), "2".into()));
    verified(&fixture);
    assert!(!status(&fixture, Currency::USD).is_low);
    fixture.settle(settlement(held, Some(usd("1.5")))).unwrap();
    fixture.reopen();
    assert_eq!(amounts(&fixture), ("3.5".into(), "0".into()));
    assert!(status(&fixture, Currency::USD).is_low, "3.5 is below 4");
    let other = ReserveRequest { provider: "gemini".into(), ..fixture.request("alice", Some(usd("100"))) };
    fixture.reserve(other).unwrap();
    fixture.reserve(fixture.request("bob", Some(usd("3")))).unwrap();
    fixture.reopen();
    fixture.recover(RecoveryPolicy::BillReserved, noon() + Duration::from_hours(1));
    assert_eq!(amounts(&fixture), ("0.5".into(), "0".into()));
    verified(&fixture);
}

fn an_empty_pool_refuses_and_says_whether_calls_under_way_hold_it(engine: Engine) {
    let fixture = Fixture::on(engine);
    pool(&fixture, Currency::USD, None);
    let refused = |cost: &str| fixture.reserve(fixture.request("alice", Some(usd(cost)))).unwrap_err();
    let error = refused("0");
    assert_eq!((error.kind(), error.retry_after(), error.is_retryable()), (ErrorKind::PoolExhausted, None, false));
    recharge(&fixture, usd("1"), None).unwrap();
    let held = fixture.reserve(fixture.request("alice", Some(usd("0.75")))).unwrap();
    let error = refused("0.5");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::PoolExhausted, true));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    let error = refused("1.5");
    assert_eq!((error.retry_after(), error.is_retryable()), (None, false), "{error}");
    assert!(error.detail().contains("balance 1 USD, reserved 0.75 USD, asked 1.5 USD"), "{error}");
    fixture.settle(settlement(held, Some(usd("0.25")))).unwrap();
    fixture.reserve(fixture.request("alice", Some(usd("0.75")))).unwrap();
    // A budget that has no room leaves nothing in the pool.
    fixture.budget(terms(user("bob"), Limit::Money(usd("0.001")), Window::Total));
    recharge(&fixture, usd("9"), None).unwrap();
    let error = fixture.reserve(fixture.request("bob", Some(usd("1")))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BudgetExceeded);
    assert_eq!(amounts(&fixture).1, "0.75");
    verified(&fixture);
}

fn what_a_pool_owes_is_kept_and_a_correction_moves_it(engine: Engine) {
    let fixture = Fixture::on(engine);
    pool(&fixture, Currency::USD, None);
    recharge(&fixture, usd("1"), None).unwrap();
    let request = fixture.request("alice", Some(usd("1")));
    let uid = request.record_uid.clone();
    let held = fixture.reserve(request).unwrap();
    fixture.settle(settlement(held, Some(usd("1.25")))).unwrap();
    assert_eq!(amounts(&fixture), ("-0.25".into(), "0".into()), "what was claimed above is owed");
    let correct = |cost: &str| {
        let adjustment = Adjustment {
            adjusts: uid.clone(),
            cost: usd(cost),
            price_ids: Vec::new(),
            record_uid: format!("corrected to {cost}"),
            now: noon() + Duration::from_hours(24 * 40),
        };
        fixture.apply(Operation::Adjust(Box::new(adjustment))).unwrap();
    };
    correct("3");
    assert_eq!(amounts(&fixture).0, "-2");
    verified(&fixture);
    recharge(&fixture, usd("1.5"), None).unwrap();
    assert_eq!(amounts(&fixture).0, "-0.5", "a recharge pays what is owed first");
    assert_eq!(
        fixture.reserve(fixture.request("alice", Some(usd("0.1")))).unwrap_err().kind(),
        ErrorKind::PoolExhausted
    );
    correct("0.5");
    assert_eq!(amounts(&fixture).0, "2");
    verified(&fixture);
}

fn one_pool_pays_natively_or_by_a_rate(engine: Engine) {
    let fixture = Fixture::on(engine);
    pool(&fixture, Currency::USD, None);
    recharge(&fixture, usd("10"), None).unwrap();
    let error = fixture.reserve(fixture.request("alice", Some(cny("7")))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CurrencyMismatch, "{error}");
    let rate = NewFxRate {
        from: Currency::CNY,
        to: Currency::USD,
        rate: decimal("0.125"),
        effective_date: noon() - Duration::from_hours(1),
        source: "test".into(),
    };
    fixture.apply(Operation::AddFxRate { rate, now: noon() }).unwrap();
    let held = fixture.reserve(fixture.request("alice", Some(cny("8")))).unwrap();
    assert_eq!(amounts(&fixture), ("10".into(), "1".into()));
    fixture.settle(settlement(held, Some(cny("4")))).unwrap();
    assert_eq!(amounts(&fixture), ("9.5".into(), "0".into()));
    pool(&fixture, Currency::CNY, None);
    recharge(&fixture, cny("100"), None).unwrap();
    let held = fixture.reserve(fixture.request("alice", Some(cny("8")))).unwrap();
    fixture.settle(settlement(held, Some(cny("8")))).unwrap();
    assert_eq!(amounts(&fixture), ("9.5".into(), "0".into()), "the pool of its own currency pays alone");
    assert_eq!(status(&fixture, Currency::CNY).balance, decimal("92"));
    verified(&fixture);
}

fn a_call_without_a_price_follows_the_policy(engine: Engine) {
    let fixture = Fixture::on(engine);
    pool(&fixture, Currency::USD, None);
    pool(&fixture, Currency::CNY, None);
    recharge(&fixture, usd("5"), None).unwrap();
    recharge(&fixture, cny("50"), None).unwrap();
    let request = |policy| ReserveRequest { on_unpriced: policy, ..fixture.request("alice", None) };
    assert_eq!(fixture.reserve(request(None)).unwrap_err().kind(), ErrorKind::Unpriced);
    let allowed = fixture.reserve(request(Some(UnpricedPolicy::Allow))).unwrap();
    fixture.settle(settlement(allowed, None)).unwrap();
    let holds = request(Some(UnpricedPolicy::Hold));
    let uid = holds.record_uid.clone();
    let held = fixture.reserve(holds).unwrap();
    fixture.settle(settlement(held, None)).unwrap();
    let error = fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap_err();
    assert!(error.detail().contains("is closed by 1 calls without a price"), "{error}");
    verified(&fixture);
    fixture.apply(Operation::PriceRecord { uid, cost: usd("0.5"), now: noon() }).unwrap();
    assert_eq!(amounts(&fixture), ("4.5".into(), "0".into()));
    assert_eq!(status(&fixture, Currency::CNY).balance, decimal("50"), "one pool pays");
    fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap();
    fixture.reserve(fixture.request("alice", Some(cny("1")))).unwrap();
    verified(&fixture);
}

fn an_order_recharges_once(engine: Engine) {
    let fixture = Fixture::on(engine);
    assert_eq!(recharge(&fixture, usd("5"), None).unwrap_err().kind(), ErrorKind::NotFound);
    let id = pool(&fixture, Currency::USD, None);
    assert_eq!(pool(&fixture, Currency::USD, Some("2")), id, "it is the same pool");
    let first = recharge(&fixture, usd("5"), Some("order-1")).unwrap();
    assert_eq!(recharge(&fixture, usd("5.0"), Some("order-1")).unwrap(), first);
    let error = recharge(&fixture, usd("6"), Some("order-1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IdempotencyConflict);
    assert!(error.detail().contains("order-1"), "{error}");
    let wrong = recharge(&fixture, usd("-1"), None).unwrap();
    assert_eq!((wrong.balance_after, wrong.operator.as_deref()), (decimal("4"), Some("Kim")));
    assert_eq!(recharge(&fixture, usd("0"), None).unwrap_err().kind(), ErrorKind::InvalidRequest);
    let all = fixture.run(fixture.store().pool_recharges(None)).unwrap();
    assert_eq!(all, [first, wrong]);
    assert_eq!(amounts(&fixture).0, "4");
    verified(&fixture);
}

fn a_deleted_pool_holds_nothing_and_its_recharges_stay(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = pool(&fixture, Currency::USD, None);
    recharge(&fixture, usd("5"), None).unwrap();
    let held = fixture.reserve(fixture.request("alice", Some(usd("2")))).unwrap();
    fixture.apply(Operation::DeletePool { id }).unwrap();
    fixture.settle(settlement(held, Some(usd("2")))).unwrap();
    fixture.reserve(fixture.request("alice", Some(usd("9")))).unwrap();
    assert_eq!(fixture.run(fixture.store().pool_recharges(Some("openai".into()))).unwrap().len(), 1);
    assert_ne!(pool(&fixture, Currency::USD, None), id, "it is another pool");
    assert_eq!(amounts(&fixture), ("0".into(), "0".into()));
    verified(&fixture);
}

fn calls_at_once_never_hold_more_than_there_is(engine: Engine) {
    let fixture = Fixture::on(engine);
    pool(&fixture, Currency::USD, None);
    recharge(&fixture, usd("1"), None).unwrap();
    let requests: Vec<_> = (0..40).map(|_| fixture.request("alice", Some(usd("0.07")))).collect();
    let store = fixture.store().clone();
    let reserved = fixture.run(async move {
        let all = requests.into_iter().map(|request| store.apply(Operation::Reserve(Box::new(request))));
        let mut reserved = 0;
        for outcome in all.collect::<Vec<_>>() {
            reserved += u32::from(outcome.await.is_ok());
        }
        reserved
    });
    assert_eq!(reserved, 14);
    assert_eq!(amounts(&fixture), ("1".into(), "0.98".into()));
    verified(&fixture);
}
