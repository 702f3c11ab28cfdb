//! How many calls per second the ledger takes. The figures are printed, and only their order is checked.

use super::*;
use crate::store::reading::Reader;
use crate::store::rollup::digest;

/// Reserves and settles with some callers at once, and returns the pairs per second.
fn pairs_per_second(fixture: &Fixture, callers: u64, each: u64) -> u64 {
    let began = SystemEnvironment.monotonic();
    fixture.run(async {
        let calls = (0..callers).map(|_| async {
            for _ in 0..each {
                let request = fixture.request("alice", Some(usd("0.001")));
                let reserved = fixture.store().apply(Operation::Reserve(Box::new(request))).await.unwrap();
                let Outcome::Reserved(reserved) = reserved else { panic!("not reserved") };
                let settlement = settlement(reserved.id, Some(usd("0.0005")));
                fixture.store().apply(Operation::Settle(Box::new(settlement))).await.unwrap();
            }
        });
        futures_util::future::join_all(calls).await
    });
    let took = SystemEnvironment.monotonic().saturating_sub(began);
    callers * each * 1_000_000 / u64::try_from(took.as_micros()).unwrap().max(1)
}

#[test]
fn callers_at_once_share_commits() {
    for fixture in [Fixture::new(), Fixture::exclusive(), Fixture::on(Engine::Memory)] {
        let id = fixture.budget(terms(user("alice"), Limit::Money(usd("1000")), Window::Month));
        let alone = pairs_per_second(&fixture, 1, 100);
        let together = pairs_per_second(&fixture, 64, 20);
        println!("reserve and settle: {alone} pairs/s alone, {together} pairs/s with 64 callers");
        // Memory has no disk to wait for, so that nothing is gained by waiting together.
        let is_shared = together > alone || matches!(fixture.place, Place::Memory(_));
        assert!(is_shared, "64 callers must share commits: {together} against {alone} pairs/s");
        assert_eq!(fixture.balance(id, noon()), balance("0.69", "0", 0));
    }
}

/// However many come, records are added to the rollups about as fast as they are settled.
#[test]
fn records_that_wait_to_be_digested_do_not_grow_without_bound() {
    let fixture = Fixture::new();
    pairs_per_second(&fixture, 64, 40);
    let mut waiting = 0;
    let read = fixture.storage().read(&mut |tables| {
        waiting = digest::waiting(&Reader::new(tables, &row_key()).state()?);
        Ok(())
    });
    read.unwrap();
    // Beside what may always wait, there are those of the last two commits.
    assert!(waiting <= digest::MOST_WAITING + 2 * 64, "{waiting} of 2,560 wait");
}
