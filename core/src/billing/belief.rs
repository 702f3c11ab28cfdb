//! Belief: which counts of a provider can be true of an answer, and what stands in for those that cannot.

use super::bound::estimated_usage;
use super::layout::MOST_TOKENS;
use super::meter::disjoint;
use crate::types::{Meter, ReportedUsage, Usage, UsageFlag};

/// More decimal places than any reported cost needs, of the 28 digits that a budget's sum can have.
const MOST_DECIMALS: u32 = 22;

/// As many tokens as an estimate of a short answer errs by: a zero beside them is no contradiction.
const ERROR: u64 = 1;

/// What is known of an answer without its usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// An estimate of its input tokens.
    pub input: u64,
    /// An estimate of its output tokens.
    pub output: u64,
    /// Whether it has text, reasoning, a call of a tool or a refusal in it.
    pub has_content: bool,
}

/// A usage that can be true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Believed {
    /// The usage.
    pub usage: Usage,
    /// Whether nothing of it is the provider's own statement.
    pub is_estimate: bool,
}

/// Returns whether counts can be true. One that cannot would not fit the sums of a budget, which would then never settle again.
#[must_use]
pub fn is_plausible(reported: &ReportedUsage) -> bool {
    let counts = [
        reported.input,
        reported.cached_input,
        reported.cache_write,
        reported.cache_write_5m,
        reported.cache_write_1h,
        reported.input_outside,
        reported.output,
        reported.reasoning,
    ];
    counts.into_iter().flatten().all(|count| count <= MOST_TOKENS)
        && reported.counts.values().all(|quantity| quantity.whole() <= MOST_TOKENS)
        && reported.iterations.iter().all(|iteration| is_plausible(&iteration.usage))
}

/// Turns what a provider reported into meters, and estimates each side that cannot be true.
///
/// A side that was left out is missing and not zero. A side of zero is believed only where nothing speaks against it: no
/// answer comes from no input, and none that has something in it, beyond what an estimate errs by, has no output. What is known
/// of the answer without its usage is asked for only where a side can be doubted.
#[must_use]
pub fn believe(reported: &ReportedUsage, evidence: impl FnOnce() -> Evidence) -> Believed {
    let mut usage = disjoint(reported);
    usage.reported_cost = usage.reported_cost.map(|cost| cost.round_dp(MOST_DECIMALS));
    let (input, output) = (usage.input_tokens(), usage.output_tokens());
    // What was read from a cache is only a part of the input.
    let has_part = input.is_some_and(|input| input > 0) && reported.input.is_none() && reported.total.is_none();
    if !has_part && [input, output].iter().all(|side| side.is_some_and(|tokens| tokens > 0)) {
        return Believed { usage, is_estimate: false };
    }
    let evidence = evidence();
    let answered = evidence.has_content || output.is_some_and(|output| output > 0);
    let doubts_input = input.is_none() || (input == Some(0) && answered) || has_part;
    let has_output = evidence.has_content && (evidence.output > ERROR || input.unwrap_or_default() == 0);
    let doubts_output = output.is_none() || (output == Some(0) && has_output);
    let part = if has_part { input.unwrap_or_default() } else { 0 };
    let mut stand_in = estimated_usage(evidence.input.saturating_sub(part), evidence.output);
    if doubts_input && doubts_output {
        share_total(&mut stand_in, reported.total, evidence.input);
    }
    for (meter, is_doubted) in [(Meter::InputToken, doubts_input), (Meter::OutputToken, doubts_output)] {
        let quantity = stand_in.get(meter).unwrap_or_default();
        if is_doubted && !quantity.is_zero() {
            usage.meters.insert(meter, quantity);
        }
        if is_doubted && (!quantity.is_zero() || has_part) {
            usage.flag(UsageFlag::Estimated);
        }
    }
    let states_something = has_part || !doubts_input || !doubts_output || usage.reported_cost.is_some();
    Believed { is_estimate: !states_something, usage }
}

