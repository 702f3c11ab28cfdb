//! What a request can ask for that the prices of its model do not cover, or that nothing bounds: paid work beside the tokens,
//! other price lists, and fields that nobody knows.

use serde_json::{Map, Value};

use super::price::PriceSet;
use crate::provider::WireFormat;
use crate::provider::body_field::{Meaning, meaning};
use crate::provider::vendor_tool::{Asked, AskedBy, Reading, VendorWork};
use crate::types::{Attribute, ChatRequest, Meter, Tool};

/// Tiers that providers sell at other prices than those of their list.
const OTHER_TIERS: [&str; 7] = ["flex", "priority", "scale", "fast", "ultrafast", "batch", "balanced"];

/// The name of the field that asks for a tier.
pub const SERVICE_TIER: &str = "service_tier";

/// The parameter of a model config that states how much paid work one request makes at the most.
const MAX_USES: &str = "max_uses";

/// Fields whose work is told by what stands in them: where that is none, nothing is asked for.
const SEARCHES: [&str; 3] = ["web_search_options", "search_parameters", "plugins"];

/// Something of a request whose cost is not known, or has no bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The field, the tool or the model.
    pub name: String,
    /// What is missing.
    pub lack: Lack,
}

/// What is missing to know what something costs at the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The prices of the model are not those of what the field asks for.
    Prices,
    /// A price of the meter by which the work is charged.
    PriceOf(Meter),
    /// The greatest number of uses; the meter is absent where only tokens are charged.
    Maximum(Option<Meter>),
    /// Any knowledge of the field.
    Meaning,
    /// Any knowledge of what the tool costs.
    Cost,
    /// A reading of the request, which is handed on as it is.
    Reading,
}

impl Gap {
    fn new(name: &str, lack: Lack) -> Self {
        Self { name: name.to_owned(), lack }
    }

    /// Returns whether it is the tier that was asked for.
    #[must_use]
    pub fn is_tier(&self) -> bool {
        self.name == SERVICE_TIER
    }

    /// Returns whether it is known afterwards: what the provider counts has prices, and only its bound was missing.
    #[must_use]
    pub const fn is_known_afterwards(&self) -> bool {
        matches!(self.lack, Lack::Maximum(_))
    }

    /// Says what is missing.
    #[must_use]
    pub fn sentence(&self) -> String {
        let name = &self.name;
        match self.lack {
            Lack::Prices => format!("field `{name}` asks for what the prices do not cover"),
            Lack::PriceOf(meter) => format!("`{name}` is charged by the meter {meter}, which has no price"),
            Lack::Maximum(_) => format!("nothing says how much work `{name}` makes at the most"),
            Lack::Meaning => format!("field `{name}` is not known, and so is what it can cost"),
            Lack::Cost => format!("what the tool `{name}` can cost is not known"),
            Lack::Reading => format!("{name} is handed on as it is, and has neither a price nor a count of tokens"),
        }
    }

    /// Says what is missing, and what to do.
    #[must_use]
    pub fn advice(&self) -> String {
        let sentence = self.sentence();
        let name = &self.name;
        match self.lack {
            Lack::Prices | Lack::Meaning => format!(
                "{sentence}: leave it out, or add a model config that sets it in its `body` parameter, with prices of its own"
            ),
            Lack::PriceOf(meter) => format!("{sentence}: set a price of {meter} for the model, or leave it out"),
            Lack::Maximum(meter) => format!(
                "{sentence}: state the most in the request where it has a field for that, such as `max_uses`, or give \
                 {{\"max_uses\": {{{:?}: number}}}} in the params of the model config",
                meter.map_or_else(|| base_name(name).to_owned(), |meter| meter.name().to_owned())
            ),
            Lack::Cost => format!("{sentence}: leave it out"),
            Lack::Reading => format!(
                "{sentence}, so that it is unmetered: set `on_unpriced` to \"allow\" for the client that sends it, and it is \
                 made and recorded as unpriced, or to \"hold\", and the money budgets stay closed until its record is priced"
            ),
        }
    }
}

