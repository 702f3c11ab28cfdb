//! Estimates of what an attempt costs before it is made: the least, the expected, and the most.
//!
//! What is held, what a quote shows and what economy compares come from here, so that they cannot disagree.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::bound::{GREATEST_WINDOW, InputSize, estimated_usage, expected_output, input_size};
use super::coverage::{AskedWork, Gap, Lack, asked_work, unbounded, uncovered};
use super::facts::fixed_facts;
use super::fees::uncounted;
use super::price::{Bill, BillHead, PriceSet};
use super::worst_case::{Bounds, WorstCase};
use crate::catalog::bundled;
use crate::provider::vendor_tool::{Asked, AskedBy, Reading};
use crate::provider::{Target, seller, vendor, wire_format};
use crate::types::{
    Attribute, ChatRequest, Currency, Decimal, Facts, Meter, MeterKind, Modality, ModelConfig, Quantity, Result, Usage,
};

/// The most reasoning tokens of one answer where the output limit does not count them and the model's is not known.
const REASONING_BOUND: u64 = 32_768;
/// The reasoning that is expected of an answer whose request asks for it, if its limits allow that much.
const EXPECTED_REASONING: u64 = 1_024;

/// The speed of a request that asks for none.
const STANDARD_SPEED: &str = "standard";

/// What is expected of the provider's cache for one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheOutlook {
    /// Tokens that are expected to be read from it.
    pub read: u64,
    /// Tokens that are expected to be written to it, for 5 minutes.
    pub written_5m: u64,
    /// Tokens that are expected to be written to it, for an hour.
    pub written_1h: u64,
}

/// What an attempt is expected to do, fixed before it begins.
#[derive(Clone, Debug)]
pub struct Estimate {
    /// What the request fixes of the facts that prices depend on.
    pub facts: Facts,
    /// The input.
    pub size: InputSize,
    /// The output limit of one answer.
    pub output_limit: u64,
    /// How many answers are asked for.
    pub answers: u64,
    /// The most output tokens, all answers together.
    pub output_bound: u64,
    /// The output tokens that are expected, reasoning left out.
    pub expected_output: u64,
    /// The reasoning tokens that are expected.
    pub expected_reasoning: u64,
    /// The limit to send under a cap where the request has none: the default one, or the model's if that is smaller.
    pub injected_limit: Option<u64>,
    /// Whether the request or the model has a limit.
    pub has_limit: bool,
    /// What of the request the prices do not cover, so that the attempt has no price.
    pub uncovered: Option<Gap>,
    /// What of the request has no bound, so that the attempt has no price under a cap on money.
    pub unbounded: Option<Gap>,
    /// The most of each meter beside the tokens of input and answer.
    pub counts: BTreeMap<Meter, u64>,
    /// The searches that are made in any case.
    pub sure_searches: u64,
    /// The work with a fee, and the media, that a reply may leave uncounted, and how much of each there is at the least.
    pub uncounted: BTreeMap<Meter, Quantity>,
    /// Whether the tokens of the input are bounded at all: those that a tool brings are not, if nothing says how often.
    pub is_bounded: bool,
}

/// Returns the most output tokens that a config's model makes, where the config says it.
#[must_use]
pub fn output_limit_of(config: &ModelConfig) -> Option<u64> {
    config.params.get("max_output_tokens").and_then(Value::as_u64)
}

/// Returns the context window of a config's model: the one that the config states, or the catalog, or else the greatest.
#[must_use]
pub fn context_window(config: &ModelConfig) -> u64 {
    let stated = config.params.get("context_window").and_then(Value::as_u64);
    let listed = || bundled().find(seller(&config.provider), &config.model_name)?.context_window;
    stated.or_else(listed).unwrap_or(GREATEST_WINDOW)
}

