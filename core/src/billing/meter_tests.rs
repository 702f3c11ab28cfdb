use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::types::ReportedIteration;

/// OpenAI's rule.
fn inside(input: u64, output: u64) -> ReportedUsage {
    ReportedUsage {
        input: Some(input),
        output: Some(output),
        total: Some(input + output),
        input_includes_cache: true,
        output_includes_reasoning: true,
        ..ReportedUsage::default()
    }
}

#[test]
fn what_stands_inside_is_taken_out() {
    let usage = disjoint(&ReportedUsage {
        cached_input: Some(60),
        cache_write: Some(30),
        reasoning: Some(15),
        ..inside(100, 40)
    });
    assert_eq!(usage.tokens(Meter::InputToken), Some(10));
    assert_eq!(usage.tokens(Meter::CachedInputToken), Some(60));
    assert_eq!(usage.tokens(Meter::CacheWrite5mToken), Some(30));
    assert_eq!(usage.tokens(Meter::CacheWrite1hToken), None);
    assert_eq!(usage.tokens(Meter::OutputToken), Some(25));
    assert_eq!(usage.tokens(Meter::ReasoningToken), Some(15));
    assert_eq!(usage.total_tokens(), Some(140));
    assert!(usage.flags.is_empty());
}

#[test]
fn what_stands_outside_is_left_as_it_is() {
    let usage = disjoint(&ReportedUsage {
        input: Some(4),
        cached_input: Some(1167),
        cache_write: Some(30),
        cache_write_5m: Some(10),
        cache_write_1h: Some(20),
        output: Some(256),
        output_includes_reasoning: true,
        ..ReportedUsage::default()
    });
    assert_eq!(usage.input_tokens(), Some(1201));
    assert_eq!(usage.tokens(Meter::CacheWrite1hToken), Some(20));
    assert!(usage.flags.is_empty());
}

#[test]
fn thoughts_and_tool_prompts_outside_are_added() {
    let usage = disjoint(&ReportedUsage {
        input: Some(100),
        cached_input: Some(40),
        input_includes_cache: true,
        input_outside: Some(7),
        output: Some(20),
        reasoning: Some(30),
        total: Some(157),
        ..ReportedUsage::default()
    });
    assert_eq!(usage.tokens(Meter::InputToken), Some(67));
    assert_eq!(usage.output_tokens(), Some(50));
    assert!(usage.flags.is_empty());
}

#[test]
fn contradictions_are_flagged_and_clamped() {
    let usage = disjoint(&ReportedUsage { cached_input: Some(163), ..inside(7, 10) });
    assert_eq!((usage.tokens(Meter::InputToken), usage.tokens(Meter::CachedInputToken)), (Some(0), Some(7)));
    assert_eq!(usage.flags, [UsageFlag::CachedExceedsInput]);

    let usage = disjoint(&ReportedUsage { reasoning: Some(90), ..inside(7, 10) });
    assert_eq!((usage.tokens(Meter::OutputToken), usage.tokens(Meter::ReasoningToken)), (Some(0), Some(90)));
    assert_eq!(usage.flags, [UsageFlag::ReasoningExceedsOutput]);

    let usage = disjoint(&ReportedUsage { total: Some(18), ..inside(7, 10) });
    assert_eq!(usage.flags, [UsageFlag::TotalMismatch]);

    let usage = disjoint(&ReportedUsage {
        cache_write: Some(10),
        cache_write_5m: Some(1),
        cache_write_1h: Some(4),
        ..ReportedUsage::default()
    });
    assert_eq!((usage.tokens(Meter::CacheWrite5mToken), usage.tokens(Meter::CacheWrite1hToken)), (Some(6), Some(4)));
    assert_eq!(usage.flags, [UsageFlag::CacheWriteSplitMismatch]);
}

#[test]
fn the_total_shows_where_reasoning_stands() {
    let usage = disjoint(&ReportedUsage { reasoning: Some(5), total: Some(22), ..inside(7, 10) });
    assert_eq!((usage.tokens(Meter::OutputToken), usage.output_tokens()), (Some(10), Some(15)));
    assert_eq!(usage.flags, [UsageFlag::ReasoningAddedToOutput]);
    let by_rule =
        ReportedUsage { reasoning: Some(5), total: Some(22), output_includes_reasoning: false, ..inside(7, 10) };
    assert_eq!(disjoint(&by_rule).flags, []);
}

#[test]
fn missing_is_not_zero() {
    assert!(disjoint(&ReportedUsage::default()).meters.is_empty());
    let thoughts = ReportedUsage { input: Some(3), reasoning: Some(9), ..ReportedUsage::default() };
    let usage = disjoint(&thoughts);
    assert_eq!(usage.tokens(Meter::OutputToken), None);
    assert_eq!(usage.output_tokens(), Some(9));
}

#[test]
fn sound_is_taken_out_of_the_input_with_its_cached_part() {
    let mut reported = ReportedUsage { cached_input: Some(1_000), ..inside(2_000, 900) };
    reported.input_modalities.audio = Some(1_500);
    reported.input_modalities.cached_audio = Some(800);
    reported.output_audio = Some(700);
    let usage = disjoint(&reported);
    let of = |meter| usage.tokens(meter);
    assert_eq!((of(Meter::InputToken), of(Meter::InputAudioToken)), (Some(300), Some(700)));
    assert_eq!((of(Meter::CachedInputToken), of(Meter::CachedInputAudioToken)), (Some(200), Some(800)));
    assert_eq!((of(Meter::OutputToken), of(Meter::OutputAudioToken)), (Some(200), Some(700)));
    assert_eq!((usage.input_tokens(), usage.output_tokens()), (Some(2_000), Some(900)));
    assert_eq!(usage.flags, []);
}

