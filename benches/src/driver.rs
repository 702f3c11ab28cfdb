//! The driver: starts everything, lets the contestants take turns, and prints the tables.

use std::path::{Path, PathBuf};
use std::process::Command;

use tollway::environment::{Environment as _, SystemEnvironment};

use crate::contestant::MORE_CHECKS;
use crate::process::{Contestant, Mock};
use crate::protocol::{Failure, Measured, Recorded, Round, Setup, Shape};
use crate::table::{Cell, Table, say};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    rounds: usize,
    call_seconds: f64,
    ledger_seconds: f64,
    warm_seconds: f64,
}

impl Plan {
    /// Enough for figures: about three minutes.
    pub(crate) const fn full() -> Self {
        Self { rounds: 5, call_seconds: 1.2, ledger_seconds: 0.6, warm_seconds: 0.3 }
    }

    /// Enough to see that everything runs.
    pub(crate) const fn quick() -> Self {
        Self { rounds: 1, call_seconds: 0.1, ledger_seconds: 0.1, warm_seconds: 0.0 }
    }
}

/// A column of work that every contestant of a group does.
struct Event {
    title: &'static str,
    shape: Shape,
    in_flight: usize,
}

/// A script as a contestant, which takes part where a variable says what runs it.
struct Script {
    label: &'static str,
    variable: &'static str,
    /// The program that runs the script; the variable's value where absent.
    program: Option<&'static str>,
    path: &'static str,
    /// The library that the script measures; Tollway where absent.
    peer: Option<&'static str>,
}

const BASELINE: &str = "bare reqwest";
const ENGINE: &str = "Tollway, Rust";
/// The engine once more, whose rows are checked so often that it shows.
const CHECKING: &str = "Tollway, Rust, 21 times the checks";
/// The line that other libraries are compared with: they are Python's too.
const IN_PYTHON: &str = "Tollway, Python";

const SCRIPTS: [Script; 4] = [
    Script {
        label: IN_PYTHON,
        variable: "TOLLWAY_BENCH_PYTHON",
        program: None,
        path: "python/bench_tollway.py",
        peer: None,
    },
    Script {
        label: "Tollway, Node",
        variable: "TOLLWAY_BENCH_NODE",
        program: Some("node"),
        path: "node/bench_tollway.mjs",
        peer: None,
    },
    Script {
        label: "liter-llm",
        variable: "TOLLWAY_BENCH_PEERS",
        program: None,
        path: "python/bench_peers.py",
        peer: Some("liter-llm"),
    },
    Script {
        label: "LiteLLM",
        variable: "TOLLWAY_BENCH_PEERS",
        program: None,
        path: "python/bench_peers.py",
        peer: Some("litellm"),
    },
];

const CALLS: [Event; 4] = [
    Event { title: "whole replies, 1 in flight", shape: Shape::Whole, in_flight: 1 },
    Event { title: "whole replies, 64 in flight", shape: Shape::Whole, in_flight: 64 },
    Event { title: "whole replies, 512 in flight", shape: Shape::Whole, in_flight: 512 },
    Event { title: "streams of 100 pieces, 64 in flight", shape: Shape::Stream, in_flight: 64 },
];

const PAIRS: [Event; 3] = [
    Event { title: "reserve and settle, 1 in flight", shape: Shape::Pair, in_flight: 1 },
    Event { title: "reserve and settle, 8 in flight", shape: Shape::Pair, in_flight: 8 },
    Event { title: "reserve and settle, 64 in flight", shape: Shape::Pair, in_flight: 64 },
];

impl Script {
    fn command(&self, value: &str) -> Command {
        let mut command = Command::new(self.program.unwrap_or(value));
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(self.path)).args(self.peer);
        command
    }

    /// Asks the script which version of a library it measures.
    fn version(&self, value: &str, peer: &str) -> Result<String, Failure> {
        let output = self.command(value).arg("--version").output()?;
        if output.status.success() {
            return Ok(String::from_utf8(output.stdout)?.trim().to_owned());
        }
        Err(Failure::new(format!("{peer} is not there: {}", String::from_utf8_lossy(&output.stderr))))
    }
}

/// Runs the whole benchmark.
pub(crate) fn run(plan: Plan) -> Result<(), Failure> {
    let own = std::env::current_exe()?;
    let beside = own.parent().unwrap_or(Path::new(".")).to_owned();
    let parent = SystemEnvironment.variable("TOLLWAY_BENCH_FOLDER").map_or(beside.clone(), PathBuf::from);
    let folder = tempfile::Builder::new().prefix("tollway-bench-").tempdir_in(parent)?;
    let program =
        SystemEnvironment.variable("TOLLWAY_MOCK_PROVIDER").map_or(beside.join("mock-provider"), PathBuf::from);

    say(&format!(
        "build: {}; processors: {}; files: {}; rounds: {} of {} s (calls) and {} s (ledger)",
        if cfg!(debug_assertions) { "DEBUG, whose figures mean nothing" } else { "release" },
        std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        folder.path().display(),
        plan.rounds,
        plan.call_seconds,
        plan.ledger_seconds,
    ))?;
    calls(plan, &own, &program, folder.path())?;
    ledger(plan, &own, folder.path())
}

