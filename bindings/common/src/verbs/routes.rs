//! The verbs about routes.

use serde::Deserialize;
use tollway::client::Tollway;
use tollway::types::{Error, ErrorKind, Result, Route, RouteTerms, Strategy};

use super::NoArguments;
use super::exact::MoneyArguments;
use super::table::verbs;

verbs! {
    /// Sets the route of a capability such as `text`, or of an alias that calls can name as their model.
    ///
    /// * `invalid_request` if the strategy or a model is wrong.
    "routes.set"(name) => set(SetArguments) -> Route;
    /// Returns all routes.
    "routes.list" => list(NoArguments) -> Vec<Route>;
    /// Deletes a route; its capability goes back to its default model.
    ///
    /// * `not_found` if there is no such route.
    "routes.delete"(name) => delete(DeleteArguments) -> ();
}

/// The candidates of a route and how one is chosen.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "RouteOptions"))]
#[serde(deny_unknown_fields)]
pub(super) struct SetArguments {
    /// The capability, or the alias.
    name: String,
    /// How candidates are ordered.
    #[serde(alias = "strategy_type")]
    strategy: Strategy,
    /// The configs to choose among, in order; all active ones of the capability where left out.
    #[serde(default)]
    models: Vec<String>,
    /// For `economy`: whom to prefer among equals.
    #[serde(default)]
    preferred_providers: Vec<String>,
    /// For `economy`: the most that one request may cost.
    #[serde(default)]
    maximum_cost: Option<MoneyArguments>,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteArguments {
    /// The capability, or the alias.
    name: String,
}

pub(super) async fn set(client: &Tollway, arguments: SetArguments) -> Result<Route> {
    let name = arguments.name.clone();
    let terms = RouteTerms {
        name: arguments.name,
        strategy: arguments.strategy,
        models: arguments.models,
        preferred_providers: arguments.preferred_providers,
        maximum_cost: arguments.maximum_cost.map(MoneyArguments::into),
    };
    client.set_route(terms).await?;
    let routes = client.routes().await?;
    routes.into_iter().find(|route| route.terms.name == name).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("the route {name:?} was set, and then deleted by someone else at once"))
    })
}

pub(super) async fn list(client: &Tollway, _: NoArguments) -> Result<Vec<Route>> {
    client.routes().await
}

pub(super) async fn delete(client: &Tollway, arguments: DeleteArguments) -> Result<()> {
    client.delete_route(&arguments.name).await
}
