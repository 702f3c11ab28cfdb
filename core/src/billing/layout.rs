//! Layout: where the parts of a usage stand beside its counts, by the vendor's rule or by the provider's own total.

use crate::types::{Place, ReportedUsage, Usage, UsageFlag};

/// More tokens than any attempt can take or give.
pub(super) const MOST_TOKENS: u64 = 1 << 40;

/// Where the parts of a usage stand, and what its total adds to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// The tokens read from a cache, beside the input.
    pub(super) cached: Place,
    /// The tokens written to a cache, beside the input.
    pub(super) cache_write: Place,
    /// The reasoning tokens, beside the output.
    pub(super) reasoning: Place,
    /// Tokens of sound that stand outside the input.
    pub(super) audio_outside: u64,
    /// Output tokens that only the total names.
    pub(super) hidden: u64,
}

/// A part that may stand elsewhere than the vendor's rule says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Reasoning,
    Cached,
    CacheWrite,
    Audio,
}

/// What may stand elsewhere, in the order in which it is tried.
const HYPOTHESES: [&[Part]; 9] = [
    &[Part::Reasoning],
    &[Part::Cached],
    &[Part::CacheWrite],
    &[Part::Cached, Part::CacheWrite],
    &[Part::Audio],
    &[Part::Reasoning, Part::Cached],
    &[Part::Reasoning, Part::CacheWrite],
    &[Part::Reasoning, Part::Cached, Part::CacheWrite],
    &[Part::Reasoning, Part::Audio],
];

/// Decides where the parts stand: by the vendor's rule where the total does not contradict it, else by the total.
///
/// A side that is absent or zero is worked out from the total; where the total is above all parts, the rest is output that
/// nothing else names. A total that is zero or below the parts decides nothing.
pub(super) fn lay_out(reported: &ReportedUsage, usage: &mut Usage) -> (ReportedUsage, Layout) {
    let rule = Layout {
        cached: reported.cached_place,
        cache_write: reported.cache_write_place,
        reasoning: reported.reasoning_place,
        ..Layout::default()
    };
    let mut completed = reported.clone();
    let Some(total) = reported.total else { return (completed, rule) };
    let Some((input, output)) = sides(reported, rule) else {
        usage.flag(UsageFlag::TotalMismatch);
        return (completed, rule);
    };
    let known = input.saturating_add(output);
    if known == total {
        return (completed, rule);
    }
    if total == 0 || total > MOST_TOKENS {
        usage.flag(UsageFlag::TotalMismatch);
        return (completed, rule);
    }
    let moved = HYPOTHESES
        .into_iter()
        .filter(|parts| input > 0 && (output > 0 || *parts == [Part::Reasoning]))
        .find_map(|parts| {
            let layout = parts.iter().try_fold(rule, |layout, part| moved(reported, layout, *part))?;
            sides(reported, layout).filter(|(input, output)| input.checked_add(*output) == Some(total)).map(|_| layout)
        });
    if let Some(layout) = moved {
        let is_inside = |place: Place| place == Place::Inside;
        if is_inside(rule.reasoning) && !is_inside(layout.reasoning) {
            usage.flag(UsageFlag::ReasoningAddedToOutput);
        }
        if (!is_inside(rule.reasoning) && is_inside(layout.reasoning))
            || is_inside(rule.cached) != is_inside(layout.cached)
            || is_inside(rule.cache_write) != is_inside(layout.cache_write)
            || layout.audio_outside > 0
        {
            usage.flag(UsageFlag::PlacedByTotal);
        }
        return (completed, layout);
    }
    let Some(rest) = total.checked_sub(known).filter(|_| known > 0) else {
        usage.flag(UsageFlag::TotalMismatch);
        return (completed, rule);
    };
    if reported.input.is_none() || input == 0 {
        completed.input = Some(rest);
    } else if reported.output.is_none() || output == 0 {
        completed.output = Some(rest);
    } else {
        usage.flag(UsageFlag::HiddenInTotal);
        // Reasoning above the output that it should be inside of is a part of the rest.
        let inside = reported.reasoning.filter(|_| rule.reasoning == Place::Inside);
        let hidden = rest.saturating_sub(inside.unwrap_or_default().saturating_sub(output));
        return (completed, Layout { hidden, ..rule });
    }
    usage.flag(UsageFlag::CompletedByTotal);
    (completed, rule)
}

/// Moves a part to the other side of its count; nothing if it was not reported, or cannot stand there.
fn moved(reported: &ReportedUsage, layout: Layout, part: Part) -> Option<Layout> {
    let input = reported.input.unwrap_or_default();
    let (place, tokens, count) = match part {
        Part::Reasoning => (layout.reasoning, reported.reasoning?, reported.output.unwrap_or_default()),
        Part::Cached => (layout.cached, reported.cached_input?, input),
        Part::CacheWrite => (layout.cache_write, written(reported)?, input),
        // Where the vendor's rule has it outside, the adapter has counted it so.
        Part::Audio if reported.input_outside.is_some() => return None,
        Part::Audio => {
            let audio = reported.input_modalities.audio.filter(|audio| *audio > 0)?;
            return Some(Layout { audio_outside: audio, ..layout });
        }
    };
    let place = match place {
        Place::Inside | Place::OutsideTotal => Place::Outside,
        Place::Outside if tokens <= count => Place::Inside,
        Place::Outside => return None,
    };
    if tokens == 0 {
        return None;
    }
    Some(match part {
        Part::Cached => Layout { cached: place, ..layout },
        Part::CacheWrite => Layout { cache_write: place, ..layout },
        _ => Layout { reasoning: place, ..layout },
    })
}

/// Returns what a total counts of the input and of the output; nothing if that is no number.
fn sides(reported: &ReportedUsage, layout: Layout) -> Option<(u64, u64)> {
    let outside = |place: Place, tokens: Option<u64>| match place {
        Place::Outside => tokens.unwrap_or_default(),
        Place::Inside | Place::OutsideTotal => 0,
    };
    let input = reported
        .input
        .unwrap_or_default()
        .checked_add(outside(layout.cached, reported.cached_input))?
        .checked_add(outside(layout.cache_write, written(reported)))?
        .checked_add(reported.input_outside.unwrap_or_default())?
        .checked_add(layout.audio_outside)?;
    // Where no output was counted, what was spent on reasoning is the least that it was.
    let reasoning = match reported.output {
        None | Some(0) if layout.reasoning == Place::Inside && reported.input.is_none() => reported.reasoning,
        _ => None,
    };
    let output = reported
        .output
        .unwrap_or_default()
        .checked_add(outside(layout.reasoning, reported.reasoning))?
        .checked_add(reasoning.unwrap_or_default())?;
    Some((input, output))
}

/// Returns the tokens that were written to a cache, of all lifetimes.
fn written(reported: &ReportedUsage) -> Option<u64> {
    reported.cache_write.or_else(|| {
        let (short, long) = (reported.cache_write_5m, reported.cache_write_1h);
        (short.is_some() || long.is_some()).then(|| short.unwrap_or_default().saturating_add(long.unwrap_or_default()))
    })
}
