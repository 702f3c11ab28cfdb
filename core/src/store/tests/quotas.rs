//! Quotas and packages: the month first, then the balance, and every movement with what was left after it.

use super::*;
use crate::types::{
    NewPackage, Package, PoolTerms, QuotaEnforcement, QuotaStatus, QuotaTerms, QuotaTransaction, QuotaType,
    TransactionType,
};

on_each_engine! {
    the_month_is_used_up_before_the_balance,
    a_quota_that_is_used_up_refuses_and_says_when_it_starts_again,
    a_month_begins_in_the_users_time_zone_and_none_is_lost,
    another_time_zone_gives_no_month_back,
    record_counts_and_refuses_nothing,
    pool_lets_the_call_go_on_the_pool_alone,
    each_type_counts_its_own_work,
    an_order_buys_once_and_is_given_back_once,
    what_recovery_billed_too_much_is_given_back_where_it_was_taken,
    a_quota_is_checked_and_taken_from_in_one_step,
}

fn quota(fixture: &Fixture, monthly: &str, change: impl FnOnce(&mut QuotaTerms)) {
    let mut terms = QuotaTerms::new("alice", QuotaType::TextToken);
    terms.monthly = decimal(monthly);
    change(&mut terms);
    fixture.apply(Operation::PutQuota { terms, now: noon() }).unwrap();
}

fn grant(fixture: &Fixture, quota_type: QuotaType, amount: &str) {
    let (user, remark) = ("alice".to_owned(), Some("welcome".to_owned()));
    let amount = decimal(amount);
    fixture.apply(Operation::GrantQuota { user, quota_type, amount, remark, now: noon() }).unwrap();
}

fn status(fixture: &Fixture, quota_type: QuotaType, now: Timestamp) -> QuotaStatus {
    let quotas = fixture.run(fixture.store().quota_statuses(Some("alice".into()), now)).unwrap();
    quotas.into_iter().find(|status| status.quota.terms.quota_type == quota_type).unwrap()
}

/// What is used and held of the month's part, and what there is and is held of the balance.
fn tokens(fixture: &Fixture, now: Timestamp) -> [i64; 4] {
    let QuotaStatus { month_used, month_reserved, balance, balance_reserved, .. } =
        status(fixture, QuotaType::TextToken, now);
    [month_used, month_reserved, balance, balance_reserved].map(|amount| amount.try_into().unwrap())
}

fn asks(fixture: &Fixture, tokens: u64, now: Timestamp) -> ReserveRequest {
    ReserveRequest { worst_case_tokens: Some(tokens), now, ..fixture.request("alice", Some(usd("1"))) }
}

fn uses(id: ReservationId, tokens: u64, now: Timestamp) -> Settlement {
    let usage = Usage { meters: [(Meter::OutputToken, tokens.into())].into(), ..Usage::default() };
    Settlement { usage, now, ..settlement(id, Some(usd("1"))) }
}

fn spend(fixture: &Fixture, asked: u64, used: u64, now: Timestamp) {
    let held = fixture.reserve(asks(fixture, asked, now)).unwrap();
    fixture.settle(uses(held, used, now)).unwrap();
}

fn transactions(fixture: &Fixture) -> Vec<QuotaTransaction> {
    fixture.run(fixture.store().quota_transactions(Some("alice".into()), None)).unwrap()
}

fn verified(fixture: &Fixture) {
    assert_eq!(fixture.run(fixture.store().verify()).unwrap().damage, []);
}

