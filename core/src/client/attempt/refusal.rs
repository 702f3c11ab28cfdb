//! What is said of a call that a budget, a quota or a pool refused: how much less of it there is room for.

use crate::billing::estimate::{Estimate, head_of};
use crate::client::work::plan::Plan;
use crate::environment::log::CALL;
use crate::provider::vendor;
use crate::types::{BudgetRefusal, Currency, Decimal, Error, OnExceeded, Result, exact_subtract};

/// Returns whether a refused call is worth waiting: calls under way hold what it asks for, and it does not get by with less.
pub(super) fn waits(error: &Error) -> bool {
    error.kind().is_lack_of_room() && error.is_retryable() && clamped_limit(error).is_none()
}

/// Returns the output limit with which a refused call fits, where its budget lowers it rather than to refuse.
pub(in crate::client) fn clamped_limit(error: &Error) -> Option<u64> {
    let budget = error.budget().filter(|budget| budget.on_exceeded == OnExceeded::Clamp)?;
    budget.max_tokens
}

/// Adds to a budget's refusal the greatest output limit with which the same call fits, where a smaller one helps.
pub(super) fn with_fitting_limit(error: Error, plan: &Plan) -> Error {
    let Some(budget) = error.budget() else { return error };
    match fitting_limit(budget, plan) {
        Ok(Some(limit)) => {
            let budget = BudgetRefusal { max_tokens: Some(limit), ..budget.clone() };
            error.with_budget(budget).with_detail_suffix(&format!("; it fits with max_tokens ≤ {limit}"))
        }
        Ok(None) => error,
        Err(problem) => {
            tracing::warn!(target: CALL, error = %problem, "the room of a budget is not known exactly");
            error
        }
    }
}

fn fitting_limit(budget: &BudgetRefusal, plan: &Plan) -> Result<Option<u64>> {
    let room = exact_subtract(exact_subtract(budget.limit, budget.settled)?, budget.reserved)?;
    // What is held in another currency, or closed, is not a matter of the limit.
    if budget.asked.is_zero() || budget.asked <= room || budget.currency != currency_of(budget, plan) {
        return Ok(None);
    }
    plan.estimate.fitting_limit(|estimate| takes(estimate, budget, plan), room)
}

fn currency_of(budget: &BudgetRefusal, plan: &Plan) -> Option<Currency> {
    budget.currency.and(plan.worst_case.map(|worst| worst.currency))
}

fn takes(estimate: &Estimate, budget: &BudgetRefusal, plan: &Plan) -> Result<Option<Decimal>> {
    if budget.currency.is_none() {
        // Another meter is not what an output limit bounds.
        return Ok(estimate.most_tokens().filter(|_| budget.meter.is_none()).map(Decimal::from));
    }
    let head = head_of("", vendor(&plan.config.provider).currency);
    Ok(estimate.worst(head, &plan.prices)?.map(|worst| worst.cost.amount))
}
