//! Routes: how the candidates of a capability or an alias are chosen.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::RouteId;
use super::money::Money;

/// How a route orders its candidates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Strategy {
    /// Only the default config of the capability.
    #[default]
    Single,
    /// One config after another, by the named chain or else by priority.
    Fallback,
    /// The cheapest for this request's expected tokens first.
    Economy,
}

/// A row of `ai_routing_strategy`. Its name is a capability, or an alias that requests can name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Route {
    /// The row.
    pub id: RouteId,
    /// What it says.
    #[serde(flatten)]
    pub terms: RouteTerms,
    /// When the row was written.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
}

/// What a route says, apart from its identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RouteTerms {
    /// A capability's name, or an alias.
    pub name: String,
    /// How candidates are ordered.
    #[serde(alias = "strategy_type")]
    pub strategy: Strategy,
    /// The configs to choose among, each as `provider/model` or an alias; where empty, all active ones of the capability
    /// (of text, for an alias).
    #[serde(default)]
    pub models: Vec<String>,
    /// `economy` only: choose among these providers if any of them can serve.
    #[serde(default)]
    pub preferred_providers: Vec<String>,
    /// `economy` only: pass over candidates whose expected cost for the request is above this.
    #[serde(default)]
    pub maximum_cost: Option<Money>,
}
