//! The runner: a process that keeps trying, and one that watches it.
//!
//! Inputs run on a small stack in a process of their own, so that an overflow, an abort or an endless loop ends that process alone.
//! The input under way is in a file, which is what is left of it then.

use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::corpus;
use crate::mutation::{Random, mutate};
use crate::targets::{Target, common_words};

/// The stack of a thread that reads. Threads of hosts may have as little.
const STACK: usize = 1 << 20;
/// How long one input may take. No input is longer than 64 KiB.
const SLOWEST: Duration = Duration::from_secs(10);
/// The exit code of a process that found something and says what.
const FOUND: i32 = 3;

/// What to run.
pub struct Run {
    /// The target.
    pub target: &'static Target,
    /// How long to try mutations after the corpus.
    pub time: Duration,
    /// What mutations are made from.
    pub seed: u64,
}

/// What came of a run.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many inputs ran.
    pub executions: u64,
    /// The files of the inputs that a target did not survive, each with what happened.
    pub findings: Vec<(PathBuf, String)>,
}

/// The one input of [`trials`].
pub const TRIAL: &[u8] = b"a trial";

/// Returns targets that do not survive, by which the runner itself is tested.
#[must_use]
pub fn trials() -> &'static [Target] {
    fn deeper(depth: usize) -> usize {
        let room = std::hint::black_box([depth; 512]);
        if room[0] == usize::MAX { 0 } else { deeper(depth + 1) + std::hint::black_box(room)[1] }
    }
    #[expect(clippy::panic, reason = "what the runner has to notice")]
    const TRIALS: &[Target] = &[
        Target { name: "panic", run: |_| panic!("a target panics"), words: &[] },
        Target { name: "overflow", run: |_| assert!(deeper(0) > 0), words: &[] },
        Target { name: "hang", run: |_| while std::hint::black_box(true) {}, words: &[] },
    ];
    TRIALS
}

/// Runs a target in processes of their own, and goes on behind each finding until the time is over.
pub fn watch(run: &Run, program: &Path, findings: &Path) -> io::Result<Outcome> {
    let started = now();
    let mut outcome = Outcome::default();
    let mut seed = run.seed;
    let in_memory = Path::new("/dev/shm");
    let folder = if in_memory.is_dir() { tempfile::tempdir_in(in_memory)? } else { tempfile::tempdir()? };
    let (current, count) = (folder.path().join("input"), folder.path().join("count"));
    loop {
        let left = run.time.saturating_sub(started.elapsed());
        let child = Command::new(program)
            .args([run.target.name, "--child", &seed.to_string(), &left.as_millis().to_string()])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()?;
        outcome.executions += fs::read_to_string(&count).ok().and_then(|text| text.parse().ok()).unwrap_or(0_u64);
        if child.status.success() {
            return Ok(outcome);
        }
        let said = String::from_utf8_lossy(&child.stderr).into_owned();
        let what = match child.status.code() {
            Some(FOUND) => last_lines(&said),
            _ => format!("the process ended by {}: {}", child.status, last_lines(&said)),
        };
        fs::create_dir_all(findings)?;
        let input = fs::read(&current)?;
        let path = findings.join(format!("{}-{seed}-{}", run.target.name, outcome.findings.len()));
        fs::write(&path, input)?;
        outcome.findings.push((path, what));
        seed = seed.wrapping_add(1);
        // A finding of the corpus would be found for ever.
        if started.elapsed() >= run.time || outcome.findings.len() >= 20 {
            return Ok(outcome);
        }
    }
}

fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let text = lines[lines.len().saturating_sub(3)..].join(" | ");
    text.chars().take(1_500).collect()
}

/// Runs inputs in this process until the time is over; returns the exit code.
pub fn child(run: &Run, folder: &Path) -> io::Result<i32> {
    let is_trial = trials().iter().any(|trial| trial.name == run.target.name);
    let corpus = if is_trial { vec![TRIAL.to_vec()] } else { corpus::read(run.target.name)? };
    // Panics that the library catches are told by what it returns.
    panic::set_hook(Box::new(|_| {}));
    let done = Arc::new(AtomicU64::new(0));
    let worker = Worker {
        target: run.target,
        corpus,
        seed: run.seed,
        until: now() + run.time,
        input: folder.join("input"),
        done: Arc::clone(&done),
    };
    let count = folder.join("count");
    let thread = thread::Builder::new().stack_size(STACK).spawn(move || worker.work())?;
    let (mut seen, mut since) = (u64::MAX, now());
    while !thread.is_finished() {
        thread::sleep(Duration::from_millis(20));
        let executions = done.load(Ordering::Relaxed);
        if executions != seen {
            (seen, since) = (executions, now());
            fs::write(&count, executions.to_string())?;
        } else if since.elapsed() > SLOWEST {
            writeln!(io::stderr(), "an input takes longer than {SLOWEST:?}")?;
            return Ok(FOUND);
        }
    }
    fs::write(&count, done.load(Ordering::Relaxed).to_string())?;
    match thread.join() {
        Ok(None) => Ok(0),
        Ok(Some(what)) => {
            writeln!(io::stderr(), "{what}")?;
            Ok(FOUND)
        }
        Err(_) => Ok(FOUND),
    }
}

struct Worker {
    target: &'static Target,
    corpus: Vec<Vec<u8>>,
    seed: u64,
    until: Instant,
    input: PathBuf,
    done: Arc<AtomicU64>,
}

impl Worker {
    /// Runs inputs; returns what one of them did.
    fn work(self) -> Option<String> {
        for input in &self.corpus {
            if let Some(what) = self.run(input) {
                return Some(what);
            }
        }
        let mut random = Random::new(self.seed);
        while now() < self.until {
            let input = mutate(&mut random, &self.corpus, &[self.target.words, common_words()]);
            if let Some(what) = self.run(&input) {
                return Some(what);
            }
        }
        None
    }

    fn run(&self, input: &[u8]) -> Option<String> {
        if let Err(error) = fs::write(&self.input, input) {
            return Some(format!("an input cannot be written: {error}"));
        }
        let ended = panic::catch_unwind(AssertUnwindSafe(|| (self.target.run)(input)));
        self.done.fetch_add(1, Ordering::Relaxed);
        let panicked = ended.err()?;
        let text = panicked.downcast_ref::<String>().map(String::as_str);
        Some(text.or_else(|| panicked.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned())
    }
}

#[expect(clippy::disallowed_methods, reason = "the runner itself measures real time")]
fn now() -> Instant {
    Instant::now()
}
