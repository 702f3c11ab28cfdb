//! Rows of budgets.

use super::rows;
use super::unit;
use super::version_3::BudgetRowV1;
use crate::store::codec::{DecimalBytes, Row, currency, decimal, from_name, quantity, time};
use crate::store::failure::{damaged, newer};
use crate::types::{AccountUnit, Budget, BudgetId, BudgetTerms, Limit, Money, Result, Scope};

rows! {
    /// An amount in a currency.
    MoneyRow in "money" {
        amount: DecimalBytes,
        currency: String,
    }
    /// A row of `budgets`.
    BudgetRow in "budgets" after BudgetRowV1 {
        user: Option<String>,
        tags: Vec<(String, String)>,
        provider: Option<String>,
        model: Option<String>,
        limit: DecimalBytes,
        unit: String,
        window: String,
        time_zone: String,
        enforcement: String,
        on_exceeded: String,
        created_at: i64,
        updated_at: i64,
    }
}

impl MoneyRow {
    pub(in crate::store) fn new(money: Money) -> Self {
        Self { amount: money.amount.serialize(), currency: money.currency.code().to_owned() }
    }

    pub(in crate::store) fn money(&self, table: &str) -> Result<Money> {
        Ok(Money::new(decimal(table, self.amount)?, currency(table, &self.currency)?))
    }
}

impl BudgetRow {
    pub(in crate::store) fn new(terms: &BudgetTerms, created_at: i64, updated_at: i64) -> Self {
        Self {
            user: terms.scope.user.clone(),
            tags: terms.scope.tags.clone().into_iter().collect(),
            provider: terms.scope.provider.clone(),
            model: terms.scope.model.clone(),
            limit: terms.limit.amount().serialize(),
            unit: terms.limit.unit().to_string(),
            window: terms.window.to_string(),
            time_zone: terms.time_zone.clone(),
            enforcement: terms.enforcement.name().to_owned(),
            on_exceeded: terms.on_exceeded.name().to_owned(),
            created_at,
            updated_at,
        }
    }

    /// Returns whether it is the budget that others are, but for what can be changed of it.
    pub(in crate::store) fn is_same_budget(&self, other: &Self) -> bool {
        let identity = |row: &Self| {
            let Self { user, tags, provider, model, unit, window, time_zone, .. } = row.clone();
            (user, tags, provider, model, unit, window, time_zone)
        };
        identity(self) == identity(other)
    }

    pub(in crate::store) fn budget(self, id: u64) -> Result<Budget> {
        let limit = decimal(Self::TABLE, self.limit)?;
        let count = || u64::try_from(limit).map_err(|_| damaged(Self::TABLE, "a limit is no whole number"));
        Ok(Budget {
            id: BudgetId::new(id),
            terms: BudgetTerms {
                scope: Scope {
                    user: self.user,
                    tags: self.tags.into_iter().collect(),
                    provider: self.provider,
                    model: self.model,
                },
                limit: match unit(Self::TABLE, &self.unit)? {
                    AccountUnit::Money(currency) => Limit::Money(Money::new(limit, currency)),
                    AccountUnit::Tokens => Limit::Tokens(count()?),
                    AccountUnit::Requests => Limit::Requests(count()?),
                    AccountUnit::Meter(meter) => Limit::Meter(meter, quantity(Self::TABLE, self.limit)?),
                    other @ AccountUnit::AudioSeconds => {
                        return Err(newer(Self::TABLE, &format!("budgets of {other}")));
                    }
                },
                window: self
                    .window
                    .parse()
                    .map_err(|_| newer(Self::TABLE, &format!("the window {:?}", self.window)))?,
                time_zone: self.time_zone,
                enforcement: from_name(Self::TABLE, &self.enforcement)?,
                on_exceeded: from_name(Self::TABLE, &self.on_exceeded)?,
            },
            created_at: time(Self::TABLE, self.created_at)?,
            updated_at: time(Self::TABLE, self.updated_at)?,
        })
    }
}
