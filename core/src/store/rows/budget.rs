//! Rows of budgets: terms, balances and holds.

use rust_decimal::Decimal;

use super::exchange::ExchangeRow;
use super::rows;
use crate::store::Hold;
use crate::store::codec::{DecimalBytes, Row, currency, decimal, from_name, micros, name_of, time};
use crate::store::failure::damaged;
use crate::types::{Balance, Budget, BudgetId, BudgetTerms, Error, ErrorKind, Limit, Money, Result, Scope};

rows! {
    /// An amount in a currency.
    MoneyRow in "money" {
        amount: DecimalBytes,
        currency: String,
    }
    /// A row of `budgets`. The limit counts tokens where the currency is absent.
    BudgetRow in "budgets" {
        scope: String,
        scope_key: String,
        scope_value: String,
        limit: DecimalBytes,
        currency: Option<String>,
        window: String,
        time_zone: String,
        created_at: i64,
        updated_at: i64,
    }
    /// A row of `budget_balances`.
    BalanceRow in "budget_balances" {
        settled: DecimalBytes,
        reserved: DecimalBytes,
        holds: u64,
    }
    /// What is held in one budget and window.
    HoldRow in "reservations" {
        budget_id: u64,
        window_start: Option<i64>,
        amount: DecimalBytes,
        currency: Option<String>,
        closes: bool,
        exchange: Option<ExchangeRow>,
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
    pub(in crate::store) fn new(terms: &BudgetTerms, created_at: i64, updated_at: i64) -> Result<Self> {
        let (scope, scope_key, scope_value) = match &terms.scope {
            Scope::Everyone => ("everyone", "", ""),
            Scope::User { user } => ("user", "", user.as_str()),
            Scope::Tag { key, value } => ("tag", key.as_str(), value.as_str()),
        };
        let (limit, currency) = match terms.limit {
            Limit::Money(money) => (money.amount, Some(money.currency.code().to_owned())),
            Limit::Tokens(tokens) => (Decimal::from(tokens), None),
        };
        Ok(Self {
            scope: scope.to_owned(),
            scope_key: scope_key.to_owned(),
            scope_value: scope_value.to_owned(),
            limit: limit.serialize(),
            currency,
            window: name_of(&terms.window)?,
            time_zone: terms.time_zone.clone(),
            created_at,
            updated_at,
        })
    }

    pub(in crate::store) fn budget(self, id: u64) -> Result<Budget> {
        let limit = decimal(Self::TABLE, self.limit)?;
        Ok(Budget {
            id: BudgetId::new(id),
            terms: BudgetTerms {
                scope: match self.scope.as_str() {
                    "everyone" => Scope::Everyone,
                    "user" => Scope::User { user: self.scope_value },
                    "tag" => Scope::Tag { key: self.scope_key, value: self.scope_value },
                    other => {
                        return Err(Error::new(
                            ErrorKind::NewerFile,
                            format!(
                                "table budgets holds the scope {other:?}, which this version does not know; upgrade Tollway"
                            ),
                        ));
                    }
                },
                limit: match self.currency {
                    Some(code) => Limit::Money(Money::new(limit, currency(Self::TABLE, &code)?)),
                    None => Limit::Tokens(
                        u64::try_from(limit).map_err(|_| damaged(Self::TABLE, "a number of tokens is malformed"))?,
                    ),
                },
                window: from_name(Self::TABLE, &self.window)?,
                time_zone: self.time_zone,
            },
            created_at: time(Self::TABLE, self.created_at)?,
            updated_at: time(Self::TABLE, self.updated_at)?,
        })
    }
}

impl BalanceRow {
    pub(in crate::store) fn new(balance: Balance) -> Self {
        Self { settled: balance.settled.serialize(), reserved: balance.reserved.serialize(), holds: balance.holds }
    }

    pub(in crate::store) fn balance(&self) -> Result<Balance> {
        Ok(Balance {
            settled: decimal(Self::TABLE, self.settled)?,
            reserved: decimal(Self::TABLE, self.reserved)?,
            holds: self.holds,
        })
    }
}

impl HoldRow {
    pub(in crate::store) fn new(hold: &Hold) -> Self {
        Self {
            budget_id: hold.budget_id.get(),
            window_start: hold.window_start.map(micros),
            amount: hold.amount.serialize(),
            currency: hold.currency.map(|currency| currency.code().to_owned()),
            closes: hold.closes,
            exchange: hold.exchange.as_ref().map(ExchangeRow::new),
        }
    }

    pub(in crate::store) fn hold(self, table: &str) -> Result<Hold> {
        Ok(Hold {
            budget_id: BudgetId::new(self.budget_id),
            window_start: self.window_start.map(|start| time(table, start)).transpose()?,
            amount: decimal(table, self.amount)?,
            currency: self.currency.map(|code| currency(table, &code)).transpose()?,
            closes: self.closes,
            exchange: self.exchange.map(|exchange| exchange.exchange(table)).transpose()?,
        })
    }
}
