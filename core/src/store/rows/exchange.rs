//! Rows of exchange rates and of what was converted.

use super::rows;
use crate::store::codec::{DecimalBytes, Row, currency, decimal, micros, time};
use crate::types::{Conversion, Exchange, FxRate, FxRateId, Result};

rows! {
    /// A row of `fx_rates`.
    FxRateRow in "fx_rates" {
        from: String,
        to: String,
        rate: DecimalBytes,
        effective_date: i64,
        source: String,
        created_at: i64,
    }
    /// A rate that is frozen in what it converted.
    ExchangeRow in "fx_rates" {
        fx_rate_id: u64,
        from: String,
        to: String,
        rate: DecimalBytes,
        is_inverse: bool,
    }
    /// An amount that a rate made.
    ConversionRow in "ai_usage_records" {
        exchange: ExchangeRow,
        amount: DecimalBytes,
    }
}

impl FxRateRow {
    pub(in crate::store) fn new(rate: &FxRate) -> Self {
        Self {
            from: rate.from.code().to_owned(),
            to: rate.to.code().to_owned(),
            rate: rate.rate.serialize(),
            effective_date: micros(rate.effective_date),
            source: rate.source.clone(),
            created_at: micros(rate.created_at),
        }
    }

    pub(in crate::store) fn fx_rate(self, id: u64) -> Result<FxRate> {
        Ok(FxRate {
            id: FxRateId::new(id),
            from: currency(Self::TABLE, &self.from)?,
            to: currency(Self::TABLE, &self.to)?,
            rate: decimal(Self::TABLE, self.rate)?,
            effective_date: time(Self::TABLE, self.effective_date)?,
            source: self.source,
            created_at: time(Self::TABLE, self.created_at)?,
        })
    }
}

impl ExchangeRow {
    pub(in crate::store) fn new(exchange: &Exchange) -> Self {
        Self {
            fx_rate_id: exchange.fx_rate_id.get(),
            from: exchange.from.code().to_owned(),
            to: exchange.to.code().to_owned(),
            rate: exchange.rate.serialize(),
            is_inverse: exchange.is_inverse,
        }
    }

    pub(in crate::store) fn exchange(self, table: &str) -> Result<Exchange> {
        Ok(Exchange {
            fx_rate_id: FxRateId::new(self.fx_rate_id),
            from: currency(table, &self.from)?,
            to: currency(table, &self.to)?,
            rate: decimal(table, self.rate)?,
            is_inverse: self.is_inverse,
        })
    }
}

impl ConversionRow {
    pub(in crate::store) fn new(conversion: &Conversion) -> Self {
        Self { exchange: ExchangeRow::new(&conversion.exchange), amount: conversion.amount.serialize() }
    }

    pub(in crate::store) fn conversion(self, table: &str) -> Result<Conversion> {
        Ok(Conversion { exchange: self.exchange.exchange(table)?, amount: decimal(table, self.amount)? })
    }
}
