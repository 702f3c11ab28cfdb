//! What vendors charge by: for each, calls with what they must cost, and the same prices in each form that has words for it.

use tollway::types::Meter;
use tollway::types::Meter::{
    CacheWrite1hToken, CacheWrite5mToken, CachedInputToken, Image, InputAudioSecond, InputAudioToken, InputToken,
    OutputToken, Page, ReasoningToken, TtsCharacter, VideoSecond, WebSearch,
};

use super::table::Probe;

/// One line of the table.
pub(crate) struct Row {
    pub(crate) title: &'static str,
    pub(crate) probes: &'static [Probe],
    /// The prices in each form, in the order of the columns; nothing where the form has no words for it.
    pub(crate) samples: [Option<&'static str>; 5],
}

/// An ordinary working day at noon.
const NOON: &str = "2026-10-21T12:00:00Z";

const fn call(
    facts: &'static [(&'static str, &'static str)],
    meters: &'static [(Meter, u64)],
    cost: &'static str,
) -> Probe {
    Probe { facts, at: NOON, meters, cost }
}

const fn at(at: &'static str, meters: &'static [(Meter, u64)], cost: &'static str) -> Probe {
    Probe { facts: &[], at, meters, cost }
}

const MILLION: &[(Meter, u64)] = &[(InputToken, 1_000_000)];

/// Every line of the table. Input costs 2 a million and output 8, unless the line is about something else.
pub(crate) const ROWS: &[Row] = &[
    Row {
        title: "input and output tokens",
        probes: &[call(&[], &[(InputToken, 1_000_000), (OutputToken, 1_000_000)], "10")],
        samples: [
            Some(r#""mode": "chat", "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06"#),
            Some(r#""prices": {"input_mtok": 2, "output_mtok": 8}"#),
            Some(r#""cost": {"input": 2, "output": 8}"#),
            Some(r#""prompt": "0.000002", "completion": "0.000008""#),
            Some(
                r#""input_token": {"unit_price": "2", "unit": "per_1m_tokens"},
                   "output_token": {"unit_price": "8", "unit": "per_1m_tokens"}"#,
            ),
        ],
    },
    Row {
        title: "cached input",
        probes: &[call(&[], &[(InputToken, 1_000_000), (CachedInputToken, 1_000_000)], "2.2")],
        samples: [
            Some(
                r#""mode": "chat", "input_cost_per_token": 2e-06, "cache_read_input_token_cost": 2e-07, "output_cost_per_token": 8e-06"#,
            ),
            Some(r#""prices": {"input_mtok": 2, "cache_read_mtok": 0.2, "output_mtok": 8}"#),
            Some(r#""cost": {"input": 2, "output": 8, "cache_read": 0.2}"#),
            Some(r#""prompt": "0.000002", "completion": "0.000008", "input_cache_read": "0.0000002""#),
            Some(
                r#""input_token": {"unit_price": "2", "unit": "per_1m_tokens"},
                   "cached_input_token": {"unit_price": "0.2", "unit": "per_1m_tokens"}"#,
            ),
        ],
    },
    Row {
        title: "cache writes (5 minutes)",
        probes: &[call(&[], &[(CacheWrite5mToken, 1_000_000)], "2.5")],
        samples: [
            Some(
                r#""mode": "chat", "input_cost_per_token": 2e-06, "cache_creation_input_token_cost": 2.5e-06, "output_cost_per_token": 8e-06"#,
            ),
            Some(r#""prices": {"input_mtok": 2, "cache_write_mtok": 2.5, "output_mtok": 8}"#),
            Some(r#""cost": {"input": 2, "output": 8, "cache_write": 2.5}"#),
            Some(r#""prompt": "0.000002", "completion": "0.000008", "input_cache_write": "0.0000025""#),
            Some(r#""cache_write_5m_token": {"unit_price": "2.5", "unit": "per_1m_tokens"}"#),
        ],
    },
    Row {
        title: "cache writes (1 hour)",
        probes: &[call(&[], &[(CacheWrite5mToken, 1_000_000), (CacheWrite1hToken, 1_000_000)], "6.5")],
        samples: [
            Some(
                r#""mode": "chat", "input_cost_per_token": 2e-06, "cache_creation_input_token_cost": 2.5e-06,
                   "cache_creation_input_token_cost_above_1hr": 4e-06, "output_cost_per_token": 8e-06"#,
            ),
            Some(r#""prices": {"input_mtok": 2, "cache_write_mtok": 2.5, "cache_write_1h_mtok": 4, "output_mtok": 8}"#),
            None,
            Some(
                r#""prompt": "0.000002", "completion": "0.000008", "input_cache_write": "0.0000025",
                   "input_cache_write_1h": "0.000004""#,
            ),
            Some(
                r#""cache_write_5m_token": {"unit_price": "2.5", "unit": "per_1m_tokens"},
                   "cache_write_1h_token": {"unit_price": "4", "unit": "per_1m_tokens"}"#,
            ),
        ],
    },
    Row {
        title: "input length, for the whole request (above 200 000)",
        probes: &[
            call(&[], &[(InputToken, 200_000)], "0.4"),
            call(&[], &[(InputToken, 300_000)], "1.2"),
            call(&[], &[(InputToken, 300_000), (OutputToken, 1_000_000)], "13.2"),
        ],
        samples: [
            Some(
                r#""mode": "chat", "input_cost_per_token": 2e-06, "input_cost_per_token_above_200k_tokens": 4e-06,
                   "output_cost_per_token": 8e-06, "output_cost_per_token_above_200k_tokens": 1.2e-05"#,
            ),
            Some(
                r#""prices": {"input_mtok": {"base": 2, "tiers": [{"start": 200000, "price": 4}]},
                   "output_mtok": {"base": 8, "tiers": [{"start": 200000, "price": 12}]}}"#,
            ),
            Some(
                r#""cost": {"input": 2, "output": 8, "tiers":
                   [{"tier": {"type": "context", "size": 200000}, "input": 4, "output": 12}]}"#,
            ),
            Some(
                r#""prompt": "0.000002", "completion": "0.000008", "overrides":
                   [{"min_prompt_tokens": 200001, "prompt": "0.000004", "completion": "0.000012"}]"#,
            ),
            Some(
                r#""input_token": [{"unit_price": "2", "unit": "per_1m_tokens"},
                    {"unit_price": "4", "unit": "per_1m_tokens", "conditions": {"input_tokens": {"above": 200000}}}],
                   "output_token": [{"unit_price": "8", "unit": "per_1m_tokens"},
                    {"unit_price": "12", "unit": "per_1m_tokens", "conditions": {"input_tokens": {"above": 200000}}}]"#,
            ),
        ],
    },
    Row {
        title: "quantity, for the part above 200 000 only",
        probes: &[call(&[], &[(InputToken, 200_000)], "0.4"), call(&[], &[(InputToken, 300_000)], "0.8")],
        samples: [
            None,
            None,
            None,
            None,
            Some(
                r#""input_token": [{"unit_price": "2", "unit": "per_1m_tokens"}, {"unit_price": "4", "unit": "per_1m_tokens",
                    "conditions": {"input_tokens": {"above": 200000}, "scale": "marginal"}}]"#,
            ),
        ],
    },
    Row {
        title: "input length and output length at once",
        probes: &[
            call(&[], &[(InputToken, 10), (OutputToken, 200)], "0.0004"),
            call(&[], &[(InputToken, 10), (OutputToken, 201)], "0.001608"),
            call(&[], &[(InputToken, 40_000), (OutputToken, 200)], "0.0016"),
        ],
        samples: [
            None,
            None,
            None,
            None,
            Some(
                r#""input_token": {"unit_price": "0", "unit": "per_1m_tokens"},
                   "output_token": [{"unit_price": "8", "unit": "per_1m_tokens"}, {"unit_price": "2", "unit": "per_1m_tokens",
                    "conditions": {"input_tokens": {"below": 32000}, "output_tokens": {"up_to": 200}}}]"#,
            ),
        ],
    },
    Row {
        title: "reasoning tokens apart",
        probes: &[call(&[], &[(OutputToken, 1_000_000), (ReasoningToken, 1_000_000)], "11")],
        samples: [
            Some(
                r#""mode": "chat", "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06, "output_cost_per_reasoning_token": 3e-06"#,
            ),
            Some(r#""prices": {"input_mtok": 2, "output_mtok": 8, "output_reasoning_mtok": 3}"#),
            Some(r#""cost": {"input": 2, "output": 8, "reasoning": 3}"#),
            Some(r#""prompt": "0.000002", "completion": "0.000008", "internal_reasoning": "0.000003""#),
            Some(
                r#""output_token": {"unit_price": "8", "unit": "per_1m_tokens"},
                   "reasoning_token": {"unit_price": "3", "unit": "per_1m_tokens"}"#,
            ),
        ],
    },
    Row {
        title: "thinking switched on",
        probes: &[
            call(&[("thinking", "false")], &[(OutputToken, 1_000_000)], "2"),
            call(&[("thinking", "true")], &[(OutputToken, 1_000_000)], "8"),
        ],
        samples: [
            None,
            None,
            None,
            None,
            Some(
                r#""output_token": [{"unit_price": "2", "unit": "per_1m_tokens"},
                    {"unit_price": "8", "unit": "per_1m_tokens", "conditions": {"thinking": true}}]"#,
            ),
        ],
    },
    Row {
        title: "batch",
        probes: &[call(&[], MILLION, "2"), call(&[("service_tier", "batch")], MILLION, "1")],
        samples: [
            Some(
                r#""mode": "chat", "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06,
                   "input_cost_per_token_batches": 1e-06, "output_cost_per_token_batches": 4e-06"#,
            ),
            Some(
                r#""prices": {"input_mtok": 2, "output_mtok": 8},
                   "price_variants": [{"when": {"processing": "batch"}, "prices": {"input_mtok": 1, "output_mtok": 4}}]"#,
            ),
            None,
            None,
            Some(
                r#""input_token": [{"unit_price": "2", "unit": "per_1m_tokens"},
                    {"unit_price": "1", "unit": "per_1m_tokens", "conditions": {"service_tier": "batch"}}]"#,
            ),
        ],
    },
    Row {
        title: "flex and priority",
        probes: &[
            call(&[], MILLION, "2"),
            call(&[("service_tier", "flex")], MILLION, "1"),
            call(&[("service_tier", "priority")], MILLION, "4"),
        ],
        samples: [
            Some(
                r#""mode": "chat", "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06,
                   "input_cost_per_token_flex": 1e-06, "input_cost_per_token_priority": 4e-06"#,
            ),
            Some(
                r#""prices": {"input_mtok": 2, "output_mtok": 8}, "price_variants": [
                    {"when": {"service_tier": "flex"}, "prices": {"input_mtok": 1}},
                    {"when": {"service_tier": "priority"}, "prices": {"input_mtok": 4}}]"#,
            ),
            Some(
                r#""cost": {"input": 2, "output": 8}, "experimental": {"modes": {
                    "flex": {"cost": {"input": 1}, "provider": {"body": {"service_tier": "flex"}}},
                    "priority": {"cost": {"input": 4}, "provider": {"body": {"service_tier": "priority"}}}}}"#,
            ),
            None,
            Some(
                r#""input_token": [{"unit_price": "2", "unit": "per_1m_tokens"},
                    {"unit_price": "1", "unit": "per_1m_tokens", "conditions": {"service_tier": "flex"}},
                    {"unit_price": "4", "unit": "per_1m_tokens", "conditions": {"service_tier": "priority"}}]"#,
            ),
        ],
    },
    Row {
        title: "hours of the day",
        probes: &[
            at("2026-10-21T00:59:59Z", MILLION, "2"),
            at("2026-10-21T01:00:00Z", MILLION, "4"),
            at("2026-10-21T04:00:00Z", MILLION, "2"),
        ],
        samples: [
            Some(
                r#""mode": "chat", "input_cost_per_token": 4e-06, "output_cost_per_token": 8e-06, "off_peak_pricing":
                   {"input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06, "hours_utc": "04:00-01:00"}"#,
            ),
            Some(
                r#""prices": [{"prices": {"input_mtok": 2, "output_mtok": 8}}, {"prices": {"input_mtok": 4, "output_mtok": 8},
                   "constraint": {"start_time": "01:00:00+00:00", "end_time": "04:00:00+00:00"}}]"#,
            ),
            None,
            Some(
                r#""prompt": "0.000002", "completion": "0.000008", "overrides":
                   [{"utc_start": "01:00", "utc_end": "04:00", "prompt": "0.000004"}]"#,
            ),
            Some(
                r#""input_token": [{"unit_price": "2", "unit": "per_1m_tokens"}, {"unit_price": "4", "unit": "per_1m_tokens",
                    "conditions": {"calendar": {"hours": [{"from": "01:00:00", "until": "04:00:00"}]}}}]"#,
            ),
        ],
    },
    Row {
        title: "hours of working days",
        probes: &[at("2026-10-21T02:00:00Z", MILLION, "4"), at("2026-10-24T02:00:00Z", MILLION, "2")],
        samples: [
            Some(
                r#""mode": "chat", "input_cost_per_token": 4e-06, "output_cost_per_token": 8e-06, "off_peak_pricing":
                   {"input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06, "windows": [
                    {"hours_utc": "04:00-01:00", "weekdays": [1, 2, 3, 4, 5]}, {"hours_utc": "00:00-00:00", "weekdays": [6, 7]}]}"#,
            ),
            None,
            None,
            None,
            Some(
                r#""input_token": [{"unit_price": "2", "unit": "per_1m_tokens"}, {"unit_price": "4", "unit": "per_1m_tokens",
                    "conditions": {"calendar": {"hours": [{"from": "01:00:00", "until": "04:00:00"}],
                        "weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday"]}}}]"#,
            ),
        ],
    },
    Row {
        title: "dated history",
        probes: &[at("2026-05-31T23:59:59Z", MILLION, "2"), at("2026-06-01T00:00:00Z", MILLION, "1")],
        samples: [
            None,
            Some(
                r#""prices": [{"prices": {"input_mtok": 2}}, {"constraint": {"start_date": "2026-06-01"}, "prices": {"input_mtok": 1}}]"#,
            ),
            None,
            None,
            Some(
                r#""input_token": [{"unit_price": "2", "unit": "per_1m_tokens", "expiry_date": "2026-06-01T00:00:00Z"},
                    {"unit_price": "1", "unit": "per_1m_tokens", "effective_date": "2026-06-01T00:00:00Z"}]"#,
            ),
        ],
    },
    Row {
        title: "native currency",
        probes: &[call(&[], MILLION, "2 CNY")],
        samples: [
            None,
            None,
            None,
            None,
            Some(r#""currency": "CNY", "input_token": {"unit_price": "0.002", "unit": "per_1k_tokens"}"#),
        ],
    },
    Row {
        title: "region (a tenth more)",
        probes: &[call(&[], MILLION, "2"), call(&[("region", "eu")], MILLION, "2.2")],
        samples: [
            Some(
                r#""mode": "chat", "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06,
                   "regional_processing_uplift_multiplier_eu": 1.1"#,
            ),
            None,
            None,
            None,
            Some(
                r#""input_token": {"unit_price": "2", "unit": "per_1m_tokens"},
                   "modifier": {"unit_price": "1.1", "modifier": {"group": "region"}, "conditions": {"region": "eu"}}"#,
            ),
        ],
    },
    Row {
        title: "a discount on everything",
        probes: &[call(&[], MILLION, "1.5")],
        samples: [
            None,
            None,
            None,
            Some(r#""prompt": "0.000002", "completion": "0.000008", "discount": 0.25"#),
            Some(
                r#""input_token": {"unit_price": "2", "unit": "per_1m_tokens"},
                   "modifier": {"unit_price": "0.75", "modifier": {"group": "discount"}}"#,
            ),
        ],
    },
    Row {
        title: "a surcharge beside the price of the tokens",
        probes: &[call(&[], &[(CachedInputToken, 1_000_000)], "0.7")],
        samples: [
            None,
            None,
            None,
            None,
            Some(
                r#""cached_input_token": {"unit_price": "0.2", "unit": "per_1m_tokens"},
                   "input_token": {"unit_price": "0.5", "unit": "per_1m_tokens", "basis": "surcharge"}"#,
            ),
        ],
    },
    Row {
        title: "tokens of sound",
        probes: &[call(&[], &[(InputToken, 1_000_000), (InputAudioToken, 1_000_000)], "8")],
        samples: [
            Some(
                r#""mode": "chat", "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06, "input_cost_per_audio_token": 6e-06"#,
            ),
            Some(r#""prices": {"input_mtok": 2, "input_audio_mtok": 6, "output_mtok": 8}"#),
            Some(r#""cost": {"input": 2, "output": 8, "input_audio": 6}"#),
            Some(r#""prompt": "0.000002", "completion": "0.000008", "audio": "0.000006""#),
            Some(
                r#""input_token": {"unit_price": "2", "unit": "per_1m_tokens"},
                   "input_audio_token": {"unit_price": "6", "unit": "per_1m_tokens"}"#,
            ),
        ],
    },
    Row {
        title: "seconds of sound",
        probes: &[call(&[], &[(InputAudioSecond, 30)], "0.003")],
        samples: [
            Some(r#""mode": "audio_transcription", "input_cost_per_second": 0.0001, "output_cost_per_second": 0.0"#),
            Some(r#""prices": {"audio_hours": 0.36}"#),
            None,
            None,
            Some(r#""input_audio_second": {"unit_price": "0.36", "unit": "per_hour"}"#),
        ],
    },
    Row {
        title: "a least quantity (ten seconds)",
        probes: &[call(&[], &[(InputAudioSecond, 1)], "0.001"), call(&[], &[(InputAudioSecond, 30)], "0.003")],
        samples: [
            None,
            None,
            None,
            None,
            Some(
                r#""input_audio_second": {"unit_price": "0.36", "unit": "per_hour", "rounding": {"minimum_quantity": 10}}"#,
            ),
        ],
    },
    Row {
        title: "characters",
        probes: &[call(&[], &[(TtsCharacter, 1_000)], "0.015")],
        samples: [
            Some(r#""mode": "audio_speech", "input_cost_per_character": 1.5e-05"#),
            Some(r#""prices": {"input_mchars": 15}"#),
            None,
            None,
            Some(r#""tts_character": {"unit_price": "15", "unit": "per_1m_characters"}"#),
        ],
    },
    Row {
        title: "images",
        probes: &[call(&[], &[(Image, 3)], "0.12")],
        samples: [
            Some(r#""mode": "image_generation", "output_cost_per_image": 0.04"#),
            None,
            None,
            Some(r#""prompt": "0", "completion": "0", "image_output": "0.04""#),
            Some(r#""image": {"unit_price": "0.04", "unit": "per_image"}"#),
        ],
    },
    Row {
        title: "images by size and quality, in one offer",
        probes: &[
            call(&[("size", "1024x1024"), ("quality", "standard")], &[(Image, 1)], "0.04"),
            call(&[("size", "1024x1792"), ("quality", "hd")], &[(Image, 1)], "0.12"),
        ],
        samples: [
            None,
            None,
            None,
            None,
            Some(
                r#""image": [{"unit_price": "0.04", "unit": "per_image", "conditions": {"size": "1024x1024", "quality": "standard"}},
                    {"unit_price": "0.12", "unit": "per_image", "conditions": {"size": "1024x1792", "quality": "hd"}}]"#,
            ),
        ],
    },
    Row {
        title: "seconds of video by resolution",
        probes: &[
            call(&[("resolution", "480p")], &[(VideoSecond, 5)], "0.25"),
            call(&[("resolution", "1080p")], &[(VideoSecond, 5)], "1"),
        ],
        samples: [
            Some(
                r#""mode": "video_generation", "output_cost_per_second": 0.2,
                   "output_cost_per_second_480p": 0.05, "output_cost_per_second_1080p": 0.2"#,
            ),
            None,
            None,
            None,
            Some(
                r#""video_second": [{"unit_price": "0.05", "unit": "per_second", "conditions": {"resolution": "480p"}},
                    {"unit_price": "0.2", "unit": "per_second", "conditions": {"resolution": "1080p"}}]"#,
            ),
        ],
    },
    Row {
        title: "pages",
        probes: &[call(&[], &[(Page, 250)], "1")],
        samples: [
            Some(r#""mode": "ocr", "ocr_cost_per_page": 0.004"#),
            Some(r#""prices": {"input_document_kpages": 4}"#),
            None,
            None,
            Some(r#""page": {"unit_price": "4", "unit": "per_1k_pages"}"#),
        ],
    },
    Row {
        title: "searches of the web",
        probes: &[call(&[("search_size", "medium")], &[(WebSearch, 3)], "0.03")],
        samples: [
            Some(
                r#""mode": "chat", "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06, "search_context_cost_per_query":
                   {"search_context_size_low": 0.01, "search_context_size_medium": 0.01, "search_context_size_high": 0.01}"#,
            ),
            Some(r#""prices": {"input_mtok": 2, "output_mtok": 8, "web_searches_kcount": 10}"#),
            None,
            Some(r#""prompt": "0.000002", "completion": "0.000008", "web_search": "0.01""#),
            Some(r#""web_search": {"unit_price": "10", "unit": "per_1k_searches"}"#),
        ],
    },
    Row {
        title: "searches by the size of what they bring",
        probes: &[
            call(&[("search_size", "low")], &[(WebSearch, 1)], "0.005"),
            call(&[("search_size", "high")], &[(WebSearch, 1)], "0.014"),
        ],
        samples: [
            Some(
                r#""mode": "chat", "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06, "search_context_cost_per_query":
                   {"search_context_size_low": 0.005, "search_context_size_medium": 0.008, "search_context_size_high": 0.014}"#,
            ),
            None,
            None,
            None,
            Some(
                r#""web_search": [{"unit_price": "0.005", "unit": "per_search", "conditions": {"search_size": "low"}},
                    {"unit_price": "0.014", "unit": "per_search", "conditions": {"search_size": "high"}}]"#,
            ),
        ],
    },
    Row {
        title: "a fee for each request",
        probes: &[call(&[], MILLION, "2.005")],
        samples: [
            Some(
                r#""mode": "chat", "input_cost_per_token": 2e-06, "output_cost_per_token": 8e-06, "input_cost_per_request": 0.005"#,
            ),
            Some(r#""prices": {"input_mtok": 2, "output_mtok": 8, "requests_kcount": 5}"#),
            None,
            Some(r#""prompt": "0.000002", "completion": "0.000008", "request": "0.005""#),
            Some(
                r#""input_token": {"unit_price": "2", "unit": "per_1m_tokens"},
                   "request": {"unit_price": "0.005", "unit": "per_request"}"#,
            ),
        ],
    },
];
