//! The lines of the command.

use std::ffi::OsString;

pub(super) const WORDS: &[&str] = &[
    "\"format\"",
    "\"litellm\"",
    "\"genai-prices\"",
    "\"tollway\"",
    "\"prices\"",
    "\"usage\"",
    "\"price_rules\"",
    "\"provider\"",
    "\"model\"",
    "\"id\"",
    "\"input_tokens_total\"",
    "\"output_tokens_total\"",
    "\"input_token\"",
    "\"unit_price\"",
    "\"unit\"",
    "\"per_token\"",
    "\"input_cost_per_token\"",
    "\"images\"",
    "\"image_size\"",
    "\"1024x1024\"",
    "\"seconds\"",
    "\"timestamp\"",
    "\"2026-11-22T11:59:59Z\"",
    "\"service_tier\"",
    "\"batch\"",
    "\"wall_clock_ms\"",
    "\"web_searches\"",
    "\"max_results\"",
    "\n",
    "\"tiered_pricing\"",
    "\"search_context_cost_per_query\"",
    "\"requests\"",
    "\"citation_tokens\"",
    "\"pages\"",
];

/// Prices lines as `tollway cost --jsonl` does: each line that says anything has one answer, and no cost is below zero.
pub fn cost_lines(bytes: &[u8]) {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let arguments = ["tollway", "cost", "--jsonl"].map(OsString::from);
    let code = tollway_cli::run(arguments, bytes, &mut output, &mut errors);
    assert!(code <= 1 && errors.is_empty(), "{code}: {}", String::from_utf8_lossy(&errors));
    let body = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let asked = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
    let answers: Vec<_> = output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    assert_eq!(answers.len(), asked, "{}", String::from_utf8_lossy(&output));
    for answer in answers {
        // The id of a line is repeated as it came, so that only its bounds are looked at.
        assert!(answer.starts_with(b"{") && answer.ends_with(b"}"), "{}", String::from_utf8_lossy(answer));
        let says_less_than_nothing = answer.windows(9).any(|window| window == b"\"cost\":\"-");
        assert!(
            !says_less_than_nothing || bytes.windows(9).any(|window| window == b"\"cost\":\"-"),
            "{}",
            String::from_utf8_lossy(answer)
        );
    }
}
