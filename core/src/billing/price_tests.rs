use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::billing::component::of_rows;
use crate::billing::worst_case::Bounds;
use crate::types::{Conditions, Iteration, ModelConfigId, Modifier, Price, PricingType, Receipt, Superseded, Unit};

const HEAD: BillHead<'_> = BillHead { attempt: 1, model: "house/model", reported_currency: Currency::USD };

fn price(id: u64, meter: Meter, unit_price: &str, from: &str, until: Option<&str>) -> Price {
    let unit = if meter == Meter::Request { Unit::PerRequest } else { Unit::Per1mTokens };
    let from: Timestamp = from.parse().unwrap();
    let mut terms = PriceTerms::new(meter, unit_price.parse().unwrap(), unit, Currency::USD, from);
    terms.expiry_date = until.map(|until| until.parse().unwrap());
    Price {
        id: PriceId::new(id),
        model_config_id: ModelConfigId::new(1),
        terms,
        created_at: Timestamp::UNIX_EPOCH,
        superseded: None,
    }
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn in_force(rows: &[Price], at: &str) -> Result<PriceSet> {
    PriceSet::in_force(&of_rows(rows), instant(at), instant(at))
}

fn noon() -> Facts {
    Facts::at(instant("2026-06-01T12:00:00Z"))
}

fn conditions(text: &str) -> Conditions {
    Conditions::from_canonical(text).unwrap()
}

/// Makes prices of a million tokens, each under conditions.
fn list(prices: &[(Meter, &str, &str)]) -> PriceSet {
    PriceSet::of_terms(prices.iter().map(|(meter, amount, when)| PriceTerms {
        conditions: conditions(when),
        ..price(1, *meter, amount, "2026-01-01T00:00:00Z", None).terms
    }))
    .unwrap()
}

fn modifier(ratio: &str, group: &str, when: &str) -> PriceTerms {
    PriceTerms {
        pricing_type: PricingType::MODIFIER,
        unit: Unit::Ratio,
        conditions: conditions(when),
        modifier: Some(Modifier { group: group.to_owned(), ..Modifier::default() }),
        ..price(1, Meter::InputToken, ratio, "2026-01-01T00:00:00Z", None).terms
    }
}

fn cost(prices: &PriceSet, meters: &[(Meter, u64)], facts: &Facts) -> String {
    let bill = prices.bill(HEAD, &usage(meters), facts).unwrap();
    assert!(adds_up(&bill));
    bill.cost.map_or_else(|| "unpriced".to_owned(), |cost| cost.amount.to_string())
}

fn set(prices: &[(Meter, &str)]) -> PriceSet {
    let rows: Vec<_> = (1..)
        .zip(prices)
        .map(|(id, (meter, amount))| price(id, *meter, amount, "2026-01-01T00:00:00Z", None))
        .collect();
    in_force(&rows, "2026-06-01T00:00:00Z").unwrap()
}

fn usage(meters: &[(Meter, u64)]) -> Usage {
    Usage { meters: meters.iter().map(|(meter, quantity)| (*meter, (*quantity).into())).collect(), ..Usage::default() }
}

/// Returns whether a bill's lines sum to its cost.
fn adds_up(bill: &Bill) -> bool {
    let Ok(receipt) = Receipt::from_lines(bill.lines.clone()) else { return false };
    bill.cost.is_none_or(|cost| receipt.totals.get(cost.currency).unwrap_or_default() == cost.amount)
}

#[test]
fn every_meter_makes_a_line_and_the_lines_sum_to_the_cost() {
    let prices = set(&[
        (Meter::InputToken, "3"),
        (Meter::CachedInputToken, "0.3"),
        (Meter::CacheWrite5mToken, "3.75"),
        (Meter::CacheWrite1hToken, "6"),
        (Meter::OutputToken, "15"),
        (Meter::Request, "0.01"),
    ]);
    let usage = usage(&[
        (Meter::InputToken, 7),
        (Meter::CachedInputToken, 1_000),
        (Meter::CacheWrite5mToken, 40),
        (Meter::CacheWrite1hToken, 2),
        (Meter::OutputToken, 11),
        (Meter::ReasoningToken, 5),
    ]);
    let bill = prices.bill(HEAD, &usage, &noon()).unwrap();
    assert_eq!(bill.cost.unwrap().amount.to_string().parse::<Decimal>().unwrap(), "0.010723".parse().unwrap());
    assert_eq!(bill.cost_status, CostStatus::Computed);
    assert_eq!(bill.lines.len(), 7);
    assert!(adds_up(&bill));
}

#[test]
fn a_meter_without_a_price_takes_its_parents() {
    let prices = set(&[(Meter::InputToken, "2"), (Meter::OutputToken, "8")]);
    let bill =
        prices.bill(HEAD, &usage(&[(Meter::CachedInputToken, 10), (Meter::ReasoningToken, 10)]), &noon()).unwrap();
    assert_eq!(bill.cost.unwrap().amount, "0.0001".parse().unwrap());
}

#[test]
fn no_price_is_unpriced_and_never_zero() {
    let bill = PriceSet::default().bill(HEAD, &usage(&[(Meter::InputToken, 10)]), &noon()).unwrap();
    assert_eq!((bill.cost, bill.cost_status), (None, CostStatus::Unpriced));
    let only_input = set(&[(Meter::InputToken, "2")]);
    let bill = only_input.bill(HEAD, &usage(&[(Meter::InputToken, 10), (Meter::OutputToken, 1)]), &noon()).unwrap();
    assert_eq!((bill.cost, bill.cost_status), (None, CostStatus::Unpriced));
    let nothing_known =
        set(&[(Meter::InputToken, "2"), (Meter::OutputToken, "2")]).bill(HEAD, &Usage::default(), &noon()).unwrap();
    assert_eq!(nothing_known.cost_status, CostStatus::Unpriced);
}

#[test]
fn a_reported_cost_stands_in_for_a_missing_price() {
    let mut used = usage(&[(Meter::InputToken, 10)]);
    used.reported_cost = Some("0.00042".parse().unwrap());
    let bill = PriceSet::default().bill(HEAD, &used, &noon()).unwrap();
    assert_eq!(bill.cost_status, CostStatus::Reported);
    assert_eq!(bill.cost.unwrap().amount, "0.00042".parse().unwrap());
    let priced = set(&[(Meter::InputToken, "2"), (Meter::OutputToken, "2")]).bill(HEAD, &used, &noon()).unwrap();
    assert_eq!(priced.cost_status, CostStatus::Computed);
}

#[test]
fn work_of_the_same_model_beside_the_answer_is_billed() {
    let prices = set(&[(Meter::InputToken, "1"), (Meter::OutputToken, "1")]);
    let mut used = usage(&[(Meter::InputToken, 162), (Meter::OutputToken, 1)]);
    let meters = [(Meter::InputToken, 99_195.into())].into();
    used.iterations = vec![Iteration { kind: "compaction".into(), model: None, meters }];
    let bill = prices.bill(HEAD, &used, &noon()).unwrap();
    assert_eq!(bill.cost.unwrap().amount, "0.099358".parse().unwrap());
    assert_eq!(bill.lines[2].note.as_deref(), Some("compaction"));
}

#[test]
fn the_price_in_force_at_the_instant_counts() {
    let rows = [
        price(1, Meter::InputToken, "1", "2026-01-01T00:00:00Z", Some("2026-06-01T00:00:00Z")),
        price(2, Meter::InputToken, "2", "2026-06-01T00:00:00Z", None),
    ];
    let at = |instant: &str| {
        let set = in_force(&rows, instant).unwrap();
        set.prices_of(Meter::InputToken).first().and_then(|price| price.price_id).map(PriceId::get)
    };
    assert_eq!(at("2025-12-31T23:59:59Z"), None);
    assert_eq!(at("2026-05-31T23:59:59Z"), Some(1));
    assert_eq!(at("2026-06-01T00:00:00Z"), Some(2));
}

#[test]
fn two_currencies_in_one_model_are_refused() {
    let mut yuan = price(2, Meter::OutputToken, "1", "2026-01-01T00:00:00Z", None);
    yuan.terms.currency = Currency::CNY;
    let rows = [price(1, Meter::InputToken, "1", "2026-01-01T00:00:00Z", None), yuan];
    let error = in_force(&rows, "2026-06-01T00:00:00Z").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CurrencyMismatch);
}

