//! The command over price lists of files.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test by panicking")]

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::{Value, json};

/// What the command wrote, and its exit code.
struct Ran {
    code: u8,
    output: String,
    errors: String,
}

/// A folder with files of one test, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).into_os_string().into_string().unwrap()
    }

    fn write(&self, name: &str, value: &Value) -> String {
        std::fs::write(self.0.join(name), value.to_string()).unwrap();
        self.path(name)
    }
}

fn run(arguments: &[&str]) -> Ran {
    let arguments = std::iter::once("tollway").chain(arguments.iter().copied()).map(OsString::from);
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let code = tollway_cli::run(arguments, std::io::empty(), &mut output, &mut errors);
    Ran { code, output: String::from_utf8(output).unwrap(), errors: String::from_utf8(errors).unwrap() }
}

fn good(arguments: &[&str]) -> String {
    let ran = run(arguments);
    assert_eq!((ran.code, ran.errors.as_str()), (0, ""), "{arguments:?}: {}", ran.output);
    ran.output
}

/// A list with a tier by length, a batch discount, an off-peak price and a minimum.
fn duck(input: &str) -> Value {
    json!({
        "provider": "acme", "model": "duck-2", "aliases": ["duck-latest"], "currency": "CNY",
        "source": "price page 3", "checked": "2026-11-20", "note": "Prices for pond water only.",
        "prices": [
            {"pricing_type": "input_token", "unit_price": input, "unit": "per_1m_tokens"},
            {"pricing_type": "input_token", "unit_price": "8", "unit": "per_1m_tokens",
                "conditions": {"input_tokens": {"above": 32000}}},
            {"pricing_type": "output_token", "unit_price": "10", "unit": "per_1m_tokens"},
            {"pricing_type": "output_token", "unit_price": "5", "unit": "per_1m_tokens", "conditions": {"calendar": {
                "time_zone": "Asia/Shanghai", "hours": [{"from": "00:30:00", "until": "08:30:00"}]}}},
            {"pricing_type": "input_audio_second", "unit_price": "0.6", "unit": "per_minute",
                "rounding": {"minimum_quantity": 10}},
            {"pricing_type": "modifier", "unit_price": "0.5", "unit": "ratio",
                "conditions": {"service_tier": "batch"}, "modifier": {"group": "batch"}}
        ]
    })
}

fn list(offers: &[Value]) -> Value {
    json!({"format": "tollway-prices", "version": 1, "offers": offers})
}

/// Noon in Shanghai, which is no off-peak hour.
const NOON: &str = "2026-11-23T04:00:00Z";

