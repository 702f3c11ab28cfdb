//! What the hosts of OpenAI's format put into their usage, by path: under which names, and what is done with each.
//!
//! A name may come from any host, since gateways pass on what stands behind them; the comments say which vendor sends it. Where
//! a host sends several names of one count, the greatest is meant: some fill those that they do not use with zeros.

use crate::provider::usage_fields::Fate::{Ignored, Read};
pub(super) use crate::provider::usage_fields::Names;
use crate::provider::usage_fields::{ALL, TOP, UsageField};

/// All input tokens.
pub(super) const INPUT: Names = &["prompt_tokens", "input_tokens", "promptTokens", "inputTokens"];
/// All output tokens.
pub(super) const OUTPUT: Names = &["completion_tokens", "output_tokens", "completionTokens", "outputTokens"];
/// All tokens.
pub(super) const TOTAL: Names = &["total_tokens", "totalTokens"];
/// The parts of the input.
pub(super) const INPUT_DETAILS: Names =
    &["prompt_tokens_details", "prompt_token_details", "input_tokens_details", "input_token_details"];
/// The parts of the output.
pub(super) const OUTPUT_DETAILS: Names =
    &["completion_tokens_details", "completion_token_details", "output_tokens_details", "output_token_details"];
/// Tokens read from a cache, among the parts of the input or beside them.
pub(super) const CACHED: Names =
    &["cached_tokens", "prompt_cache_hit_tokens", "num_cached_tokens", "cache_read_input_tokens", "cache_read_tokens"];
/// The two parts of the input at DeepSeek.
pub(super) const HITS_AND_MISSES: [&str; 2] = ["prompt_cache_hit_tokens", "prompt_cache_miss_tokens"];
/// Tokens written to a cache, among the parts of the input or beside them.
pub(super) const WRITTEN: Names =
    &["cache_write_tokens", "cache_creation_input_tokens", "cache_creation_tokens", "cache_write_input_tokens"];
/// Tokens written to a cache, by lifetime.
pub(super) const WRITTEN_SPLIT: Names = &["cache_creation", "cache_creation_token_details"];
/// Tokens spent on reasoning, among the parts of the output or beside them.
pub(super) const REASONING: Names = &["reasoning_tokens", "thinking_tokens"];
/// Anthropic's own names, which stand beside the input where OpenAI's are absent.
pub(super) const ANTHROPIC_CACHE: Names = &["cache_read_input_tokens", "cache_creation_input_tokens"];
/// Searches, among what the host's own tools did.
pub(super) const SEARCHES: Names = &["web_search_requests", "web_search_calls", "x_search_calls"];
/// Pages fetched, among what the host's own tools did.
pub(super) const FETCHES: Names = &["web_fetch_requests", "web_fetch_calls"];
/// Searches of stored files, among what the host's own tools did.
pub(super) const FILE_SEARCHES: Names =
    &["file_search_calls", "document_search_calls", "collections_search_calls", "attachment_search_calls"];
/// Other work of the host's own tools.
pub(super) const TOOL_CALLS: Names = &[
    "code_interpreter_calls",
    "code_execution_calls",
    "mcp_calls",
    "image_search_calls",
    "view_image_calls",
    "view_x_video_calls",
];
/// What the host's own tools did.
pub(super) const TOOLS: Names =
    &["server_tool_use_details", "server_tool_use", "server_side_tool_usage_details", "server_side_tool_usage"];

/// Tokens written to a cache, by the lifetimes that have prices.
pub(super) const LIFETIMES: [Names; 2] = [&["ephemeral_5m_input_tokens"], &["ephemeral_1h_input_tokens"]];
/// Searches, beside the counts.
pub(super) const QUERIES: Names = &["num_search_queries"];
/// The sources that searches brought, beside the counts.
pub(super) const SOURCES: Names = &["num_sources_used"];
/// Tokens of cited sources, beside the counts.
pub(super) const CITATIONS: Names = &["citation_tokens"];

const PART: &str = "it is a part of a count that is read, and has no price of its own";
const TIME: &str = "a duration or a speed of the host's is not billed";
const MONEY: &str = "it is a part of the stated cost, or what another would charge";
const REPEATED: &str = "it repeats a count that is read";
const IN_COST: &str = "what the calls cost is in the stated cost";
const GUESSES: &str = "guesses of a smaller model are not billed";

