//! Usage records as they are stored: what many of them say stands in them as the number of a name, times by how far they lie from
//! the settlement, and a line of a receipt says only what the rest of the record does not.

use std::sync::Arc;

use super::exchange::{ConversionRow, ExchangeRow};
use super::packed_hold::{pack_hold, unpack_hold};
use super::rows;
use super::usage::{FactsRow, IterationRow, ModifierRow, ReceiptLineRow, UsageRow};
use super::{MoneyRow, UsageRecordRow};
use crate::store::codec::{DecimalBytes, Row};
use crate::store::failure::damaged;
use crate::store::names::{self, ERRORS, MODELS, TAG_KEYS, TEXTS, USERS, WORDS};
use crate::store::pack::{Packer, Unpacker};
use crate::types::Result;

rows! {
    /// A row of `ai_usage_records`.
    PackedRecordRow in "ai_usage_records" as compact after UsageRecordRow {
        packed: Vec<u8>,
    }
}

/// What stands for an absent name, and for one that has no number and follows as it is.
const ABSENT: u64 = 0;
const PLAIN: u64 = 1;

/// Returns the number of a name of a space, where it has one.
pub(in crate::store) type Numbering<'f> = dyn FnMut(u64, &str) -> Result<Option<u64>> + 'f;
/// Returns the name of a number.
pub(in crate::store) type Naming<'f> = dyn Fn(u64) -> Result<Arc<[u8]>> + 'f;

/// Texts that are packed, by their numbers where they have some.
pub(super) struct Writer<'f> {
    pub(super) packer: Packer,
    numbering: &'f mut Numbering<'f>,
}

/// Packed texts that are read.
pub(super) struct Reader<'b, 'f> {
    pub(super) unpacker: Unpacker<'b>,
    naming: &'f Naming<'f>,
}

impl Writer<'_> {
    pub(super) fn name(&mut self, space: u64, name: Option<&str>) -> Result<u64> {
        let Some(name) = name else {
            self.packer.number(ABSENT);
            return Ok(ABSENT);
        };
        let number = (self.numbering)(space, name)?;
        self.packer.number(number.unwrap_or(PLAIN));
        if number.is_none() {
            self.packer.text(name);
        }
        Ok(number.unwrap_or(PLAIN))
    }

    pub(super) fn word(&mut self, word: &str) -> Result<()> {
        self.name(WORDS, Some(word)).map(drop)
    }

    fn meters(&mut self, meters: &[(String, DecimalBytes)]) -> Result<()> {
        self.packer.number(meters.len() as u64);
        for (meter, quantity) in meters {
            self.word(meter)?;
            self.packer.decimal_bytes(*quantity);
        }
        Ok(())
    }

    pub(super) fn exchange(&mut self, exchange: &ExchangeRow) -> Result<()> {
        self.packer.number(exchange.fx_rate_id);
        self.word(&exchange.from)?;
        self.word(&exchange.to)?;
        self.packer.decimal_bytes(exchange.rate);
        self.packer.byte(exchange.is_inverse.into());
        Ok(())
    }
}

impl Reader<'_, '_> {
    fn malformed<T>() -> Result<T> {
        Err(damaged(UsageRecordRow::TABLE, "a packed record is malformed"))
    }

    pub(super) fn name(&mut self) -> Result<Option<String>> {
        self.numbered_name().map(|(_, name)| name)
    }

    fn numbered_name(&mut self) -> Result<(u64, Option<String>)> {
        let number = self.unpacker.number()?;
        let name = match number {
            ABSENT => None,
            PLAIN => Some(self.unpacker.text()?),
            number => Some(names::text(&(self.naming)(number)?)?.to_owned()),
        };
        Ok((number, name))
    }

    pub(super) fn word(&mut self) -> Result<String> {
        self.name()?.map_or_else(Self::malformed, Ok)
    }

    fn meters(&mut self) -> Result<Vec<(String, DecimalBytes)>> {
        let count = self.unpacker.count()?;
        (0..count).map(|_| Ok((self.word()?, self.unpacker.decimal_bytes()?))).collect()
    }

    pub(super) fn exchange(&mut self) -> Result<ExchangeRow> {
        Ok(ExchangeRow {
            fx_rate_id: self.unpacker.number()?,
            from: self.word()?,
            to: self.word()?,
            rate: self.unpacker.decimal_bytes()?,
            is_inverse: self.unpacker.byte()? != 0,
        })
    }

    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = self.unpacker.count()?;
        (0..count).map(|_| one(self)).collect()
    }
}

