//! The verbs about model configs and models.

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use tollway::client::{ConfiguredModel, ModelHealth, ModelInput, ModelTerms, ModelUpdate, Tollway};
use tollway::types::{Capability, Model, ModelConfig, Result};

use super::NoArguments;
use super::prices::{PriceMapArguments, inputs};

/// The fields of a config, to add it or to set it; an absent one is as the client says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigArguments {
    name: String,
    #[serde(default)]
    alias: Option<String>,
    #[serde(default)]
    capability: Option<Capability>,
    #[serde(default)]
    api_key: Option<SecretString>,
    #[serde(default)]
    api_key_from_environment: bool,
    #[serde(default)]
    base_url: Option<String>,
    #[serde(default)]
    params: Map<String, Value>,
    #[serde(default)]
    allow_insecure: Option<bool>,
    #[serde(default)]
    default: Option<bool>,
    #[serde(default)]
    priority: Option<i64>,
    #[serde(default)]
    active: Option<bool>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    prices: Option<PriceMapArguments>,
}

/// An absent field stays as it is; an explicit null removes an alias, an address or a note.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "absent, null and a text are three different wishes")]
pub(super) struct UpdateArguments {
    model: String,
    #[serde(default, deserialize_with = "given")]
    alias: Option<Option<String>>,
    #[serde(default)]
    api_key: Option<SecretString>,
    #[serde(default, deserialize_with = "given")]
    base_url: Option<Option<String>>,
    #[serde(default)]
    params: Option<Map<String, Value>>,
    #[serde(default)]
    capability: Option<Capability>,
    #[serde(default)]
    allow_insecure: Option<bool>,
    #[serde(default)]
    default: Option<bool>,
    #[serde(default)]
    priority: Option<i64>,
    #[serde(default)]
    active: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    description: Option<Option<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelArguments {
    model: String,
}

pub(super) async fn add(client: &Tollway, arguments: ConfigArguments) -> Result<ConfiguredModel> {
    let terms = terms(arguments);
    let input = ModelInput {
        name: terms.name,
        alias: terms.alias,
        capability: terms.capability,
        api_key: terms.api_key,
        api_key_from_environment: terms.api_key_from_environment,
        base_url: terms.base_url,
        params: terms.params,
        allow_insecure: terms.allow_insecure,
        default: terms.default.unwrap_or_default(),
        priority: terms.priority.unwrap_or_default(),
        active: terms.active,
        description: terms.description,
        prices: terms.prices,
    };
    client.add_model(input).await
}

pub(super) async fn set(client: &Tollway, arguments: ConfigArguments) -> Result<ConfiguredModel> {
    client.set_model(terms(arguments)).await
}

fn terms(arguments: ConfigArguments) -> ModelTerms {
    ModelTerms {
        name: arguments.name,
        alias: arguments.alias,
        capability: arguments.capability,
        api_key: arguments.api_key,
        api_key_from_environment: arguments.api_key_from_environment,
        base_url: arguments.base_url,
        params: arguments.params,
        allow_insecure: arguments.allow_insecure,
        default: arguments.default,
        priority: arguments.priority,
        active: arguments.active,
        description: arguments.description,
        prices: arguments.prices.map(inputs),
    }
}

pub(super) async fn update(client: &Tollway, arguments: UpdateArguments) -> Result<ModelConfig> {
    let update = ModelUpdate {
        alias: arguments.alias,
        api_key: arguments.api_key,
        base_url: arguments.base_url,
        params: arguments.params,
        capability: arguments.capability,
        allow_insecure: arguments.allow_insecure,
        default: arguments.default,
        priority: arguments.priority,
        active: arguments.active,
        description: arguments.description,
    };
    client.update_model(&arguments.model, update).await
}

pub(super) async fn delete(client: &Tollway, arguments: ModelArguments) -> Result<()> {
    client.delete_model(&arguments.model).await
}

pub(super) async fn list(client: &Tollway, _: NoArguments) -> Result<Vec<ModelConfig>> {
    client.model_configs().await
}

pub(super) async fn used(client: &Tollway, _: NoArguments) -> Result<Vec<Model>> {
    client.used_models().await
}

pub(super) async fn health(client: &Tollway, _: NoArguments) -> Result<Vec<ModelHealth>> {
    client.model_health().await
}

/// Tells an explicit null from an absent field.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> std::result::Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_clears_a_field_of_a_model_and_an_absent_one_keeps_it() {
        let update: UpdateArguments =
            serde_json::from_str(r#"{"model": "m", "alias": null, "description": "d"}"#).unwrap();
        assert_eq!(update.alias, Some(None));
        assert_eq!(update.description, Some(Some("d".to_owned())));
        assert_eq!(update.base_url, None);
    }

    #[test]
    fn a_price_is_never_a_float() {
        let text = r#"{"name": "p/m", "prices": {"input_token": {"unit_price": 0.15, "unit": "per_1m_tokens", "currency": "USD"}}}"#;
        assert!(serde_json::from_str::<ConfigArguments>(text).is_err());
        assert!(serde_json::from_str::<ConfigArguments>(&text.replace("0.15", "\"0.15\"")).is_ok());
    }
}
