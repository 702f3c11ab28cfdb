//! One attempt: plan, reserve, exchange, and hand what came to settlement.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use super::allowance::Allowance;
use super::call::{Call, panicked};
use super::exchange::Received;
use super::settle::Ended;
use crate::billing::estimate::{Estimate, head_of};
use crate::billing::price::PriceSet;
use crate::catalog::snapshot::Snapshot;
use crate::provider::{Target, adapter, vendor};
use crate::store::{Operation, Outcome, ReserveRequest, Reserved};
use crate::transport::Progress;
use crate::types::{ChatReply, Error, ErrorKind, ModelConfig, Money, ReservationId, Result};

/// What an attempt is expected to do, fixed before it begins: the prices stay those of its first instant.
pub(super) struct Plan {
    pub(super) config: Arc<ModelConfig>,
    pub(super) prices: PriceSet,
    pub(super) estimate: Estimate,
    pub(super) worst_case: Option<Money>,
    pub(super) record_uid: String,
    pub(super) number: u32,
    /// The monotonic instant at which it began.
    pub(super) started: Duration,
}

/// What is reserved and not settled yet.
pub(super) struct Unsettled {
    pub(super) reservation_id: ReservationId,
    pub(super) plan: Arc<Plan>,
    /// How far its request came.
    pub(super) progress: Progress,
}

impl Call {
    /// Makes one attempt with a config. On failure the error has its target, and the attempt is settled and recorded
    /// if it was reserved.
    pub(super) async fn attempt(&mut self, snapshot: &Snapshot, config: &Arc<ModelConfig>) -> Result<ChatReply> {
        let targeted = |error: Error| error.with_target(&config.provider, &config.model_name);
        let plan = Arc::new(self.plan(snapshot, config).map_err(targeted)?);
        let api_key = self.engine.api_key(config).map_err(targeted)?;
        let params = self.engine.params(config).map_err(targeted)?;
        let target = Target { params: &params, ..Target::of(config, api_key.as_ref()) };
        let redactor = self.engine.addresses.check(config, &target).map_err(targeted)?;
        let adapter = adapter(&target).map_err(targeted)?;
        let capped = snapshot.is_capped(self.options.user.as_deref(), &self.options.tags);
        let limit = plan.estimate.injected_limit.filter(|_| capped);
        let mut encoded = adapter.encode(&target, &self.request, limit, self.framing).map_err(targeted)?;
        let reserved = self.reserve(&plan).await.map_err(targeted)?;
        let is_limited = plan.estimate.injected_limit.is_none() || capped || reserved.budgets_apply;
        let allowance = Allowance::of(&plan, &self.request, &self.engine.settings, is_limited);
        let mut received = Received::within(allowance, redactor);
        let (plan_held, progress) = (Arc::clone(&plan), received.progress.clone());
        self.unsettled.push(Unsettled { reservation_id: reserved.id, plan: plan_held, progress });
        if reserved.budgets_apply && !capped && plan.estimate.injected_limit.is_some() {
            match adapter.encode(&target, &self.request, plan.estimate.injected_limit, self.framing) {
                Ok(bounded) => encoded = bounded,
                // What is held is settled like that of every other attempt: as one that was never sent.
                Err(error) => {
                    let ended = Ended::Failed(targeted(error));
                    return Box::pin(self.settle(&plan, &reserved, ended, received)).await.map_err(targeted)?;
                }
            }
        }
        let ticket = self.engine.health.begin(config.id, self.engine.environment.monotonic());
        let exchange = self.exchange_until_ended(adapter, &target, encoded, &mut received);
        let ended = AssertUnwindSafe(exchange).catch_unwind().await.unwrap_or_else(|_| Ended::Failed(panicked()));
        received.progress.withdraw();
        self.note_health(config, ticket, &ended);
        if let Ended::Failed(error) = &ended {
            self.may_mend = self.engine.omissions.learn(config.id, error);
        }
        let rest = received.rest.take();
        let settled = self.settle(&plan, &reserved, ended, received).await.map_err(targeted);
        self.engine.let_end(rest);
        settled?
    }

    fn plan(&self, snapshot: &Snapshot, config: &Arc<ModelConfig>) -> Result<Plan> {
        let environment = &self.engine.environment;
        let now = environment.now();
        let prices = snapshot.price_set(config.id, now)?;
        let default_limit = self.engine.settings.default_output_limit;
        let mut estimate = Estimate::new(&self.request, config, &prices, default_limit, now);
        if snapshot.caps_money(self.options.user.as_deref(), &self.options.tags) {
            estimate = estimate.under_cap();
        }
        let worst_case = estimate.worst(head_of("", vendor(&config.provider).currency), &prices)?;
        Ok(Plan {
            config: Arc::clone(config),
            prices,
            estimate,
            worst_case: worst_case.map(|worst| worst.cost),
            record_uid: environment.unique_id(),
            number: self.draft.next_number(),
            started: environment.monotonic(),
        })
    }

    /// Holds the worst case. If a budget refuses, what processes that ended still hold is freed first, once.
    async fn reserve(&self, plan: &Plan) -> Result<Reserved> {
        let first = self.engine.store.apply(self.reservation(plan)).await;
        let first = first.map_err(|error| match &plan.estimate.uncovered {
            Some(gap) if error.kind() == ErrorKind::Unpriced => {
                error.with_detail_suffix(&format!("; {}", gap.advice()))
            }
            _ => error,
        });
        let refused = first.as_ref().is_err_and(|error| error.kind() == ErrorKind::BudgetExceeded);
        let outcome = if refused && self.engine.recover().await? > 0 {
            self.engine.store.apply(self.reservation(plan)).await?
        } else {
            first?
        };
        match outcome {
            Outcome::Reserved(reserved) => Ok(reserved),
            other => Err(super::unexpected(&other)),
        }
    }

    fn reservation(&self, plan: &Plan) -> Operation {
        let now = self.engine.environment.now();
        Operation::Reserve(Box::new(ReserveRequest {
            request_id: self.request_id.clone(),
            attempt: plan.number,
            record_uid: plan.record_uid.clone(),
            user: self.options.user.clone(),
            tags: self.options.tags.clone(),
            model_config_id: plan.config.id,
            provider: plan.config.provider.clone(),
            model: plan.config.model_name.clone(),
            capability: plan.config.capability,
            worst_case: plan.worst_case,
            worst_case_tokens: plan.estimate.most_tokens(),
            on_unpriced: self.options.on_unpriced.or(self.engine.settings.on_unpriced),
            now,
            expires_at: now.saturating_add(self.time_left() + super::settle::GRACE).unwrap_or(now),
        }))
    }
}
