//! Recovery: what ended processes had reserved.

use super::*;

on_each_engine! {
    recovery_bills_reservations_of_ended_sessions_and_leaves_living_ones,
    whatever_the_clock_says_a_reservation_of_a_living_session_is_let_alone,
    a_cost_that_does_not_fit_its_budget_keeps_no_file_from_opening,
    an_unpriced_reservation_keeps_its_budget_closed_when_billed_and_opens_it_when_released,
    recovery_bills_no_number_of_tokens_that_nobody_knew,
}

fn recovery_bills_reservations_of_ended_sessions_and_leaves_living_ones(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    let tokens = fixture.budget(terms(user("alice"), Limit::Tokens(1_000), Window::Total));
    let request = fixture.request("alice", Some(usd("1.25")));
    let uid = request.record_uid.clone();
    let lost = fixture.reserve(request).unwrap();
    fixture.reopen();
    let other = fixture.another();
    let living = fixture.request("alice", Some(usd("2")));
    let Outcome::Reserved(living) = fixture.run(other.apply(Operation::Reserve(Box::new(living)))).unwrap() else {
        panic!("not reserved")
    };
    let own = fixture.reserve(fixture.request("alice", Some(usd("0.5")))).unwrap();

    assert_eq!(fixture.recover(RecoveryPolicy::BillReserved, noon()), 1);
    assert_eq!(fixture.recover(RecoveryPolicy::BillReserved, noon()), 0);
    let records = fixture.records(UsageFilter::default());
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!((record.uid.as_str(), record.cost_amount), (uid.as_str(), Some(decimal("1.25"))));
    assert_eq!((record.cost_status, record.billed_by), (CostStatus::Estimated, BilledBy::Recovery));
    assert_eq!((record.status, record.token_consumed), (RecordStatus::Failed, Some(100)));
    assert_eq!(record.receipt[0].note.as_deref(), Some("reservation"));
    assert_eq!(record.error_message.as_deref(), Some("the process ended before settlement"));
    assert_eq!(fixture.balance(id, noon()), balance("1.25", "2.5", 0));
    assert_eq!(fixture.balance(tokens, noon()), balance("100", "200", 0));

    // The settlement that comes too late corrects what recovery wrote.
    let late = fixture.settle(settlement(lost, Some(usd("0.1")))).unwrap();
    assert_eq!(late.record_id, record.id);
    assert_eq!(fixture.balance(id, noon()), balance("0.1", "2.5", 0));
    fixture.settle(settlement(own, Some(usd("0.5")))).unwrap();
    fixture.settle(settlement(living.id, Some(usd("2")))).unwrap();
    assert_eq!(fixture.balance(id, noon()), balance("2.6", "0", 0));
}

/// Instants that a wall clock may jump to.
fn jumps() -> impl Iterator<Item = Timestamp> {
    let hours = [2, -2, 365 * 24, -365 * 24].map(|hours| noon() + jiff::SignedDuration::from_hours(hours));
    hours.into_iter().chain([Timestamp::MIN, Timestamp::MAX])
}

fn whatever_the_clock_says_a_reservation_of_a_living_session_is_let_alone(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    let id = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap();
    let own = fixture.reserve(fixture.request("alice", Some(usd("2")))).unwrap();
    let another = fixture.another();
    for now in jumps() {
        assert_eq!(fixture.recover(RecoveryPolicy::BillReserved, now), 0, "{now}");
        let recover = Operation::Recover { policy: RecoveryPolicy::BillReserved, now };
        assert_eq!(fixture.run(another.apply(recover)).unwrap(), Outcome::Recovered(0), "{now}");
    }
    drop(another);
    fixture.settle(settlement(own, Some(usd("0.5")))).unwrap();
    assert_eq!(fixture.balance(id, noon()), balance("0.5", "1", 0));
    fixture.reopen();
    assert_eq!(fixture.recover(RecoveryPolicy::BillReserved, Timestamp::MIN), 1, "its session has ended");
}

#[test]
fn whatever_the_clock_says_the_reservations_of_an_exclusive_handle_are_let_alone() {
    let fixture = Fixture::exclusive();
    fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap();
    for now in jumps() {
        assert_eq!(fixture.recover(RecoveryPolicy::BillReserved, now), 0, "{now}");
    }
}

fn a_cost_that_does_not_fit_its_budget_keeps_no_file_from_opening(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    fixture.budget(terms(user("alice"), Limit::Money(usd("1000000000000000000000")), Window::Total));
    fixture.reserve(fixture.request("alice", Some(usd("0.5")))).unwrap();
    fixture.reserve(fixture.request("alice", Some(usd("100000000000000000000")))).unwrap();
    let fine = fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap();
    fixture.settle(settlement(fine, Some(usd("0.0000000001")))).unwrap();
    // 10^20 and 10^-10 have no exact sum.
    fixture.reopen();
    assert_eq!(fixture.recover(RecoveryPolicy::BillReserved, noon()), 2);
    let records = fixture.records(UsageFilter::default());
    let costs: Vec<_> = records.iter().map(|record| record.cost_amount).collect();
    assert_eq!(costs, [Some(decimal("0.0000000001")), Some(decimal("0.5")), None]);
    assert_eq!(records[2].cost_status, CostStatus::Unpriced);
    assert_eq!(fixture.run(fixture.store().reservations()).unwrap(), []);
}

fn an_unpriced_reservation_keeps_its_budget_closed_when_billed_and_opens_it_when_released(engine: Engine) {
    for (policy, holds) in [(RecoveryPolicy::BillReserved, 1), (RecoveryPolicy::Release, 0)] {
        let mut fixture = Fixture::on(engine);
        let id = fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
        let request = ReserveRequest { on_unpriced: Some(UnpricedPolicy::Hold), ..fixture.request("alice", None) };
        fixture.reserve(request).unwrap();
        fixture.reopen();
        assert_eq!(fixture.recover(policy, noon()), 1);
        assert_eq!(fixture.balance(id, noon()), balance("0", "0", holds), "{policy:?}");
    }
}

#[test]
fn an_exclusive_handle_knows_that_all_others_ended() {
    let mut fixture = Fixture::new();
    fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap();
    fixture.store = None;
    fixture.store =
        Some(Handle::File(RedbStore::open(fixture.path(), true, Arc::new(SystemEnvironment), row_key()).unwrap()));
    fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap();
    assert_eq!(fixture.recover(RecoveryPolicy::BillReserved, noon()), 1);
}

fn recovery_bills_no_number_of_tokens_that_nobody_knew(engine: Engine) {
    for (policy, counted) in [(RecoveryPolicy::BillReserved, None), (RecoveryPolicy::Release, Some(0))] {
        let mut fixture = Fixture::on(engine);
        let id = fixture.budget(terms(user("alice"), Limit::Tokens(1_000), Window::Total));
        let request = ReserveRequest {
            worst_case_tokens: None,
            worst_case_meters: None,
            on_unpriced: Some(UnpricedPolicy::Allow),
            ..fixture.request("alice", None)
        };
        fixture.reserve(request).unwrap();
        fixture.reopen();
        assert_eq!(fixture.recover(policy, noon()), 1);
        assert_eq!(fixture.records(UsageFilter::default())[0].token_consumed, counted, "{policy:?}");
        assert_eq!(fixture.balance(id, noon()), balance("0", "0", 0), "{policy:?}");
        fixture.reserve(fixture.request("alice", None)).unwrap();
    }
}
