//! Opening: files that are not ours, newer, damaged, or out of reach.

use std::fs;
use std::path::Path;

use ::redb::{Database, TableDefinition};

use super::*;
use crate::environment::TestEnvironment;

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

fn open(path: &Path, exclusive: bool) -> Result<Arc<RedbStore>> {
    RedbStore::open(path, exclusive, Arc::new(SystemEnvironment), row_key())
}

/// Opens a file that must be refused with a kind of error and left as it is.
fn refused(path: &Path, kind: ErrorKind) {
    let before = fs::read(path).unwrap();
    for exclusive in [false, true] {
        let error = open(path, exclusive).err().unwrap();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(fs::read(path).unwrap() == before, "the file was changed");
    }
    let beside = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(beside, 1, "something was left beside the file");
}

#[test]
fn a_file_of_another_application_is_refused_and_left_as_it_is() {
    for contents in [&b"x"[..], b"Dear diary, today", b"SQLite format 3\0 and then its pages", b"redb"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, contents).unwrap();
        refused(&path, ErrorKind::NotATollwayFile);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let table: TableDefinition<&str, u64> = TableDefinition::new("meta");
    let database = Database::create(&path).unwrap();
    drop(database);
    refused(&path, ErrorKind::NotATollwayFile);
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(table).unwrap().insert("n", 1).unwrap();
    transaction.commit().unwrap();
    drop(database);
    refused(&path, ErrorKind::NotATollwayFile);
}

#[test]
fn a_foreign_file_whose_writer_was_killed_is_not_even_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let table: TableDefinition<&str, u64> = TableDefinition::new("other");
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(table).unwrap().insert("n", 1).unwrap();
    transaction.commit().unwrap();
    let killed = fs::read(&path).unwrap();
    drop(database);
    fs::write(&path, killed).unwrap();
    refused(&path, ErrorKind::NotATollwayFile);
}

#[test]
fn a_file_whose_writer_was_killed_opens_with_all_that_was_acknowledged() {
    for exclusive in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let fixture = if exclusive { Fixture::exclusive() } else { Fixture::new() };
        let id = fixture.budget(terms(Scope::everyone(), Limit::Tokens(5), Window::Total));
        let path = folder.path().join("killed");
        fs::copy(fixture.path(), &path).unwrap();
        let store = open(&path, exclusive).unwrap();
        let statuses = fixture.run(store.budget_statuses(None, noon())).unwrap();
        assert_eq!(statuses[0].budget.id, id);
    }
}

#[test]
fn a_file_whose_writer_was_killed_needs_no_repair_that_reads_all_of_it() {
    for exclusive in [false, true] {
        let fixture = if exclusive { Fixture::exclusive() } else { Fixture::new() };
        let held = fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap();
        fixture.settle(settlement(held, Some(usd("1")))).unwrap();
        let path = fixture.folder().path().join("killed");
        fs::copy(fixture.path(), &path).unwrap();
        let mut builder = ::redb::Builder::new();
        builder.set_repair_callback(::redb::RepairSession::abort);
        if !exclusive {
            builder.set_concurrency_mode(::redb::ConcurrencyMode::MultiWriter);
        }
        builder.open(&path).unwrap_or_else(|error| panic!("exclusive: {exclusive}: {error}"));
    }
}

#[test]
fn a_newer_file_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    drop(open(&path, false).unwrap());
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    let newer = 4_u64.to_le_bytes();
    transaction.open_table(META).unwrap().insert("tollway_schema_version", newer.as_slice()).unwrap();
    transaction.commit().unwrap();
    drop(database);
    refused(&path, ErrorKind::NewerFile);
}

#[test]
fn a_truncated_file_is_damaged() {
    let fixture = Fixture::new();
    fixture.budget(terms(Scope::everyone(), Limit::Tokens(5), Window::Total));
    let whole = fs::read(fixture.path()).unwrap();
    for length in [9, 100, 319, 320, 4_095, 4_096, 10_000, whole.len() / 2, whole.len() - 1] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, &whole[..length]).unwrap();
        let error = open(&path, false).err().unwrap_or_else(|| panic!("opened {length} bytes"));
        assert_eq!(error.kind(), ErrorKind::CorruptedFile, "{length} bytes: {error}");
    }
}

