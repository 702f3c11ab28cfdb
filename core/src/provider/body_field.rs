//! The fields of a request's body beside those that [`ChatRequest`](crate::types::ChatRequest) names, and what each means
//! for what a call can cost. The one list that encoders, the parameters of model configs and billing go by.

use serde_json::{Map, Value};

use super::wire_format::WireFormat;

/// What a field means for what a call can cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The request's own fields say it, or the engine does: nothing may stand over it.
    Own,
    /// It bounds the call: budgets rely on the request's own fields for that.
    Bound,
    /// It asks for work that is charged for beside the tokens, or for another model.
    PaidWork,
    /// Prices can depend on it.
    Fact,
    /// It names input that the request does not hold.
    RemoteInput,
    /// It changes neither the prices nor the bounds, or those are worked out from it.
    Harmless,
}

impl Meaning {
    /// Returns whether nothing but the request's own fields may say it.
    #[must_use]
    pub const fn is_reserved(self) -> bool {
        matches!(self, Self::Own | Self::Bound)
    }
}

/// Fields of one meaning, in the formats that take them.
struct Group {
    meaning: Meaning,
    formats: &'static [WireFormat],
    names: &'static [&'static str],
}

const OPENAI: &[WireFormat] = &[WireFormat::OpenAi];
const ANTHROPIC: &[WireFormat] = &[WireFormat::Anthropic];
const GEMINI: &[WireFormat] = &[WireFormat::Gemini];
const EVERY: &[WireFormat] = &WireFormat::OF_CHATS;

