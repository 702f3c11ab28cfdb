//! What this process knows of the providers' prompt caches: which beginnings of conversations it sent where, and when.
//!
//! It is a guess about the providers, used for what a call is expected to cost, and never for what is held or billed.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::billing::bound::estimate_tokens;
use crate::billing::estimate::CacheOutlook;
use crate::provider::WireFormat;
use crate::types::{ChatRequest, ModelConfigId};

/// How long a provider keeps what it cached (Anthropic documents 5 minutes, OpenAI 5 to 10).
const LIFETIME: Duration = Duration::from_mins(5);
/// How long it keeps what an hour was asked for.
const LONG_LIFETIME: Duration = Duration::from_hours(1);
/// The shortest beginning that providers cache (OpenAI, Anthropic and DashScope document 1,024 tokens for most models).
const SHORTEST: u64 = 1_024;
/// How many beginnings are remembered.
const MOST: usize = 8_192;

/// A beginning of a conversation: its tools and its first messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    hash: u64,
    tokens: u64,
    /// Whether its last message asks the provider to cache up to there.
    is_marked: bool,
    /// Whether it is asked to be kept for an hour.
    is_long: bool,
}

/// Returns every beginning of a request's conversation, the shortest first.
#[must_use]
pub fn beginnings(request: &ChatRequest) -> Vec<Beginning> {
    let mut hasher = DefaultHasher::new();
    let tools = if request.tools.is_empty() { String::new() } else { text_of(&request.tools) };
    tools.hash(&mut hasher);
    let mut tokens = estimate_tokens(&tools);
    let message = |message| {
        let text = text_of(message);
        text.hash(&mut hasher);
        tokens += estimate_tokens(&text);
        Beginning {
            hash: hasher.finish(),
            tokens,
            is_marked: text.contains("\"cache_control\""),
            is_long: text.contains("\"ttl\":\"1h\""),
        }
    };
    request.messages.iter().map(message).collect()
}

fn text_of(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The beginnings that were sent and may still be cached. It remembers nothing until it is first asked.
#[derive(Debug, Default)]
pub struct PromptCache {
    is_asked: AtomicBool,
    until: Mutex<HashMap<(ModelConfigId, u64), Duration>>,
}

impl PromptCache {
    /// Returns whether anything has asked, so that it is worth remembering.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.is_asked.load(Ordering::Relaxed)
    }

    /// Notes that a request was answered by a config, at a monotonic instant.
    pub fn remember(&self, config: ModelConfigId, beginnings: &[Beginning], now: Duration) {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        if until.len() + beginnings.len() > MOST {
            until.retain(|_, until| *until > now);
            if until.len() + beginnings.len() > MOST {
                until.clear();
            }
        }
        let is_long = beginnings.iter().any(|beginning| beginning.is_long);
        let lifetime = if is_long { LONG_LIFETIME } else { LIFETIME };
        for beginning in beginnings.iter().filter(|beginning| beginning.tokens >= SHORTEST) {
            until.insert((config, beginning.hash), now.saturating_add(lifetime));
        }
    }

    /// Returns what to expect of a config's provider for a request: it reads the longest beginning that it was sent lately,
    /// and, where it caches only what is marked, writes the rest up to the last mark.
    #[must_use]
    pub fn outlook(
        &self,
        config: ModelConfigId,
        wire_format: WireFormat,
        beginnings: &[Beginning],
        now: Duration,
    ) -> CacheOutlook {
        self.is_asked.store(true, Ordering::Relaxed);
        let until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let is_explicit = wire_format == WireFormat::Anthropic;
        let marked = beginnings.iter().rev().find(|beginning| beginning.is_marked);
        if is_explicit && marked.is_none() {
            return CacheOutlook::default();
        }
        let reach = match marked {
            Some(marked) if is_explicit => marked.tokens,
            _ => u64::MAX,
        };
        let is_kept = |beginning: &&Beginning| {
            beginning.tokens <= reach && until.get(&(config, beginning.hash)).is_some_and(|until| *until > now)
        };
        let read = beginnings.iter().rev().find(is_kept).map_or(0, |beginning| beginning.tokens);
        let written = match marked {
            Some(marked) if is_explicit && marked.tokens >= SHORTEST => marked.tokens.saturating_sub(read),
            _ => 0,
        };
        let is_long = beginnings.iter().any(|beginning| beginning.is_long);
        CacheOutlook {
            read,
            written_5m: if is_long { 0 } else { written },
            written_1h: if is_long { written } else { 0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CONFIG: ModelConfigId = ModelConfigId::new(1);

    fn conversation(turns: usize, marker: Option<&str>) -> Vec<Beginning> {
        let messages: Vec<_> = (0..turns)
            .map(|turn| {
                let mut part = json!({"type": "text", "text": format!("{turn} ").repeat(3_000)});
                if let Some(marker) = marker.filter(|_| turn == 0) {
                    part["cache_control"] = json!({"type": "ephemeral", "ttl": marker});
                }
                json!({"role": "user", "content": [part]})
            })
            .collect();
        beginnings(&serde_json::from_value(json!({"messages": messages})).unwrap())
    }

    #[test]
    fn the_longest_beginning_that_was_sent_lately_is_expected_to_be_read() {
        let cache = PromptCache::default();
        let now = Duration::from_secs(1_000);
        let two = conversation(2, None);
        let three = conversation(3, None);
        assert_eq!(cache.outlook(CONFIG, WireFormat::OpenAi, &three, now).read, 0);
        cache.remember(CONFIG, &two, now);
        let later = now + Duration::from_secs(299);
        assert_eq!(cache.outlook(CONFIG, WireFormat::OpenAi, &three, later).read, two[1].tokens);
        assert_eq!(cache.outlook(ModelConfigId::new(2), WireFormat::OpenAi, &three, later).read, 0);
        assert_eq!(cache.outlook(CONFIG, WireFormat::OpenAi, &three, now + LIFETIME).read, 0);
        assert!(cache.is_asked());
    }

    #[test]
    fn a_provider_that_caches_what_is_marked_writes_it_first_and_reads_it_then() {
        let cache = PromptCache::default();
        let now = Duration::from_secs(1_000);
        let plain = conversation(2, None);
        assert_eq!(cache.outlook(CONFIG, WireFormat::Anthropic, &plain, now), CacheOutlook::default());
        for (marker, lifetime) in [("5m", LIFETIME), ("1h", LONG_LIFETIME)] {
            let marked = conversation(2, Some(marker));
            let first = cache.outlook(CONFIG, WireFormat::Anthropic, &marked, now);
            assert_eq!((first.read, first.written_5m + first.written_1h), (0, marked[0].tokens));
            assert_eq!(first.written_1h > 0, marker == "1h");
            cache.remember(CONFIG, &marked, now);
            let kept = now + lifetime.saturating_sub(Duration::from_secs(1));
            let second = cache.outlook(CONFIG, WireFormat::Anthropic, &marked, kept);
            assert_eq!((second.read, second.written_5m + second.written_1h), (marked[0].tokens, 0));
        }
    }

    #[test]
    fn prompts_too_short_to_be_cached_are_not_remembered() {
        let cache = PromptCache::default();
        let short =
            beginnings(&serde_json::from_value(json!({"messages": [{"role": "user", "content": "hi"}]})).unwrap());
        cache.remember(CONFIG, &short, Duration::ZERO);
        assert_eq!(cache.outlook(CONFIG, WireFormat::OpenAi, &short, Duration::ZERO), CacheOutlook::default());
    }
}
