//! Metering: what a provider reported, as disjoint quantities.

use std::collections::BTreeMap;

use super::layout::{Layout, lay_out};
use crate::types::{CACHE_OVERLAP, Iteration, Meter, Place, Quantity, ReportedUsage, Usage, UsageFlag};

/// Turns what a provider reported into disjoint meters, by the rule of its vendor and by its own total.
///
/// No token is counted in two meters, what was not reported is absent, and every contradiction is flagged. It never fails:
/// sums that pass the greatest number stop there, and are flagged.
#[must_use]
pub fn disjoint(reported: &ReportedUsage) -> Usage {
    let mut usage = Usage { reported_total: reported.total, reported_cost: reported.cost, ..Usage::default() };
    let (reported, layout) = lay_out(reported, &mut usage);
    let reported = &reported;
    split_input(reported, layout, &mut usage);
    split_output(reported, layout, &mut usage);
    usage.meters.extend(reported.counts.iter().map(|(meter, quantity)| (*meter, *quantity)));
    if reported.has_unknown_field {
        usage.flag(UsageFlag::UnknownUsageField);
    }
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

fn split_input(reported: &ReportedUsage, layout: Layout, usage: &mut Usage) {
    let (mut short, mut long) = cache_writes(reported, usage);
    let mut cached = reported.cached_input;
    let mut uncached = reported.input;
    if let Some(input) = reported.input {
        let mut left = input;
        let writes = layout.cache_write == Place::Inside;
        let reads = layout.cached == Place::Inside;
        let mut overlap = 0_u64;
        let mut overflows = false;
        for (part, is_inside) in [(&mut long, writes), (&mut short, writes), (&mut cached, reads)] {
            let Some(part) = part.as_mut().filter(|_| is_inside) else { continue };
            if *part > left {
                overflows = true;
                overlap = overlap.saturating_add(*part - left);
                *part = left;
            }
            left -= *part;
        }
        uncached = Some(left);
        if overflows && reported.bills_cache_overlap && writes && reads {
            bill_overlap(reported, usage, (&mut short, &mut long, &mut cached), overlap);
        } else if overflows {
            usage.flag(UsageFlag::CachedExceedsInput);
        }
    }
    if layout.audio_outside > 0 || reported.input_outside.is_some() {
        let outside = Some(layout.audio_outside).filter(|audio| *audio > 0);
        uncached = Some(sum([uncached, reported.input_outside, outside], usage));
    }
    split_modalities(reported, usage, &mut uncached, &mut cached);
    take(&mut usage.meters, Meter::CacheWriteAudioToken, reported.cache_write_audio, &mut short);
    take(&mut usage.meters, Meter::ExplicitCachedInputToken, reported.explicit_cached_input, &mut cached);
    put(&mut usage.meters, Meter::InputToken, uncached);
    put(&mut usage.meters, Meter::CachedInputToken, cached);
    put(&mut usage.meters, Meter::CacheWrite5mToken, short);
    put(&mut usage.meters, Meter::CacheWrite1hToken, long);
}

/// Bills tokens that were both read from and written to a cache as both: the meters have them as reads, and an iteration
/// beside them as writes. What neither count can hold is cut.
fn bill_overlap(
    reported: &ReportedUsage,
    usage: &mut Usage,
    (short, long, cached): (&mut Option<u64>, &mut Option<u64>, &mut Option<u64>),
    overlap: u64,
) {
    let input = reported.input.unwrap_or_default();
    let written = sum([*short, *long, None], usage);
    let read = reported.cached_input.unwrap_or_default();
    if read > input || reported.cache_write.unwrap_or(written) > input {
        usage.flag(UsageFlag::CachedExceedsInput);
        return;
    }
    let moved = overlap.min(written);
    let from_short = moved.min(short.unwrap_or_default());
    *short = short.map(|short| short - from_short);
    *long = long.map(|long| long.saturating_sub(moved - from_short));
    *cached = cached.map(|cached| cached.saturating_add(moved));
    let mut meters = BTreeMap::new();
    put(&mut meters, Meter::CacheWrite5mToken, Some(from_short).filter(|tokens| *tokens > 0));
    put(&mut meters, Meter::CacheWrite1hToken, Some(moved - from_short).filter(|tokens| *tokens > 0));
    usage.iterations.push(Iteration { kind: CACHE_OVERLAP.to_owned(), model: None, meters });
}

/// Takes sound, images and videos out of what is cached and what is not.
///
/// Where it is not reported how much of a modality was cached, as little as the counts allow is assumed to be, and flagged.
fn split_modalities(reported: &ReportedUsage, usage: &mut Usage, uncached: &mut Option<u64>, cached: &mut Option<u64>) {
    let parts = &reported.input_modalities;
    for (total, in_cache, meter, cached_meter) in [
        (parts.audio, parts.cached_audio, Meter::InputAudioToken, Meter::CachedInputAudioToken),
        (parts.image, parts.cached_image, Meter::InputImageToken, Meter::CachedInputImageToken),
        (parts.video, parts.cached_video, Meter::InputVideoToken, Meter::CachedInputVideoToken),
    ] {
        let Some(total) = total.or(in_cache) else { continue };
        let most_cached = cached.unwrap_or_default();
        let is_guess = in_cache.is_none() && most_cached > 0 && total > 0;
        let least_cached = uncached.map_or(0, |uncached| total.saturating_sub(uncached));
        let in_cache = in_cache.unwrap_or(least_cached).min(total);
        if is_guess {
            usage.flag(UsageFlag::OverlapUnknown);
        }
        let fresh = total - in_cache;
        if in_cache > most_cached || uncached.is_some_and(|uncached| fresh > uncached) {
            usage.flag(UsageFlag::ModalityExceedsTotal);
        }
        take(&mut usage.meters, cached_meter, Some(in_cache).filter(|in_cache| *in_cache > 0), cached);
        if uncached.is_none() {
            *uncached = Some(fresh);
        }
        take(&mut usage.meters, meter, Some(fresh), uncached);
    }
}

/// Moves a part out of a quantity into a meter of its own, at most all of it.
fn take(meters: &mut BTreeMap<Meter, Quantity>, meter: Meter, part: Option<u64>, whole: &mut Option<u64>) {
    let Some((part, left)) = part.zip(*whole) else { return };
    let part = part.min(left);
    *whole = Some(left - part);
    put(meters, meter, Some(part));
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

fn split_output(reported: &ReportedUsage, layout: Layout, usage: &mut Usage) {
    let mut reasoning = reported.reasoning;
    let mut answer = reported.output;
    if let Some((output, reasoning)) = reported.output.zip(reasoning).filter(|_| layout.reasoning == Place::Inside) {
        if reasoning > output {
            usage.flag(UsageFlag::ReasoningExceedsOutput);
        }
        answer = Some(output.saturating_sub(reasoning));
    }
    for (part, meter) in [
        (reported.output_audio, Meter::OutputAudioToken),
        (reported.output_image, Meter::OutputImageToken),
        (reported.output_video, Meter::OutputVideoToken),
        (reported.rejected_prediction, Meter::RejectedPredictionToken),
    ] {
        if part.zip(answer).is_some_and(|(part, answer)| part > answer) {
            usage.flag(UsageFlag::ModalityExceedsTotal);
        }
        take(&mut usage.meters, meter, part, &mut answer);
    }
    if layout.hidden > 0 {
        reasoning = Some(sum([reasoning, Some(layout.hidden), None], usage));
    }
    put(&mut usage.meters, Meter::OutputToken, answer);
    put(&mut usage.meters, Meter::ReasoningToken, reasoning);
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

fn put(meters: &mut BTreeMap<Meter, Quantity>, meter: Meter, quantity: Option<u64>) {
    meters.extend(quantity.map(|quantity| (meter, quantity.into())));
}

#[cfg(test)]
#[path = "meter_tests.rs"]
mod tests;
