//! Bounds and estimates of a request's tokens, before and without a provider's count.
//!
//! A byte-level tokenizer never makes more tokens than there are UTF-8 bytes, so bytes bound text. What is not text has
//! a bound per part, above the largest count that the vendors document for one part.

use serde_json::{Map, Value};

use crate::types::{ChatRequest, Content, Message, Part, ResponseFormat, Usage, UsageFlag};

/// Tokens that a chat template adds to a conversation at the most.
const REQUEST_OVERHEAD: u64 = 256;
/// Tokens that a chat template adds to a message at the most.
const MESSAGE_OVERHEAD: u64 = 16;
/// Tokens of the instructions that vendors add when tools are offered (Anthropic documents up to 530).
const TOOLS_OVERHEAD: u64 = 1_024;
/// Tokens of the words that ask for a JSON object where a format has no field for it.
const JSON_OVERHEAD: u64 = 128;
/// Tokens of one image at the most (gpt-4o-mini counts 2,833 and 5,667 for each of up to 8 tiles).
const IMAGE_BOUND: u64 = 48_169;
/// Tokens of one image as a rule (Anthropic counts up to 1,600, Gemini 258 for each tile).
const IMAGE_ESTIMATE: u64 = 1_100;
/// Tokens of a document whose text is not seen here: it is named by its id, or packed.
const REMOTE_FILE_BOUND: u64 = 200_000;
/// Tokens of input that the request only names, such as a prompt that is cached at the provider: the largest context.
const REMOTE_INPUT_BOUND: u64 = 1_048_576;
/// The fields that name such input.
const REMOTE_INPUT: [&str; 3] = ["cached_content", "cachedContent", "mcp_servers"];
/// The output that is expected where the request does not limit it.
const EXPECTED_OUTPUT: u64 = 512;

/// What a request can consume at the most, and as a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate thing that an input can have")]
pub struct InputSize {
    /// No tokenizer makes more tokens of the input.
    pub bound: u64,
    /// About as many tokens as it will be.
    pub estimate: u64,
    /// Whether the request asks for 1-hour cache writes.
    pub writes_1h: bool,
    /// Whether it has sound.
    pub has_audio: bool,
    /// Whether it has images.
    pub has_images: bool,
    /// Whether it has files, which may hold anything.
    pub has_files: bool,
    /// Whether the answer was asked to have sound.
    pub asks_audio: bool,
}

/// Measures the input of a request.
#[must_use]
pub fn input_size(request: &ChatRequest) -> InputSize {
    let mut size = InputSize { bound: REQUEST_OVERHEAD, estimate: 3, ..InputSize::default() };
    for message in &request.messages {
        size.bound += MESSAGE_OVERHEAD;
        size.estimate += 4;
        match message {
            Message::System(message) | Message::User(message) => {
                size.add_content(&message.content);
                size.add_text(message.name.as_deref().unwrap_or_default());
            }
            Message::Tool(message) => {
                size.add_content(&message.content);
                size.add_text(&message.tool_call_id);
                size.add_text(message.name.as_deref().unwrap_or_default());
            }
            Message::Assistant(message) => {
                size.add_text(message.name.as_deref().unwrap_or_default());
                size.add_text(message.refusal.as_deref().unwrap_or_default());
                if let Some(content) = &message.content {
                    size.add_content(content);
                }
                size.add_text(message.reasoning_content.as_deref().unwrap_or_default());
                for block in &message.thinking_blocks {
                    size.add_text(&block.to_string());
                }
                for call in &message.tool_calls {
                    size.add_text(&call.id);
                    size.add_text(&call.function.name);
                    size.add_text(&call.function.arguments);
                    if let Some(extra) = &call.extra_content {
                        size.add_json(extra);
                    }
                }
            }
        }
    }
    if !request.tools.is_empty() {
        size.bound += TOOLS_OVERHEAD;
        size.add_json(&request.tools);
    }
    if let Some(format) = &request.response_format {
        size.add_json(format);
        if *format == ResponseFormat::JsonObject {
            size.bound += JSON_OVERHEAD;
        }
    }
    size.add_fields(&request.extra);
    size
}

impl InputSize {
    /// Adds what fields of the body bring beside the conversation: those of the request, or those of its config.
    pub fn add_fields(&mut self, fields: &Map<String, Value>) {
        if fields.is_empty() {
            return;
        }
        self.add_json(fields);
        let generation = fields.get("generationConfig").and_then(Value::as_object);
        self.asks_audio |= ["audio", "modalities"].iter().any(|field| fields.contains_key(*field))
            || generation.is_some_and(|generation| generation.contains_key("responseModalities"));
        let named = REMOTE_INPUT.iter().filter(|field| fields.contains_key(**field)).count();
        self.bound = self.bound.saturating_add(REMOTE_INPUT_BOUND.saturating_mul(named as u64));
    }

    fn add_content(&mut self, content: &Content) {
        match content {
            Content::Text(text) => self.add_text(text),
            Content::Parts(parts) => parts.iter().for_each(|part| self.add_part(part)),
        }
    }

