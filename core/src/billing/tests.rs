//! What holds for every price list and every usage, over generated ones.

use jiff::Timestamp;
use proptest::prelude::*;

use super::exact::Exact;
use super::meter::disjoint;
use super::price::{Bill, BillHead, PriceSet};
use super::worst_case::Bounds;
use crate::types::{
    Attribute, Basis, Conditions, Currency, Decimal, ErrorKind, Facts, Measure, Meter, Modifier, Place, PriceTerms,
    PricingType, Quantity, Receipt, ReportedModalities, ReportedUsage, Rounding, Unit, Usage,
};

const HEAD: BillHead<'_> = BillHead { attempt: 1, model: "house/model", reported_currency: Currency::USD };

/// Conditions of every kind: ranges open and closed on both sides, choices, hours, and marginal parts.
const CONDITIONS: [&str; 14] = [
    "",
    r#"{"input_tokens": {"above": 200}}"#,
    r#"{"input_tokens": {"from": 100, "below": 300}}"#,
    r#"{"input_tokens": {"above": 200}, "output_tokens": {"up_to": 50}}"#,
    r#"{"output_tokens": {"above": 150}}"#,
    r#"{"service_tier": "batch"}"#,
    r#"{"service_tier": ["priority", "fast"]}"#,
    r#"{"service_tier": "standard"}"#,
    r#"{"service_tier": "batch", "input_tokens": {"above": 200}}"#,
    r#"{"thinking": true}"#,
    r#"{"duration": {"above": 10}}"#,
    r#"{"calendar": {"hours": [{"from": "01:00:00", "until": "13:00:00"}]}}"#,
    r#"{"input_tokens": {"above": 100}, "scale": "marginal"}"#,
    r#"{"output_tokens": {"from": 20, "below": 120}, "scale": "marginal"}"#,
];

fn conditions(place: usize) -> Conditions {
    Conditions::from_canonical(CONDITIONS[place]).unwrap()
}

fn token_meters() -> Vec<Meter> {
    Meter::ALL.iter().copied().filter(|meter| meter.is_input() || meter.is_output()).collect()
}

/// Meters beside the tokens of input and answer, which have bounds of their own.
const COUNTED: [Meter; 9] = [
    Meter::CitationToken,
    Meter::WebSearch,
    Meter::FileSearch,
    Meter::CodeInterpreterSession,
    Meter::InputImage,
    Meter::Page,
    Meter::AnnotatedPage,
    Meter::InputAudioSecond,
    Meter::InputVideoSecond,
];

/// Makes decimals up to a thousandth of a number, so that no bill is too large for the ledger.
fn decimals(most: u64) -> impl Strategy<Value = Decimal> {
    (0..=most, 3_u32..12).prop_map(|(mantissa, scale)| Decimal::from_i128_with_scale(mantissa.into(), scale))
}

fn roundings() -> impl Strategy<Value = Rounding> {
    let quantity = || prop::option::weighted(0.2, (1_u64..500).prop_map(Quantity::from));
    (quantity(), quantity(), prop::option::weighted(0.2, decimals(1_000_000)))
        .prop_map(|(minimum_quantity, step, minimum_charge)| Rounding { minimum_quantity, step, minimum_charge })
}

fn terms(meter: Meter, amount: Decimal, known: u32) -> PriceTerms {
    let from = Timestamp::from_second(i64::from(known) * 60).unwrap();
    let unit = if meter == Meter::Request { Unit::PerRequest } else { Unit::Per1kTokens };
    PriceTerms::new(meter, amount, unit, Currency::USD, from)
}

/// Prices of tokens and of the request, at most with surcharges, under any conditions. No two are learned at one instant.
fn components(most: usize) -> impl Strategy<Value = Vec<PriceTerms>> {
    let mut meters = token_meters();
    // The usual roots stand often enough that most lists can price most usages.
    meters.extend([Meter::InputToken; 12]);
    meters.extend([Meter::OutputToken; 12]);
    meters.push(Meter::Request);
    meters.extend(COUNTED);
    let component = (prop::sample::select(meters), decimals(1_000_000), 0..CONDITIONS.len(), roundings(), 0_u8..10);
    prop::collection::vec(component, 1..most).prop_map(|components| {
        let terms = |(known, (meter, amount, place, rounding, basis)): (u32, (Meter, Decimal, usize, Rounding, u8))| {
            let basis = if basis == 0 { Basis::Surcharge } else { Basis::Replaces };
            PriceTerms { conditions: conditions(place), rounding, basis, ..terms(meter, amount, known) }
        };
        (0..).zip(components).map(terms).collect()
    })
}

