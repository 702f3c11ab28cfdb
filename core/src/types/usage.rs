//! Usage: what one attempt consumed, as the provider reported it and as disjoint meters.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::meter::{Meter, MeterKind};
use super::money::Money;
use super::quantity::Quantity;

/// Where a part stands beside the count that it belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Place {
    /// Inside the count.
    #[default]
    Inside,
    /// Outside the count, and inside the provider's total.
    Outside,
    /// Outside the count, and outside the provider's total too.
    OutsideTotal,
}

/// What a provider reported, with the rule of its wire format; input to [`Usage`]. Missing is not zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportedUsage {
    /// The input count as reported.
    pub input: Option<u64>,
    /// Tokens read from a cache.
    pub cached_input: Option<u64>,
    /// Tokens written to a cache, of all lifetimes.
    pub cache_write: Option<u64>,
    /// Tokens written to a 5-minute cache, where the lifetimes are told apart.
    pub cache_write_5m: Option<u64>,
    /// Tokens written to a 1-hour cache, where the lifetimes are told apart.
    pub cache_write_1h: Option<u64>,
    /// Where the tokens read from a cache stand beside `input`.
    pub cached_place: Place,
    /// Where the tokens written to a cache stand beside `input`.
    pub cache_write_place: Place,
    /// Whether the provider bills tokens that it both read from and wrote to a cache as both.
    pub bills_cache_overlap: bool,
    /// Parts of the input that are not text, of which `cached_*` were read from a cache; all inside `input`.
    pub input_modalities: ReportedModalities,
    /// Tokens of sound that were written to a cache, among all that were.
    pub cache_write_audio: Option<u64>,
    /// Parts of `cached_input` whose cache the request had made on purpose.
    pub explicit_cached_input: Option<u64>,
    /// Input tokens that stand outside `input` whatever the format (tool-use prompts, audio in some formats).
    pub input_outside: Option<u64>,
    /// The output count as reported.
    pub output: Option<u64>,
    /// Tokens spent on reasoning.
    pub reasoning: Option<u64>,
    /// Where the reasoning tokens stand beside `output`.
    pub reasoning_place: Place,
    /// Tokens of sound, inside `output`.
    pub output_audio: Option<u64>,
    /// Tokens of images, inside `output`.
    pub output_image: Option<u64>,
    /// Tokens of videos, inside `output`.
    pub output_video: Option<u64>,
    /// Tokens that a prediction foresaw wrongly, inside `output`.
    pub rejected_prediction: Option<u64>,
    /// What is no token of input or output and stands by itself: searches, images, seconds, pages.
    pub counts: BTreeMap<Meter, Quantity>,
    /// The total as reported.
    pub total: Option<u64>,
    /// What the provider says that the attempt cost, in its currency.
    pub cost: Option<Decimal>,
    /// How much context its searches brought, where their price depends on it: a word of the provider.
    pub search_size: Option<String>,
    /// Whether the provider reported something of which it is not known what it means.
    pub has_unknown_field: bool,
    /// Work inside the attempt that the counts above leave out, such as a compaction of the context.
    pub iterations: Vec<ReportedIteration>,
}

/// Parts of an input that are not text. Missing is not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportedModalities {
    /// Tokens of sound, cached ones included.
    pub audio: Option<u64>,
    /// Tokens of images, cached ones included.
    pub image: Option<u64>,
    /// Tokens of videos, cached ones included.
    pub video: Option<u64>,
    /// Tokens of sound that were read from a cache.
    pub cached_audio: Option<u64>,
    /// Tokens of images that were read from a cache.
    pub cached_image: Option<u64>,
    /// Tokens of videos that were read from a cache.
    pub cached_video: Option<u64>,
}

/// Work inside an attempt that the top-level counts leave out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportedIteration {
    /// The provider's name of the kind of work.
    pub kind: String,
    /// The model that did the work, where it is another one.
    pub model: Option<String>,
    /// What it consumed; it has no iterations of its own.
    pub usage: ReportedUsage,
}

