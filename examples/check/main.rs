//! Every example, in every language, against the mock provider: what it prints is what `expected/` says.
//!
//! Python and Node are those that `TOLLWAY_TEST_PYTHON` and `TOLLWAY_TEST_NODE` name; without them their programs are
//! skipped, which is not allowed in CI.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mock_provider::{Fault, MockProvider, Reply, Script, Then};
use serde_json::json;

const LANGUAGES: [&str; 3] = ["rust", "python", "node"];

/// What Python and Node say where OpenAI's library is missing, as it is for versions that it does not support.
const LIBRARY_MISSING: [&str; 2] = ["No module named 'openai'", "Cannot find package 'openai'"];

#[test]
fn chat() {
    compare("01_chat", env!("CARGO_BIN_EXE_01_chat"), &[], &[]);
}

#[test]
fn stream() {
    // The second stream falls silent after some words, so that what had arrived is the same in every run.
    let words = ["Once", " upon", " a", " time", " a", " river", " met", " the", " sea."];
    let chunk = |word: &&str| json!({"id": "c", "choices": [{"index": 0, "delta": {"content": word}}]}).to_string();
    let events: Vec<String> = words.iter().map(chunk).collect();
    let heard = events[..6].iter().map(|event| format!("data: {event}\n\n").len()).sum();
    let mut story = Reply::events(events.into_iter().map(Into::into));
    story.fault = Some(Fault::HangAfterBytes(heard));
    compare("02_stream", env!("CARGO_BIN_EXE_02_stream"), &[Reply::automatic(), story], &[]);
}

#[test]
fn fallback() {
    compare("03_fallback", env!("CARGO_BIN_EXE_03_fallback"), &[], &[Reply::rate_limited(30)]);
}

#[test]
fn budget() {
    compare("04_budget", env!("CARGO_BIN_EXE_04_budget"), &[], &[]);
}

#[test]
fn drop_in() {
    compare("05_drop_in", env!("CARGO_BIN_EXE_05_drop_in"), &[], &[]);
}

#[test]
fn bill() {
    compare("06_bill", env!("CARGO_BIN_EXE_06_bill"), &[], &[]);
}

#[test]
fn without_a_key_each_says_which_to_set() {
    let programs = [
        env!("CARGO_BIN_EXE_01_chat"),
        env!("CARGO_BIN_EXE_02_stream"),
        env!("CARGO_BIN_EXE_03_fallback"),
        env!("CARGO_BIN_EXE_04_budget"),
        env!("CARGO_BIN_EXE_05_drop_in"),
        env!("CARGO_BIN_EXE_06_bill"),
    ];
    for binary in programs {
        let name = Path::new(binary).file_name().unwrap().to_str().unwrap();
        for language in LANGUAGES {
            let Some(mut command) = command(language, name, binary) else { continue };
            let Output { status, stderr, .. } = command.output().unwrap();
            let said = String::from_utf8(stderr).unwrap();
            assert!(!status.success() && said.contains("_API_KEY"), "{language} {name}: {status}: {said}");
        }
    }
}

/// Runs a program in every language; the vendors play the replies, and answer by themselves after them.
fn compare(name: &str, binary: &str, openai: &[Reply], anthropic: &[Reply]) {
    let expected = std::fs::read_to_string(examples().join("expected").join(format!("{name}.txt"))).unwrap();
    let mock = MockProvider::start_blocking(0, 1).unwrap();
    for language in LANGUAGES {
        let Some(mut command) = command(language, name, binary) else { continue };
        let play = |replies: &[Reply]| Script::new(replies.iter().cloned()).then(Then::Automatic);
        let openai = mock.script(&format!("openai-{language}"), play(openai)).unwrap();
        let anthropic = mock.script(&format!("anthropic-{language}"), play(anthropic)).unwrap();
        command.envs([("OPENAI_API_KEY", "sk-example"), ("ANTHROPIC_API_KEY", "sk-ant-example")]);
        command.env("OPENAI_BASE_URL", format!("{openai}/v1")).env("ANTHROPIC_BASE_URL", anthropic);
        let before = today();
        let Output { status, stdout, stderr } = command.output().unwrap();
        let printed = String::from_utf8(stdout).unwrap();
        let printed = printed.replace(&before, "YYYY-MM-DD").replace(&today(), "YYYY-MM-DD");
        // Node writes the names of parameters as its programs do.
        let printed = printed.replace("maxTokens", "max_tokens");
        let complaint = String::from_utf8_lossy(&stderr);
        if !in_ci() && LIBRARY_MISSING.iter().any(|missing| complaint.contains(missing)) {
            eprintln!("skipped: {language} {name}: OpenAI's library is not installed");
            continue;
        }
        assert!(status.success(), "{language} {name}: {status}: {complaint}");
        assert_eq!(printed, expected, "{language} {name} printed something else; {complaint}");
        println!("{language} {name} printed what it must");
    }
}

/// Makes the command that runs a program of a language, without any key; nothing if the language is not there.
fn command(language: &str, name: &str, binary: &str) -> Option<Command> {
    let mut command = match language {
        "rust" => Command::new(binary),
        "python" => interpreter("TOLLWAY_TEST_PYTHON", &examples().join("python").join(format!("{name}.py")))?,
        _ => interpreter("TOLLWAY_TEST_NODE", &examples().join("node").join(format!("{name}.mjs")))?,
    };
    for vendor in ["OPENAI", "ANTHROPIC"] {
        command.env_remove(format!("{vendor}_API_KEY")).env_remove(format!("{vendor}_BASE_URL"));
    }
    Some(command)
}

fn interpreter(variable: &str, program: &Path) -> Option<Command> {
    let Some(interpreter) = std::env::var_os(variable) else {
        assert!(!in_ci(), "{variable} is not set, and CI must set it");
        eprintln!("skipped {}: {variable} names no interpreter; run `make examples`", program.display());
        return None;
    };
    let mut command = Command::new(interpreter);
    command.arg(program);
    Some(command)
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn in_ci() -> bool {
    std::env::var("CI").as_deref() == Ok("true")
}

fn today() -> String {
    jiff::Timestamp::now().to_string()[..10].to_owned()
}
