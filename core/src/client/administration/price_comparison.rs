//! How the prices of a config differ from those of an offer, slot by slot.

use jiff::Timestamp;
use serde::Serialize;

use crate::types::{Decimal, Meter, ModelConfig, ModelConfigId, Offer, Price, PriceTerms};

/// The source of prices that an administrator set by hand.
const USER: &str = "user";

/// How a price of a config stands to a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProposalKind {
    /// The list has a price where the config has none.
    Added,
    /// The list has another price.
    Changed,
    /// The list no longer has the price.
    Ended,
    /// The list says the same.
    Unchanged,
    /// The list is set aside, because an administrator set prices of the same thing by hand.
    Kept,
    /// The catalog no longer has the model at all. The config keeps its prices.
    NoLongerInCatalog,
    /// Neither the config nor the list has any price of the model. Its calls are unpriced.
    Unpriced,
}

impl ProposalKind {
    /// Returns whether applying it writes anything.
    #[must_use]
    pub const fn is_change(self) -> bool {
        matches!(self, Self::Added | Self::Changed | Self::Ended)
    }
}

/// What a list means for one price of one config.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PriceProposal {
    /// The config.
    pub model_config_id: ModelConfigId,
    /// Its `provider/model`.
    pub model: String,
    /// How the two stand to each other.
    pub kind: ProposalKind,
    /// The price of the config; absent where it has none.
    pub old: Option<Price>,
    /// The price of the list, as a row would hold it; absent where it has none or is set aside.
    pub new: Option<PriceTerms>,
    /// The first instant at which applying it makes a difference; absent where it makes none.
    pub effective_date: Option<Timestamp>,
    /// Why a price is kept or missing, for people.
    pub reason: Option<String>,
}

/// A config, its price rows, and the instant at which they are looked at.
pub(super) struct Comparison<'a> {
    pub(super) config: &'a ModelConfig,
    pub(super) prices: &'a [Price],
    pub(super) now: Timestamp,
}

impl Comparison<'_> {
    /// Compares with an offer, or with a list that has none.
    pub(super) fn with(&self, offer: Option<&Offer>, is_catalog: bool) -> Vec<PriceProposal> {
        let terms = offer.map(|offer| offer.terms(self.now)).unwrap_or_default();
        let standing: Vec<&Price> = self.prices.iter().filter(|price| price.stands(self.now)).collect();
        if terms.is_empty() {
            return self.without_offer(&standing, is_catalog);
        }
        let (set_by_hand, listed): (Vec<&Price>, Vec<&Price>) =
            standing.iter().partition(|price| price.terms.source == USER);
        let mut proposals: Vec<_> = set_by_hand
            .iter()
            .map(|price| PriceProposal {
                old: Some((*price).clone()),
                reason: Some("an administrator set it by hand; set it again to change it".to_owned()),
                ..self.proposal(ProposalKind::Kept)
            })
            .collect();
        let other_currency =
            set_by_hand.iter().any(|price| Some(price.terms.currency) != offer.map(|offer| offer.currency));
        let is_set_aside = |new: &PriceTerms| {
            let is_hidden = set_by_hand.iter().any(|price| is_below(new, price));
            other_currency || is_hidden || (listed.is_empty() && !set_by_hand.is_empty())
        };
        for new in terms.iter().filter(|new| !is_set_aside(new)) {
            proposals.push(self.beside(new, &listed));
        }
        for old in listed {
            let has_successor = terms.iter().any(|new| self.same_place(old, new));
            if !has_successor && !other_currency && !set_by_hand.iter().any(|price| is_below(&old.terms, price)) {
                proposals.push(PriceProposal {
                    old: Some(old.clone()),
                    effective_date: Some(self.now.max(old.terms.effective_date)),
                    ..self.proposal(ProposalKind::Ended)
                });
            }
        }
        proposals
    }

    fn without_offer(&self, standing: &[&Price], is_catalog: bool) -> Vec<PriceProposal> {
        if standing.is_empty() {
            let reason = "no list has a price of exactly this model; set one, or its calls stay unpriced";
            return vec![PriceProposal { reason: Some(reason.to_owned()), ..self.proposal(ProposalKind::Unpriced) }];
        }
        let listed = standing.iter().filter(|price| is_catalog && price.terms.source != USER);
        listed
            .map(|price| PriceProposal {
                old: Some((*price).clone()),
                reason: Some("the catalog no longer has the model; its price stays until another is set".to_owned()),
                ..self.proposal(ProposalKind::NoLongerInCatalog)
            })
            .collect()
    }

    /// Compares a price of the list with the one that stands in its place.
    fn beside(&self, new: &PriceTerms, listed: &[&Price]) -> PriceProposal {
        let old = listed.iter().find(|old| self.same_place(old, new)).map(|old| (*old).clone());
        let kind = match &old {
            None => ProposalKind::Added,
            Some(old) if says_the_same(&old.terms, new) => ProposalKind::Unchanged,
            Some(_) => ProposalKind::Changed,
        };
        let effective_date = kind.is_change().then_some(new.effective_date);
        PriceProposal { old, new: Some(new.clone()), effective_date, ..self.proposal(kind) }
    }

    fn proposal(&self, kind: ProposalKind) -> PriceProposal {
        PriceProposal {
            model_config_id: self.config.id,
            model: self.config.name(),
            kind,
            old: None,
            new: None,
            effective_date: None,
            reason: None,
        }
    }

    /// Returns whether a row is for the same slot, and in force now or to be so from the same instant on.
    fn same_place(&self, old: &Price, new: &PriceTerms) -> bool {
        old.terms.same_slot(new) && old.terms.effective_date.max(self.now) == new.effective_date
    }
}

/// Returns whether a price would change what is billed by one that was set by hand: it is of the same meter or one below
/// it, or a modifier of it.
fn is_below(new: &PriceTerms, set_by_hand: &Price) -> bool {
    let root = set_by_hand.terms.pricing_type.meter();
    match (new.pricing_type.meter(), root, &new.modifier) {
        (Some(meter), Some(root), _) => meter.is_within(root),
        (None, Some(root), Some(modifier)) => {
            let touches = |meter: &Meter| root.is_within(*meter) || meter.is_within(root);
            modifier.meters.is_empty() || modifier.meters.iter().any(touches)
        }
        (None, None, _) => new.same_slot(&set_by_hand.terms),
        _ => false,
    }
}

/// Returns whether two prices of one slot bill the same, whatever unit each counts in.
fn says_the_same(old: &PriceTerms, new: &PriceTerms) -> bool {
    let of_one = |price: Decimal, size: u64| price.checked_mul(Decimal::from(size));
    let (left, right) = (of_one(old.unit_price, new.unit.size()), of_one(new.unit_price, old.unit.size()));
    let is_same_price = if left.is_some() && right.is_some() {
        left == right
    } else {
        (old.unit_price, old.unit) == (new.unit_price, new.unit)
    };
    is_same_price
        && old.currency == new.currency
        && old.rounding == new.rounding
        && old.modifier == new.modifier
        && old.expiry_date == new.expiry_date
}

#[cfg(test)]
#[path = "price_comparison_tests.rs"]
mod tests;
