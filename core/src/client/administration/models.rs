//! What administrators do with model configs: add, set, change, delete and list them.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::configured::{Configured, ConfiguredModel, PricesFrom, warnings};
use super::model_fields::{
    KeyChoice, check_alias, check_alias_is_free, check_has_key, check_target, header_key, split_name, with_insecure,
};
use super::prices::terms_of;
use super::references::{not_found, one};
use crate::catalog::bundled;
use crate::client::engine::{Tollway, secrets, unexpected};
use crate::client::events;
use crate::provider::{has_secret_header, seller, validate_params};
use crate::routing::snapshot::Snapshot;
use crate::store::{ModelConfigChange, ModelConfigNames, NewModelConfig, Operation, Outcome};
use crate::types::{
    Error, ErrorKind, Model, ModelConfig, ModelConfigId, ModelHealth, ModelTerms, ModelUpdate, Offer, PriceMap,
    PriceTerms, Result,
};

/// How often a config is looked for again, where others add and delete it at the same time.
const MOST_LOOKS: usize = 8;

/// A config that is not written yet, with what was found out about it.
struct Draft {
    config: NewModelConfig,
    api_key: Option<SecretString>,
    prices: Vec<PriceTerms>,
    prices_from: PricesFrom,
}

impl Tollway {
    /// Adds a model config. Its prices are those given, or else those of the bundled catalog for exactly this model, and what it
    /// can make is what the catalog says, unless it is given.
    ///
    /// Fails with `invalid_request` if a field is wrong, if the name is taken and no new alias is given, if the provider is not
    /// known and no address is given, or if it wants a key at its own address and none is given.
    pub async fn add_model(&self, terms: ModelTerms) -> Result<ConfiguredModel> {
        self.engine.check()?;
        let draft = self.draft(&*self.engine.reload().await?, &terms)?;
        self.add(draft, &terms).await
    }

    /// Sets a model config: adds it, or gives the one of the same name and alias the fields that are given. Fields that are left
    /// out stay, and so do prices; prices that are given become all that it has. Setting it to what it is writes nothing.
    ///
    /// Any number of processes may set one model at once. Fails as [`Self::add_model`] does, but not for a name that is taken.
    pub async fn set_model(&self, terms: ModelTerms) -> Result<ConfiguredModel> {
        self.engine.check()?;
        let (provider, model_name) = split_name(&terms.name)?;
        let is_it = |config: &&Arc<ModelConfig>| {
            (&config.provider, &config.model_name, &config.alias) == (&provider, &model_name, &terms.alias)
        };
        for _ in 0..MOST_LOOKS {
            let snapshot = self.engine.reload().await?;
            if let Some(config) = snapshot.configs().iter().find(is_it) {
                match self.change_to(&snapshot, config, &terms).await {
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    outcome => return outcome,
                }
            }
            match self.add(self.draft(&snapshot, &terms)?, &terms).await {
                // Another may have added it meanwhile; what it did not set is set now.
                Err(error) if error.kind() == ErrorKind::InvalidRequest => {
                    if !self.engine.reload().await?.configs().iter().any(|config| is_it(&config)) {
                        return Err(error);
                    }
                }
                outcome => return outcome,
            }
        }
        Err(Error::new(
            ErrorKind::Storage,
            format!("{} is added and deleted by others again and again; set it once they are done", terms.name),
        ))
    }

    /// Checks all fields of a config that is to be added.
    fn draft(&self, snapshot: &Snapshot, terms: &ModelTerms) -> Result<Draft> {
        let (provider, model_name) = split_name(&terms.name)?;
        check_alias(terms.alias.as_deref())?;
        check_alias_is_free(snapshot, terms.alias.as_deref(), None)?;
        let offer = bundled().find(seller(&provider), &model_name);
        let params = params_of(terms, offer.as_ref())?;
        let now = self.engine.environment.now();
        let (prices, prices_from) = match (&terms.prices, &offer) {
            (Some(prices), _) if prices.is_empty() => (Vec::new(), PricesFrom::None),
            (Some(prices), _) => (terms_of(prices, now)?, PricesFrom::Given),
            (None, Some(offer)) => (offer.terms(now), PricesFrom::Catalog),
            (None, None) => (Vec::new(), PricesFrom::None),
        };
        let prices_from = if prices.is_empty() { PricesFrom::None } else { prices_from };
        let api_key = self.key_of(terms, &provider)?;
        let has_key = api_key.is_some();
        check_target(&provider, terms.base_url.as_deref(), &params, has_key)?;
        // What has prices of its own may be there for them alone.
        if terms.prices.is_none() {
            check_has_key(&provider, terms.base_url.as_deref(), has_key || has_secret_header(&params))?;
        }
        let config = NewModelConfig {
            names: ModelConfigNames { provider, model_name, alias: terms.alias.clone() },
            api_key: None,
            capability: terms.capability.or(offer.as_ref().map(|offer| offer.capability)).unwrap_or_default(),
            base_url: terms.base_url.clone(),
            params,
            is_default: terms.default.unwrap_or_default(),
            priority: terms.priority.unwrap_or_default(),
            is_active: terms.active.unwrap_or(true),
            description: terms.description.clone(),
        };
        Ok(Draft { config, api_key, prices, prices_from })
    }

