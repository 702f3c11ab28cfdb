//! Damage: flipped bits and cut ends of a real file are errors of the library, and never end the process.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "this is a test; helpers fail it where they stand")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tollway::environment::{Environment, SystemEnvironment};
use tollway::store::{Operation, Outcome, RedbStore, ReserveRequest, RowKey, Settlement, Store};
use tollway::types::*;

/// The variable that holds what a child is to do: the path of the whole file, the first case and the number of cases.
const PART: &str = "TOLLWAY_TEST_DAMAGE";
/// The variable that sets how many cases there are, for long runs by hand.
const CASES: &str = "TOLLWAY_TEST_DAMAGES";
/// How many there are otherwise.
const FEW_CASES: u64 = 165;
/// How many records the file has.
const RECORDS: usize = 1_000;
/// The size of a page.
const PAGE: usize = 4_096;

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn row_key() -> RowKey {
    RowKey::new(&[7; 16])
}

fn usd(amount: &str) -> Money {
    Money::new(amount.parse().unwrap(), Currency::USD)
}

fn open(path: &Path) -> Result<Arc<RedbStore>> {
    RedbStore::open(path, false, Arc::new(SystemEnvironment), row_key())
}

fn request(user: &str) -> Operation {
    let now = SystemEnvironment.now();
    Operation::Reserve(Box::new(ReserveRequest {
        request_id: SystemEnvironment.unique_id(),
        attempt: 1,
        record_uid: SystemEnvironment.unique_id(),
        user: Some(user.to_owned()),
        tags: BTreeMap::new(),
        model_config_id: ModelConfigId::new(1),
        provider: "openai".into(),
        model: "gpt-test".into(),
        capability: Capability::Text,
        worst_case: Some(usd("0.01")),
        worst_case_tokens: Some(10),
        worst_case_meters: None,
        on_unpriced: None,
        planned_with: None,
        now,
        expires_at: now + Duration::from_hours(1),
    }))
}

fn settlement(id: ReservationId) -> Operation {
    let now = SystemEnvironment.now();
    Operation::Settle(Box::new(Settlement {
        reservation_id: id,
        usage: Usage { meters: [(Meter::OutputToken, 1.into())].into(), ..Usage::default() },
        facts: Facts::at(now),
        cost: Some(usd("0.005")),
        cost_status: CostStatus::Computed,
        billed_by: BilledBy::ProviderUsage,
        receipt: Vec::new(),
        price_ids: Vec::new(),
        status: RecordStatus::Success,
        provider_request_id: None,
        served_model: None,
        error_code: None,
        error_message: None,
        latency_ms: 1,
        completes_key: None,
        now,
    }))
}

async fn call(store: &RedbStore, user: &str) -> Result<()> {
    match store.apply(request(user)).await? {
        Outcome::Reserved(reserved) => store.apply(settlement(reserved.id)).await.map(|_| ()),
        other => panic!("{other:?}"),
    }
}

/// Makes a folder in memory where there is one, because nothing here depends on the disk.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Makes a file of many records, and closes it.
fn make(path: &Path) {
    let store = open(path).unwrap();
    run(async {
        for scope in [Scope::everyone(), Scope::of_user("user-3")] {
            let limit = Limit::Money(usd("100000"));
            let terms = BudgetTerms::new(scope, limit, Window::Total);
            store.apply(Operation::PutBudget { terms, now: SystemEnvironment.now() }).await.unwrap();
        }
        for batch in 0..RECORDS / 100 {
            let users: Vec<_> = (0..100).map(|number| format!("user-{}", (batch + number) % 17)).collect();
            for outcome in futures_util::future::join_all(users.iter().map(|user| call(&store, user))).await {
                outcome.unwrap();
            }
        }
    });
}

/// Numbers from a seed: the same cases in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        // The generator of Steele, Lea and Flood ("splitmix64").
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }
}

