//! `tollway prices diff`: what one price list has that another has not.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;
use tollway::billing::exact::Exact;
use tollway::types::{Offer, OfferPrice, PriceBook, printable};

use super::book::Book;
use super::{count, words, write_json};
use crate::arguments::DiffArguments;
use crate::failure::Failure;
use crate::table::{Side, Table};

/// What differs between two price lists.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Differences {
    /// Models that only the second list has.
    added: Vec<String>,
    /// Models that only the first list has.
    removed: Vec<String>,
    /// Models of both lists whose prices differ.
    changed: Vec<Change>,
}

/// One price that differs.
#[derive(Debug, PartialEq, Serialize)]
struct Change {
    model: String,
    /// The meter, or what a modifier is for.
    subject: String,
    /// When the price applies; empty if always.
    when: String,
    /// The price in the first list; absent if it has none.
    old: Option<String>,
    /// The price in the second list; absent if it has none.
    new: Option<String>,
}

pub(super) fn run(arguments: &DiffArguments, output: &mut impl Write) -> Result<bool, Failure> {
    let old = Book::file(&arguments.old, arguments.format)?;
    let new_format = arguments.new_format.or(arguments.format);
    let new = Book::file_or_catalog(arguments.new.as_ref(), new_format)?;
    let head = format!("From {} to {}:", old.name, new.name);
    let differences = compare(&old.into_book(), &new.into_book());
    if arguments.json {
        write_json(output, &differences)?;
    } else {
        writeln!(output, "{head}")?;
        write_differences(&differences, output)?;
    }
    Ok(true)
}

fn compare(old: &PriceBook, new: &PriceBook) -> Differences {
    let (old, new) = (by_name(old), by_name(new));
    let only = |left: &BTreeMap<String, &Offer>, right: &BTreeMap<String, &Offer>| {
        left.keys().filter(|name| !right.contains_key(*name)).cloned().collect()
    };
    let mut differences = Differences { added: only(&new, &old), removed: only(&old, &new), changed: Vec::new() };
    for (name, old) in &old {
        if let Some(new) = new.get(name) {
            compare_offers(name, old, new, &mut differences.changed);
        }
    }
    differences
}

fn by_name(book: &PriceBook) -> BTreeMap<String, &Offer> {
    book.offers.iter().map(|offer| (offer.name(), offer)).collect()
}

fn compare_offers(name: &str, old: &Offer, new: &Offer, changes: &mut Vec<Change>) {
    let mut rest: Vec<&OfferPrice> = new.prices.iter().collect();
    let mut change = |price: &OfferPrice, old: Option<String>, new: Option<String>| {
        let (subject, when) = (words::subject(price), words::conditions(&price.conditions));
        changes.push(Change { model: name.to_owned(), subject, when, old, new });
    };
    for price in &old.prices {
        let place = rest.iter().position(|other| is_same_slot(price, other));
        let other = place.map(|place| rest.remove(place));
        if other.is_none_or(|other| old.currency != new.currency || !says_the_same(price, other)) {
            change(price, Some(text(price, old)), other.map(|other| text(other, new)));
        }
    }
    for price in rest {
        change(price, None, Some(text(price, new)));
    }
}

/// Returns whether two prices are for the same thing, under the same conditions, from the same instant on.
fn is_same_slot(left: &OfferPrice, right: &OfferPrice) -> bool {
    let kind =
        |price: &OfferPrice| price.modifier.as_ref().map(|modifier| (modifier.group.clone(), modifier.meters.clone()));
    left.pricing_type == right.pricing_type
        && left.basis == right.basis
        && left.conditions == right.conditions
        && left.effective_date == right.effective_date
        && kind(left) == kind(right)
}

/// Returns whether two prices of one slot make the same amounts at the same times, whatever unit they are stated in.
fn says_the_same(left: &OfferPrice, right: &OfferPrice) -> bool {
    let of_one = |price: &OfferPrice| Exact::product(&[price.unit_price], price.unit.size());
    of_one(left) == of_one(right)
        && left.rounding == right.rounding
        && left.modifier == right.modifier
        && left.expiry_date == right.expiry_date
}

fn text(price: &OfferPrice, offer: &Offer) -> String {
    let (price, extras) = (words::price(price, offer.currency), words::extras(price, offer.currency));
    if extras.is_empty() { price } else { format!("{price}, {extras}") }
}

