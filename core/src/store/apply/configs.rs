//! Model configs: add, update, delete, and the replacement of their sealed keys.

use jiff::Timestamp;

use super::prices::{self, Replaced};
use super::{invalid, not_found};
use crate::store::codec::micros;
use crate::store::ledger::Ledger;
use crate::store::rows::{ModelConfigRow, ProviderRow};
use crate::store::{ModelConfigChange, ModelConfigNames, NewModelConfig};
use crate::types::{ModelConfig, ModelConfigId, ModelName, PriceTerms, Result, SealedSecret};

/// Takes the id of a config that may be added, whose secrets are sealed for it meanwhile.
pub(super) fn take_id(ledger: &mut Ledger<'_>, names: &ModelConfigNames) -> Result<ModelConfigId> {
    check_names(ledger, names)?;
    ledger.model_configs.take_id().map(ModelConfigId::new)
}

pub(super) fn add(
    ledger: &mut Ledger<'_>,
    id: ModelConfigId,
    config: NewModelConfig,
    terms: &[PriceTerms],
    now: Timestamp,
) -> Result<ModelConfigId> {
    let NewModelConfig { names, capability, api_key, base_url, params, is_default, priority, is_active, description } =
        config;
    let row = ModelConfigRow::new(&ModelConfig {
        id,
        provider: names.provider.clone(),
        model_name: names.model_name.clone(),
        alias: names.alias.clone(),
        capability,
        api_key,
        base_url,
        params,
        is_default,
        priority,
        is_active,
        description,
        created_at: now,
        updated_at: now,
    });
    if let Some(known) = ledger.model_configs.get(id.get())? {
        // Only the same operation brings the same key again: no two seals of one key are alike.
        let is_same = |one: &ModelConfigRow| (one.created_at, one.api_key.clone(), names_of(one));
        return if is_same(&known) == is_same(&row) {
            Ok(id)
        } else {
            Err(invalid(format!("model config {id} exists already; take an id of its own for each config")))
        };
    }
    check_names(ledger, &names)?;
    prices::check(terms)?;
    if id.get() == 0 || id.get() >= ledger.model_configs.next_id()? {
        return Err(invalid(format!("model config {id} was never given out; take an id before the config is added")));
    }
    let planned = prices::plan(ledger, id, terms, Replaced::Slots, now)?;
    find_or_create_provider(ledger, &names.provider, now)?;
    if row.is_default {
        clear_default(ledger, &row.capability, now)?;
    }
    ledger.model_configs.put(id.get(), &row)?;
    prices::write(ledger, planned)?;
    ledger.configuration_changed()?;
    Ok(id)
}

fn names_of(row: &ModelConfigRow) -> ModelConfigNames {
    ModelConfigNames { provider: row.provider.clone(), model_name: row.model_name.clone(), alias: row.alias.clone() }
}

/// Refuses names that are no names, or that a config has.
fn check_names(ledger: &Ledger<'_>, names: &ModelConfigNames) -> Result<()> {
    if names.provider.is_empty() || names.provider.contains('/') || names.model_name.is_empty() {
        return Err(invalid("a model is named provider/model; give a provider without a slash, and a model name"));
    }
    for (id, row) in ledger.model_configs.all()? {
        check_alias(names.alias.as_deref(), id, &row)?;
        if names_of(&row) == *names {
            return Err(invalid(format!(
                "{} is configured already (config {id}); update that config, or give this one an alias of its own",
                ModelName::new(&names.provider, &names.model_name)
            )));
        }
    }
    check_alias_text(names.alias.as_deref())
}

