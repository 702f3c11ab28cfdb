use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::types::ReportedIteration;

/// OpenAI's rule.
fn inside(input: u64, output: u64) -> ReportedUsage {
    ReportedUsage { input: Some(input), output: Some(output), total: Some(input + output), ..ReportedUsage::default() }
}

#[test]
fn cached_tokens_inside_the_input_are_subtracted_from_it() {
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
fn cached_tokens_outside_the_input_are_not_subtracted() {
    let usage = disjoint(&ReportedUsage {
        input: Some(4),
        cached_input: Some(1167),
        cache_write: Some(30),
        cache_write_5m: Some(10),
        cache_write_1h: Some(20),
        cached_place: Place::Outside,
        cache_write_place: Place::Outside,
        output: Some(256),
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
        input_outside: Some(7),
        output: Some(20),
        reasoning: Some(30),
        reasoning_place: Place::Outside,
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

    for total in [0, 16] {
        let usage = disjoint(&ReportedUsage { total: Some(total), ..inside(7, 10) });
        assert_eq!((usage.input_tokens(), usage.output_tokens()), (Some(7), Some(10)));
        assert_eq!(usage.flags, [UsageFlag::TotalMismatch]);
    }

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
        ReportedUsage { reasoning: Some(5), total: Some(22), reasoning_place: Place::Outside, ..inside(7, 10) };
    assert_eq!(disjoint(&by_rule).flags, []);
}

#[test]
fn the_total_decides_where_a_part_stands() {
    let read = |cached| ReportedUsage { cached_input: Some(cached), ..inside(100, 50) };
    for (reported, meters, flag) in [
        // The rule says outside, the total says inside, and the other way round.
        (
            ReportedUsage { reasoning: Some(20), reasoning_place: Place::Outside, ..inside(100, 50) },
            [100, 0, 0, 30, 20],
            Some(UsageFlag::PlacedByTotal),
        ),
        (ReportedUsage { total: Some(8_150), ..read(8_000) }, [100, 8_000, 0, 50, 0], Some(UsageFlag::PlacedByTotal)),
        (
            ReportedUsage { cached_place: Place::Outside, ..read(40) },
            [60, 40, 0, 50, 0],
            Some(UsageFlag::PlacedByTotal),
        ),
        (
            ReportedUsage { cache_write: Some(30), total: Some(180), ..inside(100, 50) },
            [100, 0, 30, 50, 0],
            Some(UsageFlag::PlacedByTotal),
        ),
        (
            ReportedUsage { cache_write: Some(30), total: Some(220), ..read(40) },
            [100, 40, 30, 50, 0],
            Some(UsageFlag::PlacedByTotal),
        ),
        // Outside the total too: either total is right.
        (
            ReportedUsage { reasoning: Some(20), reasoning_place: Place::OutsideTotal, ..inside(100, 50) },
            [100, 0, 0, 50, 20],
            None,
        ),
        (
            ReportedUsage {
                reasoning: Some(20),
                reasoning_place: Place::OutsideTotal,
                total: Some(170),
                ..inside(100, 50)
            },
            [100, 0, 0, 50, 20],
            None,
        ),
        // A part that cannot stand inside is cut, unless the total says that it stands outside.
        (read(163), [0, 100, 0, 50, 0], Some(UsageFlag::CachedExceedsInput)),
        (ReportedUsage { total: None, ..read(163) }, [0, 100, 0, 50, 0], Some(UsageFlag::CachedExceedsInput)),
    ] {
        let usage = disjoint(&reported);
        let of = |meter| usage.tokens(meter).unwrap_or_default();
        let found = [
            of(Meter::InputToken),
            of(Meter::CachedInputToken),
            of(Meter::CacheWrite5mToken),
            of(Meter::OutputToken),
            of(Meter::ReasoningToken),
        ];
        assert_eq!(found, meters, "{reported:?}");
        assert_eq!(usage.flags, flag.into_iter().collect::<Vec<_>>(), "{reported:?}");
    }
}

#[test]
fn sound_that_the_total_counts_beside_the_input_is_added() {
    let mut reported = ReportedUsage { total: Some(389), ..inside(3, 11) };
    reported.input_modalities.audio = Some(375);
    let usage = disjoint(&reported);
    assert_eq!((usage.tokens(Meter::InputToken), usage.tokens(Meter::InputAudioToken)), (Some(3), Some(375)));
    assert_eq!(usage.flags, [UsageFlag::PlacedByTotal]);
}

#[test]
fn a_side_that_is_absent_or_zero_is_worked_out_from_the_total() {
    for (input, output, total, sides, flags) in [
        (Some(100), None, 150, (Some(100), Some(50)), vec![UsageFlag::CompletedByTotal]),
        (Some(100), Some(0), 150, (Some(100), Some(50)), vec![UsageFlag::CompletedByTotal]),
        (None, Some(50), 150, (Some(100), Some(50)), vec![UsageFlag::CompletedByTotal]),
        (Some(0), Some(50), 150, (Some(100), Some(50)), vec![UsageFlag::CompletedByTotal]),
        (Some(0), Some(50), 50, (Some(0), Some(50)), vec![]),
        (Some(100), None, 100, (Some(100), None), vec![]),
        (None, Some(50), 40, (None, Some(50)), vec![UsageFlag::TotalMismatch]),
    ] {
        let usage = disjoint(&ReportedUsage { input, output, total: Some(total), ..ReportedUsage::default() });
        assert_eq!((usage.input_tokens(), usage.output_tokens()), sides, "{input:?} {output:?} {total}");
        assert_eq!(usage.flags, flags, "{input:?} {output:?} {total}");
    }
    // What stands inside the side that is absent does not add to it.
    let cached =
        ReportedUsage { cached_input: Some(40), output: Some(50), total: Some(150), ..ReportedUsage::default() };
    let usage = disjoint(&cached);
    assert_eq!((usage.tokens(Meter::InputToken), usage.tokens(Meter::CachedInputToken)), (Some(60), Some(40)));
    let reasoning = ReportedUsage { reasoning: Some(60), total: Some(81), ..inside(21, 0) };
    let usage = disjoint(&reasoning);
    assert_eq!((usage.tokens(Meter::OutputToken), usage.tokens(Meter::ReasoningToken)), (Some(0), Some(60)));
}

#[test]
fn tokens_that_only_the_total_names_are_reasoning() {
    for (reported, reasoning) in [
        (ReportedUsage { total: Some(623), ..inside(20, 198) }, 405),
        (ReportedUsage { total: Some(623), reasoning: Some(98), ..inside(20, 198) }, 503),
        (ReportedUsage { total: Some(623), reasoning_place: Place::Outside, ..inside(20, 198) }, 405),
    ] {
        let usage = disjoint(&reported);
        assert_eq!((usage.input_tokens(), usage.output_tokens()), (Some(20), Some(603)));
        assert_eq!(usage.tokens(Meter::ReasoningToken), Some(reasoning));
        assert_eq!(usage.flags, [UsageFlag::HiddenInTotal]);
    }
    let beside = disjoint(&ReportedUsage { total: Some(550), reasoning: Some(300), ..inside(100, 50) });
    assert_eq!((beside.output_tokens(), beside.tokens(Meter::ReasoningToken)), (Some(450), Some(450)));
    let absurd = disjoint(&ReportedUsage { total: Some(u64::MAX), ..inside(20, 198) });
    assert_eq!((absurd.output_tokens(), absurd.flags), (Some(198), vec![UsageFlag::TotalMismatch]));
}

#[test]
fn tokens_that_were_read_and_written_are_billed_as_both_where_the_vendor_does_so() {
    let both = ReportedUsage { cached_input: Some(900), cache_write: Some(300), ..inside(1_000, 50) };
    let usage = disjoint(&ReportedUsage { bills_cache_overlap: true, ..both.clone() });
    assert_eq!((usage.input_tokens(), usage.cache_write_tokens()), (Some(1_000), Some(300)));
    assert_eq!((usage.tokens(Meter::InputToken), usage.tokens(Meter::CachedInputToken)), (Some(0), Some(900)));
    assert_eq!(usage.tokens(Meter::CacheWrite5mToken), Some(100));
    assert_eq!(usage.iterations[0].kind, CACHE_OVERLAP);
    assert_eq!(usage.iterations[0].meters, [(Meter::CacheWrite5mToken, 200.into())].into());
    assert_eq!(usage.flags, []);
    assert_eq!(disjoint(&both).flags, [UsageFlag::CachedExceedsInput]);
    let beyond = ReportedUsage { cached_input: Some(1_001), bills_cache_overlap: true, ..both };
    assert_eq!(disjoint(&beyond).flags, [UsageFlag::CachedExceedsInput]);
}

#[test]
fn absent_usage_is_absent_and_not_zero() {
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
fn iterations_are_metered_apart_from_the_call() {
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
        is_inside in any::<(bool, bool, bool)>(),
    ) -> ReportedUsage {
        let [input, cached_input, cache_write, cache_write_5m, cache_write_1h, input_outside, output, reasoning, total] =
            counts;
        let place = |is_inside| if is_inside { Place::Inside } else { Place::Outside };
        ReportedUsage {
            input, cached_input, cache_write, cache_write_5m, cache_write_1h, input_outside, output, reasoning, total,
            cached_place: place(is_inside.0), cache_write_place: place(is_inside.0), reasoning_place: place(is_inside.1),
            bills_cache_overlap: is_inside.2, ..ReportedUsage::default()
        }
    }
}

proptest! {
    #[test]
    fn no_reported_usage_makes_metering_panic(reported in any_report(false)) {
        let usage = disjoint(&reported);
        let _ = usage.total_tokens();
    }

    #[test]
    fn meters_sum_to_what_was_reported(reported in any_report(true)) {
        let reported = ReportedUsage { total: None, bills_cache_overlap: false, ..reported };
        let usage = disjoint(&reported);
        let meter = |meter| usage.tokens(meter).unwrap_or_default();
        let written = meter(Meter::CacheWrite5mToken) + meter(Meter::CacheWrite1hToken);
        let cut = usage.flags.contains(&UsageFlag::CachedExceedsInput);
        if let Some(all) = reported.cache_write.filter(|_| !cut) {
            prop_assert_eq!(written, all);
        }
        let split = reported.cache_write_5m.unwrap_or_default() + reported.cache_write_1h.unwrap_or_default();
        let cached = reported.cached_input.unwrap_or_default() + reported.cache_write.unwrap_or(split);
        let is_inside = reported.cached_place == Place::Inside;
        if let Some(input) = reported.input {
            let inside = if is_inside { input } else { input + cached };
            prop_assert_eq!(usage.input_tokens(), Some(inside + reported.input_outside.unwrap_or_default()));
            prop_assert_eq!(usage.flags.contains(&UsageFlag::CachedExceedsInput), is_inside && cached > input);
        }
        if let Some(output) = reported.output {
            let reasoning = reported.reasoning.unwrap_or_default();
            let is_inside = reported.reasoning_place == Place::Inside;
            prop_assert_eq!(usage.output_tokens(), Some(if is_inside { output.max(reasoning) } else { output + reasoning }));
        }
    }

    #[test]
    fn no_side_is_less_than_what_was_reported_and_a_total_that_holds_all_parts_is_met(reported in any_report(true)) {
        let reported = ReportedUsage { bills_cache_overlap: false, ..reported };
        let usage = disjoint(&reported);
        prop_assert!(usage.input_tokens().unwrap_or_default() >= reported.input.unwrap_or_default());
        prop_assert!(usage.output_tokens().unwrap_or_default() >= reported.output.unwrap_or_default());
        let decided = [UsageFlag::HiddenInTotal, UsageFlag::CompletedByTotal, UsageFlag::PlacedByTotal];
        let is_cut = [UsageFlag::CachedExceedsInput, UsageFlag::ReasoningExceedsOutput, UsageFlag::CacheWriteSplitMismatch];
        let follows = usage.flags.iter().any(|flag| decided.contains(flag));
        if follows && !usage.flags.iter().any(|flag| is_cut.contains(flag)) {
            prop_assert_eq!(usage.total_tokens(), reported.total);
        }
    }

    #[test]
    fn a_meter_is_there_exactly_if_it_was_reported(reported in any_report(true)) {
        let reported = ReportedUsage { total: None, ..reported };
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
