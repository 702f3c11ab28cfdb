//! Jobs: reservations of work that outlives the process that asked for it.

use super::*;

on_each_engine! {
    a_job_stays_held_when_its_process_ends_and_is_billed_by_who_learns_how_it_ended,
    one_handle_at_a_time_asks_for_a_job,
    a_job_has_one_id_and_what_is_none_cannot_be_taken,
    a_job_that_failed_frees_what_it_held_once,
}

fn submit(fixture: &Fixture, id: ReservationId, job_id: &str) -> Result<Outcome> {
    fixture.apply(Operation::SubmitJob { reservation_id: id, job_id: job_id.to_owned() })
}

fn take(fixture: &Fixture, handle: &Handle, id: ReservationId) -> bool {
    let take = Operation::TakeJob { reservation_id: id, now: noon(), until: noon() + Duration::from_mins(1) };
    match fixture.run(handle.apply(take)).unwrap() {
        Outcome::JobTaken(is_taken) => is_taken,
        other => panic!("{other:?}"),
    }
}

fn budget_of(fixture: &Fixture) -> BudgetId {
    fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total))
}

fn a_job_stays_held_when_its_process_ends_and_is_billed_by_who_learns_how_it_ended(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    let budget = budget_of(&fixture);
    let id = fixture.reserve(fixture.request("alice", Some(usd("2")))).unwrap();
    submit(&fixture, id, "video-1").unwrap();
    fixture.reopen();
    for policy in [RecoveryPolicy::BillReserved, RecoveryPolicy::Release] {
        assert_eq!(fixture.recover(policy, Timestamp::MAX), 0);
    }
    assert_eq!(fixture.balance(budget, noon()), balance("0", "2", 0));
    assert_eq!(fixture.run(fixture.store().verify()).unwrap().damage, []);
    let open = fixture.run(fixture.store().reservations()).unwrap();
    assert_eq!((open.len(), open[0].id, open[0].job_id.as_deref()), (1, id, Some("video-1")));
    assert!(take(&fixture, fixture.store(), id));
    let settled = fixture.settle(settlement(id, Some(usd("0.5")))).unwrap();
    assert_eq!(fixture.settle(settlement(id, Some(usd("0.7")))).unwrap(), settled, "it is billed once");
    assert_eq!(fixture.balance(budget, noon()), balance("0.5", "0", 0));
    assert_eq!(fixture.run(fixture.store().verify()).unwrap().damage, []);
}

fn one_handle_at_a_time_asks_for_a_job(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.reserve(fixture.request("alice", Some(usd("2")))).unwrap();
    submit(&fixture, id, "video-1").unwrap();
    let other = fixture.another();
    assert!(take(&fixture, fixture.store(), id), "who submitted it asks for it");
    assert!(!take(&fixture, &other, id));
    fixture.run(other.apply(Operation::LeaveJob { reservation_id: id })).unwrap();
    assert!(!take(&fixture, &other, id), "only who asks for it can leave it");
    fixture.apply(Operation::LeaveJob { reservation_id: id }).unwrap();
    assert!(take(&fixture, &other, id));
    assert!(!take(&fixture, fixture.store(), id));
    drop(other);
    assert!(take(&fixture, fixture.store(), id), "who took it has ended");
}

fn a_job_has_one_id_and_what_is_none_cannot_be_taken(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = fixture.reserve(fixture.request("alice", Some(usd("2")))).unwrap();
    let take = |id| Operation::TakeJob { reservation_id: id, now: noon(), until: noon() };
    let refused = |operation: Operation| fixture.apply(operation).unwrap_err().kind();
    assert_eq!(refused(take(id)), ErrorKind::InvalidRequest);
    assert_eq!(submit(&fixture, id, "").unwrap_err().kind(), ErrorKind::InvalidRequest);
    submit(&fixture, id, "video-1").unwrap();
    submit(&fixture, id, "video-1").unwrap();
    let error = submit(&fixture, id, "video-2").unwrap_err();
    assert!(error.detail().contains("video-1") && error.detail().contains("video-2"), "{error}");
    fixture.settle(settlement(id, Some(usd("1")))).unwrap();
    assert_eq!(refused(take(id)), ErrorKind::NotFound);
    assert_eq!(submit(&fixture, id, "video-1").unwrap_err().kind(), ErrorKind::NotFound);
}

fn a_job_that_failed_frees_what_it_held_once(engine: Engine) {
    let fixture = Fixture::on(engine);
    let budget = budget_of(&fixture);
    let id = fixture.reserve(fixture.request("alice", Some(usd("2")))).unwrap();
    submit(&fixture, id, "video-1").unwrap();
    let failed = || Settlement {
        billed_by: BilledBy::NotBilled,
        status: RecordStatus::Failed,
        ..settlement(id, Some(usd("0")))
    };
    let first = fixture.settle(failed()).unwrap();
    assert_eq!(fixture.settle(failed()).unwrap(), first);
    assert_eq!(fixture.balance(budget, noon()), balance("0", "0", 0));
    assert_eq!(fixture.records(UsageFilter::default()).len(), 1);
}
