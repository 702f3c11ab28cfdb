//! Pricing: usage times the prices in force, as the lines of a receipt.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::component::{Circumstances, Component};
use super::exact::Exact;
use crate::types::{
    AppliedModifier, Attribute, Basis, CostStatus, Currency, Decimal, Error, ErrorKind, Facts, Meter, Modifier, Money,
    PriceId, PriceTerms, Quantity, ReceiptLine, Result, STANDARD_TIER, Usage, UsageFlag,
};

/// The prices of one model config that are in force at one instant, in one currency.
#[derive(Clone, Debug, Default)]
pub struct PriceSet {
    /// The prices of each meter, in the order in which they are tried.
    by_meter: BTreeMap<Meter, Vec<Arc<Component>>>,
    surcharges: Vec<Arc<Component>>,
    /// By order of their groups; within a group as they are tried.
    modifiers: Vec<Arc<Component>>,
    currency: Option<Currency>,
}

/// What an attempt costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Bill {
    /// The cost, as the ledger keeps it; absent if unpriced.
    pub cost: Option<Money>,
    /// The cost before it was rounded for the ledger; absent if unpriced.
    pub exact: Option<Exact>,
    /// Whether the ledger's cost is not the exact one.
    pub is_rounded: bool,
    /// Whether every price that was applied is of the tier that was served.
    pub covers_tier: bool,
    /// Whether a price that the user set is among those that were applied.
    pub has_user_price: bool,
    /// Where the cost comes from.
    pub cost_status: CostStatus,
    /// The lines, in the order of the meters. Their amounts sum to the cost.
    pub lines: Vec<ReceiptLine>,
    /// The price rows that were applied, in the order of the lines.
    pub price_ids: Vec<PriceId>,
}

impl Bill {
    /// Makes a bill without lines.
    #[must_use]
    pub fn flat(cost: Option<Money>, cost_status: CostStatus) -> Self {
        Self {
            cost,
            exact: cost.map(|cost| cost.amount.into()),
            is_rounded: false,
            covers_tier: true,
            has_user_price: false,
            cost_status,
            lines: Vec::new(),
            price_ids: Vec::new(),
        }
    }
}

/// Which attempt the lines of a bill belong to.
#[derive(Clone, Copy, Debug)]
pub struct BillHead<'a> {
    /// The place among the call's attempts, from 1.
    pub attempt: u32,
    /// `provider/model`.
    pub model: &'a str,
    /// The currency that the provider reports costs in.
    pub reported_currency: Currency,
}

/// A line while it is made: its amount is exact, and which prices it comes from is known.
struct Draft {
    line: ReceiptLine,
    amount: Option<Exact>,
    tier_is_priced: bool,
    is_users: bool,
}

/// Meters that cost nothing beside the tokens where no price names them, by the vendors' own lists.
const FREE_UNLESS_PRICED: [Meter; 2] = [Meter::Request, Meter::WebFetch];

/// The source of prices that a user set.
const USER: &str = "user";

