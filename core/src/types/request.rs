//! The chat request, in the shape of OpenAI's API, and the choices that a caller makes for one call.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::error::{Error, ErrorKind, Result};
use super::foreign_json::check_value_levels;
use super::message::{Message, Tool};
use super::session::session_tags;

/// A chat request. Fields that a target cannot express are refused by name when the request is encoded for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChatRequest {
    /// `provider/model`, an alias, or a capability; the default of the capability `text` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The conversation; never empty.
    #[cfg_attr(feature = "schema", schemars(with = "Value", extend("format" = "messages")))]
    pub messages: Vec<Message>,
    /// The most output tokens, reasoning included.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "max_completion_tokens")]
    pub max_tokens: Option<u64>,
    /// How random the choice of tokens is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub temperature: Option<Number>,
    /// The share of probability that tokens are chosen from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub top_p: Option<Number>,
    /// Texts that end the output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Value", extend("format" = "texts")))]
    pub stop: Option<Stop>,
    /// The tools that the model may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "Value", extend("format" = "tools")))]
    pub tools: Vec<Tool>,
    /// Which tool must be called: `auto`, `none`, `required`, or one by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Value", extend("format" = "tool_choice")))]
    pub tool_choice: Option<ToolChoice>,
    /// Whether several tools may be called at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// The form of the output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Value", extend("format" = "response_format")))]
    pub response_format: Option<ResponseFormat>,
    /// How much to reason: `none`, `minimal`, `low`, `medium`, `high` or `xhigh`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<String>,
    /// How many answers to give; one where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// The seed of the choice of tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    /// How much to avoid tokens that occurred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub presence_penalty: Option<Number>,
    /// How much to avoid tokens that occurred often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub frequency_penalty: Option<Number>,
    /// The speed and price tier that is asked for; the served one is billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Every other field. Formats of the OpenAI family pass them on; others take those that they know and refuse the rest.
    /// The field `anthropic` is an object of fields for that format alone: where another one serves the request, they are left
    /// out, and cache breakpoints as well where it has none.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub extra: Map<String, Value>,
}

impl ChatRequest {
    /// Refuses values within the request that nest too deep to be gone through, with `invalid_request`.
    pub fn check_levels(&self) -> Result<()> {
        let mut values: Vec<(&str, &Value)> = self.extra.iter().map(|(name, value)| (name.as_str(), value)).collect();
        for tool in &self.tools {
            let fields = match tool {
                Tool::Function { function, .. } => function.parameters.as_ref(),
                Tool::Vendor(fields) => Some(fields),
            };
            values.extend(fields.into_iter().flat_map(Map::values).map(|value| ("a tool", value)));
        }
        for message in &self.messages {
            let Message::Assistant(message) = message else { continue };
            let calls = message.tool_calls.iter().filter_map(|call| call.extra_content.as_ref());
            let own = message.thinking_blocks.iter().chain(&message.annotations).chain(calls);
            values.extend(own.map(|value| ("a message", value)));
        }
        if let Some(ResponseFormat::JsonSchema { json_schema }) = &self.response_format {
            values.extend(json_schema.schema.iter().map(|value| ("response_format", value)));
        }
        values.into_iter().try_for_each(|(what, value)| check_value_levels(what, value))
    }
}

/// Texts that end the output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "must be a string, or an array of strings")]
pub enum Stop {
    /// One text.
    One(String),
    /// Any of several.
    Many(Vec<String>),
}

impl Stop {
    /// Returns the texts as a list.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts.iter().map(String::as_str).collect(),
        }
    }
}

/// Which tool must be called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "must be \"auto\", \"none\", \"required\", or {\"type\": \"function\", \"function\": {\"name\": ...}}"
)]
pub enum ToolChoice {
    /// A mode.
    Mode(ToolMode),
    /// One function, by name.
    Function {
        /// Always `function`.
        r#type: String,
        /// The function.
        function: FunctionName,
    },
}

/// A mode of tool choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolMode {
    /// The model decides.
    Auto,
    /// No tool.
    None,
    /// At least one tool.
    Required,
}

/// A function's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionName {
    /// The name.
    pub name: String,
}

/// The form of the output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponseFormat {
    /// Free text.
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON that follows a schema.
    JsonSchema {
        /// The schema and its name.
        json_schema: JsonSchema,
    },
}

/// A named JSON schema.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonSchema {
    /// The schema's name.
    pub name: String,
    /// What it is for, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Whether the output must follow the schema exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

