//! What administrators do: model configs, routes and budgets.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::inputs::{ModelHealth, ModelInput, ModelUpdate};
use super::prices::{MOST_MONEY, terms_of};
use super::{Tollway, secrets, unexpected};
use crate::billing::exact::LEDGER_DECIMALS;
use crate::catalog::bundled;
use crate::catalog::snapshot::Snapshot;
use crate::provider::{
    ALLOW_INSECURE, Target, adapter, check_address_with, has_secret_header, seller, validate_params, vendor,
};
use crate::store::{ModelConfigChange, ModelConfigNames, NewModelConfig, Operation, Outcome};
use crate::types::{
    BudgetId, BudgetStatus, BudgetTerms, Capability, Decimal, Error, ErrorKind, Limit, Model, ModelConfig,
    ModelConfigId, Result, Route, RouteTerms, Scope, check_label, check_tag, is_control,
};

/// The most decimal places of a limit: the ledger's.
const MOST_DECIMALS: u32 = LEDGER_DECIMALS;

impl Tollway {
    /// Adds a model config. Its prices are those given, or else those of the bundled catalog for exactly this model.
    ///
    /// Fails with `invalid_request` if a field is wrong, or if the name is taken and no new alias is given.
    pub async fn add_model(&self, input: ModelInput) -> Result<ModelConfig> {
        self.engine.check()?;
        let now = self.engine.environment.now();
        let (provider, model_name) = split_name(&input.name)?;
        check_alias(input.alias.as_deref())?;
        check_alias_is_free(&*self.engine.reload().await?, input.alias.as_deref(), None)?;
        let mut model_params = with_insecure(input.params, input.allow_insecure);
        validate_params(&model_params)?;
        let offer = bundled().find(seller(&provider), &model_name);
        if let Some(limit) = offer.as_ref().and_then(|offer| offer.max_output_tokens)
            && !model_params.contains_key("max_output_tokens")
        {
            model_params.insert("max_output_tokens".to_owned(), limit.into());
        }
        let prices = match &input.prices {
            Some(prices) => terms_of(prices, now)?,
            None => offer.map(|offer| offer.terms(now)).unwrap_or_default(),
        };
        let api_key = input.api_key.map(|api_key| header_key(&api_key)).transpose()?;
        check_target(&provider, input.base_url.as_deref(), &model_params, api_key.is_some())?;
        let names = ModelConfigNames { provider, model_name, alias: input.alias };
        let mut config = NewModelConfig {
            names: names.clone(),
            capability: input.capability,
            api_key: None,
            base_url: input.base_url,
            model_params,
            is_default: input.default,
            priority: input.priority,
            is_active: input.active.unwrap_or(true),
            description: input.description,
        };
        let id = match self.engine.store.apply(Operation::TakeModelConfigId { names }).await? {
            Outcome::ModelConfigIdTaken(id) => id,
            other => return Err(unexpected(&other)),
        };
        secrets::seal_new(&self.engine.vault, id, &mut config, api_key.as_ref())?;
        let add = Operation::AddModelConfig { id, config: Box::new(config), prices, now };
        match self.engine.store.apply(add).await? {
            Outcome::ModelConfigAdded(id) => self.config_of(id).await,
            other => Err(unexpected(&other)),
        }
    }

    /// Changes fields of a model config; its health starts anew. `reference` is an alias, `provider/model`, or an id.
    pub async fn update_model(&self, reference: &str, update: ModelUpdate) -> Result<ModelConfig> {
        self.engine.check()?;
        let snapshot = self.engine.reload().await?;
        let config = one(&snapshot, reference)?;
        let alias = update.alias.as_ref().and_then(Option::as_deref);
        check_alias(alias)?;
        check_alias_is_free(&snapshot, alias, Some(config.id))?;
        if let Some(params) = &update.params {
            validate_params(params)?;
        }
        let stays = update.params.is_none() && update.allow_insecure.is_none();
        let params = update.params.unwrap_or_else(|| config.model_params.clone());
        let params = with_insecure(params, update.allow_insecure);
        let base_url = update.base_url.clone().unwrap_or_else(|| config.base_url.clone());
        let has_key = update.api_key.is_some() || config.api_key.is_some();
        // What is switched off, or moved to another address, is not held up by what was wrong with it before.
        if !stays || update.base_url.is_some() || update.api_key.is_some() {
            check_target(&config.provider, base_url.as_deref(), &params, has_key)?;
        }
        let api_key = update.api_key.map(|api_key| header_key(&api_key)).transpose()?;
        let mut changed = ModelConfig { base_url, model_params: params, ..config.as_ref().clone() };
        let kept = secrets::keep(&self.engine.vault, &config, &mut changed, api_key.is_some())?;
        secrets::seal(&self.engine.vault, &mut changed, api_key.or(kept).as_ref())?;
        let change = Box::new(ModelConfigChange {
            api_key: changed.api_key.filter(|sealed| Some(sealed) != config.api_key.as_ref()),
            alias: update.alias,
            base_url: update.base_url,
            model_params: Some(changed.model_params).filter(|params| *params != config.model_params),
            is_default: update.default,
            priority: update.priority,
            is_active: update.active,
            description: update.description,
        });
        let now = self.engine.environment.now();
        self.engine.store.apply(Operation::UpdateModelConfig { id: config.id, change, now }).await?;
        self.engine.health.forget(config.id);
        self.engine.omissions.forget(config.id);
        self.config_of(config.id).await
    }