/// Bits that say which parts of a record are there.
mod part {
    pub(super) const UID_IS_UUID: u64 = 1;
    pub(super) const REQUEST_IS_UUID: u64 = 1 << 1;
    pub(super) const TOKENS: u64 = 1 << 2;
    pub(super) const COST: u64 = 1 << 3;
    pub(super) const FIRST_TOKEN: u64 = 1 << 4;
    pub(super) const COMPLETED: u64 = 1 << 5;
    pub(super) const PROVIDER_REQUEST: u64 = 1 << 6;
    // What most records have none of has its bits from here on.
    pub(super) const PRICE_IDS: u64 = 1 << 7;
    pub(super) const FLAGS: u64 = 1 << 8;
    pub(super) const REPORTED_TOTAL: u64 = 1 << 9;
    pub(super) const REPORTED_COST: u64 = 1 << 10;
    pub(super) const COMPUTED_COST: u64 = 1 << 11;
    pub(super) const ITERATIONS: u64 = 1 << 12;
    pub(super) const MEASURES: u64 = 1 << 13;
    pub(super) const CONVERSIONS: u64 = 1 << 14;
    pub(super) const ADJUSTS: u64 = 1 << 15;
    pub(super) const ERROR: u64 = 1 << 16;
    pub(super) const BOUNDS: u64 = 1 << 17;
}

/// Bits that say what a line of a receipt says beyond its record.
mod line {
    pub(super) const ATTEMPT: u8 = 1;
    pub(super) const MODEL: u8 = 1 << 1;
    pub(super) const QUANTITY: u8 = 1 << 2;
    pub(super) const BILLED: u8 = 1 << 3;
    pub(super) const NOTE: u8 = 1 << 4;
    pub(super) const MODIFIERS: u8 = 1 << 5;
    pub(super) const CURRENCY: u8 = 1 << 6;
    pub(super) const PRICED: u8 = 1 << 7;
}

/// Returns the bytes of a UUID in the form in which it is written here.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let parsed = uuid::Uuid::try_parse(text).ok()?;
    (parsed.hyphenated().to_string() == text).then(|| parsed.into_bytes())
}

fn full_name(row: &UsageRecordRow) -> String {
    format!("{}/{}", row.provider, row.model)
}

/// Returns the price rows that the lines of a receipt name, in their order, each once.
fn named_prices(receipt: &[ReceiptLineRow]) -> Vec<u64> {
    let mut named = Vec::new();
    for id in receipt.iter().filter_map(|line| line.price_id) {
        if !named.contains(&id) {
            named.push(id);
        }
    }
    named
}

impl PackedRecordRow {
    /// Packs a record.
    pub(in crate::store) fn new<'f>(row: &UsageRecordRow, numbering: &'f mut Numbering<'f>) -> Result<Self> {
        let mut writer = Writer { packer: Packer::default(), numbering };
        writer.record(row)?;
        Ok(Self { packed: writer.packer.into_bytes() })
    }

    /// Returns when a record was settled, in microseconds, without a look at its names.
    pub(in crate::store) fn created_at(&self) -> Result<i64> {
        let naming = &|_| Ok(Arc::from([].as_slice()));
        let mut reader = Reader { unpacker: Unpacker::new(UsageRecordRow::TABLE, &self.packed), naming };
        reader.head().map(|head| head.created_at)
    }

    /// Unpacks a record.
    pub(in crate::store) fn record_row(&self, naming: &Naming<'_>) -> Result<UsageRecordRow> {
        let mut reader = Reader { unpacker: Unpacker::new(UsageRecordRow::TABLE, &self.packed), naming };
        let row = reader.record()?;
        reader.unpacker.end()?;
        Ok(row)
    }
}

impl From<UsageRecordRow> for PackedRecordRow {
    fn from(row: UsageRecordRow) -> Self {
        // Without numbers nothing is looked up, so that nothing fails.
        Self::new(&row, &mut |_, _| Ok(None)).unwrap_or(Self { packed: Vec::new() })
    }
}