    fn key_of(&self, terms: &ModelTerms, provider: &str) -> Result<Option<SecretString>> {
        let choice = KeyChoice { given: terms.api_key.as_ref(), from_environment: terms.api_key_from_environment };
        choice.key(provider, self.engine.environment.as_ref())
    }

    async fn add(&self, draft: Draft, terms: &ModelTerms) -> Result<ConfiguredModel> {
        let Draft { mut config, api_key, prices, prices_from } = draft;
        let take = Operation::TakeModelConfigId { names: config.names.clone() };
        let id = match self.engine.apply(take).await? {
            Outcome::ModelConfigIdTaken(id) => id,
            other => return Err(unexpected(&other)),
        };
        secrets::seal_new(&self.engine.vault, id, &mut config, api_key.as_ref())?;
        let now = self.engine.environment.now();
        match self.engine.apply(Operation::AddModelConfig { id, config: Box::new(config), prices, now }).await? {
            Outcome::ModelConfigAdded(id) => self.configured(id, Configured::Added, prices_from, terms).await,
            other => Err(unexpected(&other)),
        }
    }

    /// Gives a config the fields that are given and that it does not have already.
    async fn change_to(
        &self,
        snapshot: &Snapshot,
        config: &Arc<ModelConfig>,
        terms: &ModelTerms,
    ) -> Result<ConfiguredModel> {
        let offer = bundled().find(seller(&config.provider), &config.model_name);
        let mut update = ModelUpdate {
            api_key: self.key_of(terms, &config.provider)?,
            base_url: terms.base_url.clone().filter(|url| Some(url) != config.base_url.as_ref()).map(Some),
            description: terms.description.clone().filter(|note| Some(note) != config.description.as_ref()).map(Some),
            capability: terms.capability.filter(|capability| *capability != config.capability),
            default: terms.default.filter(|default| *default != config.is_default),
            priority: terms.priority.filter(|priority| *priority != config.priority),
            active: terms.active.filter(|active| *active != config.is_active),
            ..ModelUpdate::default()
        };
        // A secret that does not open any more is replaced by the one that is given.
        let kept = self.engine.api_key(config).ok().flatten();
        if let (Some(kept), Some(given)) = (&kept, &update.api_key)
            && kept.expose_secret() == given.expose_secret()
            && update.base_url.is_none()
        {
            update.api_key = None;
        }
        let opened = secrets::opened_params(&self.engine.vault, config).ok();
        if !terms.params.is_empty() {
            let given = params_of(terms, offer.as_ref())?;
            update.params = Some(given).filter(|given| opened.as_ref() != Some(given));
        } else if terms.allow_insecure.is_some() {
            let given = with_insecure(config.params.clone(), terms.allow_insecure);
            update.params = Some(given).filter(|given| *given != config.params);
        }
        let params = update.params.as_ref().unwrap_or(&config.params);
        let base_url = update.base_url.as_ref().unwrap_or(&config.base_url).as_deref();
        let has_key = update.api_key.is_some() || config.api_key.is_some() || has_secret_header(params);
        if terms.prices.is_none() {
            check_has_key(&config.provider, base_url, has_key)?;
        }
        let prices = terms.prices.as_ref().map(|prices| self.price_change(snapshot, config.id, prices)).transpose()?;
        let mut outcome = Configured::Unchanged;
        if !update.is_empty() {
            self.change(snapshot, config, update).await?;
            outcome = Configured::Changed;
        }
        if let Some(prices) = prices.flatten() {
            let now = self.engine.environment.now();
            self.write(Operation::ReplacePrices { model_config_id: config.id, prices, now }).await?;
            outcome = Configured::Changed;
        }
        let prices_from = if terms.prices.is_some() { PricesFrom::Given } else { PricesFrom::Kept };
        self.configured(config.id, outcome, prices_from, terms).await
    }

