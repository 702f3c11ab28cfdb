//! The facts of each provider, as data.

use super::history::CallIds;
use super::wire_format::{AuthHeader, WireFormat};
use crate::types::{Currency, Place};

/// Where a provider says what an attempt cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostReport {
    /// Nowhere.
    None,
    /// `usage.cost`; with a key of one's own, the upstream cost stands beside it and is added.
    Cost,
    /// `usage.cost_in_usd_ticks`, of which 10^10 are a dollar.
    UsdTicks,
    /// `usage.cost.total_cost`.
    CostTotal,
}

/// What tells of the searches that a provider of the OpenAI family made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchReport {
    /// Its usage counts them.
    Usage,
    /// The citations of its answer do, one search for each answer.
    Citations,
    /// Every call is a search, or as many as its usage counts.
    EveryCall,
}

/// How a provider of the OpenAI family is told how much to reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasoningControl {
    /// `reasoning_effort`, with its level.
    Effort,
    /// `thinking: {"type": "enabled" | "disabled"}`, which knows no levels.
    Thinking,
    /// `enable_thinking: true | false`, which knows no levels.
    EnableThinking,
}

/// Where a provider of the OpenAI family departs from the others.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent fact of a provider")]
pub struct Quirks {
    /// Where the reasoning tokens stand beside the output count.
    pub reasoning_place: Place,
    /// The output limit leaves the reasoning tokens out.
    pub reasoning_outside_limit: bool,
    /// The input count leaves the audio tokens out.
    pub audio_outside_input: bool,
    /// The input count leaves the tokens written to a cache out.
    pub cache_write_outside_input: bool,
    /// Tokens that were both read from and written to a cache are billed as both.
    pub bills_cache_overlap: bool,
    /// What tells of its searches.
    pub searches: SearchReport,
    /// A stream reports its usage only if `stream_options.include_usage` asks for it.
    pub include_usage: bool,
    /// The field that bounds the output.
    pub max_tokens_field: &'static str,
    /// The field that seeds the choice of tokens.
    pub seed_field: &'static str,
    /// `insufficient_quota` is a throttle that passes within minutes, not an empty account.
    pub quota_is_transient: bool,
    /// Where the cost is reported.
    pub cost: CostReport,
    /// The field of an assistant message that takes earlier reasoning text back.
    pub reasoning_field: Option<&'static str>,
    /// The field of an assistant message that takes opaque reasoning blocks back.
    pub reasoning_details: bool,
    /// How the amount of reasoning is set.
    pub reasoning_control: ReasoningControl,
    /// Content parts and tools may carry `cache_control`.
    pub cache_control: bool,
    /// Tool calls may carry `extra_content`.
    pub extra_content: bool,
    /// The ids of tool calls that are taken.
    pub call_ids: CallIds,
    /// A message of the model must have a text or calls.
    pub needs_said: bool,
    /// The ordinary tier may be asked for as `on_demand`.
    pub on_demand_tier: bool,
}

/// OpenAI's own rules, which all others are written as departures from.
const OPENAI: Quirks = Quirks {
    reasoning_place: Place::Inside,
    reasoning_outside_limit: false,
    audio_outside_input: false,
    cache_write_outside_input: false,
    bills_cache_overlap: false,
    searches: SearchReport::Citations,
    include_usage: true,
    max_tokens_field: "max_completion_tokens",
    seed_field: "seed",
    quota_is_transient: false,
    cost: CostReport::None,
    reasoning_field: None,
    reasoning_details: false,
    reasoning_control: ReasoningControl::Effort,
    cache_control: false,
    extra_content: false,
    call_ids: CallIds::Short,
    needs_said: false,
    on_demand_tier: false,
};

/// The rules of a provider that follows OpenAI's format.
const COMPATIBLE: Quirks =
    Quirks { max_tokens_field: "max_tokens", searches: SearchReport::Usage, call_ids: CallIds::Any, ..OPENAI };

/// The rules of a provider that takes `reasoning_content` back and switches thinking on and off.
const THINKING: Quirks =
    Quirks { reasoning_field: Some("reasoning_content"), reasoning_control: ReasoningControl::Thinking, ..COMPATIBLE };

/// The rules of Alibaba's model service.
const DASHSCOPE: Quirks = Quirks {
    quota_is_transient: true,
    reasoning_outside_limit: true,
    reasoning_control: ReasoningControl::EnableThinking,
    cache_control: true,
    ..THINKING
};