impl Writer<'_> {
    fn record(&mut self, row: &UsageRecordRow) -> Result<()> {
        let (uid, request) = (uuid(&row.uid), uuid(&row.request_id));
        let has_own_prices = named_prices(&row.receipt) != row.price_ids;
        let UsageRow { flags, reported_total, reported_cost, computed_cost, iterations, .. } = &row.usage;
        let parts = [
            (part::UID_IS_UUID, uid.is_some()),
            (part::REQUEST_IS_UUID, request.is_some()),
            (part::TOKENS, row.token_consumed.is_some()),
            (part::COST, row.cost_amount.is_some()),
            (part::FIRST_TOKEN, row.facts.first_token_at.is_some()),
            (part::COMPLETED, row.facts.completed_at.is_some()),
            (part::PROVIDER_REQUEST, row.provider_request_id.is_some()),
            (part::PRICE_IDS, has_own_prices),
            (part::FLAGS, !flags.is_empty()),
            (part::REPORTED_TOTAL, reported_total.is_some()),
            (part::REPORTED_COST, reported_cost.is_some()),
            (part::COMPUTED_COST, computed_cost.is_some()),
            (part::ITERATIONS, !iterations.is_empty()),
            (part::MEASURES, !row.facts.measures.is_empty()),
            (part::CONVERSIONS, !row.conversions.is_empty()),
            (part::ADJUSTS, row.adjusts.is_some()),
            (part::ERROR, row.error_code.is_some() || row.error_message.is_some()),
            (part::BOUNDS, !row.bounds.is_empty()),
        ];
        let parts = parts.into_iter().filter(|(_, is_there)| *is_there).fold(0, |all, (bit, _)| all | bit);
        self.packer.number(parts);
        for (uuid, text) in [(uid, &row.uid), (request, &row.request_id)] {
            match uuid {
                Some(bytes) => self.packer.raw(&bytes),
                None => self.packer.text(text),
            }
        }
        self.packer.number(row.attempt.into());
        self.name(USERS, row.user.as_deref())?;
        self.packer.number(row.tags.len() as u64);
        for (key, value) in &row.tags {
            match self.name(TAG_KEYS, Some(key))? {
                PLAIN => self.packer.text(value),
                key => drop(self.name(key, Some(value))?),
            }
        }
        for id in [row.provider_id, row.model_id, row.model_config_id] {
            self.packer.number(id);
        }
        self.name(MODELS, Some(&row.provider))?;
        self.name(MODELS, Some(&row.model))?;
        self.name(MODELS, row.served_model.as_deref())?;
        for word in [&row.usage_type, &row.cost_status, &row.billed_by, &row.status] {
            self.word(word)?;
        }
        self.packer.signed(row.created_at);
        self.facts(row)?;
        self.packer.number(row.latency_ms);
        if let Some(tokens) = row.token_consumed {
            self.packer.signed(tokens.cast_signed());
        }
        if let Some(amount) = row.cost_amount {
            self.packer.decimal_bytes(amount);
        }
        self.name(WORDS, row.currency.as_deref())?;
        if let Some(id) = &row.provider_request_id {
            self.packer.text(id);
        }
        self.usage(&row.usage)?;
        self.receipt(row)?;
        if has_own_prices {
            self.packer.number(row.price_ids.len() as u64);
            row.price_ids.iter().for_each(|id| self.packer.number(*id));
        }
        self.packer.number(row.holds.len() as u64);
        for hold in &row.holds {
            pack_hold(self, hold)?;
        }
        self.rest(row)
    }

    fn facts(&mut self, row: &UsageRecordRow) -> Result<()> {
        let facts = &row.facts;
        self.packer.distance(row.created_at, facts.started_at);
        if let Some(at) = facts.first_token_at {
            self.packer.distance(facts.started_at, at);
        }
        if let Some(at) = facts.completed_at {
            self.packer.distance(row.created_at, at);
        }
        self.packer.number(facts.attributes.len() as u64);
        for (attribute, value) in &facts.attributes {
            self.word(attribute)?;
            self.name(TEXTS, Some(value))?;
        }
        if !facts.measures.is_empty() {
            self.meters(&facts.measures)?;
        }
        Ok(())
    }

    fn usage(&mut self, usage: &UsageRow) -> Result<()> {
        self.meters(&usage.meters)?;
        if !usage.flags.is_empty() {
            self.packer.number(usage.flags.len() as u64);
            usage.flags.iter().try_for_each(|flag| self.word(flag))?;
        }
        if let Some(total) = usage.reported_total {
            self.packer.number(total);
        }
        if let Some(cost) = usage.reported_cost {
            self.packer.decimal_bytes(cost);
        }
        if let Some(MoneyRow { amount, currency }) = &usage.computed_cost {
            self.packer.decimal_bytes(*amount);
            self.word(currency)?;
        }
        if !usage.iterations.is_empty() {
            self.packer.number(usage.iterations.len() as u64);
            for IterationRow { kind, model, meters } in &usage.iterations {
                self.name(TEXTS, Some(kind))?;
                self.name(MODELS, model.as_deref())?;
                self.meters(meters)?;
            }
        }
        Ok(())
    }

    fn receipt(&mut self, row: &UsageRecordRow) -> Result<()> {
        let name = full_name(row);
        self.packer.number(row.receipt.len() as u64);
        for own in &row.receipt {
            let metered =
                own.meter.as_ref().and_then(|meter| row.usage.meters.iter().find(|(other, _)| other == meter));
            let is_metered = metered.is_some_and(|(_, quantity)| *quantity == own.quantity);
            let is_priced = own.unit_price.is_some() && own.unit.is_some() && own.amount.is_some();
            let bits = [
                (line::ATTEMPT, own.attempt != row.attempt),
                (line::MODEL, own.model != name),
                (line::QUANTITY, !is_metered),
                (line::BILLED, own.billed_quantity.is_some()),
                (line::NOTE, own.note.is_some()),
                (line::MODIFIERS, !own.modifiers.is_empty()),
                (line::CURRENCY, own.currency != row.currency),
                (line::PRICED, is_priced),
            ];
            let bits = bits.into_iter().filter(|(_, is_set)| *is_set).fold(0, |all, (bit, _)| all | bit);
            self.packer.byte(bits);
            self.name(WORDS, own.meter.as_deref())?;
            self.line(own, bits)?;
        }
        Ok(())
    }

    fn line(&mut self, own: &ReceiptLineRow, bits: u8) -> Result<()> {
        let is_set = |bit: u8| bits & bit != 0;
        if is_set(line::ATTEMPT) {
            self.packer.number(own.attempt.into());
        }
        if is_set(line::MODEL) {
            self.name(MODELS, Some(&own.model))?;
        }
        if is_set(line::QUANTITY) {
            self.packer.decimal_bytes(own.quantity);
        }
        if let Some(billed) = own.billed_quantity {
            self.packer.decimal_bytes(billed);
        }
        if is_set(line::NOTE) {
            self.name(TEXTS, own.note.as_deref())?;
        }
        if !is_set(line::PRICED) {
            let there = [own.unit_price.is_some(), own.unit.is_some(), own.amount.is_some()];
            self.packer.byte(there.into_iter().rev().fold(0, |all, is_there| all << 1 | u8::from(is_there)));
        }
        if let Some(price) = own.unit_price {
            self.packer.decimal_bytes(price);
        }
        if let Some(unit) = &own.unit {
            self.word(unit)?;
        }
        if let Some(amount) = own.amount {
            self.packer.decimal_bytes(amount);
        }
        // A price row has the number that it has, and none is none.
        self.packer.wide(own.price_id.map_or(0, |id| u128::from(id) + 1));
        if is_set(line::CURRENCY) {
            self.name(WORDS, own.currency.as_deref())?;
        }
        if is_set(line::MODIFIERS) {
            self.packer.number(own.modifiers.len() as u64);
            for ModifierRow { group, ratio, price_id } in &own.modifiers {
                self.name(TEXTS, Some(group))?;
                self.packer.decimal_bytes(*ratio);
                self.packer.wide(price_id.map_or(0, |id| u128::from(id) + 1));
            }
        }
        Ok(())
    }

    /// Packs what most records have none of.
    fn rest(&mut self, row: &UsageRecordRow) -> Result<()> {
        if !row.conversions.is_empty() {
            self.packer.number(row.conversions.len() as u64);
            for ConversionRow { exchange, amount } in &row.conversions {
                self.exchange(exchange)?;
                self.packer.decimal_bytes(*amount);
            }
        }
        if let Some(adjusts) = &row.adjusts {
            self.packer.text(adjusts);
        }
        if row.error_code.is_some() || row.error_message.is_some() {
            self.name(WORDS, row.error_code.as_deref())?;
            self.name(ERRORS, row.error_message.as_deref())?;
        }
        if !row.bounds.is_empty() {
            self.packer.number(row.bounds.len() as u64);
            for hold in &row.bounds {
                pack_hold(self, hold)?;
            }
        }
        Ok(())
    }
}

