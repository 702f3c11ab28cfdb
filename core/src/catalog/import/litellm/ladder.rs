//! Ladders: the prices of one meter by service tier and by length of the input, as conditions that never tie.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::keys::BATCH;
use crate::types::{Attribute, Conditions, Decimal, Measure, Meter, OfferPrice, Range, Unit};

/// The step of a ladder: the service tier, if the price is of one, and the input tokens above which it holds.
pub(super) type Step = (Option<&'static str>, u64);

/// The prices of one meter.
#[derive(Clone, Debug, Default)]
pub(super) struct Ladder {
    pub(super) steps: BTreeMap<Step, Decimal>,
}

/// The prices of an entry, by what they price.
#[derive(Clone, Debug, Default)]
pub(super) struct Ladders {
    by_meter: BTreeMap<(Meter, Option<String>), (Unit, Ladder)>,
}

impl Ladders {
    /// Adds a price. A price that is there already rules, unless it is nothing; another one than that is given back.
    pub(super) fn add(
        &mut self,
        meter: Meter,
        unit: Unit,
        resolution: Option<String>,
        step: Step,
        price: Decimal,
    ) -> Result<(), Decimal> {
        let (_, ladder) = self.by_meter.entry((meter, resolution)).or_insert((unit, Ladder::default()));
        match ladder.steps.entry(step) {
            Entry::Vacant(entry) => {
                entry.insert(price);
            }
            Entry::Occupied(mut entry) if entry.get().is_zero() => {
                entry.insert(price);
            }
            Entry::Occupied(entry) if *entry.get() != price && !price.is_zero() => return Err(*entry.get()),
            Entry::Occupied(_) => {}
        }
        Ok(())
    }

    fn get(&self, meter: Meter) -> Option<&Ladder> {
        self.by_meter.get(&(meter, None)).map(|(_, ladder)| ladder)
    }

    /// Returns the price of a meter at a step.
    pub(super) fn price(&self, meter: Meter, step: Step) -> Option<Decimal> {
        self.get(meter)?.steps.get(&step).copied()
    }

    /// Adds what the list leaves to be understood.
    pub(super) fn complete(&mut self) {
        self.complete_reasoning();
        self.complete_long_writes();
    }

    /// A price of reasoning that repeats the price of output means that reasoning is output, in every tier and length.
    fn complete_reasoning(&mut self) {
        let base = (None, 0);
        let Some(output) = self.get(Meter::OutputToken).cloned() else { return };
        let restated = self.price(Meter::ReasoningToken, base);
        if restated.is_none() || restated != output.steps.get(&base).copied() {
            return;
        }
        for (step, price) in output.steps {
            let known = self.price(Meter::ReasoningToken, step).unwrap_or(price);
            // A step that is there rules over what is added.
            let added = self.add(Meter::ReasoningToken, Unit::PerToken, None, step, known);
            debug_assert!(added.is_ok(), "a price equals itself");
        }
    }

    /// A batch takes the same share off long cache writes as off short ones, where only the short ones are listed.
    fn complete_long_writes(&mut self) {
        let Some(short) = self.get(Meter::CacheWrite5mToken).cloned() else { return };
        let Some(long) = self.get(Meter::CacheWrite1hToken).cloned() else { return };
        for ((tier, above), batch_short) in short.steps.iter().filter(|((tier, _), _)| *tier == Some(BATCH)) {
            let standard = (None, *above);
            let prices = short.steps.get(&standard).copied().zip(long.steps.get(&standard).copied());
            let Some((standard_short, standard_long)) = prices.filter(|(short, _)| !short.is_zero()) else { continue };
            let Some(scaled) = standard_long.checked_mul(*batch_short) else { continue };
            let Some(price) = scaled.checked_div(standard_short).map(|price| price.normalize()) else { continue };
            let is_exact = price.checked_mul(standard_short) == Some(scaled);
            if is_exact && !long.steps.contains_key(&(*tier, *above)) {
                let added = self.add(Meter::CacheWrite1hToken, Unit::PerToken, None, (*tier, *above), price);
                debug_assert!(added.is_ok(), "the step is free");
            }
        }
    }

    /// Returns all prices. `is_inclusive` tells that a threshold itself belongs to the prices above it.
    pub(super) fn into_prices(self, is_inclusive: bool) -> Vec<OfferPrice> {
        let mut prices = Vec::new();
        for ((meter, resolution), (unit, ladder)) in self.by_meter {
            for (mut conditions, price) in ladder.prices(is_inclusive) {
                if let Some(resolution) = &resolution {
                    conditions = conditions.with_choice(Attribute::Resolution, resolution);
                }
                prices.push(OfferPrice::new(meter, price, unit).when(conditions));
            }
        }
        prices
    }
}

impl Ladder {
    /// Returns the prices with their conditions.
    ///
    /// Above a threshold of the standard prices a tier without a price of its own there is billed as the standard one;
    /// only the prices of a batch hold on.
    fn prices(&self, is_inclusive: bool) -> Vec<(Conditions, Decimal)> {
        let mut prices = Vec::new();
        let tiers: BTreeSet<_> = self.steps.keys().map(|(tier, _)| *tier).collect();
        for tier in tiers {
            let bounds: BTreeSet<u64> =
                self.steps.keys().filter(|(of, _)| of.is_none() || *of == tier).map(|(_, above)| *above).collect();
            let bounds: Vec<u64> = bounds.into_iter().filter(|above| *above > 0).collect();
            let starts = std::iter::once(0).chain(bounds.iter().copied());
            let ends = bounds.iter().copied().map(Some).chain([None]);
            for (start, end) in starts.zip(ends) {
                let Some(price) = self.price_from(tier, start) else { continue };
                let mut conditions = Conditions::default();
                if let Some(tier) = tier {
                    conditions = conditions.with_choice(Attribute::ServiceTier, tier);
                }
                // The standard price below every threshold is what holds if nothing is known.
                let is_base = tier.is_none() && start == 0;
                if !is_base && (start > 0 || end.is_some()) {
                    conditions = conditions.with_range(Measure::InputTokens, range(start, end, is_inclusive));
                }
                prices.push((conditions, price));
            }
        }
        prices
    }

    /// Returns the price of a tier from a number of input tokens on, where it differs from the standard one's.
    fn price_from(&self, tier: Option<&'static str>, start: u64) -> Option<Decimal> {
        let last =
            |tier| self.steps.range((tier, 0)..=(tier, start)).next_back().map(|((_, above), price)| (*above, *price));
        let (above, price) = last(tier)?;
        let standard = last(None).map_or(0, |(above, _)| above);
        (tier.is_none() || tier == Some(BATCH) || above >= standard).then_some(price)
    }
}

/// Returns the range between two thresholds.
pub(super) fn range(start: u64, end: Option<u64>, is_inclusive: bool) -> Range {
    let lower = (start > 0).then(|| Decimal::from(start));
    let upper = end.map(Decimal::from);
    if is_inclusive {
        Range { from: lower, below: upper, ..Range::default() }
    } else {
        Range { above: lower, up_to: upper, ..Range::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder(steps: &[(Option<&'static str>, u64, u64)]) -> Ladder {
        Ladder { steps: steps.iter().map(|(tier, above, price)| ((*tier, *above), Decimal::from(*price))).collect() }
    }

    fn texts(ladder: &Ladder, is_inclusive: bool) -> Vec<(String, Decimal)> {
        let prices = ladder.prices(is_inclusive).into_iter();
        prices.map(|(conditions, price)| (conditions.canonical(), price)).collect()
    }

    #[test]
    fn thresholds_become_ranges_that_do_not_overlap() {
        let steps = ladder(&[(None, 0, 1), (None, 200, 2), (None, 500, 3)]);
        let expected = [
            (String::new(), 1),
            (r#"{"input_tokens":{"above":200,"up_to":500}}"#.to_owned(), 2),
            (r#"{"input_tokens":{"above":500}}"#.to_owned(), 3),
        ];
        assert_eq!(texts(&steps, false), expected.map(|(text, price)| (text, Decimal::from(price))));
        assert_eq!(texts(&steps, true)[1].0, r#"{"input_tokens":{"from":200,"below":500}}"#);
    }

    #[test]
    fn a_tier_without_a_long_price_is_billed_as_the_standard_one_but_a_batch_is_not() {
        let flex = texts(&ladder(&[(None, 0, 4), (None, 200, 8), (Some("flex"), 0, 2)]), false);
        assert_eq!(flex.len(), 3);
        assert_eq!(flex[2].0, r#"{"input_tokens":{"up_to":200},"service_tier":["flex"]}"#);
        let batch = texts(&ladder(&[(None, 0, 4), (None, 200, 8), (Some(BATCH), 0, 2)]), false);
        assert_eq!(batch.len(), 4);
        assert_eq!(batch[3], (r#"{"input_tokens":{"above":200},"service_tier":["batch"]}"#.to_owned(), Decimal::TWO));
    }

    #[test]
    fn reasoning_that_is_output_follows_it_into_tiers() {
        let mut ladders = Ladders::default();
        for (meter, step, price) in [
            (Meter::OutputToken, (None, 0), 10),
            (Meter::OutputToken, (None, 200), 15),
            (Meter::OutputToken, (Some("priority"), 0), 18),
            (Meter::ReasoningToken, (None, 0), 10),
            (Meter::ReasoningToken, (Some("priority"), 0), 20),
        ] {
            ladders.add(meter, Unit::PerToken, None, step, Decimal::from(price)).unwrap();
        }
        let mut other = ladders.clone();
        ladders.complete();
        assert_eq!(ladders.price(Meter::ReasoningToken, (None, 200)), Some(Decimal::from(15)));
        assert_eq!(ladders.price(Meter::ReasoningToken, (Some("priority"), 0)), Some(Decimal::from(20)));
        other.by_meter.get_mut(&(Meter::ReasoningToken, None)).unwrap().1.steps.insert((None, 0), Decimal::from(3));
        other.complete();
        assert_eq!(other.price(Meter::ReasoningToken, (None, 200)), None);
    }

    #[test]
    fn a_batch_takes_the_same_share_off_long_cache_writes() {
        let mut ladders = Ladders::default();
        for (meter, step, price) in [
            (Meter::CacheWrite5mToken, (None, 0), "3.75"),
            (Meter::CacheWrite5mToken, (Some(BATCH), 0), "1.875"),
            (Meter::CacheWrite1hToken, (None, 0), "6"),
        ] {
            ladders.add(meter, Unit::PerToken, None, step, price.parse().unwrap()).unwrap();
        }
        ladders.complete();
        assert_eq!(ladders.price(Meter::CacheWrite1hToken, (Some(BATCH), 0)), Some(Decimal::from(3)));
    }

    #[test]
    fn two_prices_of_one_step_are_a_contradiction_and_a_zero_gives_way() {
        let mut ladders = Ladders::default();
        let mut add = |price: u64| ladders.add(Meter::InputAudioSecond, Unit::PerSecond, None, (None, 0), price.into());
        assert!(add(0).is_ok() && add(2).is_ok() && add(0).is_ok() && add(2).is_ok());
        assert_eq!(add(3), Err(Decimal::TWO));
    }
}
