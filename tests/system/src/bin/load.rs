//! Makes calls from tasks of one process, and says what became of each: one of the three loads of a shared file.
//!
//! `load FILE GO USER CALLS TASKS`: once the file GO is there, CALLS calls are made, TASKS at a time, billed to USER. It
//! writes `USER ready`, then for each call `USER reply RECORD_UID COST` or `USER refused CODE`.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tollway::client::Tollway;
use tollway::settings::Settings;
use tollway::vault::MasterKey;
use tollway_system_tests::{billed_to, request};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, go, user, calls, tasks] = arguments.as_slice() else {
        return Err("usage: load FILE GO USER CALLS TASKS".into());
    };
    let (calls, tasks): (usize, usize) = (calls.parse()?, tasks.parse()?);
    let master_key = MasterKey::Variable("TOLLWAY_TEST_KEY".into());
    let tollway = Tollway::open(Path::new(file), master_key, Settings::default()).await?;
    say(&format!("{user} ready"));
    while !Path::new(go).exists() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let made = Arc::new(AtomicUsize::new(0));
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..tasks {
        let (tollway, made, user) = (tollway.clone(), Arc::clone(&made), user.clone());
        running.spawn(async move {
            while made.fetch_add(1, Ordering::Relaxed) < calls {
                match tollway.chat(request("name some rivers", 16), billed_to(&user)).await {
                    Ok(reply) => {
                        let uid = reply.attempts.last().map(|attempt| attempt.record_uid.clone()).unwrap_or_default();
                        let cost = reply.cost.map_or_else(|| "unpriced".to_owned(), |cost| cost.to_string());
                        say(&format!("{user} reply {uid} {cost}"));
                    }
                    Err(error) => say(&format!("{user} refused {}", error.code())),
                }
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended?;
    }
    Ok(())
}

/// Writes a line in one piece, so that no other comes into it.
fn say(line: &str) {
    let _ = std::io::stdout().lock().write_all(format!("{line}\n").as_bytes());
}
