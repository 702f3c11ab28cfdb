//! Messages, in the shape of OpenAI's chat API, which is the superset that every wire format is made from.

mod input;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::input::{AssistantInput, ImageUrlInput};

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    /// An instruction that outranks the user's.
    #[serde(alias = "developer")]
    System(TextMessage),
    /// What the user says.
    User(TextMessage),
    /// What the model said before.
    Assistant(AssistantMessage),
    /// The result of a tool call.
    Tool(ToolMessage),
}

/// A message with content and an optional author's name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextMessage {
    /// The content.
    #[serde(deserialize_with = "null_as_default")]
    pub content: Content,
    /// The author's name, where several speak in one role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What a model said: text, reasoning and tool calls. It is read from the fields of all vendors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "AssistantInput")]
pub struct AssistantMessage {
    /// The text; absent when the model only called tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// The reasoning text, where the provider shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// Opaque reasoning blocks that the provider wants back unchanged in the next turn (Anthropic's signed thinking).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub thinking_blocks: Vec<Value>,
    /// Why the model declined to answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// The calls that the model asks for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// What the provider says of places in the text, such as the address that a sentence cites.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Value>,
    /// The author's name, where several speak in one role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl AssistantMessage {
    /// Returns whether there is something in it that a model made.
    #[must_use]
    pub fn has_content(&self) -> bool {
        let says = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        self.content.as_ref().is_some_and(|content| !content.text().is_empty())
            || says(&self.reasoning_content)
            || says(&self.refusal)
            || !self.tool_calls.is_empty()
            || !self.thinking_blocks.is_empty()
    }
}

/// The result of a tool call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolMessage {
    /// The result.
    #[serde(deserialize_with = "null_as_default")]
    pub content: Content,
    /// The id of the call that it answers.
    pub tool_call_id: String,
    /// The tool's name, which some wire formats want.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the call failed, and the content says why. Formats without a word for it say so in the content.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
}

/// Content: a string, or an array of parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "`content` must be a string, or an array of parts of the types `text`, `image_url`, `input_audio` and `file`, each \
                 with the field of its type"
)]
pub enum Content {
    /// A text.
    Text(String),
    /// A list of parts, in order.
    Parts(Vec<Part>),
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// A part of a content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// A text.
    Text {
        /// The text.
        text: String,
        /// A cache breakpoint after this part, as `{"type": "ephemeral", "ttl": "5m" | "1h"}`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    /// An image.
    ImageUrl {
        /// Where the image is.
        image_url: ImageUrl,
        /// A cache breakpoint after this part.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    /// A sound.
    InputAudio {
        /// The sound.
        input_audio: InputAudio,
    },
    /// A document.
    File {
        /// The document.
        file: FilePart,
        /// A cache breakpoint after this part.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
}

/// Where an image is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "ImageUrlInput")]
pub struct ImageUrl {
    /// An `https:` address, or a `data:` address with base64 content.
    pub url: String,
    /// The level of detail to look at: `low`, `high` or `auto`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A sound, as base64.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputAudio {
    /// The base64 content.
    pub data: String,
    /// The format, such as `wav` or `mp3`.
    pub format: String,
}

/// A document, by content or by the provider's id of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilePart {
    /// The content as a `data:` address, or the `https:` address of it where the provider fetches documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_data: Option<String>,
    /// The provider's id of an uploaded file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// The file's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// A cache breakpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheControl {
    /// The kind; `ephemeral` is the only one that providers know.
    pub r#type: String,
    /// The lifetime: `5m` (the default) or `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
}

/// A call that a model asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The id that the result must name; empty where the provider gave none.
    #[serde(default, deserialize_with = "null_as_default")]
    pub id: String,
    /// Always `function`.
    #[serde(default = "function", deserialize_with = "function_or_null")]
    pub r#type: String,
    /// The function and its arguments.
    pub function: FunctionCall,
    /// What the provider wants back unchanged with the call (Google's thought signature).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra_content: Option<Value>,
}

/// The function of a tool call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// The function's name.
    pub name: String,
    /// The arguments as JSON text, exactly as the model wrote them.
    #[serde(default, deserialize_with = "input::arguments")]
    pub arguments: String,
}

/// A tool that a model may call.
#[derive(Clone, Debug, PartialEq)]
pub enum Tool {
    /// A function of the caller.
    Function {
        /// The function.
        function: FunctionDefinition,
        /// A cache breakpoint after this tool.
        cache_control: Option<CacheControl>,
    },
    /// A tool that a vendor defines, as the caller gave it: `{"type": "web_search_20250305", "name": "web_search"}`,
    /// `{"google_search": {}}`. The formats that have it take it as it is; others refuse it by name.
    Vendor(Map<String, Value>),
}

/// A function as a tool, as it is written.
#[derive(Serialize)]
#[serde(tag = "type", rename = "function")]
struct WrittenFunction<'a> {
    function: &'a FunctionDefinition,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<&'a CacheControl>,
}

/// A function as a tool, as it is read.
#[derive(Deserialize)]
struct ReadFunction {
    function: FunctionDefinition,
    #[serde(default)]
    cache_control: Option<CacheControl>,
}

impl Serialize for Tool {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Function { function, cache_control } => {
                WrittenFunction { function, cache_control: cache_control.as_ref() }.serialize(serializer)
            }
            Self::Vendor(fields) => fields.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Tool {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let fields = Map::deserialize(deserializer)?;
        match fields.get("type") {
            Some(Value::String(kind)) if kind == "function" => {
                let ReadFunction { function, cache_control } =
                    ReadFunction::deserialize(Value::Object(fields)).map_err(D::Error::custom)?;
                Ok(Self::Function { function, cache_control })
            }
            Some(Value::String(_)) => Ok(Self::Vendor(fields)),
            // Some vendors name a tool by its key, whose value holds its settings.
            None if !fields.is_empty() && !fields.contains_key("function") && !fields.contains_key("name") => {
                Ok(Self::Vendor(fields))
            }
            _ => Err(D::Error::missing_field("type")),
        }
    }
}

/// A function that a model may call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionDefinition {
    /// The function's name.
    pub name: String,
    /// What it does, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON schema of its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Map<String, Value>>,
    /// Whether the arguments must follow the schema exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

impl Part {
    /// Returns the cache breakpoint after the part.
    #[must_use]
    pub fn cache_control(&self) -> Option<&CacheControl> {
        match self {
            Self::Text { cache_control, .. }
            | Self::ImageUrl { cache_control, .. }
            | Self::File { cache_control, .. } => cache_control.as_ref(),
            Self::InputAudio { .. } => None,
        }
    }
}

impl Content {
    /// Returns whether it has neither text nor parts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Parts(parts) => parts.is_empty(),
        }
    }

    /// Returns the text, with the text parts of a list joined.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => parts
                .iter()
                .filter_map(|part| if let Part::Text { text, .. } = part { Some(text.as_str()) } else { None })
                .collect(),
        }
    }
}

fn function() -> String {
    "function".to_owned()
}

fn function_or_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_else(function))
}

fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
