//! The command, called as a function over the bundled catalog.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::ffi::OsString;

use serde_json::Value;

/// What the command wrote, and its exit code.
struct Ran {
    code: u8,
    output: String,
    errors: String,
}

fn run(arguments: &[&str]) -> Ran {
    let arguments = std::iter::once("tollway").chain(arguments.iter().copied()).map(OsString::from);
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let code = tollway_cli::run(arguments, std::io::empty(), &mut output, &mut errors);
    Ran { code, output: String::from_utf8(output).unwrap(), errors: String::from_utf8(errors).unwrap() }
}

fn json(arguments: &[&str]) -> Value {
    let ran = run(arguments);
    serde_json::from_str(&ran.output).unwrap_or_else(|error| panic!("{error}: {} {}", ran.output, ran.errors))
}

const MODEL: &str = "openai/gpt-4o-mini";

#[test]
fn a_usage_is_priced_by_the_catalog() {
    let ran =
        run(&["cost", MODEL, "--input-tokens", "1200", "--cached-input-tokens", "1024", "--output-tokens", "300"]);
    assert_eq!((ran.code, ran.errors.as_str()), (0, ""));
    // 176 x 0.15 + 1024 x 0.075 + 300 x 0.60 per million.
    assert!(ran.output.contains("\ntotal  0.0002832 USD\n"), "{}", ran.output);
    let lines: Vec<_> = ran.output.lines().filter(|line| line.contains("_token ")).collect();
    assert_eq!(lines.len(), 3, "{}", ran.output);
    assert!(lines[1].starts_with("cached_input_token") && lines[1].ends_with("0.0000768"), "{}", lines[1]);
}

#[test]
fn totals_and_meters_make_the_same_cost() {
    let totals = ["--input-tokens", "1200", "--cached-input-tokens", "1024", "--output-tokens", "300"];
    let meters = r#"{"input_token": 176, "cached_input_token": "1024", "output_token": 3e2}"#;
    let by_totals = json(&[&["cost", MODEL, "--json"], totals.as_slice()].concat());
    let by_meters = json(&["cost", MODEL, "--json", "--usage", meters]);
    assert_eq!(by_totals["cost"], "0.0002832");
    assert_eq!((&by_totals["cost"], &by_totals["lines"]), (&by_meters["cost"], &by_meters["lines"]));
    assert_eq!((&by_totals["currency"], &by_totals["cost_status"]), (&"USD".into(), &"computed".into()));
}

#[test]
fn cost_of_a_meter_without_a_price_is_unpriced_and_never_zero() {
    let arguments = ["cost", MODEL, "--input-tokens", "10", "--output-tokens", "5", "--pages", "2"];
    let ran = run(&arguments);
    assert_eq!(ran.code, 1);
    assert!(ran.output.contains("unpriced: there is no price for page\n"), "{}", ran.output);
    assert!(!ran.output.contains("total"), "{}", ran.output);
    let answer = json(&[arguments.as_slice(), &["--json"]].concat());
    assert_eq!((answer.get("cost"), &answer["cost_status"]), (None, &"unpriced".into()));
    assert!(answer["error"].as_str().unwrap().contains("page"), "{answer}");
}

#[test]
fn cost_says_which_service_tier_has_no_prices() {
    let arguments = ["cost", MODEL, "--input-tokens", "10", "--output-tokens", "1", "--fact", "service_tier=moonlit"];
    let ran = run(&arguments);
    assert_eq!(ran.code, 0);
    assert!(ran.output.contains("Note: there is no price of the tier that was served"), "{}", ran.output);
    assert_eq!(json(&[arguments.as_slice(), &["--json"]].concat())["flags"][0], "other_service_tier");
}

#[test]
fn no_price_is_borrowed_from_a_similar_name() {
    let ran = run(&["cost", "openai/gpt-4o-minimal", "--input-tokens", "1"]);
    assert_eq!((ran.code, ran.output.as_str()), (1, ""));
    assert!(ran.errors.contains("has no openai/gpt-4o-minimal") && ran.errors.contains(MODEL), "{}", ran.errors);
    let ran = run(&["cost", "gpt-4o-mini", "--input-tokens", "1"]);
    assert!(ran.code == 1 && ran.errors.contains("PROVIDER/MODEL"), "{}", ran.errors);
}

