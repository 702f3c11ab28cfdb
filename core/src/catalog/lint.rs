//! Lint: what looks wrong in a price book, before anything is billed by it.

mod ambiguity;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::types::{
    Attribute, Basis, Capability, Conditions, Currency, Decimal, Measure, Meter, MeterKind, Offer, OfferPrice,
    PriceBook, PricingType, Scale, Unit,
};

/// Something that looks wrong in a price book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// The offer, as `provider/model`.
    pub offer: String,
    /// The stable name of the rule.
    pub rule: String,
    /// What is wrong, with the figures.
    pub detail: String,
}

/// The names of the rules, in the order in which an offer's findings come.
pub const RULES: [&str; 13] = [
    "too_many_prices",
    "unit_odd",
    "too_many_digits",
    "dates_contradict",
    "promotion_over",
    "cached_above_input",
    "write_1h_not_double",
    "batch_above_standard",
    "tiers_not_rising",
    "free_output",
    "ambiguous",
    "groups_without_order",
    "out_of_range",
];

/// Digits beyond these are what binary fractions leave behind.
const MOST_DIGITS: usize = 10;
/// A price that is so many times another of the same model is in another unit.
const FAR_APART: u64 = 1_000;
/// One token that costs more than this many hundredths of the currency has the price of a million.
const DEAREST_TOKEN: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// The most prices of one meter that are compared with each other. No seller states so many.
const MOST_COMPARED: usize = 64;

/// Looks through a price book, in its order.
#[must_use]
pub fn lint(book: &PriceBook) -> Vec<Finding> {
    let siblings = siblings(book);
    let mut findings = Vec::new();
    for offer in &book.offers {
        let mut look = Look { offer, prices: Vec::new(), findings: Vec::new(), found: BTreeSet::new() };
        look.at_counts();
        look.at_prices();
        look.at_pairs();
        ambiguity::look(&mut look);
        look.at_groups();
        look.at_siblings(&siblings);
        findings.append(&mut look.findings);
    }
    findings
}

/// What prices of one model of one meter are compared by.
type SiblingKey = (String, Meter, Currency);

/// The prices of a model of one meter at every seller.
#[derive(Default)]
struct Siblings {
    /// The prices in their order.
    prices: Vec<Decimal>,
    /// Where among them those of each offer stand, in order.
    places: BTreeMap<String, Vec<usize>>,
}

impl Siblings {
    fn of(mut prices: Vec<(Decimal, String)>) -> Self {
        prices.sort();
        let mut siblings = Self::default();
        for (place, (price, name)) in prices.into_iter().enumerate() {
            siblings.prices.push(price);
            siblings.places.entry(name).or_default().push(place);
        }
        siblings
    }

    /// Returns the price in the middle of those of others, with an offer's own among them if they are several: of three or more,
    /// the one in the middle is believed; of two, neither.
    fn middle(&self, name: &str, own: Decimal) -> Option<Decimal> {
        let places = self.places.get(name).map_or(&[][..], Vec::as_slice);
        let others = self.prices.len() - places.len();
        let other = |mut place: usize| {
            for own in places {
                place += usize::from(*own <= place);
            }
            self.prices.get(place).copied()
        };
        if others < 2 {
            return other(0);
        }
        let place = others.div_ceil(2);
        let (before, after) = (other(place - 1)?, other(place));
        Some(if own <= before { before } else { after.map_or(own, |after| own.min(after)) })
    }
}

/// Returns the plain prices of each model at every seller, by its name without a prefix.
fn siblings(book: &PriceBook) -> BTreeMap<SiblingKey, Siblings> {
    let mut prices: BTreeMap<SiblingKey, Vec<(Decimal, String)>> = BTreeMap::new();
    for offer in &book.offers {
        for (meter, amount) in plain(offer) {
            let key = (base_name(&offer.model), meter, offer.currency);
            prices.entry(key).or_default().push((amount, offer.name()));
        }
    }
    prices.into_iter().map(|(key, prices)| (key, Siblings::of(prices))).collect()
}

fn base_name(model: &str) -> String {
    model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase()
}

/// Returns the prices of single units that apply without a condition and are not zero.
fn plain(offer: &Offer) -> impl Iterator<Item = (Meter, Decimal)> {
    let is_plain = |price: &&OfferPrice| price.conditions.is_empty() && price.basis == Basis::Replaces;
    let single = |price: &OfferPrice| Some((price.pricing_type.meter()?, single(price)?));
    offer.prices.iter().filter(is_plain).filter_map(single).filter(|(_, amount)| !amount.is_zero())
}

fn single(price: &OfferPrice) -> Option<Decimal> {
    price.unit_price.checked_div(price.unit.size().into())
}