    /// Returns the prices to write so that a config has those that are given and no others; nothing where it has them already.
    fn price_change(
        &self,
        snapshot: &Snapshot,
        id: ModelConfigId,
        prices: &PriceMap,
    ) -> Result<Option<Vec<PriceTerms>>> {
        let now = self.engine.environment.now();
        let given = terms_of(prices, now)?;
        let is_over = |terms: &PriceTerms| terms.expiry_date.is_some_and(|expiry| expiry <= now);
        let standing: Vec<_> = snapshot.prices(id).iter().filter(|price| price.stands(now)).collect();
        let says = |old: &PriceTerms, new: &PriceTerms| {
            let is_dated = new.effective_date != now;
            old.same_slot(new)
                && (old.unit_price, old.unit, old.currency) == (new.unit_price, new.unit, new.currency)
                && (&old.rounding, &old.modifier, &old.source) == (&new.rounding, &new.modifier, &new.source)
                && (new.expiry_date.is_none() || old.expiry_date == new.expiry_date)
                && if is_dated { old.effective_date == new.effective_date } else { old.effective_date <= now }
        };
        let has_all = given.iter().all(|new| is_over(new) || standing.iter().any(|old| says(&old.terms, new)));
        let has_others = standing.iter().any(|old| !given.iter().any(|new| says(&old.terms, new)));
        Ok((!has_all || has_others).then_some(given))
    }

    /// Changes fields of the model config that the update names; its health starts anew.
    pub async fn update_model(&self, update: ModelUpdate) -> Result<ModelConfig> {
        self.engine.check()?;
        let snapshot = self.engine.reload().await?;
        let config = one(&snapshot, &update.model)?;
        self.change(&snapshot, &config, update).await
    }

    async fn change(&self, snapshot: &Snapshot, config: &Arc<ModelConfig>, update: ModelUpdate) -> Result<ModelConfig> {
        let alias = update.alias.as_ref().and_then(Option::as_deref);
        check_alias(alias)?;
        check_alias_is_free(snapshot, alias, Some(config.id))?;
        if let Some(params) = &update.params {
            validate_params(params)?;
        }
        let stays = update.params.is_none() && update.allow_insecure.is_none();
        let params = update.params.unwrap_or_else(|| config.params.clone());
        let params = with_insecure(params, update.allow_insecure);
        let base_url = update.base_url.clone().unwrap_or_else(|| config.base_url.clone());
        let has_key = update.api_key.is_some() || config.api_key.is_some();
        // What is switched off, or moved to another address, is not held up by what was wrong with it before.
        if !stays || update.base_url.is_some() || update.api_key.is_some() {
            check_target(&config.provider, base_url.as_deref(), &params, has_key)?;
        }
        let api_key = update.api_key.map(|api_key| header_key(&api_key)).transpose()?;
        let mut changed = ModelConfig { base_url, params, ..config.as_ref().clone() };
        let kept = secrets::keep(&self.engine.vault, config, &mut changed, api_key.is_some())?;
        secrets::seal(&self.engine.vault, &mut changed, api_key.or(kept).as_ref())?;
        let change = Box::new(ModelConfigChange {
            api_key: changed.api_key.filter(|sealed| Some(sealed) != config.api_key.as_ref()),
            alias: update.alias,
            base_url: update.base_url,
            params: Some(changed.params).filter(|params| *params != config.params),
            capability: update.capability,
            is_default: update.default,
            priority: update.priority,
            is_active: update.active,
            description: update.description,
        });
        let now = self.engine.environment.now();
        self.engine.apply(Operation::UpdateModelConfig { id: config.id, change, now }).await?;
        if self.engine.health.forget(config.id) {
            events::cooldown_end(None, config);
        }
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

    /// Returns a config that was set, with what its caller may want to know of it.
    async fn configured(
        &self,
        id: ModelConfigId,
        outcome: Configured,
        prices_from: PricesFrom,
        terms: &ModelTerms,
    ) -> Result<ConfiguredModel> {
        let config = self.config_of(id).await?;
        let snapshot = self.engine.snapshot().await?;
        let now = self.engine.environment.now();
        let has_prices = snapshot.prices(id).iter().any(|price| price.stands(now));
        let prices_from = if has_prices { prices_from } else { PricesFrom::None };
        let wants_none = terms.prices.as_ref().is_some_and(PriceMap::is_empty);
        let (near_matches, warnings) = warnings(&config, prices_from == PricesFrom::None && !wants_none);
        for warning in &warnings {
            events::doubt(&config, warning);
        }
        Ok(ConfiguredModel { config, outcome, prices_from, near_matches, warnings })
    }

    async fn config_of(&self, id: ModelConfigId) -> Result<ModelConfig> {
        let snapshot = self.engine.reload().await?;
        let found = snapshot.configs().iter().find(|config| config.id == id);
        found.map(|config| config.as_ref().clone()).ok_or_else(|| not_found(&snapshot, &id.to_string()))
    }
}

/// Returns the parameters that are given, with the output limit of the catalog where they have none.
fn params_of(terms: &ModelTerms, offer: Option<&Offer>) -> Result<Map<String, Value>> {
    let mut params = with_insecure(terms.params.clone(), terms.allow_insecure);
    validate_params(&params)?;
    if let Some(limit) = offer.and_then(|offer| offer.max_output_tokens)
        && !params.contains_key("max_output_tokens")
    {
        params.insert("max_output_tokens".to_owned(), limit.into());
    }
    Ok(params)
}
