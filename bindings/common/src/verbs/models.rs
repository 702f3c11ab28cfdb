//! The verbs about model configs and models.

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use tollway::client::{ConfiguredModel, ModelHealth, ModelInput, ModelTerms, ModelUpdate, Tollway};
use tollway::types::{Capability, Model, ModelConfig, Result};

use super::NoArguments;
use super::prices::{PriceMapArguments, inputs};
use super::table::verbs;

verbs! {
    /// Adds a model config named `provider/model`, and refuses one that is there; see `set`.
    ///
    /// Prices come from the bundled catalog where none are given; where they are empty, there are none.
    ///
    /// * `invalid_request` if a parameter is wrong, or the config is there already.
    "models.add"(name) => add(ConfigArguments) -> ConfiguredModel;
    /// Sets the model config named `provider/model`: adds it, or gives it the parameters that are given.
    ///
    /// In a config of the same name and alias, what is left out stays as it is, prices too; prices that are given become all that it
    /// has. Setting it to what it is writes nothing, so that every start of every worker can do it.
    ///
    /// * `invalid_request` if a parameter is wrong; or if no address of the provider is known, or it wants a key, and none is given.
    "models.set"(name) => set(ConfigArguments) -> ConfiguredModel;
    /// Changes the fields of a model config that are given; null removes an alias, an address or a description.
    ///
    /// * `not_found` if there is no such config.
    "models.update"(model) => update(UpdateArguments) -> ModelConfig;
    /// Deletes a model config and its prices; usage records stay as they are.
    ///
    /// * `not_found` if there is no such config.
    "models.delete"(model) => delete(DeleteArguments) -> ();
    /// Returns all model configs.
    "models.list" => list(NoArguments) -> Vec<ModelConfig>;
    /// Returns all models that were ever used, those of deleted configs included.
    "models.used" => used(NoArguments) -> Vec<Model>;
    /// Returns what this process knows of each config's health; times are in seconds.
    "models.health" => health(NoArguments) -> Vec<ModelHealth>;
}

/// What a model config takes beside its name.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ModelParameters"))]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigArguments {
    /// The name, as `provider/model`.
    name: String,
    /// A name of your own, which requests and routes can use.
    #[serde(default)]
    alias: Option<String>,
    /// What the model makes; what the bundled catalog says where left out, and `text` if that does not know it.
    #[serde(default)]
    capability: Option<Capability>,
    /// The key of the provider; it is sealed before it is written. White space around it is left out, and what no header can
    /// carry is refused.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("writeOnly" = true)))]
    api_key: Option<SecretString>,
    /// Whether the key is read, now, from the environment variable in which the provider's key usually stands, such as
    /// `OPENAI_API_KEY`.
    #[serde(default)]
    api_key_from_environment: bool,
    /// The address that replaces the provider's own, with or without its version and end point.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(extend("writeOnly" = true)))]
    base_url: Option<String>,
    /// `wire_format` (`openai_chat`, `anthropic_messages`, `gemini_generate_content`), where the provider speaks another one than
    /// its own; `max_output_tokens`, the most that the model gives; `context_window`, the most that it takes; `max_uses`, how
    /// often one call may use a tool that the provider runs, by the name of the tool or of its meter; `headers` and `body`, which
    /// every request gets; `auth_header` and `max_tokens_field`, where a server departs from its format; `omit`, the names of
    /// fields that a server refuses and that are left out, such as `["stream_options"]`. The names stay as they are.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(extend("writeOnly" = true)))]
    params: Map<String, Value>,
    /// Whether the key may go to another machine over plain `http`, for everyone on the way to read. It is refused otherwise, in
    /// private networks too.
    #[serde(default)]
    allow_insecure: Option<bool>,
    /// Whether it is the default of its capability.
    #[serde(default)]
    default: Option<bool>,
    /// Its place in a fallback; lower is earlier.
    #[serde(default)]
    priority: Option<i64>,
    /// Whether routing may pick it.
    #[serde(default)]
    active: Option<bool>,
    /// A note.
    #[serde(default)]
    description: Option<String>,
    /// The prices of each meter. Those of the bundled catalog where left out; none where empty.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(schema_with = "super::prices::price_map"))]
    prices: Option<PriceMapArguments>,
}

/// The fields of a model config to change. Null removes an alias, an address or a description.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ModelChanges"))]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "absent, null and a text are three different wishes")]
pub(super) struct UpdateArguments {
    /// The config.
    model: String,
    /// A name of your own, which requests and routes can use.
    #[serde(default, deserialize_with = "given")]
    alias: Option<Option<String>>,
    /// The key of the provider; it is sealed before it is written.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("writeOnly" = true)))]
    api_key: Option<SecretString>,
    /// The address that replaces the provider's own; null returns to that.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "schema", schemars(extend("writeOnly" = true)))]
    base_url: Option<Option<String>>,
    /// All parameters of the config, by their own names.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Map<String, Value>", extend("writeOnly" = true)))]
    params: Option<Map<String, Value>>,
    /// What the model makes.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Capability"))]
    capability: Option<Capability>,
    /// Whether the key may go to another machine over plain `http`.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "bool"))]
    allow_insecure: Option<bool>,
    /// Whether it is the default of its capability.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "bool"))]
    default: Option<bool>,
    /// Its place in a fallback; lower is earlier.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "i64"))]
    priority: Option<i64>,
    /// Whether routing may pick it.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "bool"))]
    active: Option<bool>,
    /// A note.
    #[serde(default, deserialize_with = "given")]
    description: Option<Option<String>>,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteArguments {
    /// The config.
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

pub(super) async fn delete(client: &Tollway, arguments: DeleteArguments) -> Result<()> {
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
