//! Quotes: what a request would cost, without sending it.

use std::sync::Arc;

use super::chat::check_request;
use crate::billing::estimate::{Estimate, head_of};
use crate::billing::price::Bill;
use crate::budget::admission::{Demand, check_currency, check_price, weigh};
use crate::budget::index::Applying;
use crate::client::engine::{Engine, Tollway, check_options};
use crate::provider::vendor;
use crate::routing::prompt_cache::beginnings;
use crate::routing::select::{Outlook, select};
use crate::routing::snapshot::Snapshot;
use crate::types::{
    BudgetQuote, BudgetStatus, Call, CallOptions, CandidateQuote, ChatRequest, Enforcement, Limit, ModelConfig,
    PassedOver, Quote, QuotedCost, Result,
};

impl Tollway {
    /// Returns what a request would cost with each candidate, the route that it would take, and what each budget says.
    ///
    /// Nothing is sent and nothing is held. The worst cost is the one that a call would hold. Fails as a call would whose
    /// request makes no sense, or that nothing can serve.
    pub async fn quote(&self, request: ChatRequest, options: CallOptions) -> Result<Quote> {
        self.engine.check()?;
        check_request(&request)?;
        let options = check_options(options)?;
        let snapshot = self.engine.snapshot().await?;
        let outlook = self.engine.outlook();
        let selection = select(&snapshot, &request, options.fallbacks.as_deref(), &outlook)?;
        let mut candidates = Vec::with_capacity(selection.candidates.len());
        for config in &selection.candidates {
            let call = Call {
                user: options.user.clone(),
                tags: options.tags.clone(),
                provider: Some(config.provider.clone()),
                model: Some(config.model_name.clone()),
            };
            let statuses = self.engine.store.budget_statuses(Some(call), outlook.now).await?;
            candidates.push(self.engine.candidate(&snapshot, &request, &options, &statuses, config, &outlook)?);
        }
        let order = self.engine.health.order(selection.candidates, self.engine.environment.monotonic());
        let is_admitted = |config: &&Arc<ModelConfig>| {
            candidates.iter().any(|candidate| candidate.model_config_id == config.id && candidate.admitted)
        };
        let route = order.iter().filter(is_admitted).map(|config| name_of(config)).collect();
        let passed_over =
            selection.passed_over.into_iter().map(|(model, reason)| PassedOver { model, reason }).collect();
        Ok(Quote { route, candidates, passed_over })
    }
}

impl Engine {
    fn candidate(
        &self,
        snapshot: &Snapshot,
        request: &ChatRequest,
        options: &CallOptions,
        statuses: &[BudgetStatus],
        config: &ModelConfig,
        outlook: &Outlook<'_>,
    ) -> Result<CandidateQuote> {
        let prices = snapshot.price_set(config.id, outlook.now)?;
        let mut estimate = Estimate::new(request, config, &prices, outlook.default_limit, outlook.now);
        if statuses.iter().any(|status| matches!(status.budget.terms.limit, Limit::Money(_))) {
            estimate = estimate.under_cap();
        }
        if !statuses.is_empty() {
            estimate = estimate.within_injected_limit();
        }
        let name = config.name();
        let head = head_of(&name, vendor(&config.provider).currency);
        let worst = estimate.worst(head, &prices)?;
        let quoted = |bill: Bill| bill.cost.map(|cost| QuotedCost { amount: cost.amount, lines: bill.lines });
        let expected = quoted(estimate.expected(head, &prices, outlook.cache(&beginnings(request), config))?);
        let minimum = quoted(estimate.minimum(head, &prices)?);
        let unpriced = match (&worst, &estimate.uncovered) {
            (Some(_), _) => None,
            (None, Some(gap)) => Some(gap.sentence()),
            (None, None) => Some("no price of its input or of its output is in force".to_owned()),
        };
        let meters = estimate.most_meters();
        let demand = Demand {
            provider: &config.provider,
            model: &config.model_name,
            model_config_id: config.id,
            worst_case: worst.as_ref().map(|worst| worst.cost),
            worst_case_tokens: estimate.most_tokens(),
            worst_case_meters: meters.as_ref(),
            on_unpriced: options.on_unpriced.or(self.settings.on_unpriced),
        };
        let rates = |from, to| snapshot.fx_rate(from, to, outlook.now);
        let applying =
            |status: &BudgetStatus| Applying { budget: Arc::new(status.budget.clone()), part: String::new() };
        let applying: Vec<_> = statuses.iter().map(applying).collect();
        let general = check_price(&demand, &applying).err();
        let general = general.or_else(|| check_currency(&demand, &applying, &rates).err());
        let mut budgets = Vec::with_capacity(statuses.len());
        for status in statuses {
            let verdict = weigh(&demand, &status.budget.terms.limit, &status.balance, &rates)?;
            let is_hard = status.budget.terms.enforcement == Enforcement::Hard;
            let is_money = is_hard && verdict.unit.currency().is_some();
            let is_known = verdict.unit.currency().is_none() || demand.worst_case.is_some();
            let reason = verdict
                .refusal
                .filter(|_| is_hard)
                .map(|refusal| refusal.why)
                .or_else(|| general.as_ref().filter(|_| is_money).map(|error| error.detail().to_owned()));
            budgets.push(BudgetQuote {
                budget_id: status.budget.id,
                scope: status.budget.terms.scope.clone(),
                window: status.budget.terms.window,
                limit: status.budget.terms.limit,
                remaining: status.remaining,
                needed: is_known.then_some(verdict.amount),
                admits: reason.is_none(),
                reason,
            });
        }
        let admitted = general.is_none() && budgets.iter().all(|budget| budget.admits);
        Ok(CandidateQuote {
            model: name_of(config),
            model_config_id: config.id,
            currency: prices.currency(),
            minimum,
            expected,
            worst: worst.map(|worst| QuotedCost { amount: worst.cost.amount, lines: worst.lines }),
            unpriced,
            budgets,
            admitted,
        })
    }
}

fn name_of(config: &ModelConfig) -> String {
    config.alias.clone().unwrap_or_else(|| config.name())
}