fn the_month_is_used_up_before_the_balance(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    quota(&fixture, "100", |_| ());
    grant(&fixture, QuotaType::TextToken, "50");
    let held = fixture.reserve(asks(&fixture, 120, noon())).unwrap();
    assert_eq!(tokens(&fixture, noon()), [0, 100, 50, 20]);
    verified(&fixture);
    fixture.settle(uses(held, 80, noon())).unwrap();
    assert_eq!(tokens(&fixture, noon()), [80, 0, 50, 0]);
    spend(&fixture, 60, 45, noon());
    fixture.reopen();
    assert_eq!(tokens(&fixture, noon()), [100, 0, 25, 0]);
    assert_eq!(status(&fixture, QuotaType::TextToken, noon()).remaining, decimal("25"));
    let rows: Vec<_> = transactions(&fixture)
        .into_iter()
        .map(|row| (row.transaction_type, row.amount.to_string(), row.month.is_some(), row.balance_after.to_string()))
        .collect();
    let row = |kind, amount: &str, is_month, after: &str| (kind, amount.to_owned(), is_month, after.to_owned());
    let expected = [
        row(TransactionType::Grant, "50", false, "50"),
        row(TransactionType::Consume, "-80", true, "20"),
        row(TransactionType::Consume, "-25", false, "25"),
        row(TransactionType::Consume, "-20", true, "0"),
    ];
    assert_eq!(rows.len(), 4);
    assert!(expected.iter().all(|row| rows.contains(row)), "{rows:?}");
    let records = fixture.records(UsageFilter::default());
    assert!(transactions(&fixture).iter().skip(1).all(|row| row.record_id.is_some()));
    assert_eq!(transactions(&fixture)[1].record_id, Some(records[0].id));
    verified(&fixture);
}

fn a_quota_that_is_used_up_refuses_and_says_when_it_starts_again(engine: Engine) {
    let fixture = Fixture::on(engine);
    quota(&fixture, "100", |_| ());
    let held = fixture.reserve(asks(&fixture, 80, noon())).unwrap();
    let error = fixture.reserve(asks(&fixture, 30, noon())).unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::QuotaExceeded, true), "{error}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    fixture.settle(uses(held, 80, noon())).unwrap();
    let error = fixture.reserve(asks(&fixture, 30, noon())).unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::QuotaExceeded, false));
    let until = at("2026-12-01T00:00:00Z").duration_since(noon());
    assert_eq!(error.retry_after(), Some(Duration::try_from(until).unwrap()));
    fixture.reserve(asks(&fixture, 20, noon())).unwrap();
    let anyone = ReserveRequest { user: None, ..asks(&fixture, 1_000, noon()) };
    fixture.reserve(anyone).unwrap();
    let unknown = ReserveRequest { worst_case_tokens: None, ..asks(&fixture, 0, noon()) };
    let error = fixture.reserve(unknown).unwrap_err();
    assert!(error.detail().contains("is not known; pass on_unpriced"), "{error}");
    verified(&fixture);
}

fn a_month_begins_in_the_users_time_zone_and_none_is_lost(engine: Engine) {
    let fixture = Fixture::on(engine);
    quota(&fixture, "100", |terms| terms.time_zone = "America/New_York".into());
    // Clocks are set back on the first of November, so that the month begins at 04:00 and ends at 05:00.
    let last = at("2026-12-01T04:59:59Z");
    let next = at("2026-12-01T05:00:00Z");
    spend(&fixture, 100, 100, last);
    assert_eq!(fixture.reserve(asks(&fixture, 1, last)).unwrap_err().kind(), ErrorKind::QuotaExceeded);
    let late = fixture.reserve(asks(&fixture, 60, next)).unwrap();
    assert_eq!(tokens(&fixture, last), [100, 0, 0, 0]);
    assert_eq!(tokens(&fixture, next), [0, 60, 0, 0]);
    // What is held in a month is settled in it, months later too.
    let march = at("2027-03-20T12:00:00Z");
    spend(&fixture, 70, 70, march);
    fixture.settle(uses(late, 55, march)).unwrap();
    assert_eq!(tokens(&fixture, next), [55, 0, 0, 0]);
    assert_eq!(tokens(&fixture, march), [70, 0, 0, 0]);
    let status = status(&fixture, QuotaType::TextToken, march);
    assert_eq!((status.month_start, status.month_end), (at("2027-03-01T05:00:00Z"), at("2027-04-01T04:00:00Z")));
    verified(&fixture);
}

fn another_time_zone_gives_no_month_back(engine: Engine) {
    let fixture = Fixture::on(engine);
    quota(&fixture, "100", |_| ());
    spend(&fixture, 100, 90, noon());
    quota(&fixture, "100", |terms| terms.time_zone = "Asia/Shanghai".into());
    assert_eq!(tokens(&fixture, noon()), [90, 0, 0, 0]);
    quota(&fixture, "50", |_| ());
    assert_eq!(status(&fixture, QuotaType::TextToken, noon()).remaining, decimal("0"));
    assert_eq!(fixture.reserve(asks(&fixture, 1, noon())).unwrap_err().kind(), ErrorKind::QuotaExceeded);
    verified(&fixture);
}

