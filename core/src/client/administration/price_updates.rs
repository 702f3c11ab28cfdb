//! Price updates: what the bundled catalog or a price book says of the models that are configured, and taking it over.
//!
//! Nothing happens by itself. Rows are only added, or ended from now on; what was billed, and by what, stays.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;

use super::price_comparison::Comparison;
use super::price_comparison::{PriceProposal, ProposalKind};
use crate::catalog::{Catalog, bundled};
use crate::client::engine::{Tollway, unexpected};
use crate::provider::seller;
use crate::store::{Operation, Outcome};
use crate::types::{ModelConfigId, Offer, PriceBook, PriceTerms, Result};

/// What a list of prices means for the configured models, and whether it was taken over.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PriceUpdate {
    /// Whether the changes were written.
    pub applied: bool,
    /// What the list means for each price, by config.
    pub proposals: Vec<PriceProposal>,
}

impl PriceUpdate {
    /// Returns the proposals that applying writes.
    pub fn changes(&self) -> impl Iterator<Item = &PriceProposal> {
        self.proposals.iter().filter(|proposal| proposal.kind.is_change())
    }

    /// Returns the proposals of a kind.
    pub fn of_kind(&self, kind: ProposalKind) -> impl Iterator<Item = &PriceProposal> {
        self.proposals.iter().filter(move |proposal| proposal.kind == kind)
    }
}

/// Where offers are looked up, by provider and exact model name or alias.
type Lookup<'a> = dyn Fn(&str, &str) -> Option<Offer> + Send + Sync + 'a;

impl Tollway {
    /// Compares the prices of all configs with the bundled catalog, and takes them over if `apply` is set.
    ///
    /// Prices that were set by hand are never touched, and models that the catalog no longer has keep theirs; both are
    /// reported. New prices apply from now on, or from when they were announced for.
    pub async fn update_from_catalog(&self, apply: bool) -> Result<PriceUpdate> {
        self.update_from(bundled(), apply).await
    }

    /// Does what [`Self::update_from_catalog`] does with another catalog, such as a newer one that was verified.
    pub async fn update_from(&self, catalog: &Catalog, apply: bool) -> Result<PriceUpdate> {
        self.update(&|provider, model| catalog.find(provider, model), true, apply).await
    }

    /// Compares the prices of all configs with a price book and writes nothing.
    ///
    /// Configs whose model the book does not have are left out, unless they have no price at all.
    pub async fn propose_prices(&self, book: &PriceBook) -> Result<PriceUpdate> {
        let offers = index(book);
        self.update(&|provider, model| found(&offers, provider, model), false, false).await
    }

    /// Takes over the prices of a price book, as [`Self::propose_prices`] shows them. Doing it again writes nothing.
    pub async fn apply_prices(&self, book: &PriceBook) -> Result<PriceUpdate> {
        let offers = index(book);
        self.update(&|provider, model| found(&offers, provider, model), false, true).await
    }

    async fn update(&self, find: &Lookup<'_>, is_catalog: bool, apply: bool) -> Result<PriceUpdate> {
        self.engine.check()?;
        let snapshot = self.engine.reload().await?;
        let now = self.engine.environment.now();
        let mut proposals = Vec::new();
        for config in snapshot.configs() {
            let offer = find(seller(&config.provider), &config.model_name);
            let comparison = Comparison { config, prices: snapshot.prices(config.id), now };
            proposals.extend(comparison.with(offer.as_ref(), is_catalog));
        }
        let update = PriceUpdate { applied: apply, proposals };
        if apply {
            self.write_update(&update, now).await?;
        }
        Ok(update)
    }

    /// Ends what the list no longer has, then adds what it has. What a crash leaves undone, doing it again does.
    async fn write_update(&self, update: &PriceUpdate, now: Timestamp) -> Result<()> {
        for proposal in update.of_kind(ProposalKind::Ended) {
            if let (Some(old), Some(at)) = (&proposal.old, proposal.effective_date) {
                self.engine.apply(Operation::ExpirePrice { id: old.id, at, now }).await?;
            }
        }
        let mut new: BTreeMap<ModelConfigId, Vec<PriceTerms>> = BTreeMap::new();
        for proposal in update.changes() {
            if let Some(terms) = &proposal.new {
                new.entry(proposal.model_config_id).or_default().push(terms.clone());
            }
        }
        for (model_config_id, prices) in new {
            match self
                .engine
                .store
                .apply(Operation::AddPrices { model_config_id, prices, replaces_meters: false, now })
                .await?
            {
                Outcome::PricesAdded(_) => {}
                other => return Err(unexpected(&other)),
            }
        }
        self.engine.reload().await.map(|_| ())
    }
}

/// Indexes the offers of a book by their names. Of two offers of one name the first is meant.
fn index(book: &PriceBook) -> HashMap<(&str, &str), &Offer> {
    let mut offers = HashMap::new();
    for offer in &book.offers {
        for name in std::iter::once(&offer.model).chain(&offer.aliases) {
            offers.entry((offer.provider.as_str(), name.as_str())).or_insert(offer);
        }
    }
    offers
}

fn found(offers: &HashMap<(&str, &str), &Offer>, provider: &str, model: &str) -> Option<Offer> {
    offers.get(&(provider, model)).map(|offer| (*offer).clone())
}

#[cfg(test)]
#[path = "price_updates_tests.rs"]
mod tests;
