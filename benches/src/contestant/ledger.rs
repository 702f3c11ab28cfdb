//! The ledger alone: a reservation and its settlement, each durable, under a budget.

use std::path::Path;
use std::sync::Arc;

use tollway::environment::{Environment, SystemEnvironment};
use tollway::store::{
    ModelConfigNames, NewModelConfig, Operation, Outcome, RedbStore, ReserveRequest, RowKey, Settlement, Store,
};
use tollway::types::{
    BilledBy, BudgetTerms, CostStatus, Currency, Decimal, Facts, Limit, Meter, ModelConfigId, Money, RecordStatus,
    Scope, Usage, UsageFilter, Window,
};

use super::{Contestant, Work};
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
        let names = ModelConfigNames { provider: "openai".into(), model_name: "bench".into(), alias: None };
        let taken = store.apply(Operation::TakeModelConfigId { names: names.clone() }).await?;
        let Outcome::ModelConfigIdTaken(id) = taken else {
            return Err(Failure::new("the store did not give the model config an id"));
        };
        let config = Box::new(NewModelConfig { names, is_active: true, ..NewModelConfig::default() });
        let add = Operation::AddModelConfig { id, config, prices: Vec::new(), now };
        let Outcome::ModelConfigAdded(model_config_id) = store.apply(add).await? else {
            return Err(Failure::new("the store did not add the model config"));
        };
        let terms = BudgetTerms::new(Scope::of_user("bench"), Limit::Money(dollars(1_000_000_000)), Window::Month);
        store.apply(Operation::PutBudget { terms, now }).await?;
        Ok(Self { store, environment, model_config_id })
    }

    fn reservation(&self) -> Operation {
        let now = self.environment.now();
        Operation::Reserve(Box::new(ReserveRequest {
            request_id: self.environment.unique_id(),
            attempt: 1,
            record_uid: self.environment.unique_id(),
            user: Some("bench".into()),
            tags: [("feature".to_owned(), "bench".to_owned())].into(),
            model_config_id: self.model_config_id,
            provider: "openai".into(),
            model: "bench".into(),
            capability: tollway::types::Capability::Text,
            worst_case: Some(dollars(1)),
            worst_case_tokens: Some(1_000),
            worst_case_meters: None,
            on_unpriced: None,
            planned_with: None,
            now,
            expires_at: now.saturating_add(jiff::SignedDuration::from_mins(15)).unwrap_or(now),
        }))
    }
}

impl Contestant for Ledger {
    fn once(&self, _shape: Shape) -> Work<'_, ()> {
        Box::pin(async move {
            let Outcome::Reserved(reserved) = self.store.apply(self.reservation()).await? else {
                return Err(Failure::new("the store did not reserve"));
            };
            let mut usage = Usage::default();
            usage.meters.extend([(Meter::InputToken, 12.into()), (Meter::OutputToken, 34.into())]);
            let settlement = Settlement {
                reservation_id: reserved.id,
                usage,
                facts: Facts::at(self.environment.now()),
                cost: Some(Money::new(Decimal::new(2_220, 8), Currency::USD)),
                cost_status: CostStatus::Computed,
                billed_by: BilledBy::ProviderUsage,
                receipt: Vec::new(),
                price_ids: Vec::new(),
                status: RecordStatus::Success,
                provider_request_id: None,
                served_model: Some("bench".into()),
                error_code: None,
                error_message: None,
                latency_ms: 1,
                completes_key: None,
                now: self.environment.now(),
            };
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

fn dollars(amount: i64) -> Money {
    Money::new(Decimal::from(amount), Currency::USD)
}
