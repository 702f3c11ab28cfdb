//! The whole list, as offers.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value};

use super::document::{entries, exact_object, number};
use super::read_entry;
use crate::catalog::import::extent::{self, quoted};
use crate::catalog::import::{ImportReport, Imported, NotUnderstood, Origin};
use crate::types::{Capability, Currency, ErrorKind, Offer, PriceBook, Result};

/// Keys of the list that are no models: a sample, and rules that guess at models which are not listed.
const NO_MODELS: [&str; 2] = ["sample_spec", "fallback_generalizations"];

pub(in crate::catalog::import) fn read(text: &str, origin: &Origin) -> Result<Imported> {
    let mut report = ImportReport::default();
    let mut offers: BTreeMap<(String, String), Offer> = BTreeMap::new();
    let mut entries = entries(text)?;
    for (name, raw) in entries.take_replaced() {
        let reason = "another entry has this name, and the last one is taken";
        report.not_understood.push(refused(&name, "", raw.get(), reason));
    }
    for (name, raw) in entries {
        extent::check(&report)?;
        if NO_MODELS.contains(&name.as_str()) {
            continue;
        }
        report.entries += 1;
        let fields = exact_object(raw.get()).map_err(|error| {
            crate::types::Error::new(ErrorKind::InvalidRequest, format!("{name}: {}", error.detail()))
        })?;
        let Some(listed) = fields.get("litellm_provider").and_then(Value::as_str) else {
            report.not_understood.push(refused(&name, "litellm_provider", "", "the entry names no provider"));
            continue;
        };
        let provider = seller(listed);
        let model = model(&name, listed, provider);
        let entry = read_entry(provider, &name, &fields);
        report.not_understood.extend(entry.not_understood);
        if entry.prices.is_empty() {
            report.unpriced.push(name);
            continue;
        }
        // Of the entries that name one model only one stays, but all are work.
        report.prices += entry.prices.len();
        let offer = Offer {
            provider: provider.to_owned(),
            model: model.to_owned(),
            aliases: Vec::new(),
            capability: capability(fields.get("mode").and_then(Value::as_str)),
            currency: Currency::USD,
            prices: entry.prices,
            context_window: whole(&fields, "max_input_tokens"),
            max_output_tokens: whole(&fields, "max_output_tokens"),
            source: source(origin, &fields),
            checked: origin.checked,
            note: None,
        };
        match offers.entry((offer.provider.clone(), offer.model.clone())) {
            Slot::Vacant(slot) => {
                slot.insert(offer);
            }
            // A model may be listed with its provider's prefix and without; as a rule the two say the same.
            Slot::Occupied(slot) if slot.get().prices == offer.prices => {}
            Slot::Occupied(mut slot) => {
                let is_exact = offer.model != name;
                let taken = if is_exact { "this one is taken" } else { "that one is taken" };
                let reason = format!("another entry of {} has other prices, and {taken}", offer.name());
                report.not_understood.push(refused(&name, "", "", &reason));
                if is_exact {
                    slot.insert(offer);
                }
            }
        }
    }
    let offers: Vec<Offer> = offers.into_values().collect();
    report.offers = offers.len();
    report.prices = offers.iter().map(|offer| offer.prices.len()).sum();
    Ok(Imported { book: PriceBook { offers }, report })
}

fn refused(entry: &str, key: &str, value: &str, reason: &str) -> NotUnderstood {
    NotUnderstood { entry: entry.to_owned(), key: key.to_owned(), value: quoted(value), reason: reason.to_owned() }
}

/// Returns the seller: the list tells some of them apart by the maker of a model, or by the interface that serves it.
fn seller(listed: &str) -> &str {
    match listed {
        "bedrock_converse" => "bedrock",
        "fireworks_ai-embedding-models" => "fireworks_ai",
        "cohere_chat" => "cohere",
        "text-completion-openai" => "openai",
        "text-completion-codestral" => "codestral",
        "text-completion-inception" => "inception",
        _ if listed.starts_with("vertex_ai-") => "vertex_ai",
        _ => listed,
    }
}

/// Returns the model's name at its seller.
fn model<'a>(name: &'a str, listed: &str, provider: &str) -> &'a str {
    let without = |prefix: &str| name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/'));
    without(listed).or_else(|| without(provider)).filter(|rest| !rest.is_empty()).unwrap_or(name)
}

fn capability(mode: Option<&str>) -> Capability {
    match mode {
        Some("image_generation" | "image_edit") => Capability::Image,
        Some("audio_transcription" | "audio_speech" | "realtime") => Capability::Audio,
        Some("video_generation") => Capability::Video,
        Some("embedding") => Capability::Embedding,
        Some("rerank") => Capability::Rerank,
        _ => Capability::Text,
    }
}

fn whole(fields: &Map<String, Value>, key: &str) -> Option<u64> {
    number(fields.get(key)?)?.to_u64()
}

fn source(origin: &Origin, fields: &Map<String, Value>) -> String {
    match fields.get("source").and_then(Value::as_str) {
        Some(page) => format!("{} ({page})", origin.source),
        None => origin.source.clone(),
    }
}