#[test]
fn a_usage_is_priced_by_a_list_and_what_the_call_was() {
    let folder = Folder::new("cost");
    let book = folder.write("book.json", &list(&[duck("4")]));
    let cost = |more: &[&str]| -> Value {
        let base = ["cost", "acme/duck-2", "--book", &book, "--at", NOON, "--json"];
        serde_json::from_str(&good(&[&base[..], more].concat())).unwrap()
    };
    for (more, amount) in [
        // 1000 x 4 + 100 x 10 per million; then 40000 x 8; then half of the first; then at the night's output price.
        (&["--input-tokens", "1000", "--output-tokens", "100"][..], "0.005"),
        (&["--input-tokens", "40000"], "0.32"),
        (&["--input-tokens", "1000", "--output-tokens", "100", "--fact", "service_tier=batch"], "0.0025"),
        (&["--usage", r#"{"input_token": 1000, "output_token": 100, "service_tier": "batch"}"#], "0.0025"),
        (&["--usage", r#"{"input_tokens_total": 1000, "output_tokens_total": 100}"#], "0.005"),
        (&["--audio-seconds", "4.5"], "0.1"),
    ] {
        let answer = cost(more);
        assert_eq!((&answer["cost"], &answer["currency"]), (&amount.into(), &"CNY".into()), "{more:?}: {answer}");
        assert_eq!(
            (&answer["source"], &answer["note"]),
            (&"price page 3".into(), &"Prices for pond water only.".into())
        );
    }
    let night =
        good(&["cost", "acme/duck-latest", "--book", &book, "--at", "2026-11-22T20:00:00Z", "--output-tokens", "100"]);
    assert!(night.contains("total  0.0005 CNY\n") && night.contains("Note: Prices for pond water only."), "{night}");
    let batch = ["cost", "acme/duck-2", "--book", &book, "--audio-seconds", "4.5", "--fact", "service_tier=batch"];
    let batch = good(&batch);
    assert!(batch.contains("0.5 batch") && batch.contains("total  0.05 CNY"), "{batch}");
    let line = batch.lines().find(|line| line.starts_with("input_audio_second")).unwrap();
    assert_eq!(line.split_whitespace().take(3).collect::<Vec<_>>(), ["input_audio_second", "4.5", "10"]);
}

#[test]
fn every_price_of_a_list_is_shown_in_words() {
    let folder = Folder::new("show");
    let book = folder.write("book.json", &list(&[duck("4")]));
    let shown = good(&["prices", "show", "acme/duck-latest", "--book", &book]);
    for part in [
        "acme/duck-2\n",
        "also named     duck-latest\n",
        "price page 3\n",
        "8 CNY per 1M tokens   input tokens > 32000\n",
        "5 CNY per 1M tokens   00:30-08:30 Asia/Shanghai\n",
        "at least 10\n",
        "batch on everything  x 0.5                 service tier batch\n",
    ] {
        assert!(shown.contains(part), "{part:?} in {shown}");
    }
    let offer: Value =
        serde_json::from_str(&good(&["prices", "show", "acme/duck-2", "--book", &book, "--json"])).unwrap();
    assert_eq!(offer["prices"].as_array().unwrap().len(), 6);
    let listed = good(&["prices", "list", "--book", &book]);
    assert!(listed.contains("acme/duck-2") && listed.contains("4 CNY per 1M tokens"), "{listed}");
}

#[test]
fn a_list_is_imported_counted_and_written_in_tollways_form() {
    let folder = Folder::new("import");
    let theirs = folder.write(
        "theirs.json",
        &json!({"house-model": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1.5e-7,
            "output_cost_per_token": 6e-7, "cost_per_quack": 3}}),
    );
    let ours = folder.path("ours.json");
    let arguments =
        ["prices", "import", &theirs, "--format", "litellm", "--source", "house list 7", "--checked", "2026-11-19"];
    let report = good(&[&arguments[..], &["--output", &ours]].concat());
    assert!(report.contains("1 entry made 1 offer with 2 prices.") && report.contains("cost_per_quack"), "{report}");
    let shown = good(&["prices", "show", "openai/house-model", "--book", &ours]);
    assert!(
        shown.contains("house list 7") && shown.contains("2026-11-19") && shown.contains("0.15 USD per 1M"),
        "{shown}"
    );
    let cost = good(&["cost", "openai/house-model", "--book", &ours, "--input-tokens", "1000000", "--json"]);
    let direct =
        ["cost", "openai/house-model", "--book", &theirs, "--format", "litellm", "--input-tokens", "1000000", "--json"];
    let direct: Value = serde_json::from_str(&good(&direct)).unwrap();
    let cost: Value = serde_json::from_str(&cost).unwrap();
    assert_eq!((&cost["cost"], &direct["cost"]), (&"0.15".into(), &"0.15".into()));
    let report: Value = serde_json::from_str(&good(&[&arguments[..], &["--json"]].concat())).unwrap();
    assert_eq!((&report["offers"], &report["not_understood"][0]["key"]), (&1.into(), &"cost_per_quack".into()));
    let strict = run(&[&arguments[..], &["--strict"]].concat());
    assert!(strict.code == 1 && strict.errors.contains("cost_per_quack"), "{}", strict.errors);
}

#[test]
fn diff_names_what_differs_between_two_lists() {
    let folder = Folder::new("diff");
    let mut swan = duck("4");
    swan["model"] = "swan-1".into();
    swan["aliases"] = json!([]);
    let old = folder.write("old.json", &list(&[duck("4")]));
    let new = folder.write("new.json", &list(&[duck("3"), swan]));
    let said = good(&["prices", "diff", &old, &new]);
    assert!(
        said.contains("  added    acme/swan-1\n") && said.contains("1 model added, 0 models removed, 1 price changed."),
        "{said}"
    );
    assert!(said.contains("4 CNY per 1M tokens  3 CNY per 1M tokens"), "{said}");
    let same: Value = serde_json::from_str(&good(&["prices", "diff", &old, &old, "--json"])).unwrap();
    assert_eq!(same, json!({"added": [], "removed": [], "changed": []}));
    let catalog: Value = serde_json::from_str(&good(&["prices", "diff", &old, "--json"])).unwrap();
    assert_eq!(catalog["removed"], json!(["acme/duck-2"]));
    assert!(catalog["added"].as_array().unwrap().contains(&"openai/gpt-4o-mini".into()));
}

#[test]
fn lint_exits_with_1_where_a_list_has_findings() {
    let folder = Folder::new("lint");
    let fine = json!({"provider": "acme", "model": "duck-3", "currency": "USD", "source": "page 3", "checked": "2026-11-20",
        "prices": [{"pricing_type": "input_token", "unit_price": "1", "unit": "per_1m_tokens"},
            {"pricing_type": "output_token", "unit_price": "2", "unit": "per_1m_tokens"}]});
    let mut odd = fine.clone();
    odd["prices"]
        .as_array_mut()
        .unwrap()
        .push(json!({"pricing_type": "cached_input_token", "unit_price": "9", "unit": "per_1m_tokens"}));
    let said = good(&["prices", "lint", &folder.write("fine.json", &list(&[fine]))]);
    assert!(said.starts_with("0 findings in 1 offer"), "{said}");
    let odd = folder.write("odd.json", &list(&[odd]));
    let ran = run(&["prices", "lint", &odd]);
    assert!(
        ran.code == 1 && ran.output.contains("acme/duck-3") && ran.output.contains("1 finding in 1 offer"),
        "{}",
        ran.output
    );
    let ran = run(&["prices", "lint", &odd, "--json"]);
    assert_eq!(
        (ran.code, serde_json::from_str::<Value>(&ran.output).unwrap()[0]["offer"].as_str()),
        (1, Some("acme/duck-3"))
    );
}

#[test]
fn a_list_of_another_form_is_refused_with_what_to_do() {
    let folder = Folder::new("refused");
    let theirs = folder.write("theirs.json", &json!({"house-model": {"input_cost_per_token": 1}}));
    let ran = run(&["prices", "list", "--book", &theirs]);
    assert!(ran.code == 1 && ran.errors.contains("name it with --format"), "{}", ran.errors);
    std::fs::write(folder.path("broken.json"), "{").unwrap();
    let ran = run(&["prices", "list", "--book", &folder.path("broken.json"), "--format", "litellm"]);
    assert!(
        ran.code == 1 && !ran.errors.contains("--format") && ran.errors.contains("invalid_request"),
        "{}",
        ran.errors
    );
    std::fs::write(folder.path("broken.json"), b"\xFF").unwrap();
    let ran = run(&["prices", "lint", &folder.path("broken.json")]);
    assert!(ran.code == 1 && ran.errors.contains("no UTF-8 text from byte"), "{}", ran.errors);
}

#[test]
fn every_command_refuses_a_deeply_nested_list_and_a_path_that_is_no_file() {
    let folder = Folder::new("deep");
    let deep = folder.path("deep.json");
    std::fs::write(&deep, format!("{}1{}", "{\"a\":".repeat(200_000), "}".repeat(200_000))).unwrap();
    for format in ["litellm", "genai-prices", "models.dev", "openrouter", "tollway"] {
        for command in ["lint", "import"] {
            let ran = run(&["prices", command, &deep, "--format", format]);
            assert!(ran.code == 1 && ran.errors.contains("nests deeper than 96 levels"), "{format}: {}", ran.errors);
            let ran = run(&["prices", command, &folder.path(""), "--format", format]);
            assert!(ran.code == 1 && ran.errors.contains("is no regular file"), "{format}: {}", ran.errors);
        }
    }
}
