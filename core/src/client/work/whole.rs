//! What the kinds of work share whose answers come whole.

use super::Work;
use crate::billing::estimate::{Estimate, head_of};
use crate::client::engine::Engine;
use crate::provider::vendor;
use crate::routing::select::{Selection, Wanted, select_for};
use crate::routing::snapshot::Snapshot;
use crate::types::{Capability, ModelConfig, Result, Usage};

/// Which configs a request asks for.
pub(super) struct Asked<'a> {
    /// The model, an alias, or a route.
    pub(super) model: Option<&'a str>,
    /// What the model must be able to make.
    pub(super) capability: Capability,
    /// The configs to try instead of the route's.
    pub(super) fallbacks: Option<&'a [String]>,
}

/// Chooses the configs that can serve, by the cost of what an attempt with each is expected to use.
pub(super) fn select<W: Work>(
    work: &W,
    engine: &Engine,
    snapshot: &Snapshot,
    asked: &Asked<'_>,
    expected: impl Fn(&Estimate) -> Usage,
) -> Result<Selection> {
    let outlook = engine.outlook();
    let expected_cost = |config: &ModelConfig| {
        let prices = snapshot.price_set(config.id, outlook.now)?;
        let estimate = work.estimate(config, &prices, &engine.settings, outlook.now);
        let head = head_of("", vendor(&config.provider).currency);
        Ok(prices.bill(head, &expected(&estimate), &estimate.facts)?.cost)
    };
    let wanted = Wanted { model: asked.model, capability: asked.capability, expected_cost: &expected_cost };
    select_for(snapshot, &wanted, asked.fallbacks, &outlook)
}

/// Returns a usage without the meters of which there is nothing: work without an output has none to bill.
pub(super) fn without_zeros(mut usage: Usage) -> Usage {
    usage.meters.retain(|_, quantity| !quantity.is_zero());
    usage
}
