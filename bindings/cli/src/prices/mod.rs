//! `tollway prices`: price lists, read and compared. Nothing is fetched.

pub(crate) mod book;
mod diff;
mod import;
mod lint;
mod list;
mod show;
pub(crate) mod words;

use std::io::Write;

use serde::Serialize;

use crate::arguments::PricesCommand;
use crate::failure::Failure;

/// Runs the command; returns whether nothing is wrong.
pub(crate) fn run(command: PricesCommand, output: &mut impl Write) -> Result<bool, Failure> {
    match command {
        PricesCommand::List(arguments) => list::run(&arguments, output),
        PricesCommand::Show(arguments) => show::run(&arguments, output),
        PricesCommand::Import(arguments) => import::run(arguments, output),
        PricesCommand::Lint(arguments) => lint::run(&arguments, output),
        PricesCommand::Diff(arguments) => diff::run(&arguments, output),
    }
}

/// Writes a value as JSON text that people can read, with a line end.
pub(crate) fn write_json(output: &mut impl Write, value: &impl Serialize) -> Result<(), Failure> {
    serde_json::to_writer_pretty(&mut *output, value).map_err(std::io::Error::from)?;
    output.write_all(b"\n")?;
    Ok(())
}

/// Writes values as a JSON list, one to a line.
fn write_json_lines<T: Serialize>(output: &mut impl Write, values: impl Iterator<Item = T>) -> Result<(), Failure> {
    let mut separator = "[\n";
    for value in values {
        output.write_all(separator.as_bytes())?;
        serde_json::to_writer(&mut *output, &value).map_err(std::io::Error::from)?;
        separator = ",\n";
    }
    output.write_all(if separator == "[\n" { b"[]\n" } else { b"\n]\n" })?;
    Ok(())
}

/// Writes a number of things, such as `1 price` and `2 prices`.
fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    match thing.strip_suffix("ry") {
        Some(stem) if number != 1 => format!("{number} {stem}ries"),
        _ => format!("{number} {thing}{plural}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_written_with_their_noun_in_singular_or_plural() {
        for (number, thing, text) in [
            (3, "key", "3 keys"),
            (1, "entry", "1 entry"),
            (0, "entry", "0 entries"),
            (2, "price", "2 prices"),
            (1, "price", "1 price"),
        ] {
            assert_eq!(count(number, thing), text);
        }
    }

    #[test]
    fn a_list_is_valid_json_whatever_its_length() {
        for values in [vec![], vec![1], vec![1, 2]] {
            let mut text = Vec::new();
            write_json_lines(&mut text, values.iter()).unwrap();
            assert_eq!(serde_json::from_slice::<Vec<i32>>(&text).unwrap(), values);
        }
    }
}
