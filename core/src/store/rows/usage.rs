//! Rows of usage and receipts. Meters, flags and units are kept by name, so that a new one needs no new row version.

use std::collections::BTreeMap;

use super::MoneyRow;
use super::rows;
use crate::store::codec::{DecimalBytes, currency, decimal, from_name, micros, name_of, quantity, time};
use crate::types::{
    AppliedModifier, Attribute, Facts, Iteration, Measure, Meter, PriceId, Quantity, ReceiptLine, Result, Usage,
};

rows! {
    /// The quantities of an attempt.
    UsageRow in "ai_usage_records" {
        meters: Vec<(String, DecimalBytes)>,
        flags: Vec<String>,
        reported_total: Option<u64>,
        reported_cost: Option<DecimalBytes>,
        computed_cost: Option<MoneyRow>,
        iterations: Vec<IterationRow>,
    }
    /// Billed work that the meters leave out.
    IterationRow in "ai_usage_records" {
        kind: String,
        model: Option<String>,
        meters: Vec<(String, DecimalBytes)>,
    }
    /// What an attempt was.
    FactsRow in "ai_usage_records" {
        attributes: Vec<(String, String)>,
        measures: Vec<(String, DecimalBytes)>,
        started_at: i64,
        first_token_at: Option<i64>,
        completed_at: Option<i64>,
    }
    /// A modifier that multiplied a line.
    ModifierRow in "ai_usage_records" {
        group: String,
        ratio: DecimalBytes,
        price_id: Option<u64>,
    }
    /// A line of a receipt.
    ReceiptLineRow in "ai_usage_records" {
        attempt: u32,
        model: String,
        meter: Option<String>,
        note: Option<String>,
        quantity: DecimalBytes,
        billed_quantity: Option<DecimalBytes>,
        unit_price: Option<DecimalBytes>,
        unit: Option<String>,
        price_id: Option<u64>,
        modifiers: Vec<ModifierRow>,
        amount: Option<DecimalBytes>,
        currency: Option<String>,
    }
}

/// Returns the quantities by the names of their meters.
pub(in crate::store) fn named_meters(meters: &BTreeMap<Meter, Quantity>) -> Vec<(String, DecimalBytes)> {
    meters.iter().map(|(meter, quantity)| (meter.name().to_owned(), quantity.get().serialize())).collect()
}

/// Returns the quantities by meter.
pub(in crate::store) fn meters_by_name(
    table: &str,
    named: &[(String, DecimalBytes)],
) -> Result<BTreeMap<Meter, Quantity>> {
    named.iter().map(|(name, bytes)| Ok((from_name(table, name)?, quantity(table, *bytes)?))).collect()
}

impl UsageRow {
    pub(in crate::store) fn new(usage: &Usage) -> Result<Self> {
        Ok(Self {
            meters: named_meters(&usage.meters),
            flags: usage.flags.iter().map(name_of).collect::<Result<_>>()?,
            reported_total: usage.reported_total,
            reported_cost: usage.reported_cost.map(|cost| cost.serialize()),
            computed_cost: usage.computed_cost.map(MoneyRow::new),
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
            computed_cost: self.computed_cost.map(|cost| cost.money(table)).transpose()?,
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

impl FactsRow {
    pub(in crate::store) fn new(facts: &Facts) -> Self {
        Self {
            attributes: facts.attributes.iter().map(|(name, value)| (name.name().to_owned(), value.clone())).collect(),
            measures: facts.measures.iter().map(|(name, value)| (name.name().to_owned(), value.serialize())).collect(),
            started_at: micros(facts.started_at),
            first_token_at: facts.first_token_at.map(micros),
            completed_at: facts.completed_at.map(micros),
        }
    }

    pub(in crate::store) fn facts(self, table: &str) -> Result<Facts> {
        let attributes = self.attributes.into_iter();
        let measures = self.measures.into_iter();
        Ok(Facts {
            attributes: attributes
                .map(|(name, value)| Ok((from_name::<Attribute>(table, &name)?, value)))
                .collect::<Result<_>>()?,
            measures: measures
                .map(|(name, value)| Ok((from_name::<Measure>(table, &name)?, decimal(table, value)?)))
                .collect::<Result<_>>()?,
            started_at: time(table, self.started_at)?,
            first_token_at: self.first_token_at.map(|at| time(table, at)).transpose()?,
            completed_at: self.completed_at.map(|at| time(table, at)).transpose()?,
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
            quantity: line.quantity.get().serialize(),
            billed_quantity: line.billed_quantity.map(|billed| billed.get().serialize()),
            unit_price: line.unit_price.map(|price| price.serialize()),
            unit: line.unit.map(|unit| unit.name().to_owned()),
            price_id: line.price_id.map(PriceId::get),
            modifiers: line
                .modifiers
                .iter()
                .map(|modifier| ModifierRow {
                    group: modifier.group.clone(),
                    ratio: modifier.ratio.serialize(),
                    price_id: modifier.price_id.map(PriceId::get),
                })
                .collect(),
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
            quantity: quantity(table, self.quantity)?,
            billed_quantity: self.billed_quantity.map(|billed| quantity(table, billed)).transpose()?,
            unit_price: self.unit_price.map(|price| decimal(table, price)).transpose()?,
            unit: self.unit.map(|unit| from_name(table, &unit)).transpose()?,
            price_id: self.price_id.map(PriceId::new),
            modifiers: self
                .modifiers
                .into_iter()
                .map(|row| {
                    Ok(AppliedModifier {
                        group: row.group,
                        ratio: decimal(table, row.ratio)?,
                        price_id: row.price_id.map(PriceId::new),
                    })
                })
                .collect::<Result<_>>()?,
            amount: self.amount.map(|amount| decimal(table, amount)).transpose()?,
            currency: self.currency.map(|code| currency(table, &code)).transpose()?,
        })
    }
}