    /// Deletes a model config and its prices. What it was used for stays in the ledger.
    pub async fn delete_model(&self, reference: &str) -> Result<()> {
        self.engine.check()?;
        let id = self.one(reference).await?.id;
        self.write(Operation::DeleteModelConfig { id }).await
    }

    /// Returns all model configs, by id.
    pub async fn model_configs(&self) -> Result<Vec<ModelConfig>> {
        self.engine.check()?;
        Ok(self.engine.reload().await?.configs().iter().map(|config| config.as_ref().clone()).collect())
    }

    /// Returns all models that were used, by id: the billing identities, which are never deleted.
    pub async fn used_models(&self) -> Result<Vec<Model>> {
        self.engine.check()?;
        self.engine.store.models().await
    }

    /// Returns what this process knows of the health of each config, by id.
    pub async fn model_health(&self) -> Result<Vec<ModelHealth>> {
        self.engine.check()?;
        let snapshot = self.engine.snapshot().await?;
        let now = self.engine.environment.monotonic();
        let health = |config: &Arc<ModelConfig>| {
            let condition = self.engine.health.condition(config.id, now);
            ModelHealth {
                model: config.alias.clone().unwrap_or_else(|| config.name()),
                model_config_id: config.id,
                consecutive_failures: condition.consecutive_failures,
                cooling_for: condition.cooling_for.map(|left| left.as_secs_f64()),
            }
        };
        Ok(snapshot.configs().iter().map(health).collect())
    }

    /// Adds a route, or replaces the one of its name. Its name is a capability, or an alias that requests can name.
    pub async fn set_route(&self, terms: RouteTerms) -> Result<()> {
        self.engine.check()?;
        let snapshot = self.engine.reload().await?;
        check_label("name", &terms.name)?;
        if terms.name.trim().is_empty() {
            return Err(invalid("field `name`: give a capability or an alias"));
        }
        if Capability::from_name(&terms.name).is_none() && !snapshot.named(&terms.name).is_empty() {
            return Err(invalid(format!("field `name`: {:?} is a model config already", terms.name)));
        }
        for name in &terms.models {
            if snapshot.named(name).is_empty() {
                return Err(not_found(&snapshot, name));
            }
        }
        let now = self.engine.environment.now();
        self.write(Operation::PutRoute { terms, now }).await
    }

    /// Returns all routes, by name.
    pub async fn routes(&self) -> Result<Vec<Route>> {
        self.engine.check()?;
        Ok(self.engine.reload().await?.routes().into_iter().cloned().collect())
    }

    /// Deletes a route by its name.
    pub async fn delete_route(&self, name: &str) -> Result<()> {
        self.engine.check()?;
        self.write(Operation::DeleteRoute { name: name.to_owned() }).await
    }

    /// Sets a budget: adds it, or changes the limit of the one with the same scope, window, zone and kind of limit.
    pub async fn set_budget(&self, terms: BudgetTerms) -> Result<BudgetId> {
        self.engine.check()?;
        if let Limit::Money(limit) = terms.limit {
            if limit.amount < Decimal::ZERO {
                return Err(invalid("field `limit` is negative; give zero or more"));
            }
            if limit.amount >= Decimal::from(MOST_MONEY) || limit.amount.normalize().scale() > MOST_DECIMALS {
                return Err(invalid(format!(
                    "field `limit` must be below {MOST_MONEY} and have {MOST_DECIMALS} decimal places at the most, so \
                     that what is left of it stays exact"
                )));
            }
        }
        match &terms.scope {
            Scope::User { user } => check_label("user", user)?,
            Scope::Tag { key, value } => check_tag("tag", key, value)?,
            _ => {}
        }
        let now = self.engine.environment.now();
        crate::billing::window::window_bounds(terms.window, &terms.time_zone, now)?;
        let outcome = self.engine.store.apply(Operation::PutBudget { terms, now }).await?;
        self.engine.reload().await?;
        match outcome {
            Outcome::BudgetPut(id) => Ok(id),
            other => Err(unexpected(&other)),
        }
    }

    /// Returns all budgets with their state in the running window, by id.
    pub async fn budgets(&self) -> Result<Vec<BudgetStatus>> {
        self.engine.check()?;
        self.engine.store.budget_statuses(self.engine.environment.now()).await
    }