fn modifiers() -> impl Strategy<Value = Vec<PriceTerms>> {
    let meters = prop::collection::vec(prop::sample::select(token_meters()), 0..3);
    let group = || prop::sample::select(vec!["tier", "region", "length"]);
    // The last two conditions are marginal, which no modifier may be.
    let modifier =
        (decimals(4_000), 0..CONDITIONS.len() - 2, meters, group(), -1_i32..2, prop::option::weighted(0.2, group()));
    prop::collection::vec(modifier, 0..4).prop_map(|modifiers| {
        let modifiers = (1_000..).zip(modifiers).map(|(known, (ratio, place, meters, group, order, excludes))| {
            let excludes = excludes.into_iter().filter(|other| *other != group).map(str::to_owned).collect();
            PriceTerms {
                pricing_type: PricingType::MODIFIER,
                unit: Unit::Ratio,
                conditions: conditions(place),
                modifier: Some(Modifier { meters, group: group.to_owned(), order, excludes }),
                ..terms(Meter::InputToken, ratio, known)
            }
        });
        modifiers.collect()
    })
}

fn lists() -> impl Strategy<Value = Vec<PriceTerms>> {
    (components(14), modifiers()).prop_map(|(mut components, modifiers)| {
        components.extend(modifiers);
        components
    })
}

fn usages() -> impl Strategy<Value = Usage> {
    let quantity = prop_oneof![2 => Just(0_u64), 5 => 1_u64..400, 1 => 0_u64..5_000_000];
    prop::collection::btree_map(prop::sample::select(token_meters()), quantity, 1..7).prop_map(|meters| Usage {
        meters: meters.into_iter().map(|(meter, count)| (meter, count.into())).collect(),
        ..Usage::default()
    })
}

/// Makes usages that have searches, sources, images, pages and seconds as well.
fn wide_usages() -> impl Strategy<Value = Usage> {
    let counted = prop::collection::btree_map(prop::sample::select(COUNTED.to_vec()), 0_u64..40, 0..4);
    (usages(), counted).prop_map(|(mut usage, counted)| {
        usage.meters.extend(counted.into_iter().map(|(meter, count)| (meter, count.into())));
        usage
    })
}

fn all_facts() -> impl Strategy<Value = Facts> {
    let tier = prop::option::of(prop::sample::select(vec!["standard", "batch", "priority", "fast", "flex"]));
    let thinking = prop::option::of(any::<bool>());
    (tier, thinking, prop::option::of(0_u32..20), 0_i64..200_000).prop_map(|(tier, thinking, duration, at)| {
        let mut facts = Facts::at(Timestamp::from_second(at).unwrap());
        if let Some(tier) = tier {
            facts.set(Attribute::ServiceTier, tier);
        }
        if let Some(thinking) = thinking {
            facts.set(Attribute::Thinking, &thinking.to_string());
        }
        facts.measures.extend(duration.map(|duration| (Measure::Duration, duration.into())));
        facts
    })
}

fn bill(terms: &[PriceTerms], usage: &Usage, facts: &Facts) -> Bill {
    PriceSet::of_terms(terms.to_vec()).unwrap().bill(HEAD, usage, facts).unwrap()
}

/// Returns whether the lines of a bill sum to its cost; those of an unpriced one may sum to more than the ledger holds.
fn adds_up(bill: &Bill) -> bool {
    let receipt = Receipt::from_lines(bill.lines.clone());
    bill.cost.is_none_or(|cost| {
        receipt.is_ok_and(|receipt| receipt.totals.get(cost.currency).unwrap_or_default() == cost.amount)
    })
}

fn sum_of(usage: &Usage, counts: fn(Meter) -> bool) -> u64 {
    usage.meters.iter().filter(|(meter, _)| counts(**meter)).map(|(_, quantity)| quantity.whole()).sum()
}