/// Work of the provider's that a request, its config or its model asks for.
#[derive(Clone, Debug)]
pub struct AskedWork {
    /// The work.
    pub work: VendorWork,
    /// Whether the config asks for it by itself, so that whoever set it set its prices too.
    pub is_configured: bool,
}

/// Returns the work of the provider's that a call can make beside the answer.
#[must_use]
pub fn asked_work(asked: &Asked<'_>, request: &ChatRequest, params: &Map<String, Value>) -> Vec<AskedWork> {
    let field = |name: &str| request.extra.get(name).or_else(|| configured(params, name));
    let mut works: Vec<VendorWork> = Vec::new();
    for tool in &request.tools {
        if let Tool::Vendor(fields) = tool {
            works.extend(asked.work_of_tool(fields));
        }
    }
    works.extend(asked.work_of_fields(&field));
    works.extend(asked.work_of_model(&field));
    let answers = u64::from(request.n.unwrap_or(1).max(1));
    let stated = |work: &VendorWork| {
        let uses = params.get(MAX_USES)?;
        let names = [Some(work.name.as_str()), Some(base_name(&work.name)), work.meter.map(Meter::name)];
        names.into_iter().flatten().find_map(|name| uses.get(name)?.as_u64())
    };
    let works = works.into_iter().map(|mut work| {
        work.most = work.most.or_else(|| stated(&work)).map(|most| most.saturating_mul(answers));
        let is_own = request.extra.get(&work.name).is_some_and(|value| configured(params, &work.name) != Some(value));
        AskedWork { is_configured: work.by == AskedBy::Field && !is_own, work }
    });
    works.collect()
}

/// Returns what of a request the prices do not cover, whoever caps it.
///
/// What the parameters of the model config ask for themselves is covered: whoever set them set the prices too. So is what
/// the prices have a condition for, and a search if the prices have one of the meter that counts it.
#[must_use]
pub fn uncovered(
    format: WireFormat,
    request: &ChatRequest,
    params: &Map<String, Value>,
    prices: &PriceSet,
    works: &[AskedWork],
) -> Option<Gap> {
    let tier = request.service_tier.as_deref();
    if tier.is_some_and(|tier| is_other_tier(tier, params) && !prices.looks_at(Attribute::ServiceTier, tier)) {
        return Some(Gap::new(SERVICE_TIER, Lack::Prices));
    }
    let asked = request.extra.iter().filter(|(field, value)| {
        let costs = matches!(meaning(format, field, value), Some(Meaning::PaidWork | Meaning::Fact));
        costs
            && !asks_nothing(value)
            && configured(params, field) != Some(value)
            && !has_condition(prices, field, value)
    });
    for (field, _) in asked {
        let mut own =
            works.iter().filter(|asked| asked.work.by == AskedBy::Field && asked.work.name == *field).peekable();
        if own.peek().is_none() && !SEARCHES.contains(&field.as_str()) {
            return Some(Gap::new(field, Lack::Prices));
        }
        for AskedWork { work, .. } in own {
            match work.meter.filter(|_| work.is_known) {
                Some(meter) if prices.has_price(meter) => {}
                Some(meter) => return Some(Gap::new(field, Lack::PriceOf(meter))),
                None => return Some(Gap::new(field, Lack::Prices)),
            }
        }
    }
    None
}

