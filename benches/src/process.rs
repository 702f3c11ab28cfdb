//! The processes of a run: the mock provider and the contestants. They end with the run, however it ends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::protocol::{Failure, Measured, Round, Setup, Shape};

/// A process that answers lines with lines.
pub(crate) struct Process {
    name: String,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(name: &str, command: &mut Command) -> Result<Self, Failure> {
        let failed = |detail: String| Failure::new(format!("{name} cannot be started: {detail}"));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(format!("{}: {error}", command.get_program().display())))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed("it has no pipes".into()));
        };
        Ok(Self { name: name.to_owned(), child, input, output: BufReader::new(output) })
    }

    fn read(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            let status = self.child.wait()?;
            return Err(Failure::new(format!("{} ended too early ({status}); it said why above", self.name)));
        }
        Ok(line)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The mock provider, in a process of its own, so that its work is not counted as a client's.
pub(crate) struct Mock {
    _process: Process,
    pub(crate) address: String,
    client: reqwest::Client,
}

impl Mock {
    pub(crate) fn start(program: &Path) -> Result<Self, Failure> {
        let mut process = Process::start("the mock provider", &mut Command::new(program))?;
        let line = process.read()?;
        let address = line.trim().strip_prefix("listening on ");
        let address = address.ok_or_else(|| Failure::new(format!("the mock provider said {line:?}")))?.to_owned();
        // A provider that was installed before serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self { address, client: reqwest::Client::builder().build()?, _process: process })
    }

    /// Switches the recording of requests.
    pub(crate) async fn record(&self, on: bool) -> Result<(), Failure> {
        let url = format!("{}/_mock/recording", self.address);
        self.client.put(url).body(on.to_string()).send().await?.error_for_status()?;
        Ok(())
    }

    /// Returns the last request that was recorded.
    pub(crate) async fn last_request(&self) -> Result<Value, Failure> {
        let url = format!("{}/_mock/requests?last=1", self.address);
        let body = self.client.get(url).send().await?.error_for_status()?.bytes().await?;
        let requests: Value = serde_json::from_slice(&body)?;
        let last = requests.get(0).or_else(|| requests["requests"].get(0));
        last.cloned().ok_or_else(|| Failure::new("the mock provider recorded nothing"))
    }
}

/// A contestant, ready for rounds.
pub(crate) struct Contestant {
    pub(crate) label: &'static str,
    process: Process,
    calls: u64,
    /// What it takes part in; everything where absent.
    shapes: Option<&'static [Shape]>,
}

impl Contestant {
    pub(crate) fn start(label: &'static str, command: &mut Command, setup: &Setup) -> Result<Self, Failure> {
        std::fs::create_dir_all(&setup.folder)?;
        let mut process = Process::start(label, command)?;
        writeln!(process.input, "{}", serde_json::to_string(setup)?)?;
        process.input.flush()?;
        Ok(Self { label, process, calls: 0, shapes: None })
    }

    /// Lets it take part in work of some shapes only.
    pub(crate) fn limited_to(self, shapes: &'static [Shape]) -> Self {
        Self { shapes: Some(shapes), ..self }
    }

    /// Returns whether it takes part in work of a shape.
    pub(crate) fn plays(&self, shape: Shape) -> bool {
        self.shapes.is_none_or(|shapes| shapes.contains(&shape))
    }

    /// Plays a round. If it counts records, checks that every call that was answered has one.
    pub(crate) fn play(&mut self, round: Round) -> Result<Measured, Failure> {
        writeln!(self.process.input, "{}", serde_json::to_string(&round)?)?;
        self.process.input.flush()?;
        let measured: Measured = serde_json::from_str(&self.process.read()?)?;
        self.calls += measured.calls;
        match measured.records {
            Some(records) if records != self.calls => Err(Failure::new(format!(
                "{} was answered {} times, and its ledger has {records} records",
                self.label, self.calls
            ))),
            _ => Ok(measured),
        }
    }
}