/// How a provider is asked for embeddings.
#[derive(Clone, Copy, Debug)]
pub struct Embeddings {
    /// The format.
    pub format: WireFormat,
    /// The address, where it is not that of chats.
    pub base_url: Option<&'static str>,
    /// The field for the length of the vectors.
    pub dimensions_field: &'static str,
    /// The field that says what the vectors are for, and its words for queries, documents, classes and groups.
    pub input_type: Option<(&'static str, [&'static str; 4])>,
    /// The field and the word that ask for vectors in Base64.
    pub base64: Option<(&'static str, &'static str)>,
    /// Whether each number of a vector is one byte.
    pub is_bytes: bool,
    /// How many inputs one request takes.
    pub most_inputs: usize,
    /// How many tokens one request takes, all inputs together.
    pub most_tokens: u64,
}

/// OpenAI's own way (its API reference: 2,048 inputs and 300,000 tokens).
const OPENAI_EMBEDDINGS: Embeddings = Embeddings {
    format: WireFormat::OpenAi,
    base_url: None,
    dimensions_field: "dimensions",
    input_type: None,
    base64: Some(("encoding_format", "base64")),
    is_bytes: false,
    most_inputs: 2_048,
    most_tokens: 300_000,
};

/// The way of a host of which only the format is known: numbers, and few inputs at once.
const COMPATIBLE_EMBEDDINGS: Embeddings =
    Embeddings { base64: None, most_inputs: 32, most_tokens: 8_192, ..OPENAI_EMBEDDINGS };

/// Model Studio's way: its third and fourth model take 10 inputs.
const DASHSCOPE_EMBEDDINGS: Embeddings =
    Embeddings { base64: Some(("encoding_format", "base64")), most_inputs: 10, ..COMPATIBLE_EMBEDDINGS };

/// The facts of a provider.
#[derive(Debug)]
pub struct Vendor {
    /// The provider's name.
    pub name: &'static str,
    /// Other names that mean the same provider.
    pub aliases: &'static [&'static str],
    /// The format in which it is asked for chats, unless a model config says otherwise.
    pub wire_format: WireFormat,
    /// Its address; absent where each account has its own.
    pub base_url: Option<&'static str>,
    /// The header of the API key, where it is not the wire format's usual one.
    pub auth_header: Option<AuthHeader>,
    /// The currency of its price list, which amounts that it reports are in.
    pub currency: Currency,
    /// Where it departs from the others.
    pub quirks: Quirks,
    /// How it is asked for embeddings.
    pub embeddings: Embeddings,
    /// The format in which it is asked to order documents.
    pub rerank: WireFormat,
}

/// A provider in dollars that speaks OpenAI's format.
const fn compatible(name: &'static str, base_url: &'static str, quirks: Quirks) -> Vendor {
    Vendor {
        name,
        aliases: &[],
        wire_format: WireFormat::OpenAi,
        base_url: Some(base_url),
        auth_header: None,
        currency: Currency::USD,
        quirks,
        embeddings: COMPATIBLE_EMBEDDINGS,
        rerank: WireFormat::Jina,
    }
}

/// Any provider that the table does not name: its model config must bring an address.
static GENERIC: Vendor = Vendor {
    base_url: None,
    ..compatible(
        "openai_compatible",
        "",
        Quirks { cache_control: true, extra_content: true, reasoning_field: Some("reasoning_content"), ..COMPATIBLE },
    )
};