struct Look<'a> {
    offer: &'a Offer,
    /// The prices that are compared with each other.
    prices: Vec<&'a OfferPrice>,
    findings: Vec<Finding>,
    /// The rules and details of those, so that nothing is told twice.
    found: BTreeSet<(String, String)>,
}

impl Look<'_> {
    fn find(&mut self, rule: &str, detail: String) {
        if self.found.insert((rule.to_owned(), detail.clone())) {
            self.findings.push(Finding { offer: self.offer.name(), rule: rule.to_owned(), detail });
        }
    }

    /// Takes the prices that are compared with each other: those of each meter that has no more than can be.
    fn at_counts(&mut self) {
        let mut counts: BTreeMap<PricingType, usize> = BTreeMap::new();
        for price in &self.offer.prices {
            *counts.entry(price.pricing_type).or_default() += 1;
        }
        let is_too_many = |name: &PricingType| counts.get(name).is_some_and(|count| *count > MOST_COMPARED);
        self.prices = self.offer.prices.iter().filter(|price| !is_too_many(&price.pricing_type)).collect();
        for (name, count) in counts.iter().filter(|(name, _)| is_too_many(name)) {
            self.find("too_many_prices", format!("{name} has {count} prices, which are not compared with each other"));
        }
    }

    /// Looks at each price alone.
    fn at_prices(&mut self) {
        let checked = self.offer.checked.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()).unwrap_or_default();
        for price in &self.offer.prices {
            let (name, amount) = (price.pricing_type, price.unit_price);
            match name.meter() {
                Some(meter) if !price.unit.fits(meter) => {
                    self.find("unit_odd", format!("{name} is priced {}, which does not count it", price.unit.name()));
                }
                None if price.unit != Unit::Ratio => {
                    self.find("unit_odd", format!("a modifier is priced {}; its unit is ratio", price.unit.name()));
                }
                Some(meter) if is_token(meter) && single(price).is_some_and(|one| one > DEAREST_TOKEN) => {
                    let unit = price.unit.name();
                    self.find(
                        "unit_odd",
                        format!("{name} costs {amount} {unit}; that looks like the price of a million"),
                    );
                }
                _ => {}
            }
            let digits = amount.normalize().mantissa().unsigned_abs().to_string().len();
            if digits > MOST_DIGITS {
                self.find(
                    "too_many_digits",
                    format!("{name} costs {amount}, {digits} digits; it looks like a binary fraction"),
                );
            }
            if price.effective_date.zip(price.expiry_date).is_some_and(|(from, until)| until <= from) {
                self.find("dates_contradict", format!("{name} costs {amount} until before it begins"));
            }
            if let Some(problem) = price.conditions.problem() {
                self.find(
                    "dates_contradict",
                    format!("{name} costs {amount} under conditions that never hold: {problem}"),
                );
            }
            let is_over = price.expiry_date.is_some_and(|expiry| expiry <= checked);
            if is_over && !self.has_successor(price, checked) {
                self.find(
                    "promotion_over",
                    format!("{name} costs {amount} only up to a date that is past, and nothing follows"),
                );
            }
        }
    }

    fn has_successor(&self, price: &OfferPrice, at: Timestamp) -> bool {
        self.offer.prices.iter().any(|other| {
            other.pricing_type == price.pricing_type
                && (other.conditions == price.conditions || other.conditions.is_empty())
                && other.expiry_date.is_none_or(|expiry| at < expiry)
        })
    }

    /// Looks at pairs of prices that hold at one time.
    fn at_pairs(&mut self) {
        let whole = |price: &OfferPrice| price.basis == Basis::Replaces && price.pricing_type.meter().is_some();
        let prices: Vec<&OfferPrice> = self.prices.iter().copied().filter(|price| whole(price)).collect();
        for left in &prices {
            for right in &prices {
                if !ambiguity::meet_in_time(left, right) {
                    continue;
                }
                if left.conditions == right.conditions {
                    self.at_meters(left, right);
                }
                if left.pricing_type == right.pricing_type && left.unit == right.unit {
                    self.at_conditions(left, right);
                }
            }
        }
    }

    /// Looks at two meters under the same conditions.
    fn at_meters(&mut self, left: &OfferPrice, right: &OfferPrice) {
        let (Some(one), Some(other)) = (single(left), single(right)) else { return };
        let (amount, against) = (left.unit_price, right.unit_price);
        if left.pricing_type == Meter::CachedInputToken && right.pricing_type == Meter::InputToken && one > other {
            self.find("cached_above_input", format!("cached input costs {amount}, input {against}"));
        }
        let is_claude = base_name(&self.offer.model).contains("claude");
        let is_write = left.pricing_type == Meter::CacheWrite1hToken && right.pricing_type == Meter::InputToken;
        // Prices that were converted from another unit are a little off.
        let difference = other.checked_mul(Decimal::TWO).and_then(|double| one.checked_sub(double));
        let is_double = difference
            .and_then(|difference| difference.abs().checked_mul(Decimal::ONE_THOUSAND))
            .is_some_and(|difference| difference <= one);
        if is_claude && is_write && !is_double {
            self.find(
                "write_1h_not_double",
                format!("a 1-hour write costs {amount}, which is not twice the input's {against}"),
            );
        }
        let is_free = left.pricing_type == Meter::OutputToken && one.is_zero();
        if is_free
            && right.pricing_type == Meter::InputToken
            && !other.is_zero()
            && self.offer.capability != Capability::Embedding
        {
            self.find("free_output", format!("output costs 0 beside an input of {against}"));
        }
    }

    /// Looks at one meter under two conditions.
    fn at_conditions(&mut self, left: &OfferPrice, right: &OfferPrice) {
        let (name, amount, against) = (left.pricing_type, left.unit_price, right.unit_price);
        let is_dearer_batch = amount > against && is_batch_of(&left.conditions, &right.conditions);
        if is_dearer_batch && !(is_cache_read(left) && self.is_within_input(left)) {
            self.find("batch_above_standard", format!("{name} costs {amount} in a batch, and {against} outside one"));
        }
        if amount < against && is_longer_than(&left.conditions, &right.conditions) {
            self.find("tiers_not_rising", format!("{name} costs {against}, and {amount} for a longer input"));
        }
    }

    /// Returns whether a batch price of cached input is no more than what input costs outside a batch. Some vendors cache
    /// nothing in batches.
    fn is_within_input(&self, price: &OfferPrice) -> bool {
        self.prices.iter().any(|other| {
            other.pricing_type == Meter::InputToken
                && other.unit == price.unit
                && other.unit_price >= price.unit_price
                && is_batch_of(&price.conditions, &other.conditions)
        })
    }

    fn at_groups(&mut self) {
        let mut orders: BTreeMap<i32, BTreeSet<&str>> = BTreeMap::new();
        for modifier in self.offer.prices.iter().filter_map(|price| price.modifier.as_ref()) {
            orders.entry(modifier.order).or_default().insert(&modifier.group);
        }
        for (order, groups) in orders {
            if groups.contains("") {
                self.find("groups_without_order", "a modifier has no group".to_owned());
            }
            if groups.len() > 1 {
                let groups: Vec<_> = groups.into_iter().collect();
                self.find("groups_without_order", format!("{} stand in one order, {order}", groups.join(", ")));
            }
        }
    }

    fn at_siblings(&mut self, siblings: &BTreeMap<SiblingKey, Siblings>) {
        let name = self.offer.name();
        for (meter, amount) in plain(self.offer) {
            let key = (base_name(&self.offer.model), meter, self.offer.currency);
            let Some(middle) = siblings.get(&key).and_then(|all| all.middle(&name, amount)) else { continue };
            let is_far =
                |high: Decimal, low: Decimal| low.checked_mul(FAR_APART.into()).is_some_and(|limit| high >= limit);
            if is_far(amount, middle) || is_far(middle, amount) {
                let detail = format!("one {meter} costs {amount}, and {middle} at other sellers of the model");
                self.find("out_of_range", detail);
            }
        }
    }
}