/// What a packed record begins with, up to the instant of its settlement.
struct Head {
    parts: u64,
    uid: String,
    request_id: String,
    attempt: u32,
    user: Option<String>,
    tags: Vec<(String, String)>,
    ids: [u64; 3],
    provider: String,
    model: String,
    served_model: Option<String>,
    words: [String; 4],
    created_at: i64,
}

impl Reader<'_, '_> {
    fn identity(&mut self, is_uuid: bool) -> Result<String> {
        if !is_uuid {
            return self.unpacker.text();
        }
        let bytes = self.unpacker.raw(16)?.try_into().or_else(|_| Self::malformed())?;
        Ok(uuid::Uuid::from_bytes(bytes).hyphenated().to_string())
    }

    fn price(&mut self) -> Result<Option<u64>> {
        match self.unpacker.wide()? {
            0 => Ok(None),
            number => u64::try_from(number - 1).map(Some).or_else(|_| Self::malformed()),
        }
    }

    fn attempt(&mut self) -> Result<u32> {
        u32::try_from(self.unpacker.number()?).or_else(|_| Self::malformed())
    }

    fn head(&mut self) -> Result<Head> {
        let parts = self.unpacker.number()?;
        let has = |bit: u64| parts & bit != 0;
        let uid = self.identity(has(part::UID_IS_UUID))?;
        let request_id = self.identity(has(part::REQUEST_IS_UUID))?;
        let attempt = self.attempt()?;
        let user = self.name()?;
        let tags = self.list(|reader| {
            let (number, key) = reader.numbered_name()?;
            let value = if number == PLAIN { reader.unpacker.text()? } else { reader.word()? };
            Ok((key.map_or_else(Self::malformed, Ok)?, value))
        })?;
        let (provider_id, model_id) = (self.unpacker.number()?, self.unpacker.number()?);
        let model_config_id = self.unpacker.number()?;
        let (provider, model, served_model) = (self.word()?, self.word()?, self.name()?);
        let (usage_type, cost_status, billed_by, status) = (self.word()?, self.word()?, self.word()?, self.word()?);
        let created_at = self.unpacker.signed()?;
        Ok(Head {
            parts,
            uid,
            request_id,
            attempt,
            user,
            tags,
            ids: [provider_id, model_id, model_config_id],
            provider,
            model,
            served_model,
            words: [usage_type, cost_status, billed_by, status],
            created_at,
        })
    }