static VENDORS: [Vendor; 27] = [
    Vendor { embeddings: OPENAI_EMBEDDINGS, ..compatible("openai", "https://api.openai.com/v1", OPENAI) },
    Vendor {
        base_url: None,
        auth_header: Some(AuthHeader::ApiKey),
        // Its catalog has models of others too, which answer with numbers only.
        embeddings: Embeddings { base64: None, ..OPENAI_EMBEDDINGS },
        ..compatible("azure", "", OPENAI)
    },
    Vendor {
        wire_format: WireFormat::Anthropic,
        ..compatible("anthropic", "https://api.anthropic.com/v1", COMPATIBLE)
    },
    Vendor {
        aliases: &["google"],
        wire_format: WireFormat::Gemini,
        embeddings: Embeddings {
            format: WireFormat::Gemini,
            dimensions_field: "outputDimensionality",
            input_type: Some(("taskType", ["RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "CLASSIFICATION", "CLUSTERING"])),
            most_inputs: 100,
            most_tokens: 20_000,
            ..COMPATIBLE_EMBEDDINGS
        },
        ..compatible("gemini", "https://generativelanguage.googleapis.com/v1beta", COMPATIBLE)
    },
    Vendor {
        currency: Currency::CNY,
        embeddings: DASHSCOPE_EMBEDDINGS,
        rerank: WireFormat::DashScope,
        ..compatible("dashscope", "https://dashscope.aliyuncs.com/compatible-mode/v1", DASHSCOPE)
    },
    Vendor {
        embeddings: DASHSCOPE_EMBEDDINGS,
        rerank: WireFormat::DashScope,
        ..compatible("dashscope-intl", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", DASHSCOPE)
    },
    Vendor {
        aliases: &["ark", "volcengine"],
        currency: Currency::CNY,
        ..compatible(
            "doubao",
            "https://ark.cn-beijing.volces.com/api/v3",
            Quirks { reasoning_control: ReasoningControl::Effort, reasoning_outside_limit: true, ..THINKING },
        )
    },
    compatible("deepseek", "https://api.deepseek.com", THINKING),
    Vendor {
        aliases: &["bigmodel", "glm"],
        currency: Currency::CNY,
        ..compatible("zhipu", "https://open.bigmodel.cn/api/paas/v4", THINKING)
    },
    compatible("zai", "https://api.z.ai/api/paas/v4", THINKING),
    Vendor {
        aliases: &["kimi"],
        currency: Currency::CNY,
        ..compatible("moonshot", "https://api.moonshot.cn/v1", THINKING)
    },
    compatible(
        "groq",
        "https://api.groq.com/openai/v1",
        Quirks { reasoning_field: Some("reasoning"), on_demand_tier: true, ..COMPATIBLE },
    ),
    compatible(
        "mistral",
        "https://api.mistral.ai/v1",
        Quirks {
            audio_outside_input: true,
            include_usage: false,
            seed_field: "random_seed",
            call_ids: CallIds::Nine,
            needs_said: true,
            ..COMPATIBLE
        },
    ),
    compatible(
        "xai",
        "https://api.x.ai/v1",
        Quirks {
            reasoning_place: Place::Outside,
            reasoning_outside_limit: true,
            cost: CostReport::UsdTicks,
            ..COMPATIBLE
        },
    ),
    Vendor {
        embeddings: Embeddings { base64: OPENAI_EMBEDDINGS.base64, most_inputs: 128, ..COMPATIBLE_EMBEDDINGS },
        ..compatible(
            "openrouter",
            "https://openrouter.ai/api/v1",
            Quirks {
                bills_cache_overlap: true,
                cost: CostReport::Cost,
                reasoning_field: Some("reasoning"),
                reasoning_details: true,
                cache_control: true,
                ..COMPATIBLE
            },
        )
    },
    Vendor {
        aliases: &["vercel_gateway"],
        ..compatible(
            "vercel",
            "https://ai-gateway.vercel.sh/v1",
            Quirks {
                // Its charge shows that they are outside, and its total leaves them out too.
                reasoning_place: Place::OutsideTotal,
                reasoning_outside_limit: true,
                cache_write_outside_input: true,
                cost: CostReport::Cost,
                reasoning_field: Some("reasoning"),
                reasoning_details: true,
                cache_control: true,
                ..COMPATIBLE
            },
        )
    },
    compatible("ollama", "http://localhost:11434/v1", Quirks { reasoning_field: Some("reasoning"), ..COMPATIBLE }),
    compatible("together", "https://api.together.xyz/v1", Quirks { reasoning_field: Some("reasoning"), ..COMPATIBLE }),
    Vendor {
        embeddings: Embeddings {
            base_url: Some("https://api.perplexity.ai/v1"),
            base64: Some(("encoding_format", "base64_int8")),
            is_bytes: true,
            most_inputs: 512,
            most_tokens: 100_000,
            ..COMPATIBLE_EMBEDDINGS
        },
        ..compatible(
            "perplexity",
            "https://api.perplexity.ai",
            Quirks {
                // Those of its research models, which it counts beside everything else.
                reasoning_place: Place::OutsideTotal,
                searches: SearchReport::EveryCall,
                include_usage: false,
                cost: CostReport::CostTotal,
                ..COMPATIBLE
            },
        )
    },
    compatible(
        "fireworks",
        "https://api.fireworks.ai/inference/v1",
        Quirks { reasoning_field: Some("reasoning_content"), ..COMPATIBLE },
    ),
    compatible("cerebras", "https://api.cerebras.ai/v1", Quirks { reasoning_field: Some("reasoning"), ..COMPATIBLE }),
    Vendor {
        currency: Currency::CNY,
        ..compatible(
            "siliconflow",
            "https://api.siliconflow.cn/v1",
            Quirks { reasoning_control: ReasoningControl::EnableThinking, ..THINKING },
        )
    },
    compatible(
        "avian",
        "https://api.avian.io/v1",
        Quirks { cost: CostReport::Cost, reasoning_field: Some("reasoning_content"), ..COMPATIBLE },
    ),
    compatible(
        "huggingface",
        "https://router.huggingface.co/v1",
        Quirks { reasoning_field: Some("reasoning_content"), ..COMPATIBLE },
    ),
    Vendor {
        embeddings: Embeddings {
            format: WireFormat::Cohere,
            base_url: Some("https://api.cohere.com/v2"),
            dimensions_field: "output_dimension",
            input_type: Some(("input_type", ["search_query", "search_document", "classification", "clustering"])),
            most_inputs: 96,
            most_tokens: 128_000,
            ..COMPATIBLE_EMBEDDINGS
        },
        rerank: WireFormat::Cohere,
        ..compatible("cohere", "https://api.cohere.ai/compatibility/v1", COMPATIBLE)
    },
    Vendor {
        embeddings: Embeddings {
            dimensions_field: "output_dimension",
            // It has no words for classes and groups, for which nothing is said then.
            input_type: Some(("input_type", ["query", "document", "", ""])),
            base64: Some(("encoding_format", "base64")),
            most_inputs: 1_000,
            most_tokens: 120_000,
            ..COMPATIBLE_EMBEDDINGS
        },
        rerank: WireFormat::Voyage,
        ..compatible("voyage", "https://api.voyageai.com/v1", COMPATIBLE)
    },
    Vendor {
        aliases: &["jina"],
        embeddings: Embeddings {
            input_type: Some(("task", ["retrieval.query", "retrieval.passage", "classification", "separation"])),
            base64: Some(("embedding_type", "base64")),
            most_inputs: 512,
            ..COMPATIBLE_EMBEDDINGS
        },
        ..compatible("jina_ai", "https://api.jina.ai/v1", COMPATIBLE)
    },
];

/// Families of models that think in their own words, and want them back wherever they are served.
const THINKING_MODELS: [&str; 8] = ["deepseek", "qwen", "kimi", "glm", "minimax", "mai-ds", "gpt-oss", "magistral"];

/// The beginnings of the names of OpenAI's own models, whose reasoning no message carries.
const OPENAI_MODELS: [&str; 8] = ["gpt-", "chatgpt", "o1", "o3", "o4", "o5", "codex", "ft:"];

impl Vendor {
    /// Returns the field of a message of the model that takes earlier reasoning back; nothing where it is refused. At OpenAI's
    /// and Azure's names other models may be served, at an address of the app's own or under the name of their family.
    #[must_use]
    pub fn reasoning_field(&self, model: &str, base_url: Option<&str>) -> Option<&'static str> {
        let model = model.to_ascii_lowercase();
        let thinks = THINKING_MODELS.iter().any(|family| model.contains(family));
        let is_served_elsewhere = self.base_url.is_some()
            && base_url.is_some_and(|base_url| !base_url.contains(".openai.com"))
            && !OPENAI_MODELS.iter().any(|name| model.starts_with(name));
        let serves_others = matches!(self.name, "openai" | "azure") && (thinks || is_served_elsewhere);
        self.quirks.reasoning_field.or(serves_others.then_some("reasoning_content"))
    }
}

/// Returns the facts of a provider by its name or an alias; those of a generic one of OpenAI's format for any other name.
#[must_use]
pub fn vendor(provider: &str) -> &'static Vendor {
    VENDORS.iter().find(|vendor| vendor.name == provider || vendor.aliases.contains(&provider)).unwrap_or(&GENERIC)
}

/// Returns the names of all vendors that the table has, and their other names.
pub fn vendor_names() -> impl Iterator<Item = &'static str> {
    VENDORS.iter().flat_map(|vendor| std::iter::once(vendor.name).chain(vendor.aliases.iter().copied()))
}

/// Returns whether the table has a provider.
#[must_use]
pub fn is_known_vendor(provider: &str) -> bool {
    vendor(provider).name != GENERIC.name
}

/// Returns the name under which a provider sells in the catalog: that of the table where it stands there, else its own.
#[must_use]
pub fn seller(provider: &str) -> &str {
    let vendor = vendor(provider);
    if vendor.name == GENERIC.name { provider } else { vendor.name }
}

/// Returns the currency that a provider's price list is in.
#[must_use]
pub fn default_currency(provider: &str) -> Currency {
    vendor(provider).currency
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_found_by_its_name_and_by_its_aliases() {
        for (name, found) in
            [("openai", "openai"), ("ark", "doubao"), ("kimi", "moonshot"), ("google", "gemini"), ("glm", "zhipu")]
        {
            assert_eq!(vendor(name).name, found);
        }
        assert_eq!(vendor("my-gateway").name, "openai_compatible");
        assert_eq!(vendor("my-gateway").base_url, None);
        assert_eq!((seller("google"), seller("deepinfra")), ("gemini", "deepinfra"));
    }

    #[test]
    fn no_name_means_two_providers() {
        let mut names: Vec<&str> =
            VENDORS.iter().flat_map(|vendor| vendor.aliases.iter().copied().chain([vendor.name])).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn chinese_price_lists_are_in_yuan() {
        for name in ["dashscope", "doubao", "zhipu", "moonshot", "siliconflow"] {
            assert_eq!(default_currency(name), Currency::CNY, "{name}");
        }
        for name in ["dashscope-intl", "zai", "deepseek", "openai", "my-gateway"] {
            assert_eq!(default_currency(name), Currency::USD, "{name}");
        }
    }
}