fn write_differences(differences: &Differences, output: &mut impl Write) -> Result<(), Failure> {
    for (names, what) in [(&differences.added, "added"), (&differences.removed, "removed")] {
        for name in names {
            writeln!(output, "  {what:<8} {}", printable(name))?;
        }
    }
    let mut table = Table::new([
        ("model", Side::Left),
        ("meter", Side::Left),
        ("when", Side::Left),
        ("old price", Side::Left),
        ("new price", Side::Left),
    ]);
    let none = || "none".to_owned();
    for change in &differences.changed {
        table.push([
            change.model.clone(),
            change.subject.clone(),
            change.when.clone(),
            change.old.clone().unwrap_or_else(none),
            change.new.clone().unwrap_or_else(none),
        ]);
    }
    if !differences.changed.is_empty() {
        writeln!(output)?;
        table.write(output)?;
        writeln!(output)?;
    }
    writeln!(
        output,
        "{} added, {} removed, {} changed.",
        count(differences.added.len(), "model"),
        count(differences.removed.len(), "model"),
        count(differences.changed.len(), "price")
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(offers: &str) -> PriceBook {
        serde_json::from_str(&format!(r#"{{"offers": [{offers}]}}"#)).unwrap()
    }

    fn offer(model: &str, currency: &str, prices: &str) -> String {
        format!(
            r#"{{"provider": "acme", "model": "{model}", "currency": "{currency}", "prices": [{prices}],
                "source": "list 1", "checked": "2026-11-20"}}"#
        )
    }

    fn input(price: &str, unit: &str, more: &str) -> String {
        format!(r#"{{"pricing_type": "input_token", "unit_price": "{price}", "unit": "{unit}"{more}}}"#)
    }

    fn only(old: &str, new: &str) -> Option<Change> {
        let differences = compare(&book(old), &book(new));
        assert!(differences.added.is_empty() && differences.removed.is_empty() && differences.changed.len() <= 1);
        differences.changed.into_iter().next()
    }

    #[test]
    fn models_of_one_list_only_are_named() {
        let differences = compare(
            &book(&[offer("duck", "USD", ""), offer("goose", "USD", "")].join(",")),
            &book(&[offer("goose", "USD", ""), offer("swan", "USD", "")].join(",")),
        );
        assert_eq!(
            (differences.added, differences.removed),
            (vec!["acme/swan".to_owned()], vec!["acme/duck".to_owned()])
        );
        assert_eq!(differences.changed, []);
    }

    #[test]
    fn prices_in_different_units_differ_only_if_their_amounts_do() {
        let dear = offer("duck", "USD", &input("0.15", "per_1m_tokens", ""));
        assert_eq!(only(&dear, &offer("duck", "USD", &input("0.00000015", "per_token", ""))), None);
        let change = only(&dear, &offer("duck", "USD", &input("0.16", "per_1m_tokens", ""))).unwrap();
        assert_eq!(change.old.as_deref(), Some("0.15 USD per 1M tokens"));
        assert_eq!(change.new.as_deref(), Some("0.16 USD per 1M tokens"));
        let yuan = only(&dear, &offer("duck", "CNY", &input("0.15", "per_1m_tokens", ""))).unwrap();
        assert_eq!(yuan.new.as_deref(), Some("0.15 CNY per 1M tokens"));
        let until = r#", "expiry_date": "2027-01-01T00:00:00Z""#;
        let ending = only(&dear, &offer("duck", "USD", &input("0.15", "per_1m_tokens", until))).unwrap();
        assert_eq!(ending.new.as_deref(), Some("0.15 USD per 1M tokens, until 2027-01-01T00:00:00Z"));
    }

    #[test]
    fn prices_under_other_conditions_are_other_prices() {
        let plain = input("1", "per_1m_tokens", "");
        let long = input("2", "per_1m_tokens", r#", "conditions": {"input_tokens": {"above": 200000}}"#);
        let old = offer("duck", "USD", &plain);
        let change = only(&old, &offer("duck", "USD", &[long.as_str(), plain.as_str()].join(","))).unwrap();
        assert_eq!((change.old, change.when.as_str()), (None, "input tokens > 200000"));
        assert_eq!(change.new.as_deref(), Some("2 USD per 1M tokens"));
    }

    #[test]
    fn modifiers_with_different_ratios_differ() {
        let ratio = |ratio: &str| {
            format!(
                r#"{{"pricing_type": "modifier", "unit_price": "{ratio}", "unit": "ratio",
                    "conditions": {{"service_tier": "batch"}}, "modifier": {{"group": "batch"}}}}"#
            )
        };
        let (old, new) = (offer("duck", "USD", &ratio("0.5")), offer("duck", "USD", &ratio("0.6")));
        let change = only(&old, &new).unwrap();
        assert_eq!((change.subject.as_str(), change.when.as_str()), ("batch on everything", "service tier batch"));
        assert_eq!((change.old.as_deref(), change.new.as_deref()), (Some("x 0.5"), Some("x 0.6")));
        assert_eq!(only(&old, &old), None);
    }
}
