//! Meters: the kinds of quantity that can cost money, as points of a small lattice.
//!
//! A meter is a family, a direction, a modality, a kind and, for cache writes, a lifetime. Its name is stable and readable.
//! A meter without a price of its own is billed at the nearest meter above it that has one, of the same model and no other.

use serde::{Deserialize, Serialize};

/// What a meter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Family {
    /// Tokens.
    Token,
    /// Characters.
    Character,
    /// Seconds; minutes and hours are units of them.
    Second,
    /// Images.
    Image,
    /// Pixels.
    Pixel,
    /// Pages of documents.
    Page,
    /// Searches and queries.
    Search,
    /// Messages.
    Message,
    /// Requests.
    Request,
    /// Sessions, such as those of a container.
    Session,
    /// Tokens kept for an hour.
    TokenHour,
    /// Gigabytes kept for a day.
    GigabyteDay,
    /// Units of a vendor's own, such as credits.
    Credit,
    /// Jobs.
    Job,
}

/// Which way a quantity goes, as the model sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Into the model.
    Input,
    /// Out of the model.
    Output,
    /// Neither.
    None,
}

/// What a quantity is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Modality {
    /// Text, or what is not told apart.
    Any,
    /// Sound.
    Audio,
    /// Images.
    Image,
    /// Videos.
    Video,
    /// Documents.
    Document,
}

/// What happened to a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MeterKind {
    /// Nothing special.
    Plain,
    /// It was read from a cache.
    CacheRead,
    /// It was read from a cache that the request had made on purpose.
    ExplicitCacheRead,
    /// It was written to a 5-minute cache, or one of unstated lifetime.
    CacheWrite5m,
    /// It was written to a 1-hour cache.
    CacheWrite1h,
    /// It was kept in a cache.
    CacheStorage,
    /// It was spent on reasoning.
    Reasoning,
    /// It cites a source.
    Citation,
    /// It was predicted by the caller and not used.
    RejectedPrediction,
    /// A tool of the provider's worked.
    Tool,
}