    fn record(&mut self) -> Result<UsageRecordRow> {
        let Head { parts, uid, request_id, attempt, user, tags, ids, provider, model, served_model, words, created_at } =
            self.head()?;
        let has = |bit: u64| parts & bit != 0;
        let [provider_id, model_id, model_config_id] = ids;
        let [usage_type, cost_status, billed_by, status] = words;
        let facts = self.facts(created_at, parts)?;
        let latency_ms = self.unpacker.number()?;
        let token_consumed = has(part::TOKENS).then(|| self.unpacker.signed()).transpose()?.map(i64::cast_unsigned);
        let cost_amount = has(part::COST).then(|| self.unpacker.decimal_bytes()).transpose()?;
        let currency = self.name()?;
        let provider_request_id = has(part::PROVIDER_REQUEST).then(|| self.unpacker.text()).transpose()?;
        let usage = self.usage(parts)?;
        let mut row = UsageRecordRow {
            uid,
            user,
            tags,
            provider_id,
            provider,
            model_id,
            model,
            model_config_id,
            usage_type,
            usage,
            facts,
            token_consumed,
            cost_amount,
            currency,
            cost_status,
            billed_by,
            receipt: Vec::new(),
            price_ids: Vec::new(),
            conversions: Vec::new(),
            adjusts: None,
            status,
            request_id,
            provider_request_id,
            served_model,
            attempt,
            error_code: None,
            error_message: None,
            latency_ms,
            created_at,
            holds: Vec::new(),
            bounds: Vec::new(),
        };
        let name = full_name(&row);
        row.receipt = self.list(|reader| reader.line(&row, &name))?;
        row.price_ids = if has(part::PRICE_IDS) {
            self.list(|reader| reader.unpacker.number())?
        } else {
            named_prices(&row.receipt)
        };
        row.holds = self.list(unpack_hold)?;
        if has(part::CONVERSIONS) {
            row.conversions = self.list(|reader| {
                Ok(ConversionRow { exchange: reader.exchange()?, amount: reader.unpacker.decimal_bytes()? })
            })?;
        }
        row.adjusts = has(part::ADJUSTS).then(|| self.unpacker.text()).transpose()?;
        if has(part::ERROR) {
            (row.error_code, row.error_message) = (self.name()?, self.name()?);
        }
        if has(part::BOUNDS) {
            row.bounds = self.list(unpack_hold)?;
        }
        Ok(row)
    }

