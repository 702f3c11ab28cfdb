//! What administrators do with routes and budgets.

use std::sync::Arc;

use super::prices::MOST_MONEY;
use super::{Tollway, unexpected};
use crate::billing::exact::LEDGER_DECIMALS;
use crate::catalog::snapshot::Snapshot;
use crate::store::{Operation, Outcome};
use crate::types::{
    BudgetId, BudgetStatus, BudgetTerms, Capability, Decimal, Error, ErrorKind, Limit, ModelConfig, Result, Route,
    RouteTerms, Scope, check_label, check_tag, most_alike,
};

/// The most decimal places of a limit: the ledger's.
const MOST_DECIMALS: u32 = LEDGER_DECIMALS;

impl Tollway {
    /// Adds a route, or replaces the one of its name. Its name is a capability, or an alias that requests can name.
    pub async fn set_route(&self, terms: RouteTerms) -> Result<()> {
        self.engine.check()?;
        let snapshot = self.engine.reload().await?;
        check_label("name", &terms.name)?;
        if terms.name.trim().is_empty() {
            return Err(invalid("field `name`: give a capability or an alias"));
        }
        if Capability::from_name(&terms.name).is_none() && !snapshot.named(&terms.name).is_empty() {
            return Err(invalid(format!("field `name`: {:?} is a model config already", terms.name)));
        }
        for name in &terms.models {
            if snapshot.named(name).is_empty() {
                return Err(not_found(&snapshot, name));
            }
        }
        let now = self.engine.environment.now();
        self.write(Operation::PutRoute { terms, now }).await
    }

    /// Returns all routes, by name.
    pub async fn routes(&self) -> Result<Vec<Route>> {
        self.engine.check()?;
        Ok(self.engine.reload().await?.routes().into_iter().cloned().collect())
    }

    /// Deletes a route by its name.
    pub async fn delete_route(&self, name: &str) -> Result<()> {
        self.engine.check()?;
        self.write(Operation::DeleteRoute { name: name.to_owned() }).await
    }

    /// Sets a budget: adds it, or changes the limit of the one with the same scope, window, zone and kind of limit.
    pub async fn set_budget(&self, terms: BudgetTerms) -> Result<BudgetId> {
        self.engine.check()?;
        if let Limit::Money(limit) = terms.limit {
            if limit.amount < Decimal::ZERO {
                return Err(invalid("field `limit` is negative; give zero or more"));
            }
            if limit.amount >= Decimal::from(MOST_MONEY) || limit.amount.normalize().scale() > MOST_DECIMALS {
                return Err(invalid(format!(
                    "field `limit` must be below {MOST_MONEY} and have {MOST_DECIMALS} decimal places at the most, so \
                     that what is left of it stays exact"
                )));
            }
        }
        match &terms.scope {
            Scope::User { user } => check_label("user", user)?,
            Scope::Tag { key, value } => check_tag("tag", key, value)?,
            _ => {}
        }
        let now = self.engine.environment.now();
        crate::billing::window::window_bounds(terms.window, &terms.time_zone, now)?;
        let outcome = self.engine.store.apply(Operation::PutBudget { terms, now }).await?;
        self.engine.reload().await?;
        match outcome {
            Outcome::BudgetPut(id) => Ok(id),
            other => Err(unexpected(&other)),
        }
    }

    /// Returns all budgets with their state in the running window, by id.
    pub async fn budgets(&self) -> Result<Vec<BudgetStatus>> {
        self.engine.check()?;
        self.engine.store.budget_statuses(self.engine.environment.now()).await
    }

    /// Deletes a budget.
    pub async fn delete_budget(&self, id: BudgetId) -> Result<()> {
        self.engine.check()?;
        self.write(Operation::DeleteBudget { id }).await
    }

    pub(super) async fn write(&self, operation: Operation) -> Result<()> {
        self.engine.store.apply(operation).await?;
        self.engine.reload().await.map(|_| ())
    }

    pub(super) async fn one(&self, reference: &str) -> Result<Arc<ModelConfig>> {
        one(&*self.engine.reload().await?, reference)
    }
}

/// Returns the one config that a reference names.
pub(super) fn one(snapshot: &Snapshot, reference: &str) -> Result<Arc<ModelConfig>> {
    let mut named = snapshot.named(reference);
    match named.len() {
        0 => Err(not_found(snapshot, reference)),
        1 => Ok(named.remove(0)),
        count => {
            let ids: Vec<_> = named.iter().map(|config| config.id.to_string()).collect();
            Err(invalid(format!(
                "{reference:?} names {count} model configs, with the ids {}; name one by its alias or its id",
                ids.join(", ")
            )))
        }
    }
}

/// How many configs an error names at most.
const MOST_NAMED: usize = 5;

pub(super) fn not_found(snapshot: &Snapshot, reference: &str) -> Error {
    let names: Vec<_> =
        snapshot.configs().iter().map(|config| config.alias.clone().unwrap_or_else(|| config.name())).collect();
    let near = most_alike(reference, names.iter().map(String::as_str), MOST_NAMED);
    let known = match near.len() {
        0 => "there is none yet".to_owned(),
        shown if shown == names.len() => format!("there are {}", near.join(", ")),
        _ => format!("the nearest of {} are {}", names.len(), near.join(", ")),
    };
    Error::new(ErrorKind::NotFound, format!("no model config is named {reference:?}; {known}"))
}

pub(super) fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidRequest, detail)
}
