//! What the hosts of OpenAI's format put into their usage, by path: under which names, and what is done with each.
//!
//! A name may come from any host, since gateways pass on what stands behind them; the reasons say which vendor sends it.

use crate::provider::usage_fields::Fate::{Ignored, Read};
use crate::provider::usage_fields::UsageField;

/// The names of one count. Where a host sends several, the greatest is meant: some fill those that they do not use with zeros.
pub(super) type Names = &'static [&'static str];

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

const PART: &str = "it is a part of a count that is read, and has no price of its own";
const TIME: &str = "a duration or a speed of the host's is not billed";
const MONEY: &str = "it is a part of the stated cost, or what another would charge";
const REPEATED: &str = "it repeats a count that is read";

/// Every field of usage that hosts of this format are known to send.
pub(super) const FIELDS: &[UsageField] = &[
    ("prompt_tokens", Read),
    ("input_tokens", Read),
    ("promptTokens", Read),
    ("inputTokens", Read),
    ("completion_tokens", Read),
    ("output_tokens", Read),
    ("completionTokens", Read),
    ("outputTokens", Read),
    ("total_tokens", Read),
    ("totalTokens", Read),
    // Caches, beside the counts: DeepSeek, Moonshot, Mistral, Together, and Anthropic's names at gateways.
    ("cached_tokens", Read),
    ("prompt_cache_hit_tokens", Read),
    ("prompt_cache_miss_tokens", Ignored(PART)),
    ("num_cached_tokens", Read),
    ("cache_read_input_tokens", Read),
    ("cache_read_tokens", Read),
    ("cache_write_tokens", Read),
    ("cache_creation_input_tokens", Read),
    ("cache_creation_tokens", Read),
    ("cache_write_input_tokens", Read),
    ("cache_creation.ephemeral_5m_input_tokens", Read),
    ("cache_creation.ephemeral_1h_input_tokens", Read),
    ("cache_creation_token_details.ephemeral_5m_input_tokens", Read),
    ("cache_creation_token_details.ephemeral_1h_input_tokens", Read),
    ("claude_cache_creation_5_m_tokens", Ignored(REPEATED)),
    ("claude_cache_creation_1_h_tokens", Ignored(REPEATED)),
    // Perplexity.
    ("reasoning_tokens", Read),
    ("thinking_tokens", Read),
    ("citation_tokens", Read),
    ("num_search_queries", Read),
    ("search_context_size", Read),
    ("cost.total_cost", Read),
    ("cost.input_tokens_cost", Ignored(MONEY)),
    ("cost.output_tokens_cost", Ignored(MONEY)),
    ("cost.reasoning_tokens_cost", Ignored(MONEY)),
    ("cost.citation_tokens_cost", Ignored(MONEY)),
    ("cost.search_queries_cost", Ignored(MONEY)),
    ("cost.request_cost", Ignored(MONEY)),
    // OpenRouter and Vercel's gateway.
    ("cost", Read),
    ("is_byok", Read),
    ("cost_details.upstream_inference_cost", Read),
    ("cost_details.*", Ignored(MONEY)),
    ("market_cost", Ignored(MONEY)),
    ("cache_discount", Ignored(MONEY)),
    ("server_tool_use_details.web_search_requests", Read),
    ("server_tool_use_details.web_fetch_requests", Read),
    ("server_tool_use_details.tool_calls_requested", Ignored("what the calls cost is in the stated cost")),
    ("server_tool_use_details.tool_calls_executed", Ignored("what the calls cost is in the stated cost")),
    ("server_tool_use.web_search_requests", Read),
    ("server_tool_use.web_fetch_requests", Read),
    ("server_tool_use.tool_calls_requested", Ignored("what the calls cost is in the stated cost")),
    ("server_tool_use.tool_calls_executed", Ignored("what the calls cost is in the stated cost")),
    // xAI.
    ("cost_in_usd_ticks", Read),
    ("num_sources_used", Read),
    ("num_server_side_tools_used", Ignored("the tools are counted one by one")),
    ("context_details.*", Ignored("the lengths of single turns; their sum is in the counts")),
    ("server_side_tool_usage_details.web_search_calls", Read),
    ("server_side_tool_usage_details.x_search_calls", Read),
    ("server_side_tool_usage_details.file_search_calls", Read),
    ("server_side_tool_usage_details.document_search_calls", Read),
    ("server_side_tool_usage_details.collections_search_calls", Read),
    ("server_side_tool_usage_details.attachment_search_calls", Read),
    ("server_side_tool_usage_details.code_interpreter_calls", Read),
    ("server_side_tool_usage_details.code_execution_calls", Read),
    ("server_side_tool_usage_details.mcp_calls", Read),
    ("server_side_tool_usage_details.image_search_calls", Read),
    ("server_side_tool_usage_details.view_image_calls", Read),
    ("server_side_tool_usage_details.view_x_video_calls", Read),
    ("server_side_tool_usage.web_search_calls", Read),
    ("server_side_tool_usage.x_search_calls", Read),
    ("server_side_tool_usage.file_search_calls", Read),
    ("server_side_tool_usage.code_interpreter_calls", Read),
    ("server_side_tool_usage.code_execution_calls", Read),
    ("server_side_tool_usage.mcp_calls", Read),
    // Mistral.
    ("prompt_audio_seconds", Ignored("the sound is counted in tokens")),
    ("service_tier", Ignored("the answer's own field is read")),
    // Groq, and what stands before it; gpustack and other local servers.
    ("queue_time", Ignored(TIME)),
    ("prompt_time", Ignored(TIME)),
    ("completion_time", Ignored(TIME)),
    ("total_time", Ignored(TIME)),
    ("latency", Ignored(TIME)),
    ("time_to_first_token", Ignored(TIME)),
    ("time_to_first_token_ms", Ignored(TIME)),
    ("time_per_output_token_ms", Ignored(TIME)),
    ("tokens_per_second", Ignored(TIME)),
    ("prompt_tokens_per_second", Ignored(TIME)),
    ("latency_checkpoint.*", Ignored(TIME)),
    ("draft_tokens", Ignored("guesses of a smaller model are not billed")),
    ("draft_tokens_acceptance", Ignored("guesses of a smaller model are not billed")),
    // Azure's hosting of others.
    ("audio_prompt_tokens", Ignored(REPEATED)),
];

