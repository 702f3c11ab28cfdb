//! What a model config is given, and what of it is changed.

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::model_config::Capability;
use super::price_draft::PriceMap;

/// What a model config takes beside its name.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ModelParameters"))]
#[serde(deny_unknown_fields)]
pub struct ModelTerms {
    /// The name, as `provider/model`.
    pub name: String,
    /// A name of your own, which requests and routes can use.
    #[serde(default)]
    pub alias: Option<String>,
    /// What the model makes; what the bundled catalog says where left out, and `text` if that does not know it.
    #[serde(default)]
    pub capability: Option<Capability>,
    /// The key of the provider; it is sealed before it is written. White space around it is left out, and what no header can
    /// carry is refused.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("writeOnly" = true)))]
    pub api_key: Option<SecretString>,
    /// Whether the key is read, now, from the environment variable in which the provider's key usually stands, such as
    /// `OPENAI_API_KEY`.
    #[serde(default)]
    pub api_key_from_environment: bool,
    /// The address that replaces the provider's own, with or without its version and end point.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(extend("writeOnly" = true)))]
    pub base_url: Option<String>,
    /// `wire_format` (`openai_chat`, `anthropic_messages`, `gemini_generate_content`), where the provider speaks another one than
    /// its own; `max_output_tokens`, the most that the model gives; `context_window`, the most that it takes; `max_uses`, how
    /// often one call may use a tool that the provider runs, by the name of the tool or of its meter; `headers` and `body`, which
    /// every request gets; `auth_header` and `max_tokens_field`, where a server departs from its format; `omit`, the names of
    /// fields that a server refuses and that are left out, such as `["stream_options"]`. The names stay as they are.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(extend("writeOnly" = true)))]
    pub params: Map<String, Value>,
    /// Whether the key may go to another machine over plain `http`, for everyone on the way to read. It is refused otherwise, in
    /// private networks too.
    #[serde(default)]
    pub allow_insecure: Option<bool>,
    /// Whether it is the default of its capability.
    #[serde(default)]
    pub default: Option<bool>,
    /// Its place in a fallback; lower is earlier.
    #[serde(default)]
    pub priority: Option<i64>,
    /// Whether routing may pick it.
    #[serde(default)]
    pub active: Option<bool>,
    /// A note.
    #[serde(default)]
    pub description: Option<String>,
    /// The prices of each meter. Those of the bundled catalog where left out; none where empty.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::price_draft::price_map"))]
    pub prices: Option<PriceMap>,
}

/// The fields of a model config to change. Null removes an alias, an address or a description.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ModelChanges"))]
#[serde(deny_unknown_fields)]
pub struct ModelUpdate {
    /// The config.
    pub model: String,
    /// A name of your own, which requests and routes can use.
    #[serde(default, deserialize_with = "given")]
    pub alias: Option<Option<String>>,
    /// The key of the provider; it is sealed before it is written.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("writeOnly" = true)))]
    pub api_key: Option<SecretString>,
    /// The address that replaces the provider's own; null returns to that.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "schema", schemars(extend("writeOnly" = true)))]
    pub base_url: Option<Option<String>>,
    /// All parameters of the config, by their own names.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Map<String, Value>", extend("writeOnly" = true)))]
    pub params: Option<Map<String, Value>>,
    /// What the model makes.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Capability"))]
    pub capability: Option<Capability>,
    /// Whether the key may go to another machine over plain `http`.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "bool"))]
    pub allow_insecure: Option<bool>,
    /// Whether it is the default of its capability.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "bool"))]
    pub default: Option<bool>,
    /// Its place in a fallback; lower is earlier.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "i64"))]
    pub priority: Option<i64>,
    /// Whether routing may pick it.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "bool"))]
    pub active: Option<bool>,
    /// A note.
    #[serde(default, deserialize_with = "given")]
    pub description: Option<Option<String>>,
}

impl ModelUpdate {
    /// Returns whether nothing is to be changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.alias.is_none()
            && self.api_key.is_none()
            && self.base_url.is_none()
            && self.params.is_none()
            && self.capability.is_none()
            && self.allow_insecure.is_none()
            && self.default.is_none()
            && self.priority.is_none()
            && self.active.is_none()
            && self.description.is_none()
    }
}

/// Tells an explicit null from an absent field.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_clears_a_field_of_a_model_and_an_absent_one_keeps_it() {
        let update: ModelUpdate = serde_json::from_str(r#"{"model": "m", "alias": null, "description": "d"}"#).unwrap();
        assert_eq!(update.alias, Some(None));
        assert_eq!(update.description, Some(Some("d".to_owned())));
        assert_eq!(update.base_url, None);
    }

    #[test]
    fn a_price_is_never_a_float() {
        let text = r#"{"name": "p/m", "prices": {"input_token": {"unit_price": 0.15, "unit": "per_1m_tokens", "currency": "USD"}}}"#;
        assert!(serde_json::from_str::<ModelTerms>(text).is_err());
        assert!(serde_json::from_str::<ModelTerms>(&text.replace("0.15", "\"0.15\"")).is_ok());
    }
}
