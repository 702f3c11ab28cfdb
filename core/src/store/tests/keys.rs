//! Idempotency keys.

use super::*;

on_each_engine! {
    a_key_is_claimed_once_completed_with_its_settlement_and_then_answers,
    a_key_is_released_by_its_own_call_only,
    a_claim_whose_process_ended_is_free_and_one_that_lives_is_not_whatever_the_clock_says,
    claims_delete_the_replies_that_lapsed,
    recovery_frees_claims_and_deletes_old_replies_but_no_others,
}

fn claim(key: &str, fingerprint: u8, request: &str, now: Timestamp) -> Operation {
    Operation::ClaimKey {
        key: key.into(),
        fingerprint: [fingerprint; 32],
        former: [0xFF; 32],
        request_id: request.into(),
        now,
        expires_at: now + Duration::from_mins(1),
    }
}

fn a_key_is_claimed_once_completed_with_its_settlement_and_then_answers(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    let claimed = |fixture: &Fixture, operation| match fixture.apply(operation)? {
        Outcome::KeyClaim(claim) => Ok(claim),
        other => panic!("{other:?}"),
    };
    let request = fixture.request("alice", None);
    let call = request.request_id.clone();
    assert_eq!(claimed(&fixture, claim("k", 1, &call, noon())).unwrap(), KeyClaim::Claimed);
    assert_eq!(claimed(&fixture, claim("k", 1, "other", noon())).unwrap(), KeyClaim::InFlight);
    let conflict: Error = claimed(&fixture, claim("k", 2, "other", noon())).unwrap_err();
    assert_eq!(conflict.kind(), ErrorKind::IdempotencyConflict);

    let held = fixture.reserve(request).unwrap();
    let completes_key = Some(("k".into(), b"sealed".to_vec()));
    fixture.settle(Settlement { completes_key, ..settlement(held, None) }).unwrap();
    fixture.reopen();
    let reply = KeyClaim::Completed(b"sealed".to_vec());
    assert_eq!(claimed(&fixture, claim("k", 1, "later", noon())).unwrap(), reply);
    // The call that completed it cannot give it up, and a day later it is free.
    fixture.apply(Operation::ReleaseKey { key: "k".into(), request_id: call }).unwrap();
    assert_eq!(claimed(&fixture, claim("k", 1, "later", noon())).unwrap(), reply);
    let tomorrow = noon() + Duration::from_hours(24);
    assert_eq!(claimed(&fixture, claim("k", 2, "later", tomorrow)).unwrap(), KeyClaim::Claimed);
}

fn a_key_is_released_by_its_own_call_only(engine: Engine) {
    let fixture = Fixture::on(engine);
    fixture.apply(claim("k", 1, "mine", noon())).unwrap();
    fixture.apply(Operation::ReleaseKey { key: "k".into(), request_id: "other".into() }).unwrap();
    let outcome = fixture.apply(claim("k", 1, "other", noon())).unwrap();
    assert_eq!(outcome, Outcome::KeyClaim(KeyClaim::InFlight));
    fixture.apply(Operation::ReleaseKey { key: "k".into(), request_id: "mine".into() }).unwrap();
    let outcome = fixture.apply(claim("k", 2, "other", noon())).unwrap();
    assert_eq!(outcome, Outcome::KeyClaim(KeyClaim::Claimed));
}

fn a_claim_whose_process_ended_is_free_and_one_that_lives_is_not_whatever_the_clock_says(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    fixture.apply(claim("ended", 1, "a", noon())).unwrap();
    fixture.reopen();
    assert_eq!(fixture.apply(claim("ended", 2, "b", noon())).unwrap(), Outcome::KeyClaim(KeyClaim::Claimed));
    let another = fixture.another();
    for now in [Timestamp::MIN, noon() + Duration::from_mins(1), Timestamp::MAX] {
        fixture.recover(RecoveryPolicy::BillReserved, now);
        for store in [fixture.store(), &another] {
            let claimed = fixture.run(store.apply(claim("ended", 2, "c", noon()))).unwrap();
            assert_eq!(claimed, Outcome::KeyClaim(KeyClaim::InFlight), "{now}");
        }
    }
}

fn claims_delete_the_replies_that_lapsed(engine: Engine) {
    let fixture = Fixture::on(engine);
    let kept = || {
        let mut count = 0;
        let read = fixture.storage().read(&mut |tables| {
            count = tables.count(tables::KEYS_BY_TIME.shape())?;
            Ok(())
        });
        read.map(|()| count).unwrap()
    };
    for key in ["a", "b", "c"] {
        let request = fixture.request("alice", None);
        fixture.apply(claim(key, 1, &request.request_id, noon())).unwrap();
        let held = fixture.reserve(request).unwrap();
        fixture
            .settle(Settlement { completes_key: Some((key.to_owned(), vec![1])), ..settlement(held, None) })
            .unwrap();
    }
    fixture.apply(claim("early", 1, "early", noon() + Duration::from_hours(23))).unwrap();
    assert_eq!(kept(), 3);
    fixture.apply(claim("late", 1, "late", noon() + Duration::from_hours(24))).unwrap();
    assert_eq!(kept(), 0);
}

fn recovery_frees_claims_and_deletes_old_replies_but_no_others(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    let complete = |fixture: &Fixture, key: &str, now: Timestamp| {
        let request = fixture.request("alice", None);
        fixture.apply(claim(key, 1, &request.request_id, now)).unwrap();
        let held = fixture.reserve(request).unwrap();
        let completes_key = Some((key.to_owned(), vec![1]));
        fixture.settle(Settlement { completes_key, now, ..settlement(held, None) }).unwrap();
    };
    complete(&fixture, "old", noon());
    complete(&fixture, "young", noon() + Duration::from_mins(1));
    fixture.apply(claim("lost", 1, "lost", noon() + Duration::from_hours(24))).unwrap();
    fixture.reopen();
    let now = noon() + Duration::from_hours(24);
    fixture.apply(claim("alive", 1, "alive", now)).unwrap();
    assert_eq!(fixture.recover(RecoveryPolicy::BillReserved, now), 0);
    // Whether a key is free shows by a claim with another fingerprint.
    for (key, free) in [("old", true), ("young", false), ("lost", true), ("alive", false)] {
        assert_eq!(fixture.apply(claim(key, 9, "x", now)).is_ok(), free, "{key}");
    }
}
