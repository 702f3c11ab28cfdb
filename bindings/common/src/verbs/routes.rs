//! The verbs about routes.

use serde::Deserialize;
use tollway::client::Tollway;
use tollway::types::{Currency, Error, ErrorKind, Money, Result, Route, RouteTerms, Strategy};

use super::NoArguments;
use super::exact::Exact;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetArguments {
    name: String,
    #[serde(alias = "strategy_type")]
    strategy: Strategy,
    #[serde(default)]
    models: Vec<String>,
    #[serde(default)]
    preferred_providers: Vec<String>,
    #[serde(default)]
    maximum_cost: Option<MoneyArguments>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MoneyArguments {
    amount: Exact,
    currency: Currency,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteArguments {
    name: String,
}

pub(super) async fn set(client: &Tollway, arguments: SetArguments) -> Result<Route> {
    let name = arguments.name.clone();
    let terms = RouteTerms {
        name: arguments.name,
        strategy: arguments.strategy,
        models: arguments.models,
        preferred_providers: arguments.preferred_providers,
        maximum_cost: arguments.maximum_cost.map(|money| Money::new(money.amount.0, money.currency)),
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
