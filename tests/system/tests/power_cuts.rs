//! Law 4: what was acknowledged is in the file, after a power cut at any instant.
//!
//! A run of calls is recorded as what the storage engine did to the file. A cut keeps all that was made durable before it, and of
//! what was written since, each block of 512 bytes on its own: in any of the states that it had, in any order. The file that is
//! left is opened, and must be whole. `TOLLWAY_POWER_CUTS` says how many cuts are tried, `TOLLWAY_SEED` which.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use mock_provider::MockProvider;
use rust_decimal::Decimal;
use tollway::environment::SystemEnvironment;
use tollway::store::faults::{Access, Watch, watch};
use tollway::types::{BudgetTerms, Currency, ErrorKind, Limit, Money, Scope, Window};
use tollway_system_tests::{
    Random, add_house_model, all_records, billed_to, by_uid, no_silent_zero, number_from, open, open_in, openai_url,
    request, settings, total,
};

/// What a disk writes at once, or not at all.
const BLOCK: usize = 512;
/// How many calls are made, and how many at a time.
const CALLS: usize = 48;
const AT_ONCE: usize = 4;

/// What was done to the file, in order.
enum Done {
    Wrote(u64, Vec<u8>),
    SetLength(u64),
    /// What was done before this place is durable.
    Synced(usize),
}

#[derive(Default)]
struct Recorder(Mutex<Vec<Done>>);