/// Returns what of a request has no bound, so that no cap on money can let it in: fields that the list does not know, and
/// work without a price or a maximum.
#[must_use]
pub fn unbounded(
    format: WireFormat,
    request: &ChatRequest,
    params: &Map<String, Value>,
    prices: &PriceSet,
    works: &[AskedWork],
) -> Option<Gap> {
    let is_unknown = |(field, value): &(&String, &Value)| {
        meaning(format, field, value).is_none() && !value.is_null() && configured(params, field) != Some(*value)
    };
    // Formats beside OpenAI's refuse what they do not know.
    if format == WireFormat::OpenAi
        && let Some((field, _)) = request.extra.iter().find(is_unknown)
    {
        return Some(Gap::new(field, Lack::Meaning));
    }
    works.iter().find_map(|asked| {
        let AskedWork { work, is_configured } = asked;
        // A model's own search may be charged as a fee of the request.
        let is_priced =
            |meter| prices.has_price(meter) || work.by == AskedBy::Model && prices.has_price(Meter::Request);
        let lack = match work.meter {
            _ if !work.is_known => Some(Lack::Cost),
            Some(meter) if !is_priced(meter) => Some(Lack::PriceOf(meter)),
            _ => None,
        };
        if let Some(lack) = lack.filter(|_| !is_configured) {
            return Some(Gap::new(&work.name, lack));
        }
        // What the prices of a config leave out costs nothing by itself, but what it brings into the input does.
        let needs_maximum = lack.is_none() || work.reading == Reading::EachUse;
        (needs_maximum && work.most.is_none()).then(|| Gap::new(&work.name, Lack::Maximum(work.meter)))
    })
}

/// Returns the name of a tool without its date.
fn base_name(name: &str) -> &str {
    name.trim_end_matches(|character: char| character.is_ascii_digit()).trim_end_matches('_')
}

/// Returns whether a tier has other prices than the plain ones of the model config.
#[must_use]
pub fn is_other_tier(tier: &str, params: &Map<String, Value>) -> bool {
    OTHER_TIERS.iter().any(|other| tier.eq_ignore_ascii_case(other)) && configured_tier(params) != Some(tier)
}

/// Returns the tier that the parameters of a model config ask for.
#[must_use]
pub fn configured_tier(params: &Map<String, Value>) -> Option<&str> {
    configured(params, SERVICE_TIER).and_then(Value::as_str)
}

/// Returns whether the prices say what the value of a field costs.
fn has_condition(prices: &PriceSet, field: &str, value: &Value) -> bool {
    let attribute = match field {
        "speed" => Attribute::Speed,
        "inference_geo" => Attribute::Region,
        _ => return false,
    };
    value.as_str().is_some_and(|value| prices.looks_at(attribute, value))
}

fn configured<'a>(params: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    params.get("body")?.get(field)
}