fn record_counts_and_refuses_nothing(engine: Engine) {
    let fixture = Fixture::on(engine);
    quota(&fixture, "100", |terms| terms.enforcement = QuotaEnforcement::Record);
    spend(&fixture, 300, 250, noon());
    assert_eq!(tokens(&fixture, noon()), [100, 0, -150, 0]);
    let unknown = ReserveRequest { worst_case_tokens: None, ..asks(&fixture, 0, noon()) };
    let held = fixture.reserve(unknown).unwrap();
    fixture.settle(uses(held, 10, noon())).unwrap();
    assert_eq!(tokens(&fixture, noon()), [100, 0, -160, 0]);
    verified(&fixture);
}

fn pool_lets_the_call_go_on_the_pool_alone(engine: Engine) {
    let fixture = Fixture::on(engine);
    quota(&fixture, "100", |terms| terms.enforcement = QuotaEnforcement::Pool);
    spend(&fixture, 100, 70, noon());
    let error = fixture.reserve(asks(&fixture, 50, noon())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::QuotaExceeded);
    assert!(error.detail().contains("no pool"), "{error}");
    let terms = PoolTerms { provider: "openai".into(), currency: Currency::USD, low_water: None };
    fixture.apply(Operation::PutPool { terms, now: noon() }).unwrap();
    let error = fixture.reserve(asks(&fixture, 50, noon())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PoolExhausted);
    let recharge = NewRecharge {
        provider: "openai".into(),
        currency: Currency::USD,
        amount: decimal("5"),
        operator: None,
        remark: None,
        order_id: None,
    };
    fixture.apply(Operation::RechargePool { recharge: Box::new(recharge), now: noon() }).unwrap();
    spend(&fixture, 50, 50, noon());
    assert_eq!(tokens(&fixture, noon()), [70, 0, 0, 0], "the pool alone pays");
    spend(&fixture, 30, 30, noon());
    assert_eq!(tokens(&fixture, noon()), [100, 0, 0, 0]);
    let pools = fixture.run(fixture.store().pool_statuses(None)).unwrap();
    assert_eq!(pools[0].balance, decimal("3"));
    verified(&fixture);
}

fn each_type_counts_its_own_work(engine: Engine) {
    let fixture = Fixture::on(engine);
    for quota_type in [QuotaType::TextToken, QuotaType::Image, QuotaType::Audio, QuotaType::Video] {
        grant(&fixture, quota_type, "2");
    }
    let takes = |capability, worst: &[(Meter, u64)], used: &[(Meter, &str)]| {
        let worst_case_meters = Some(worst.iter().copied().collect());
        let request = ReserveRequest { capability, worst_case_meters, ..asks(&fixture, 1_000, noon()) };
        let held = fixture.reserve(request)?;
        let meters = used.iter().map(|(meter, quantity)| (*meter, Quantity::new(decimal(quantity)).unwrap())).collect();
        let usage = Usage { meters, ..Usage::default() };
        fixture.settle(Settlement { usage, ..settlement(held, Some(usd("1"))) })
    };
    takes(Capability::Image, &[(Meter::Image, 2)], &[(Meter::Image, "1"), (Meter::OutputToken, "900")]).unwrap();
    let audio = [(Meter::InputAudioSecond, 60), (Meter::OutputAudioSecond, 60)];
    let heard = [(Meter::InputAudioSecond, "20"), (Meter::OutputAudioSecond, "25")];
    takes(Capability::Audio, &audio, &heard).unwrap();
    takes(Capability::Video, &[(Meter::VideoSecond, 2)], &[(Meter::VideoSecond, "1.5")]).unwrap();
    for (quota_type, left) in
        [(QuotaType::TextToken, "2"), (QuotaType::Image, "1"), (QuotaType::Audio, "1.25"), (QuotaType::Video, "0.5")]
    {
        assert_eq!(status(&fixture, quota_type, noon()).balance, decimal(left), "{quota_type:?}");
    }
    let error = takes(Capability::Audio, &[(Meter::InputAudioSecond, 76)], &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::QuotaExceeded, "75 seconds are left: {error}");
    assert_eq!(takes(Capability::Text, &[], &[]).unwrap_err().kind(), ErrorKind::QuotaExceeded);
    verified(&fixture);
}

