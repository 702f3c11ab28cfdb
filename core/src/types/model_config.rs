//! Model configs (what an administrator configures) and models (what was used and is billed).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ids::{ModelConfigId, ModelId, ProviderId};
use super::model_name::ModelName;

/// What a model can make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Capability {
    /// Text, from a conversation.
    #[default]
    Text,
    /// Images.
    Image,
    /// Sound, from text or into text.
    Audio,
    /// Videos.
    Video,
    /// Embeddings.
    Embedding,
    /// Documents in the order of what they say to a query.
    Rerank,
}

impl Capability {
    /// Every capability.
    pub const ALL: [Self; 6] = [Self::Text, Self::Image, Self::Audio, Self::Video, Self::Embedding, Self::Rerank];

    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Embedding => "embedding",
            Self::Rerank => "rerank",
        }
    }

    /// Returns the capability of a stable name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.name() == name)
    }
}

/// A row of `ai_providers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// The row.
    pub id: ProviderId,
    /// The name, in lower case, such as `openai`.
    pub name: String,
    /// When the row was written.
    pub created_at: Timestamp,
}

/// An API key as it stands in the file: encrypted, and bound to its row. It shows nothing of itself.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret(pub Vec<u8>);

/// What stands for a secret where it is shown.
pub const MASK: &str = "***";

/// The field of a parameter that is sealed, with what is sealed in Base64.
pub const SEALED: &str = "sealed";

/// Returns whether a parameter is sealed.
#[must_use]
pub fn is_sealed(value: &Value) -> bool {
    value.as_object().is_some_and(|fields| fields.len() == 1 && fields.contains_key(SEALED))
}

/// Writes parameters with a mask in place of what is sealed.
fn masked<S: serde::Serializer>(params: &Map<String, Value>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut shown = params.clone();
    let headers = shown.get_mut("headers").and_then(Value::as_object_mut);
    for (_, value) in headers.into_iter().flat_map(Map::iter_mut).filter(|(_, value)| is_sealed(value)) {
        *value = Value::from(MASK);
    }
    shown.serialize(serializer)
}

impl std::fmt::Debug for SealedSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SealedSecret(..)")
    }
}

/// A row of `ai_model_config`: what an administrator configures and routing picks. Its id is the pricing id.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModelConfig {
    /// The row.
    pub id: ModelConfigId,
    /// The provider's name.
    pub provider: String,
    /// The model's name at the provider.
    pub model_name: String,
    /// A name of the caller's for this config; unique.
    pub alias: Option<String>,
    /// What it can make.
    pub capability: Capability,
    /// The sealed API key; absent for providers that want none.
    #[serde(skip)]
    pub api_key: Option<SealedSecret>,
    /// The address that replaces the provider's own.
    pub base_url: Option<String>,
    /// Parameters: `wire_format`, `max_output_tokens`, `context_window`, `headers`, `body` and the like. Headers that are
    /// secrets are sealed, and shown as [`MASK`].
    #[serde(serialize_with = "masked")]
    #[cfg_attr(feature = "schema", schemars(with = "Map<String, Value>"))]
    pub params: Map<String, Value>,
    /// Whether it is the default of its capability.
    pub is_default: bool,
    /// The place in a fallback; lower is earlier.
    pub priority: i64,
    /// Whether routing may pick it.
    pub is_active: bool,
    /// A note of the administrator's.
    pub description: Option<String>,
    /// When the row was written.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
}

impl ModelConfig {
    /// Returns the name of its model.
    #[must_use]
    pub fn full_name(&self) -> ModelName<'_> {
        ModelName::new(&self.provider, &self.model_name)
    }

    /// Returns `provider/model`.
    #[must_use]
    pub fn name(&self) -> String {
        self.full_name().to_string()
    }
}

/// A row of `ai_models`: the billing identity of a model that was used. Its id is the billing id. It is never deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Model {
    /// The row.
    pub id: ModelId,
    /// The provider.
    pub provider_id: ProviderId,
    /// The provider's name.
    pub provider: String,
    /// The model's name at the provider.
    pub model_code: String,
    /// The name to show.
    pub model_name: String,
    /// What it can make.
    pub model_type: Capability,
    /// Whether it is in use.
    pub enabled: bool,
    /// When it was first used.
    pub created_at: Timestamp,
}