macro_rules! meters {
    ($($(#[$documentation:meta])* $variant:ident = $name:literal $(| $alias:literal)*,
        $family:ident $direction:ident $modality:ident $kind:ident, [$($parent:ident),*];)+) => {
        /// A kind of quantity that can cost money. The meters of one usage are disjoint: nothing is counted twice.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("noun" = "meters")))]
        #[non_exhaustive]
        pub enum Meter {
            $($(#[$documentation])* #[serde(rename = $name $(, alias = $alias)*)] $variant,)+
        }

        impl Meter {
            /// Every meter, in the order in which receipts list them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the stable name, as it stands in prices and receipts.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Returns the meter of a stable name, or of a name that the followed system uses for it.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name $(| $alias)* => Some(Self::$variant),)+ _ => None }
            }

            /// Returns what it counts.
            #[must_use]
            pub const fn family(self) -> Family {
                match self { $(Self::$variant => Family::$family,)+ }
            }

            /// Returns which way it goes.
            #[must_use]
            pub const fn direction(self) -> Direction {
                match self { $(Self::$variant => Direction::$direction,)+ }
            }

            /// Returns what it is made of.
            #[must_use]
            pub const fn modality(self) -> Modality {
                match self { $(Self::$variant => Modality::$modality,)+ }
            }

            /// Returns what happened to it.
            #[must_use]
            pub const fn kind(self) -> MeterKind {
                match self { $(Self::$variant => MeterKind::$kind,)+ }
            }

            /// Returns the meters directly above it, the one that is nearest in price first.
            #[must_use]
            pub const fn parents(self) -> &'static [Self] {
                match self { $(Self::$variant => &[$(Self::$parent),*],)+ }
            }
        }
    };
}

meters! {
    /// An input token that has no meter of its own below.
    InputToken = "input_token", Token Input Any Plain, [];
    /// An input token that the provider read from its cache.
    CachedInputToken = "cached_input_token", Token Input Any CacheRead, [InputToken];
    /// An input token that the provider read from a cache which the request had made on purpose.
    ExplicitCachedInputToken = "explicit_cached_input_token", Token Input Any ExplicitCacheRead, [CachedInputToken];
    /// An input token that the provider wrote to its 5-minute cache (or to one of unstated lifetime).
    CacheWrite5mToken = "cache_write_5m_token", Token Input Any CacheWrite5m, [InputToken];
    /// An input token that the provider wrote to its 1-hour cache.
    CacheWrite1hToken = "cache_write_1h_token", Token Input Any CacheWrite1h, [CacheWrite5mToken];
    /// An input token of sound.
    InputAudioToken = "input_audio_token", Token Input Audio Plain, [InputToken];
    /// An input token of sound that the provider read from its cache.
    CachedInputAudioToken = "cached_input_audio_token", Token Input Audio CacheRead, [CachedInputToken, InputAudioToken];
    /// An input token of sound that the provider wrote to its cache.
    CacheWriteAudioToken = "cache_write_audio_token", Token Input Audio CacheWrite5m, [CacheWrite5mToken, InputAudioToken];
    /// An input token of images.
    InputImageToken = "input_image_token", Token Input Image Plain, [InputToken];
    /// An input token of images that the provider read from its cache.
    CachedInputImageToken = "cached_input_image_token", Token Input Image CacheRead, [CachedInputToken, InputImageToken];
    /// An input token of videos.
    InputVideoToken = "input_video_token", Token Input Video Plain, [InputToken];
    /// An input token of videos that the provider read from its cache.
    CachedInputVideoToken = "cached_input_video_token", Token Input Video CacheRead, [CachedInputToken, InputVideoToken];
    /// An output token that is part of the answer.
    OutputToken = "output_token", Token Output Any Plain, [];
    /// An output token that was spent on reasoning.
    ReasoningToken = "reasoning_token", Token Output Any Reasoning, [OutputToken];
    /// A token of a cited source.
    CitationToken = "citation_token", Token Output Any Citation, [];
    /// An output token that a prediction foresaw wrongly.
    RejectedPredictionToken = "rejected_prediction_token", Token Output Any RejectedPrediction, [OutputToken];
    /// An output token of sound.
    OutputAudioToken = "output_audio_token", Token Output Audio Plain, [OutputToken];
    /// An output token of images.
    OutputImageToken = "output_image_token", Token Output Image Plain, [OutputToken];
    /// An output token of videos.
    OutputVideoToken = "output_video_token", Token Output Video Plain, [OutputToken];
    /// A character of input.
    InputCharacter = "input_character", Character Input Any Plain, [];
    /// A character of output.
    OutputCharacter = "output_character", Character Output Any Plain, [];
    /// A character that is spoken.
    TtsCharacter = "tts_character" | "audio_tts", Character Input Audio Plain, [InputCharacter];
    /// A second of sound that is heard.
    InputAudioSecond = "input_audio_second" | "audio_minute", Second Input Audio Plain, [];
    /// A second of sound that is made.
    OutputAudioSecond = "output_audio_second", Second Output Audio Plain, [];
    /// A second of video that is watched.
    InputVideoSecond = "input_video_second", Second Input Video Plain, [];
    /// A second of video that is made.
    VideoSecond = "video_second", Second Output Video Plain, [];
    /// A second of computing.
    ComputeSecond = "compute_second", Second None Any Plain, [];
    /// An image that is seen.
    InputImage = "input_image", Image Input Image Plain, [];
    /// An image that is made.
    Image = "image", Image Output Image Plain, [];
    /// A pixel that is seen.
    InputPixel = "input_pixel", Pixel Input Image Plain, [];
    /// A pixel that is made.
    Pixel = "pixel", Pixel Output Image Plain, [];
    /// A page that is read.
    Page = "page", Page Input Document Plain, [];
    /// A page that is read and annotated.
    AnnotatedPage = "annotated_page", Page Input Document Tool, [Page];
    /// A search of a reranker.
    SearchUnit = "search_unit", Search None Any Plain, [];
    /// A search of the web.
    WebSearch = "web_search", Search None Any Tool, [];
    /// A page of the web that a tool of the provider's fetched.
    WebFetch = "web_fetch", Search None Document Tool, [];
    /// A source that a search of the provider's brought.
    SearchSource = "search_source", Search None Any Tool, [];
    /// A call of another tool of the provider's.
    ServerToolCall = "server_tool_call", Search None Any Tool, [];
    /// A search of stored files.
    FileSearch = "file_search", Search None Document Tool, [];
    /// A look at a map.
    MapsSearch = "maps_search", Search None Any Tool, [];
    /// A message of text inside another kind of session.
    TextMessage = "text_message", Message Input Any Plain, [];
    /// A session of a code interpreter.
    CodeInterpreterSession = "code_interpreter_session", Session None Any Tool, [];
    /// A unit of what a guardrail checks.
    GuardrailUnit = "guardrail_unit", Credit None Any Tool, [];
    /// A unit of a vendor's own.
    Credit = "credit", Credit None Any Plain, [];
    /// A token that is kept in a cache for an hour.
    CacheStorageTokenHour = "cache_storage_token_hour", TokenHour None Any CacheStorage, [];
    /// A gigabyte that is kept for a day.
    StorageGigabyteDay = "storage_gigabyte_day", GigabyteDay None Any Plain, [];
    /// A job.
    Job = "job", Job None Any Plain, [];
    /// The request itself.
    Request = "request", Request None Any Plain, [];
}

impl Meter {
    /// Returns the meter and those above it, the nearest in price first.
    pub fn upwards(self) -> impl Iterator<Item = Self> {
        let mut reached = vec![self];
        let mut next = 0;
        std::iter::from_fn(move || {
            let meter = *reached.get(next)?;
            next += 1;
            for parent in meter.parents() {
                if !reached.contains(parent) {
                    reached.push(*parent);
                }
            }
            Some(meter)
        })
    }

    /// Returns whether the meter is another one, or below it.
    #[must_use]
    pub fn is_within(self, other: Self) -> bool {
        self.upwards().any(|meter| meter == other)
    }

    /// Returns whether the meter counts tokens of the input.
    #[must_use]
    pub const fn is_input(self) -> bool {
        matches!((self.family(), self.direction()), (Family::Token, Direction::Input))
    }

    /// Returns whether the meter counts tokens of the output.
    #[must_use]
    pub const fn is_output(self) -> bool {
        matches!((self.family(), self.direction()), (Family::Token, Direction::Output))
    }
}

impl std::fmt::Display for Meter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stable_and_unique() {
        for meter in Meter::ALL {
            assert_eq!(Meter::from_name(meter.name()), Some(*meter));
            assert_eq!(serde_json::to_value(meter).unwrap(), meter.name());
        }
        assert_eq!(Meter::from_name("audio_tts"), Some(Meter::TtsCharacter));
        assert_eq!(Meter::from_name("audio_minute"), Some(Meter::InputAudioSecond));
        assert_eq!(Meter::from_name("input_tokens"), None);
    }

    #[test]
    fn no_two_meters_are_the_same_point_of_the_lattice_unless_tools_tell_them_apart() {
        for (place, left) in Meter::ALL.iter().enumerate() {
            for right in &Meter::ALL[place + 1..] {
                let point = |meter: &Meter| (meter.family(), meter.direction(), meter.modality(), meter.kind());
                assert!(point(left) != point(right) || left.kind() == MeterKind::Tool, "{left} and {right}");
            }
        }
    }

    #[test]
    fn a_meter_falls_back_within_its_family_and_direction() {
        for meter in Meter::ALL {
            for above in meter.upwards() {
                assert_eq!((above.family(), above.direction()), (meter.family(), meter.direction()), "{meter}");
            }
        }
        let chain: Vec<_> = Meter::CachedInputAudioToken.upwards().collect();
        assert_eq!(
            chain,
            [Meter::CachedInputAudioToken, Meter::CachedInputToken, Meter::InputAudioToken, Meter::InputToken]
        );
    }
}
