//! The `tollway` command as a function, so that a binary and the Python package run the same.

mod arguments;
mod cost;
mod failure;
mod prices;
mod shown;
mod table;

use std::ffi::OsString;
use std::io::{BufRead, Write};

use clap::Parser;

use arguments::{Arguments, Command};
use failure::Failure;
use shown::Shown;

/// Runs the command with arguments whose first is its name, and returns its exit code.
///
/// 0 is success; 1 means that it ran and something was wrong, which it says; 2 means that it was called wrongly.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    input: impl BufRead,
    output: impl Write,
    errors: impl Write,
) -> u8 {
    let (mut output, mut errors) = (Shown(output), Shown(errors));
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let text = error.render();
            let is_wrong = error.use_stderr();
            let _ = if is_wrong { write!(errors, "{text}") } else { write!(output, "{text}") };
            return if is_wrong { 2 } else { 0 };
        }
    };
    let outcome = match arguments.command {
        Command::Cost(arguments) => cost::run(&arguments, input, &mut output),
        Command::Prices(command) => prices::run(command, &mut output),
    };
    let outcome = outcome.and_then(|ok| output.flush().map(|()| ok).map_err(Failure::from));
    match outcome {
        Ok(true) => 0,
        Ok(false) => 1,
        // Whoever reads the output has had enough.
        Err(Failure::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => 0,
        Err(failure) => {
            let _ = writeln!(errors, "tollway: {failure}");
            1
        }
    }
}