fn asks_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => matches!(text.as_str(), "standard" | "global" | "off" | "none"),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::types::{Conditions, Currency, Decimal, Meter, PriceTerms, Unit};

    const ASKED: Asked<'_> = Asked { vendor: "openai", format: WireFormat::OpenAi, model: "duck" };

    fn read(request: &Value) -> ChatRequest {
        let mut body = request.clone();
        body["messages"] = json!([]);
        serde_json::from_value(body).unwrap()
    }

    fn field(request: &Value, params: &Value) -> Option<String> {
        let (request, params) = (read(request), params.as_object().unwrap());
        let works = asked_work(&ASKED, &request, params);
        uncovered(ASKED.format, &request, params, &prices(), &works).map(|gap| gap.name)
    }

    fn without_bound(asked: Asked<'_>, request: &Value, params: &Value, known: &[Meter]) -> Option<Gap> {
        let (request, params) = (read(request), params.as_object().unwrap());
        let works = asked_work(&asked, &request, params);
        let terms = |meter: &Meter| {
            PriceTerms::new(*meter, Decimal::ONE, Unit::Per1mTokens, Currency::USD, Timestamp::UNIX_EPOCH)
        };
        let prices = PriceSet::of_terms(known.iter().map(terms)).unwrap();
        let covered = uncovered(asked.format, &request, params, &prices, &works);
        covered.or_else(|| unbounded(asked.format, &request, params, &prices, &works))
    }

    #[test]
    fn a_field_that_nobody_knows_has_no_bound_unless_its_config_sets_it() {
        let lack = |request: Value, params: Value| without_bound(ASKED, &request, &params, &[]);
        assert_eq!(lack(json!({"quantum_boost": 2}), json!({})), Some(Gap::new("quantum_boost", Lack::Meaning)));
        assert_eq!(lack(json!({"quantum_boost": null, "min_p": 0.1, "store": true}), json!({})), None);
        assert_eq!(lack(json!({"quantum_boost": 2}), json!({"body": {"quantum_boost": 2}})), None);
        assert!(lack(json!({"quantum_boost": 3}), json!({"body": {"quantum_boost": 2}})).is_some());
        assert!(lack(json!({"provider": {"order": ["dear"]}}), json!({})).is_some());
    }

    #[test]
    fn the_body_fields_of_a_config_are_priced_unless_nothing_bounds_them() {
        let claude = Asked { vendor: "anthropic", format: WireFormat::Anthropic, model: "claude" };
        let servers = json!([{"type": "url", "url": "https://a.test", "name": "a"}]);
        let lack =
            |asked, request: Value, params: Value| without_bound(asked, &request, &params, &[]).map(|gap| gap.lack);
        let configured = json!({"body": {"mcp_servers": servers}});
        let limited = json!({"body": {"mcp_servers": servers}, "max_uses": {"mcp_servers": 3}});
        assert_eq!(lack(claude, json!({"mcp_servers": servers}), json!({})), Some(Lack::Prices));
        assert_eq!(lack(claude, json!({}), configured), Some(Lack::Maximum(None)));
        assert_eq!(lack(claude, json!({}), limited), None);
        assert_eq!(lack(ASKED, json!({}), json!({"body": {"enable_search": true}})), None);
        let search = json!({"body": {"enable_search": true}});
        let priced = without_bound(ASKED, &json!({}), &search, &[Meter::WebSearch]).map(|gap| gap.lack);
        assert_eq!(priced, Some(Lack::Maximum(Some(Meter::WebSearch))));
    }

    #[test]
    fn work_is_covered_where_its_price_and_its_maximum_are_known() {
        const SEARCHED: &[Meter] = &[Meter::WebSearch];
        let claude = Asked { vendor: "anthropic", format: WireFormat::Anthropic, model: "claude" };
        let gemini = |model| Asked { vendor: "gemini", format: WireFormat::Gemini, model };
        let at = |vendor, model| Asked { vendor, format: WireFormat::OpenAi, model };
        let tool = |tool: Value| json!({"tools": [tool]});
        let dated = "web_search_20250305";
        let unlimited = tool(json!({"type": dated, "name": "web_search"}));
        let limited = tool(json!({"type": dated, "name": "web_search", "max_uses": 3}));
        let grounded = tool(json!({"google_search": {}}));
        let maximum = Some(Lack::Maximum(Some(Meter::WebSearch)));
        let price = Some(Lack::PriceOf(Meter::WebSearch));
        let uses = json!({"max_uses": {"web_search": 9}});
        for (asked, request, params, priced, lack) in [
            (claude, limited.clone(), json!({}), SEARCHED, None),
            (claude, limited, json!({}), &[][..], price),
            (claude, unlimited.clone(), json!({}), SEARCHED, maximum),
            (claude, unlimited.clone(), uses.clone(), SEARCHED, None),
            (claude, unlimited, json!({"max_uses": {"file_search": 9}}), SEARCHED, maximum),
            (claude, tool(json!({"type": "bash_20250124", "name": "bash"})), json!({}), &[], None),
            (claude, tool(json!({"type": "orb_20260101", "name": "orb"})), json!({}), SEARCHED, Some(Lack::Cost)),
            (gemini("gemini-2.5-pro"), grounded.clone(), json!({}), SEARCHED, None),
            (gemini("gemini-3-pro"), grounded.clone(), json!({}), SEARCHED, maximum),
            (gemini("gemini-3-pro"), grounded, uses.clone(), SEARCHED, None),
            (gemini("gemini-2.5-pro"), tool(json!({"url_context": {}})), json!({}), &[], None),
            (at("openai", "gpt-4o-search-preview"), json!({}), json!({}), SEARCHED, None),
            (at("openai", "gpt-4o-search-preview"), json!({}), json!({}), &[], price),
            (at("perplexity", "sonar"), json!({}), json!({}), &[Meter::Request], None),
            (at("perplexity", "sonar"), json!({"disable_search": true}), json!({}), &[], None),
            (at("perplexity", "sonar-deep-research"), json!({}), json!({}), SEARCHED, maximum),
            (at("openai", "gpt"), json!({"web_search_options": {}}), json!({}), SEARCHED, None),
            (at("dashscope", "qwen"), json!({"enable_search": true}), json!({}), SEARCHED, maximum),
            (at("dashscope", "qwen"), json!({"enable_search": true}), uses, SEARCHED, None),
            (at("xai", "grok"), json!({"search_parameters": {"mode": "on"}}), json!({}), &[Meter::SearchSource], None),
            (at("xai", "grok"), json!({"search_parameters": {"mode": "off"}}), json!({}), SEARCHED, None),
            (at("openrouter", "m"), json!({"plugins": [{"id": "web"}]}), json!({}), SEARCHED, None),
            (
                at("openrouter", "m"),
                json!({"plugins": [{"id": "file-parser"}]}),
                json!({}),
                SEARCHED,
                Some(Lack::Prices),
            ),
            (at("openrouter", "m:online"), json!({}), json!({}), &[], price),
            (at("openrouter", "m"), tool(json!({"type": "openrouter:advisor"})), json!({}), SEARCHED, Some(Lack::Cost)),
        ] {
            let found = without_bound(asked, &request, &params, priced);
            assert_eq!(found.map(|gap| gap.lack), lack, "{asked:?} {request} {params}");
        }
    }

    /// Prices of a model whose flex tier and fast speed have prices of their own.
    fn prices() -> PriceSet {
        let now = Timestamp::UNIX_EPOCH;
        let price = |when: &str| PriceTerms {
            conditions: Conditions::from_canonical(when).unwrap(),
            ..PriceTerms::new(Meter::InputToken, Decimal::ONE, Unit::Per1mTokens, Currency::USD, now)
        };
        PriceSet::of_terms(["", r#"{"service_tier": "flex"}"#, r#"{"speed": "fast"}"#].map(price)).unwrap()
    }

    #[test]
    fn a_fact_that_prices_have_a_condition_for_is_priced() {
        assert_eq!(field(&json!({"service_tier": "flex", "speed": "fast"}), &json!({})), None);
        assert_eq!(field(&json!({"speed": "ludicrous"}), &json!({})), Some("speed".to_owned()));
    }

    #[test]
    fn paid_tools_and_other_tiers_without_prices_are_unpriced() {
        for (request, uncovered) in [
            (json!({"web_search_options": {}}), Some("web_search_options")),
            (json!({"enable_search": true}), Some("enable_search")),
            (json!({"enable_search": false}), None),
            (json!({"speed": "standard", "inference_geo": "global"}), None),
            (json!({"service_tier": "priority"}), Some(SERVICE_TIER)),
            (json!({"service_tier": "default"}), None),
            (json!({"top_k": 5}), None),
        ] {
            assert_eq!(field(&request, &json!({})).as_deref(), uncovered, "{request}");
        }
    }

    #[test]
    fn a_tier_that_the_config_itself_asks_for_has_its_prices() {
        let params = json!({"body": {"service_tier": "priority", "enable_search": true}});
        assert_eq!(field(&json!({"service_tier": "priority", "enable_search": true}), &params), None);
        assert_eq!(field(&json!({"service_tier": "scale"}), &params).as_deref(), Some(SERVICE_TIER));
    }
}
