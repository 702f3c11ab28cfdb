//! Conditions: when a price applies, as a conjunction of what a call must be.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::calendar::Calendar;
use super::decimal_text::decimal_of;

macro_rules! named {
    ($(#[$documentation:meta])* $kind:ident { $($(#[$variant_documentation:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum $kind {
            $($(#[$variant_documentation])* $variant,)+
        }

        impl $kind {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Returns the one of a stable name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

named! {
    /// A number of a call that prices can depend on.
    Measure {
        /// All input tokens, those of caches included.
        InputTokens = "input_tokens",
        /// All output tokens, reasoning included.
        OutputTokens = "output_tokens",
        /// Seconds of sound or video, in or out.
        Duration = "duration",
        /// Pixels of one image or frame.
        Pixels = "pixels",
        /// How many results a search was to return at the most.
        MaxResults = "max_results",
    }
}

named! {
    /// A property of a call that prices can depend on. Its values are lower-case words.
    Attribute {
        /// The tier that was served: `standard`, `batch`, `flex`, `priority`, `fast` and the like.
        ServiceTier = "service_tier",
        /// The speed that was asked for, where it is no tier.
        Speed = "speed",
        /// Whether the model was to think first: `true` or `false`.
        Thinking = "thinking",
        /// The resolution of a video or image, such as `720p` or `2k`.
        Resolution = "resolution",
        /// The size of an image, as `1024x1024`.
        Size = "size",
        /// The quality of an image.
        Quality = "quality",
        /// Whether a video has sound: `true` or `false`.
        Audio = "audio",
        /// Whether a video was among the input: `true` or `false`.
        VideoInput = "video_input",
        /// The region that served, as the vendor names it.
        Region = "region",
        /// How far a request may travel: `global`, `geo`, `regional`.
        EndpointScope = "endpoint_scope",
        /// How much context a search brings: `low`, `medium`, `high`.
        SearchSize = "search_size",
        /// The kind of a search.
        SearchType = "search_type",
        /// How a cache is used: `implicit` or `explicit`.
        CacheMode = "cache_mode",
        /// The way a model is deployed at the vendor.
        Deployment = "deployment",
        /// The customer's plan at the vendor.
        Plan = "plan",
    }
}

/// A range of numbers, each end open or closed or absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("data" = true)))]
#[serde(deny_unknown_fields, default)]
pub struct Range {
    /// The lower end, itself outside.
    #[serde(with = "number", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<super::quantity::Quantity>"))]
    pub above: Option<Decimal>,
    /// The lower end, itself inside.
    #[serde(with = "number", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<super::quantity::Quantity>"))]
    pub from: Option<Decimal>,
    /// The upper end, itself inside.
    #[serde(with = "number", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<super::quantity::Quantity>"))]
    pub up_to: Option<Decimal>,
    /// The upper end, itself outside.
    #[serde(with = "number", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<super::quantity::Quantity>"))]
    pub below: Option<Decimal>,
}

impl Range {
    /// Returns whether a number is inside.
    #[must_use]
    pub fn contains(&self, value: Decimal) -> bool {
        self.above.is_none_or(|end| value > end)
            && self.from.is_none_or(|end| value >= end)
            && self.up_to.is_none_or(|end| value <= end)
            && self.below.is_none_or(|end| value < end)
    }

    /// Returns whether any number from zero up to `most` is inside.
    #[must_use]
    pub fn reaches_below(&self, most: Decimal) -> bool {
        self.above.is_none_or(|end| most > end) && self.from.is_none_or(|end| most >= end)
    }

    /// Returns from where to where a part of a quantity, counted from zero, lies inside; nothing if none of it does.
    #[must_use]
    pub fn part_of(&self, (start, end): (Decimal, Decimal)) -> Option<(Decimal, Decimal)> {
        let lower = self.above.or(self.from).unwrap_or_default().max(start);
        let upper = self.up_to.or(self.below).map_or(end, |own| own.min(end));
        (lower < upper).then_some((lower, upper))
    }

    /// Returns whether the range can contain nothing, or has two ends of one side.
    #[must_use]
    pub fn is_contradictory(&self) -> bool {
        let both = (self.above.is_some() && self.from.is_some()) || (self.up_to.is_some() && self.below.is_some());
        let crossed = match (self.above.or(self.from), self.up_to.or(self.below)) {
            (Some(lower), Some(upper)) => {
                lower > upper || (lower == upper && (self.above.is_some() || self.below.is_some()))
            }
            _ => false,
        };
        both || crossed
    }
}

/// What a range counts, and which part of a quantity a price in it is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// The number of the whole call decides, and the price is for all of the quantity.
    #[default]
    WholeRequest,
    /// The meter's own quantity decides, and the price is for the part of it that lies in the range.
    Marginal,
}

/// When a price applies: every range, choice and calendar must hold. Empty means always.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// The numbers that must lie in a range.
    pub ranges: BTreeMap<Measure, Range>,
    /// The properties that must have one of some values.
    pub choices: BTreeMap<Attribute, BTreeSet<String>>,
    /// When it applies.
    pub calendar: Option<Calendar>,
    /// What the ranges count.
    pub scale: Scale,
}

impl Conditions {
    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty() && self.choices.is_empty() && self.calendar.is_none()
    }

    /// Returns how many facts they look at. Of two prices that apply, the one that looks at more is the one meant.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.ranges.len() + self.choices.len() + usize::from(self.calendar.is_some())
    }

    /// Adds a range.
    #[must_use]
    pub fn with_range(mut self, measure: Measure, range: Range) -> Self {
        self.ranges.insert(measure, range);
        self
    }

    /// Adds a property that must have a value, or one of those given before.
    #[must_use]
    pub fn with_choice(mut self, attribute: Attribute, value: &str) -> Self {
        self.choices.entry(attribute).or_default().insert(value.to_ascii_lowercase());
        self
    }

    /// Adds a calendar.
    #[must_use]
    pub fn with_calendar(mut self, calendar: Calendar) -> Self {
        self.calendar = Some(calendar);
        self
    }

    /// Returns what is wrong with them: no values to choose from, an empty range, a calendar that never comes.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if let Some((measure, _)) = self.ranges.iter().find(|(_, range)| range.is_contradictory()) {
            return Some(format!(
                "the range of {} is empty or has two ends on one side; give at most one of `above` and `from`, and at \
                 most one of `up_to` and `below`",
                measure.name()
            ));
        }
        if let Some((attribute, _)) = self.choices.iter().find(|(_, values)| values.is_empty()) {
            return Some(format!("{} has no values to choose from; give at least one", attribute.name()));
        }
        let is_flag =
            |attribute: &Attribute| matches!(attribute, Attribute::Thinking | Attribute::Audio | Attribute::VideoInput);
        let mut flags = self.choices.iter().filter(|(attribute, _)| is_flag(attribute));
        if let Some((flag, _)) = flags.find(|(_, words)| words.iter().any(|word| word != "true" && word != "false")) {
            return Some(format!("{} is true or false; give one of the two", flag.name()));
        }
        if self.scale == Scale::Marginal && self.ranges.len() != 1 {
            return Some("a marginal scale needs exactly one range; give one".to_owned());
        }
        self.calendar.as_ref().and_then(Calendar::problem)
    }

    /// Returns the one text that equal conditions have.
    #[must_use]
    pub fn canonical(&self) -> String {
        if self.is_empty() { String::new() } else { Value::Object(self.to_map()).to_string() }
    }

    /// Reads the text of [`Self::canonical`], or any JSON object of conditions.
    pub fn from_canonical(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let map = serde_json::from_str::<Map<String, Value>>(text).map_err(|error| error.to_string())?;
        Self::from_map(map)
    }

    fn to_map(&self) -> Map<String, Value> {
        let mut map = Map::new();
        for (measure, range) in &self.ranges {
            map.insert(measure.name().to_owned(), serde_json::to_value(range).unwrap_or_default());
        }
        for (attribute, values) in &self.choices {
            map.insert(attribute.name().to_owned(), values.iter().map(String::as_str).collect());
        }
        if let Some(calendar) = &self.calendar {
            map.insert("calendar".to_owned(), serde_json::to_value(calendar).unwrap_or_default());
        }
        if self.scale == Scale::Marginal {
            map.insert("scale".to_owned(), "marginal".into());
        }
        map
    }

    fn from_map(map: Map<String, Value>) -> Result<Self, String> {
        let mut conditions = Self::default();
        for (name, value) in map {
            let wrong = |error: serde_json::Error| format!("condition {name:?}: {error}");
            if let Some(measure) = Measure::from_name(&name) {
                conditions.ranges.insert(measure, serde_json::from_value(value).map_err(wrong)?);
            } else if let Some(attribute) = Attribute::from_name(&name) {
                conditions.choices.insert(
                    attribute,
                    choices(value).ok_or_else(|| {
                        format!("condition {name:?} must be a word, true or false, or an array of words")
                    })?,
                );
            } else if name == "calendar" {
                conditions.calendar = Some(serde_json::from_value(value).map_err(wrong)?);
            } else if name == "scale" {
                conditions.scale = serde_json::from_value(value).map_err(wrong)?;
            } else {
                let measures = Measure::ALL.iter().map(|measure| measure.name());
                let attributes = Attribute::ALL.iter().map(|attribute| attribute.name());
                let known: Vec<_> = measures.chain(attributes).chain(["calendar", "scale"]).collect();
                return Err(format!("condition {name:?} is not known; known are {}", known.join(", ")));
            }
        }
        match conditions.problem() {
            Some(problem) => Err(problem),
            None => Ok(conditions),
        }
    }
}

