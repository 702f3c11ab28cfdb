//! The verbs about packages.

use serde::Deserialize;
use tollway::client::Tollway;
use tollway::types::{Currency, Error, ErrorKind, Money, NewPackage, Package, QuotaType, Result};

use super::exact::Exact;
use super::table::verbs;

verbs! {
    /// Sells a user a quantity, which is used after the month's allowance. The same order again is the same package.
    ///
    /// * `idempotency_conflict` if the order was for something else.
    "packages.buy"(user, quota_type, quantity) => buy(BuyArguments) -> Package;
    /// Takes a package back, with what is left of it or not: what was used already is a debt.
    ///
    /// * `not_found` if there is no such order.
    "packages.refund"(order_id) => refund(RefundArguments) -> Package;
    /// Returns all packages, or those of a user, in the order of their purchase.
    "packages.list"(user) => list(ListArguments) -> Vec<Package>;
}

/// What is bought.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PackageOptions"))]
#[serde(deny_unknown_fields)]
pub(super) struct BuyArguments {
    /// The user.
    user: String,
    /// What is counted: `text_token`, `image`, `audio` in minutes, or `video` in seconds.
    quota_type: QuotaType,
    /// The quantity, above zero.
    quantity: Exact,
    /// The order. The same one again changes nothing; with other contents it is refused.
    order_id: String,
    /// What was paid for it.
    #[serde(default)]
    price: Option<Exact>,
    /// The currency.
    #[serde(default)]
    currency: Option<Currency>,
    /// A note.
    #[serde(default)]
    remark: Option<String>,
}

/// The package.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PackageName"))]
#[serde(deny_unknown_fields)]
pub(super) struct RefundArguments {
    /// The order. The same one again changes nothing; with other contents it is refused.
    order_id: String,
}

/// Whose packages.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PackageSelection"))]
#[serde(deny_unknown_fields)]
pub(super) struct ListArguments {
    /// The user; all where left out.
    #[serde(default)]
    user: Option<String>,
}

pub(super) async fn buy(client: &Tollway, arguments: BuyArguments) -> Result<Package> {
    let BuyArguments { user, quota_type, quantity, order_id, price, currency, remark } = arguments;
    let price = match (price, currency) {
        (Some(price), Some(currency)) => Some(Money::new(price.0, currency)),
        (None, None) => None,
        _ => {
            let detail = "packages.buy: give price with currency, or neither";
            return Err(Error::new(ErrorKind::InvalidRequest, detail));
        }
    };
    client.buy_package(NewPackage { user, quota_type, quantity: quantity.0, order_id, price, remark }).await
}

pub(super) async fn refund(client: &Tollway, arguments: RefundArguments) -> Result<Package> {
    client.refund_package(&arguments.order_id).await
}

pub(super) async fn list(client: &Tollway, arguments: ListArguments) -> Result<Vec<Package>> {
    client.packages(arguments.user).await
}
