//! The fields of a model config, as they are checked before one is written.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::client::engine::invalid;
use crate::environment::Environment;
use crate::provider::{
    ALLOW_INSECURE, Target, chat_adapter, check_address_with, has_secret_header, is_known_vendor, key_variables,
    vendor, vendor_names, wants_key,
};
use crate::routing::snapshot::Snapshot;
use crate::types::{
    Capability, Error, ModelConfigId, ModelName, Result, check_label, did_you_mean, is_control, nearest,
};

/// Returns an API key as a header carries it: without the white space around it that copying leaves.
///
/// Fails with `invalid_request`, without a word of the key, if nothing is left, or what no header can carry.
pub(super) fn header_key(api_key: &SecretString) -> Result<SecretString> {
    let key = api_key.expose_secret().trim();
    if key.is_empty() {
        return Err(invalid("field `api_key` is empty; give the key, or leave it out for a provider that wants none"));
    }
    if !key.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(invalid(
            "field `api_key` has a line end, a control character or a letter beyond ASCII, which no header can carry; copy \
             the key anew",
        ));
    }
    Ok(SecretString::from(key))
}

pub(super) fn split_name(name: &str) -> Result<(String, String)> {
    check_label("name", name)?;
    match ModelName::parse_given(name) {
        Some(ModelName { model, .. }) if model.chars().any(is_control) || model.trim() != model => {
            Err(invalid(format!(
                "field `name`: {name:?} has control characters, or spaces at an end of the model's name; leave them out"
            )))
        }
        Some(ModelName { model, .. }) if model.split('/').any(|part| part == "." || part == "..") => {
            Err(invalid(format!(
                "field `name`: {name:?} has `.` or `..` as a part of the model's name, which can be a part of an address; leave it out"
            )))
        }
        Some(ModelName { provider, model }) if is_provider_name(provider) && !model.is_empty() => {
            Ok((provider.to_ascii_lowercase(), model.to_owned()))
        }
        _ => Err(invalid(format!("field `name`: {name:?} is not of the form \"provider/model\""))),
    }
}

fn is_provider_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character))
}

/// Where a config's key comes from.
pub(super) struct KeyChoice<'a> {
    pub(super) given: Option<&'a SecretString>,
    pub(super) from_environment: bool,
}

impl KeyChoice<'_> {
    /// Returns the key as a header carries it. The environment is read only where that was asked for.
    pub(super) fn key(&self, provider: &str, environment: &dyn Environment) -> Result<Option<SecretString>> {
        match (self.given, self.from_environment) {
            (Some(_), true) => Err(invalid(
                "`api_key` and `api_key_from_environment` are both given; give the key, or have it read, and not both",
            )),
            (given, false) => given.map(header_key).transpose(),
            (None, true) => from_environment(provider, environment).map(Some),
        }
    }
}

fn from_environment(provider: &str, environment: &dyn Environment) -> Result<SecretString> {
    let variables = key_variables(provider);
    if variables.is_empty() {
        return Err(invalid(format!(
            "field `api_key_from_environment`: no variable is usual for the key of {provider}; give the key as `api_key`"
        )));
    }
    let set = variables.iter().find_map(|name| {
        let value = environment.variable(name).map(SecretString::from)?;
        (!value.expose_secret().trim().is_empty()).then_some(value)
    });
    match set {
        Some(value) => header_key(&value),
        None => Err(invalid(format!(
            "field `api_key_from_environment`: the environment variable {} is not set; set it, or give the key as `api_key`",
            variables.join(" or ")
        ))),
    }
}

/// Checks that a provider which answers nobody without a key is given one, if its own address is called.
pub(super) fn check_has_key(provider: &str, base_url: Option<&str>, has_key: bool) -> Result<()> {
    if has_key || base_url.is_some() || !wants_key(provider) {
        return Ok(());
    }
    Err(invalid(format!(
        "field `api_key`: {provider} answers nobody without a key; give one, or set `api_key_from_environment` to have it read \
         from {}, or give the `base_url` of a server that wants none",
        key_variables(provider).join(" or ")
    )))
}

/// Checks that there is an address to call, to which its key may go, and a wire format to speak.
pub(super) fn check_target(
    provider: &str,
    base_url: Option<&str>,
    params: &Map<String, Value>,
    has_key: bool,
) -> Result<()> {
    if base_url.is_none() && !is_known_vendor(provider) {
        return Err(unknown_provider(provider));
    }
    let vendor = vendor(provider);
    let target = Target { vendor, provider, model: "", base_url, api_key: None, params };
    let has_secret = has_key || has_secret_header(params);
    check_address_with(&target, has_secret)?;
    chat_adapter(&target).map(|_| ())
}

/// How many providers an error names that may have been meant.
const MOST_NEAR: usize = 3;

fn unknown_provider(provider: &str) -> Error {
    let near = nearest(provider, vendor_names(), MOST_NEAR);
    invalid(format!(
        "provider {provider:?} has no known address{}; set base_url on the model, and wire_format in its params if it does not \
         speak OpenAI's",
        did_you_mean(&near)
    ))
}

/// Puts the choice whether a key may go over plain http into the parameters.
pub(super) fn with_insecure(mut params: Map<String, Value>, allow_insecure: Option<bool>) -> Map<String, Value> {
    match allow_insecure {
        Some(true) => drop(params.insert(ALLOW_INSECURE.to_owned(), true.into())),
        Some(false) => drop(params.shift_remove(ALLOW_INSECURE)),
        None => {}
    }
    params
}

pub(super) fn check_alias(alias: Option<&str>) -> Result<()> {
    alias.map_or(Ok(()), |alias| check_label("alias", alias))?;
    match alias {
        Some(alias) if alias.trim().is_empty() => Err(invalid("field `alias` is empty; give a name or leave it out")),
        Some(alias) if Capability::from_name(alias).is_some() => {
            Err(invalid(format!("field `alias`: {alias:?} is the name of a capability; choose another")))
        }
        Some(alias) if alias.parse::<u64>().is_ok() => Err(invalid(format!(
            "field `alias`: {alias:?} is a number, which names a config by its id; choose another"
        ))),
        _ => Ok(()),
    }
}

/// Checks that an alias is neither the name of another config nor of a route, which it would stand in for.
pub(super) fn check_alias_is_free(snapshot: &Snapshot, alias: Option<&str>, own: Option<ModelConfigId>) -> Result<()> {
    let Some(alias) = alias else { return Ok(()) };
    if snapshot.route(alias).is_some() {
        return Err(invalid(format!("field `alias`: {alias:?} is the name of a route; choose another")));
    }
    let others = || snapshot.configs().iter().filter(|config| Some(config.id) != own);
    if let Some(config) = others().find(|config| config.alias.as_deref() == Some(alias)) {
        return Err(invalid(format!(
            "field `alias`: {alias:?} names {} (config {}) already; choose another alias, or take it from that config first",
            config.name(),
            config.id
        )));
    }
    match others().find(|config| config.full_name() == *alias) {
        Some(config) => Err(invalid(format!(
            "field `alias`: {alias:?} is the name of config {}, which requests would no longer reach; choose another",
            config.id
        ))),
        None => Ok(()),
    }
}
