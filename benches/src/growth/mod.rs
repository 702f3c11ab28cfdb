//! How the ledger grows: a file of many records, what it answers and what it costs those who write.

mod draw;
mod load;
mod probe;
mod size;
mod writing;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tokio::runtime::Runtime;

use self::probe::Answer;
use crate::protocol::Failure;
use crate::table::say;

/// What the records are drawn from.
const SEED: u64 = 7;
/// How many records an empty file has, so that its tables have pages.
const FEW: u64 = 64;

/// Brings a file to so many records, asks it all questions and writes beside calls.
pub(crate) fn run(path: &str, records: &str) -> Result<(), Failure> {
    let (path, records) = (Path::new(path), records.replace('_', "").parse()?);
    let runtime = runtime()?;
    runtime.block_on(writing::fill(path, records, SEED))?;
    let bytes = std::fs::metadata(path)?.len();
    say(&format!("{records} records, {} MiB, {} bytes a record", bytes >> 20, bytes / records))?;
    size::tell(path, records)?;
    say(&format!("{:<28}{:>12}{:>12}{:>12}{:>9}", "question", "first, ms", "again, ms", "grew, MiB", "rows"))?;
    for question in probe::QUESTIONS {
        let Answer { first_ms, again_ms, memory_mib, rows } = in_own_process(path, question)?;
        say(&format!("  {question:<26}{first_ms:>12.2}{again_ms:>12.2}{memory_mib:>12.1}{rows:>9}"))?;
    }
    say("a budget is made, while calls go on")?;
    runtime.block_on(load::budgets(path))?;
    say("a reservation and its settlement")?;
    let empty = path.with_extension("empty");
    drop(std::fs::remove_file(&empty));
    runtime.block_on(writing::fill(&empty, FEW, SEED))?;
    runtime.block_on(load::settle_beside_empty(path, &empty))?;
    Ok(std::fs::remove_file(&empty)?)
}

/// Asks one question, and prints the answer as JSON.
pub(crate) fn ask(path: &str, question: &str) -> Result<(), Failure> {
    let answer = runtime()?.block_on(probe::ask(Path::new(path), question))?;
    Ok(writeln!(std::io::stdout(), "{}", serde_json::to_string(&answer)?)?)
}

fn in_own_process(path: &Path, question: &str) -> Result<Answer, Failure> {
    let asked = Command::new(std::env::current_exe()?)
        .args(["growth-question".as_ref(), path.as_os_str(), question.as_ref()])
        .stderr(Stdio::inherit())
        .output()?;
    if !asked.status.success() {
        return Err(Failure::new(format!("{question:?} was not answered; it said why above")));
    }
    Ok(serde_json::from_slice(&asked.stdout)?)
}

fn runtime() -> Result<Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}
