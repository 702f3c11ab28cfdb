//! Whole answers of plain text, which most are: read without making a tree of them.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::provider::DecodedChat;
use crate::provider::finish_reason::finish_reason;
use crate::provider::vendor::Quirks;
use crate::types::{AssistantMessage, Choice, Completion, Content, Place, ReportedModalities, ReportedUsage};

/// An answer of one text, with counts of tokens that tell nothing else that matters. Any other field, or a value in a field that
/// is null here, makes it one for the reader of all answers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TextAnswer<'a> {
    #[serde(default)]
    id: Option<String>,
    #[serde(borrow)]
    object: Cow<'a, str>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    service_tier: Option<String>,
    choices: [TextChoice; 1],
    usage: TextUsage,
    #[serde(default, rename = "created")]
    _created: Option<IgnoredAny>,
    #[serde(default, rename = "system_fingerprint")]
    _system_fingerprint: Option<IgnoredAny>,
    #[serde(default, rename = "error")]
    _error: (),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextChoice {
    #[serde(default)]
    index: u32,
    message: TextMessage,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default, rename = "logprobs")]
    _logprobs: (),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextMessage {
    content: String,
    #[serde(default, rename = "role")]
    _role: Option<IgnoredAny>,
    #[serde(default, rename = "refusal")]
    _refusal: (),
    #[serde(default, rename = "tool_calls")]
    _tool_calls: (),
    #[serde(default, rename = "function_call")]
    _function_call: (),
    #[serde(default, rename = "reasoning_content")]
    _reasoning_content: (),
    #[serde(default, rename = "annotations")]
    _annotations: Option<[IgnoredAny; 0]>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    #[serde(default)]
    total_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<InputDetails>,
    #[serde(default)]
    completion_tokens_details: Option<OutputDetails>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct InputDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
    #[serde(default)]
    audio_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the fields are named as on the wire")]
struct OutputDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
    #[serde(default)]
    audio_tokens: Option<u64>,
    #[serde(default, rename = "accepted_prediction_tokens")]
    _accepted_prediction_tokens: Option<u64>,
    #[serde(default)]
    rejected_prediction_tokens: Option<u64>,
}

impl<'a> TextAnswer<'a> {
    /// Reads an answer; nothing if it is none of these.
    pub(super) fn read(body: &'a [u8]) -> Option<Self> {
        let answer: Self = serde_json::from_slice(body).ok()?;
        (answer.object == "chat.completion").then_some(answer)
    }

    /// Returns what it says.
    pub(super) fn into_decoded(self, quirks: &Quirks) -> DecodedChat {
        let said = |text: Option<String>| text.filter(|text| !text.is_empty());
        let [choice] = self.choices;
        let reason = choice.finish_reason;
        let choice = Choice {
            index: choice.index,
            finish_reason: reason.as_deref().and_then(|reason| finish_reason(reason, false)),
            message: AssistantMessage {
                content: Some(Content::Text(choice.message.content)),
                ..AssistantMessage::default()
            },
            provider_finish_reason: reason,
            logprobs: None,
        };
        let completion = Completion {
            id: said(self.id),
            model: said(self.model),
            choices: vec![choice],
            service_tier: said(self.service_tier),
        };
        DecodedChat { completion, usage: Some(self.usage.reported(quirks)), is_piece: false }
    }
}