#[test]
fn an_overlap_that_is_not_reported_is_taken_as_small_as_the_counts_allow_and_flagged() {
    let mut reported = ReportedUsage { cached_input: Some(3_000), ..inside(5_000, 20) };
    reported.input_modalities.audio = Some(4_000);
    let usage = disjoint(&reported);
    assert_eq!((usage.tokens(Meter::InputToken), usage.tokens(Meter::InputAudioToken)), (Some(0), Some(2_000)));
    assert_eq!(usage.tokens(Meter::CachedInputToken), Some(1_000));
    assert_eq!(usage.tokens(Meter::CachedInputAudioToken), Some(2_000));
    assert_eq!(usage.flags, [UsageFlag::OverlapUnknown]);
}

#[test]
fn more_sound_than_input_is_cut_and_flagged() {
    let mut reported = inside(100, 50);
    reported.input_modalities.audio = Some(400);
    reported.output_image = Some(90);
    let usage = disjoint(&reported);
    assert_eq!((usage.input_tokens(), usage.output_tokens()), (Some(100), Some(50)));
    assert_eq!(usage.flags, [UsageFlag::ModalityExceedsTotal]);
}

#[test]
fn iterations_stay_apart() {
    let iteration = ReportedIteration {
        kind: "compaction".to_owned(),
        model: Some("m".to_owned()),
        usage: ReportedUsage { input: Some(99_195), output: Some(5), ..ReportedUsage::default() },
    };
    let usage = disjoint(&ReportedUsage { iterations: vec![iteration], ..inside(162, 7) });
    assert_eq!(usage.input_tokens(), Some(162));
    assert_eq!(usage.iterations[0].meters[&Meter::InputToken], 99_195);
    assert_eq!(usage.iterations[0].model.as_deref(), Some("m"));
}

prop_compose! {
    fn any_report(small: bool)(
        counts in prop::array::uniform9(option::of(if small { 0..1_000_u64 } else { 0..u64::MAX })),
        input_includes_cache: bool,
        output_includes_reasoning: bool,
    ) -> ReportedUsage {
        let [input, cached_input, cache_write, cache_write_5m, cache_write_1h, input_outside, output, reasoning, total] =
            counts;
        ReportedUsage {
            input, cached_input, cache_write, cache_write_5m, cache_write_1h, input_includes_cache, input_outside, output,
            reasoning, output_includes_reasoning, total, ..ReportedUsage::default()
        }
    }
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(reported in any_report(false)) {
        let usage = disjoint(&reported);
        let _ = usage.total_tokens();
    }

    #[test]
    fn meters_sum_to_what_was_reported(reported in any_report(true)) {
        let usage = disjoint(&reported);
        let meter = |meter| usage.tokens(meter).unwrap_or_default();
        let written = meter(Meter::CacheWrite5mToken) + meter(Meter::CacheWrite1hToken);
        let cut = usage.flags.contains(&UsageFlag::CachedExceedsInput);
        if let Some(all) = reported.cache_write.filter(|_| !cut) {
            prop_assert_eq!(written, all);
        }
        let split = reported.cache_write_5m.unwrap_or_default() + reported.cache_write_1h.unwrap_or_default();
        let cached = reported.cached_input.unwrap_or_default() + reported.cache_write.unwrap_or(split);
        if let Some(input) = reported.input {
            let inside = if reported.input_includes_cache { input } else { input + cached };
            prop_assert_eq!(usage.input_tokens(), Some(inside + reported.input_outside.unwrap_or_default()));
            let exceeds = reported.input_includes_cache && cached > input;
            prop_assert_eq!(usage.flags.contains(&UsageFlag::CachedExceedsInput), exceeds);
        }
        if let Some(output) = reported.output {
            let reasoning = reported.reasoning.unwrap_or_default();
            let added = usage.flags.contains(&UsageFlag::ReasoningAddedToOutput);
            let is_inside = reported.output_includes_reasoning && !added;
            prop_assert_eq!(usage.output_tokens(), Some(if is_inside { output.max(reasoning) } else { output + reasoning }));
        }
    }

    #[test]
    fn a_meter_is_there_exactly_if_it_was_reported(reported in any_report(true)) {
        let usage = disjoint(&reported);
        let has = |meter| usage.get(meter).is_some();
        prop_assert_eq!(has(Meter::CachedInputToken), reported.cached_input.is_some());
        prop_assert_eq!(has(Meter::OutputToken), reported.output.is_some());
        prop_assert_eq!(has(Meter::ReasoningToken), reported.reasoning.is_some());
        prop_assert_eq!(has(Meter::InputToken), reported.input.is_some() || reported.input_outside.is_some());
        prop_assert!(!has(Meter::Request));
    }

    #[test]
    fn no_flag_without_a_contradiction(input in 0..1_000_u64, output in 0..1_000_u64, share in 0..=100_u64) {
        let cached_input = Some(input * share / 100);
        let reasoning = Some(output * share / 100);
        let usage = disjoint(&ReportedUsage { cached_input, reasoning, ..inside(input, output) });
        prop_assert!(usage.flags.is_empty());
        prop_assert_eq!(usage.total_tokens(), Some(input + output));
    }
}
