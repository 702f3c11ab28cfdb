//! The choice of candidates for a request, with the reason why each other config was passed over.

use std::cell::OnceCell;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::prompt_cache::{Beginning, PromptCache, beginnings as beginnings_of};
use crate::billing::estimate::{CacheOutlook, Estimate, head_of};
use crate::budget::exchange::{Towards, convert};
use crate::provider::{WireFormat, vendor};
use crate::routing::snapshot::Snapshot;
use crate::types::{
    Capability, ChatRequest, Currency, Error, ErrorKind, ModelConfig, Money, Result, Route, RouteTerms, Strategy,
    most_alike,
};

/// How many configs an error names that are called like what was asked for.
const MOST_NAMED: usize = 5;

/// How many configs an error names that were passed over, with the reason.
const MOST_PASSED_OVER: usize = 12;

/// What a choice looks at beside the request and the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Outlook<'a> {
    /// The instant.
    pub now: Timestamp,
    /// The output limit where nothing else limits it.
    pub default_limit: u64,
    /// What is known of the providers' caches, and the monotonic instant.
    pub prompt_cache: Option<(&'a PromptCache, Duration)>,
}

/// The candidates of a request, best first, and why each other config is not among them.
#[derive(Debug, Default)]
pub struct Selection {
    /// The configs to try, in order.
    pub candidates: Vec<Arc<ModelConfig>>,
    /// The configs that were passed over, by name, with the reason.
    pub passed_over: Vec<(String, String)>,
}

impl Selection {
    /// Notes why a config is not tried.
    pub fn pass_over(&mut self, config: &ModelConfig, reason: impl Into<String>) {
        let name = config.alias.clone().unwrap_or_else(|| config.name());
        self.passed_over.push((name, reason.into()));
    }

    /// Makes the error of a request that nothing can serve; it names each config and why it was passed over.
    #[must_use]
    pub fn no_route(&self, wanted: &str) -> Error {
        let mut detail = format!("no model config can serve {wanted}");
        if self.passed_over.is_empty() {
            detail.push_str("; no model config exists yet: add one");
        }
        for (place, (name, reason)) in self.passed_over.iter().take(MOST_PASSED_OVER).enumerate() {
            let _ = write!(detail, "{} {name}: {reason}", if place == 0 { ";" } else { "," });
        }
        if let Some(more) = self.passed_over.len().checked_sub(MOST_PASSED_OVER).filter(|more| *more > 0) {
            let _ = write!(detail, ", and {more} more");
        }
        Error::new(ErrorKind::NoRoute, detail)
    }

    fn keep_active(&mut self, configs: impl IntoIterator<Item = Arc<ModelConfig>>) {
        for config in configs {
            if !config.is_active {
                self.pass_over(&config, "it is inactive");
            } else if !self.candidates.iter().any(|other| other.id == config.id) {
                self.candidates.push(config);
            }
        }
    }
}

/// What a request of any kind wants of a config.
pub struct Wanted<'a> {
    /// The model, the alias or the route that it names.
    pub model: Option<&'a str>,
    /// What the config must make.
    pub capability: Capability,
    /// What it is expected to cost with a config; nothing if the prices in force do not cover it.
    pub expected_cost: &'a dyn Fn(&ModelConfig) -> Result<Option<Money>>,
}

/// Chooses the candidates of a chat, as [`select_for`] does.
pub fn select(
    snapshot: &Snapshot,
    request: &ChatRequest,
    fallbacks: Option<&[String]>,
    outlook: &Outlook<'_>,
) -> Result<Selection> {
    let beginnings = OnceCell::new();
    let expected_cost = |config: &ModelConfig| {
        let beginnings = beginnings.get_or_init(|| beginnings_of(request));
        expected_cost(snapshot, request, beginnings, config, outlook)
    };
    let wanted =
        Wanted { model: request.model.as_deref(), capability: Capability::Text, expected_cost: &expected_cost };
    select_for(snapshot, &wanted, fallbacks, outlook)
}

/// Chooses the candidates of a request. `fallbacks` are tried, in order, after what the request names.
///
/// Fails with `no_route`, saying which configs exist and why each was passed over.
pub fn select_for(
    snapshot: &Snapshot,
    wanted: &Wanted<'_>,
    fallbacks: Option<&[String]>,
    outlook: &Outlook<'_>,
) -> Result<Selection> {
    let mut selection = Selection::default();
    let name = wanted.model.unwrap_or(wanted.capability.name());
    add_named(snapshot, wanted, name, outlook, &mut selection)?;
    for fallback in fallbacks.unwrap_or_default() {
        add_named(snapshot, wanted, fallback, outlook, &mut selection)?;
    }
    for config in &selection.candidates {
        if config.capability != wanted.capability {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                format!(
                    "field `model`: {} makes {}, not {}",
                    config.name(),
                    config.capability.name(),
                    wanted.capability.name()
                ),
            ));
        }
    }
    if selection.candidates.is_empty() {
        return Err(selection.no_route(&format!("{name:?}")));
    }
    Ok(selection)
}

