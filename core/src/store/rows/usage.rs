//! Rows of usage and receipts. Meters, flags and units are kept by name, so that a new one needs no new row version.

use std::collections::BTreeMap;

use super::rows;
use crate::store::codec::{DecimalBytes, currency, decimal, from_name, name_of};
use crate::types::{Iteration, Meter, PriceId, Quantity, ReceiptLine, Result, Usage};

rows! {
    /// The quantities of an attempt.
    UsageRow in "ai_usage_records" {
        meters: Vec<(String, u64)>,
        flags: Vec<String>,
        reported_total: Option<u64>,
        reported_cost: Option<DecimalBytes>,
        iterations: Vec<IterationRow>,
    }
    /// Billed work that the meters leave out.
    IterationRow in "ai_usage_records" {
        kind: String,
        model: Option<String>,
        meters: Vec<(String, u64)>,
    }
    /// A line of a receipt.
    ReceiptLineRow in "ai_usage_records" {
        attempt: u32,
        model: String,
        meter: Option<String>,
        note: Option<String>,
        quantity: u64,
        unit_price: Option<DecimalBytes>,
        unit: Option<String>,
        price_id: Option<u64>,
        amount: Option<DecimalBytes>,
        currency: Option<String>,
    }
}

/// Returns the quantities by the names of their meters.
pub(in crate::store) fn named_meters(meters: &BTreeMap<Meter, Quantity>) -> Vec<(String, u64)> {
    meters.iter().map(|(meter, quantity)| (meter.name().to_owned(), quantity.whole())).collect()
}

/// Returns the quantities by meter.
pub(in crate::store) fn meters_by_name(table: &str, named: &[(String, u64)]) -> Result<BTreeMap<Meter, Quantity>> {
    named.iter().map(|(name, quantity)| Ok((from_name(table, name)?, (*quantity).into()))).collect()
}

impl UsageRow {
    pub(in crate::store) fn new(usage: &Usage) -> Result<Self> {
        Ok(Self {
            meters: named_meters(&usage.meters),
            flags: usage.flags.iter().map(name_of).collect::<Result<_>>()?,
            reported_total: usage.reported_total,
            reported_cost: usage.reported_cost.map(|cost| cost.serialize()),
            iterations: usage
                .iterations
                .iter()
                .map(|iteration| IterationRow {
                    kind: iteration.kind.clone(),
                    model: iteration.model.clone(),
                    meters: named_meters(&iteration.meters),
                })
                .collect(),
        })
    }

    pub(in crate::store) fn usage(self, table: &str) -> Result<Usage> {
        Ok(Usage {
            meters: meters_by_name(table, &self.meters)?,
            flags: self.flags.iter().map(|flag| from_name(table, flag)).collect::<Result<_>>()?,
            reported_total: self.reported_total,
            reported_cost: self.reported_cost.map(|cost| decimal(table, cost)).transpose()?,
            iterations: self
                .iterations
                .into_iter()
                .map(|row| {
                    Ok(Iteration { kind: row.kind, model: row.model, meters: meters_by_name(table, &row.meters)? })
                })
                .collect::<Result<_>>()?,
        })
    }
}

impl ReceiptLineRow {
    pub(in crate::store) fn new(line: &ReceiptLine) -> Self {
        Self {
            attempt: line.attempt,
            model: line.model.clone(),
            meter: line.meter.map(|meter| meter.name().to_owned()),
            note: line.note.clone(),
            quantity: line.quantity.whole(),
            unit_price: line.unit_price.map(|price| price.serialize()),
            unit: line.unit.map(|unit| unit.name().to_owned()),
            price_id: line.price_id.map(PriceId::get),
            amount: line.amount.map(|amount| amount.serialize()),
            currency: line.currency.map(|currency| currency.code().to_owned()),
        }
    }

    pub(in crate::store) fn line(self, table: &str) -> Result<ReceiptLine> {
        Ok(ReceiptLine {
            attempt: self.attempt,
            model: self.model,
            meter: self.meter.map(|meter| from_name(table, &meter)).transpose()?,
            note: self.note,
            quantity: self.quantity.into(),
            billed_quantity: None,
            modifiers: Vec::new(),
            unit_price: self.unit_price.map(|price| decimal(table, price)).transpose()?,
            unit: self.unit.map(|unit| from_name(table, &unit)).transpose()?,
            price_id: self.price_id.map(PriceId::new),
            amount: self.amount.map(|amount| decimal(table, amount)).transpose()?,
            currency: self.currency.map(|code| currency(table, &code)).transpose()?,
        })
    }
}