    fn facts(&mut self, created_at: i64, parts: u64) -> Result<FactsRow> {
        let has = |bit: u64| parts & bit != 0;
        let started_at = self.unpacker.distance(created_at)?;
        Ok(FactsRow {
            started_at,
            first_token_at: has(part::FIRST_TOKEN).then(|| self.unpacker.distance(started_at)).transpose()?,
            completed_at: has(part::COMPLETED).then(|| self.unpacker.distance(created_at)).transpose()?,
            attributes: self.list(|reader| Ok((reader.word()?, reader.word()?)))?,
            measures: if has(part::MEASURES) { self.meters()? } else { Vec::new() },
        })
    }

    fn usage(&mut self, parts: u64) -> Result<UsageRow> {
        let has = |bit: u64| parts & bit != 0;
        Ok(UsageRow {
            meters: self.meters()?,
            flags: if has(part::FLAGS) { self.list(Self::word)? } else { Vec::new() },
            reported_total: has(part::REPORTED_TOTAL).then(|| self.unpacker.number()).transpose()?,
            reported_cost: has(part::REPORTED_COST).then(|| self.unpacker.decimal_bytes()).transpose()?,
            computed_cost: if has(part::COMPUTED_COST) {
                Some(MoneyRow { amount: self.unpacker.decimal_bytes()?, currency: self.word()? })
            } else {
                None
            },
            iterations: if has(part::ITERATIONS) {
                self.list(|reader| {
                    Ok(IterationRow { kind: reader.word()?, model: reader.name()?, meters: reader.meters()? })
                })?
            } else {
                Vec::new()
            },
        })
    }

    fn line(&mut self, row: &UsageRecordRow, name: &str) -> Result<ReceiptLineRow> {
        let bits = self.unpacker.byte()?;
        let is_set = |bit: u8| bits & bit != 0;
        let meter = self.name()?;
        let attempt = if is_set(line::ATTEMPT) { self.attempt()? } else { row.attempt };
        let model = if is_set(line::MODEL) { self.word()? } else { name.to_owned() };
        let quantity = if is_set(line::QUANTITY) {
            self.unpacker.decimal_bytes()?
        } else {
            let metered = row.usage.meters.iter().find(|(other, _)| Some(other) == meter.as_ref());
            metered.map_or_else(Self::malformed, |(_, quantity)| Ok(*quantity))?
        };
        let billed_quantity = is_set(line::BILLED).then(|| self.unpacker.decimal_bytes()).transpose()?;
        let note = if is_set(line::NOTE) { self.name()? } else { None };
        let there = if is_set(line::PRICED) { 0b111 } else { self.unpacker.byte()? };
        let unit_price = (there & 1 != 0).then(|| self.unpacker.decimal_bytes()).transpose()?;
        let unit = (there & 2 != 0).then(|| self.word()).transpose()?;
        let amount = (there & 4 != 0).then(|| self.unpacker.decimal_bytes()).transpose()?;
        let price_id = self.price()?;
        let currency = if is_set(line::CURRENCY) { self.name()? } else { row.currency.clone() };
        let modifiers = if is_set(line::MODIFIERS) {
            self.list(|reader| {
                let (group, ratio) = (reader.word()?, reader.unpacker.decimal_bytes()?);
                Ok(ModifierRow { group, ratio, price_id: reader.price()? })
            })?
        } else {
            Vec::new()
        };
        Ok(ReceiptLineRow {
            attempt,
            model,
            meter,
            note,
            quantity,
            billed_quantity,
            unit_price,
            unit,
            price_id,
            modifiers,
            amount,
            currency,
        })
    }
}

#[cfg(test)]
#[path = "packed_record_tests.rs"]
mod tests;