const GROUPS: &[Group] = &[
    Group {
        meaning: Meaning::Own,
        formats: EVERY,
        names: &[
            "model",
            "messages",
            "system",
            "contents",
            "systemInstruction",
            "system_instruction",
            "prompt",
            "input",
            "stream",
            "stream_options",
            "tools",
            "tool_choice",
            "toolConfig",
            "tool_config",
            "functions",
            "function_call",
            "modalities",
        ],
    },
    // Also the words of other formats and servers, since many servers read several.
    Group {
        meaning: Meaning::Bound,
        formats: EVERY,
        names: &[
            "n",
            "best_of",
            "max_tokens",
            "max_completion_tokens",
            "max_output_tokens",
            "max_new_tokens",
            "max_tokens_to_sample",
            "max_gen_len",
            "max_length",
            "maxOutputTokens",
            "maxTokens",
            "num_predict",
            "n_predict",
            "candidateCount",
            "candidate_count",
            "num_return_sequences",
            "num_generations",
            "num_beams",
            "beam_width",
            "use_beam_search",
        ],
    },
    // A config's body may have the rest of it: what it may not have in it is in `GENERATION`.
    Group {
        meaning: Meaning::Bound,
        formats: &[WireFormat::OpenAi, WireFormat::Anthropic],
        names: &["generationConfig", "generation_config"],
    },
    Group {
        meaning: Meaning::PaidWork,
        formats: OPENAI,
        names: &[
            "web_search_options",
            "web_search",
            "enable_search",
            "search_parameters",
            "search_settings",
            "compound_custom",
            "enable_code_interpreter",
            "plugins",
            "models",
            "safety_model",
        ],
    },
    Group {
        meaning: Meaning::PaidWork,
        formats: &[WireFormat::OpenAi, WireFormat::Anthropic],
        names: &["fallbacks", "container", "mcp_servers"],
    },
    Group {
        meaning: Meaning::Fact,
        formats: &[WireFormat::OpenAi, WireFormat::Anthropic],
        names: &["speed", "inference_geo"],
    },
    Group {
        meaning: Meaning::RemoteInput,
        formats: &[WireFormat::OpenAi, WireFormat::Gemini],
        names: &["cached_content", "cachedContent"],
    },
    Group {
        meaning: Meaning::Harmless,
        formats: ANTHROPIC,
        names: &["top_k", "thinking", "metadata", "context_management", "output_config", "cache_control"],
    },
    Group {
        meaning: Meaning::Harmless,
        formats: GEMINI,
        names: &[
            "top_k",
            "topK",
            "thinking_config",
            "thinkingConfig",
            "media_resolution",
            "mediaResolution",
            "safety_settings",
            "safetySettings",
            "labels",
            "generationConfig",
            "generation_config",
        ],
    },
    // OpenAI's own.
    Group {
        meaning: Meaning::Harmless,
        formats: OPENAI,
        names: &[
            "audio",
            "logit_bias",
            "logprobs",
            "top_logprobs",
            "metadata",
            "moderation",
            "prediction",
            "prompt_cache_key",
            "prompt_cache_retention",
            "safety_identifier",
            "store",
            "user",
            "verbosity",
        ],
    },
    // How reasoning is asked for and shown; its tokens are in the bounds.
    Group {
        meaning: Meaning::Harmless,
        formats: OPENAI,
        names: &[
            "clear_thinking",
            "enable_thinking",
            "include_reasoning",
            "preserve_thinking",
            "reasoning",
            "reasoning_format",
            "reasoning_history",
            "reasoning_split",
            "separate_reasoning",
            "stream_reasoning",
            "think",
            "thinking",
            "thinking_budget",
            "thinking_config",
            "thinking_token_budget",
        ],
    },
    // How tokens are chosen, by vLLM, SGLang, llama.cpp, Ollama and the hosts of open models.
    Group {
        meaning: Meaning::Harmless,
        formats: OPENAI,
        names: &[
            "allowed_token_ids",
            "bad_words",
            "bad_words_ids",
            "do_sample",
            "dry_allowed_length",
            "dry_base",
            "dry_multiplier",
            "dry_penalty_last_n",
            "dry_sequence_breakers",
            "dynatemp_exponent",
            "dynatemp_range",
            "early_stopping",
            "ignore_eos",
            "include_stop_str_in_output",
            "length_penalty",
            "logits_processors",
            "min_keep",
            "min_p",
            "min_tokens",
            "mirostat",
            "mirostat_eta",
            "mirostat_lr",
            "mirostat_tau",
            "mirostat_target",
            "n_discard",
            "n_indent",
            "n_keep",
            "no_repeat_ngram_size",
            "no_stop_trim",
            "penalize_newline",
            "random_seed",
            "repeat_last_n",
            "repeat_penalty",
            "repetition_penalty",
            "samplers",
            "skip_special_tokens",
            "spaces_between_special_tokens",
            "stop_regex",
            "stop_token_ids",
            "t_max_predict_ms",
            "tfs_z",
            "top_a",
            "top_k",
            "top_n_sigma",
            "typical_p",
            "xtc_probability",
            "xtc_threshold",
        ],
    },
    // The form of the output.
    Group {
        meaning: Meaning::Harmless,
        formats: OPENAI,
        names: &[
            "ebnf",
            "format",
            "grammar",
            "guided_choice",
            "guided_decoding_backend",
            "guided_grammar",
            "guided_json",
            "guided_json_object",
            "guided_regex",
            "guided_whitespace_pattern",
            "json_schema",
            "regex",
            "result_format",
            "structural_tag",
            "structured_outputs",
            "whitespace_pattern",
        ],
    },
    // How the prompt is built and kept by a server; what it holds of text is in the bounds.
    Group {
        meaning: Meaning::Harmless,
        formats: OPENAI,
        names: &[
            "add_generation_prompt",
            "add_special_tokens",
            "cache_control",
            "cache_prompt",
            "cache_salt",
            "chat_template",
            "chat_template_kwargs",
            "citation_options",
            "context_length_exceeded_behavior",
            "continue_final_message",
            "documents",
            "echo",
            "id_slot",
            "keep_alive",
            "mm_processor_kwargs",
            "prompt_cache_isolation_key",
            "prompt_mode",
            "prompt_truncate_len",
            "raw",
            "template",
            "transforms",
            "truncate_prompt_tokens",
            "truncation",
            "vl_high_resolution_images",
        ],
    },
    // What a server tells beside the answer, and how it is served.
    Group {
        meaning: Meaning::Harmless,
        formats: OPENAI,
        names: &[
            "debug",
            "disable_tool_validation",
            "incremental_output",
            "kv_transfer_params",
            "lora",
            "lora_path",
            "n_probs",
            "parse_tool_calls",
            "perf_metrics_in_response",
            "post_sampling_probs",
            "priority",
            "prompt_logprobs",
            "raw_output",
            "request_id",
            "return_hidden_states",
            "return_token_ids",
            "return_tokens",
            "return_tokens_as_token_ids",
            "rid",
            "route",
            "session_id",
            "session_params",
            "speculation",
            "stream_mode",
            "timings_per_token",
            "tool_stream",
            "usage",
            "user_id",
            "vllm_xargs",
        ],
    },
    // Safety, translation and speech recognition of single vendors, without a fee of their own.
    Group {
        meaning: Meaning::Harmless,
        formats: OPENAI,
        names: &[
            "asr_options",
            "compliance",
            "document_image_limit",
            "document_page_limit",
            "ocr_options",
            "safe_prompt",
            "safety_settings",
            "sensitive_word_check",
            "translation_options",
            "watermark_enabled",
        ],
    },
    // What a search that is made anyway looks at and shows.
    Group {
        meaning: Meaning::Harmless,
        formats: OPENAI,
        names: &[
            "disable_search",
            "enable_search_classifier",
            "exclude_domains",
            "image_domain_filter",
            "image_format_filter",
            "include_domains",
            "language_preference",
            "last_updated_after_filter",
            "last_updated_before_filter",
            "return_images",
            "return_related_questions",
            "search_after_date_filter",
            "search_before_date_filter",
            "search_domain_filter",
            "search_language_filter",
            "search_mode",
            "search_options",
            "search_recency_filter",
        ],
    },
    // Fields for another format alone, which the encoder leaves out.
    Group { meaning: Meaning::Harmless, formats: EVERY, names: &["anthropic"] },
];

/// The fields of Gemini's `generationConfig` that bound the call.
const GENERATION: [&str; 4] = ["maxOutputTokens", "max_output_tokens", "candidateCount", "candidate_count"];