/// Reads one word or several, in lower case; true and false are words.
fn choices(value: Value) -> Option<BTreeSet<String>> {
    match value {
        Value::String(word) => Some(BTreeSet::from([word.to_ascii_lowercase()])),
        Value::Bool(flag) => Some(BTreeSet::from([flag.to_string()])),
        Value::Array(items) => {
            let mut words = BTreeSet::new();
            for item in items {
                words.extend(choices(item).filter(|words| words.len() == 1)?);
            }
            (!words.is_empty()).then_some(words)
        }
        _ => None,
    }
}

impl Serialize for Conditions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_map().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Conditions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_map(Map::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// An end of a range: a whole number, or a decimal string.
mod number {
    use serde_json::Value;

    use super::{Decimal, Deserialize, Deserializer, Serializer, decimal_of};
    use rust_decimal::prelude::ToPrimitive;

    #[expect(clippy::ref_option, reason = "serde gives a reference to the field")]
    pub(super) fn serialize<S: Serializer>(end: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
        match end {
            None => serializer.serialize_none(),
            Some(end) => match end.to_u64().filter(|_| end.fract().is_zero()) {
                Some(whole) => serializer.serialize_u64(whole),
                None => serializer.collect_str(&end.normalize()),
            },
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
        let end = match Option::<Value>::deserialize(deserializer)? {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => number.as_u64().map(Decimal::from),
            Some(Value::String(text)) => decimal_of(&text),
            Some(_) => None,
        };
        end.map(|end| Some(end.normalize()))
            .ok_or_else(|| serde::de::Error::custom("an end of a range must be a whole number or a decimal string"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Conditions, String> {
        Conditions::from_canonical(text)
    }

    #[test]
    fn conditions_are_read_and_written_the_same() {
        for text in [
            "",
            r#"{"input_tokens":{"above":272000},"service_tier":["batch","flex"]}"#,
            r#"{"duration":{"from":5,"below":"7.5"},"thinking":["true"]}"#,
            r#"{"input_tokens":{"above":1000},"scale":"marginal"}"#,
        ] {
            assert_eq!(read(text).unwrap().canonical(), text);
        }
        let words = read(r#"{"thinking": true, "service_tier": "Batch"}"#).unwrap();
        assert_eq!(words.canonical(), r#"{"service_tier":["batch"],"thinking":["true"]}"#);
    }

    #[test]
    fn conditions_that_make_no_sense_are_refused_with_their_name() {
        for (text, says) in [
            (r#"{"input_token":{"above":1}}"#, "input_token"),
            (r#"{"input_tokens":{"above":1,"from":2}}"#, "input_tokens"),
            (r#"{"input_tokens":{"above":5,"below":5}}"#, "input_tokens"),
            (r#"{"input_tokens":{"above":1.5}}"#, "whole number"),
            (r#"{"service_tier":[]}"#, "service_tier"),
            (r#"{"service_tier":{"a":1}}"#, "service_tier"),
            (r#"{"thinking":"maybe"}"#, "true or false"),
            (r#"{"scale":"marginal"}"#, "exactly one range"),
        ] {
            assert!(read(text).unwrap_err().contains(says), "{text}");
        }
    }

    #[test]
    fn open_and_closed_ends_differ_at_the_end_itself() {
        let at = |text: &str, value: u64| read(text).unwrap().ranges[&Measure::InputTokens].contains(value.into());
        for (ends, below, on, above) in [
            (r#"{"above":200}"#, false, false, true),
            (r#"{"from":200}"#, false, true, true),
            (r#"{"up_to":200}"#, true, true, false),
            (r#"{"below":200}"#, true, false, false),
        ] {
            let text = format!(r#"{{"input_tokens":{ends}}}"#);
            assert_eq!((at(&text, 199), at(&text, 200), at(&text, 201)), (below, on, above), "{ends}");
        }
    }
}
