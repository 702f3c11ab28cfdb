//! Bounds and estimates of a request's tokens, before and without a provider's count.
//!
//! A byte-level tokenizer never makes more tokens than there are UTF-8 bytes, so bytes bound text. What is not text has
//! a bound per part, above the largest count that the vendors document for one part.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::provider::body_field::{Meaning, is_meant};
use crate::types::{ChatRequest, Content, Message, Meter, Part, Quantity, ResponseFormat, Tool, Usage, UsageFlag};

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
/// Tokens of what a vendor adds to the instructions for a tool that it defines (Anthropic documents up to 1,234).
const VENDOR_TOOL_OVERHEAD: u64 = 2_048;
/// The context window of a model whose own is not known: the largest that a vendor of models for all sells.
pub const GREATEST_WINDOW: u64 = 2_097_152;
/// Pages of one document at the most, by the widest limit that a vendor documents.
const MOST_PAGES: u64 = 3_600;
/// Tokens of one page, of a second of sound and of a second of video at the least, where vendors count them.
const LEAST_PAGE: u64 = 100;
const LEAST_SOUND_SECOND: u64 = 25;
const LEAST_VIDEO_SECOND: u64 = 60;
/// Bytes of base64 of one second of sound at the least, in the narrowest encoding of speech.
const LEAST_SOUND_BYTES: u64 = 500;
/// The characters of base64 that hold a second of sound as it is usually packed, with 128 kilobits.
const USUAL_SOUND_BYTES: u64 = 21_500;
/// Pixels of one image at the most.
const MOST_PIXELS: u64 = 100_000_000;
/// The endings of addresses that vendors take for images.
const IMAGE_ENDINGS: [&str; 5] = ["png", "jpg", "jpeg", "webp", "gif"];
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
    /// How many parts of it are only named, or packed, so that nothing but the context window bounds their tokens.
    pub remote: u64,
    /// How many of those may be anything: pages, sound or a video.
    pub unseen: u64,
    /// How many images it has.
    pub images: u64,
    /// Seconds of sound that it holds at the most.
    pub sound_seconds: u64,
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
        let defined = request.tools.iter().filter(|tool| matches!(tool, Tool::Vendor(_))).count();
        size.bound += VENDOR_TOOL_OVERHEAD * defined as u64;
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
        // A server of tools brings what it likes.
        let is_remote = |field: &str| is_meant(field, Meaning::RemoteInput) || field == "mcp_servers";
        self.remote += fields.keys().filter(|field| is_remote(field)).count() as u64;
    }

    /// Returns the most of each meter of media that the input can make, for prices that are of images, pages or seconds.
    #[must_use]
    pub fn media(&self, window: u64) -> BTreeMap<Meter, u64> {
        let pages = self.unseen.saturating_mul(MOST_PAGES.min(window / LEAST_PAGE));
        let of_window = |tokens: u64| if self.unseen > 0 { window / tokens } else { 0 };
        let images = self.images.saturating_add(pages);
        let most = [
            (Meter::InputImage, images),
            (Meter::InputPixel, images.saturating_mul(MOST_PIXELS)),
            (Meter::Page, pages),
            (Meter::InputAudioSecond, self.sound_seconds.saturating_add(of_window(LEAST_SOUND_SECOND))),
            (Meter::InputVideoSecond, of_window(LEAST_VIDEO_SECOND)),
        ];
        most.into_iter().filter(|(_, most)| *most > 0).collect()
    }

    /// Estimates each meter of media that the input has, which replies count in tokens alone.
    #[must_use]
    pub fn held_media(&self) -> BTreeMap<Meter, Quantity> {
        let held = [
            (Meter::InputImage, self.images),
            (Meter::Page, self.unseen),
            (Meter::InputAudioSecond, self.sound_seconds.div_ceil(USUAL_SOUND_BYTES / LEAST_SOUND_BYTES)),
        ];
        held.into_iter().filter(|(_, count)| *count > 0).map(|(meter, count)| (meter, count.into())).collect()
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
            Part::ImageUrl { image_url, .. } => {
                self.estimate += IMAGE_ESTIMATE;
                match media_type(&image_url.url) {
                    Some(kind) if kind.starts_with("image/") => {
                        self.add_image();
                        self.bound += IMAGE_BOUND;
                    }
                    // Some vendors take anything at this place.
                    Some(_) => self.add_unseen(),
                    None => self.add_remote(&image_url.url),
                }
            }
            Part::InputAudio { input_audio } => self.add_sound(&input_audio.data),
            Part::File { file, .. } => {
                self.add_text(file.filename.as_deref().unwrap_or_default());
                match &file.file_data {
                    Some(data) => match media_type(data) {
                        Some(kind) if kind.starts_with("text/") => self.add_encoded(data),
                        // Documents are packed: they hold more text than bytes.
                        Some(_) => {
                            self.estimate += data.len() as u64 / 40;
                            self.add_unseen();
                        }
                        None => self.add_remote(data),
                    },
                    None => self.add_remote(file.file_id.as_deref().unwrap_or_default()),
                }
            }
        }
        self.writes_1h |= part.cache_control().is_some_and(|control| control.ttl.as_deref() == Some("1h"));
    }

    /// Adds what is only named. An address that ends like an image's is taken for one; any other may be anything.
    fn add_remote(&mut self, address: &str) {
        let path = address.split(['?', '#']).next().unwrap_or_default();
        let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        if ending.is_some_and(|ending| IMAGE_ENDINGS.contains(&ending.as_str())) {
            self.add_image();
            self.remote += 1;
        } else {
            self.add_unseen();
        }
        self.add_text(address);
    }

    fn add_image(&mut self) {
        self.has_images = true;
        self.images += 1;
    }

    /// Adds a part that may be anything: pages, images, sound or a video.
    fn add_unseen(&mut self) {
        (self.has_files, self.has_images, self.has_audio) = (true, true, true);
        self.remote += 1;
        self.unseen += 1;
    }

    fn add_sound(&mut self, base64: &str) {
        self.has_audio = true;
        self.sound_seconds += base64.len() as u64 / LEAST_SOUND_BYTES + 1;
        self.add_encoded(base64);
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

/// Returns the media type of a `data:` address.
fn media_type(address: &str) -> Option<&str> {
    let (head, _) = address.strip_prefix("data:")?.split_once(',')?;
    head.split(';').next()
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
    usage.meters.insert(Meter::InputToken, input_tokens.into());
    usage.meters.insert(Meter::OutputToken, output_tokens.into());
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
    fn every_part_of_a_request_counts_in_the_bound_of_its_input() {
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
        let mut named = request(Content::Text("a".into()));
        named.extra.insert("cached_content".to_owned(), "cachedContents/x".into());
        assert_eq!(input_size(&named).remote, 1);
    }

    #[test]
    fn remote_media_and_archives_have_no_bound_of_their_own() {
        let file = |file: Value| serde_json::json!({"type": "file", "file": file});
        let image = |url: &str| serde_json::json!({"type": "image_url", "image_url": {"url": url}});
        for (part, remote, unseen, images) in [
            (image("https://www.youtube.com/watch?v=abc"), 1, 1, 0),
            (image("gs://bucket/talk.mp4"), 1, 1, 0),
            (image("https://a.test/cat.PNG?size=1"), 1, 0, 1),
            (image("data:video/mp4;base64,AAAA"), 1, 1, 0),
            (image("data:image/png;base64,AAAA"), 0, 0, 1),
            (file(serde_json::json!({"file_id": "file-1"})), 1, 1, 0),
            (file(serde_json::json!({"file_data": "https://a.test/a.pdf"})), 1, 1, 0),
            (file(serde_json::json!({"file_data": "data:application/pdf;base64,JVBERi0="})), 1, 1, 0),
            (file(serde_json::json!({"file_data": "data:text/plain;base64,QQ=="})), 0, 0, 0),
        ] {
            let request = request(Content::Parts(vec![serde_json::from_value(part.clone()).unwrap()]));
            let size = input_size(&request);
            assert_eq!((size.remote, size.unseen, size.images), (remote, unseen, images), "{part}");
            assert_eq!((size.has_files, size.has_audio), (unseen > 0, unseen > 0), "{part}");
            assert_eq!(size.media(1_000).contains_key(&Meter::Page), unseen > 0, "{part}");
        }
    }

    #[test]
    fn seconds_of_inline_audio_are_bounded_by_its_bytes() {
        let part =
            serde_json::json!({"type": "input_audio", "input_audio": {"data": "A".repeat(5_000), "format": "mp3"}});
        let size = input_size(&request(Content::Parts(vec![serde_json::from_value(part).unwrap()])));
        assert_eq!(size.media(1_000_000), [(Meter::InputAudioSecond, 11)].into());
        assert_eq!(size.held_media(), [(Meter::InputAudioSecond, Quantity::ONE)].into());
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
