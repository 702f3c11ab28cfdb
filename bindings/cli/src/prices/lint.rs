//! `tollway prices lint`: what seems wrong in a price list.

use std::collections::BTreeMap;
use std::io::Write;

use tollway::catalog::lint::{Finding, lint};

use super::book::Book;
use super::{count, write_json};
use crate::arguments::LintArguments;
use crate::failure::Failure;
use crate::table::{Side, Table};

pub(super) fn run(arguments: &LintArguments, output: &mut impl Write) -> Result<bool, Failure> {
    let book = Book::file_or_catalog(arguments.file.as_ref(), arguments.format)?;
    let (name, not_understood) = (book.name.clone(), book.not_understood());
    let book = book.into_book();
    let findings = lint(&book);
    if arguments.json {
        write_json(output, &findings)?;
        return Ok(findings.is_empty());
    }
    write_findings(&findings, output)?;
    if not_understood > 0 {
        writeln!(output, "{} of {name} made no price; `prices import` lists them.", count(not_understood, "key"))?;
    }
    writeln!(output, "{} in {} of {name}.", count(findings.len(), "finding"), count(book.offers.len(), "offer"))?;
    Ok(findings.is_empty())
}

fn write_findings(findings: &[Finding], output: &mut impl Write) -> Result<(), Failure> {
    if findings.is_empty() {
        return Ok(());
    }
    let mut table = Table::new([("rule", Side::Left), ("model", Side::Left), ("finding", Side::Left)]);
    let mut rules = BTreeMap::<&str, usize>::new();
    for finding in findings {
        table.push([finding.rule.clone(), finding.offer.clone(), finding.detail.clone()]);
        *rules.entry(&finding.rule).or_default() += 1;
    }
    table.write(output)?;
    let rules: Vec<_> = rules.into_iter().map(|(rule, times)| format!("{rule} {times}")).collect();
    writeln!(output, "\n{}.", rules.join(", "))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_listed_and_counted_by_rule() {
        let finding = |offer: &str, rule: &str| Finding {
            offer: offer.to_owned(),
            rule: rule.to_owned(),
            detail: "9 is above 1".to_owned(),
        };
        let findings = [finding("acme/a", "cached_above_input"), finding("acme/b", "cached_above_input")];
        let mut text = Vec::new();
        write_findings(&findings, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("cached_above_input  acme/b  9 is above 1\n\ncached_above_input 2.\n"), "{text}");
    }
}