#[test]
fn a_tier_by_length_prices_the_whole_request_and_its_ends_are_exact() {
    let prices = list(&[
        (Meter::InputToken, "1", ""),
        (Meter::InputToken, "2", r#"{"input_tokens": {"above": 200}}"#),
        (Meter::CachedInputToken, "0.1", ""),
        (Meter::OutputToken, "4", ""),
        (Meter::OutputToken, "8", r#"{"input_tokens": {"above": 200}}"#),
    ]);
    let at = |input, cached| {
        cost(
            &prices,
            &[(Meter::InputToken, input), (Meter::CachedInputToken, cached), (Meter::OutputToken, 10)],
            &noon(),
        )
    };
    assert_eq!(at(200, 0), "0.00024");
    assert_eq!(at(201, 0), "0.000482");
    assert_eq!(at(1, 200), "0.000102", "cached input counts to the length, and keeps its own price");
}

#[test]
fn a_marginal_price_is_for_the_part_in_its_range() {
    let prices = list(&[
        (Meter::InputToken, "1", ""),
        (Meter::InputToken, "2", r#"{"input_tokens": {"above": 200}, "scale": "marginal"}"#),
        (Meter::OutputToken, "4", ""),
    ]);
    assert_eq!(cost(&prices, &[(Meter::InputToken, 300)], &noon()), "0.0004");
    let bill = prices.bill(HEAD, &usage(&[(Meter::InputToken, 300)]), &noon()).unwrap();
    let parts: Vec<_> = bill.lines.iter().map(|line| line.quantity.whole()).collect();
    assert_eq!(parts, [100, 200]);
}

#[test]
fn of_two_prices_that_apply_the_one_with_more_conditions_counts() {
    let prices = list(&[
        (Meter::InputToken, "1", ""),
        (Meter::InputToken, "0.5", r#"{"service_tier": "batch"}"#),
        (Meter::InputToken, "0.7", r#"{"service_tier": "batch", "input_tokens": {"above": 200}}"#),
    ]);
    let mut facts = noon();
    assert_eq!(cost(&prices, &[(Meter::InputToken, 1_000_000)], &facts), "1");
    facts.set(Attribute::ServiceTier, "Batch");
    assert_eq!(cost(&prices, &[(Meter::InputToken, 100)], &facts), "0.00005");
    assert_eq!(cost(&prices, &[(Meter::InputToken, 1_000_000)], &facts), "0.7");
    facts.set(Attribute::ServiceTier, "flex");
    let bill = prices.bill(HEAD, &usage(&[(Meter::InputToken, 100)]), &facts).unwrap();
    assert!(!bill.covers_tier && bill.cost.is_some());
}

#[test]
fn a_price_whose_conditions_do_not_hold_does_not_apply() {
    let prices = list(&[(Meter::Image, "1", "")]);
    assert_eq!(cost(&prices, &[(Meter::VideoSecond, 5)], &noon()), "unpriced");
    let prices = list(&[(Meter::InputToken, "1", r#"{"thinking": true}"#)]);
    assert_eq!(cost(&prices, &[(Meter::InputToken, 5)], &noon()), "unpriced", "a fact that is not known does not hold");
}

#[test]
fn modifiers_multiply_in_order_one_of_a_group_and_never_twice_for_one_fact() {
    let mut terms = vec![
        price(1, Meter::InputToken, "1", "2026-01-01T00:00:00Z", None).terms,
        PriceTerms {
            conditions: conditions(r#"{"service_tier": "batch"}"#),
            ..price(1, Meter::CachedInputToken, "0.2", "2026-01-01T00:00:00Z", None).terms
        },
        modifier("0.5", "tier", r#"{"service_tier": "batch"}"#),
        modifier("1.1", "region", r#"{"region": "us"}"#),
        modifier("3", "region", ""),
    ];
    let mut facts = noon();
    facts.set(Attribute::ServiceTier, "batch");
    facts.set(Attribute::Region, "US");
    let million = [(Meter::InputToken, 1_000_000), (Meter::CachedInputToken, 1_000_000)];
    let prices = PriceSet::of_terms(terms.clone()).unwrap();
    // 1 x 0.5 x 1.1 for the input; the cached price is the batch price already, 0.2 x 1.1.
    assert_eq!(cost(&prices, &million, &facts), "0.77");
    let bill = prices.bill(HEAD, &usage(&million), &facts).unwrap();
    assert_eq!(bill.lines[0].modifiers.iter().map(|used| used.group.as_str()).collect::<Vec<_>>(), ["region", "tier"]);
    if let Some(modifier) = &mut terms[3].modifier {
        modifier.excludes.push("tier".to_owned());
    }
    assert_eq!(cost(&PriceSet::of_terms(terms).unwrap(), &million, &facts), "1.32");
}

#[test]
fn a_modifier_excludes_another_group_in_either_order() {
    let input = price(1, Meter::InputToken, "1", "2026-01-01T00:00:00Z", None).terms;
    let excluding = |ratio, group: &str, order, excluded: &[&str]| {
        let mut terms = modifier(ratio, group, "");
        if let Some(modifier) = &mut terms.modifier {
            modifier.order = order;
            modifier.excludes = excluded.iter().map(|group| (*group).to_owned()).collect();
        }
        terms
    };
    let half = excluding("0.5", "batch", 0, &[]);
    let fast = |order, excluded: &[&str]| excluding("6", "fast", order, excluded);
    for (modifiers, amount) in [
        (vec![half.clone(), fast(-1, &["batch"])], "6"),
        (vec![half.clone(), fast(1, &["batch"])], "6"),
        (vec![half.clone(), fast(1, &[])], "3"),
        (vec![excluding("0.5", "batch", 0, &["fast"]), fast(1, &["batch"])], "0.5"),
        // What is itself excluded excludes nothing.
        (vec![half, fast(1, &["batch"]), excluding("2", "plan", 2, &["fast"])], "1"),
    ] {
        let prices = PriceSet::of_terms(modifiers.into_iter().chain([input.clone()])).unwrap();
        assert_eq!(cost(&prices, &[(Meter::InputToken, 1_000_000)], &noon()), amount);
    }
}

#[test]
fn a_surcharge_is_added_to_the_price_of_its_meter() {
    let mut surcharge = price(1, Meter::InputToken, "0.5", "2026-01-01T00:00:00Z", None).terms;
    surcharge.basis = Basis::Surcharge;
    let terms = [price(1, Meter::InputToken, "1", "2026-01-01T00:00:00Z", None).terms, surcharge];
    let prices = PriceSet::of_terms(terms).unwrap();
    assert_eq!(cost(&prices, &[(Meter::CachedInputToken, 1_000_000)], &noon()), "1.5");
}

#[test]
fn a_marginal_price_is_for_the_part_in_its_range_whatever_stands_beside_it() {
    let part = |id, amount, when: &str| PriceTerms {
        conditions: conditions(when),
        ..price(id, Meter::InputToken, amount, "2026-01-01T00:00:00Z", None).terms
    };
    let terms = [
        part(1, "4", r#"{"input_tokens": {"above": 1000000}, "scale": "marginal"}"#),
        part(2, "1", r#"{"input_tokens": {"up_to": 1000000}, "service_tier": "flex", "scale": "marginal"}"#),
        PriceTerms {
            known_from: instant("2026-02-01T00:00:00Z"),
            ..part(3, "2", r#"{"input_tokens": {"up_to": 1000000}, "scale": "marginal"}"#)
        },
    ];
    let mut flex = noon();
    flex.set(Attribute::ServiceTier, "flex");
    let used = [(Meter::InputToken, 2_000_000)];
    assert_eq!(cost(&PriceSet::of_terms(terms.clone()).unwrap(), &used, &flex), "5");
    assert_eq!(cost(&PriceSet::of_terms(terms.clone()).unwrap(), &used, &noon()), "6");
    // What no range covers has no price, though another meter's range counts as much.
    let outer = PriceTerms { pricing_type: Meter::CachedInputToken.into(), ..terms[2].clone() };
    let prices = PriceSet::of_terms([outer, terms[2].clone()]).unwrap();
    assert_eq!(cost(&prices, &[(Meter::CachedInputToken, 2_000_000)], &noon()), "unpriced");
}

#[test]
fn the_smallest_amounts_are_kept_whole() {
    let tiny = set(&[(Meter::InputToken, "0.000123"), (Meter::OutputToken, "0.000000000457")]);
    assert_eq!(cost(&tiny, &[(Meter::InputToken, 1), (Meter::OutputToken, 3)], &noon()), "0.000000000123001371");
}

#[test]
fn a_fee_on_each_request_is_billed_without_a_price_under_it() {
    let mut fee = price(1, Meter::Request, "0.5", "2026-01-01T00:00:00Z", None).terms;
    fee.unit = Unit::PerRequest;
    fee.basis = Basis::Surcharge;
    let terms = [price(1, Meter::InputToken, "1", "2026-01-01T00:00:00Z", None).terms, fee];
    let prices = PriceSet::of_terms(terms).unwrap();
    assert_eq!(cost(&prices, &[(Meter::InputToken, 1_000_000)], &noon()), "1.5");
}

#[test]
fn modifiers_of_one_group_multiply_each_its_own_meters() {
    let ratio = |ratio, meter| {
        let mut terms = modifier(ratio, "batch", "");
        terms.modifier.as_mut().unwrap().meters.push(meter);
        terms
    };
    let plain = |meter| price(1, meter, "1", "2026-01-01T00:00:00Z", None).terms;
    let terms = [
        plain(Meter::InputToken),
        plain(Meter::OutputToken),
        ratio("0.5", Meter::InputToken),
        ratio("0.6", Meter::OutputToken),
    ];
    let prices = PriceSet::of_terms(terms).unwrap();
    let million = [(Meter::InputToken, 1_000_000), (Meter::OutputToken, 1_000_000)];
    assert_eq!(cost(&prices, &million, &noon()), "1.1");
}

#[test]
fn surcharges_and_modifiers_cannot_be_marginal() {
    let marginal = conditions(r#"{"input_tokens": {"above": 9}, "scale": "marginal"}"#);
    let mut surcharge = price(1, Meter::InputToken, "1", "2026-01-01T00:00:00Z", None).terms;
    surcharge.conditions = marginal.clone();
    assert_eq!(surcharge.problem(), None);
    surcharge.basis = Basis::Surcharge;
    let ratio = PriceTerms { conditions: marginal, ..modifier("2", "length", "") };
    assert!([surcharge, ratio].iter().all(|terms| terms.problem().is_some_and(|says| says.contains("marginal"))));
}

#[test]
fn minimum_quantities_steps_and_minimum_charges_are_billed() {
    let mut terms = price(1, Meter::InputToken, "3600", "2026-01-01T00:00:00Z", None).terms;
    terms.pricing_type = Meter::InputAudioSecond.into();
    terms.unit = Unit::PerHour;
    terms.rounding.minimum_quantity = Some(10.into());
    terms.rounding.step = Some(4.into());
    let prices = PriceSet::of_terms([terms]).unwrap();
    assert_eq!(cost(&prices, &[(Meter::InputAudioSecond, 1)], &noon()), "12");
    assert_eq!(cost(&prices, &[(Meter::InputAudioSecond, 13)], &noon()), "16");
    let bill = prices.bill(HEAD, &usage(&[(Meter::InputAudioSecond, 13)]), &noon()).unwrap();
    assert_eq!((bill.lines[0].quantity.whole(), bill.lines[0].billed_quantity), (13, Some(16.into())));
}

#[test]
fn amounts_that_no_decimal_holds_are_rounded_once_and_the_lines_still_sum() {
    let mut input = price(1, Meter::InputToken, "1", "2026-01-01T00:00:00Z", None).terms;
    input.pricing_type = Meter::InputAudioSecond.into();
    input.unit = Unit::PerHour;
    let mut output = input.clone();
    output.pricing_type = Meter::OutputAudioSecond.into();
    let prices = PriceSet::of_terms([input, output]).unwrap();
    let used = usage(&[(Meter::InputAudioSecond, 1), (Meter::OutputAudioSecond, 1)]);
    let bill = prices.bill(HEAD, &used, &noon()).unwrap();
    assert!(adds_up(&bill) && bill.is_rounded);
    assert_eq!(bill.exact.unwrap().to_text(), "0.0005555555555555555555555555555555556");
    assert_eq!(bill.cost.unwrap().amount.to_string(), "0.000555555555555556");
}

#[test]
fn a_correction_counts_from_when_it_was_known() {
    let mut wrong = price(1, Meter::InputToken, "1", "2026-01-01T00:00:00Z", None);
    wrong.superseded =
        Some(Superseded { from: instant("2026-03-01T00:00:00Z"), known_from: instant("2026-06-01T00:00:00Z") });
    let mut right = price(2, Meter::InputToken, "2", "2026-03-01T00:00:00Z", None);
    right.terms.known_from = instant("2026-06-01T00:00:00Z");
    let rows = of_rows(&[wrong, right]);
    let at = |at: &str, known: &str| {
        let set = PriceSet::in_force(&rows, instant(at), instant(known)).unwrap();
        cost(&set, &[(Meter::InputToken, 1_000_000)], &noon())
    };
    assert_eq!(at("2026-04-01T00:00:00Z", "2026-04-01T00:00:00Z"), "1", "what was billed then");
    assert_eq!(at("2026-04-01T00:00:00Z", "2026-07-01T00:00:00Z"), "2", "what it would have cost");
    assert_eq!(at("2026-02-01T00:00:00Z", "2026-07-01T00:00:00Z"), "1");
}

proptest! {
    #[test]
    fn the_worst_case_bounds_every_split(
        input in 0_u64..2_000_000, output in 0_u64..200_000, cached in 0_u64..2_000_000, written in 0_u64..2_000_000, reasoning in 0_u64..200_000,
    ) {
        let prices = set(&[
            (Meter::InputToken, "3"), (Meter::CachedInputToken, "0.3"), (Meter::CacheWrite5mToken, "3.75"),
            (Meter::OutputToken, "15"), (Meter::ReasoningToken, "17.5"), (Meter::Request, "0.002"),
        ]);
        let cached = cached.min(input);
        let written = written.min(input - cached);
        let reasoning = reasoning.min(output);
        let used = usage(&[
            (Meter::InputToken, input - cached - written), (Meter::CachedInputToken, cached), (Meter::CacheWrite5mToken, written),
            (Meter::OutputToken, output - reasoning), (Meter::ReasoningToken, reasoning),
        ]);
        let bill = prices.bill(HEAD, &used, &noon()).unwrap();
        prop_assert!(adds_up(&bill));
        let possible = |meter: Meter| meter != Meter::CacheWrite1hToken;
        let bounds = Bounds { input_tokens: input, output_tokens: output, possible: &possible, counts: &BTreeMap::new() };
        prop_assert!(bill.cost.unwrap().amount <= prices.worst_case(HEAD, bounds, &noon()).unwrap().unwrap().cost.amount);
    }
}