impl Estimate {
    /// Estimates an attempt with a config. `default_limit` is the output limit where nothing else limits it.
    #[must_use]
    pub fn new(
        request: &ChatRequest,
        config: &ModelConfig,
        prices: &PriceSet,
        default_limit: u64,
        now: Timestamp,
    ) -> Self {
        let mut size = input_size(request);
        let body = config.params.get("body");
        size.writes_1h |= body.is_some_and(asks_1h_writes);
        if let Some(body) = body.and_then(Value::as_object) {
            let estimate = size.estimate;
            size.add_fields(body);
            // Few of them are read by the model, so they bound the input and are not expected of it.
            size.estimate = estimate;
        }
        let facts = fixed_facts(request, &config.params, now);
        let format = wire_format(&Target::of(config, None)).unwrap_or(vendor(&config.provider).wire_format);
        let asked = Asked { vendor: vendor(&config.provider).name, format, model: &config.model_name };
        let works = asked_work(&asked, request, &config.params);
        let compacts = asks_compaction(request, config);
        let (counts, is_bounded) = bound_work(&mut size, &works, compacts, &asked, prices, config);
        let answers = u64::from(request.n.unwrap_or(1).max(1));
        let model_limit = output_limit_of(config);
        // A limit of zero would be read as none.
        let default_limit = default_limit.max(1);
        let injected_limit =
            request.max_tokens.is_none().then(|| model_limit.map_or(default_limit, |limit| limit.min(default_limit)));
        let limit = request.max_tokens.or(model_limit).unwrap_or(default_limit);
        let mut beside = reasoning_beside(request, config, model_limit);
        if asked.does_research() {
            beside = beside.saturating_add(context_window(config));
        }
        // What a prediction foresaw wrongly is output that no limit counts.
        let predicted = [request.extra.get("prediction"), body.and_then(|body| body.get("prediction"))];
        let predicted = predicted.into_iter().flatten().map(|text| text.to_string().len() as u64).max();
        beside = beside.saturating_add(predicted.unwrap_or_default());
        if compacts {
            beside = beside.saturating_add(limit);
        }
        let held_media = size.held_media();
        let expected_output = expected_output(request, model_limit);
        let thinks = facts.get(Attribute::Thinking) == Some("true");
        let room = (limit.saturating_add(beside)).saturating_mul(answers).saturating_sub(expected_output);
        Self {
            size,
            output_limit: limit,
            answers,
            output_bound: limit.saturating_add(beside).saturating_mul(answers),
            expected_output,
            expected_reasoning: if thinks { EXPECTED_REASONING.saturating_mul(answers).min(room) } else { 0 },
            injected_limit,
            has_limit: request.max_tokens.is_some() || model_limit.is_some(),
            uncovered: uncovered(format, request, &config.params, prices, &works),
            unbounded: unbounded(format, request, &config.params, prices, &works),
            sure_searches: sure_searches(&works, prices),
            uncounted: held_media.into_iter().chain(uncounted(format, &works)).collect(),
            counts,
            is_bounded,
            facts,
        }
    }

    /// Returns the estimate of a request that is handed on unread: nothing bounds it, and nothing prices it.
    #[must_use]
    pub fn unread(request: &str, now: Timestamp) -> Self {
        let uncovered = Some(Gap { name: request.to_owned(), lack: Lack::Reading });
        Self { uncovered, is_bounded: false, ..Self::of_input(InputSize::default(), BTreeMap::new(), now) }
    }

    /// Returns the estimate of work that has an input and no output in tokens. `counts` are the most of each other meter.
    #[must_use]
    pub fn of_input(size: InputSize, counts: BTreeMap<Meter, u64>, now: Timestamp) -> Self {
        Self {
            facts: Facts::at(now),
            size,
            output_limit: 0,
            answers: 1,
            output_bound: 0,
            expected_output: 0,
            expected_reasoning: 0,
            injected_limit: None,
            has_limit: true,
            uncovered: None,
            unbounded: None,
            counts,
            sure_searches: 0,
            uncounted: BTreeMap::new(),
            is_bounded: true,
        }
    }

    /// Returns the most tokens that the attempt can take and give; nothing if no bound is known.
    #[must_use]
    pub fn most_tokens(&self) -> Option<u64> {
        let cited = self.counts.get(&Meter::CitationToken).copied().unwrap_or_default();
        self.is_bounded.then(|| self.size.bound.saturating_add(self.output_bound).saturating_add(cited))
    }

    /// Returns the most of each meter that the attempt can take and give, what is input and output in tokens each as one; nothing if no
    /// bound is known.
    #[must_use]
    pub fn most_meters(&self) -> Option<BTreeMap<Meter, u64>> {
        let tokens = [(Meter::InputToken, self.size.bound), (Meter::OutputToken, self.output_bound)];
        self.is_bounded.then(|| self.counts.iter().map(|(meter, most)| (*meter, *most)).chain(tokens).collect())
    }

    /// Returns the greatest output limit, below the one that it has, with which an attempt takes no more than there is room for;
    /// nothing if not even a single token fits.
    pub fn fitting_limit(
        &self,
        takes: impl Fn(&Self) -> Result<Option<Decimal>>,
        room: Decimal,
    ) -> Result<Option<u64>> {
        let fits = |limit: u64| -> Result<bool> {
            let less = self.output_limit.saturating_sub(limit).saturating_mul(self.answers);
            let limited = Self { output_bound: self.output_bound.saturating_sub(less), ..self.clone() };
            Ok(takes(&limited)?.is_some_and(|taken| taken <= room))
        };
        let (mut fitting, mut too_great) = (0, self.output_limit);
        while fitting + 1 < too_great {
            let middle = fitting + (too_great - fitting) / 2;
            if fits(middle)? {
                fitting = middle;
            } else {
                too_great = middle;
            }
        }
        Ok((fitting > 0).then_some(fitting))
    }

