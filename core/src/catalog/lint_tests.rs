use super::*;

/// Makes a book of one offer with prices of a million tokens, as JSON holds them.
fn book(model: &str, prices: &str) -> PriceBook {
    let offer = format!(
        r#"{{"provider": "acme", "model": "{model}", "currency": "USD", "source": "list", "checked": "2026-11-01", "prices": [{prices}]}}"#
    );
    PriceBook { offers: vec![serde_json::from_str(&offer).unwrap()] }
}

fn price(meter: &str, amount: &str, more: &str) -> String {
    let separator = if more.is_empty() { "" } else { ", " };
    format!(r#"{{"pricing_type": "{meter}", "unit_price": "{amount}", "unit": "per_1m_tokens"{separator}{more}}}"#)
}

fn prices(prices: &[(&str, &str, &str)]) -> String {
    prices.iter().map(|(meter, amount, more)| price(meter, amount, more)).collect::<Vec<_>>().join(", ")
}

fn rules(book: &PriceBook) -> Vec<String> {
    let mut rules: Vec<_> = lint(book).into_iter().map(|finding| finding.rule).collect();
    rules.dedup();
    rules
}

const LONG: &str = r#""conditions": {"input_tokens": {"above": 200}}"#;
const SHORT: &str = r#""conditions": {"input_tokens": {"up_to": 200}}"#;
const BATCH: &str = r#""conditions": {"service_tier": "batch"}"#;
const PEAK: &str = r#""conditions": {"calendar": {"hours": [{"from": "01:00:00", "until": "04:00:00"}]}}"#;
const NIGHT: &str = r#""conditions": {"calendar": {"hours": [{"from": "22:00:00", "until": "01:00:00"}]}}"#;
const LATE: &str = r#""conditions": {"calendar": {"hours": [{"from": "03:00:00", "until": "05:00:00"}]}}"#;

#[test]
fn a_sound_list_has_no_findings() {
    let sound = prices(&[
        ("input_token", "3", ""),
        ("input_token", "6", LONG),
        ("input_token", "1.5", BATCH),
        ("cached_input_token", "0.3", ""),
        ("cache_write_1h_token", "6", ""),
        ("output_token", "15", ""),
        ("output_token", "20", PEAK),
        ("output_token", "21", NIGHT),
        ("reasoning_token", "1", r#""expiry_date": "2026-06-01T00:00:00Z""#),
        ("reasoning_token", "2", r#""effective_date": "2026-06-01T00:00:00Z""#),
    ]);
    let modifiers = r#", {"pricing_type": "modifier", "unit_price": "0.5", "unit": "ratio", "modifier": {"group": "tier", "order": 1}},
        {"pricing_type": "modifier", "unit_price": "1.1", "unit": "ratio", "modifier": {"group": "region", "order": 2}}"#;
    let list = format!("{sound}{modifiers}");
    assert_eq!(rules(&book("claude-duck", &list)), ["ambiguous"], "of a long batch either price may be meant");
    let settled =
        price("input_token", "3", r#""conditions": {"service_tier": "batch", "input_tokens": {"above": 200}}"#);
    assert_eq!(lint(&book("claude-duck", &format!("{settled}, {list}"))), []);
}

#[test]
fn each_rule_finds_what_it_is_for_and_nothing_else() {
    let cases = [
        ("unit_odd", "duck", prices(&[("image", "1", "")])),
        ("unit_odd", "duck", prices(&[("input_token", "3", "")]).replace("per_1m_tokens", "per_token")),
        ("unit_odd", "duck", prices(&[("modifier", "1", r#""modifier": {"group": "tier"}"#)])),
        ("too_many_digits", "duck", prices(&[("input_token", "0.050000000000000004", "")])),
        (
            "dates_contradict",
            "duck",
            prices(&[(
                "input_token",
                "1",
                r#""effective_date": "2027-06-01T00:00:00Z", "expiry_date": "2027-06-01T00:00:00Z""#,
            )]),
        ),
        ("promotion_over", "duck", prices(&[("input_token", "1", r#""expiry_date": "2026-11-01T00:00:00Z""#)])),
        ("cached_above_input", "duck", prices(&[("input_token", "1", ""), ("cached_input_token", "1.1", "")])),
        (
            "write_1h_not_double",
            "claude-duck",
            prices(&[("input_token", "3", ""), ("cache_write_1h_token", "3.75", "")]),
        ),
        ("batch_above_standard", "duck", prices(&[("input_token", "1", ""), ("input_token", "2", BATCH)])),
        ("tiers_not_rising", "duck", prices(&[("input_token", "2", SHORT), ("input_token", "1", LONG)])),
        ("free_output", "duck", prices(&[("input_token", "2", ""), ("output_token", "0", "")])),
        ("ambiguous", "duck", prices(&[("input_token", "2", ""), ("input_token", "3", "")])),
        ("ambiguous", "duck", prices(&[("input_token", "2", PEAK), ("input_token", "3", LATE)])),
        ("ambiguous", "duck", prices(&[("input_token", "2", PEAK), ("input_token", "3", LONG)])),
        (
            "groups_without_order",
            "duck",
            r#"{"pricing_type": "modifier", "unit_price": "0.5", "unit": "ratio", "modifier": {"group": "tier"}},
               {"pricing_type": "modifier", "unit_price": "2", "unit": "ratio", "modifier": {"group": "region"}}"#
                .to_owned(),
        ),
        (
            "groups_without_order",
            "duck",
            r#"{"pricing_type": "modifier", "unit_price": "0.5", "unit": "ratio", "modifier": {"group": ""}}"#
                .to_owned(),
        ),
    ];
    for (rule, model, prices) in &cases {
        assert_eq!(rules(&book(model, prices)), [*rule], "{prices}");
    }
    let tested: BTreeSet<&str> =
        cases.iter().map(|(rule, ..)| *rule).chain(["out_of_range", "too_many_prices"]).collect();
    assert_eq!(tested, RULES.into_iter().collect());
}

#[test]
fn a_price_far_from_those_of_other_sellers_is_found() {
    let mut together = book("zoo/Duck", &prices(&[("input_token", "0.6", "")]));
    for (provider, amount) in [("bolt", "0.55"), ("wand", "60000")] {
        let mut other = book("duck", &prices(&[("input_token", amount, "")]));
        other.offers[0].provider = provider.to_owned();
        together.offers.append(&mut other.offers);
    }
    let far: Vec<_> = lint(&together).into_iter().filter(|finding| finding.rule == "out_of_range").collect();
    assert_eq!(far.len(), 1, "{far:?}");
    assert_eq!(far[0].offer, "wand/duck");
    together.offers[2].currency = Currency::CNY;
    assert!(!rules(&together).contains(&"out_of_range".to_owned()), "another currency is no sibling");
}

#[test]
fn embeddings_give_no_output_to_charge_for() {
    let mut book = book("duck", &prices(&[("input_token", "2", ""), ("output_token", "0", "")]));
    book.offers[0].capability = Capability::Embedding;
    assert_eq!(rules(&book), Vec::<String>::new());
}

#[test]
fn a_meter_with_more_prices_than_can_be_compared_is_reported() {
    let range = |place: usize| format!(r#""conditions": {{"input_tokens": {{"above": {place}}}}}"#);
    let many: Vec<String> = (0..500).map(|place| price("input_token", &place.to_string(), &range(place))).collect();
    assert_eq!(rules(&book("duck", &many.join(", "))), ["too_many_prices"]);
    let few = lint(&book("duck", &many[..64].join(", ")));
    assert!(few.iter().all(|finding| finding.rule == "ambiguous") && few.len() == 64 * 63 / 2, "{}", few.len());
}

#[test]
fn the_price_in_the_middle_is_that_of_all_others_and_ones_own() {
    let prices = |prices: &[(u64, &str)]| {
        Siblings::of(prices.iter().map(|(price, name)| (Decimal::from(*price), (*name).to_owned())).collect())
    };
    for (all, own, middle) in [
        (&[(5, "own")][..], 5, None),
        (&[(5, "own"), (9, "b")], 5, Some(9)),
        (&[(5, "own"), (9, "b"), (7, "c")], 5, Some(7)),
        (&[(8, "own"), (9, "b"), (7, "c")], 8, Some(8)),
        (&[(10, "own"), (9, "b"), (7, "c")], 10, Some(9)),
        (&[(1, "own"), (2, "own"), (3, "b"), (4, "c"), (5, "d")], 1, Some(4)),
    ] {
        assert_eq!(prices(all).middle("own", own.into()), middle.map(Decimal::from), "{all:?}");
    }
}

#[test]
fn the_largest_prices_are_looked_at_too() {
    let most = "79228162514264337593543950335";
    let list =
        prices(&[("input_token", most, ""), ("cache_write_1h_token", most, ""), ("cached_input_token", most, "")]);
    assert!(rules(&book("claude-duck", &list)).contains(&"write_1h_not_double".to_owned()));
}