/// Every field of usage that hosts of this format are known to send.
pub(super) const FIELDS: &[UsageField] = &[
    (TOP, INPUT, Read),
    (TOP, OUTPUT, Read),
    (TOP, TOTAL, Read),
    // Caches, beside the counts: DeepSeek, Moonshot, Mistral, Together, and Anthropic's names at gateways.
    (TOP, CACHED, Read),
    (TOP, WRITTEN, Read),
    (WRITTEN_SPLIT, LIFETIMES[0], Read),
    (WRITTEN_SPLIT, LIFETIMES[1], Read),
    (TOP, &["prompt_cache_miss_tokens"], Read),
    (TOP, &["claude_cache_creation_5_m_tokens", "claude_cache_creation_1_h_tokens"], Ignored(REPEATED)),
    // Perplexity.
    (TOP, REASONING, Read),
    (TOP, CITATIONS, Read),
    (TOP, QUERIES, Read),
    (TOP, &["search_context_size"], Read),
    (&["cost"], &["total_cost"], Read),
    (
        &["cost"],
        &[
            "input_tokens_cost",
            "output_tokens_cost",
            "reasoning_tokens_cost",
            "citation_tokens_cost",
            "search_queries_cost",
            "request_cost",
        ],
        Ignored(MONEY),
    ),
    // OpenRouter and Vercel's gateway.
    (TOP, &["cost", "is_byok"], Read),
    (&["cost_details"], &["upstream_inference_cost"], Read),
    (&["cost_details"], ALL, Ignored(MONEY)),
    (TOP, &["market_cost", "cache_discount"], Ignored(MONEY)),
    // What the host's own tools did: OpenRouter, xAI.
    (TOOLS, SEARCHES, Read),
    (TOOLS, FETCHES, Read),
    (TOOLS, FILE_SEARCHES, Read),
    (TOOLS, TOOL_CALLS, Read),
    (TOOLS, &["tool_calls_requested", "tool_calls_executed"], Ignored(IN_COST)),
    // xAI.
    (TOP, &["cost_in_usd_ticks"], Read),
    (TOP, SOURCES, Read),
    (TOP, &["num_server_side_tools_used"], Ignored("the tools are counted one by one")),
    (&["context_details"], ALL, Ignored("the lengths of single turns; their sum is in the counts")),
    // Mistral.
    (TOP, &["prompt_audio_seconds"], Ignored("the sound is counted in tokens")),
    (TOP, &["service_tier"], Ignored("the answer's own field is read")),
    // Groq, and what stands before it; gpustack and other local servers.
    (
        TOP,
        &[
            "queue_time",
            "prompt_time",
            "completion_time",
            "total_time",
            "latency",
            "time_to_first_token",
            "time_to_first_token_ms",
            "time_per_output_token_ms",
            "tokens_per_second",
            "prompt_tokens_per_second",
        ],
        Ignored(TIME),
    ),
    (&["latency_checkpoint"], ALL, Ignored(TIME)),
    (TOP, &["draft_tokens", "draft_tokens_acceptance"], Ignored(GUESSES)),
    // Azure's hosting of others.
    (TOP, &["audio_prompt_tokens"], Ignored(REPEATED)),
];

/// The fields of the parts of the input.
pub(super) const INPUT_DETAIL_FIELDS: &[UsageField] = &[
    (TOP, CACHED, Read),
    (TOP, WRITTEN, Read),
    (WRITTEN_SPLIT, LIFETIMES[0], Read),
    (WRITTEN_SPLIT, LIFETIMES[1], Read),
    (TOP, &["cache_type"], Ignored("a word of the cache, which no price asks for")),
    (&["cache_write_tokens_details"], ALL, Ignored("a split of the writes by lifetimes that no price tells apart")),
    (TOP, &["audio_tokens", "image_tokens", "video_tokens"], Read),
    (&["cached_tokens_details"], &["audio_tokens", "image_tokens"], Read),
    (&["cached_tokens_details"], &["text_tokens"], Ignored(PART)),
    (TOP, &["text_tokens", "document_tokens", "multimodal_tokens"], Ignored(PART)),
];

/// The fields of the parts of the output.
pub(super) const OUTPUT_DETAIL_FIELDS: &[UsageField] = &[
    (TOP, REASONING, Read),
    (TOP, &["audio_tokens", "image_tokens", "rejected_prediction_tokens"], Read),
    (TOP, &["accepted_prediction_tokens", "text_tokens"], Ignored(PART)),
];
