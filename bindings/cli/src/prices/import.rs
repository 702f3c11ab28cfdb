//! `tollway prices import`: a price list of another form, in Tollway's own.

use std::collections::BTreeMap;
use std::io::Write;

use tollway::catalog::import::{ImportReport, Imported, NotUnderstood, Origin, import, read_file, write, write_file};
use tollway::environment::SystemEnvironment;
use tollway::store::is_ledger;

use super::book::{default_source, today};
use super::{count, write_json};
use crate::arguments::ImportArguments;
use crate::failure::Failure;
use crate::table::{Side, Table};

/// How many entries without a price are named; more are counted.
const MOST_NAMED: usize = 5;

pub(super) fn run(arguments: ImportArguments, output: &mut impl Write) -> Result<bool, Failure> {
    let ImportArguments { file, format, strict, output: target, source, checked, json } = arguments;
    let origin = Origin {
        source: source.unwrap_or_else(|| default_source(&file, format)),
        checked: checked.unwrap_or_else(today),
    };
    let Imported { book, report } = import(format, &read_file(&file)?, &origin, strict)?;
    if let Some(target) = &target {
        write_file(target, &write(&book), is_ledger, &SystemEnvironment)?;
    }
    if json {
        write_json(output, &report)?;
        return Ok(true);
    }
    write_report(&report, output)?;
    if let Some(target) = &target {
        writeln!(output, "The prices are in {}.", target.display())?;
    }
    Ok(true)
}

/// How much of a value is shown; the report as JSON has it whole.
const LONGEST_VALUE: usize = 40;

/// Keys that were not understood for one reason.
#[derive(Default)]
struct Group<'a> {
    keys: usize,
    example: Option<&'a NotUnderstood>,
}

fn write_report(report: &ImportReport, output: &mut impl Write) -> Result<(), Failure> {
    writeln!(
        output,
        "{} made {} with {}.",
        count(report.entries, "entry"),
        count(report.offers, "offer"),
        count(report.prices, "price")
    )?;
    write_names(&report.unpriced, output)?;
    let mut groups = BTreeMap::<(&str, &str), Group<'_>>::new();
    for each in &report.not_understood {
        let group = groups.entry((last_part(&each.key), &each.reason)).or_default();
        group.keys += 1;
        group.example.get_or_insert(each);
    }
    if groups.is_empty() {
        writeln!(output, "Every key was understood.")?;
        return Ok(());
    }
    writeln!(output, "{} not understood, and made no price:\n", be(report.not_understood.len(), "key"))?;
    let mut table =
        Table::new([("key", Side::Left), ("count", Side::Right), ("reason", Side::Left), ("for example", Side::Left)]);
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.keys));
    for ((key, reason), group) in groups {
        let example = group.example.map(example).unwrap_or_default();
        table.push([key.to_owned(), group.keys.to_string(), reason.to_owned(), example]);
    }
    table.write(output)?;
    writeln!(output)?;
    Ok(())
}

fn write_names(unpriced: &[String], output: &mut impl Write) -> Result<(), Failure> {
    if unpriced.is_empty() {
        return Ok(());
    }
    let named = unpriced.iter().take(MOST_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = unpriced.len().saturating_sub(MOST_NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let carry = if unpriced.len() == 1 { "carries" } else { "carry" };
    writeln!(output, "{} {carry} no price: {named}{more}.", count(unpriced.len(), "entry"))?;
    Ok(())
}

fn be(number: usize, thing: &str) -> String {
    format!("{} {}", count(number, thing), if number == 1 { "was" } else { "were" })
}

/// Names an entry with the value of its key, of which the beginning is enough.
fn example(each: &NotUnderstood) -> String {
    let value: String = each.value.chars().take(LONGEST_VALUE).collect();
    let more = if value.len() < each.value.len() { "..." } else { "" };
    if value.is_empty() { each.entry.clone() } else { format!("{} = {value}{more}", each.entry) }
}

/// Returns a key without its place inside the entry, which differs from entry to entry.
fn last_part(key: &str) -> &str {
    key.rsplit(['.', '/']).find(|part| !part.is_empty()).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_understood(entry: &str, key: &str, reason: &str) -> NotUnderstood {
        NotUnderstood {
            entry: entry.to_owned(),
            key: key.to_owned(),
            value: "0.5".to_owned(),
            reason: reason.to_owned(),
        }
    }

    fn text(report: &ImportReport) -> String {
        let mut text = Vec::new();
        write_report(report, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn keys_are_counted_by_their_name_and_reason() {
        let report = ImportReport {
            entries: 3,
            offers: 2,
            prices: 1,
            not_understood: vec![
                not_understood("acme/a", "tiers[0].cost_per_quack", "no such meter"),
                not_understood("acme/b", "cost_per_quack", "no such meter"),
                not_understood("acme/b", "cost_per_quack", "negative"),
            ],
            unpriced: (0..7).map(|place| format!("acme/free-{place}")).collect(),
        };
        let text = text(&report);
        assert!(
            text.starts_with("3 entries made 2 offers with 1 price.\n7 entries carry no price: acme/free-0, "),
            "{text}"
        );
        assert!(text.contains("acme/free-4 and 2 more.\n3 keys were not understood"), "{text}");
        let lines: Vec<_> = text.lines().filter(|line| line.starts_with("cost_per_quack")).collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].contains("2  no such meter  acme/a = 0.5") && lines[1].contains("1  negative"), "{text}");
    }

    #[test]
    fn a_long_value_is_cut() {
        let mut each = not_understood("acme/a", "table", "no price");
        each.value = "é".repeat(100);
        assert_eq!(example(&each), format!("acme/a = {}...", "é".repeat(40)));
        each.value.clear();
        assert_eq!(example(&each), "acme/a");
    }

    #[test]
    fn a_list_that_was_understood_whole_says_so() {
        let report = ImportReport { entries: 1, offers: 1, prices: 2, ..ImportReport::default() };
        assert_eq!(text(&report), "1 entry made 1 offer with 2 prices.\nEvery key was understood.\n");
    }
}
