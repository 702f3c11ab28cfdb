//! Reading of usage.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::usage_table as table;
use super::usage_table::Names;
use crate::provider::json::{count, exact_decimal, field, get, items, owned, text};
use crate::provider::snapshots::Sum;
use crate::provider::target::Target;
use crate::provider::usage_fields::has_unknown;
use crate::provider::vendor::{CostReport, Quirks, SearchReport, Vendor};
use crate::types::{Meter, Place, Quantity, ReportedModalities, ReportedUsage, exact_add};

/// The decimal places of a dollar that ticks count in.
const TICK_PLACES: u32 = 10;

/// What the total is the sum of.
pub(super) const SUM: Sum = Sum {
    counts: &["prompt_tokens", "input_tokens", "completion_tokens", "output_tokens", "total_tokens"],
    whole: |usage| {
        let side = |names: Names| greatest(&[usage], names).filter(|tokens| *tokens > 0);
        let (input, output) = (side(table::INPUT)?, side(table::OUTPUT)?);
        side(table::TOTAL).filter(|total| input.checked_add(output) == Some(*total))
    },
    moves: false,
};

/// Finds the usage object of an answer or a chunk: its own, Groq's, or Moonshot's on the choice.
pub(super) fn find(value: &Value) -> Option<&Value> {
    let own = field(value, "usage");
    let groq = || get(value, "x_groq").and_then(|groq| field(groq, "usage"));
    let choice = || get(value, "choices")?.as_array()?.iter().find_map(|choice| field(choice, "usage"));
    own.or_else(groq).or_else(choice).filter(|usage| usage.is_object())
}

/// Reads a usage object. `cost` is what [`stated_cost`] read of the documents that it stood in.
pub(super) fn read(vendor: &Vendor, usage: &Value, cost: Option<Decimal>) -> Option<ReportedUsage> {
    let quirks = &vendor.quirks;
    let details = |keys: Names| keys.iter().filter_map(|key| field(usage, key)).collect::<Vec<_>>();
    let (input_details, output_details) = (details(table::INPUT_DETAILS), details(table::OUTPUT_DETAILS));
    let cached_details: Vec<&Value> =
        input_details.iter().filter_map(|place| field(place, "cached_tokens_details")).collect();
    let own = [usage];
    let input_places: Vec<&Value> = input_details.iter().copied().chain(own).collect();
    let output_places: Vec<&Value> = output_details.iter().copied().chain(own).collect();
    let split: Vec<&Value> =
        input_places.iter().flat_map(|place| table::WRITTEN_SPLIT.iter().filter_map(|key| field(place, key))).collect();
    let cache_place = cache_place(usage);
    let reported = ReportedUsage {
        input: greatest(&own, table::INPUT).or_else(|| hits_and_misses(usage)),
        cached_input: greatest(&input_places, table::CACHED),
        cached_place: cache_place,
        cache_write: greatest(&input_places, table::WRITTEN),
        cache_write_5m: greatest(&split, table::LIFETIMES[0]),
        cache_write_1h: greatest(&split, table::LIFETIMES[1]),
        cache_write_place: if quirks.cache_write_outside_input { Place::OutsideTotal } else { cache_place },
        bills_cache_overlap: quirks.bills_cache_overlap,
        input_outside: quirks.audio_outside_input.then(|| greatest(&input_details, &["audio_tokens"])).flatten(),
        output: greatest(&own, table::OUTPUT),
        reasoning: greatest(&output_places, table::REASONING),
        reasoning_place: quirks.reasoning_place,
        total: greatest(&own, table::TOTAL),
        cost,
        input_modalities: ReportedModalities {
            audio: greatest(&input_details, &["audio_tokens"]),
            image: greatest(&input_details, &["image_tokens"]),
            video: greatest(&input_details, &["video_tokens"]),
            cached_audio: greatest(&cached_details, &["audio_tokens"]),
            cached_image: greatest(&cached_details, &["image_tokens"]),
            cached_video: None,
        },
        output_audio: greatest(&output_details, &["audio_tokens"]),
        output_image: greatest(&output_details, &["image_tokens"]),
        rejected_prediction: greatest(&output_details, &["rejected_prediction_tokens"]),
        counts: counts(quirks, usage),
        search_size: owned(usage, "search_context_size"),
        has_unknown_field: has_unknown_field(usage),
        ..ReportedUsage::default()
    };
    let known = [reported.input, reported.output, reported.total];
    (known.iter().any(Option::is_some) || reported.cost.is_some()).then_some(reported)
}

/// Reads the usage of an answer, with the cost that stands in its document.
pub(in crate::provider) fn read_answer(target: &Target<'_>, value: &Value, document: &[u8]) -> Option<ReportedUsage> {
    let found = find(value)?;
    read(target.vendor, found, stated_cost(target.vendor, found, document))
}

/// Counts the search that an answer's citations tell of, where its usage counts none.
pub(super) fn with_citations(mut reported: ReportedUsage, cites: bool) -> ReportedUsage {
    if cites {
        reported.counts.entry(Meter::WebSearch).or_insert(Quantity::ONE);
    }
    reported
}