#[test]
fn a_damaged_file_is_an_error_and_never_a_hang_or_a_crash() {
    let mut fixture = Fixture::new();
    for number in 0..40 {
        let held = fixture.reserve(fixture.request(&format!("user-{number}"), Some(usd("1")))).unwrap();
        fixture.settle(settlement(held, Some(usd("1")))).unwrap();
    }
    fixture.store = None;
    let whole = fs::read(fixture.path()).unwrap();
    let used = whole.chunks(4_096).enumerate().skip(1).filter(|(_, page)| page.iter().any(|byte| *byte != 0));
    let pages: Vec<usize> = used.map(|(number, _)| number).collect();
    assert!(pages.len() > 10);
    let every = pages.clone();
    let cases = pages.into_iter().map(|page| vec![page]).chain([every]);
    for (case, pages) in cases.enumerate() {
        for fill in [0x00, 0xFF, 0x5A] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            let mut bytes = whole.clone();
            for page in &pages {
                bytes[page * 4_096 + 8..(page + 1) * 4_096].fill(fill);
            }
            fs::write(&path, bytes).unwrap();
            let outcome = open(&path, case % 2 == 0).and_then(|store| {
                fixture.run(store.usage_records(UsageFilter::default(), None, 100))?;
                fixture.run(store.apply(Operation::Reserve(Box::new(fixture.request("alice", None)))))
            });
            match outcome {
                Err(error) => assert_eq!(error.kind(), ErrorKind::CorruptedFile, "{error}"),
                // A page that holds nothing in use may be damaged unnoticed; all of them may not.
                Ok(_) => assert_eq!(pages.len(), 1),
            }
        }
    }
}

#[test]
fn damage_that_is_found_while_the_store_is_open_stops_it() {
    let fixture = Fixture::new();
    fixture
        .storage()
        .write(&mut |tables| {
            let table = tables::BUDGETS.shape();
            tables.put(table, &1_u64.to_le_bytes(), &[0], &mut |_| {}).map(|()| true)
        })
        .unwrap();
    let error = fixture.run(fixture.store().configuration()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CorruptedFile);
    assert!(error.detail().contains("table budgets"), "{error}");
    let refused = fixture.reserve(fixture.request("alice", None)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::CorruptedFile);
    assert_eq!(fixture.run(fixture.store().models()).unwrap_err().kind(), ErrorKind::CorruptedFile);
}

#[test]
fn a_path_that_cannot_be_reached_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        (folder.path().join("no/such/folder/file"), "folder"),
        (folder.path().to_owned(), "folder"),
        (Path::new("/proc/version").to_owned(), "version"),
        (Path::new("/sys/kernel/tollway").to_owned(), "tollway"),
    ];
    for (path, part) in cases {
        if !path.starts_with(folder.path()) && !Path::new("/proc/version").exists() {
            continue;
        }
        let error = open(&path, false).err().unwrap();
        let expected = [ErrorKind::Storage, ErrorKind::NotATollwayFile];
        assert!(expected.contains(&error.kind()), "{error}");
        assert!(error.detail().contains(part), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_written_says_so() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    drop(open(&path, false).unwrap());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    if fs::File::options().write(true).open(&path).is_ok() {
        println!("skipped: this user may write what is read-only");
        return;
    }
    let file = open(&path, false).err().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let beside = open(&folder.path().join("other"), false).err().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    for error in [file, beside] {
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.detail().contains("write access"), "{error}");
    }
}

