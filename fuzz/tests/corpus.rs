//! Every target survives its corpus, and some seconds of mutations of it.

#![expect(clippy::unwrap_used, reason = "the helpers of a test")]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tollway_fuzz::runner::{Run, watch};
use tollway_fuzz::targets::{ALL, Target};
use tollway_fuzz::{corpus, runner};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tollway-fuzz");
/// How long each target runs; all of them together stay well below a minute and a half on two cores.
const TIME: Duration = Duration::from_secs(4);

fn survives(name: &str) {
    let target = tollway_fuzz::targets::named(name).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let run = Run { target, time: TIME, seed: 1 };
    let outcome = watch(&run, Path::new(PROGRAM), folder.path()).unwrap();
    let kept = folder.keep();
    assert!(outcome.findings.is_empty(), "{:#?}; the inputs are in {}", outcome.findings, kept.display());
    std::fs::remove_dir_all(kept).unwrap();
    let inputs = corpus::read(name).unwrap().len() as u64;
    assert!(inputs > 0 && outcome.executions > inputs, "{} executions", outcome.executions);
}

macro_rules! targets {
    ($($test:ident: $name:literal,)+) => {
        $(
            #[test]
            fn $test() {
                survives($name);
            }
        )+

        #[test]
        fn every_target_has_a_test_a_corpus_and_a_binary() {
            let names: Vec<_> = ALL.iter().map(|target| target.name).collect();
            assert_eq!(names, [$($name),+]);
            for name in names {
                let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets").join(format!("{name}.rs"));
                let text = std::fs::read_to_string(binary).unwrap();
                assert!(text.contains(&format!("tollway_fuzz::targets::{name}(bytes)")), "{name}");
            }
        }
    };
}

targets! {
    the_framing_of_streams_survives: "framing",
    answers_in_openais_format_survive: "openai",
    answers_in_anthropics_format_survive: "anthropic",
    answers_in_geminis_format_survive: "gemini",
    requests_in_openais_format_of_completions_survive: "openai_chat",
    requests_in_openais_format_of_responses_survive: "openai_responses",
    requests_in_anthropics_format_survive: "anthropic_messages",
    price_lists_survive: "price_lists",
    rows_survive: "rows",
    damaged_files_survive: "damaged_files",
    damaged_exports_survive: "damaged_exports",
    lines_of_the_command_survive: "cost_lines",
    verbs_of_the_facade_survive: "verbs",
}

#[test]
fn the_corpus_is_small() {
    let sizes = |target: &Target| corpus::read(target.name).unwrap().iter().map(Vec::len).collect::<Vec<_>>();
    let all: Vec<Vec<usize>> = ALL.iter().map(sizes).collect();
    assert!(all.iter().all(|inputs| inputs.len() <= 40));
    assert!(all.iter().flatten().sum::<usize>() < 500_000);
}

#[test]
fn an_input_that_ends_the_process_is_a_recorded_finding() {
    for (name, said) in [("panic", "a target panics"), ("overflow", "signal"), ("hang", "takes longer than")] {
        let target: &'static Target = runner::trials().iter().find(|target| target.name == name).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let run = Run { target, time: Duration::ZERO, seed: 1 };
        let outcome = watch(&run, Path::new(PROGRAM), folder.path()).unwrap();
        let [(path, what)] = outcome.findings.as_slice() else { panic!("{name}: {outcome:?}") };
        assert!(what.contains(said), "{name}: {what}");
        assert_eq!(std::fs::read(path).unwrap(), runner::TRIAL);
    }
}

#[test]
fn an_unknown_target_is_refused_with_the_known_ones() {
    let output = Command::new(PROGRAM).arg("moon").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("name a target: framing, openai, "));
}