/// A contradiction or a gap in what a provider reported. It is kept on the usage record, never dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UsageFlag {
    /// More tokens of the cache than input tokens were reported; they were cut to the input, dearest first kept.
    CachedExceedsInput,
    /// More reasoning than output tokens were reported; the answer's remainder was set to zero.
    ReasoningExceedsOutput,
    /// The parts do not sum to the reported total; the parts are billed.
    TotalMismatch,
    /// The total shows that reasoning stands outside the output count; it was added.
    ReasoningAddedToOutput,
    /// The total shows that a part stands elsewhere beside its count than the vendor's rule says; the total was followed.
    PlacedByTotal,
    /// The total names tokens that no part does; they are billed as reasoning.
    HiddenInTotal,
    /// A side that was absent or zero was worked out from the total.
    CompletedByTotal,
    /// More tokens of sound, images or videos than input or output tokens were reported; they were cut to what is left.
    ModalityExceedsTotal,
    /// Cached tokens and tokens of another modality overlap by an amount that was not reported; the least one is assumed.
    OverlapUnknown,
    /// The split of cache writes by lifetime does not sum to their count; the rest is billed as 5-minute writes.
    CacheWriteSplitMismatch,
    /// No usage was reported; the quantities are estimates.
    Estimated,
    /// The true amount was above the reservation.
    ExceededReservation,
    /// Another tier was served than the one that the prices are of; the cost is at the prices that are known.
    OtherServiceTier,
    /// Another model did part of the work, and has no price here; its part is not in the cost.
    UnpricedIteration,
    /// The provider states another cost than the prices make; the record keeps both.
    ReportedCostDiffers,
    /// The provider claims more than was proven to be possible; what was held is billed.
    UsageExceedsBound,
    /// The provider reported something of which it is not known what it means.
    UnknownUsageField,
    /// The call may have done work with a fee of its own that the provider did not count.
    FeeNotReported,
    /// The exact cost has more decimals than the ledger keeps, or no end; it was rounded once, half to even, at the 18th.
    Rounded,
}

/// The quantities of one attempt, as disjoint meters. A meter that was not reported is absent, not zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Usage {
    /// The quantity of each meter that is known.
    pub meters: BTreeMap<Meter, Quantity>,
    /// What was contradictory or missing, in ascending order.
    pub flags: Vec<UsageFlag>,
    /// The total as the provider reported it.
    pub reported_total: Option<u64>,
    /// What the provider says that the attempt cost.
    pub reported_cost: Option<Decimal>,
    /// What the prices make of it, where the provider's statement was billed instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed_cost: Option<Money>,
    /// Billed work that the meters above leave out, such as a compaction of the context.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub iterations: Vec<Iteration>,
}

/// The quantities of one attempt, as disjoint meters. What was not reported is absent, which is not zero.
// How `Usage` is written: with the sums of its meters, so that no reader adds them up by rules of its own.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Usage", extend("noun" = "usage")))]
pub(crate) struct WrittenUsage<'a> {
    /// The quantity of each meter that is known.
    meters: &'a BTreeMap<Meter, Quantity>,
    /// What was contradictory or missing.
    flags: &'a [UsageFlag],
    /// The total as the provider reported it.
    reported_total: Option<u64>,
    /// What the provider says that the attempt cost.
    reported_cost: Option<Decimal>,
    /// Billed work that the meters leave out, such as a compaction of the context.
    #[serde(skip_serializing_if = "<[Iteration]>::is_empty")]
    iterations: &'a [Iteration],
    /// What the prices make, where the cost that the provider states was billed instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    computed_cost: Option<Money>,
    /// All input tokens, those read from and written to a cache included.
    #[serde(skip_serializing_if = "Option::is_none")]
    input_tokens: Option<u64>,
    /// The input tokens that the provider read from its cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_input_tokens: Option<u64>,
    /// The input tokens that the provider wrote to its cache, those that it also read from one included.
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_write_tokens: Option<u64>,
    /// All output tokens, reasoning included.
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens: Option<u64>,
    /// The output tokens that were spent on reasoning.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_tokens: Option<u64>,
    /// All tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_tokens: Option<u64>,
}

impl Serialize for Usage {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WrittenUsage {
            meters: &self.meters,
            flags: &self.flags,
            reported_total: self.reported_total,
            reported_cost: self.reported_cost,
            computed_cost: self.computed_cost,
            iterations: &self.iterations,
            input_tokens: self.input_tokens(),
            cached_input_tokens: self.cached_input_tokens(),
            cache_write_tokens: self.cache_write_tokens(),
            output_tokens: self.output_tokens(),
            reasoning_tokens: self.tokens(Meter::ReasoningToken),
            total_tokens: self.total_tokens(),
        }
        .serialize(serializer)
    }
}

/// The kind of the work that writes to a cache what was read from one, where the provider bills both.
pub const CACHE_OVERLAP: &str = "cache_overlap";

