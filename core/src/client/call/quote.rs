//! Quotes: what a request would cost, without sending it.

use std::sync::Arc;

use jiff::Timestamp;

use super::chat::check_request;
use crate::billing::estimate::{Estimate, head_of};
use crate::billing::price::Bill;
use crate::budget::admission::{check_currency, check_price, weigh};
use crate::budget::index::Applying;
use crate::client::engine::{Engine, Tollway, check_options};
use crate::client::work::plan::{capped, reservation_of};
use crate::provider::vendor;
use crate::routing::prompt_cache::beginnings;
use crate::routing::select::{Outlook, select};
use crate::routing::snapshot::Snapshot;
use crate::store::{Operation, ReserveRequest};
use crate::types::{
    BudgetQuote, BudgetStatus, Call, CallOptions, CandidateQuote, ChatRequest, Enforcement, ErrorKind, ModelConfig,
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
        let outlook = self.engine.outlook();
        let choose = |snapshot: Arc<Snapshot>| {
            let selection = select(&snapshot, &request, options.fallbacks.as_deref(), &outlook)?;
            Ok((snapshot, selection))
        };
        let (snapshot, selection) = self.engine.choose(self.engine.snapshot().await?, choose).await?;
        let asked =
            Asked { engine: &self.engine, snapshot: &snapshot, request: &request, options: &options, now: outlook.now };
        let mut candidates = Vec::with_capacity(selection.candidates.len());
        for config in &selection.candidates {
            candidates.push(asked.candidate(config, &outlook).await?);
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

/// What is asked of each candidate.
struct Asked<'a> {
    engine: &'a Engine,
    snapshot: &'a Snapshot,
    request: &'a ChatRequest,
    options: &'a CallOptions,
    now: Timestamp,
}

impl Asked<'_> {
    async fn candidate(&self, config: &ModelConfig, outlook: &Outlook<'_>) -> Result<CandidateQuote> {
        let call = Call {
            user: self.options.user.clone(),
            tags: self.options.tags.clone(),
            provider: Some(config.provider.clone()),
            model: Some(config.model_name.clone()),
        };
        let prices = self.snapshot.price_set(config.id, self.now)?;
        let estimate = Estimate::new(self.request, config, &prices, outlook.default_limit, self.now);
        let estimate = capped(estimate, self.snapshot, &call.dimensions());
        let name = config.name();
        let head = head_of(&name, vendor(&config.provider).currency);
        let worst = estimate.worst(head, &prices)?;
        let quoted = |bill: Bill| bill.cost.map(|cost| QuotedCost { amount: cost.amount, lines: bill.lines });
        let expected = quoted(estimate.expected(head, &prices, outlook.cache(&beginnings(self.request), config))?);
        let minimum = quoted(estimate.minimum(head, &prices)?);
        let unpriced = match (&worst, &estimate.uncovered) {
            (Some(_), _) => None,
            (None, Some(gap)) => Some(gap.sentence()),
            (None, None) => Some("no price of its input or of its output is in force".to_owned()),
        };
        let demanded = (&estimate, worst.as_ref().map(|worst| worst.cost));
        let reservation = reservation_of(self.options, &self.engine.settings, config, demanded, self.now);
        let budgets = self.budgets(call.clone(), &reservation).await?;
        let provisions = self.provisions(&call, reservation).await?;
        Ok(CandidateQuote {
            model: name_of(config),
            model_config_id: config.id,
            currency: prices.currency(),
            minimum,
            expected,
            worst: worst.map(|worst| QuotedCost { amount: worst.cost.amount, lines: worst.lines }),
            unpriced,
            admitted: provisions.is_none() && budgets.iter().all(|budget| budget.admits),
            refusal: provisions,
            budgets,
        })
    }

    /// Returns what each budget says.
    async fn budgets(&self, call: Call, reservation: &ReserveRequest) -> Result<Vec<BudgetQuote>> {
        let statuses = self.engine.store.budget_statuses(Some(call), self.now).await?;
        let demand = reservation.demand();
        let rates = |from, to| self.snapshot.fx_rate(from, to, self.now);
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
                scope: status.budget.terms.scope,
                window: status.budget.terms.window,
                limit: status.budget.terms.limit,
                remaining: status.remaining,
                needed: is_known.then_some(verdict.amount),
                admits: reason.is_none(),
                reason,
            });
        }
        Ok(budgets)
    }

    /// Returns why the quotas and pools that apply have no room.
    async fn provisions(&self, call: &Call, reservation: ReserveRequest) -> Result<Option<String>> {
        if !self.snapshot.has_provisions(&call.dimensions()) {
            return Ok(None);
        }
        match self.engine.apply(Operation::AskProvisions(Box::new(reservation))).await {
            Ok(_) => Ok(None),
            Err(error) if says_no(error.kind()) => Ok(Some(error.detail().to_owned())),
            Err(error) => Err(error),
        }
    }
}

/// Returns whether an error is what a reservation is refused with.
fn says_no(kind: ErrorKind) -> bool {
    kind.is_lack_of_room() || matches!(kind, ErrorKind::Unpriced | ErrorKind::CurrencyMismatch)
}

fn name_of(config: &ModelConfig) -> String {
    config.alias.clone().unwrap_or_else(|| config.name())
}
