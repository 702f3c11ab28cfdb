//! A contestant's process: it reads rounds, runs them, and says what they took.

mod bare;
mod engine;
mod fsync;
mod ledger;
mod pair;
mod sqlite;
mod sqlite_rows;

use std::future::Future;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tollway::environment::{Environment as _, SystemEnvironment};

use crate::protocol::{Failure, Measured, Round, Setup, Shape};

/// As many threads as the runtime that the Python package uses has.
const WORKERS: usize = 2;

/// How many times more than it needs the contestant checks its rows that shows what that costs.
pub(crate) const MORE_CHECKS: u32 = 20;

/// The work of one call.
type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// Something to be measured.
trait Contestant: Send + Sync {
    /// Does the work once.
    fn once(&self, shape: Shape) -> Work<'_, ()>;
    /// Counts the records of its ledger, if it has one.
    fn records(&self) -> Work<'_, Option<u64>>;
}

/// Serves rounds until the driver closes the pipe.
pub(crate) fn serve(name: &str) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    let mut lines = std::io::stdin().lines();
    let setup = lines.next().ok_or_else(|| Failure::new("the driver sent no setup"))??;
    let setup: Setup = serde_json::from_str(&setup)?;
    let contestant: Arc<dyn Contestant> = match name {
        "bare" => Arc::new(bare::Bare::new(&setup)?),
        "engine" => Arc::new(runtime.block_on(engine::Engine::open(&setup, false))?),
        "engine-exclusive" => Arc::new(runtime.block_on(engine::Engine::open(&setup, true))?),
        "engine-checking" => {
            tollway::store::measured::repeat_checks(MORE_CHECKS);
            Arc::new(runtime.block_on(engine::Engine::open(&setup, false))?)
        }
        "fsync" => Arc::new(fsync::Fsync::create(&setup)?),
        "ledger" => Arc::new(runtime.block_on(ledger::Ledger::open(&setup, false))?),
        "ledger-exclusive" => Arc::new(runtime.block_on(ledger::Ledger::open(&setup, true))?),
        "sqlite" => Arc::new(sqlite::Sqlite::create(&setup)?),
        _ => return Err(Failure::new(format!("there is no contestant {name:?}"))),
    };
    for line in lines {
        let round: Round = serde_json::from_str(&line?)?;
        let measured = play(&runtime, &contestant, round)?;
        let mut output = std::io::stdout();
        writeln!(output, "{}", serde_json::to_string(&measured)?)?;
        output.flush()?;
    }
    Ok(())
}

fn play(runtime: &Runtime, contestant: &Arc<dyn Contestant>, round: Round) -> Result<Measured, Failure> {
    let calls = Arc::new(AtomicU64::new(0));
    let cpu = cpu_time()?;
    let begin = SystemEnvironment.monotonic();
    let end = begin + Duration::try_from_secs_f64(round.seconds)?;
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..round.in_flight {
            let (contestant, calls) = (Arc::clone(contestant), Arc::clone(&calls));
            tasks.spawn(async move {
                loop {
                    contestant.once(round.shape).await?;
                    calls.fetch_add(1, Ordering::Relaxed);
                    if SystemEnvironment.monotonic() >= end {
                        return Ok::<_, Failure>(());
                    }
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok::<_, Failure>(())
    })?;
    let seconds = SystemEnvironment.monotonic().saturating_sub(begin).as_secs_f64();
    let cpu_seconds = cpu_time()?.saturating_sub(cpu).as_secs_f64();
    let records = if round.count { runtime.block_on(contestant.records())? } else { None };
    Ok(Measured { calls: calls.load(Ordering::Relaxed), seconds, cpu_seconds, records })
}

/// Returns what this process has used of all processors, in user and in kernel mode.
fn cpu_time() -> Result<Duration, Failure> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let microseconds = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(u64::try_from(microseconds)?))
}