/// Billed work inside an attempt that its top-level meters leave out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Iteration {
    /// The provider's name of the kind of work.
    pub kind: String,
    /// The model that did the work, where it is another one.
    pub model: Option<String>,
    /// The quantity of each meter that is known.
    pub meters: BTreeMap<Meter, Quantity>,
}

impl Usage {
    /// Returns the quantity of a meter, or nothing if it is not known.
    #[must_use]
    pub fn get(&self, meter: Meter) -> Option<Quantity> {
        self.meters.get(&meter).copied()
    }

    /// Returns the whole quantity of a meter of tokens, or nothing if it is not known.
    #[must_use]
    pub fn tokens(&self, meter: Meter) -> Option<u64> {
        self.get(meter).map(Quantity::whole)
    }

    /// Returns all input tokens, cached and written ones included.
    #[must_use]
    pub fn input_tokens(&self) -> Option<u64> {
        self.sum(Meter::is_input)
    }

    /// Returns the input tokens that were read from a cache.
    #[must_use]
    pub fn cached_input_tokens(&self) -> Option<u64> {
        self.sum(|meter| matches!(meter.kind(), MeterKind::CacheRead | MeterKind::ExplicitCacheRead))
    }

    /// Returns the input tokens that were written to a cache of any lifetime, those that were read from one too included.
    #[must_use]
    pub fn cache_write_tokens(&self) -> Option<u64> {
        let is_written = |meter: Meter| matches!(meter.kind(), MeterKind::CacheWrite5m | MeterKind::CacheWrite1h);
        let overlaps = self.iterations.iter().filter(|iteration| iteration.kind == CACHE_OVERLAP);
        let again = overlaps.flat_map(|iteration| iteration.meters.values()).map(|quantity| quantity.whole());
        self.sum(is_written).map(|written| again.fold(written, u64::saturating_add))
    }

    /// Returns all output tokens, reasoning included.
    #[must_use]
    pub fn output_tokens(&self) -> Option<u64> {
        self.sum(Meter::is_output)
    }

    /// Returns all tokens, or nothing if neither side is known.
    #[must_use]
    pub fn total_tokens(&self) -> Option<u64> {
        self.sum(|meter| meter.is_input() || meter.is_output())
    }

    /// Returns all tokens, those of iterations included, which is what budgets of tokens count; nothing if none are known.
    #[must_use]
    pub fn consumed_tokens(&self) -> Option<u64> {
        let is_token = |meter: &Meter| meter.is_input() || meter.is_output();
        let inner = self.iterations.iter().flat_map(|iteration| &iteration.meters);
        let counted = self.meters.iter().chain(inner).filter(|(meter, _)| is_token(meter));
        counted.map(|(_, quantity)| quantity.whole()).reduce(u64::saturating_add)
    }

    /// Records a contradiction or a gap once.
    pub fn flag(&mut self, flag: UsageFlag) {
        if let Err(place) = self.flags.binary_search(&flag) {
            self.flags.insert(place, flag);
        }
    }

    fn sum(&self, counts: impl Fn(Meter) -> bool) -> Option<u64> {
        let counted = self.meters.iter().filter(|(meter, _)| counts(**meter));
        counted.map(|(_, quantity)| quantity.whole()).reduce(u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_written_with_the_sums_of_its_meters() {
        let meters = [
            (Meter::InputToken, 7_u64),
            (Meter::CachedInputAudioToken, 3),
            (Meter::CacheWrite1hToken, 5),
            (Meter::ReasoningToken, 2),
            (Meter::OutputToken, 11),
            (Meter::WebSearch, 100),
        ];
        let meters = meters.map(|(meter, quantity)| (meter, Quantity::from(quantity)));
        let overlap = Iteration {
            kind: CACHE_OVERLAP.to_owned(),
            model: None,
            meters: [(Meter::CacheWrite5mToken, Quantity::from(1))].into(),
        };
        let usage = Usage { meters: meters.into(), iterations: vec![overlap], ..Usage::default() };
        let written = serde_json::to_value(&usage).unwrap();
        for (name, sum) in [
            ("input_tokens", 15),
            ("cached_input_tokens", 3),
            ("cache_write_tokens", 6),
            ("output_tokens", 13),
            ("reasoning_tokens", 2),
            ("total_tokens", 28),
        ] {
            assert_eq!(written[name], sum, "{name}");
        }
        assert_eq!(serde_json::from_value::<Usage>(written).unwrap(), usage);
        let unknown = serde_json::to_value(Usage::default()).unwrap();
        assert!(unknown.get("input_tokens").is_none(), "what is not known is not zero");
    }
}