/// Chooses the candidates of a request of any capability, by what it names alone; nothing named stands for every active
/// config, the defaults first.
///
/// Fails with `no_route`, saying which configs exist and why each was passed over.
pub fn select_any(snapshot: &Snapshot, wanted: Option<&str>, outlook: &Outlook<'_>) -> Result<Selection> {
    let mut selection = Selection::default();
    if let Some(wanted) = wanted {
        let request = ChatRequest::default();
        let expected_cost = |config: &ModelConfig| expected_cost(snapshot, &request, &[], config, outlook);
        let any = Wanted { model: Some(wanted), capability: Capability::Text, expected_cost: &expected_cost };
        add_named(snapshot, &any, wanted, outlook, &mut selection)?;
    } else {
        let mut all = snapshot.configs().to_vec();
        all.sort_by_key(|config| (!config.is_default, config.priority, config.id));
        selection.keep_active(all);
    }
    if selection.candidates.is_empty() {
        return Err(selection.no_route(&format!("{:?}", wanted.unwrap_or("the request"))));
    }
    Ok(selection)
}

fn add_named(
    snapshot: &Snapshot,
    wanted: &Wanted<'_>,
    name: &str,
    outlook: &Outlook<'_>,
    selection: &mut Selection,
) -> Result<()> {
    if let Some(route) = snapshot.route(name) {
        return by_route(snapshot, wanted, route, outlook, selection);
    }
    if let Some(capability) = Capability::from_name(name) {
        by_default(snapshot, capability, selection);
        return Ok(());
    }
    let named = snapshot.named(name);
    if named.is_empty() {
        return Err(no_such_name(snapshot, name));
    }
    selection.keep_active(named);
    Ok(())
}

/// Makes the error of a request for what no config is called; it names the configs that are called the most like it.
fn no_such_name(snapshot: &Snapshot, wanted: &str) -> Error {
    let mut selection = Selection::default();
    // Whoever asks for a bare name of a model is near to one that has a provider before it.
    let compared = |config: &ModelConfig| match &config.alias {
        Some(alias) => alias.clone(),
        None if wanted.contains('/') => config.name(),
        None => config.model_name.clone(),
    };
    let names: Vec<String> = snapshot.configs().iter().map(|config| compared(config)).collect();
    for near in most_alike(wanted, names.iter().map(String::as_str), MOST_NAMED) {
        if let Some(place) = names.iter().position(|name| name == near) {
            selection.pass_over(&snapshot.configs()[place], "it has another name");
        }
    }
    let remedy = match snapshot.configs().len().saturating_sub(selection.passed_over.len()) {
        _ if snapshot.configs().is_empty() => String::new(),
        0 => "; name one of them, or add the one that you mean".to_owned(),
        more => format!(", and {more} more that are less like it; name one of them, or add the one that you mean"),
    };
    selection.no_route(&format!("{wanted:?}")).with_detail_suffix(&remedy)
}

/// The strategy `single`: the default of the capability, or its only active config.
fn by_default(snapshot: &Snapshot, capability: Capability, selection: &mut Selection) {
    let of_capability: Vec<_> = snapshot.configs().iter().filter(|config| config.capability == capability).collect();
    let active: Vec<_> = of_capability.iter().filter(|config| config.is_active).collect();
    for config in &of_capability {
        let reason = if config.is_active && (config.is_default || active.len() == 1) {
            selection.candidates.push(Arc::clone(config));
            continue;
        } else if !config.is_active {
            "it is inactive".to_owned()
        } else {
            format!("it is not the default of {} and there is no route", capability.name())
        };
        selection.pass_over(config, reason);
    }
}

fn by_route(
    snapshot: &Snapshot,
    wanted: &Wanted<'_>,
    route: &Route,
    outlook: &Outlook<'_>,
    selection: &mut Selection,
) -> Result<()> {
    let terms = &route.terms;
    let capability = Capability::from_name(&terms.name).unwrap_or_default();
    let chain: Vec<_> = if terms.models.is_empty() {
        let mut all: Vec<_> =
            snapshot.configs().iter().filter(|config| config.capability == capability).cloned().collect();
        all.sort_by_key(|config| (config.priority, !config.is_default, config.id));
        all
    } else {
        let mut chain = Vec::new();
        for name in &terms.models {
            let named = snapshot.named(name);
            if named.is_empty() {
                selection.passed_over.push((name.clone(), "the route names it, but no config has this name".into()));
            }
            chain.extend(named);
        }
        chain
    };
    match terms.strategy {
        Strategy::Single if terms.models.is_empty() => by_default(snapshot, capability, selection),
        Strategy::Single => {
            selection.keep_active(chain);
            selection.candidates.truncate(1);
        }
        Strategy::Fallback => selection.keep_active(chain),
        Strategy::Economy => by_cost(snapshot, wanted, terms, chain, outlook, selection)?,
    }
    Ok(())
}

