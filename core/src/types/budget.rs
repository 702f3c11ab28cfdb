//! Budgets: caps on money or on tokens, for a scope, over a window.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, Serializer};

use super::currency::Currency;
use super::ids::BudgetId;
use super::money::Money;

/// Whose calls a budget caps. It is written as the fields `user` and `tag`, of which everyone's budget has neither.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// All calls.
    Everyone,
    /// The calls of one user.
    User {
        /// The user.
        user: String,
    },
    /// The calls with one tag.
    Tag {
        /// The tag's key.
        key: String,
        /// The tag's value.
        value: String,
    },
}

impl Scope {
    /// Returns whether a call of a user, with tags, is capped by it.
    pub fn covers<'a>(&self, user: Option<&str>, mut tags: impl Iterator<Item = (&'a String, &'a String)>) -> bool {
        match self {
            Self::Everyone => true,
            Self::User { user: capped } => user == Some(capped),
            Self::Tag { key, value } => tags.any(|tag| tag == (key, value)),
        }
    }
}

/// How long a budget runs before it starts again from zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Window {
    /// It never starts again.
    #[default]
    Total,
    /// A calendar day in the budget's time zone.
    Day,
    /// A calendar month in the budget's time zone.
    Month,
}

/// What a budget counts, and how much of it may be used in a window. It is written as the fields `limit` and `currency`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Money in one currency.
    Money(Money),
    /// Tokens, input and output together.
    Tokens(u64),
}

/// How a [`Scope`] is written.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct WrittenScope<'a> {
    /// The user whose calls it caps; absent where it caps others'.
    user: Option<&'a str>,
    /// The tag whose calls it caps, as its key and value; absent where it caps others'.
    tag: Option<(&'a str, &'a str)>,
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = match self {
            Self::Everyone => WrittenScope { user: None, tag: None },
            Self::User { user } => WrittenScope { user: Some(user), tag: None },
            Self::Tag { key, value } => WrittenScope { user: None, tag: Some((key, value)) },
        };
        written.serialize(serializer)
    }
}

/// How a [`Limit`] is written.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct WrittenLimit {
    /// What may be used in a window: an amount in `currency`, or a number of tokens if that is absent.
    #[serde(with = "super::decimal_text")]
    #[cfg_attr(feature = "schema", schemars(with = "Decimal"))]
    limit: Decimal,
    /// The currency of the amounts; absent where tokens are counted.
    currency: Option<Currency>,
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = match *self {
            Self::Money(money) => WrittenLimit { limit: money.amount, currency: Some(money.currency) },
            Self::Tokens(tokens) => WrittenLimit { limit: tokens.into(), currency: None },
        };
        written.serialize(serializer)
    }
}

/// A row of `budgets`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Budget {
    /// The row.
    pub id: BudgetId,
    /// Its terms.
    #[serde(flatten)]
    pub terms: BudgetTerms,
    /// When the row was written.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
}

/// What a budget says, apart from its identity. Scope, window, time zone and kind of limit together are unique.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BudgetTerms {
    /// Whose calls it caps.
    #[serde(flatten)]
    pub scope: Scope,
    /// What may be used in a window.
    #[serde(flatten)]
    pub limit: Limit,
    /// How long it runs.
    pub window: Window,
    /// The IANA time zone that days and months begin in, such as `Asia/Shanghai`.
    pub time_zone: String,
}

/// The state of a budget in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Balance {
    /// What settled calls used: an amount of money, or a number of tokens.
    pub settled: Decimal,
    /// What calls under way hold.
    pub reserved: Decimal,
    /// How many calls without a price keep the budget closed (see `UnpricedPolicy::Hold`).
    pub holds: u64,
}

/// A cap with its state in the window that is running. `user` and `tag` are both absent for everyone's budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Budget"))]
pub struct BudgetStatus {
    /// The budget.
    #[serde(flatten)]
    pub budget: Budget,
    /// The first instant of the window; absent for a total.
    pub window_start: Option<Timestamp>,
    /// The first instant of the next window; absent for a total.
    pub window_end: Option<Timestamp>,
    /// Its state.
    #[serde(flatten)]
    pub balance: Balance,
    /// What is left: the limit less what is settled and reserved, never below zero.
    pub remaining: Decimal,
}
