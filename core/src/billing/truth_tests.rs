use jiff::Timestamp;

use super::*;
use crate::types::{Currency, Decimal, Meter, PriceTerms, Unit};

const HEAD: BillHead<'_> = BillHead { attempt: 1, model: "openrouter/m", reported_currency: Currency::USD };

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Prices of a dollar, or a yuan, for a million tokens either way.
fn prices(source: &str, currency: Currency) -> PriceSet {
    PriceSet::of_terms([Meter::InputToken, Meter::OutputToken].map(|meter| PriceTerms {
        source: source.to_owned(),
        ..PriceTerms::new(meter, Decimal::ONE, Unit::Per1mTokens, currency, Timestamp::UNIX_EPOCH)
    }))
    .unwrap()
}

/// A usage that the prices make 0.0015 of.
fn usage(stated: Option<&str>) -> Usage {
    let meters = [(Meter::InputToken, 1_000.into()), (Meter::OutputToken, 500.into())].into();
    Usage { meters, reported_cost: stated.map(decimal), ..Usage::default() }
}

fn bill(prices: &PriceSet, usage: &mut Usage, policy: ReportedCostPolicy) -> Bill {
    let bill = charge(prices, HEAD, usage, &Facts::at(Timestamp::UNIX_EPOCH), policy).unwrap();
    if let Some(cost) = bill.cost {
        let of_currency = bill.lines.iter().filter(|line| line.amount.is_some());
        assert!(of_currency.clone().all(|line| line.currency == Some(cost.currency)));
        assert_eq!(of_currency.filter_map(|line| line.amount).sum::<Decimal>(), cost.amount);
    }
    bill
}

fn cost(bill: &Bill) -> Option<String> {
    bill.cost.map(|cost| cost.amount.normalize().to_string())
}

#[test]
fn the_users_price_beats_the_statement_and_the_statement_beats_the_catalog() {
    use ReportedCostPolicy::{Always, Never, OverCatalog};
    for (source, policy, billed, status) in [
        ("user", OverCatalog, "0.0015", CostStatus::Computed),
        ("user", Always, "0.005", CostStatus::Reported),
        ("user", Never, "0.0015", CostStatus::Computed),
        ("litellm 1.2", OverCatalog, "0.005", CostStatus::Reported),
        ("litellm 1.2", Always, "0.005", CostStatus::Reported),
        ("litellm 1.2", Never, "0.0015", CostStatus::Computed),
    ] {
        let mut used = usage(Some("0.005"));
        let bill = bill(&prices(source, Currency::USD), &mut used, policy);
        assert_eq!((cost(&bill).as_deref(), bill.cost_status), (Some(billed), status), "{source} {policy:?}");
        assert_eq!(used.flags, [UsageFlag::ReportedCostDiffers]);
        assert_eq!(used.computed_cost.is_some(), status == CostStatus::Reported);
    }
}

#[test]
fn without_a_price_the_stated_cost_is_billed_unless_the_setting_is_never() {
    let mut used = usage(Some("0.005"));
    let billed = bill(&PriceSet::default(), &mut used, ReportedCostPolicy::OverCatalog);
    assert_eq!((cost(&billed).as_deref(), billed.cost_status), (Some("0.005"), CostStatus::Reported));
    let unpriced = bill(&PriceSet::default(), &mut used, ReportedCostPolicy::Never);
    assert_eq!((unpriced.cost, unpriced.cost_status), (None, CostStatus::Unpriced));
}

#[test]
fn a_statement_that_the_prices_agree_with_adds_no_line() {
    let mut used = usage(Some("0.00150"));
    let billed = bill(&prices("catalog", Currency::USD), &mut used, ReportedCostPolicy::OverCatalog);
    assert_eq!((billed.lines.len(), billed.cost_status), (2, CostStatus::Reported));
    assert!(used.flags.is_empty());
}

#[test]
fn a_statement_of_nothing_for_an_answer_that_has_a_price_is_not_believed() {
    let mut used = usage(Some("0"));
    let billed = bill(&prices("catalog", Currency::USD), &mut used, ReportedCostPolicy::OverCatalog);
    assert_eq!((cost(&billed).as_deref(), billed.cost_status), (Some("0.0015"), CostStatus::Computed));
    assert_eq!(used.flags, [UsageFlag::ReportedCostDiffers]);
    let mut empty = usage(Some("0"));
    empty.meters.insert(Meter::OutputToken, 0.into());
    let billed = bill(&prices("catalog", Currency::USD), &mut empty, ReportedCostPolicy::OverCatalog);
    assert_eq!((cost(&billed).as_deref(), billed.cost_status), (Some("0"), CostStatus::Reported));
}

#[test]
fn a_statement_in_another_currency_is_billed_in_its_own() {
    let mut used = usage(Some("0.005"));
    let billed = bill(&prices("catalog", Currency::CNY), &mut used, ReportedCostPolicy::OverCatalog);
    assert_eq!(billed.cost, Some(Money::new(decimal("0.005"), Currency::USD)));
    assert_eq!(used.computed_cost, Some(Money::new(decimal("0.0015"), Currency::CNY)));
    assert!(used.flags.is_empty());
}

#[test]
fn a_statement_beats_a_users_price_of_quantities_that_nobody_counted() {
    let mut used = usage(Some("0.005"));
    used.flag(UsageFlag::Estimated);
    let billed = bill(&prices("user", Currency::USD), &mut used, ReportedCostPolicy::OverCatalog);
    assert_eq!((cost(&billed).as_deref(), billed.cost_status), (Some("0.005"), CostStatus::Reported));
}

#[test]
fn usage_above_a_bound_is_billed_at_the_bound() {
    let mut used = usage(Some("7"));
    let mut billed = bill(&prices("catalog", Currency::USD), &mut used, ReportedCostPolicy::OverCatalog);
    for (bound, currency, amount) in
        [("9", Currency::USD, "7"), ("2", Currency::CNY, "7"), ("2.5", Currency::USD, "2.5")]
    {
        hold_to_bound(HEAD, &mut billed, &mut used, Money::new(decimal(bound), currency)).unwrap();
        assert_eq!(cost(&billed).as_deref(), Some(amount));
        assert_eq!(billed.lines.iter().filter_map(|line| line.amount).sum::<Decimal>(), decimal(amount));
        assert_eq!(used.flags.contains(&UsageFlag::UsageExceedsBound), bound == "2.5");
    }
}
