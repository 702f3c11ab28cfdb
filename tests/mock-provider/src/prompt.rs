//! What an automatic reply needs to know of a request, in any of the three wire formats.

use serde_json::Value;

/// The wire format of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    OpenAiChat,
    Anthropic,
    Gemini,
    /// Gemini's streaming method, as server-sent events.
    GeminiEvents,
    /// Gemini's streaming method without `alt=sse`: one JSON array.
    GeminiArray,
}

impl Format {
    /// Returns the format that a path and its query ask for.
    pub(crate) fn of(path: &str, query: Option<&str>) -> Option<Self> {
        if path.ends_with("/chat/completions") {
            Some(Self::OpenAiChat)
        } else if path.ends_with("/messages") {
            Some(Self::Anthropic)
        } else if path.ends_with(":generateContent") {
            Some(Self::Gemini)
        } else if path.ends_with(":streamGenerateContent") {
            let events = query.is_some_and(|query| query.split('&').any(|pair| pair == "alt=sse"));
            Some(if events { Self::GeminiEvents } else { Self::GeminiArray })
        } else {
            None
        }
    }
}

/// A tool that the request offers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OfferedTool {
    pub(crate) name: String,
    pub(crate) parameters: Value,
}

/// What an automatic reply is made from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Prompt {
    pub(crate) model: String,
    pub(crate) stream: bool,
    /// OpenAI only: whether the stream ends with a usage chunk.
    pub(crate) include_usage: bool,
    /// Whitespace-separated words of all message texts, the system's included.
    pub(crate) input_tokens: u64,
    /// The text of the last message, if it is the user's.
    pub(crate) last_user_text: String,
    pub(crate) limit: Option<u64>,
    pub(crate) tool: Option<OfferedTool>,
    /// Whether JSON is asked for, and its schema where given.
    pub(crate) json: Option<Value>,
}

impl Prompt {
    /// Reads a request body. The model of a Gemini request is in the path.
    pub(crate) fn read(format: Format, path: &str, body: &Value) -> Self {
        match format {
            Format::OpenAiChat => Self::read_openai(body),
            Format::Anthropic => Self::read_anthropic(body),
            Format::Gemini | Format::GeminiEvents | Format::GeminiArray => Self::read_gemini(format, path, body),
        }
    }

    fn read_openai(body: &Value) -> Self {
        let function = &body["tools"][0]["function"];
        let format = &body["response_format"];
        let json = matches!(format["type"].as_str(), Some("json_object" | "json_schema"));
        Self {
            model: text_of(&body["model"]),
            stream: body["stream"] == true,
            include_usage: body["stream_options"]["include_usage"] == true,
            limit: body["max_completion_tokens"].as_u64().or_else(|| body["max_tokens"].as_u64()),
            tool: offered(&function["name"], &function["parameters"]),
            json: json.then(|| format["json_schema"]["schema"].clone()),
            ..Self::default()
        }
        .with_messages(&Value::Null, &body["messages"], "content")
    }

    fn read_anthropic(body: &Value) -> Self {
        let tool = &body["tools"][0];
        let format =
            if body["output_format"].is_object() { &body["output_format"] } else { &body["output_config"]["format"] };
        Self {
            model: text_of(&body["model"]),
            stream: body["stream"] == true,
            limit: body["max_tokens"].as_u64(),
            tool: offered(&tool["name"], &tool["input_schema"]),
            json: format.is_object().then(|| format["schema"].clone()),
            ..Self::default()
        }
        .with_messages(&body["system"], &body["messages"], "content")
    }

    fn read_gemini(format: Format, path: &str, body: &Value) -> Self {
        let declaration = &body["tools"][0]["functionDeclarations"][0];
        let parameters = first_object(declaration, &["parametersJsonSchema", "parameters"]);
        let config = &body["generationConfig"];
        let schema = first_object(config, &["responseJsonSchema", "responseSchema"]);
        let json = config["responseMimeType"] == "application/json" || schema.is_object();
        let model = path.rsplit('/').next().unwrap_or_default().split(':').next().unwrap_or_default();
        Self {
            model: model.to_owned(),
            stream: format != Format::Gemini,
            limit: config["maxOutputTokens"].as_u64(),
            tool: offered(&declaration["name"], parameters),
            json: json.then(|| schema.clone()),
            ..Self::default()
        }
        .with_messages(
            first_object(body, &["systemInstruction", "system_instruction"]),
            &body["contents"],
            "parts",
        )
    }

    fn with_messages(mut self, system: &Value, messages: &Value, content: &str) -> Self {
        let count = |value: &Value| {
            let mut text = String::new();
            collect_text(value, &mut text);
            u64::try_from(text.split_whitespace().count()).unwrap_or(u64::MAX)
        };
        let messages = messages.as_array().map_or(&[] as &[Value], Vec::as_slice);
        self.input_tokens = count(system) + messages.iter().map(|message| count(&message[content])).sum::<u64>();
        if let Some(last) = messages.last().filter(|message| message.get("role").is_none_or(|role| role == "user")) {
            collect_text(&last[content], &mut self.last_user_text);
        }
        self
    }
}

/// Appends every text in a content, however its wire format nests it.
fn collect_text(value: &Value, into: &mut String) {
    match value {
        Value::String(text) => {
            into.push_str(text);
            into.push(' ');
        }
        Value::Array(parts) => parts.iter().for_each(|part| collect_text(part, into)),
        Value::Object(part) => {
            for key in ["text", "content", "parts"] {
                if let Some(inner) = part.get(key) {
                    collect_text(inner, into);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn offered(name: &Value, parameters: &Value) -> Option<OfferedTool> {
    name.as_str().map(|name| OfferedTool { name: name.to_owned(), parameters: parameters.clone() })
}

fn first_object<'value>(value: &'value Value, keys: &[&str]) -> &'value Value {
    keys.iter().map(|key| &value[*key]).find(|inner| inner.is_object()).unwrap_or(&Value::Null)
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
