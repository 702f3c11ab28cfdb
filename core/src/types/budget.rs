//! Budgets: caps on money, on tokens or on any other quantity, for a scope, over a window.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, Serializer};

use super::account_unit::AccountUnit;
use super::currency::Currency;
use super::ids::BudgetId;
use super::meter::Meter;
use super::money::Money;
use super::on_exceeded::OnExceeded;
use super::quantity::Quantity;
use super::scope::Scope;
use super::window::Window;

/// What a budget counts, and how much of it may be used in a window. It is written as the fields `limit`, `currency` and `meter`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// Money in one currency.
    Money(Money),
    /// Tokens, input and output together.
    Tokens(u64),
    /// Requests that are answered, or that may be charged for.
    Requests(u64),
    /// A quantity of one meter, with those below it.
    Meter(Meter, Quantity),
}

impl Limit {
    /// Returns what may be used in a window.
    #[must_use]
    pub fn amount(&self) -> Decimal {
        match self {
            Self::Money(money) => money.amount,
            Self::Tokens(count) | Self::Requests(count) => (*count).into(),
            Self::Meter(_, quantity) => quantity.get(),
        }
    }

    /// Returns what is counted.
    #[must_use]
    pub const fn unit(&self) -> AccountUnit {
        match self {
            Self::Money(money) => AccountUnit::Money(money.currency),
            Self::Tokens(_) => AccountUnit::Tokens,
            Self::Requests(_) => AccountUnit::Requests,
            Self::Meter(meter, _) => AccountUnit::Meter(*meter),
        }
    }
}

/// Whether a budget keeps calls from being made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// No call passes it.
    #[default]
    Hard,
    /// It counts and warns, and refuses nothing.
    Soft,
}

impl Enforcement {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
        }
    }
}

/// How a [`Limit`] is written.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct WrittenLimit {
    /// What may be used in a window: an amount in `currency`, a quantity of `meter`, or a number of tokens if both are absent.
    #[serde(with = "super::decimal_text")]
    #[cfg_attr(feature = "schema", schemars(with = "Decimal"))]
    limit: Decimal,
    /// The currency of the amounts; absent where no money is counted.
    currency: Option<Currency>,
    /// What is counted where it is neither money nor tokens: `requests`, or the name of a meter such as `image`.
    meter: Option<AccountUnit>,
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let unit = self.unit();
        let meter = super::failure::BudgetRefusal::meter_of(unit);
        WrittenLimit { limit: self.amount(), currency: unit.currency(), meter }.serialize(serializer)
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
    /// The IANA time zone that hours, days, weeks and months begin in, such as `Asia/Shanghai`.
    pub time_zone: String,
    /// Whether it refuses calls, or only counts and warns.
    pub enforcement: Enforcement,
    /// What becomes of a call that it has no room for.
    pub on_exceeded: OnExceeded,
}

impl BudgetTerms {
    /// Makes the terms of a hard budget in UTC, which refuses what it has no room for.
    #[must_use]
    pub fn new(scope: Scope, limit: Limit, window: Window) -> Self {
        Self {
            scope,
            limit,
            window,
            time_zone: "UTC".to_owned(),
            enforcement: Enforcement::default(),
            on_exceeded: OnExceeded::default(),
        }
    }
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

/// A cap with its state in the window that is running. `user`, `tags`, `provider` and `model` are absent for everyone's budget.
///
/// The state of a budget with `*` is that of one value, where a call of it was named; else nothing is used.
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