fn an_order_buys_once_and_is_given_back_once(engine: Engine) {
    let fixture = Fixture::on(engine);
    let buy = |quantity: &str, price: Option<Money>| -> Result<Package> {
        let package = NewPackage {
            user: "alice".into(),
            quota_type: QuotaType::TextToken,
            quantity: decimal(quantity),
            order_id: "order-1".into(),
            price,
            remark: None,
        };
        match fixture.apply(Operation::BuyPackage { package: Box::new(package), now: noon() })? {
            Outcome::Package(package) => Ok(*package),
            other => panic!("{other:?}"),
        }
    };
    let bought = buy("100", Some(usd("9.90"))).unwrap();
    assert_eq!(buy("100", Some(usd("9.9"))).unwrap(), bought);
    for error in [buy("101", Some(usd("9.9"))).unwrap_err(), buy("100", Some(usd("9"))).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::IdempotencyConflict);
    }
    assert_eq!(tokens(&fixture, noon()), [0, 0, 100, 0]);
    spend(&fixture, 40, 30, noon());
    let refund = |order: &str| fixture.apply(Operation::RefundPackage { order_id: order.into(), now: noon() });
    for _ in 0..2 {
        let Outcome::Package(package) = refund("order-1").unwrap() else { panic!("no package") };
        assert_eq!(package.refunded_at, Some(at("2026-11-22T12:00:00.123456Z")));
    }
    assert_eq!(refund("order-2").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(tokens(&fixture, noon()), [0, 0, -30, 0], "what was used of it stays used");
    let kinds: Vec<_> = transactions(&fixture).iter().map(|row| row.transaction_type).collect();
    assert_eq!(kinds, [TransactionType::Purchase, TransactionType::Consume, TransactionType::Refund]);
    assert_eq!(transactions(&fixture)[2].order_id.as_deref(), Some("order-1"));
    assert_eq!(fixture.reserve(asks(&fixture, 1, noon())).unwrap_err().kind(), ErrorKind::QuotaExceeded);
    verified(&fixture);
}

fn what_recovery_billed_too_much_is_given_back_where_it_was_taken(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    quota(&fixture, "100", |_| ());
    grant(&fixture, QuotaType::TextToken, "50");
    let held = fixture.reserve(asks(&fixture, 130, noon())).unwrap();
    fixture.reopen();
    let december = at("2026-12-05T00:00:00Z");
    fixture.recover(RecoveryPolicy::BillReserved, december);
    assert_eq!(tokens(&fixture, noon()), [100, 0, 20, 0]);
    fixture.settle(uses(held, 90, december)).unwrap();
    assert_eq!(tokens(&fixture, noon()), [90, 0, 50, 0], "the balance first, then the month that it was taken of");
    assert_eq!(tokens(&fixture, december), [0, 0, 50, 0]);
    assert_eq!(transactions(&fixture).last().unwrap().transaction_type, TransactionType::Refund);
    verified(&fixture);
    let held = fixture.reserve(asks(&fixture, 30, noon())).unwrap();
    fixture.reopen();
    fixture.recover(RecoveryPolicy::Release, december);
    fixture.settle(uses(held, 25, december)).unwrap();
    assert_eq!(tokens(&fixture, noon()), [100, 0, 35, 0]);
    verified(&fixture);
}

fn a_quota_is_checked_and_taken_from_in_one_step(engine: Engine) {
    let fixture = Fixture::on(engine);
    quota(&fixture, "500", |_| ());
    grant(&fixture, QuotaType::TextToken, "500");
    let requests: Vec<_> = (0..60).map(|_| asks(&fixture, 30, noon())).collect();
    let store = fixture.store().clone();
    let reserved = fixture.run(async move {
        let all = requests.into_iter().map(|request| store.apply(Operation::Reserve(Box::new(request))));
        let mut reserved = Vec::new();
        for outcome in all.collect::<Vec<_>>() {
            if let Ok(Outcome::Reserved(held)) = outcome.await {
                reserved.push(held.id);
            }
        }
        reserved
    });
    assert_eq!(reserved.len(), 33);
    for id in reserved {
        fixture.settle(uses(id, 29, noon())).unwrap();
    }
    let [used, _, balance, _] = tokens(&fixture, noon());
    assert_eq!(used + 500 - balance, 33 * 29);
    verified(&fixture);
}