/// The strategy `economy`: by what this request is expected to cost at the prices in force, cheapest first.
fn by_cost(
    snapshot: &Snapshot,
    wanted: &Wanted<'_>,
    terms: &RouteTerms,
    chain: Vec<Arc<ModelConfig>>,
    outlook: &Outlook<'_>,
    selection: &mut Selection,
) -> Result<()> {
    let mut offers = Vec::new();
    for config in chain {
        if !config.is_active {
            selection.pass_over(&config, "it is inactive");
            continue;
        }
        match (wanted.expected_cost)(&config)? {
            Some(cost) => offers.push((cost, config)),
            None => selection.pass_over(&config, "it has no price in force, which economy needs"),
        }
    }
    let currency = terms.maximum_cost.map_or_else(|| main_currency(&offers), |maximum| Some(maximum.currency));
    let mut comparable = Vec::with_capacity(offers.len());
    for (cost, config) in offers {
        let Some(compared) = in_currency(snapshot, cost, currency, outlook.now)? else {
            let other = currency.map(|currency| currency.to_string()).unwrap_or_default();
            let reason = format!(
                "its price is in {}, which cannot be compared with {other} without an exchange rate",
                cost.currency
            );
            selection.pass_over(&config, reason);
            continue;
        };
        if terms.maximum_cost.is_some_and(|maximum| compared.amount > maximum.amount) {
            selection.pass_over(&config, format!("this request would cost about {cost}, above the route's maximum"));
            continue;
        }
        comparable.push((compared, config));
    }
    let mut offers = comparable;
    let preferred = |config: &ModelConfig| terms.preferred_providers.contains(&config.provider);
    if offers.iter().any(|(_, config)| preferred(config)) {
        offers.retain(|(_, config)| {
            let keep = preferred(config);
            if !keep {
                selection.pass_over(config, "its provider is not among the preferred ones");
            }
            keep
        });
    }
    offers.sort_by(|(left, left_config), (right, right_config)| {
        let key = |config: &ModelConfig| (config.priority, config.id);
        left.amount.cmp(&right.amount).then_with(|| key(left_config).cmp(&key(right_config)))
    });
    selection.keep_active(offers.into_iter().map(|(_, config)| config));
    Ok(())
}

/// Returns a cost in a currency: its own, or converted at the rate in force; nothing if there is none.
fn in_currency(snapshot: &Snapshot, cost: Money, currency: Option<Currency>, at: Timestamp) -> Result<Option<Money>> {
    let Some(currency) = currency.filter(|currency| *currency != cost.currency) else { return Ok(Some(cost)) };
    let Some(exchange) = snapshot.fx_rate(cost.currency, currency, at) else { return Ok(None) };
    Ok(Some(Money::new(convert(&exchange, cost.amount, Towards::Nearest)?, currency)))
}

/// Returns what a request is expected to cost with a config, or nothing if the prices in force do not cover it.
pub fn expected_cost(
    snapshot: &Snapshot,
    request: &ChatRequest,
    beginnings: &[Beginning],
    config: &ModelConfig,
    outlook: &Outlook<'_>,
) -> Result<Option<Money>> {
    let prices = snapshot.price_set(config.id, outlook.now)?;
    let estimate = Estimate::new(request, config, &prices, outlook.default_limit, outlook.now);
    let head = head_of("", vendor(&config.provider).currency);
    Ok(estimate.expected(head, &prices, outlook.cache(beginnings, config))?.cost)
}

impl Outlook<'_> {
    /// Returns what to expect of the provider's cache.
    #[must_use]
    pub fn cache(&self, beginnings: &[Beginning], config: &ModelConfig) -> CacheOutlook {
        let Some((prompt_cache, now)) = self.prompt_cache else { return CacheOutlook::default() };
        prompt_cache.outlook(config.id, wire_format_of(config), beginnings, now)
    }
}

/// Returns the wire format of a config: its own, or its provider's.
fn wire_format_of(config: &ModelConfig) -> WireFormat {
    let named = config.params.get("wire_format").and_then(serde_json::Value::as_str);
    named.and_then(WireFormat::from_chat_name).unwrap_or(vendor(&config.provider).wire_format)
}

/// Picks the currency that most offers are in; of equals, the first offer's.
fn main_currency(offers: &[(Money, Arc<ModelConfig>)]) -> Option<Currency> {
    let count = |currency| offers.iter().filter(|(cost, _)| cost.currency == currency).count();
    offers.iter().rev().map(|(cost, _)| cost.currency).max_by_key(|currency| count(*currency))
}

#[cfg(test)]
#[path = "select_tests.rs"]
mod tests;