impl Recorder {
    fn done(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

thread_local! {
    /// Where the synchronization of this thread began.
    static BEGAN: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl Watch for Recorder {
    fn before(&self, access: Access<'_>) -> io::Result<()> {
        if matches!(access, Access::Sync) {
            BEGAN.set(self.done());
        }
        Ok(())
    }

    fn after(&self, access: Access<'_>) {
        let done = match access {
            Access::Read { .. } => return,
            Access::Write { offset, data } => Done::Wrote(offset, data.to_vec()),
            Access::SetLength(length) => Done::SetLength(length),
            Access::Sync => Done::Synced(BEGAN.get()),
        };
        self.0.lock().unwrap().push(done);
    }
}

/// A recorded run: the file as it was before, what was done to it, and which replies came when.
struct Run {
    before: Vec<u8>,
    done: Vec<Done>,
    /// The uid and the cost of each reply, and how much was done when it came.
    acknowledged: Vec<(String, Decimal, usize)>,
    limit: Decimal,
}

async fn record(exclusive: bool) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tollway");
    let mock = MockProvider::start().await.unwrap();
    let limit = Decimal::from(2);
    let tollway = open(&path).await.unwrap();
    add_house_model(&tollway, &openai_url(&mock)).await.unwrap();
    let terms = BudgetTerms::new(Scope::everyone(), Limit::Money(Money::new(limit, Currency::USD)), Window::Total);
    tollway.set_budget(terms).await.unwrap();
    drop(tollway);
    let before = std::fs::read(&path).unwrap();
    let recorder = Arc::new(Recorder::default());
    watch(&path, Arc::<Recorder>::clone(&recorder)).unwrap();
    let mut settings = settings();
    settings.exclusive = exclusive;
    let tollway = open_in(&path, settings, Arc::new(SystemEnvironment)).await.unwrap();
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (tollway, acknowledged, recorder) = (tollway.clone(), Arc::clone(&acknowledged), Arc::clone(&recorder));
        running.spawn(async move {
            for _ in 0..CALLS / AT_ONCE {
                match tollway.chat(request("name some rivers", 8), billed_to("alice")).await {
                    Ok(reply) => {
                        let uid = reply.attempts.last().unwrap().record_uid.clone();
                        acknowledged.lock().unwrap().push((uid, reply.cost.unwrap(), recorder.done()));
                    }
                    Err(error) => assert_eq!(error.kind(), ErrorKind::BudgetExceeded, "{error}"),
                }
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    drop(tollway);
    let done = std::mem::take(&mut *recorder.0.lock().unwrap());
    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap());
    Run { before, done, acknowledged, limit }
}

/// Returns the file that a cut after so many accesses leaves.
fn cut(run: &Run, after: usize, random: &mut Random) -> Vec<u8> {
    let durable = run.done[..after].iter().filter_map(|done| match done {
        Done::Synced(before) => Some(*before),
        _ => None,
    });
    let durable = durable.max().unwrap_or(0);
    let mut file = run.before.clone();
    for done in &run.done[..durable] {
        match done {
            Done::Wrote(offset, data) => write(&mut file, *offset, data),
            Done::SetLength(length) => file.resize(usize::try_from(*length).unwrap(), 0),
            Done::Synced(_) => {}
        }
    }
    // The states that each block had since, besides the one that is durable.
    let mut states: BTreeMap<u64, Vec<&[u8]>> = BTreeMap::new();
    for done in &run.done[durable..after] {
        match done {
            Done::Wrote(offset, data) => {
                assert!(offset % BLOCK as u64 == 0 || data.len() < BLOCK, "a write that no block holds");
                for (number, block) in data.chunks(BLOCK).enumerate() {
                    states.entry(offset + (number * BLOCK) as u64).or_default().push(block);
                }
            }
            Done::SetLength(length) if random.below(2) == 0 => file.resize(usize::try_from(*length).unwrap(), 0),
            Done::SetLength(_) | Done::Synced(_) => {}
        }
    }
    for (offset, states) in states {
        let chosen = usize::try_from(random.below(states.len() as u64 + 1)).unwrap();
        if let Some(block) = states.get(chosen) {
            write(&mut file, offset, block);
        }
    }
    file
}

fn write(file: &mut Vec<u8>, offset: u64, data: &[u8]) {
    let offset = usize::try_from(offset).unwrap();
    if file.len() < offset + data.len() {
        file.resize(offset + data.len(), 0);
    }
    file[offset..offset + data.len()].copy_from_slice(data);
}

/// Opens the file that a cut left, and checks it against what was acknowledged before. Returns how many replies those are.
async fn survives(run: &Run, file: &[u8], path: &Path, (after, case): (usize, &str)) -> usize {
    std::fs::write(path, file).unwrap();
    let tollway = open(path).await.unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_eq!(tollway.verify(None).await.unwrap().damage, [], "{case}");
    let records = all_records(&tollway).await.unwrap();
    assert!(by_uid(&records).values().all(|count| *count == 1), "{case}: doubled");
    let costs: BTreeMap<_, _> = records.iter().map(|record| (&record.uid, record.cost_amount)).collect();
    let acknowledged = run.acknowledged.iter().filter(|(_, _, when)| *when <= after);
    for (uid, cost, _) in acknowledged.clone() {
        assert_eq!(costs.get(uid).copied().flatten(), Some(*cost), "{case}: lost {uid}");
    }
    assert!(no_silent_zero(&records), "{case}");
    assert_eq!(tollway.reservations().await.unwrap(), [], "{case}: stuck");
    let balance = tollway.budgets().await.unwrap().remove(0).balance;
    let spent = total(&records).unwrap().get(Currency::USD).unwrap_or_default();
    assert_eq!((balance.settled, balance.reserved), (spent, Decimal::ZERO), "{case}");
    assert!(spent <= run.limit, "{case}: overspent, {spent}");
    acknowledged.count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_at_any_instant_loses_nothing_and_bills_nothing_twice() {
    let (cuts, seed) = (number_from("TOLLWAY_POWER_CUTS", 24), number_from("TOLLWAY_SEED", 1));
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut checked = 0;
    for exclusive in [false, true] {
        let run = record(exclusive).await;
        assert!(run.acknowledged.len() > 10, "the calls were made");
        for number in 0..cuts.div_ceil(2) {
            let after = usize::try_from(random.below(run.done.len() as u64 + 1)).unwrap();
            let case = format!("cut {number} of seed {seed} after {after} accesses, exclusive: {exclusive}");
            let path = folder.path().join(format!("{number}-{exclusive}"));
            checked += survives(&run, &cut(&run, after, &mut random), &path, (after, &case)).await;
            std::fs::remove_file(&path).unwrap();
        }
        println!("exclusive: {exclusive}, {} accesses, {} replies", run.done.len(), run.acknowledged.len());
    }
    println!(
        "{cuts} cuts of seed {seed}: {checked} acknowledged replies looked for; lost 0, doubled 0, stuck 0, overspent 0.00"
    );
    assert!(checked > 0);
}
