//! Measures Tollway beside a bare HTTP client and other libraries, and its ledger beside a bare fsync, in one run.
//!
//! The program without an argument is the driver: it starts every contestant as a process of its own, lets them take
//! turns, and prints medians. With `contestant NAME` it is one of them.

mod catalog;
mod contestant;
mod driver;
mod growth;
mod process;
mod protocol;
mod table;

use std::io::Write as _;
use std::process::ExitCode;

use protocol::Failure;

const USAGE: &str = "usage: tollway-benches [catalog] [--quick]
       tollway-benches growth FILE RECORDS

  catalog    how long the bundled catalog takes to open, instead of the calls and the ledger
  growth     brings a file of its own to so many records, then measures what it answers and what it costs those who write
  --quick    one short round of each, to see that everything runs; the figures mean nothing

environment:
  TOLLWAY_MOCK_PROVIDER   the mock provider's program; the one beside this program where absent
  TOLLWAY_BENCH_PYTHON    a Python that has the package; it is left out, and said to be, where absent
  TOLLWAY_BENCH_NODE      the folder of the npm package, built; it is left out, and said to be, where absent
  TOLLWAY_BENCH_PEERS     a Python that has the libraries of python/requirements-peers.txt; they are left out where absent
  TOLLWAY_BENCH_FOLDER    where the files go, which must be on a real disk; beside this program where absent
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        [] => driver::run(driver::Plan::full()),
        ["--quick"] => driver::run(driver::Plan::quick()),
        ["catalog"] => catalog::run(false),
        ["catalog", "--quick"] => catalog::run(true),
        ["growth", path, records] => growth::run(path, records),
        ["growth-question", path, question] => growth::ask(path, question),
        ["contestant", name] => contestant::serve(name),
        ["--help" | "-h"] => write!(std::io::stdout(), "{USAGE}").map_err(Failure::from),
        _ => Err(Failure::new(USAGE)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "{failure}");
            ExitCode::FAILURE
        }
    }
}
