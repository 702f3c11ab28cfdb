//! Why an answer stopped: the words of all vendors, in OpenAI's.

use crate::types::FinishReason;

/// The words, in lower case. Gateways write those of one vendor in the format of another, so that every format knows all.
const WORDS: [(FinishReason, &[&str]); 4] = [
    (
        FinishReason::Stop,
        &[
            "stop",
            "end_turn",
            "stop_sequence",
            "eos",
            "eos_token",
            "complete",
            "completed",
            "end",
            "done",
            "finish",
            "finished",
            "normal",
            "stop_token",
            "end_of_turn",
        ],
    ),
    (
        FinishReason::Length,
        &[
            "length",
            "max_tokens",
            "model_length",
            "max_output_tokens",
            "max_completion_tokens",
            "max_length",
            "max_token",
            "token_limit",
            "model_context_window_exceeded",
            "error_limit",
            "incomplete",
        ],
    ),
    (
        FinishReason::ToolCalls,
        &[
            "tool_calls",
            "tool_call",
            "tool_use",
            "function_call",
            "function_calls",
            "tool",
            "tools",
            "tooluse",
            "toolcalls",
        ],
    ),
    (
        FinishReason::ContentFilter,
        &[
            "content_filter",
            "content_filtered",
            "sensitive",
            "safety",
            "refusal",
            "recitation",
            "blocklist",
            "prohibited_content",
            "spii",
            "image_safety",
            "image_prohibited_content",
            "image_recitation",
            "model_armor",
            "guardrail_intervened",
            "moderation",
            "error_toxic",
            "blocked",
        ],
    ),
];

/// Returns a reason in OpenAI's words; nothing where the provider says that there is none yet.
///
/// An answer that calls tools waits for them, though many hosts say that it just stopped.
pub(super) fn finish_reason(reason: &str, has_calls: bool) -> Option<FinishReason> {
    let word = reason.trim().to_ascii_lowercase().replace(['-', ' '], "_");
    if matches!(word.as_str(), "" | "null" | "none" | "finish_reason_unspecified") {
        return None;
    }
    let found = WORDS.iter().find(|(_, words)| words.contains(&word.as_str()));
    Some(match found.map_or(FinishReason::Other, |(reason, _)| *reason) {
        FinishReason::Stop if has_calls => FinishReason::ToolCalls,
        reason => reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finish_reasons_of_all_vendors_are_known() {
        for (reason, expected) in [
            ("stop", Some(FinishReason::Stop)),
            ("eos", Some(FinishReason::Stop)),
            ("STOP", Some(FinishReason::Stop)),
            ("COMPLETE", Some(FinishReason::Stop)),
            ("tool_call", Some(FinishReason::ToolCalls)),
            ("tool-calls", Some(FinishReason::ToolCalls)),
            ("tooluse", Some(FinishReason::ToolCalls)),
            ("MAX_TOKENS", Some(FinishReason::Length)),
            ("sensitive", Some(FinishReason::ContentFilter)),
            ("network_error", Some(FinishReason::Other)),
            ("null", None),
            ("", None),
        ] {
            assert_eq!(finish_reason(reason, false), expected, "{reason}");
        }
    }

    #[test]
    fn an_answer_with_calls_waits_for_them_whatever_end_it_names() {
        for reason in ["stop", "eos", "end_turn", "COMPLETE", "tool_calls"] {
            assert_eq!(finish_reason(reason, true), Some(FinishReason::ToolCalls), "{reason}");
        }
        assert_eq!(finish_reason("length", true), Some(FinishReason::Length));
        assert_eq!(finish_reason("content_filter", true), Some(FinishReason::ContentFilter));
    }

    #[test]
    fn no_word_has_two_meanings() {
        let mut words: Vec<&str> = WORDS.iter().flat_map(|(_, words)| words.iter().copied()).collect();
        let all = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), all);
    }
}
