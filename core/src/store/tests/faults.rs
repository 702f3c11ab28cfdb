//! Faults of the disk: a write that fails at any place is an error, counts nothing, and leaves a handle that works on.

use std::collections::BTreeSet;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::*;
use crate::store::faults::{Access, Watch, watch};
use crate::store::storage::{ReadTables, WriteTables};

/// A disk that fails at one access, or from one on.
#[derive(Default)]
struct Disk {
    /// How many accesses succeed yet, plus one; none fails where it is zero.
    left: AtomicU64,
    lasts: AtomicBool,
    error: Mutex<Option<io::ErrorKind>>,
    failed: AtomicU64,
}

impl Disk {
    fn fail_at(&self, access: u64, error: io::ErrorKind, lasts: bool) {
        *self.error.lock().unwrap() = Some(error);
        self.lasts.store(lasts, Ordering::SeqCst);
        self.failed.store(0, Ordering::SeqCst);
        self.left.store(access, Ordering::SeqCst);
    }

    /// Ends the fault; returns how many accesses failed.
    fn heal(&self) -> u64 {
        self.left.store(0, Ordering::SeqCst);
        self.failed.load(Ordering::SeqCst)
    }
}

impl Watch for Disk {
    fn before(&self, access: Access<'_>) -> io::Result<()> {
        if matches!(access, Access::Read { .. }) {
            return Ok(());
        }
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| match left {
            0 => None,
            1 if self.lasts.load(Ordering::SeqCst) => Some(1),
            left => Some(left - 1),
        });
        if left != Ok(1) {
            return Ok(());
        }
        self.failed.fetch_add(1, Ordering::SeqCst);
        Err(self.error.lock().unwrap().unwrap().into())
    }

    fn after(&self, _access: Access<'_>) {}
}

/// A file on such a disk, with a budget, and what was acknowledged of it.
struct Faulty {
    fixture: Fixture,
    disk: Arc<Disk>,
    budget: BudgetId,
    settled: BTreeSet<String>,
}

impl Faulty {
    fn new(exclusive: bool) -> Self {
        let mut fixture = Fixture::new();
        let budget = fixture.budget(terms(Scope::everyone(), Limit::Money(usd("1000")), Window::Total));
        fixture.store = None;
        let disk = Arc::<Disk>::default();
        watch(&fixture.path(), Arc::<Disk>::clone(&disk)).unwrap();
        fixture.store = Some(fixture.opened(exclusive));
        Self { fixture, disk, budget, settled: BTreeSet::new() }
    }

    /// Makes a call as the client does: what could not be settled is settled again when the fault is over.
    fn call(&mut self, heals: &mut bool, case: &str) {
        let request = self.fixture.request("alice", Some(usd("2")));
        let uid = request.record_uid.clone();
        let held = match self.fixture.reserve(request) {
            Ok(held) => held,
            Err(error) => return assert_eq!(error.kind(), ErrorKind::Storage, "{case}: {error}"),
        };
        if let Err(error) = self.fixture.settle(settlement(held, Some(usd("1")))) {
            assert_eq!(error.kind(), ErrorKind::Storage, "{case}: {error}");
            self.disk.heal();
            *heals = true;
            self.fixture.settle(settlement(held, Some(usd("1")))).unwrap_or_else(|error| panic!("{case}: {error}"));
        }
        self.settled.insert(uid);
    }

    fn adds_up(&self, case: &str) {
        // What was refused is taken back before the next operation.
        let put = Operation::PutMeta { key: "case".into(), value: case.into(), replace: true };
        self.fixture.apply(put).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(self.fixture.run(self.fixture.store().reservations()).unwrap(), [], "{case}: it stays held");
        let records = self.fixture.records(UsageFilter::default());
        let uids: BTreeSet<_> = records.iter().map(|record| record.uid.clone()).collect();
        assert_eq!(uids, self.settled, "{case}");
        assert_eq!(records.len(), self.settled.len(), "{case}");
        let expected = balance(&records.len().to_string(), "0", 0);
        assert_eq!(self.fixture.balance(self.budget, noon()), expected, "{case}");
    }

    fn is_whole(&self, case: &str) {
        assert_eq!(self.fixture.run(self.fixture.store().verify()).unwrap().damage, [], "{case}");
    }
}

