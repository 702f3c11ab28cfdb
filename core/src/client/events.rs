//! What the engine logs of calls and of model configs, all of it in one place.
//!
//! An event names the call, the attempt and the model, and says what happened by codes and numbers. What a provider said is in the
//! error and in the record of the attempt only: it may repeat what was asked.

use std::time::Duration;

use super::work::plan::Plan;
use crate::environment::log::{CALL, MODELS};
use crate::routing::health::Cooldown;
use crate::types::{Error, ErrorKind, ModelConfig};

/// An attempt that failed.
pub(super) struct FailedTry {
    /// Its number in the call, from 1; one that was never sent has that of the next.
    pub(super) attempt: u32,
    pub(super) config: std::sync::Arc<ModelConfig>,
    pub(super) error: Error,
}

/// Tells that all candidates failed, and that they are tried again after a wait.
pub(super) fn retry(request_id: &str, failed: &FailedTry, wait: Duration) {
    let FailedTry { attempt, config, error } = failed;
    tracing::info!(
        target: CALL,
        request_id,
        attempt,
        provider = config.provider,
        model = config.model_name,
        code = error.code(),
        status = error.status(),
        wait = wait.as_secs_f64(),
        "{} failed ({}); trying again in {:.1} s",
        config.name(),
        cause(error),
        wait.as_secs_f64(),
    );
}

/// Tells that a candidate failed, and that the next one is tried.
pub(super) fn fallback(request_id: &str, failed: &FailedTry, next: &ModelConfig) {
    let FailedTry { attempt, config, error } = failed;
    tracing::warn!(
        target: CALL,
        request_id,
        attempt,
        provider = config.provider,
        model = config.model_name,
        code = error.code(),
        status = error.status(),
        next_provider = next.provider,
        next_model = next.model_name,
        "{} failed ({}); falling back to {}",
        config.name(),
        cause(error),
        next.name(),
    );
}

/// Tells that a budget, a quota, a pool or the policy for what has no price did not let a candidate be called.
pub(super) fn refusal(request_id: &str, failed: &FailedTry) {
    let FailedTry { attempt, config, error } = failed;
    let is_of_price = matches!(error.kind(), ErrorKind::Unpriced | ErrorKind::CurrencyMismatch);
    if !is_of_price && !error.kind().is_lack_of_room() {
        return;
    }
    tracing::info!(
        target: CALL,
        request_id,
        attempt,
        provider = config.provider,
        model = config.model_name,
        code = error.code(),
        budget_id = error.budget().map(|budget| budget.budget_id.get()),
        "{} was not called ({})",
        config.name(),
        error.code(),
    );
}

/// Tells that an attempt is in the ledger without a cost. `closes_budgets` says that its money budgets are closed until it has one.
pub(super) fn unpriced(request_id: &str, plan: &Plan, closes_budgets: bool) {
    let Plan { config, record_uid, number, .. } = plan;
    let (provider, model, name) = (&config.provider, &config.model_name, config.name());
    let code = ErrorKind::Unpriced.code();
    if closes_budgets {
        tracing::warn!(
            target: CALL,
            request_id,
            attempt = number,
            provider,
            model,
            code,
            record_uid,
            "a call of {name} was recorded without a price; its budgets in money are closed until usage.price gives it one",
        );
    } else {
        tracing::info!(
            target: CALL,
            request_id,
            attempt = number,
            provider,
            model,
            code,
            record_uid,
            "a call of {name} was recorded without a price",
        );
    }
}

/// Tells that what an attempt cost cannot be said exactly, so that its reservation is billed.
pub(super) fn inexact(request_id: &str, plan: &Plan, error: &Error) {
    tracing::error!(
        target: CALL,
        request_id,
        attempt = plan.number,
        provider = plan.config.provider,
        model = plan.config.model_name,
        code = error.code(),
        record_uid = plan.record_uid,
        %error,
        "an attempt has no exact cost; its reservation is billed",
    );
}

/// Tells that an attempt came to its end without a settlement in the file.
pub(super) fn unsettled(plan: &Plan) {
    tracing::warn!(
        target: CALL,
        attempt = plan.number,
        provider = plan.config.provider,
        model = plan.config.model_name,
        record_uid = plan.record_uid,
        "an attempt ended without its settlement, which is made up for now",
    );
}

/// Tells that a settlement could not be written yet.
pub(super) fn settlement_waits(plan: &Plan, error: &Error) {
    tracing::warn!(
        target: CALL,
        attempt = plan.number,
        provider = plan.config.provider,
        model = plan.config.model_name,
        code = error.code(),
        record_uid = plan.record_uid,
        %error,
        "a settlement could not be written; it is tried again",
    );
}

/// Tells that a settlement could not be written, and that recovery will make one.
pub(super) fn left_to_recovery(plan: &Plan, error: Option<&Error>) {
    tracing::error!(
        target: CALL,
        attempt = plan.number,
        provider = plan.config.provider,
        model = plan.config.model_name,
        code = error.map(Error::code),
        record_uid = plan.record_uid,
        error = error.map(tracing::field::display),
        "a settlement was not written; recovery will settle its reservation",
    );
}

/// Tells that a config is passed over from now on.
pub(super) fn cooldown(request_id: &str, config: &ModelConfig, cooldown: Cooldown, error: &Error) {
    tracing::warn!(
        target: MODELS,
        request_id,
        model_config_id = config.id.get(),
        provider = config.provider,
        model = config.model_name,
        code = error.code(),
        status = error.status(),
        failures = cooldown.failures,
        wait = cooldown.lasts.as_secs_f64(),
        "{} failed {} in a row ({}); passing it over for {:.0} s",
        config.name(),
        times(cooldown.failures),
        cause(error),
        cooldown.lasts.as_secs_f64(),
    );
}

/// Tells that a cooldown ended: by the call that was answered, or else by a change of the config.
pub(super) fn cooldown_end(request_id: Option<&str>, config: &ModelConfig) {
    tracing::info!(
        target: MODELS,
        request_id,
        model_config_id = config.id.get(),
        provider = config.provider,
        model = config.model_name,
        "{} {}; its cooldown has ended",
        config.name(),
        if request_id.is_some() { "answers again" } else { "was changed" },
    );
}

/// Tells that a host refused a field, which is left out from now on.
pub(super) fn omission(request_id: &str, config: &ModelConfig, field: &str) {
    tracing::warn!(
        target: MODELS,
        request_id,
        model_config_id = config.id.get(),
        provider = config.provider,
        model = config.model_name,
        field,
        "{} refuses the field {field}, which is left out from now on; set omit in its params to spare the first try",
        config.name(),
    );
}

/// Tells what may be wrong with a config that was set.
pub(super) fn doubt(config: &ModelConfig, warning: &str) {
    tracing::warn!(
        target: MODELS,
        model_config_id = config.id.get(),
        provider = config.provider,
        model = config.model_name,
        "{warning}",
    );
}

/// Says why an attempt failed, without a word of its provider.
fn cause(error: &Error) -> String {
    match error.status() {
        Some(status) => format!("{}, status {status}", error.code()),
        None => error.code().to_owned(),
    }
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