impl TextUsage {
    fn reported(self, quirks: &Quirks) -> ReportedUsage {
        let input = self.prompt_tokens_details.unwrap_or_default();
        let output = self.completion_tokens_details.unwrap_or_default();
        ReportedUsage {
            input: Some(self.prompt_tokens),
            cached_input: input.cached_tokens,
            cached_place: Place::Inside,
            cache_write_place: if quirks.cache_write_outside_input { Place::OutsideTotal } else { Place::Inside },
            bills_cache_overlap: quirks.bills_cache_overlap,
            input_outside: input.audio_tokens.filter(|_| quirks.audio_outside_input),
            output: Some(self.completion_tokens),
            reasoning: output.reasoning_tokens,
            reasoning_place: quirks.reasoning_place,
            total: self.total_tokens,
            input_modalities: ReportedModalities { audio: input.audio_tokens, ..ReportedModalities::default() },
            output_audio: output.audio_tokens,
            rejected_prediction: output.rejected_prediction_tokens,
            ..ReportedUsage::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::super::decode::{decode, decode_tree};
    use super::*;
    use crate::provider::ResponseHead;
    use crate::provider::testing::Subject;

    const PROVIDERS: [&str; 10] = [
        "openai",
        "openrouter",
        "perplexity",
        "xai",
        "vercel",
        "deepseek",
        "dashscope",
        "mistral",
        "moonshot",
        "house",
    ];

    fn answer() -> Value {
        json!({
            "id": "c", "object": "chat.completion", "created": 1, "model": "m", "service_tier": "default",
            "system_fingerprint": null,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "a\n\"b", "refusal": null, "annotations": []},
                "logprobs": null, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 16,
                "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 1},
                "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 0, "accepted_prediction_tokens": 0,
                    "rejected_prediction_tokens": 3}},
        })
    }

    /// Reads what is a plain answer in both ways; returns whether it is one.
    fn is_read_alike(answer: &Value) -> bool {
        let (body, head) = (answer.to_string(), ResponseHead { status: 200, ..ResponseHead::default() });
        let is_plain = TextAnswer::read(body.as_bytes()).is_some();
        for provider in PROVIDERS {
            let subject = Subject::new(provider, "m");
            let target = subject.target();
            let (read, tree) = (decode(&target, &head, body.as_bytes()), decode_tree(&target, &head, body.as_bytes()));
            assert_eq!(read.ok(), tree.ok(), "{provider} {body}");
        }
        is_plain
    }

    #[test]
    fn the_fast_reader_takes_answers_of_plain_text_only() {
        assert!(is_read_alike(&answer()));
        for (place, value, is_plain) in [
            ("/id", json!(""), true),
            ("/model", json!(null), true),
            ("/choices/0/finish_reason", json!("length"), true),
            ("/choices/0/finish_reason", json!("tool_call"), true),
            ("/choices/0/finish_reason", json!(null), true),
            ("/choices/0/finish_reason", json!(7), false),
            ("/choices/0/index", json!(3), true),
            ("/choices/0/index", json!(null), false),
            ("/choices/0/message/content", json!(""), true),
            ("/choices/0/message/content", json!(null), false),
            ("/choices/0/message/content", json!([{"type": "text", "text": "a"}]), false),
            ("/choices/0/message/refusal", json!("no"), false),
            ("/choices/0/message/annotations", json!([{"type": "url_citation"}]), false),
            ("/choices/0/message", json!({"content": "a", "tool_calls": []}), false),
            ("/choices/0/message", json!({"content": "a", "reasoning": "b"}), false),
            ("/choices/0", json!({"delta": {"content": "a"}}), false),
            ("/choices", json!([]), false),
            ("/object", json!("chat.completion.chunk"), false),
            ("/object", json!("error"), false),
            ("/usage", json!(null), false),
            ("/usage", json!({"prompt_tokens": 1}), false),
            ("/usage", json!({"prompt_tokens": 1, "completion_tokens": 2}), true),
            ("/usage", json!({"prompt_tokens": 1, "completion_tokens": 2, "cost": 0.5}), false),
            ("/usage", json!({"prompt_tokens": "1", "completion_tokens": 2}), false),
            ("/usage", json!({"prompt_tokens": 1.0, "completion_tokens": 2}), false),
            ("/usage", json!({"prompt_tokens": -1, "completion_tokens": 2}), false),
            ("/usage/prompt_tokens_details", json!({"cached_tokens": 4, "cache_write_tokens": 2}), false),
            ("/usage/prompt_tokens_details", json!(null), true),
            ("/usage/completion_tokens_details", json!({"reasoning_tokens": null}), true),
        ] {
            let mut answer = answer();
            *answer.pointer_mut(place).unwrap() = value.clone();
            assert_eq!(is_read_alike(&answer), is_plain, "{place} {value}");
        }
        for more in ["error", "x_groq", "base_resp", "citations"] {
            let mut answer = answer();
            answer[more] = json!({"message": "no"});
            assert!(!is_read_alike(&answer), "{more}");
        }
        assert!(TextAnswer::read(br#"{"object": "chat.completion"}"#).is_none());
        assert!(TextAnswer::read(b"ping").is_none());
    }

    fn counts(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
        let count =
            prop_oneof![Just(Value::Null), (0_u64..50).prop_map(Value::from), any::<u64>().prop_map(Value::from)];
        prop::collection::vec(prop::option::of(count), names.len()).prop_map(|counts| {
            let fields = names.iter().zip(counts).filter_map(|(name, count)| Some(((*name).to_owned(), count?)));
            Value::Object(fields.collect::<Map<_, _>>())
        })
    }

    proptest! {
        #[test]
        fn the_fast_reader_agrees_with_the_full_one(
            text in ".{0,20}",
            usage in counts(&["prompt_tokens", "completion_tokens", "total_tokens"]),
            input in counts(&["cached_tokens", "audio_tokens"]),
            output in counts(&["reasoning_tokens", "audio_tokens", "accepted_prediction_tokens", "rejected_prediction_tokens"]),
        ) {
            let mut answer = answer();
            answer["choices"][0]["message"]["content"] = json!(text);
            answer["usage"] = usage;
            answer["usage"]["prompt_tokens_details"] = input;
            answer["usage"]["completion_tokens_details"] = output;
            is_read_alike(&answer);
        }
    }
}