fn a_disk_that_fails_at_each_access(exclusive: bool, error: io::ErrorKind, lasts: bool) -> u64 {
    let mut faulty = Faulty::new(exclusive);
    for access in 1.. {
        let case = format!("access {access} fails with {error:?}, exclusive: {exclusive}, lasting: {lasts}");
        faulty.disk.fail_at(access, error, lasts);
        let mut healed = false;
        for _ in 0..2 {
            faulty.call(&mut healed, &case);
        }
        let failed = faulty.disk.heal();
        faulty.adds_up(&case);
        if access % 8 == 0 || failed == 0 {
            faulty.is_whole(&case);
        }
        if failed == 0 {
            return access;
        }
    }
    0
}

#[test]
fn a_disk_that_is_full_for_a_moment_is_an_error_and_the_handle_works_on() {
    let accesses = a_disk_that_fails_at_each_access(false, io::ErrorKind::StorageFull, false);
    assert!(accesses > 20, "{accesses}");
    let accesses = a_disk_that_fails_at_each_access(true, io::ErrorKind::StorageFull, false);
    assert!(accesses > 10, "{accesses}");
}

#[test]
fn a_disk_that_fails_for_longer_is_an_error_and_the_handle_works_on() {
    a_disk_that_fails_at_each_access(false, io::ErrorKind::Other, true);
    a_disk_that_fails_at_each_access(true, io::ErrorKind::Other, true);
}

#[test]
fn an_exclusive_handle_admits_no_other_while_its_disk_is_full() {
    let mut faulty = Faulty::new(true);
    faulty.disk.fail_at(1, io::ErrorKind::StorageFull, true);
    let world = || Arc::new(SystemEnvironment);
    for _ in 0..2 {
        let refused = faulty.fixture.reserve(faulty.fixture.request("alice", Some(usd("2")))).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Storage, "{refused}");
        let other = RedbStore::open(faulty.fixture.path(), false, world(), row_key()).err().unwrap();
        assert!(other.detail().contains("exclusive"), "{other}");
    }
    faulty.disk.heal();
    faulty.call(&mut false, "healed");
    faulty.adds_up("healed");
    let path = faulty.fixture.path();
    faulty.fixture.store = None;
    drop(RedbStore::open(path, false, world(), row_key()).unwrap());
}

#[test]
fn what_waits_to_be_taken_back_is_so_without_another_operation() {
    let faulty = Faulty::new(false);
    let mut accesses = 1;
    let held = loop {
        faulty.disk.fail_at(accesses, io::ErrorKind::StorageFull, false);
        let reserved = faulty.fixture.reserve(faulty.fixture.request("alice", Some(usd("2"))));
        faulty.disk.heal();
        match reserved {
            Ok(held) => break held,
            Err(_) => accesses += 1,
        }
        let began = SystemEnvironment.monotonic();
        while !faulty.fixture.run(faulty.fixture.store().reservations()).unwrap().is_empty() {
            assert!(SystemEnvironment.monotonic().saturating_sub(began) < Duration::from_secs(10), "access {accesses}");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    assert!(accesses > 5);
    assert_eq!(faulty.fixture.run(faulty.fixture.store().reservations()).unwrap()[0].id, held);
}

#[test]
fn a_defect_is_not_taken_for_damage_and_the_handle_works_on() {
    for exclusive in [false, true] {
        let faulty = Faulty::new(exclusive);
        let storage = faulty.fixture.storage();
        let defect: fn(&dyn WriteTables) -> Result<bool> = |_| panic!("a rule that is wrong");
        let error = storage.write(&mut |tables| defect(tables)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
        let defect: fn(&dyn ReadTables) -> Result<()> = |_| panic!("a query that is wrong");
        let error = storage.read(&mut |tables| defect(tables)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
        // A table is open when it breaks off.
        let error = storage.write(&mut |tables| {
            tables
                .put(tables::BUDGETS.shape(), &9_u64.to_le_bytes(), &[0], &mut |_| panic!("a change that is wrong"))?;
            Ok(true)
        });
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Internal);
        let held = faulty.fixture.reserve(faulty.fixture.request("alice", Some(usd("2")))).unwrap();
        faulty.fixture.settle(settlement(held, Some(usd("1")))).unwrap();
        faulty.is_whole("after a defect");
    }
}