#[test]
fn an_exclusive_handle_admits_no_other_and_none_is_exclusive_beside_another() {
    for (first, second) in [(true, false), (true, true), (false, true)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let held = open(&path, first).unwrap();
        let error = open(&path, second).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.detail().contains("exclusive"), "{error}");
        drop(held);
        open(&path, second).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_alone_even_where_an_empty_one_lay() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    for empty_before in [false, true] {
        let path = folder.path().join(format!("file-{empty_before}"));
        if empty_before {
            fs::write(&path, b"").unwrap();
        }
        let store = open(&path, false).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(store.path(), fs::canonicalize(&path).unwrap());
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn handles_that_race_to_make_the_file_share_it() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let stores: Vec<_> = std::thread::scope(|scope| {
            let opens: Vec<_> = (0..6).map(|_| scope.spawn(|| open(&path, false).unwrap())).collect();
            opens.into_iter().map(|open| open.join().unwrap()).collect()
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for store in &stores {
            let terms = terms(Scope::everyone(), Limit::Tokens(1), Window::Total);
            let outcome = runtime.block_on(store.apply(Operation::PutBudget { terms, now: noon() })).unwrap();
            assert_eq!(outcome, Outcome::BudgetPut(BudgetId::new(1)));
        }
    }
}

/// A world whose process id can be changed, as a fork changes it.
struct Forking {
    world: TestEnvironment,
    process_id: std::sync::atomic::AtomicU32,
}

impl Environment for Forking {
    fn now(&self) -> Timestamp {
        self.world.now()
    }
    fn monotonic(&self) -> Duration {
        self.world.monotonic()
    }
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.world.sleep(duration)
    }
    fn fill_random(&self, buffer: &mut [u8]) {
        self.world.fill_random(buffer);
    }
    fn variable(&self, name: &str) -> Option<String> {
        self.world.variable(name)
    }
    fn process_id(&self) -> u32 {
        self.process_id.load(std::sync::atomic::Ordering::SeqCst)
    }
}

#[test]
fn a_forked_child_is_refused_and_leaves_the_locks_of_its_parent() {
    let fixture = Fixture::new();
    let path = fixture.folder().path().join("forked");
    let world = Arc::new(Forking { world: TestEnvironment::new(noon()), process_id: 1.into() });
    let store = RedbStore::open(&path, false, Arc::<Forking>::clone(&world), row_key()).unwrap();
    world.process_id.store(2, std::sync::atomic::Ordering::SeqCst);
    let request = Operation::Reserve(Box::new(fixture.request("alice", None)));
    assert_eq!(fixture.run(store.apply(request)).unwrap_err().kind(), ErrorKind::Forked);
    assert_eq!(fixture.run(store.configuration_version()).unwrap_err().kind(), ErrorKind::Forked);
    drop(store);
    // The locks are still held: an exclusive handle is refused.
    assert_eq!(open(&path, true).err().unwrap().kind(), ErrorKind::Storage);
}

#[test]
fn sessions_with_the_same_randomness_have_different_ids() {
    let fixture = Fixture::new();
    let path = fixture.folder().path().join("seeded");
    let seeded = || RedbStore::open(&path, false, Arc::new(TestEnvironment::new(noon())), row_key()).unwrap();
    let first = seeded();
    let request = Operation::Reserve(Box::new(fixture.request("alice", None)));
    fixture.run(first.apply(request)).unwrap();
    drop(first);
    let second = seeded();
    let recover = Operation::Recover { policy: RecoveryPolicy::BillReserved, now: noon() };
    assert_eq!(fixture.run(second.apply(recover)).unwrap(), Outcome::Recovered(1));
}

fn open_existing(path: &Path) -> Result<Opening> {
    Opening::open(path, false, false, PATIENCE, Arc::new(SystemEnvironment), &|_| Ok(()))
}

#[test]
fn without_create_nothing_is_made_of_a_missing_or_an_empty_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    assert_eq!(open_existing(&path).err().unwrap().kind(), ErrorKind::NotFound);
    assert!(!path.exists());
    fs::write(&path, b"").unwrap();
    assert_eq!(open_existing(&path).err().unwrap().kind(), ErrorKind::CorruptedFile);
    assert_eq!(fs::metadata(&path).unwrap().len(), 0);
    drop(open(&path, false).unwrap());
    open_existing(&path).unwrap();
}

#[cfg(unix)]
#[test]
fn nothing_is_made_through_a_link_and_others_lose_their_rights_to_the_file() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let [ledger, link, nowhere, dangling, empty, to_empty] =
        ["ledger", "link", "nowhere", "dangling", "empty", "to-empty"].map(|name| folder.path().join(name));
    drop(open(&ledger, false).unwrap());
    fs::set_permissions(&ledger, fs::Permissions::from_mode(0o666)).unwrap();
    symlink(&ledger, &link).unwrap();
    drop(open(&link, false).unwrap());
    assert_eq!(fs::metadata(&ledger).unwrap().permissions().mode() & 0o777, 0o600);
    symlink(&nowhere, &dangling).unwrap();
    assert_eq!(open(&dangling, false).err().unwrap().kind(), ErrorKind::Storage);
    assert!(!nowhere.exists());
    fs::write(&empty, b"").unwrap();
    symlink(&empty, &to_empty).unwrap();
    assert_eq!(open(&to_empty, false).err().unwrap().kind(), ErrorKind::NotATollwayFile);
    assert_eq!(fs::metadata(&empty).unwrap().len(), 0);
}

#[cfg(unix)]
#[test]
fn a_file_that_is_deleted_replaced_or_emptied_while_it_is_open_is_noticed_at_the_next_write() {
    type Change = fn(&Path);
    let changes: [(Change, ErrorKind); 3] = [
        (|path| fs::remove_file(path).unwrap(), ErrorKind::Storage),
        (|path| fs::rename(path.with_file_name("other"), path).unwrap(), ErrorKind::Storage),
        (|path| fs::File::options().write(true).open(path).unwrap().set_len(0).unwrap(), ErrorKind::CorruptedFile),
    ];
    for (change, kind) in changes {
        let fixture = Fixture::new();
        fs::write(fixture.path().with_file_name("other"), b"something else").unwrap();
        fixture.reserve(fixture.request("alice", None)).unwrap();
        change(&fixture.path());
        for _ in 0..2 {
            assert_eq!(fixture.reserve(fixture.request("alice", None)).unwrap_err().kind(), kind);
        }
        let left = fs::read(fixture.path()).ok();
        let path = fixture.path();
        let Fixture { place, store, .. } = fixture;
        drop(store);
        assert_eq!(fs::read(path).ok(), left, "closing wrote to a file that is not ours any more");
        drop(place);
    }
}

