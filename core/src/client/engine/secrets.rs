//! The secrets of a config: its API key, and headers that are secrets. Each is sealed for its row, and for where it goes.
//!
//! Whoever can write the file can change an address. So the origin, the wire format and the header that a secret is sent with
//! are sealed with it: it does not open for others.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::failure::invalid;
use crate::provider::is_secret_header;
use crate::store::NewModelConfig;
use crate::types::{Error, ErrorKind, MASK, ModelConfig, ModelConfigId, Result, SEALED, SealedSecret, is_sealed};
use crate::vault::Vault;

/// The headers among the parameters of a config.
const HEADERS: &str = "headers";

/// Where and how the secrets of a config go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::client) struct Destination {
    /// The scheme, the host and the port; the provider's own where the config has no address.
    pub(in crate::client) origin: String,
    /// The wire format and the header of the key, as far as the parameters choose them.
    manner: String,
}

impl Destination {
    pub(in crate::client) fn new(provider: &str, base_url: Option<&str>, params: &Map<String, Value>) -> Self {
        let chosen = |key: &str| params.get(key).and_then(Value::as_str).unwrap_or_default();
        Self {
            origin: base_url.map_or_else(|| format!("the address of {provider}"), origin),
            manner: format!("{provider}\n{}\n{}", chosen("wire_format"), chosen("auth_header")),
        }
    }

    pub(in crate::client) fn of(config: &ModelConfig) -> Self {
        Self::new(&config.provider, config.base_url.as_deref(), &config.params)
    }

    /// Returns what a secret of a config is bound to.
    fn identity(&self, config: ModelConfigId, field: &str) -> String {
        format!("ai_model_config/{config}/{field}\n{}\n{}", self.origin, self.manner)
    }
}

/// Returns the scheme, the host and the port of an address, in lower case, without the port that the scheme implies.
fn origin(url: &str) -> String {
    let url = url.trim().to_ascii_lowercase();
    let (scheme, rest) = url.split_once("://").unwrap_or(("", &url));
    let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    let implied = if scheme == "http" { ":80" } else { ":443" };
    let authority = rest.get(..end).unwrap_or_default();
    format!("{scheme}://{}", authority.strip_suffix(implied).unwrap_or(authority))
}

/// Seals the secrets that a config is given: its key, and the headers among its parameters that are secrets.
pub(in crate::client) fn seal(vault: &Vault, config: &mut ModelConfig, api_key: Option<&SecretString>) -> Result<()> {
    let (destination, id) = (Destination::of(config), config.id);
    let sealed = seal_for(vault, id, &destination, &mut config.params, api_key)?;
    config.api_key = sealed.or_else(|| config.api_key.take());
    Ok(())
}

/// Seals the secrets of a config that is to be added, for the id that was taken for it.
pub(in crate::client) fn seal_new(
    vault: &Vault,
    id: ModelConfigId,
    config: &mut NewModelConfig,
    api_key: Option<&SecretString>,
) -> Result<()> {
    let destination = Destination::new(&config.names.provider, config.base_url.as_deref(), &config.params);
    config.api_key = seal_for(vault, id, &destination, &mut config.params, api_key)?;
    Ok(())
}

/// Seals the secrets among parameters in their place, and returns the key sealed.
fn seal_for(
    vault: &Vault,
    id: ModelConfigId,
    destination: &Destination,
    params: &mut Map<String, Value>,
    api_key: Option<&SecretString>,
) -> Result<Option<SealedSecret>> {
    for (name, value) in headers_of(params) {
        if let Value::String(text) = &*value
            && is_secret_header(name)
        {
            let identity = destination.identity(id, &format!("headers/{}", name.to_ascii_lowercase()));
            *value = json!({SEALED: STANDARD.encode(vault.seal(&identity, text.as_bytes())?)});
        }
    }
    let seal_key = |key: &SecretString| {
        vault.seal(&destination.identity(id, "api_key"), key.expose_secret().as_bytes()).map(SealedSecret)
    };
    api_key.map(seal_key).transpose()
}

/// Seals the secrets of a config of the first schema, whose key was bound to its row only.
pub(in crate::client) fn seal_again(vault: &Vault, mut config: ModelConfig) -> Result<ModelConfig> {
    let key = config
        .api_key
        .as_ref()
        .map(|sealed| vault.unseal_text(&format!("ai_model_config/{}/api_key", config.id), &sealed.0));
    seal(vault, &mut config, key.transpose()?.as_ref())?;
    Ok(config)
}