/// Returns whether an answer or a chunk cites an address of the web, where such citations are all that tells of a search.
pub(super) fn cites(vendor: &Vendor, value: &Value) -> bool {
    let is_address = |annotation: &Value| text(annotation, "type") == Some("url_citation");
    let has_address = |said: &Value| items(said, "annotations").iter().any(is_address);
    let said = |choice: &Value| ["message", "delta"].iter().any(|key| choice.get(*key).is_some_and(has_address));
    vendor.quirks.searches == SearchReport::Citations && items(value, "choices").iter().any(said)
}

/// Returns the input that is told only by what of it stood in a cache and what did not.
fn hits_and_misses(usage: &Value) -> Option<u64> {
    let [hits, misses] = table::HITS_AND_MISSES.map(|name| count(usage, name));
    hits?.checked_add(misses?)
}

/// Returns the greatest of a count's names in some places.
fn greatest(places: &[&Value], names: &[&str]) -> Option<u64> {
    places.iter().flat_map(|place| names.iter().filter_map(|name| count(place, name))).max()
}

/// Returns where the tokens of caches stand: inside the input, or outside where only Anthropic's own names are used.
fn cache_place(usage: &Value) -> Place {
    let has = |key: &str| field(usage, key).is_some();
    let is_openai = has("prompt_tokens") || has("promptTokens") || table::INPUT_DETAILS.iter().any(|key| has(key));
    let is_anthropic = has("input_tokens") && table::ANTHROPIC_CACHE.iter().any(|key| has(key));
    if is_anthropic && !is_openai { Place::Outside } else { Place::Inside }
}

/// Reads what is no token of input or output: searches, sources, the work of the host's own tools, citations.
fn counts(quirks: &Quirks, usage: &Value) -> BTreeMap<Meter, Quantity> {
    let mut counts: BTreeMap<Meter, Quantity> = BTreeMap::new();
    let tools: Vec<&Value> = table::TOOLS.iter().filter_map(|key| field(usage, key)).collect();
    let sum = |names: Names| {
        let made = names.iter().filter_map(|name| greatest(&tools, &[*name]));
        made.reduce(u64::saturating_add)
    };
    for (meter, made) in [
        (Meter::WebSearch, sum(table::SEARCHES).max(greatest(&[usage], table::QUERIES))),
        (Meter::WebFetch, sum(table::FETCHES)),
        (Meter::FileSearch, sum(table::FILE_SEARCHES)),
        (Meter::ServerToolCall, sum(table::TOOL_CALLS)),
        (Meter::SearchSource, greatest(&[usage], table::SOURCES)),
        (Meter::CitationToken, greatest(&[usage], table::CITATIONS)),
    ] {
        counts.extend(made.filter(|made| *made > 0).map(|made| (meter, made.into())));
    }
    let tells_of_search = ["search_context_size", "cost"].iter().any(|key| field(usage, key).is_some());
    if quirks.searches == SearchReport::EveryCall && tells_of_search {
        counts.entry(Meter::WebSearch).or_insert(Quantity::ONE);
    }
    counts
}

/// Returns whether the usage has a field of which it is not known what it means.
fn has_unknown_field(usage: &Value) -> bool {
    usage.as_object().into_iter().flatten().any(|(name, value)| match name.as_str() {
        name if table::INPUT_DETAILS.contains(&name) => has_unknown("", value, table::INPUT_DETAIL_FIELDS),
        name if table::OUTPUT_DETAILS.contains(&name) => has_unknown("", value, table::OUTPUT_DETAIL_FIELDS),
        name => has_unknown(name, value, table::FIELDS),
    })
}

/// The money fields, with their digits as they stand on the wire.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    usage: Option<HashMap<&'a str, &'a RawValue>>,
}

/// Reads what a document says that the attempt cost, with the digits that stand in it. Of a document that is no strict JSON,
/// the digits of the usage as it was read are the next best.
pub(super) fn stated_cost(vendor: &Vendor, usage: &Value, document: &[u8]) -> Option<Decimal> {
    if vendor.quirks.cost == CostReport::None {
        return None;
    }
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(document) else {
        let text = usage.to_string();
        return cost_of(vendor.quirks.cost, &serde_json::from_str(&text).ok()?);
    };
    cost_of(vendor.quirks.cost, &envelope.usage?)
}

fn cost_of(report: CostReport, usage: &HashMap<&str, &RawValue>) -> Option<Decimal> {
    let digits = |raw: &RawValue| exact_decimal(raw.get().trim_matches('"'));
    let number = |fields: &HashMap<&str, &RawValue>, key: &str| digits(fields.get(key)?);
    let inner = |key: &str| serde_json::from_str::<HashMap<&str, &RawValue>>(usage.get(key)?.get()).ok();
    let cost = match report {
        CostReport::None => None,
        CostReport::UsdTicks => {
            let ticks = i64::try_from(number(usage, "cost_in_usd_ticks")?).ok()?;
            Some(Decimal::from_i128_with_scale(i128::from(ticks), TICK_PLACES).normalize())
        }
        CostReport::CostTotal => number(&inner("cost")?, "total_cost"),
        CostReport::Cost => {
            let charged = number(usage, "cost")?;
            if usage.get("is_byok").is_none_or(|raw| raw.get() != "true") {
                return Some(charged).filter(|charged| !charged.is_sign_negative());
            }
            // With a key of one's own the charge is only the fee: without the upstream part the cost is not known.
            exact_add(charged, number(&inner("cost_details")?, "upstream_inference_cost")?).ok()
        }
    };
    cost.filter(|cost| !cost.is_sign_negative())
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