    fn add_part(&mut self, part: &Part) {
        match part {
            Part::Text { text, .. } => self.add_text(text),
            Part::ImageUrl { .. } => {
                self.has_images = true;
                self.bound += IMAGE_BOUND;
                self.estimate += IMAGE_ESTIMATE;
            }
            Part::InputAudio { input_audio } => {
                self.has_audio = true;
                self.add_encoded(&input_audio.data);
            }
            Part::File { file, .. } => {
                self.has_files = true;
                self.has_images = true;
                self.has_audio = true;
                self.add_text(file.filename.as_deref().unwrap_or_default());
                match &file.file_data {
                    Some(data) if data.starts_with("data:text/") => self.add_encoded(data),
                    // Documents are packed: they hold more text than bytes.
                    Some(data) => {
                        self.add_encoded(data);
                        self.bound += REMOTE_FILE_BOUND;
                    }
                    None => self.bound += REMOTE_FILE_BOUND,
                }
            }
        }
        self.writes_1h |= part.cache_control().is_some_and(|control| control.ttl.as_deref() == Some("1h"));
    }

    fn add_text(&mut self, text: &str) {
        self.bound += text.len() as u64;
        self.estimate += estimate_tokens(text);
    }

    fn add_json(&mut self, value: &impl serde::Serialize) {
        let text = serde_json::to_string(value).unwrap_or_default();
        self.writes_1h |= text.contains(r#""ttl":"1h""#);
        self.add_text(&text);
    }

    fn add_encoded(&mut self, base64: &str) {
        let bytes = base64.len() as u64;
        self.bound += bytes;
        self.estimate += bytes / 40;
    }
}

/// Estimates the tokens of a text: four ASCII characters make one, as does every other character.
#[must_use]
pub fn estimate_tokens(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
    let characters = text.chars().count() as u64;
    ascii.div_ceil(4) + (characters - ascii)
}

/// Returns the output that a request probably makes: its limit, but no more than an ordinary answer.
#[must_use]
pub fn expected_output(request: &ChatRequest, limit: Option<u64>) -> u64 {
    let answers = u64::from(request.n.unwrap_or(1).max(1));
    request.max_tokens.or(limit).map_or(EXPECTED_OUTPUT, |limit| limit.min(EXPECTED_OUTPUT)) * answers
}

/// Makes the usage of an answer whose provider did not report it, flagged as an estimate.
#[must_use]
pub fn estimated_usage(input_tokens: u64, output_tokens: u64) -> Usage {
    let mut usage = Usage::default();
    usage.meters.insert(crate::types::Meter::InputToken, input_tokens.into());
    usage.meters.insert(crate::types::Meter::OutputToken, output_tokens.into());
    usage.flag(UsageFlag::Estimated);
    usage
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{ImageUrl, TextMessage};

    fn request(content: Content) -> ChatRequest {
        let messages = vec![Message::User(TextMessage { content, name: None })];
        ChatRequest { messages, ..ChatRequest::default() }
    }

    #[test]
    fn bytes_bound_the_tokens_of_any_text() {
        let size = input_size(&request(Content::Text("三条河流".into())));
        assert_eq!(size.bound, REQUEST_OVERHEAD + MESSAGE_OVERHEAD + 12);
        assert!(size.estimate <= size.bound);
    }

    #[test]
    fn an_image_is_bounded_by_its_vendors_largest_count_and_not_by_its_bytes() {
        let url = format!("data:image/png;base64,{}", "A".repeat(1_000_000));
        let part = Part::ImageUrl { image_url: ImageUrl { url, detail: None }, cache_control: None };
        let size = input_size(&request(Content::Parts(vec![part])));
        assert_eq!(size.bound, REQUEST_OVERHEAD + MESSAGE_OVERHEAD + IMAGE_BOUND);
    }

    #[test]
    fn whatever_reaches_the_model_is_bounded() {
        let long = "x".repeat(10_000);
        for message in [
            serde_json::json!({"role": "user", "content": "a", "name": long}),
            serde_json::json!({"role": "assistant", "content": "a", "refusal": long}),
            serde_json::json!({"role": "tool", "content": "a", "tool_call_id": long}),
            serde_json::json!({"role": "user", "content": [{"type": "file", "file": {"file_id": "f", "filename": long}}]}),
        ] {
            let request = ChatRequest {
                messages: vec![serde_json::from_value(message.clone()).unwrap()],
                ..ChatRequest::default()
            };
            assert!(input_size(&request).bound >= 10_000, "{}", message["role"]);
        }
        let packed = serde_json::json!({"role": "user", "content": [
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "small.pdf"}}]});
        let request = ChatRequest { messages: vec![serde_json::from_value(packed).unwrap()], ..ChatRequest::default() };
        assert!(input_size(&request).bound >= REMOTE_FILE_BOUND);
        let mut named = self::request(Content::Text("a".into()));
        named.extra.insert("cached_content".to_owned(), "cachedContents/x".into());
        assert!(input_size(&named).bound >= REMOTE_INPUT_BOUND);
    }

    #[test]
    fn one_hour_writes_are_seen_wherever_they_are_asked_for() {
        let part: Part =
            serde_json::from_str(r#"{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}}"#)
                .unwrap();
        assert!(input_size(&request(Content::Parts(vec![part]))).writes_1h);
        assert!(!input_size(&request(Content::Text("a".into()))).writes_1h);
    }

    #[test]
    fn an_estimate_counts_four_letters_or_one_character_as_a_token() {
        assert_eq!(estimate_tokens(""), 0);
        assert_eq!(estimate_tokens("rivers!!"), 2);
        assert_eq!(estimate_tokens("三条河流"), 4);
    }
}
