//! A process that calls a model until it is told to stop, refused, or killed, and says what it was told.
//!
//! `worker FILE TASKS USER [exclusive]`: TASKS calls are always under way. Each acknowledged reply is one line
//! `reply RECORD_UID REQUEST_ID COST`; `ready` comes before the first, `refused` or `stopped` after the last.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tollway::environment::SystemEnvironment;
use tollway::types::ErrorKind;
use tollway_system_tests::{billed_to, open_in, request, settings};

/// More calls than any test waits for: a cap that does not hold fails its test rather than hang it.
const MOST_CALLS: usize = 2_000;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("failed {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (file, tasks, user, exclusive) = match arguments.as_slice() {
        [file, tasks, user] => (file, tasks, user, false),
        [file, tasks, user, word] if word == "exclusive" => (file, tasks, user, true),
        _ => return Err("usage: worker FILE TASKS USER [exclusive]".into()),
    };
    let mut settings = settings();
    settings.exclusive = exclusive;
    let tollway = open_in(&PathBuf::from(file), settings, Arc::new(SystemEnvironment)).await?;
    say("ready");
    let refused = Arc::new(AtomicBool::new(false));
    let made = Arc::new(AtomicUsize::new(0));
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..tasks.parse()? {
        let (tollway, refused, made, user) = (tollway.clone(), Arc::clone(&refused), Arc::clone(&made), user.clone());
        running.spawn(async move {
            while !refused.load(Ordering::Relaxed) {
                if made.fetch_add(1, Ordering::Relaxed) >= MOST_CALLS {
                    say("failed the calls were never refused");
                    refused.store(true, Ordering::Relaxed);
                }
                match tollway.chat(request("name some rivers", 8), billed_to(&user)).await {
                    Ok(reply) => {
                        let uid = reply.attempts.last().map(|attempt| attempt.record_uid.clone()).unwrap_or_default();
                        say(&format!("reply {uid} {} {}", reply.request_id, reply.cost.unwrap_or_default()));
                    }
                    Err(error) if error.kind() == ErrorKind::BudgetExceeded => refused.store(true, Ordering::Relaxed),
                    Err(error) => {
                        say(&format!("failed {error}"));
                        refused.store(true, Ordering::Relaxed);
                    }
                }
            }
        });
    }
    while running.join_next().await.is_some() {}
    say("refused");
    Ok(())
}

/// Writes a line in one piece, so that a kill cannot cut it in two.
fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    let _ = output.write_all(format!("{line}\n").as_bytes()).and_then(|()| output.flush());
}
