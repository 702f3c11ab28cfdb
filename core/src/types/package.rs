//! Packages: quantities that users bought.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use super::ids::{PackageId, QuotaId};
use super::money::Money;
use super::quota::QuotaType;

/// A package to enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPackage {
    /// Who bought it.
    pub user: String,
    /// What it holds.
    pub quota_type: QuotaType,
    /// How much of it: tokens, images, minutes of sound or seconds of video.
    pub quantity: Decimal,
    /// The order. A package of the same order is entered once.
    pub order_id: String,
    /// What was paid for it.
    pub price: Option<Money>,
    /// A note.
    pub remark: Option<String>,
}

/// A row of `token_packages`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Package {
    /// The row.
    pub id: PackageId,
    /// The quota that it fills.
    pub quota_id: QuotaId,
    /// Who bought it.
    pub user: String,
    /// What it holds.
    pub quota_type: QuotaType,
    /// How much of it: tokens, images, minutes of sound or seconds of video.
    #[serde(with = "super::decimal_text")]
    #[cfg_attr(feature = "schema", schemars(with = "Decimal"))]
    pub quantity: Decimal,
    /// The order.
    pub order_id: String,
    /// What was paid for it; absent where that was not said.
    #[serde(with = "super::decimal_text::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Decimal>"))]
    pub price: Option<Decimal>,
    /// The currency of the price.
    pub currency: Option<super::currency::Currency>,
    /// A note.
    pub remark: Option<String>,
    /// When it was entered.
    pub created_at: Timestamp,
    /// When it was given back; absent where it was not.
    pub refunded_at: Option<Timestamp>,
}