impl PriceSet {
    /// Picks the prices in force at an instant, by what was known at another.
    ///
    /// Fails with `currency_mismatch` if they are in two currencies, which cannot make one cost.
    pub fn in_force<'a>(
        prices: impl IntoIterator<Item = &'a Arc<Component>>,
        at: Timestamp,
        known: Timestamp,
    ) -> Result<Self> {
        let mut set = Self::default();
        for price in prices.into_iter().filter(|price| price.in_force(at, known)) {
            set.take(Arc::clone(price))?;
        }
        set.sort();
        Ok(set)
    }

    /// Joins prices that stand in no file and are all in force.
    ///
    /// Fails with `currency_mismatch` if they are in two currencies.
    pub fn of_terms(terms: impl IntoIterator<Item = PriceTerms>) -> Result<Self> {
        let mut set = Self::default();
        for terms in terms {
            set.take(Arc::new(Component::of_terms(terms)))?;
        }
        set.sort();
        Ok(set)
    }

    fn take(&mut self, price: Arc<Component>) -> Result<()> {
        let terms = &price.terms;
        match (terms.pricing_type.meter(), terms.basis) {
            (None, _) => {
                self.modifiers.push(price);
                return Ok(());
            }
            (Some(_), Basis::Surcharge) => self.surcharges.push(Arc::clone(&price)),
            (Some(meter), Basis::Replaces) => self.by_meter.entry(meter).or_default().push(Arc::clone(&price)),
        }
        let currency = *self.currency.get_or_insert(price.terms.currency);
        if currency == price.terms.currency {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::CurrencyMismatch,
            format!(
                "prices of one model are in {currency} and in {}; set all of them in one currency",
                price.terms.currency
            ),
        ))
    }

    fn sort(&mut self) {
        self.by_meter.values_mut().for_each(|prices| prices.sort_by_cached_key(|price| price.order()));
        for list in [&mut self.surcharges, &mut self.modifiers] {
            list.sort_by_cached_key(|price| price.order());
            let mut kept: Vec<Arc<Component>> = Vec::with_capacity(list.len());
            for price in list.drain(..) {
                if !kept.iter().any(|other| other.terms.same_slot(&price.terms)) {
                    kept.push(price);
                }
            }
            *list = kept;
        }
        self.surcharges.sort_by_key(|price| price.terms.pricing_type);
        self.modifiers.sort_by_key(|price| {
            price.terms.modifier.as_ref().map(|modifier| (modifier.order, modifier.group.clone()))
        });
    }

    /// Returns the one currency of the prices.
    #[must_use]
    pub const fn currency(&self) -> Option<Currency> {
        self.currency
    }

    /// Returns whether text can be priced: both its input and its output have a price under some conditions.
    #[must_use]
    pub fn prices_text(&self) -> bool {
        self.has_price(Meter::InputToken) && self.has_price(Meter::OutputToken)
    }

    /// Returns whether a meter, or one above it, has a price under some conditions.
    #[must_use]
    pub fn has_price(&self, meter: Meter) -> bool {
        meter.upwards().any(|meter| self.by_meter.contains_key(&meter))
    }

    /// Returns the meters that have prices of their own.
    pub fn meters(&self) -> impl Iterator<Item = Meter> {
        self.by_meter.keys().copied()
    }

    pub(super) fn prices_of(&self, meter: Meter) -> &[Arc<Component>] {
        self.by_meter.get(&meter).map_or(&[], Vec::as_slice)
    }

    pub(super) fn surcharges(&self) -> &[Arc<Component>] {
        &self.surcharges
    }

    pub(super) fn modifiers(&self) -> &[Arc<Component>] {
        &self.modifiers
    }

    /// Returns whether any price has a condition that a property has a value.
    #[must_use]
    pub fn looks_at(&self, attribute: Attribute, value: &str) -> bool {
        let value = value.to_ascii_lowercase();
        let mut prices = self.by_meter.values().flatten().chain(&self.modifiers);
        prices.any(|price| price.terms.conditions.choices.get(&attribute).is_some_and(|values| values.contains(&value)))
    }

    /// Prices what an attempt consumed.
    ///
    /// Without a price for a meter that was used, the provider's reported cost stands in; without that, the bill is
    /// unpriced, which is not zero. Fails with `invalid_request` only if an amount is too large for the ledger.
    pub fn bill(&self, head: BillHead<'_>, usage: &Usage, facts: &Facts) -> Result<Bill> {
        let bill = self.computed(head, usage, facts)?;
        let Some(reported) = usage.reported_cost.filter(|_| bill.cost.is_none()) else { return Ok(bill) };
        let cost = Money::new(reported, head.reported_currency);
        let lines = vec![flat_line(head, "reported cost", cost)];
        Ok(Bill { lines, ..Bill::flat(Some(cost), CostStatus::Reported) })
    }

    /// Prices what an attempt consumed, whatever the provider says that it cost; unpriced without a price for a meter that
    /// was used. Fails with `invalid_request` only if an amount is too large for the ledger.
    pub fn computed(&self, head: BillHead<'_>, usage: &Usage, facts: &Facts) -> Result<Bill> {
        let circumstances = Circumstances::new(facts, usage);
        let mut drafts = Vec::new();
        let has_fee = self.by_meter.contains_key(&Meter::Request)
            || self.surcharges.iter().any(|surcharge| surcharge.terms.pricing_type == Meter::Request);
        let asks_request = has_fee && !usage.meters.contains_key(&Meter::Request);
        let request = asks_request.then_some((&Meter::Request, &Quantity::ONE));
        for (meter, quantity) in usage.meters.iter().chain(request) {
            self.draft(head, *meter, *quantity, None, &circumstances, &mut drafts);
        }
        for iteration in usage.iterations.iter().filter(|iteration| iteration.model.is_none()) {
            for (meter, quantity) in &iteration.meters {
                self.draft(head, *meter, *quantity, Some(&iteration.kind), &circumstances, &mut drafts);
            }
        }
        let is_known = !usage.meters.is_empty() && self.currency.is_some();
        if is_known && drafts.iter().all(|draft| draft.amount.is_some()) {
            return self.priced(head, usage, facts, drafts);
        }
        let mut lines = Vec::with_capacity(drafts.len());
        for mut draft in drafts {
            draft.line.amount = draft.amount.map(|amount| amount.for_ledger()).transpose()?.map(|(amount, _)| amount);
            lines.push(draft.line);
        }
        let price_ids = applied(&lines);
        Ok(Bill { lines, price_ids, ..Bill::flat(None, CostStatus::Unpriced) })
    }

    fn priced(&self, head: BillHead<'_>, usage: &Usage, facts: &Facts, drafts: Vec<Draft>) -> Result<Bill> {
        let exact = drafts
            .iter()
            .filter_map(|draft| draft.amount.as_ref())
            .fold(Exact::default(), |sum, amount| sum.add(amount));
        let (total, is_rounded) = exact.for_ledger()?;
        let is_standard = facts.get(Attribute::ServiceTier) == Some(STANDARD_TIER);
        let has_user_price = drafts.iter().any(|draft| draft.is_users);
        let covers_tier = is_standard || drafts.iter().all(|draft| draft.tier_is_priced);
        let mut rest = total;
        let mut lines = Vec::with_capacity(drafts.len());
        let mut odd = None;
        for draft in drafts {
            let mut line = draft.line;
            let (amount, is_rounded) = draft.amount.unwrap_or_default().for_ledger()?;
            if is_rounded && odd.is_none_or(|(_, other)| amount > other) {
                odd = Some((lines.len(), amount));
            }
            rest -= amount;
            line.amount = Some(amount);
            lines.push(line);
        }
        // The total is rounded once; what the lines' own rounding leaves goes to the largest line that was rounded.
        if let Some((place, amount)) = odd {
            lines[place].amount = Some((amount + rest).normalize());
        }
        let currency = self.currency.unwrap_or(head.reported_currency);
        let doubtful = [
            UsageFlag::Estimated,
            UsageFlag::UnpricedIteration,
            UsageFlag::OtherServiceTier,
            UsageFlag::FeeNotReported,
        ];
        let is_estimate = usage.flags.iter().any(|flag| doubtful.contains(flag));
        let cost_status = if is_estimate { CostStatus::Estimated } else { CostStatus::Computed };
        let price_ids = applied(&lines);
        Ok(Bill {
            cost: Some(Money::new(total, currency)),
            exact: Some(exact),
            is_rounded,
            covers_tier,
            has_user_price,
            cost_status,
            lines,
            price_ids,
        })
    }

    /// Makes the lines of a quantity: one for each marginal part, one for the rest, and one for each surcharge.
    fn draft(
        &self,
        head: BillHead<'_>,
        meter: Meter,
        quantity: Quantity,
        note: Option<&String>,
        circumstances: &Circumstances<'_>,
        drafts: &mut Vec<Draft>,
    ) {
        if quantity.is_zero() {
            return;
        }
        let mut rest = quantity;
        // From where to where the quantity, counted from zero, has no price yet.
        let mut open = vec![(Decimal::ZERO, quantity.get())];
        let mut push = |component: Option<&Arc<Component>>, quantity: Quantity, note: Option<String>| {
            drafts.push(self.line(head, meter, component, quantity, note, circumstances));
        };
        for above in meter.upwards() {
            let prices = self.prices_of(above);
            let whole = prices.iter().position(|price| price.applies(circumstances));
            // A marginal price that looks at no more than the whole one that is tried before it stands back.
            for price in &prices[..whole.unwrap_or(prices.len())] {
                if let Some(share) = price.take_share(&mut open, circumstances) {
                    rest = rest.saturating_sub(share);
                    push(Some(price), share, note.cloned());
                }
            }
            if rest.is_zero() {
                break;
            }
            if let Some(place) = whole {
                push(Some(&prices[place]), rest, note.cloned());
                rest = Quantity::ZERO;
                break;
            }
        }
        // What is free unless it has a price is no work that was left unpriced; a surcharge may still be on it.
        let is_free = FREE_UNLESS_PRICED.contains(&meter) && !self.has_price(meter);
        if !rest.is_zero() && !is_free {
            push(None, rest, note.cloned());
        }
        for surcharge in &self.surcharges {
            let is_meant = surcharge.terms.pricing_type.meter().is_some_and(|root| meter.is_within(root));
            if is_meant && surcharge.applies(circumstances) {
                push(Some(surcharge), quantity, Some("surcharge".to_owned()));
            }
        }
    }

    fn line(
        &self,
        head: BillHead<'_>,
        meter: Meter,
        component: Option<&Arc<Component>>,
        quantity: Quantity,
        note: Option<String>,
        circumstances: &Circumstances<'_>,
    ) -> Draft {
        let terms = component.map(|component| &component.terms);
        let modifiers =
            component.map(|component| self.modifiers_of(meter, component, circumstances)).unwrap_or_default();
        let ratios: Vec<Decimal> = modifiers.iter().map(|modifier| modifier.terms.unit_price).collect();
        let charge = component.map(|component| component.charge(quantity, &ratios));
        let tier_is_priced = component
            .into_iter()
            .chain(modifiers.iter().copied())
            .any(|component| component.looks_at(Attribute::ServiceTier));
        let line = ReceiptLine {
            attempt: head.attempt,
            model: head.model.to_owned(),
            meter: Some(meter),
            note,
            quantity,
            billed_quantity: charge.as_ref().map(|(billed, _)| *billed).filter(|billed| *billed != quantity),
            unit_price: terms.map(|terms| terms.unit_price),
            unit: terms.map(|terms| terms.unit),
            price_id: component.and_then(|component| component.price_id),
            modifiers: modifiers
                .iter()
                .map(|modifier| AppliedModifier {
                    group: modifier.terms.modifier.as_ref().map(|terms| terms.group.clone()).unwrap_or_default(),
                    ratio: modifier.terms.unit_price,
                    price_id: modifier.price_id,
                })
                .collect(),
            amount: None,
            currency: terms.map(|terms| terms.currency),
        };
        let is_users = terms.is_some_and(|terms| terms.source == USER);
        Draft { line, amount: charge.map(|(_, amount)| amount), tier_is_priced, is_users }
    }

    /// Returns the modifiers of a price, in the order in which they multiply: one of a group, and none that another excludes.
    fn modifiers_of(
        &self,
        meter: Meter,
        component: &Component,
        circumstances: &Circumstances<'_>,
    ) -> Vec<&Arc<Component>> {
        let mut apply: Vec<(usize, &Arc<Component>, &Modifier)> = Vec::new();
        for (order, candidate) in self.modifiers.iter().enumerate() {
            let Some(terms) = &candidate.terms.modifier else { continue };
            let is_taken = apply.iter().any(|(_, _, other)| other.group == terms.group);
            if !is_taken && candidate.multiplies(meter, component) && candidate.applies(circumstances) {
                apply.push((order, candidate, terms));
            }
        }
        // First those that no other excludes; of two that exclude each other, the one that is ordered first.
        let excludes = |one: &Modifier, other: &Modifier| one.excludes.contains(&other.group);
        let mut kept = Vec::with_capacity(apply.len());
        while !apply.is_empty() {
            let is_free =
                |terms: &Modifier| !apply.iter().any(|(_, _, other)| excludes(other, terms) && !excludes(terms, other));
            let place = apply.iter().position(|(_, _, terms)| is_free(terms)).unwrap_or_default();
            let (order, modifier, terms) = apply.remove(place);
            apply.retain(|(_, _, other)| !excludes(terms, other));
            kept.push((order, modifier));
        }
        kept.sort_by_key(|(order, _)| *order);
        kept.into_iter().map(|(_, modifier)| modifier).collect()
    }
}

/// Returns the price rows of lines, in their order.
fn applied(lines: &[ReceiptLine]) -> Vec<PriceId> {
    lines
        .iter()
        .flat_map(|line| {
            line.price_id.into_iter().chain(line.modifiers.iter().filter_map(|modifier| modifier.price_id))
        })
        .collect()
}

/// Makes the single line of an amount that no meter makes.
#[must_use]
pub fn flat_line(head: BillHead<'_>, note: &str, cost: Money) -> ReceiptLine {
    ReceiptLine {
        attempt: head.attempt,
        model: head.model.to_owned(),
        meter: None,
        note: Some(note.to_owned()),
        quantity: Quantity::ONE,
        billed_quantity: None,
        unit_price: None,
        unit: None,
        price_id: None,
        modifiers: Vec::new(),
        amount: Some(cost.amount),
        currency: Some(cost.currency),
    }
}

#[cfg(test)]
#[path = "price_tests.rs"]
mod tests;
