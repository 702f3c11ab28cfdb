//! Metering: what a provider reported, as disjoint quantities.

use std::collections::BTreeMap;

use crate::types::{Iteration, Meter, ReportedUsage, Usage, UsageFlag};

/// Turns what a provider reported into disjoint meters, by the rule of its wire format.
///
/// No token is counted in two meters, what was not reported is absent, and every contradiction is flagged. It never fails:
/// sums that pass the greatest number stop there, and are flagged.
#[must_use]
pub fn disjoint(reported: &ReportedUsage) -> Usage {
    let mut usage = Usage { reported_total: reported.total, reported_cost: reported.cost, ..Usage::default() };
    split_input(reported, &mut usage);
    split_output(reported, &mut usage);
    for iteration in &reported.iterations {
        let inner = disjoint(&iteration.usage);
        inner.flags.iter().for_each(|flag| usage.flag(*flag));
        if iteration.model.is_some() {
            usage.flag(UsageFlag::UnpricedIteration);
        }
        usage.iterations.push(Iteration {
            kind: iteration.kind.clone(),
            model: iteration.model.clone(),
            meters: inner.meters,
        });
    }
    usage
}

fn split_input(reported: &ReportedUsage, usage: &mut Usage) {
    let (mut short, mut long) = cache_writes(reported, usage);
    let mut cached = reported.cached_input;
    let mut uncached = reported.input;
    if let Some(input) = reported.input.filter(|_| reported.input_includes_cache) {
        let mut left = input;
        for part in [&mut long, &mut short, &mut cached].into_iter().flatten() {
            if *part > left {
                usage.flag(UsageFlag::CachedExceedsInput);
                *part = left;
            }
            left -= *part;
        }
        uncached = Some(left);
    }
    if reported.input_outside.is_some() {
        uncached = Some(sum([uncached, reported.input_outside, None], usage));
    }
    put(&mut usage.meters, Meter::InputToken, uncached);
    put(&mut usage.meters, Meter::CachedInputToken, cached);
    put(&mut usage.meters, Meter::CacheWrite5mToken, short);
    put(&mut usage.meters, Meter::CacheWrite1hToken, long);
}

/// Splits cache writes by lifetime. The reported count rules over the reported split, and what has no lifetime is short.
fn cache_writes(reported: &ReportedUsage, usage: &mut Usage) -> (Option<u64>, Option<u64>) {
    let (short, long) = (reported.cache_write_5m, reported.cache_write_1h);
    let Some(all) = reported.cache_write else { return (short, long) };
    if short.is_none() && long.is_none() {
        return (Some(all), None);
    }
    if short.unwrap_or_default().checked_add(long.unwrap_or_default()) == Some(all) {
        return (short, long);
    }
    usage.flag(UsageFlag::CacheWriteSplitMismatch);
    let long = long.map(|long| long.min(all));
    (Some(all - long.unwrap_or_default()), long)
}

fn split_output(reported: &ReportedUsage, usage: &mut Usage) {
    let reasoning = reported.reasoning;
    let mut is_inside = reported.output_includes_reasoning;
    let both = total_input(reported).zip(reported.output).and_then(|(input, output)| input.checked_add(output));
    if let Some((both, total)) = both.zip(reported.total) {
        let with_reasoning = both.checked_add(reasoning.unwrap_or_default());
        if is_inside && total != both && with_reasoning == Some(total) {
            is_inside = false;
            usage.flag(UsageFlag::ReasoningAddedToOutput);
        }
        let expected = if is_inside { Some(both) } else { with_reasoning };
        if expected != Some(total) {
            usage.flag(UsageFlag::TotalMismatch);
        }
    }
    let mut answer = reported.output;
    if let Some((output, reasoning)) = reported.output.zip(reasoning).filter(|_| is_inside) {
        if reasoning > output {
            usage.flag(UsageFlag::ReasoningExceedsOutput);
        }
        answer = Some(output.saturating_sub(reasoning));
    }
    put(&mut usage.meters, Meter::OutputToken, answer);
    put(&mut usage.meters, Meter::ReasoningToken, reasoning);
}

/// Returns what the reported total counts as input.
fn total_input(reported: &ReportedUsage) -> Option<u64> {
    let mut input = reported.input?;
    if !reported.input_includes_cache {
        let written = reported.cache_write.or_else(|| {
            let (short, long) = (reported.cache_write_5m, reported.cache_write_1h);
            short.unwrap_or_default().checked_add(long.unwrap_or_default())
        })?;
        input = input.checked_add(written)?.checked_add(reported.cached_input.unwrap_or_default())?;
    }
    input.checked_add(reported.input_outside.unwrap_or_default())
}

/// Adds counts; a sum that does not fit stops at the greatest number, and no total can match it.
fn sum(counts: [Option<u64>; 3], usage: &mut Usage) -> u64 {
    counts.into_iter().flatten().fold(0, |sum: u64, count| {
        sum.checked_add(count).unwrap_or_else(|| {
            usage.flag(UsageFlag::TotalMismatch);
            u64::MAX
        })
    })
}

fn put(meters: &mut BTreeMap<Meter, u64>, meter: Meter, quantity: Option<u64>) {
    meters.extend(quantity.map(|quantity| (meter, quantity)));
}

#[cfg(test)]
#[path = "meter_tests.rs"]
mod tests;
