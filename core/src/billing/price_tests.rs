use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::types::{Iteration, ModelConfigId, PriceTerms, Receipt, Unit};

const HEAD: BillHead<'_> = BillHead { attempt: 1, model: "house/model", reported_currency: Currency::USD };

fn price(id: u64, meter: Meter, unit_price: &str, from: &str, until: Option<&str>) -> Price {
    Price {
        id: PriceId::new(id),
        model_config_id: ModelConfigId::new(1),
        terms: PriceTerms {
            pricing_type: meter,
            unit_price: unit_price.parse().unwrap(),
            unit: if meter == Meter::Request { Unit::PerRequest } else { Unit::Per1mTokens },
            currency: Currency::USD,
            effective_date: from.parse().unwrap(),
            expiry_date: until.map(|until| until.parse().unwrap()),
            is_active: true,
            source: "user".into(),
        },
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn set(prices: &[(Meter, &str)]) -> PriceSet {
    let rows: Vec<_> = (1..)
        .zip(prices)
        .map(|(id, (meter, amount))| price(id, *meter, amount, "2026-01-01T00:00:00Z", None))
        .collect();
    PriceSet::in_force(&rows, "2026-06-01T00:00:00Z".parse().unwrap()).unwrap()
}

fn usage(meters: &[(Meter, u64)]) -> Usage {
    Usage { meters: meters.iter().copied().collect(), ..Usage::default() }
}

/// Tells whether a bill's lines sum to its cost.
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
    let bill = prices.bill(HEAD, &usage).unwrap();
    assert_eq!(bill.cost.unwrap().amount.to_string().parse::<Decimal>().unwrap(), "0.010723".parse().unwrap());
    assert_eq!(bill.cost_status, CostStatus::Computed);
    assert_eq!(bill.lines.len(), 7);
    assert!(adds_up(&bill));
}

#[test]
fn a_meter_without_a_price_takes_its_parents() {
    let prices = set(&[(Meter::InputToken, "2"), (Meter::OutputToken, "8")]);
    let bill = prices.bill(HEAD, &usage(&[(Meter::CachedInputToken, 10), (Meter::ReasoningToken, 10)])).unwrap();
    assert_eq!(bill.cost.unwrap().amount, "0.0001".parse().unwrap());
}

#[test]
fn no_price_is_unpriced_and_never_zero() {
    let bill = PriceSet::default().bill(HEAD, &usage(&[(Meter::InputToken, 10)])).unwrap();
    assert_eq!((bill.cost, bill.cost_status), (None, CostStatus::Unpriced));
    let only_input = set(&[(Meter::InputToken, "2")]);
    let bill = only_input.bill(HEAD, &usage(&[(Meter::InputToken, 10), (Meter::OutputToken, 1)])).unwrap();
    assert_eq!((bill.cost, bill.cost_status), (None, CostStatus::Unpriced));
    let nothing_known =
        set(&[(Meter::InputToken, "2"), (Meter::OutputToken, "2")]).bill(HEAD, &Usage::default()).unwrap();
    assert_eq!(nothing_known.cost_status, CostStatus::Unpriced);
}

#[test]
fn a_reported_cost_stands_in_for_a_missing_price() {
    let mut used = usage(&[(Meter::InputToken, 10)]);
    used.reported_cost = Some("0.00042".parse().unwrap());
    let bill = PriceSet::default().bill(HEAD, &used).unwrap();
    assert_eq!(bill.cost_status, CostStatus::Reported);
    assert_eq!(bill.cost.unwrap().amount, "0.00042".parse().unwrap());
    let priced = set(&[(Meter::InputToken, "2"), (Meter::OutputToken, "2")]).bill(HEAD, &used).unwrap();
    assert_eq!(priced.cost_status, CostStatus::Computed);
}

#[test]
fn work_of_the_same_model_beside_the_answer_is_billed() {
    let prices = set(&[(Meter::InputToken, "1"), (Meter::OutputToken, "1")]);
    let mut used = usage(&[(Meter::InputToken, 162), (Meter::OutputToken, 1)]);
    let meters = [(Meter::InputToken, 99_195)].into();
    used.iterations = vec![Iteration { kind: "compaction".into(), model: None, meters }];
    let bill = prices.bill(HEAD, &used).unwrap();
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
        let set = PriceSet::in_force(&rows, instant.parse().unwrap()).unwrap();
        set.price_of(Meter::InputToken).map(|price| price.id.get())
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
    let error = PriceSet::in_force(&rows, "2026-06-01T00:00:00Z".parse().unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CurrencyMismatch);
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
        let bill = prices.bill(HEAD, &used).unwrap();
        prop_assert!(adds_up(&bill));
        prop_assert!(bill.cost.unwrap().amount <= prices.worst_case(input, output, false).unwrap().unwrap().amount);
    }
}
