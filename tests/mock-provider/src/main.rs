//! The server as a program: prints one line with its address, runs until its standard input closes.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use mock_provider::MockProvider;

const USAGE: &str = "usage: mock-provider [--port N] [--threads N] [--stay]

  --port N      the port to listen on; a free one where absent
  --threads N   how many threads serve; 1 where absent
  --stay        run on when standard input closes; without it the end of the parent is the end of the server";

struct Choices {
    port: u16,
    threads: usize,
    stay: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(detail) => {
            let _ = writeln!(std::io::stderr(), "{detail}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), String> {
    let Some(choices) = choices(std::env::args().skip(1))? else {
        return writeln!(std::io::stdout(), "{USAGE}").map_err(|error| error.to_string());
    };
    let server = MockProvider::start_blocking(choices.port, choices.threads).map_err(|error| error.to_string())?;
    let mut output = std::io::stdout();
    writeln!(output, "listening on {}", server.base_url())
        .and_then(|()| output.flush())
        .map_err(|error| format!("the address cannot be printed: {error}"))?;
    if choices.stay {
        loop {
            std::thread::park();
        }
    }
    let mut ignored = [0; 1024];
    while matches!(std::io::stdin().read(&mut ignored), Ok(1..)) {}
    Ok(())
}

/// Reads the arguments; nothing if help was asked for.
fn choices(mut arguments: impl Iterator<Item = String>) -> Result<Option<Choices>, String> {
    let mut choices = Choices { port: 0, threads: 1, stay: false };
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().ok_or_else(|| format!("{argument} wants a number\n{USAGE}"));
        let wrong = |text: &str| format!("`{text}` is not a number that {argument} takes\n{USAGE}");
        match argument.as_str() {
            "--port" => {
                let text = number()?;
                choices.port = text.parse().map_err(|_| wrong(&text))?;
            }
            "--threads" => {
                let text = number()?;
                choices.threads = text.parse().ok().filter(|count| *count > 0).ok_or_else(|| wrong(&text))?;
            }
            "--stay" => choices.stay = true,
            "--help" | "-h" => return Ok(None),
            _ => return Err(format!("`{argument}` is not an option\n{USAGE}")),
        }
    }
    Ok(Some(choices))
}