    /// Deletes a budget.
    pub async fn delete_budget(&self, id: BudgetId) -> Result<()> {
        self.engine.check()?;
        self.write(Operation::DeleteBudget { id }).await
    }

    pub(super) async fn write(&self, operation: Operation) -> Result<()> {
        self.engine.store.apply(operation).await?;
        self.engine.reload().await.map(|_| ())
    }

    pub(super) async fn one(&self, reference: &str) -> Result<Arc<ModelConfig>> {
        one(&*self.engine.reload().await?, reference)
    }

    async fn config_of(&self, id: ModelConfigId) -> Result<ModelConfig> {
        let snapshot = self.engine.reload().await?;
        let found = snapshot.configs().iter().find(|config| config.id == id);
        found.map(|config| config.as_ref().clone()).ok_or_else(|| not_found(&snapshot, &id.to_string()))
    }
}

/// Returns an API key as a header carries it: without the white space around it that copying leaves.
///
/// Fails with `invalid_request`, without a word of the key, if nothing is left, or what no header can carry.
fn header_key(api_key: &SecretString) -> Result<SecretString> {
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

/// Returns the one config that a reference names.
pub(super) fn one(snapshot: &Snapshot, reference: &str) -> Result<Arc<ModelConfig>> {
    let mut named = snapshot.named(reference);
    match named.len() {
        0 => Err(not_found(snapshot, reference)),
        1 => Ok(named.remove(0)),
        count => {
            let ids: Vec<_> = named.iter().map(|config| config.id.to_string()).collect();
            Err(invalid(format!(
                "{reference:?} names {count} model configs, with the ids {}; name one by its alias or its id",
                ids.join(", ")
            )))
        }
    }
}

fn not_found(snapshot: &Snapshot, reference: &str) -> Error {
    let names: Vec<_> =
        snapshot.configs().iter().map(|config| config.alias.clone().unwrap_or_else(|| config.name())).collect();
    let known =
        if names.is_empty() { "there is none yet".to_owned() } else { format!("there are {}", names.join(", ")) };
    Error::new(ErrorKind::NotFound, format!("no model config is named {reference:?}; {known}"))
}

fn split_name(name: &str) -> Result<(String, String)> {
    check_label("name", name)?;
    let split = name.split_once('/').or_else(|| name.split_once(':'));
    match split {
        Some((_, model)) if model.chars().any(is_control) || model.trim() != model => Err(invalid(format!(
            "field `name`: {name:?} has control characters, or spaces at an end of the model's name; leave them out"
        ))),
        Some((_, model)) if model.split('/').any(|part| part == "." || part == "..") => Err(invalid(format!(
            "field `name`: {name:?} has `.` or `..` as a part of the model's name, which can be a part of an address; leave it out"
        ))),
        Some((provider, model)) if is_provider_name(provider) && !model.is_empty() => {
            Ok((provider.to_ascii_lowercase(), model.to_owned()))
        }
        _ => Err(invalid(format!("field `name`: {name:?} is not of the form \"provider/model\""))),
    }
}

fn is_provider_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character))
}

/// Checks that there is an address to call, to which its key may go, and a wire format to speak.
fn check_target(provider: &str, base_url: Option<&str>, params: &Map<String, Value>, has_key: bool) -> Result<()> {
    let vendor = vendor(provider);
    let target = Target { vendor, provider, model: "", base_url, api_key: None, params };
    let has_secret = has_key || has_secret_header(params);
    check_address_with(&target, has_secret)?;
    adapter(&target).map(|_| ())
}

/// Puts the choice whether a key may go over plain http into the parameters.
fn with_insecure(mut params: Map<String, Value>, allow_insecure: Option<bool>) -> Map<String, Value> {
    match allow_insecure {
        Some(true) => drop(params.insert(ALLOW_INSECURE.to_owned(), true.into())),
        Some(false) => drop(params.shift_remove(ALLOW_INSECURE)),
        None => {}
    }
    params
}

fn check_alias(alias: Option<&str>) -> Result<()> {
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
fn check_alias_is_free(snapshot: &Snapshot, alias: Option<&str>, own: Option<ModelConfigId>) -> Result<()> {
    let Some(alias) = alias else { return Ok(()) };
    if snapshot.route(alias).is_some() {
        return Err(invalid(format!("field `alias`: {alias:?} is the name of a route; choose another")));
    }
    let is_it = |config: &&Arc<ModelConfig>| Some(config.id) != own && config.name() == alias;
    match snapshot.configs().iter().find(is_it) {
        Some(config) => Err(invalid(format!(
            "field `alias`: {alias:?} is the name of config {}, which requests would no longer reach; choose another",
            config.id
        ))),
        None => Ok(()),
    }
}

pub(super) fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidRequest, detail)
}
