//! The verbs about model configs and models.

use serde::Deserialize;
use tollway::client::{ConfiguredModel, Tollway};
use tollway::types::{Model, ModelConfig, ModelHealth, ModelTerms, ModelUpdate, Result};

use super::NoArguments;
use super::table::verbs;

verbs! {
    /// Adds a model config named `provider/model`, and refuses one that is there; see `set`.
    ///
    /// Prices come from the bundled catalog where none are given; where they are empty, there are none.
    ///
    /// * `invalid_request` if a parameter is wrong, or the config is there already.
    "models.add"(name) => add(ModelTerms) -> ConfiguredModel;
    /// Sets the model config named `provider/model`: adds it, or gives it the parameters that are given.
    ///
    /// In a config of the same name and alias, what is left out stays as it is, prices too; prices that are given become all that it
    /// has. Setting it to what it is writes nothing, so that every start of every worker can do it.
    ///
    /// * `invalid_request` if a parameter is wrong; or if no address of the provider is known, or it wants a key, and none is given.
    "models.set"(name) => set(ModelTerms) -> ConfiguredModel;
    /// Changes the fields of a model config that are given; null removes an alias, an address or a description.
    ///
    /// * `not_found` if there is no such config.
    "models.update"(model) => update(ModelUpdate) -> ModelConfig;
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

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteArguments {
    /// The config.
    model: String,
}

pub(super) async fn add(client: &Tollway, terms: ModelTerms) -> Result<ConfiguredModel> {
    client.add_model(terms).await
}

pub(super) async fn set(client: &Tollway, terms: ModelTerms) -> Result<ConfiguredModel> {
    client.set_model(terms).await
}

pub(super) async fn update(client: &Tollway, update: ModelUpdate) -> Result<ModelConfig> {
    client.update_model(update).await
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
