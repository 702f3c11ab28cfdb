//! Rows of prices.

use super::rows;
use super::version_1::PriceRowV1;
use crate::store::codec::{DecimalBytes, Row, currency, decimal, from_name, micros, quantity, time};
use crate::store::failure::{damaged, newer};
use crate::types::{
    Basis, Conditions, ModelConfigId, Modifier, Price, PriceId, PriceTerms, PricingType, Result, Rounding, Superseded,
};

rows! {
    /// A row of `ai_model_pricing`; its `model_id` is a config id.
    PriceRow in "ai_model_pricing" after PriceRowV1 {
        model_id: u64,
        pricing_type: String,
        unit_price: DecimalBytes,
        unit: String,
        currency: String,
        conditions: String,
        basis: String,
        min_charge_unit: Option<DecimalBytes>,
        minimum_quantity: Option<DecimalBytes>,
        minimum_charge: Option<DecimalBytes>,
        modifier: Option<String>,
        effective_date: i64,
        expiry_date: Option<i64>,
        known_from: i64,
        superseded: Option<SupersededRow>,
        is_active: bool,
        source: String,
        created_at: i64,
    }
    /// What a later row took back of a price.
    SupersededRow in "ai_model_pricing" {
        from: i64,
        known_from: i64,
    }
}

impl PriceRow {
    pub(in crate::store) fn new(price: &Price) -> Result<Self> {
        let terms = &price.terms;
        let modifier = terms.modifier.as_ref().map(serde_json::to_string).transpose();
        Ok(Self {
            model_id: price.model_config_id.get(),
            pricing_type: terms.pricing_type.name().to_owned(),
            unit_price: terms.unit_price.serialize(),
            unit: terms.unit.name().to_owned(),
            currency: terms.currency.code().to_owned(),
            conditions: terms.conditions.canonical(),
            basis: terms.basis.name().to_owned(),
            min_charge_unit: terms.rounding.step.map(|step| step.get().serialize()),
            minimum_quantity: terms.rounding.minimum_quantity.map(|least| least.get().serialize()),
            minimum_charge: terms.rounding.minimum_charge.map(|least| least.serialize()),
            modifier: modifier.map_err(|error| damaged(Self::TABLE, &format!("a modifier has no JSON: {error}")))?,
            effective_date: micros(terms.effective_date),
            expiry_date: terms.expiry_date.map(micros),
            known_from: micros(terms.known_from),
            superseded: price
                .superseded
                .map(|part| SupersededRow { from: micros(part.from), known_from: micros(part.known_from) }),
            is_active: terms.is_active,
            source: terms.source.clone(),
            created_at: micros(price.created_at),
        })
    }

    pub(in crate::store) fn price(self, id: u64) -> Result<Price> {
        let table = Self::TABLE;
        let optional_quantity = |bytes: Option<DecimalBytes>| bytes.map(|bytes| quantity(table, bytes)).transpose();
        let modifier: Option<Modifier> = self
            .modifier
            .map(|text| serde_json::from_str(&text).map_err(|error| newer(table, &format!("a modifier ({error})"))))
            .transpose()?;
        Ok(Price {
            id: PriceId::new(id),
            model_config_id: ModelConfigId::new(self.model_id),
            terms: PriceTerms {
                pricing_type: from_name::<PricingType>(table, &self.pricing_type)?,
                unit_price: decimal(table, self.unit_price)?,
                unit: from_name(table, &self.unit)?,
                currency: currency(table, &self.currency)?,
                conditions: Conditions::from_canonical(&self.conditions)
                    .map_err(|error| newer(table, &format!("a price whose {error}")))?,
                basis: from_name::<Basis>(table, &self.basis)?,
                rounding: Rounding {
                    step: optional_quantity(self.min_charge_unit)?,
                    minimum_quantity: optional_quantity(self.minimum_quantity)?,
                    minimum_charge: self.minimum_charge.map(|bytes| decimal(table, bytes)).transpose()?,
                },
                modifier,
                effective_date: time(table, self.effective_date)?,
                expiry_date: self.expiry_date.map(|expiry| time(table, expiry)).transpose()?,
                known_from: time(table, self.known_from)?,
                is_active: self.is_active,
                source: self.source,
            },
            created_at: time(table, self.created_at)?,
            superseded: self
                .superseded
                .map(|part| Ok(Superseded { from: time(table, part.from)?, known_from: time(table, part.known_from)? }))
                .transpose()?,
        })
    }
}
