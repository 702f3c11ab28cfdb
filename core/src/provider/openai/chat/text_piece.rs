//! Pieces of plain text, which most of a stream are: read without making a tree of them.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// A chunk that brings a piece of one answer's text and tells nothing else that matters. Any other field, or a value in a field
/// that is null here, makes it one for the reader of all chunks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TextPiece<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) service_tier: Option<Cow<'a, str>>,
    #[serde(borrow)]
    choices: [PieceChoice<'a>; 1],
    #[serde(borrow, default, rename = "object")]
    object: Option<Cow<'a, str>>,
    #[serde(default, rename = "created")]
    _created: Option<IgnoredAny>,
    #[serde(default, rename = "system_fingerprint")]
    _system_fingerprint: Option<IgnoredAny>,
    #[serde(default, rename = "obfuscation")]
    _obfuscation: Option<IgnoredAny>,
    #[serde(default, rename = "usage")]
    _usage: (),
    #[serde(default, rename = "error")]
    _error: (),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PieceChoice<'a> {
    #[serde(default)]
    index: u32,
    #[serde(borrow)]
    delta: PieceDelta<'a>,
    #[serde(default, rename = "finish_reason")]
    _finish_reason: (),
    #[serde(default, rename = "logprobs")]
    _logprobs: (),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PieceDelta<'a> {
    #[serde(borrow)]
    content: Cow<'a, str>,
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
}

impl<'a> TextPiece<'a> {
    /// Reads a chunk; nothing if it is none of these.
    pub(super) fn read(data: &'a str) -> Option<Self> {
        let piece: Self = serde_json::from_str(data).ok()?;
        (piece.object.as_deref() != Some("error")).then_some(piece)
    }

    /// Returns the number of the answer.
    pub(super) const fn index(&self) -> u32 {
        self.choices[0].index
    }

    /// Takes the text.
    pub(super) fn into_text(self) -> String {
        let [choice] = self.choices;
        choice.delta.content.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_reader_takes_pieces_of_plain_text_only() {
        for (data, text) in [
            (r#"{"choices":[{"delta":{"content":"Hi"}}]}"#, Some("Hi")),
            (
                r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","service_tier":"default","system_fingerprint":null,"choices":[{"index":0,"delta":{"role":"assistant","content":"a\n\"b","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"xy"}"#,
                Some("a\n\"b"),
            ),
            (r#"{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}"#, None),
            (r#"{"choices":[{"index":0,"delta":{"content":"Hi"},"usage":{"total_tokens":1}}]}"#, None),
            (r#"{"choices":[{"index":0,"delta":{"content":"Hi"}}],"usage":{"prompt_tokens":1}}"#, None),
            (r#"{"choices":[{"index":0,"delta":{"content":"Hi"}}],"error":{"message":"no"}}"#, None),
            (r#"{"object":"error","choices":[{"index":0,"delta":{"content":"Hi"}}]}"#, None),
            (r#"{"choices":[{"index":0,"delta":{"content":"Hi","tool_calls":[{}]}}]}"#, None),
            (r#"{"choices":[{"index":0,"delta":{"content":null}}]}"#, None),
            (r#"{"choices":[{"index":0,"delta":{"content":"Hi"}},{"index":1,"delta":{"content":"Ho"}}]}"#, None),
            (r#"{"choices":[{"index":0,"delta":{"content":"Hi"},"message":{}}]}"#, None),
            (r#"{"x_groq":{},"choices":[{"index":0,"delta":{"content":"Hi"}}]}"#, None),
            (r#"{"choices":[{"index":0,"delta":{"content":"\ud83d"}}]}"#, None),
            ("ping", None),
        ] {
            assert_eq!(TextPiece::read(data).map(TextPiece::into_text).as_deref(), text, "{data}");
        }
    }
}
