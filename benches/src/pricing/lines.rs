//! Usages priced by the command, from lines of JSON with their prices.

use std::fmt::Write as _;
use std::hint::black_box;

const LINES: u64 = 4_096;
/// How many price lists the lines name: each is read once and then known.
const LISTS: u64 = 256;

/// Makes lines as a log of calls has them: many usages, few price lists, each line with its own.
fn lines() -> String {
    let mut text = String::new();
    for line in 0..LINES {
        let list = line % LISTS;
        let price = |base: u64| format!("{base}.{list:03}e-07");
        let _ = writeln!(
            text,
            r#"{{"id":"{line}","format":"litellm","provider":"house","model":"model-{list}","prices":{{"input_cost_per_token":"{}","input_cost_per_token_above_200k_tokens":"{}","input_cost_per_token_batches":"{}","cache_read_input_token_cost":"{}","output_cost_per_token":"{}","output_cost_per_token_above_200k_tokens":"{}","output_cost_per_token_batches":"{}"}},"usage":{{"input_tokens_total":{},"cached_input_tokens":{},"output_tokens_total":{},"reasoning_tokens":20}}}}"#,
            price(12),
            price(24),
            price(6),
            price(1),
            price(50),
            price(90),
            price(25),
            1_000 + line * 61,
            500 + line,
            100 + line,
        );
    }
    text
}

/// What only reading the lines costs.
pub(crate) fn bare_parse() -> impl FnMut() -> u64 {
    let text = lines();
    move || {
        for line in text.lines() {
            let value: Result<serde_json::Value, _> = serde_json::from_str(line);
            let _ = black_box(value);
        }
        LINES
    }
}

/// The command itself, reading and writing memory.
pub(crate) fn command() -> impl FnMut() -> u64 {
    let text = lines();
    let mut output = Vec::new();
    move || {
        output.clear();
        let arguments = ["tollway", "cost", "--jsonl"].map(std::ffi::OsString::from);
        let code = tollway_cli::run(arguments, text.as_bytes(), &mut output, std::io::sink());
        assert_eq!(code, 0, "every line has a cost");
        black_box(&output);
        LINES
    }
}