fn is_cache_read(price: &OfferPrice) -> bool {
    let kind = price.pricing_type.meter().map(Meter::kind);
    matches!(kind, Some(MeterKind::CacheRead | MeterKind::ExplicitCacheRead))
}

fn is_token(meter: Meter) -> bool {
    meter.is_input() || meter.is_output()
}

/// Returns whether conditions are those of a batch, and otherwise the same as others of no tier or of the standard one.
fn is_batch_of(batch: &Conditions, standard: &Conditions) -> bool {
    let tier = |conditions: &Conditions| conditions.choices.get(&Attribute::ServiceTier).cloned();
    let without = |conditions: &Conditions| {
        let mut rest = conditions.clone();
        rest.choices.remove(&Attribute::ServiceTier);
        rest
    };
    tier(batch).is_some_and(|tiers| tiers.contains("batch"))
        && tier(standard).is_none_or(|tiers| tiers.contains(crate::types::STANDARD_TIER))
        && without(batch) == without(standard)
}

/// Returns whether conditions are those of a longer input, and otherwise the same.
fn is_longer_than(longer: &Conditions, shorter: &Conditions) -> bool {
    let without = |conditions: &Conditions| {
        let mut rest = Conditions { scale: Scale::WholeRequest, ..conditions.clone() };
        rest.ranges.remove(&Measure::InputTokens);
        rest
    };
    let start = |conditions: &Conditions| {
        let range = conditions.ranges.get(&Measure::InputTokens).copied().unwrap_or_default();
        range.above.or(range.from).unwrap_or_default()
    };
    without(longer) == without(shorter) && start(longer) > start(shorter)
}

#[cfg(test)]
#[path = "lint_tests.rs"]
mod tests;
