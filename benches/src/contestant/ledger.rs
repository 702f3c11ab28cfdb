//! The ledger alone: a reservation and its settlement, each durable, under a budget.

use std::path::Path;
use std::sync::Arc;

use tollway::environment::{Environment, SystemEnvironment};
use tollway::store::{ModelConfigNames, NewModelConfig, Operation, Outcome, RedbStore, RowKey, Store};
use tollway::types::{BudgetTerms, Limit, ModelConfigId, Scope, UsageFilter, Window};

use super::{Contestant, Work, pair};
use crate::protocol::{Failure, Setup, Shape};

pub(super) struct Ledger {
    store: Arc<RedbStore>,
    environment: Arc<dyn Environment>,
    model_config_id: ModelConfigId,
}

impl Ledger {
    pub(super) async fn open(setup: &Setup, exclusive: bool) -> Result<Self, Failure> {
        let environment: Arc<dyn Environment> = Arc::new(SystemEnvironment);
        let store = RedbStore::open(
            Path::new(&setup.folder).join("ledger.tollway"),
            exclusive,
            Arc::clone(&environment),
            RowKey::new(&[7; 16]),
        )?;
        let now = environment.now();
        let names = ModelConfigNames { provider: pair::PROVIDER.into(), model_name: pair::MODEL.into(), alias: None };
        let taken = store.apply(Operation::TakeModelConfigId { names: names.clone() }).await?;
        let Outcome::ModelConfigIdTaken(id) = taken else {
            return Err(Failure::new("the store did not give the model config an id"));
        };
        let config = Box::new(NewModelConfig { names, is_active: true, ..NewModelConfig::default() });
        let add = Operation::AddModelConfig { id, config, prices: Vec::new(), now };
        let Outcome::ModelConfigAdded(model_config_id) = store.apply(add).await? else {
            return Err(Failure::new("the store did not add the model config"));
        };
        let terms =
            BudgetTerms::new(Scope::of_user(pair::USER), Limit::Money(pair::dollars(pair::LIMIT)), Window::Month);
        store.apply(Operation::PutBudget { terms, now }).await?;
        Ok(Self { store, environment, model_config_id })
    }
}

impl Contestant for Ledger {
    fn once(&self, _shape: Shape) -> Work<'_, ()> {
        Box::pin(async move {
            let environment = self.environment.as_ref();
            let request = pair::reservation(environment, self.model_config_id);
            let Outcome::Reserved(reserved) = self.store.apply(Operation::Reserve(Box::new(request))).await? else {
                return Err(Failure::new("the store did not reserve"));
            };
            let settlement = pair::settlement(environment, reserved.id);
            match self.store.apply(Operation::Settle(Box::new(settlement))).await? {
                Outcome::Settled(_) => Ok(()),
                other => Err(Failure::new(format!("the store answered {other:?} to a settlement"))),
            }
        })
    }

    fn records(&self) -> Work<'_, Option<u64>> {
        Box::pin(async {
            let count = Arc::new(std::sync::atomic::AtomicU64::new(0));
            let counted = Arc::clone(&count);
            let visit = move |_| {
                counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Ok(())
            };
            self.store.scan_usage_records(UsageFilter::default(), Box::new(visit)).await?;
            Ok(Some(count.load(std::sync::atomic::Ordering::Relaxed)))
        })
    }
}
