//! Which wire format does which kind of work: the one table by which adapters are found.

use serde_json::Value;

use super::chat::ChatAdapter;
use super::embeddings::{self, EmbeddingAdapter};
use super::endpoint::{self, invalid};
use super::rerank::{self, RerankAdapter};
use super::target::Target;
use super::wire_format::WireFormat;
use super::{anthropic, cohere, dashscope, gemini, jina, ollama, openai, vertex, voyage};
use crate::types::{Capability, Result};

/// What does a kind of work in a wire format.
#[derive(Clone, Copy)]
enum Adapter {
    Chat(&'static dyn ChatAdapter),
    Embeddings(&'static dyn EmbeddingAdapter),
    Rerank(&'static dyn RerankAdapter),
}

impl Adapter {
    /// Returns what a model must be able to make for this kind of work.
    const fn capability(self) -> Capability {
        match self {
            Self::Chat(_) => Capability::Text,
            Self::Embeddings(_) => Capability::Embedding,
            Self::Rerank(_) => Capability::Rerank,
        }
    }
}

/// Every adapter. Of one kind of work, the wire formats are named in errors in this order.
static ADAPTERS: [(WireFormat, Adapter); 13] = [
    (WireFormat::OpenAi, Adapter::Chat(&openai::chat::Chat)),
    (WireFormat::Anthropic, Adapter::Chat(&anthropic::chat::Chat)),
    (WireFormat::Gemini, Adapter::Chat(&gemini::chat::Chat)),
    (WireFormat::OpenAi, Adapter::Embeddings(&openai::embeddings::Embeddings)),
    (WireFormat::Gemini, Adapter::Embeddings(&gemini::embeddings::Embeddings)),
    (WireFormat::Cohere, Adapter::Embeddings(&cohere::embeddings::Embeddings)),
    (WireFormat::DashScope, Adapter::Embeddings(&dashscope::embeddings::Embeddings)),
    (WireFormat::Ollama, Adapter::Embeddings(&ollama::embeddings::Embeddings)),
    (WireFormat::Vertex, Adapter::Embeddings(&vertex::embeddings::Embeddings)),
    (WireFormat::Jina, Adapter::Rerank(&jina::rerank::Rerank)),
    (WireFormat::Cohere, Adapter::Rerank(&cohere::rerank::Rerank)),
    (WireFormat::Voyage, Adapter::Rerank(&voyage::rerank::Rerank)),
    (WireFormat::DashScope, Adapter::Rerank(&dashscope::rerank::Rerank)),
];

/// The parameters of model configs that name a wire format, by what the model makes.
pub(super) const FORMAT_PARAMETERS: [(&str, Capability); 3] = [
    ("wire_format", Capability::Text),
    ("embedding_format", Capability::Embedding),
    ("rerank_format", Capability::Rerank),
];

/// Returns the names that model configs have for the wire formats of a kind of work.
pub(super) fn format_names(capability: Capability) -> Vec<&'static str> {
    let of_kind = ADAPTERS.iter().filter(|(_, adapter)| adapter.capability() == capability);
    of_kind.map(|(format, _)| name_of(*format, capability)).collect()
}

fn name_of(format: WireFormat, capability: Capability) -> &'static str {
    if capability == Capability::Text { format.chat_name() } else { format.name() }
}

/// Returns the adapter that asks a target for chats: that of the wire format that it speaks.
///
/// Fails with `invalid_request` if the target has no address, or if its parameters name an unknown format.
pub fn chat_adapter(target: &Target<'_>) -> Result<&'static dyn ChatAdapter> {
    endpoint::base_url(target)?;
    let spoken = endpoint::wire_format(target)?;
    find(
        target,
        Capability::Text,
        spoken,
        |adapter| if let Adapter::Chat(found) = adapter { Some(found) } else { None },
    )
}

/// Returns the adapter that asks a target for embeddings: that of the parameter `embedding_format`, or of the provider.
///
/// Fails with `invalid_request` if the target has no address, or names an unknown format.
pub fn embedding_adapter(target: &Target<'_>) -> Result<&'static dyn EmbeddingAdapter> {
    embeddings::base_url(target)?;
    let usual = target.vendor.embeddings.format;
    find(target, Capability::Embedding, usual, |adapter| {
        if let Adapter::Embeddings(found) = adapter { Some(found) } else { None }
    })
}

/// Returns the adapter that has a target order documents: that of the parameter `rerank_format`, or of the provider.
///
/// Fails with `invalid_request` if the target has no address, or names an unknown format.
pub fn rerank_adapter(target: &Target<'_>) -> Result<&'static dyn RerankAdapter> {
    rerank::base_url(target)?;
    let usual = target.vendor.rerank;
    find(
        target,
        Capability::Rerank,
        usual,
        |adapter| if let Adapter::Rerank(found) = adapter { Some(found) } else { None },
    )
}

/// Finds the adapter of the wire format that a target's parameters name for a kind of work, or else of the one given.
fn find<A>(
    target: &Target<'_>,
    capability: Capability,
    usual: WireFormat,
    of_kind: impl Fn(Adapter) -> Option<A>,
) -> Result<A> {
    let parameter =
        FORMAT_PARAMETERS.iter().find(|(_, made)| *made == capability).map_or("", |(parameter, _)| parameter);
    let usual = Value::from(name_of(usual, capability));
    let name = target.params.get(parameter).unwrap_or(&usual);
    let is_named = |format: &WireFormat| *name == name_of(*format, capability);
    let found = ADAPTERS.iter().filter(|(format, _)| is_named(format)).find_map(|(_, adapter)| of_kind(*adapter));
    found.ok_or_else(|| {
        let known = format_names(capability).join(", ");
        invalid(target, format!("model parameter `{parameter}` is {name}; it must be one of {known}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wire_format_does_each_kind_of_work_in_one_way() {
        for (place, (format, adapter)) in ADAPTERS.iter().enumerate() {
            let is_same = |(other, another): &&(WireFormat, Adapter)| {
                other == format && another.capability() == adapter.capability()
            };
            assert_eq!(ADAPTERS.iter().skip(place + 1).find(is_same).map(|(format, _)| format), None);
        }
    }

    #[test]
    fn every_address_speaks_one_of_the_formats_of_chats() {
        let of_chats = WireFormat::OF_CHATS.map(WireFormat::chat_name);
        assert_eq!(format_names(Capability::Text), of_chats);
    }
}
