//! What holds whatever a provider does: the process lives, its memory and its time are bounded, what was answered is billed, and
//! no cap is passed.

use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::server::{Answer, Hostile};
use super::words::Format;

/// The most memory of the process of a call.
const MOST_MEMORY: u64 = 300 << 20;

/// The processor seconds for 10 MB that a provider sends, and what each process may take beside. A build without optimizations
/// takes ten times as much for the same work.
const SECONDS_PER_10_MB: f64 = if cfg!(debug_assertions) { 24.0 } else { 2.0 };
const SECONDS_BESIDE: f64 = if cfg!(debug_assertions) { 3.0 } else { 1.0 };

/// How much later than its timeout a call may end: what one step of work takes.
const SLACK: f64 = if cfg!(debug_assertions) { 4.0 } else { 2.0 };

/// The timeout of a call that does not say another.
const TIMEOUT: f64 = 20.0;

/// The limit of every budget.
const LIMIT: f64 = 5.0;

/// Budgets of time mean something only where the cases do not compete for the processor.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A call of a hostile provider.
pub struct Case {
    pub name: &'static str,
    pub format: Format,
    pub mode: &'static str,
    /// Further fields of the call.
    pub call: Value,
    /// Whether the provider says that it failed, so that nothing is billed.
    pub is_free: bool,
    pub answer: Answer,
}

impl Case {
    pub fn new(
        name: &'static str,
        format: Format,
        mode: &'static str,
        answer: impl Fn(&mut super::server::Wire) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self { name, format, mode, call: json!({"max_tokens": 8}), is_free: false, answer: Box::new(answer) }
    }

    /// Sets fields of the call.
    pub fn with(mut self, call: Value) -> Self {
        self.call = call;
        self
    }

    /// Lets the call cost nothing.
    pub fn free(mut self) -> Self {
        self.is_free = true;
        self
    }

    /// Makes the call in a process of its own, asserts what always holds, and returns what the process says.
    pub fn run(self) -> Outcome {
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let about = format!("{}, {:?}, {}", self.name, self.format, self.mode);
        let folder = tempfile::tempdir().unwrap();
        let hostile = Hostile::start(self.answer);
        let mut call = self.call;
        call["url"] = hostile.url.clone().into();
        call["format"] = self.format.name().into();
        call["mode"] = self.mode.into();
        let timeout = *call["timeout"].as_f64().get_or_insert(TIMEOUT);
        call["timeout"] = timeout.into();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hostile_call"));
        command.arg(folder.path()).arg(call.to_string()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let late = Instant::now() + Duration::from_secs_f64(timeout + 60.0);
        while child.try_wait().unwrap().is_none() {
            if Instant::now() > late {
                child.kill().unwrap();
                panic!("{about}: the process hangs");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{about}: {:?}: {stderr}", output.status);
        assert!(stderr.is_empty(), "{about}: no call panics: {stderr}");
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        let outcome = Outcome { about, said };
        outcome.assert_bounds(timeout, hostile.written());
        outcome.assert_money(self.is_free);
        assert!(hostile.was_given_key(), "{}: the call never came", outcome.about);
        outcome
    }
}

/// What became of a call.
pub struct Outcome {
    pub about: String,
    pub said: Value,
}

impl Outcome {
    pub fn code(&self) -> &str {
        self.said["code"].as_str().unwrap_or("none")
    }

    pub fn detail(&self) -> &str {
        self.said["detail"].as_str().unwrap_or_default()
    }

    pub fn bytes(&self) -> u64 {
        self.said["bytes"].as_u64().unwrap()
    }

    /// Asserts the code of the error, or `none`, and a part of what it says.
    pub fn ends(&self, code: &str, detail: &str) -> &Self {
        assert!(self.code() == code && self.detail().contains(detail), "{}: {}", self.about, self.said);
        self
    }

    /// Asserts that the answer of a fetch ends in an error that says so.
    pub fn tells(&self, part: &str) -> &Self {
        assert!(self.said["body"].as_str().unwrap().contains(part), "{}: {}", self.about, self.said);
        self
    }

    /// Asserts what was billed by.
    pub fn billed_by(&self, wanted: &str) -> &Self {
        assert_eq!(self.said["records"][0]["billed_by"], wanted, "{}: {}", self.about, self.said);
        self
    }

    fn assert_bounds(&self, timeout: f64, sent: u64) {
        let Self { about, said } = self;
        let seconds = said["seconds"].as_f64().unwrap();
        assert!(seconds <= timeout + SLACK, "{about}: it took {seconds} s with a timeout of {timeout} s");
        assert!(said["closed"].as_f64().unwrap() <= SLACK && said["is_settled"] == true, "{about}: {said}");
        let peak = said["peak"].as_u64().unwrap_or_default();
        assert!(peak < MOST_MEMORY, "{about}: {} MB of memory", peak >> 20);
        let (cpu, megabytes) =
            (said["cpu"].as_f64().unwrap_or_default(), f64::from(u32::try_from(sent >> 10).unwrap()) / 1024.0);
        let most = SECONDS_BESIDE + SECONDS_PER_10_MB * megabytes / 10.0;
        assert!(cpu < most, "{about}: {cpu} s of the processor for {megabytes:.1} MB, and {most} at the most");
        println!(
            "{about}: {} MB, {cpu:.2} s of the processor for {megabytes:.1} MB, {seconds:.2} s, {}",
            peak >> 20,
            self.code()
        );
    }

    fn assert_money(&self, is_free: bool) {
        let Self { about, said } = self;
        let number = |value: &Value| value.as_str().map_or(0.0, |text| text.parse::<f64>().unwrap());
        let records = said["records"].as_array().unwrap();
        assert_eq!((records.len(), &said["reserved"]), (1, &json!(0)), "{about}: {said}");
        if is_free {
            assert_eq!(records[0]["billed_by"], "not_billed", "{about}: {said}");
        } else if about.contains("passed") {
            assert_eq!(records[0]["cost_status"], "unpriced", "{about}: {said}");
        } else {
            assert!(number(&records[0]["cost"]) > 0.0, "{about}: {said}");
        }
        for committed in said["committed"].as_array().unwrap() {
            assert!(number(committed) <= LIMIT, "{about}: {said}");
        }
    }
}
