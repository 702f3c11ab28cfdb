//! Writes `docs/peer-formats.md`: what each form of price lists can say, found by reading a small list in each.

mod rows;
mod table;

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::fs::write(table::PATH, table::markdown()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "{} cannot be written: {error}", table::PATH);
            ExitCode::FAILURE
        }
    }
}