#[test]
fn a_file_is_opened_beside_a_writer_that_never_rests() {
    let fixture = Fixture::new();
    for worker in 0..8 {
        let (store, request) = (fixture.store().clone(), fixture.request("alice", None));
        fixture.spawn(async move {
            for call in 0_u64.. {
                let request = ReserveRequest { record_uid: format!("{worker}-{call}"), ..request.clone() };
                if store.apply(Operation::Reserve(Box::new(request))).await.is_err() {
                    break;
                }
            }
        });
    }
    for round in 0..16 {
        drop(open(&fixture.path(), false).unwrap_or_else(|error| panic!("round {round}: {error}")));
    }
}

#[test]
fn a_neighbour_that_never_gives_the_file_free_is_an_error_that_says_so() {
    let fixture = Fixture::new();
    let file = fs::File::options().read(true).write(true).open(fixture.path()).unwrap();
    let engine = ::redb::backends::FileBackend::new(file).unwrap();
    let mut builder = ::redb::Builder::new();
    let frozen =
        builder.set_concurrency_mode(::redb::ConcurrencyMode::MultiWriter).create_with_backend(engine).unwrap();
    let transaction = frozen.begin_write().unwrap();
    let patience = Duration::from_millis(300);
    let world = || Arc::new(SystemEnvironment);
    let error = Opening::open(fixture.path(), false, false, patience, world(), &|_| Ok(())).err().unwrap();
    busy(&error);
    // A handle that is open reads, and writes again once it can.
    let store = fixture.store();
    assert_eq!(fixture.run(store.models()).unwrap(), []);
    let budget =
        || Operation::PutBudget { terms: terms(Scope::everyone(), Limit::Tokens(5), Window::Total), now: noon() };
    let late = fixture
        .run(store.apply_until(budget(), Box::pin(async move { SystemEnvironment.sleep(patience).await })))
        .unwrap_err();
    assert!(late.outcome.is_none(), "it had not begun");
    busy(&late.error);
    let waiting = store.apply(budget());
    transaction.abort().unwrap();
    assert_eq!(fixture.run(waiting).unwrap(), Outcome::BudgetPut(BudgetId::new(1)));
    assert_eq!(fixture.run(store.budget_statuses(None, noon())).unwrap().len(), 1, "what was withdrawn was written");
    drop(open(&fixture.path(), false).unwrap());
}

/// Checks that an error names this process, which has the lock by another handle.
fn busy(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::StorageBusy, "{error}");
    let own = format!("process {}", SystemEnvironment.process_id());
    assert!(!cfg!(target_os = "linux") || error.detail().contains(&own), "{error}");
}

#[test]
fn a_file_that_an_earlier_version_made_has_no_rates() {
    let mut fixture = Fixture::new();
    fixture.store = None;
    let database = ::redb::Database::open(fixture.path()).unwrap();
    let transaction = database.begin_write().unwrap();
    let found = transaction.list_tables().unwrap().find(|handle| ::redb::TableHandle::name(handle) == "fx_rates");
    assert!(transaction.delete_table(found.unwrap()).unwrap());
    transaction.commit().unwrap();
    drop(database);
    fixture.reopen();
    assert!(fixture.configuration().fx_rates.is_empty());
    let rate = NewFxRate {
        from: Currency::CNY,
        to: Currency::USD,
        rate: decimal("0.14"),
        effective_date: noon(),
        source: "test".into(),
    };
    fixture.apply(Operation::AddFxRate { rate, now: noon() }).unwrap();
    fixture.reopen();
    assert_eq!(fixture.configuration().fx_rates.len(), 1);
}

#[cfg(unix)]
#[test]
fn a_file_of_another_user_is_refused() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let fixture = Fixture::new();
    let path = fixture.path();
    drop(fixture.another());
    std::os::unix::fs::chown(&path, Some(1_000), None).unwrap();
    let error = open(&path, false).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.detail().contains("belongs to user 1000"), "{error}");
}

#[test]
fn an_empty_file_that_another_process_locks_is_not_waited_for_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let held = fs::File::create(&path).unwrap();
    held.lock().unwrap();
    let error = open(&path, false).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::StorageBusy, "{error}");
    drop(held);
    open(&path, false).unwrap();
}
