//! What administrators do: routes and budgets here; model configs, prices, rates, pools, quotas and the ledger in the files below.

mod archive;
mod configured;
mod copies;
mod export;
mod export_lines;
mod export_secrets;
mod fx;
mod import;
mod model_fields;
mod models;
mod pools;
mod price_book;
mod price_comparison;
mod price_lists;
mod price_updates;
mod prices;
mod quotas;
mod references;
mod rerate;
mod sessions;
mod usage;
mod verification;

pub use archive::Archive;
pub use configured::{Configured, ConfiguredModel, PricesFrom};
pub use copies::{Backup, Compaction, compact, restore};
pub use export::LedgerExport;
pub use import::{LedgerImport, import_file};
pub use price_comparison::{PriceProposal, ProposalKind};
pub use price_lists::{PriceExport, PriceImport, PriceListFile};
pub use price_updates::PriceUpdate;
pub use rerate::{RerateBook, RerateLine, RerateQuery, RerateReport};

use std::sync::Arc;

use self::prices::MOST_MONEY;
use self::references::{not_found, one};
use super::engine::{Tollway, invalid, unexpected};
use crate::environment::log::logged_as_here;
use crate::store::{Operation, Outcome};
use crate::types::{
    BudgetId, BudgetStatus, BudgetTerms, Call, Capability, Decimal, Error, ErrorKind, LEDGER_DECIMALS, Limit,
    ModelConfig, Result, Route, RouteTerms, Scope, check_label, check_tags,
};

/// Does work that would hold up the runtime's threads on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let ended = tokio::task::spawn_blocking(logged_as_here(work)).await;
    ended.map_err(|error| Error::new(ErrorKind::Internal, format!("the work was broken off: {error}")))?
}

/// Makes the error of a new file that cannot be written.
fn unwritable(path: &str, error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, format!("{path} cannot be written: {error}; check the path and the space"))
}

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
        let Scope { user, tags, provider, model } = &terms.scope;
        for (field, value) in [("user", user), ("provider", provider), ("model", model)] {
            value.as_deref().map_or(Ok(()), |value| check_label(field, value))?;
        }
        check_tags(tags)?;
        let now = self.engine.environment.now();
        crate::budget::window::window_bounds(terms.window, &terms.time_zone, now)?;
        let outcome = self.engine.apply(Operation::PutBudget { terms, now }).await?;
        self.engine.reload().await?;
        match outcome {
            Outcome::BudgetPut(id) => Ok(id),
            other => Err(unexpected(&other)),
        }
    }

    /// Returns all budgets with their state in the running window, by id.
    pub async fn budgets(&self) -> Result<Vec<BudgetStatus>> {
        self.engine.check()?;
        self.engine.store.budget_statuses(None, self.engine.environment.now()).await
    }

    /// Returns the budgets that apply to a call, with their state in the running window, by id. Those of which the scope has `*` have
    /// the state of the call's values.
    pub async fn budgets_of(&self, call: Call) -> Result<Vec<BudgetStatus>> {
        self.engine.check()?;
        self.engine.store.budget_statuses(Some(call), self.engine.environment.now()).await
    }

    /// Returns a budget with its state in the running window: where its scope has `*`, for the values of a call. Fails with
    /// `not_found`.
    pub async fn budget(&self, id: BudgetId, call: Option<Call>) -> Result<BudgetStatus> {
        self.engine.check()?;
        let status = self.engine.store.budget_status(id, call, self.engine.environment.now()).await?;
        status.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("budget {id} does not exist; list the budgets")))
    }

    /// Deletes a budget.
    pub async fn delete_budget(&self, id: BudgetId) -> Result<()> {
        self.engine.check()?;
        self.write(Operation::DeleteBudget { id }).await
    }

    pub(super) async fn write(&self, operation: Operation) -> Result<()> {
        self.engine.apply(operation).await?;
        self.engine.reload().await.map(|_| ())
    }

    pub(super) async fn one(&self, reference: &str) -> Result<Arc<ModelConfig>> {
        one(&*self.engine.reload().await?, reference)
    }
}