/// Shares a total out that no part stands beside: the input is estimated, and the rest is output.
fn share_total(stand_in: &mut Usage, total: Option<u64>, input: u64) {
    let Some(total) = total.filter(|total| *total > 0 && *total <= MOST_TOKENS) else { return };
    let input = input.min(total);
    stand_in.meters.insert(Meter::InputToken, input.into());
    stand_in.meters.insert(Meter::OutputToken, (total - input).into());
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWERED: Evidence = Evidence { input: 300, output: 40, has_content: true };
    const EMPTY: Evidence = Evidence { input: 300, output: 0, has_content: false };

    fn reported(input: Option<u64>, output: Option<u64>, total: Option<u64>) -> ReportedUsage {
        ReportedUsage { input, output, total, ..ReportedUsage::default() }
    }

    fn sides(reported: &ReportedUsage, evidence: Evidence) -> (u64, u64, bool, bool) {
        let Believed { usage, is_estimate } = believe(reported, || evidence);
        let side = |side: Option<u64>| side.unwrap_or_default();
        let is_flagged = usage.flags.contains(&UsageFlag::Estimated);
        (side(usage.input_tokens()), side(usage.output_tokens()), is_flagged, is_estimate)
    }

    #[test]
    fn a_side_that_is_zero_or_absent_beside_a_real_one_is_estimated() {
        for (input, output, believed) in [
            (Some(0), Some(50), (300, 50, true, false)),
            (None, Some(50), (300, 50, true, false)),
            (Some(100), Some(0), (100, 40, true, false)),
            (Some(100), None, (100, 40, true, false)),
            (Some(100), Some(50), (100, 50, false, false)),
        ] {
            assert_eq!(sides(&reported(input, output, None), ANSWERED), believed, "{input:?} {output:?}");
        }
    }

    #[test]
    fn a_count_of_cached_tokens_is_not_taken_for_the_whole_input() {
        let cached = |input, total| ReportedUsage { cached_input: Some(20), ..reported(input, Some(50), total) };
        for (input, total, believed) in [
            (None, None, (300, 50, true, false)),
            (Some(100), None, (100, 50, false, false)),
            (None, Some(150), (100, 50, false, false)),
        ] {
            assert_eq!(sides(&cached(input, total), ANSWERED), believed, "{input:?} {total:?}");
        }
        let short = Evidence { input: 10, ..ANSWERED };
        assert_eq!(sides(&cached(None, None), short), (20, 50, true, false));
    }

    #[test]
    fn zeros_beside_an_answer_are_an_estimate_and_beside_an_empty_one_are_believed() {
        assert_eq!(sides(&reported(Some(0), Some(0), Some(0)), ANSWERED), (300, 40, true, true));
        assert_eq!(sides(&reported(None, None, None), ANSWERED), (300, 40, true, true));
        assert_eq!(sides(&reported(Some(0), Some(0), Some(0)), EMPTY), (0, 0, false, false));
        assert_eq!(sides(&reported(Some(100), Some(0), None), EMPTY), (100, 0, false, false));
    }

    #[test]
    fn a_zero_beside_a_single_token_is_believed_unless_the_input_is_zero_too() {
        let short = Evidence { input: 300, output: 1, has_content: true };
        assert_eq!(sides(&reported(Some(100), Some(0), None), short), (100, 0, false, false));
        assert_eq!(sides(&reported(Some(0), Some(0), None), short), (300, 1, true, true));
    }

    #[test]
    fn a_total_without_sides_is_divided_into_input_and_output() {
        assert_eq!(sides(&reported(None, None, Some(900)), ANSWERED), (300, 600, true, true));
        assert_eq!(sides(&reported(None, None, Some(200)), ANSWERED), (200, 0, true, true));
        assert_eq!(sides(&reported(None, None, Some(u64::MAX)), ANSWERED), (300, 40, true, true));
    }

    #[test]
    fn cached_input_beside_a_zero_is_believed() {
        let cached = ReportedUsage {
            cached_input: Some(900),
            cached_place: crate::types::Place::Outside,
            ..reported(Some(0), Some(50), None)
        };
        assert_eq!(sides(&cached, ANSWERED), (900, 50, false, false));
    }

    #[test]
    fn a_stated_cost_is_a_statement_and_the_tokens_beside_it_are_estimated() {
        let stated = ReportedUsage { cost: Some(rust_decimal::Decimal::ONE), ..reported(None, None, None) };
        assert_eq!(sides(&stated, ANSWERED), (300, 40, true, false));
    }

    #[test]
    fn impossibly_large_counts_are_not_believed() {
        assert!(is_plausible(&reported(Some(1 << 40), Some(0), Some(u64::MAX))));
        assert!(!is_plausible(&reported(Some(u64::MAX), Some(1), None)));
        let mut searches = reported(Some(1), Some(1), None);
        searches.counts.insert(Meter::WebSearch, u64::MAX.into());
        assert!(!is_plausible(&searches));
    }
}
