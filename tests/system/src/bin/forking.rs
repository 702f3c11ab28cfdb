//! A process that calls a model all the time, as an app does through a language, and forks a child that outlives it.
//!
//! `forking FILE`: the line `child PID` comes once calls are under way and the child runs. The child never touches the ledger, and
//! both sleep until they are killed.

#[cfg(unix)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use std::io::Write as _;
    use std::time::Duration;

    use serde_json::json;
    use tollway_common::Engine;
    use tollway_system_tests::MASTER_KEY;

    /// How many calls are always under way.
    const AT_ONCE: usize = 8;
    const LIFETIME: Duration = Duration::from_mins(2);

    let file = std::env::args().nth(1).ok_or("usage: forking FILE")?;
    let options = json!({"master_key": MASTER_KEY, "settings": {"max_retries": 0}}).to_string();
    let engine = Engine::new(file.as_ref(), &options, None)?;
    let request = json!({"request": {"messages": [{"role": "user", "content": "name some rivers"}], "max_tokens": 8}})
        .to_string();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build()?;
    runtime.block_on(async { engine.call("chat", &request).await })?;
    for _ in 0..AT_ONCE {
        let (engine, request) = (engine.clone(), request.clone());
        runtime.spawn(async move { while engine.call("chat", &request).await.is_ok() {} });
    }
    std::thread::sleep(Duration::from_millis(200));
    // SAFETY: the child sleeps, and neither allocates nor takes a lock.
    match unsafe { libc::fork() } {
        0 => std::thread::sleep(LIFETIME),
        child => {
            writeln!(std::io::stdout(), "child {child}")?;
            std::thread::sleep(LIFETIME);
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn main() {}
