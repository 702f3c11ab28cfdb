//! What a chat used: what the provider reported where it can be believed, else an estimate by what came.

use std::time::Duration;

use super::conversation::Chat;
use super::received::Received;
use crate::billing::belief::{Believed, Evidence, believe, is_plausible};
use crate::billing::bound::estimated_usage;
use crate::billing::meter::disjoint;
use crate::client::work::line::Line;
use crate::client::work::outcome::{Account, Basis, Ended, Served, Used};
use crate::client::work::plan::Plan;
use crate::routing::prompt_cache::beginnings;
use crate::types::{AbandonPolicy, Attribute, BilledBy, Completion, ReportedUsage, Usage};

/// How many tokens a second a model is taken to make while nothing of them is seen. Few make as many.
const HIDDEN_TOKENS_PER_SECOND: u128 = 1_000;

/// Returns what an attempt is billed by, and its answer.
pub(super) fn used(chat: &Chat, line: &Line<'_>, account: &Account<'_>, received: &mut Received) -> Used<Completion> {
    let did_no_work = received.did_no_work(account.stage);
    let completion = received.take_completion();
    let reported = received.told_usage();
    let (basis, billed_by) = basis(line, account, received, &completion, reported.as_ref(), did_no_work);
    let prompt_cache = &line.engine.prompt_cache;
    if matches!(account.ended, Ended::Complete) && prompt_cache.is_asked() {
        let now = line.engine.environment.monotonic();
        prompt_cache.remember(line.plan.config.id, &beginnings(&chat.request), now);
    }
    let served = Served {
        model: completion.model.clone(),
        tier: completion.service_tier.clone(),
        search_size: reported.and_then(|usage| usage.search_size),
        first_token_at: received.first_token_at,
    };
    let provider_request_id = received.provider_request_id.take();
    let may_be_repeated = billed_by == BilledBy::NotBilled;
    Used { basis, billed_by, answer: completion, served, provider_request_id, may_be_repeated }
}

/// Decides what the attempt is billed by. What the provider reported as final always wins over an estimate; nothing is
/// billed only where it is certain that no model worked.
fn basis(
    line: &Line<'_>,
    account: &Account<'_>,
    received: &Received,
    completion: &Completion,
    reported: Option<&ReportedUsage>,
    did_no_work: bool,
) -> (Basis, BilledBy) {
    let plan = line.plan;
    if let Some(reported) = reported.filter(|reported| is_plausible(reported)) {
        let Believed { usage, is_estimate } = believe(reported, || evidence(plan, received, completion));
        let billed_by = match is_estimate {
            true => BilledBy::Estimate,
            false if account.is_drained => BilledBy::Drain,
            false => BilledBy::ProviderUsage,
        };
        return (Basis::Usage(usage), billed_by);
    }
    if did_no_work {
        return (Basis::Nothing, BilledBy::NotBilled);
    }
    let is_given_up = matches!(account.ended, Ended::GivenUp | Ended::TimedOut);
    if is_given_up && account.on_abandon == AbandonPolicy::BillReserved {
        return (Basis::Reservation, BilledBy::Reservation);
    }
    // What breaks by itself is nobody's choice; what a caller gives up at will must not be free where it is capped.
    let hidden =
        if is_given_up && account.is_capped { hidden_output(line, account.elapsed, received, completion) } else { 0 };
    (Basis::Usage(estimate(plan, received, completion, hidden)), BilledBy::Estimate)
}

/// Bounds the output tokens of an attempt that nobody saw, by the time that they took: all of it where nothing of the answer
/// came, and the time before its first piece where the request asks for reasoning.
fn hidden_output(line: &Line<'_>, elapsed: Duration, received: &Received, completion: &Completion) -> u64 {
    let has_content = completion.choices.iter().any(|choice| choice.message.has_content());
    let thinks = line.plan.estimate.facts.get(Attribute::Thinking) == Some("true");
    let seen = match received.first_token_at {
        _ if !has_content => Duration::ZERO,
        Some(first) if thinks => {
            Duration::try_from(line.engine.environment.now().duration_since(first)).unwrap_or_default()
        }
        _ => elapsed,
    };
    let hidden = elapsed.saturating_sub(seen).as_millis() * HIDDEN_TOKENS_PER_SECOND / 1_000;
    u64::try_from(hidden).unwrap_or(u64::MAX)
}

/// Returns what is known of an answer without its usage.
fn evidence(plan: &Plan, received: &Received, completion: &Completion) -> Evidence {
    let estimated = estimate(plan, received, completion, 0);
    let has_content = completion.choices.iter().any(|choice| choice.message.has_content());
    let side = |side: Option<u64>| side.unwrap_or_default();
    let output = side(estimated.output_tokens()).max(has_content.into());
    Evidence { input: side(estimated.input_tokens()), output, has_content }
}

/// Estimates what the attempt consumed: the output by what came, or by what the provider counted so far if that is more
/// (it counts reasoning that it does not show); the input by what the provider said of it, or else by its text. What is hidden is
/// added to what came.
fn estimate(plan: &Plan, received: &Received, completion: &Completion, hidden: u64) -> Usage {
    let reported = received.reported_so_far().filter(is_plausible).map(|reported| disjoint(&reported));
    let counted = reported.as_ref().and_then(Usage::output_tokens).unwrap_or_default();
    let output = received.estimated_output(completion).saturating_add(hidden).max(counted);
    let output = output.min(plan.estimate.output_bound);
    let mut usage = estimated_usage(plan.estimate.size.estimate.min(plan.estimate.size.bound), output);
    if let Some(reported) = reported
        && reported.input_tokens().is_some_and(|input| input > 0)
    {
        usage.meters.retain(|meter, _| meter.is_output());
        usage.meters.extend(reported.meters.into_iter().filter(|(meter, _)| meter.is_input()));
    }
    usage
}