/// The fields of the parts of the input.
pub(super) const INPUT_DETAIL_FIELDS: &[UsageField] = &[
    ("cached_tokens", Read),
    ("prompt_cache_hit_tokens", Read),
    ("num_cached_tokens", Read),
    ("cache_read_input_tokens", Read),
    ("cache_read_tokens", Read),
    ("cache_write_tokens", Read),
    ("cache_creation_input_tokens", Read),
    ("cache_creation_tokens", Read),
    ("cache_write_input_tokens", Read),
    ("cache_creation.ephemeral_5m_input_tokens", Read),
    ("cache_creation.ephemeral_1h_input_tokens", Read),
    ("cache_creation_token_details.ephemeral_5m_input_tokens", Read),
    ("cache_creation_token_details.ephemeral_1h_input_tokens", Read),
    ("cache_type", Ignored("a word of the cache, which no price asks for")),
    ("cache_write_tokens_details.*", Ignored("a split of the writes by lifetimes that no price tells apart")),
    ("audio_tokens", Read),
    ("image_tokens", Read),
    ("video_tokens", Read),
    ("cached_tokens_details.audio_tokens", Read),
    ("cached_tokens_details.image_tokens", Read),
    ("cached_tokens_details.text_tokens", Ignored(PART)),
    ("text_tokens", Ignored(PART)),
    ("document_tokens", Ignored(PART)),
    ("multimodal_tokens", Ignored(PART)),
];

/// The fields of the parts of the output.
pub(super) const OUTPUT_DETAIL_FIELDS: &[UsageField] = &[
    ("reasoning_tokens", Read),
    ("thinking_tokens", Read),
    ("audio_tokens", Read),
    ("image_tokens", Read),
    ("rejected_prediction_tokens", Read),
    ("accepted_prediction_tokens", Ignored(PART)),
    ("text_tokens", Ignored(PART)),
];