/// The parts of OpenRouter's `provider` that send a request to no dearer host than the one that would serve it anyway.
const ROUTING: [&str; 6] =
    ["allow_fallbacks", "data_collection", "enforce_distillable_text", "max_price", "require_parameters", "zdr"];

/// Returns what a field of a format's body means; nothing if the list does not know it.
#[must_use]
pub fn meaning(format: WireFormat, name: &str, value: &Value) -> Option<Meaning> {
    if name == "provider" && format == WireFormat::OpenAi {
        let is_harmless =
            |(part, value): (&String, &Value)| ROUTING.contains(&part.as_str()) || (part == "sort" && value == "price");
        return value.as_object().is_some_and(|parts| parts.iter().all(is_harmless)).then_some(Meaning::Harmless);
    }
    meaning_of(format, name)
}

/// Returns what a field of a format's body means, whatever its value.
fn meaning_of(format: WireFormat, name: &str) -> Option<Meaning> {
    let group = GROUPS.iter().find(|group| group.formats.contains(&format) && group.names.contains(&name));
    group.map(|group| group.meaning)
}

/// Returns whether a field has a meaning in any format.
#[must_use]
pub fn is_meant(name: &str, meant: Meaning) -> bool {
    GROUPS.iter().any(|group| group.meaning == meant && group.names.contains(&name))
}

/// Returns whether a format takes a field beside the request's own.
pub(super) fn is_taken(format: WireFormat, name: &str) -> bool {
    meaning_of(format, name).is_some_and(|meaning| !meaning.is_reserved())
}

/// Returns whether nothing but the request's own fields may say what a field of a format's body says.
pub(super) fn is_reserved(format: WireFormat, name: &str) -> bool {
    meaning_of(format, name).is_some_and(Meaning::is_reserved)
}

/// Returns the field of a config's body that only requests may set, whatever format the config speaks.
pub(super) fn reserved_in(body: &Map<String, Value>) -> Option<&str> {
    let is_reserved = |name: &str| {
        let meanings = WireFormat::OF_CHATS.map(|format| meaning_of(format, name));
        meanings.into_iter().all(|meaning| meaning.is_some_and(Meaning::is_reserved))
    };
    let outer = body.keys().map(String::as_str).find(|name| is_reserved(name));
    outer.or_else(|| {
        let configs = ["generationConfig", "generation_config"].map(|name| body.get(name).and_then(Value::as_object));
        let mut names = configs.into_iter().flatten().flat_map(Map::keys).map(String::as_str);
        names.find(|name| GENERATION.contains(name))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_field_has_two_meanings_in_one_format() {
        for format in WireFormat::OF_CHATS {
            let groups = GROUPS.iter().filter(|group| group.formats.contains(&format));
            let mut names: Vec<&str> = groups.flat_map(|group| group.names).copied().collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{format:?}");
        }
    }

    #[test]
    fn a_body_field_that_is_not_listed_has_no_known_meaning() {
        for (format, name, known) in [
            (WireFormat::OpenAi, "min_p", Some(Meaning::Harmless)),
            (WireFormat::OpenAi, "generationConfig", Some(Meaning::Bound)),
            (WireFormat::Gemini, "generationConfig", Some(Meaning::Harmless)),
            (WireFormat::Anthropic, "speed", Some(Meaning::Fact)),
            (WireFormat::Gemini, "cachedContent", Some(Meaning::RemoteInput)),
            (WireFormat::OpenAi, "quantum_boost", None),
            (WireFormat::Anthropic, "min_p", None),
        ] {
            assert_eq!(meaning(format, name, &Value::Null), known, "{format:?} {name}");
        }
    }

    #[test]
    fn a_choice_of_hosts_is_harmless_only_where_it_names_no_dearer_one() {
        let of = |value: Value| meaning(WireFormat::OpenAi, "provider", &value);
        for harmless in [json!({}), json!({"zdr": true}), json!({"sort": "price", "data_collection": "deny"})] {
            assert_eq!(of(harmless.clone()), Some(Meaning::Harmless), "{harmless}");
        }
        for dear in [json!({"order": ["a"]}), json!({"only": ["a"]}), json!({"sort": "throughput"}), json!("a")] {
            assert_eq!(of(dear.clone()), None, "{dear}");
        }
    }

    #[test]
    fn a_config_sets_no_bound_in_any_spelling() {
        for (body, found) in [
            (json!({"max_tokens_to_sample": 1}), Some("max_tokens_to_sample")),
            (json!({"maxOutputTokens": 1}), Some("maxOutputTokens")),
            (json!({"candidateCount": 1}), Some("candidateCount")),
            (json!({"n_predict": 1}), Some("n_predict")),
            (json!({"generationConfig": {"maxOutputTokens": 1}}), Some("maxOutputTokens")),
            (json!({"generation_config": {"candidate_count": 1}}), Some("candidate_count")),
            (json!({"generationConfig": {"topK": 1}, "enable_search": true, "min_p": 1}), None),
        ] {
            assert_eq!(reserved_in(body.as_object().unwrap()), found, "{body}");
        }
    }
}