    /// Returns the estimate of an attempt that is given its limit under a cap: what is held for it is no more than that.
    #[must_use]
    pub fn within_injected_limit(mut self) -> Self {
        if let Some(limit) = self.injected_limit.filter(|limit| *limit < self.output_limit) {
            let less = (self.output_limit - limit).saturating_mul(self.answers);
            self.output_limit = limit;
            self.output_bound = self.output_bound.saturating_sub(less);
            self.expected_output = self.expected_output.min(limit.saturating_mul(self.answers));
        }
        self
    }

    /// Returns the estimate of an attempt whose money is capped: what has no bound has no price.
    #[must_use]
    pub fn under_cap(mut self) -> Self {
        self.uncovered = self.uncovered.or(self.unbounded.take());
        self
    }

    /// Returns the most that the attempt can cost; nothing if it has no price.
    pub fn worst(&self, head: BillHead<'_>, prices: &PriceSet) -> Result<Option<WorstCase>> {
        if self.uncovered.is_some() {
            return Ok(None);
        }
        let possible = |meter: Meter| {
            (meter.kind() != MeterKind::CacheWrite1h || self.size.writes_1h)
                && match (meter.modality(), meter.is_input()) {
                    (Modality::Audio, true) => self.size.has_audio,
                    (Modality::Image, true) => self.size.has_images,
                    (Modality::Video, true) => self.size.has_files,
                    (Modality::Audio, false) => self.size.asks_audio,
                    _ => true,
                }
        };
        let bounds = Bounds {
            input_tokens: self.size.bound,
            output_tokens: self.output_bound,
            possible: &possible,
            counts: &self.counts,
        };
        let mut facts = self.facts.clone();
        // No provider answers at another speed than the one that it was asked for, and no answer says it.
        if facts.get(Attribute::Speed).is_none() {
            facts.set(Attribute::Speed, STANDARD_SPEED);
        }
        prices.worst_case(head, bounds, &facts)
    }

    /// Returns what the attempt is expected to cost.
    pub fn expected(&self, head: BillHead<'_>, prices: &PriceSet, cache: CacheOutlook) -> Result<Bill> {
        let mut usage = estimated_usage(self.size.estimate.min(self.size.bound), self.expected_output);
        let mut left = self.size.estimate.min(self.size.bound);
        for (meter, tokens) in [
            (Meter::CachedInputToken, cache.read),
            (Meter::CacheWrite1hToken, cache.written_1h),
            (Meter::CacheWrite5mToken, cache.written_5m),
        ] {
            let tokens = tokens.min(left);
            left -= tokens;
            put(&mut usage, meter, tokens);
        }
        usage.meters.insert(Meter::InputToken, left.into());
        put(&mut usage, Meter::ReasoningToken, self.expected_reasoning);
        put(&mut usage, Meter::WebSearch, self.sure_searches);
        self.bill(head, prices, &usage)
    }

    /// Returns the least that an attempt of this input costs: all of it read from the provider's cache, and one token of output.
    pub fn minimum(&self, head: BillHead<'_>, prices: &PriceSet) -> Result<Bill> {
        let read = self.size.estimate.min(self.size.bound);
        let least = |meter: Meter| {
            let mut usage = usage_of(&[(meter, read), (Meter::OutputToken, 1)]);
            put(&mut usage, Meter::WebSearch, self.sure_searches);
            self.bill(head, prices, &usage)
        };
        let (cached, fresh) = (least(Meter::CachedInputToken)?, least(Meter::InputToken)?);
        let is_dearer = cached.cost.zip(fresh.cost).is_some_and(|(cached, fresh)| cached.amount > fresh.amount);
        Ok(if is_dearer { fresh } else { cached })
    }

    /// Bills a usage; what the prices do not cover is unpriced. A model whose thinking the request leaves open is expected
    /// not to think.
    fn bill(&self, head: BillHead<'_>, prices: &PriceSet, usage: &Usage) -> Result<Bill> {
        let mut facts = self.facts.clone();
        if facts.get(Attribute::Thinking).is_none() {
            facts.set(Attribute::Thinking, "false");
        }
        if self.uncovered.is_some() {
            PriceSet::default().bill(head, usage, &facts)
        } else {
            prices.bill(head, usage, &facts)
        }
    }
}

fn usage_of(meters: &[(Meter, u64)]) -> Usage {
    let meters = meters.iter().map(|(meter, tokens)| (*meter, Quantity::from(*tokens))).collect();
    Usage { meters, ..estimated_usage(0, 0) }
}

fn put(usage: &mut Usage, meter: Meter, tokens: u64) {
    if tokens > 0 {
        usage.meters.insert(meter, tokens.into());
    }
}

