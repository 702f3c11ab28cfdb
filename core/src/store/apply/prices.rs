//! Prices: dated, and never two in force at once for one thing under one set of conditions.
//!
//! A price holds from an instant on, and is known from an instant on. What is to come is changed by an end; what has
//! passed is taken back as of now, so that a call is priced for ever by what was known at its time.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::configs;
use super::{invalid, not_found};
use crate::store::codec::kept;
use crate::store::ledger::Ledger;
use crate::store::rows::PriceRow;
use crate::types::{ModelConfigId, Price, PriceId, PriceTerms, PricingType, Result, Superseded};

/// The rows that new prices make and change, before anything is written.
pub(super) struct Plan {
    rows: Vec<Planned>,
    now: Timestamp,
}

struct Planned {
    price: Price,
    origin: Origin,
    changed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// It stands in the file.
    File,
    /// It was given.
    Given,
    /// It keeps a part of a row that another price cut in two.
    Cut,
}

/// What ends where new prices begin.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Replaced {
    /// What is in the slots of the new prices.
    Slots,
    /// All that there is of their meters.
    Meters,
    /// All that there is of their meters, and now what there is of any other.
    All,
}

/// The instants from one up to another, or without an end.
#[derive(Clone, Copy)]
struct Interval {
    start: Timestamp,
    end: Option<Timestamp>,
}

impl Interval {
    /// Returns when a price is in force by what is known now; it is empty if all of it was taken back.
    fn of(price: &Price) -> Self {
        let taken_back = price.superseded.map(|part| part.from);
        let end = [price.terms.expiry_date, taken_back].into_iter().flatten().min();
        Self { start: price.terms.effective_date, end }
    }

    fn is_empty(self) -> bool {
        self.end.is_some_and(|end| end <= self.start)
    }

    fn overlaps(self, other: Self) -> bool {
        let begins_in_time = |one: Self, end: Option<Timestamp>| end.is_none_or(|end| one.start < end);
        begins_in_time(self, other.end) && begins_in_time(other, self.end)
    }

    fn ends_by(self, instant: Timestamp) -> bool {
        self.end.is_some_and(|end| end <= instant)
    }
}

pub(super) fn add(
    ledger: &mut Ledger<'_>,
    config: ModelConfigId,
    terms: &[PriceTerms],
    replaced: Replaced,
    now: Timestamp,
) -> Result<Vec<PriceId>> {
    configs::find(ledger, config)?;
    check(terms)?;
    let planned = plan(ledger, config, terms, replaced, now)?;
    let ids = write(ledger, planned)?;
    ledger.configuration_changed()?;
    Ok(ids)
}

/// Checks each price by itself.
pub(super) fn check(terms: &[PriceTerms]) -> Result<()> {
    terms.iter().find_map(PriceTerms::problem).map_or(Ok(()), |problem| Err(invalid(problem)))
}

/// Works out the rows after prices are added.
pub(super) fn plan(
    ledger: &Ledger<'_>,
    config: ModelConfigId,
    terms: &[PriceTerms],
    replaced: Replaced,
    now: Timestamp,
) -> Result<Plan> {
    let mut rows = Vec::new();
    ledger.prices.each(|id, row| {
        if row.model_id == config.get() {
            rows.push(Planned { price: row.price(id)?, origin: Origin::File, changed: false });
        }
        Ok(())
    })?;
    let mut plan = Plan { rows, now: kept(now) };
    let given: Vec<Price> = terms.iter().map(|terms| plan.row_of(config, terms)).collect();
    if replaced != Replaced::Slots {
        let spans = spans(&given);
        for (pricing_type, interval) in &spans {
            plan.make_room(*interval, |terms| terms.pricing_type == *pricing_type);
        }
        if replaced == Replaced::All {
            let from_now_on = Interval { start: plan.now, end: None };
            plan.make_room(from_now_on, |terms| !spans.contains_key(&terms.pricing_type));
        }
    }
    for price in given {
        plan.take(price);
    }
    plan.check_one_currency()?;
    Ok(plan)
}

/// Returns from when until when the active prices of each type reach.
fn spans(given: &[Price]) -> BTreeMap<PricingType, Interval> {
    let mut spans: BTreeMap<PricingType, Interval> = BTreeMap::new();
    for price in given.iter().filter(|price| price.terms.is_active) {
        let own = Interval::of(price);
        let span = spans.entry(price.terms.pricing_type).or_insert(own);
        span.start = span.start.min(own.start);
        span.end = span.end.zip(own.end).map(|(one, other)| one.max(other));
    }
    spans
}

impl Plan {
    fn row_of(&self, config: ModelConfigId, terms: &PriceTerms) -> Price {
        let mut terms = terms.clone();
        terms.effective_date = kept(terms.effective_date);
        terms.expiry_date = terms.expiry_date.map(kept);
        terms.known_from = self.now;
        Price { id: PriceId::new(0), model_config_id: config, terms, created_at: self.now, superseded: None }
    }

    /// Takes a price in, in the place of those in the same slot, and up to the next one that is to come.
    fn take(&mut self, mut price: Price) {
        if price.terms.is_active {
            let slot = price.terms.clone();
            self.make_room(Interval::of(&price), |terms| terms.same_slot(&slot));
            let start = price.terms.effective_date;
            let next = self
                .rivals(|terms| terms.same_slot(&slot))
                .map(|place| self.rows[place].price.terms.effective_date)
                .filter(|other| *other > start)
                .min();
            price.terms.expiry_date = [price.terms.expiry_date, next].into_iter().flatten().min();
        }
        self.rows.push(Planned { price, origin: Origin::Given, changed: true });
    }