/// The choices that a caller makes for one call, apart from the request itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CallOptions {
    /// Whom the call is billed to. A call without a user is billed all the same, to everyone's budgets.
    #[serde(default)]
    pub user: Option<String>,
    /// Labels that budgets and reports can select by.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// The key of the app's own that the call came with, by a name that is no secret: the tag `key`.
    #[serde(default)]
    pub key: Option<String>,
    /// The team that it is made for: the tag `team`.
    #[serde(default)]
    pub team: Option<String>,
    /// The project that it is made for: the tag `project`.
    #[serde(default)]
    pub project: Option<String>,
    /// The session, such as an agent's run, that it is a part of: the tag `session`.
    #[serde(default)]
    pub session: Option<String>,
    /// The sessions that it is made in, from the outermost in: the tags `session`, `session.2` and so on. See `sessions.open`.
    #[serde(default)]
    pub sessions: Vec<String>,
    /// How long it waits, in seconds, for calls under way to settle what a budget has no room for beside them. It is refused at once
    /// where absent.
    #[serde(default, with = "seconds")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub budget_wait: Option<Duration>,
    /// Makes a repeated call of the same user return the first one's record and reply, billed once.
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// The time that all attempts together may take, in seconds.
    #[serde(default, with = "seconds", rename = "timeout")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub timeout: Option<Duration>,
    /// How often a failed attempt is repeated, beyond the first attempt of each candidate.
    #[serde(default)]
    pub max_retries: Option<u32>,
    /// Model configs to try in this order instead of the route's, each as `provider/model` or an alias.
    #[serde(default)]
    pub fallbacks: Option<Vec<String>>,
    /// What a call that is given up before its end is billed.
    #[serde(default)]
    pub on_abandon: Option<AbandonPolicy>,
    /// What to do with a call that has no price.
    #[serde(default)]
    pub on_unpriced: Option<UnpricedPolicy>,
}

impl CallOptions {
    /// Puts the labels that have fields of their own among the tags. Fails with `invalid_request` if one is given twice, and differs.
    pub fn with_labels_as_tags(mut self) -> Result<Self> {
        let labels = [
            ("key", self.key.take()),
            ("team", self.team.take()),
            ("project", self.project.take()),
            ("session", self.session.take()),
        ];
        put_labels(&mut self.tags, labels)?;
        for (name, id) in session_tags(&std::mem::take(&mut self.sessions))? {
            if let Some(other) = self.tags.insert(name.clone(), id.clone()).filter(|other| *other != id) {
                return Err(Error::new(
                    ErrorKind::InvalidRequest,
                    format!(
                        "the call is made in the session {id:?}, and its tag {name:?} is {other:?}; leave that out"
                    ),
                ));
            }
        }
        Ok(self)
    }
}

/// Puts labels among tags. Fails with `invalid_request` if one is there already, and differs.
pub fn put_labels(tags: &mut BTreeMap<String, String>, labels: [(&str, Option<String>); 4]) -> Result<()> {
    for (name, value) in labels {
        let Some(value) = value else { continue };
        if let Some(other) = tags.insert(name.to_owned(), value.clone()).filter(|other| *other != value) {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!("`{name}` is {value:?}, and the tag {name:?} is {other:?}; give one of them"),
            ));
        }
    }
    Ok(())
}

/// What a call that is given up before its end is billed. The record names the policy that produced its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum AbandonPolicy {
    /// Reads the answer to its end in the background and bills what the provider reports.
    Drain,
    /// Cancels the call at the provider and bills an estimate: the input, and the output that had arrived.
    #[default]
    CancelAndEstimate,
    /// Cancels the call at the provider and bills the whole reservation.
    BillReserved,
}

/// What to do with a call that has no price. Where nothing is chosen, `refuse` holds if a money budget applies, else `allow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnpricedPolicy {
    /// Refuses the call.
    Refuse,
    /// Makes the call and keeps every money budget that applies closed until its record is priced.
    Hold,
    /// Makes the call; its record says `unpriced` and has no cost.
    Allow,
}

#[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        duration.map(|duration| duration.as_secs_f64()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        let seconds = Option::<f64>::deserialize(deserializer)?;
        let duration = seconds.map(Duration::try_from_secs_f64).transpose();
        duration.map_err(|_| serde::de::Error::custom("timeout must be a positive number of seconds"))
    }
}