#[test]
fn wrong_arguments_of_the_command_say_what_to_do() {
    for (arguments, code, says) in [
        (&["cost", MODEL][..], 1, "--input-tokens"),
        (&["cost", MODEL, "--usage", "{}"], 1, "--input-tokens"),
        (&["cost", MODEL, "--usage", r#"{"input_tokens": 1}"#], 1, "give input_token, or input_tokens_total"),
        (&["cost", MODEL, "--usage", r#"{"quack": 1}"#], 1, "meters are input_token,"),
        (&["cost", MODEL, "--usage", r#"{"input_token": -1}"#], 1, "-1 is no number of zero or more"),
        (&["cost", MODEL, "--usage", "{"], 1, "--usage must be a JSON object"),
        (&["cost", MODEL, "--usage", "{}", "--input-tokens", "1"], 2, "cannot be used with"),
        (&["cost", "--jsonl", MODEL], 2, "cannot be used with"),
        (&["cost"], 2, "PROVIDER/MODEL"),
        (&["cost", MODEL, "--input-tokens", "-1"], 2, "give a whole number of zero or more"),
        (&["cost", MODEL, "--input-tokens", "1", "--at", "yesterday"], 2, "2026-11-22T08:00:00Z"),
        (&["cost", MODEL, "--input-tokens", "1", "--fact", "tier=batch"], 2, "known are service_tier"),
        (&["cost", MODEL, "--input-tokens", "1", "--fact", "duration=long"], 2, "duration=8.5"),
        (&["cost", MODEL, "--input-tokens", "1", "--book", "/nowhere/book.json"], 1, "/nowhere/book.json"),
        (&["prices", "list", "--capability", "smell"], 2, "possible values: text"),
        (&["prices", "list", "--provider", "acme"], 1, "no model of that provider"),
        (&["prices", "show", "acme/duck"], 1, "has no acme/duck"),
        (&["prices", "lint", "x.json", "--format", "yaml"], 2, "genai-prices"),
        (&["price"], 2, "prices"),
        (&[], 2, "Usage: tollway"),
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.errors);
        assert!(ran.errors.contains(says), "{arguments:?}: {}", ran.errors);
        assert_eq!(ran.output, "", "{arguments:?}");
    }
}

#[test]
fn the_catalog_is_listed_and_shown() {
    let offers = json(&["prices", "list", "--provider", "openai", "--json"]);
    let names: Vec<_> = offers.as_array().unwrap().iter().map(|offer| offer["model"].as_str().unwrap()).collect();
    assert!(
        names.contains(&"gpt-4o-mini") && offers.as_array().unwrap().iter().all(|offer| offer["provider"] == "openai")
    );
    let listed = run(&["prices", "list", "--provider", "openai", "--capability", "text"]).output;
    let line = listed.lines().find(|line| line.starts_with("openai/gpt-4o-mini ")).unwrap();
    assert!(line.contains("0.15 USD per 1M tokens") && line.contains("0.6 USD per 1M tokens"), "{line}");
    let shown = run(&["prices", "show", MODEL]).output;
    for part in ["openai/gpt-4o-mini\n", "  checked ", "  source ", "\ncached_input_token ", "0.075 USD per 1M tokens"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let offer = json(&["prices", "show", MODEL, "--json"]);
    assert!(offers.as_array().unwrap().contains(&offer));
}

#[test]
fn help_and_version_are_no_errors() {
    for arguments in [&["--help"][..], &["cost", "--help"], &["prices", "--help"], &["prices", "diff", "--help"]] {
        let ran = run(arguments);
        assert_eq!((ran.code, ran.errors.as_str()), (0, ""), "{arguments:?}");
        assert!(ran.output.contains("Usage: tollway"), "{}", ran.output);
    }
    assert_eq!(run(&["--version"]).output, format!("tollway {}\n", env!("CARGO_PKG_VERSION")));
}

/// A reader that has had enough.
struct Closed;

impl std::io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_output_pipe_is_no_error() {
    for arguments in [&["prices", "list"][..], &["prices", "list", "--json"], &["cost", MODEL, "--input-tokens", "1"]] {
        let mut errors = Vec::new();
        let arguments = std::iter::once("tollway").chain(arguments.iter().copied()).map(OsString::from);
        assert_eq!(tollway_cli::run(arguments, std::io::empty(), Closed, &mut errors), 0);
        assert_eq!(errors, b"");
    }
}