/// Puts the secrets that a config had into a change of it: those that the change names by their mask, and, where the secrets go
/// another way now, those that it leaves as they are.
///
/// Fails with `invalid_request` if a secret would go to another host than it was given for.
pub(in crate::client) fn keep(
    vault: &Vault,
    before: &ModelConfig,
    after: &mut ModelConfig,
    has_new_key: bool,
) -> Result<Option<SecretString>> {
    let (from, to) = (Destination::of(before), Destination::of(after));
    let key = match &before.api_key {
        Some(_) if has_new_key || from == to => None,
        Some(_) if from.origin != to.origin => return Err(moved(&from, &to, "api_key")),
        Some(sealed) => Some(vault.unseal_text(&from.identity(before.id, "api_key"), &sealed.0)?),
        None => None,
    };
    for (name, value) in headers_of(&mut after.params) {
        let is_kept = value.as_str() == Some(MASK) || is_sealed(value);
        if !is_kept || !is_secret_header(name) {
            continue;
        }
        let place = |header: &(&String, &Value)| header.0.eq_ignore_ascii_case(name);
        let known = before.params.get(HEADERS).and_then(Value::as_object).into_iter().flatten().find(place);
        let Some((_, sealed)) = known.filter(|(_, sealed)| is_sealed(sealed)) else {
            return Err(invalid(format!(
                "model parameter `headers` has {MASK:?} for {name:?}, which was never set; give its value"
            )));
        };
        if from.origin != to.origin {
            return Err(moved(&from, &to, &format!("params.headers.{name}")));
        }
        *value = if from == to { sealed.clone() } else { Value::String(unseal_header(vault, before, name, sealed)?) };
    }
    Ok(key)
}

fn moved(from: &Destination, to: &Destination, field: &str) -> Error {
    invalid(format!(
        "`base_url` moves the config from {} to {}, and what is secret goes only where it was given for; give `{field}` \
         again with the new address",
        from.origin, to.origin
    ))
}

fn headers_of(params: &mut Map<String, Value>) -> impl Iterator<Item = (&String, &mut Value)> {
    params.get_mut(HEADERS).and_then(Value::as_object_mut).into_iter().flat_map(Map::iter_mut)
}

fn unseal_header(vault: &Vault, config: &ModelConfig, name: &str, sealed: &Value) -> Result<String> {
    let field = format!("headers/{}", name.to_ascii_lowercase());
    let text = sealed.get(SEALED).and_then(Value::as_str).unwrap_or_default();
    let bytes = STANDARD.decode(text).map_err(|_| does_not_open(config, &field))?;
    let opened = vault.unseal_text(&Destination::of(config).identity(config.id, &field), &bytes);
    opened.map(|text| text.expose_secret().to_owned()).map_err(|error| explained(error, config, &field))
}

/// Returns the parameters of a config with its sealed headers opened.
pub(in crate::client) fn opened_params(vault: &Vault, config: &ModelConfig) -> Result<Map<String, Value>> {
    let mut params = config.params.clone();
    for (name, value) in headers_of(&mut params).filter(|(_, value)| is_sealed(value)) {
        *value = Value::String(unseal_header(vault, config, name, value)?);
    }
    Ok(params)
}

fn does_not_open(config: &ModelConfig, field: &str) -> Error {
    Error::new(
        ErrorKind::CorruptedFile,
        format!(
            "{field} of {} does not open for {}: it is damaged, or its address, wire format or header was changed in the file; \
             set it again with models.update",
            config.name(),
            Destination::of(config).origin
        ),
    )
}

fn explained(error: Error, config: &ModelConfig, field: &str) -> Error {
    if error.kind() == ErrorKind::CorruptedFile { does_not_open(config, field) } else { error }
}

/// Unseals a config's API key; nothing if it has none.
pub(in crate::client) fn unseal_key(vault: &Vault, config: &ModelConfig) -> Result<Option<SecretString>> {
    let Some(sealed) = &config.api_key else { return Ok(None) };
    let identity = Destination::of(config).identity(config.id, "api_key");
    let key = vault.unseal_text(&identity, &sealed.0);
    key.map(Some).map_err(|error| explained(error, config, "api_key"))
}

/// Puts the headers that are secrets into the parameters of a config.
pub(in crate::client) fn with_headers<'a>(
    vault: &Vault,
    config: &'a ModelConfig,
    mut params: Cow<'a, Map<String, Value>>,
) -> Result<Cow<'a, Map<String, Value>>> {
    let headers = config.params.get(HEADERS).and_then(Value::as_object);
    for (name, sealed) in headers.into_iter().flatten().filter(|(_, value)| is_sealed(value)) {
        let text = unseal_header(vault, config, name, sealed)?;
        if let Some(value) = params.to_mut().get_mut(HEADERS).and_then(|headers| headers.get_mut(name)) {
            *value = Value::String(text);
        }
    }
    Ok(params)
}

#[cfg(test)]
#[path = "secrets_tests.rs"]
mod tests;