/// Prices that never fall as an input grows: each tier is dearer than the one before.
///
/// A list whose longer inputs are cheaper is not monotone, and cannot be: crossing the length makes all of it cheaper.
fn rising_lists() -> impl Strategy<Value = Vec<PriceTerms>> {
    let component = (
        prop::sample::select(token_meters()),
        prop::collection::vec((decimals(1_000_000), 1_u64..200), 0..4),
        decimals(1_000_000),
        roundings(),
        any::<bool>(),
    );
    prop::collection::vec(component, 1..8).prop_map(|components| {
        let mut list = vec![terms(Meter::InputToken, Decimal::ONE, 0), terms(Meter::OutputToken, Decimal::ONE, 1)];
        let mut known = 1;
        for (meter, tiers, base, rounding, is_surcharge) in components {
            // A meter is priced once, so that its tiers are those of one list.
            if list.iter().any(|terms| terms.pricing_type == meter) {
                continue;
            }
            let basis = if is_surcharge { Basis::Surcharge } else { Basis::Replaces };
            let (mut amount, mut start) = (base, 0);
            known += 1;
            list.push(PriceTerms { basis, rounding, ..terms(meter, amount, known) });
            for (step, length) in tiers.into_iter().filter(|_| !is_surcharge) {
                amount += step;
                start += length;
                known += 1;
                let when = Conditions::from_canonical(&format!(r#"{{"input_tokens": {{"above": {start}}}}}"#));
                list.push(PriceTerms { rounding, conditions: when.unwrap(), ..terms(meter, amount, known) });
            }
        }
        list
    })
}

fn reported_usages() -> impl Strategy<Value = ReportedUsage> {
    let count = || prop::option::of(prop_oneof![4 => 0_u64..1_000, 1 => Just(u64::MAX), 1 => any::<u64>()]);
    let modalities = (count(), count(), count(), count(), count(), count()).prop_map(
        |(audio, image, video, cached_audio, cached_image, cached_video)| ReportedModalities {
            audio,
            image,
            video,
            cached_audio,
            cached_image,
            cached_video,
        },
    );
    let input = (count(), count(), count(), count(), count(), any::<bool>(), modalities, (count(), count(), count()));
    let output = (count(), count(), any::<bool>(), (count(), count(), count(), count()), count());
    (input, output).prop_map(|(input, output)| {
        let (whole, cached_input, cache_write, short, long, includes, modalities, more) = input;
        let (answer, reasoning, reasoning_inside, parts, total) = output;
        let place = |is_inside| if is_inside { Place::Inside } else { Place::Outside };
        ReportedUsage {
            input: whole,
            cached_input,
            cache_write,
            cache_write_5m: short,
            cache_write_1h: long,
            cached_place: place(includes),
            cache_write_place: place(includes),
            input_modalities: modalities,
            cache_write_audio: more.0,
            explicit_cached_input: more.1,
            input_outside: more.2,
            output: answer,
            reasoning,
            reasoning_place: place(reasoning_inside),
            output_audio: parts.0,
            output_image: parts.1,
            output_video: parts.2,
            rejected_prediction: parts.3,
            total,
            ..ReportedUsage::default()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_worst_case_bounds_every_bill(
        list in lists(), usage in wide_usages(), facts in all_facts(), fixed in any::<[bool; 3]>(), slack in 0_u64..300,
    ) {
        // Few lists price every meter by themselves, and what is not priced has no bill.
        let mut list = list;
        let roots = COUNTED.into_iter().chain([Meter::InputToken, Meter::OutputToken]);
        list.extend(roots.zip(2_000..).filter(|_| slack % 4 > 0).map(|(meter, known)| terms(meter, Decimal::ONE, known)));
        let set = PriceSet::of_terms(list).unwrap();
        let mut known = Facts::at(facts.started_at);
        for (is_fixed, attribute) in fixed.iter().zip([Attribute::ServiceTier, Attribute::Thinking]) {
            known.attributes.extend(facts.attributes.get(&attribute).filter(|_| *is_fixed).map(|value| (attribute, value.clone())));
        }
        if fixed[2] {
            known.measures = facts.measures.clone();
        }
        let possible = |meter: Meter| usage.meters.contains_key(&meter) || slack % 2 == 0;
        let counted = usage.meters.iter().filter(|(meter, _)| COUNTED.contains(meter));
        let counts = counted.map(|(meter, quantity)| (*meter, quantity.whole() + slack % 3)).collect();
        let bounds = Bounds {
            input_tokens: sum_of(&usage, Meter::is_input) + slack / 2,
            output_tokens: sum_of(&usage, |meter| meter.is_output() && meter != Meter::CitationToken) + slack / 3,
            possible: &possible,
            counts: &counts,
        };
        let Some(worst) = set.worst_case(HEAD, bounds, &known).unwrap() else { return Ok(()) };
        let bill = set.bill(HEAD, &usage, &facts).unwrap();
        if let Some(cost) = bill.cost {
            prop_assert!(cost.amount <= worst.cost.amount, "{} is above {}", cost.amount, worst.cost.amount);
        }
        let held: Decimal = worst.lines.iter().filter_map(|line| line.amount).sum();
        prop_assert!(held <= worst.cost.amount);
    }

    #[test]
    fn receipts_sum_to_the_total(list in lists(), usage in usages(), facts in all_facts()) {
        let bill = bill(&list, &usage, &facts);
        prop_assert!(adds_up(&bill));
        prop_assert!(bill.lines.iter().filter_map(|line| line.amount).all(|amount| amount >= Decimal::ZERO));
    }

    #[test]
    fn the_order_of_prices_changes_nothing(
        (list, shuffled) in lists().prop_flat_map(|list| (Just(list.clone()), Just(list).prop_shuffle())),
        usage in usages(), facts in all_facts(),
    ) {
        prop_assert_eq!(bill(&list, &usage, &facts), bill(&shuffled, &usage, &facts));
    }

    #[test]
    fn disjoint_meters_cost_what_they_cost_alone(
        list in lists(), usage in usages(), facts in all_facts(), side in any::<u32>(),
    ) {
        // Neither a price per request nor rounding is per meter; and the lengths are those of the whole call.
        let mut list = list;
        list.retain(|terms| terms.pricing_type != Meter::Request);
        for terms in &mut list {
            terms.rounding = Rounding::default();
        }
        let mut facts = facts;
        facts.measures.insert(Measure::InputTokens, sum_of(&usage, Meter::is_input).into());
        facts.measures.insert(Measure::OutputTokens, sum_of(&usage, Meter::is_output).into());
        let part = |left: bool| Usage {
            meters: usage.meters.iter().zip(0..).filter(|(_, place)| (side >> place & 1 == 1) == left).map(|((meter, quantity), _)| (*meter, *quantity)).collect(),
            ..Usage::default()
        };
        let (left, right) = (part(true), part(false));
        if left.meters.is_empty() || right.meters.is_empty() {
            return Ok(());
        }
        let parts = bill(&list, &left, &facts).exact.zip(bill(&list, &right, &facts).exact);
        prop_assert_eq!(bill(&list, &usage, &facts).exact, parts.map(|(left, right)| left.add(&right)));
    }

    #[test]
    fn more_usage_never_costs_less(list in rising_lists(), usage in usages(), more in usages(), facts in all_facts()) {
        let mut greater = usage.clone();
        for (meter, quantity) in more.meters {
            let sum = greater.get(meter).unwrap_or_default().saturating_add(quantity);
            greater.meters.insert(meter, sum);
        }
        let (less, more) = (bill(&list, &usage, &facts), bill(&list, &greater, &facts));
        if let (Some(less), Some(more)) = (less.exact, more.exact) {
            prop_assert!(less <= more, "{less} is above {more}");
        }
    }

    #[test]
    fn no_report_panics_or_costs_less_than_nothing(reported in reported_usages(), list in lists(), facts in all_facts()) {
        let usage = disjoint(&reported);
        match PriceSet::of_terms(list).unwrap().bill(HEAD, &usage, &facts) {
            Ok(bill) => {
                prop_assert!(adds_up(&bill));
                prop_assert!(bill.cost.is_none_or(|cost| cost.amount >= Decimal::ZERO));
            }
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::InvalidRequest),
        }
    }

    #[test]
    fn a_token_that_is_reported_once_is_billed_once(reported in reported_usages()) {
        let reported = ReportedUsage { total: None, ..reported };
        let usage = disjoint(&reported);
        let is_inside = reported.cached_place == Place::Inside;
        if let Some(input) = reported.input.filter(|_| is_inside && reported.input_outside.is_none()) {
            let sum: u128 = usage.meters.iter().filter(|(meter, _)| meter.is_input()).map(|(_, quantity)| u128::from(quantity.whole())).sum();
            prop_assert_eq!(sum, u128::from(input));
        }
    }

    #[test]
    fn exact_amounts_add_in_any_order(
        amounts in prop::collection::vec((any::<u64>(), 0_u32..28, prop::sample::select(vec![1_u64, 7, 60, 3_600, 1_000_000])), 3),
    ) {
        let exact: Vec<Exact> = amounts
            .iter()
            .map(|(mantissa, scale, divisor)| Exact::product(&[Decimal::from_i128_with_scale(i128::from(*mantissa), *scale)], *divisor))
            .collect();
        let (left, middle, right) = (&exact[0], &exact[1], &exact[2]);
        prop_assert_eq!(left.add(middle).add(right), left.add(&middle.add(right)));
        prop_assert_eq!(left.add(middle), middle.add(left));
    }

    #[test]
    fn the_rounded_amount_is_within_half_of_the_last_decimal(mantissa in any::<u64>(), scale in 10_u32..28, divisor in 1_u64..5_000) {
        let exact = Exact::product(&[Decimal::from_i128_with_scale(i128::from(mantissa), scale)], divisor);
        let (kept, is_rounded) = exact.for_ledger().unwrap();
        let error = exact.add(&Exact::from(-kept));
        let half = Decimal::from_i128_with_scale(5, 19);
        prop_assert!(error <= Exact::from(half) && error >= Exact::from(-half));
        prop_assert_eq!(is_rounded, !error.is_zero());
    }
}