/// Bounds what work beside the answer makes: of its own meters, and of the tokens that it brings into the input. Returns the
/// most of each meter, and whether the input is bounded at all.
fn bound_work(
    size: &mut InputSize,
    works: &[AskedWork],
    compacts: bool,
    asked: &Asked<'_>,
    prices: &PriceSet,
    config: &ModelConfig,
) -> (BTreeMap<Meter, u64>, bool) {
    let reads = works.iter().any(|asked| asked.work.reading != Reading::Nothing);
    let cites = asked.vendor == "perplexity" && (asked.does_research() || prices.has_price(Meter::CitationToken));
    if size.remote == 0 && works.is_empty() && !compacts && !cites && size.images == 0 && size.sound_seconds == 0 {
        return (BTreeMap::new(), true);
    }
    let window = context_window(config);
    let mut counts = size.media(window);
    let mut passes: u64 = 1 + u64::from(compacts);
    let mut is_bounded = true;
    for AskedWork { work, .. } in works {
        if let (Some(meter), Some(most)) = (work.meter, work.most) {
            let sum = counts.entry(meter).or_default();
            *sum = sum.saturating_add(most);
        }
        match (work.reading, work.most) {
            (Reading::EachUse, Some(most)) => passes = passes.saturating_add(most),
            (Reading::EachUse, None) => is_bounded = false,
            (Reading::Nothing | Reading::Once, _) => {}
        }
    }
    if cites {
        counts.insert(Meter::CitationToken, window);
    }
    // Whatever is named, packed or found, no request that a model answers is longer than its context.
    if size.remote > 0 || reads {
        size.bound = size.bound.max(window);
    }
    size.bound = size.bound.saturating_mul(passes);
    (counts, is_bounded)
}

/// Returns the searches that are made in any case and have a price.
fn sure_searches(works: &[AskedWork], prices: &PriceSet) -> u64 {
    let is_sure = |asked: &&AskedWork| asked.work.by == AskedBy::Model && asked.work.meter == Some(Meter::WebSearch);
    if prices.has_price(Meter::WebSearch) { works.iter().filter(is_sure).count() as u64 } else { 0 }
}

/// Returns whether the provider may shorten the context by itself, which reads all of it once more and writes a summary.
fn asks_compaction(request: &ChatRequest, config: &ModelConfig) -> bool {
    let configured = || config.params.get("body")?.get("context_management");
    let managed = request.extra.get("context_management").or_else(configured);
    let edits = managed.and_then(|managed| managed.get("edits")).and_then(Value::as_array);
    let compacts =
        |edit: &Value| edit.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("compact"));
    edits.into_iter().flatten().any(compacts)
}

/// Bounds the reasoning tokens of one answer that the output limit does not count.
fn reasoning_beside(request: &ChatRequest, config: &ModelConfig, model_limit: Option<u64>) -> u64 {
    let extra = &request.extra;
    // A field of the provider's own stands over the effort, in the request that is sent as well.
    let own = extra.get("anthropic").and_then(|own| own.get("thinking")).or_else(|| extra.get("thinking"));
    let is_on = own.is_some_and(|own| own.get("type").is_none_or(|kind| kind != "disabled"));
    let is_off = match extra.get("enable_thinking") {
        Some(enabled) => *enabled == Value::Bool(false),
        None => request.reasoning_effort.as_deref() == Some("none"),
    } && !is_on;
    if !vendor(&config.provider).quirks.reasoning_outside_limit || is_off {
        return 0;
    }
    let configured = || config.params.get("body")?.get("thinking_budget");
    let stated = || own.and_then(|own| own.get("budget_tokens"));
    let asked = extra.get("thinking_budget").and_then(whole_tokens).max(stated().and_then(whole_tokens));
    asked.or_else(|| configured().and_then(whole_tokens)).or(model_limit).unwrap_or(REASONING_BOUND)
}

/// Returns a number of tokens, which some providers also take in the form of a fraction.
fn whole_tokens(value: &Value) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast to an integer saturates")]
    let rounded_up = |number: f64| (number > 0.0).then(|| number.ceil() as u64);
    value.as_u64().or_else(|| value.as_f64().and_then(rounded_up))
}

/// Returns whether the body fields of a config ask for 1-hour cache writes.
fn asks_1h_writes(body: &Value) -> bool {
    match body {
        Value::Object(fields) => {
            fields.get("ttl").is_some_and(|ttl| ttl == "1h") || fields.values().any(asks_1h_writes)
        }
        Value::Array(items) => items.iter().any(asks_1h_writes),
        _ => false,
    }
}

/// Makes the head of the lines of an estimate.
#[must_use]
pub fn head_of(model: &str, reported_currency: Currency) -> BillHead<'_> {
    BillHead { attempt: 1, model, reported_currency }
}

#[cfg(test)]
#[path = "estimate_tests.rs"]
mod tests;
