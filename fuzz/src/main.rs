//! Runs a fuzz target: `tollway-fuzz TARGET [--seconds N] [--seed N]`, or one input of it: `tollway-fuzz TARGET FILE`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use tollway_fuzz::runner::{Run, child, trials, watch};
use tollway_fuzz::targets::{ALL, Target, named};

/// How long a target runs if nothing is said.
const USUAL_SECONDS: u64 = 60;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "tollway-fuzz: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let trial = |name: &&str| trials().iter().find(|trial| trial.name == *name);
    let Some(target) = words.first().and_then(|name| named(name).or_else(|| trial(name))) else {
        let names: Vec<_> = ALL.iter().map(|target| target.name).collect();
        return Err(io::Error::other(format!("name a target: {}", names.join(", "))));
    };
    match &words[1..] {
        ["--child", seed, milliseconds, folder] => {
            let run = Run { target, time: Duration::from_millis(number(milliseconds)?), seed: number(seed)? };
            let code = child(&run, Path::new(folder))?;
            // A thread that hangs would be waited for.
            std::process::exit(code)
        }
        [path] if !path.starts_with("--") => {
            (target.run)(&std::fs::read(path)?);
            writeln!(io::stdout(), "{}: survived", target.name)?;
            Ok(ExitCode::SUCCESS)
        }
        options => watched(target, options),
    }
}

fn watched(target: &'static Target, options: &[&str]) -> io::Result<ExitCode> {
    let (mut seconds, mut seed) = (USUAL_SECONDS, 1);
    for option in options.chunks(2) {
        match option {
            ["--seconds", value] => seconds = number(value)?,
            ["--seed", value] => seed = number(value)?,
            other => return Err(io::Error::other(format!("{other:?} is no option; give --seconds N or --seed N"))),
        }
    }
    let findings = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("findings");
    let run = Run { target, time: Duration::from_secs(seconds), seed };
    let outcome = watch(&run, &std::env::current_exe()?, &findings)?;
    let mut output = io::stdout();
    let (name, executions, found) = (target.name, outcome.executions, outcome.findings.len());
    writeln!(output, "{name}: {seconds} s, {executions} executions, {found} findings")?;
    for (path, what) in &outcome.findings {
        writeln!(output, "  {}: {what}", path.display())?;
    }
    Ok(if outcome.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn number(text: &str) -> io::Result<u64> {
    text.parse().map_err(|_| io::Error::other(format!("{text:?} is no number")))
}