    /// Returns the places of the prices that are meant and are in force at some instant.
    fn rivals(&self, is_meant: impl Fn(&PriceTerms) -> bool) -> impl Iterator<Item = usize> {
        self.rows.iter().enumerate().filter_map(move |(place, row)| {
            let price = &row.price;
            (price.terms.is_active && is_meant(&price.terms) && !Interval::of(price).is_empty()).then_some(place)
        })
    }

    /// Ends the prices that are meant where an interval begins, and takes them back as far as it lies in the past.
    ///
    /// Those that are yet to begin stay. What the interval took the middle of goes on after it.
    fn make_room(&mut self, interval: Interval, is_meant: impl Fn(&PriceTerms) -> bool) {
        let now = self.now;
        let places: Vec<usize> = self.rivals(is_meant).collect();
        for place in places {
            let other = Interval::of(&self.rows[place].price);
            if interval.start >= now {
                if other.start <= interval.start && !other.ends_by(interval.start) {
                    self.resume(place, other, interval.end);
                    self.end(place, interval.start);
                }
            } else if other.start <= now && other.overlaps(interval) {
                self.resume(place, other, interval.end);
                self.take_back(place, interval.start.max(other.start));
            }
        }
    }

    /// Lets a price go on in a row of its own after an interval that lies in its middle, such as a promotion.
    fn resume(&mut self, place: usize, other: Interval, end: Option<Timestamp>) {
        let Some(end) = end.filter(|end| !other.ends_by(*end)) else { return };
        let mut rest = self.rows[place].price.clone();
        rest.terms.effective_date = end;
        rest.terms.expiry_date = other.end;
        rest.terms.known_from = self.now;
        self.cut(Price { superseded: None, ..rest });
    }

    fn end(&mut self, place: usize, at: Timestamp) {
        let row = &mut self.rows[place];
        row.price.terms.expiry_date = Some(at);
        row.changed = true;
    }

    /// Takes a price back from an instant on, as of now.
    fn take_back(&mut self, place: usize, from: Timestamp) {
        let now = self.now;
        let row = &mut self.rows[place];
        row.changed = true;
        if row.price.terms.known_from >= now {
            // Nobody knew it before, so nothing has to be remembered.
            row.price.terms.expiry_date = Some(from);
            return;
        }
        let earlier = row.price.superseded.replace(Superseded { from, known_from: now });
        if let Some(earlier) = earlier {
            // A row says once what was taken back of it; what was taken back earlier gets a row of its own.
            let mut rest = row.price.clone();
            rest.terms.effective_date = earlier.from;
            rest.superseded = Some(earlier);
            row.price.terms.expiry_date = Some(earlier.from);
            self.cut(rest);
        }
    }

    fn cut(&mut self, price: Price) {
        let price = Price { created_at: self.now, ..price };
        self.rows.push(Planned { price, origin: Origin::Cut, changed: true });
    }

    /// Checks that at no instant a price of what was given and another price are in two currencies.
    fn check_one_currency(&self) -> Result<()> {
        let prices_meter = |price: &Price| price.terms.is_active && price.terms.pricing_type.meter().is_some();
        let mut given = self.rows.iter().filter(|row| row.origin == Origin::Given && prices_meter(&row.price));
        given.try_for_each(|row| {
            let (terms, interval) = (&row.price.terms, Interval::of(&row.price));
            let mut others = self.rows.iter().map(|row| &row.price).filter(|price| prices_meter(price));
            let clash = others.find(|other| {
                let theirs = Interval::of(other);
                other.terms.currency != terms.currency
                    && !theirs.is_empty()
                    && !interval.is_empty()
                    && theirs.overlaps(interval)
            });
            clash.map_or(Ok(()), |other| {
                Err(invalid(format!(
                    "prices of one model would be in {} ({}) and in {} ({}) at once; set all its prices in one currency",
                    other.terms.currency, other.terms.pricing_type, terms.currency, terms.pricing_type
                )))
            })
        })
    }
}

/// Writes what was planned, and returns the ids of the prices that were given, in their order.
pub(super) fn write(ledger: &mut Ledger<'_>, plan: Plan) -> Result<Vec<PriceId>> {
    let mut ids = Vec::new();
    let is_void = |row: &Planned| {
        let terms = &row.price.terms;
        row.origin == Origin::Cut && terms.expiry_date.is_some_and(|expiry| expiry <= terms.effective_date)
    };
    let changed: Vec<_> = plan.rows.into_iter().filter(|row| row.changed && !is_void(row)).collect();
    let rows = changed.iter().map(|row| PriceRow::new(&row.price)).collect::<Result<Vec<_>>>()?;
    for (planned, row) in changed.into_iter().zip(rows) {
        let id = match planned.origin {
            Origin::File => planned.price.id.get(),
            Origin::Given | Origin::Cut => ledger.prices.take_id()?,
        };
        if planned.origin == Origin::Given {
            ids.push(PriceId::new(id));
        }
        ledger.prices.put(id, &row)?;
    }
    Ok(ids)
}

pub(super) fn expire(ledger: &mut Ledger<'_>, id: PriceId, at: Timestamp, now: Timestamp) -> Result<()> {
    let row = ledger.prices.get(id.get())?.ok_or_else(|| not_found(&format!("price {id}")))?;
    let price = row.price(id.get())?;
    let at = kept(at).max(price.terms.effective_date);
    if Interval::of(&price).ends_by(at) {
        return Ok(());
    }
    let mut plan = Plan { rows: vec![Planned { price, origin: Origin::File, changed: false }], now: kept(now) };
    if at >= plan.now {
        plan.end(0, at);
    } else {
        plan.take_back(0, at);
    }
    write(ledger, plan)?;
    ledger.configuration_changed()
}