fn calls(plan: Plan, own: &Path, mock: &Path, folder: &Path) -> Result<(), Failure> {
    let mock = Mock::start(mock)?;
    let setup = |name: &str, recorded: Vec<Recorded>| Setup {
        folder: folder.join(name).to_string_lossy().into_owned(),
        mock: mock.address.clone(),
        recorded,
    };
    let contestant = |name: &str| {
        let mut command = Command::new(own);
        command.args(["contestant", name]);
        command
    };
    let mut engine = Contestant::start(ENGINE, &mut contestant("engine"), &setup("engine", Vec::new()))?;
    let recorded = record(&mock, &mut engine)?;
    let mut contestants = vec![
        Contestant::start(BASELINE, &mut contestant("bare"), &setup("bare", recorded))?,
        engine,
        Contestant::start(
            "Tollway, Rust, exclusive",
            &mut contestant("engine-exclusive"),
            &setup("engine-exclusive", Vec::new()),
        )?,
        Contestant::start(CHECKING, &mut contestant("engine-checking"), &setup("engine-checking", Vec::new()))?,
    ];
    for script in SCRIPTS {
        let Some(value) = SystemEnvironment.variable(script.variable) else {
            say(&format!("{} is not measured: {} is not set", script.label, script.variable))?;
            continue;
        };
        let setup = setup(script.label, Vec::new());
        let contestant = Contestant::start(script.label, &mut script.command(&value), &setup)?;
        contestants.push(match script.peer {
            Some(name) => {
                say(&format!("{} is version {}", script.label, script.version(&value, name)?))?;
                contestant.limited_to(&[Shape::Whole])
            }
            None => contestant,
        });
    }
    let cells = compete(plan.rounds, plan.call_seconds, plan.warm_seconds, &CALLS, &mut contestants)?;
    let ratios = [("of reqwest", BASELINE), ("of Tollway", IN_PYTHON)];
    let table = Table { what: "calls/s", ratios: &ratios, cells };
    table.print()?;
    table.print_surplus("the checks of rows", (ENGINE, CHECKING), f64::from(MORE_CHECKS))
}

fn ledger(plan: Plan, own: &Path, folder: &Path) -> Result<(), Failure> {
    let start = |label, name: &str| {
        let folder = folder.join(name).to_string_lossy().into_owned();
        let setup = Setup { folder, mock: String::new(), recorded: Vec::new() };
        Contestant::start(label, Command::new(own).args(["contestant", name]), &setup)
    };
    let mut contestants = vec![
        start("2 fsync'd appends", "fsync")?,
        start("ledger", "ledger")?,
        start("ledger, exclusive", "ledger-exclusive")?,
        start("SQLite", "sqlite")?,
    ];
    let cells = compete(plan.rounds, plan.ledger_seconds, plan.warm_seconds, &PAIRS, &mut contestants)?;
    Table { what: "pairs/s", ratios: &[("ratio", "2 fsync'd appends")], cells }.print()
}

/// Lets the engine make one call of each shape and takes what the mock provider received.
fn record(mock: &Mock, engine: &mut Contestant) -> Result<Vec<Recorded>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(mock.record(true))?;
    let mut recorded = Vec::new();
    for shape in [Shape::Whole, Shape::Stream] {
        engine.play(Round { shape, in_flight: 1, seconds: 0.0, count: true })?;
        let mut request = runtime.block_on(mock.last_request())?;
        request["shape"] = serde_json::to_value(shape)?;
        recorded.push(serde_json::from_value(request)?);
    }
    runtime.block_on(mock.record(false))?;
    Ok(recorded)
}

/// Lets contestants take turns, so that a noisy moment of the machine hits all of them alike. In the end, every call that
/// was answered must be in the ledger.
fn compete(
    rounds: usize,
    seconds: f64,
    warm_seconds: f64,
    events: &[Event],
    contestants: &mut [Contestant],
) -> Result<Vec<Cell>, Failure> {
    let mut cells = Vec::new();
    for event in events {
        let round = |seconds| Round { shape: event.shape, in_flight: event.in_flight, seconds, count: false };
        let mut taking_part: Vec<_> = contestants.iter_mut().filter(|one| one.plays(event.shape)).collect();
        for contestant in &mut taking_part {
            contestant.play(round(warm_seconds))?;
        }
        let mut measured: Vec<Vec<Measured>> = vec![Vec::new(); taking_part.len()];
        for _ in 0..rounds {
            for (contestant, measured) in taking_part.iter_mut().zip(&mut measured) {
                measured.push(contestant.play(round(seconds))?);
            }
        }
        let labels = taking_part.iter().map(|contestant| contestant.label);
        cells.extend(labels.zip(measured).map(|(contestant, rounds)| Cell { event: event.title, contestant, rounds }));
    }
    let last = Round { shape: events[0].shape, in_flight: 1, seconds: 0.0, count: true };
    contestants.iter_mut().try_for_each(|contestant| contestant.play(last).map(|_| ()))?;
    Ok(cells)
}
