//! The secrets of model configs on their way to another file: sealed for it, or left out.

use serde_json::{Map, Value};

use crate::client::engine::secrets;
use crate::types::{ModelConfig, Result, is_sealed};
use crate::vault::Vault;

/// Seals the secrets of a config anew.
pub(super) fn sealed_anew(from: &Vault, to: &Vault, mut config: ModelConfig) -> Result<ModelConfig> {
    let key = secrets::unseal_key(from, &config)?;
    config.params = secrets::opened_params(from, &config)?;
    config.api_key = None;
    secrets::seal(to, &mut config, key.as_ref())?;
    Ok(config)
}

/// Takes the secrets of a config away. Returns what they are called.
pub(super) fn taken_away(config: &mut ModelConfig) -> Vec<String> {
    let mut gone: Vec<String> = config.api_key.take().map(|_| "api_key".to_owned()).into_iter().collect();
    if let Some(headers) = config.params.get_mut("headers").and_then(Value::as_object_mut) {
        gone.extend(sealed_names(headers).map(|name| format!("params.headers.{name}")));
        headers.retain(|_, value| !is_sealed(value));
    }
    gone
}

fn sealed_names(headers: &Map<String, Value>) -> impl Iterator<Item = &String> {
    headers.iter().filter(|(_, value)| is_sealed(value)).map(|(name, _)| name)
}