/// Damages a file: its end is cut off, or a bit is flipped, mostly where a page begins.
fn damage(bytes: &mut Vec<u8>, pages: &[usize], case: u64) -> String {
    let mut numbers = Numbers(case.wrapping_mul(0x1234_5678_9ABC_DEF1));
    if case % 11 == 10 {
        let length = numbers.below(bytes.len());
        bytes.truncate(length);
        return format!("cut to {length} bytes");
    }
    let page = pages[numbers.below(pages.len())];
    // A page begins with its type and the number of its entries; then come offsets, page numbers and checksums.
    let span = [4, 4, 64, 256, PAGE][numbers.below(5)];
    let (byte, bit) = (page * PAGE + numbers.below(span), numbers.below(8));
    bytes[byte] ^= 1 << bit;
    format!("bit {bit} of byte {} of page {page}", byte % PAGE)
}

/// What a reader sees of a file.
fn seen(store: &RedbStore) -> Result<String> {
    run(async {
        let statuses = store.budget_statuses(None, SystemEnvironment.now()).await?;
        let of_user = UsageFilter { user: Some("user-3".into()), ..UsageFilter::default() };
        let of_user = store.usage_records(of_user, None, usize::MAX).await?;
        let records = store.usage_records(UsageFilter::default(), None, usize::MAX).await?;
        let balances: Vec<_> = statuses.into_iter().map(|status| (status.budget, status.balance)).collect();
        Ok(format!("{balances:?} {of_user:?} {records:?}"))
    })
}

/// Opens, reads, writes and closes a damaged file. What is read is right, or is an error.
fn visit(path: &Path, case: u64, whole: &str) -> Result<()> {
    let store = RedbStore::open(path, case % 4 == 1, Arc::new(SystemEnvironment), row_key())?;
    let written_first = case.is_multiple_of(3);
    if !written_first {
        assert!(seen(&store)? == whole, "other data was read without an error");
    }
    run(async {
        for number in 0..20 {
            call(&store, &format!("user-{number}")).await?;
        }
        Ok(())
    })?;
    seen(&store).map(drop)
}

/// Not a test of its own: what a child does. Without a part it does nothing.
#[test]
#[expect(clippy::disallowed_methods, reason = "a child learns its part from its environment")]
fn act() {
    let Ok(part) = std::env::var(PART) else { return };
    let [path, first, count] = part.split('|').collect::<Vec<_>>()[..] else { panic!("{part}") };
    let (whole, first, count) = (fs::read(path).unwrap(), first.parse::<u64>().unwrap(), count.parse::<u64>().unwrap());
    let used = whole.chunks(PAGE).enumerate().filter(|(_, page)| page.iter().any(|byte| *byte != 0));
    let pages: Vec<usize> = used.map(|(number, _)| number).collect();
    let folder = folder();
    let copy = folder.path().join("ledger");
    fs::write(&copy, &whole).unwrap();
    let right = seen(&open(&copy).unwrap()).unwrap();
    for case in first..first + count {
        let mut bytes = whole.clone();
        let what = damage(&mut bytes, &pages, case);
        println!("\ncase {case}: {what}");
        fs::write(&copy, &bytes).unwrap();
        if let Err(error) = visit(&copy, case, &right) {
            let kinds = [ErrorKind::CorruptedFile, ErrorKind::NotATollwayFile, ErrorKind::NewerFile];
            assert!(kinds.contains(&error.kind()), "{error:?}");
            println!("\nfound {case}: {error}");
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a long run by hand is asked for by its environment")]
fn damage_is_an_error_or_harmless_and_never_ends_the_process() {
    let folder = folder();
    let path = folder.path().join("whole");
    make(&path);
    let cases: u64 = std::env::var(CASES).map_or(FEW_CASES, |text| text.parse().unwrap());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "act", "--nocapture", "--test-threads=1"])
        .env(PART, format!("{}|0|{cases}", path.display()))
        .output()
        .unwrap();
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let last = said.rfind("case ").unwrap_or_default();
    assert!(output.status.success(), "{}: {}\n{complained}", output.status, &said[last..]);
    assert!(!complained.contains("panicked"), "a panic was reported: {complained}");
    let found = said.matches("\nfound ").count();
    println!("{found} of {cases} were found");
    assert!(found as u64 > cases / 4, "{found} of {cases} were found");
}