pub(super) fn update(
    ledger: &mut Ledger<'_>,
    id: ModelConfigId,
    change: ModelConfigChange,
    now: Timestamp,
) -> Result<()> {
    let mut row = find(ledger, id)?;
    if let Some(alias) = change.alias {
        check_alias_text(alias.as_deref())?;
        for (other, other_row) in ledger.model_configs.all()? {
            if other == id.get() {
                continue;
            }
            check_alias(alias.as_deref(), other, &other_row)?;
            if (&other_row.provider, &other_row.model_name, &other_row.alias)
                == (&row.provider, &row.model_name, &alias)
            {
                return Err(invalid(format!(
                    "config {other} would be the same as this one; keep an alias on one of them"
                )));
            }
        }
        row.alias = alias;
    }
    if let Some(api_key) = change.api_key {
        row.api_key = Some(api_key.0);
    }
    if let Some(base_url) = change.base_url {
        row.base_url = base_url;
    }
    if let Some(params) = change.params {
        row.model_params = serde_json::Value::Object(params).to_string();
    }
    if let Some(priority) = change.priority {
        row.priority = priority;
    }
    if let Some(is_active) = change.is_active {
        row.is_active = is_active;
    }
    if let Some(description) = change.description {
        row.description = description;
    }
    row.updated_at = micros(now);
    let was_default_of = row.is_default.then(|| row.capability.clone());
    if let Some(capability) = change.capability {
        capability.name().clone_into(&mut row.capability);
    }
    row.is_default = change.is_default.unwrap_or(row.is_default);
    if row.is_default && was_default_of.as_ref() != Some(&row.capability) {
        clear_default(ledger, &row.capability, now)?;
    }
    ledger.model_configs.put(id.get(), &row)?;
    ledger.configuration_changed()
}

pub(super) fn delete(ledger: &mut Ledger<'_>, id: ModelConfigId) -> Result<()> {
    find(ledger, id)?;
    ledger.model_configs.remove(id.get())?;
    for (price, row) in ledger.prices.all()? {
        if row.model_id == id.get() {
            ledger.prices.remove(price)?;
        }
    }
    ledger.configuration_changed()
}

pub(super) fn replace_sealed_keys(ledger: &mut Ledger<'_>, keys: Vec<(ModelConfigId, SealedSecret)>) -> Result<()> {
    let mut rows = Vec::with_capacity(keys.len());
    for (id, key) in keys {
        let mut row = find(ledger, id)?;
        row.api_key = Some(key.0);
        rows.push((id, row));
    }
    for (id, row) in rows {
        ledger.model_configs.put(id.get(), &row)?;
    }
    ledger.configuration_changed()
}

/// Returns a config's row.
pub(super) fn find(ledger: &Ledger<'_>, id: ModelConfigId) -> Result<ModelConfigRow> {
    ledger.model_configs.get(id.get())?.ok_or_else(|| not_found(&format!("model config {id}")))
}

/// Returns the id of a provider, whose row is made if it is new.
pub(super) fn find_or_create_provider(ledger: &mut Ledger<'_>, name: &str, now: Timestamp) -> Result<u64> {
    if let Some(id) = ledger.providers_by_name.get(name)? {
        return Ok(id);
    }
    let id = ledger.providers.take_id()?;
    ledger.providers.put(id, &ProviderRow { name: name.to_owned(), created_at: micros(now) })?;
    ledger.providers_by_name.put(name, id)?;
    ledger.configuration_changed()?;
    Ok(id)
}

/// Takes the default from any config of a capability.
fn clear_default(ledger: &mut Ledger<'_>, capability: &str, now: Timestamp) -> Result<()> {
    for (id, mut row) in ledger.model_configs.all()? {
        if row.is_default && row.capability == capability {
            row.is_default = false;
            row.updated_at = micros(now);
            ledger.model_configs.put(id, &row)?;
        }
    }
    Ok(())
}

fn check_alias_text(alias: Option<&str>) -> Result<()> {
    if alias.is_some_and(str::is_empty) {
        return Err(invalid("an alias is empty; leave it out, or give it a name"));
    }
    Ok(())
}

fn check_alias(alias: Option<&str>, id: u64, row: &ModelConfigRow) -> Result<()> {
    if alias.is_some() && row.alias.as_deref() == alias {
        return Err(invalid(format!(
            "the alias {:?} names config {id} already; choose another alias, or take it from that config first",
            alias.unwrap_or_default()
        )));
    }
    Ok(())
}
