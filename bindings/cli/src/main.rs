//! The `tollway` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    let code =
        tollway_cli::run(std::env::args_os(), std::io::stdin().lock(), std::io::stdout().lock(), std::io::stderr());
    ExitCode::from(code)
}
