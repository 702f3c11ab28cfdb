use super::*;
use crate::types::{Basis, Capability, Currency, ErrorKind, Meter, Unit};

const OFFERS: [&str; 3] = [
    r#"{"p":"acme","m":"duck-2","a":["duck-2-2026-01-05","duck-latest"],"c":"EUR","o":4096,"s":"list","d":"2026-11-20","x":[{"t":"2027-01-01T00:00:00Z","q":{"input_token":"0.10","output_token":"2","output_audio_token@per_1k_tokens":"3"}},{"w":{"service_tier":["batch"]},"z":["0.5",{"group":"tier"}]}]}"#,
    r#"{"p":"acme","m":"goose:1","k":"image","s":[0,1],"n":"kept apart","x":[{"q":{"image":"0.04"}},{"b":"surcharge","r":{"step":10},"q":{"page@per_1k_pages":"7e-1"}}]}"#,
    r#"{"p":"zenith","m":"duck-2","s":[1],"x":[{"q":{"input_token":"1"}},{"w":{"input_tokens":{"above":200000}},"q":{"input_token":"2"}}]}"#,
];

fn text(offers: &[&str]) -> String {
    let body = offers.join("\n") + "\n";
    let digest = hex::encode(Sha256::digest(body.as_bytes()));
    format!(
        r#"{{"format":"tollway-catalog/1","version":"2026-11-22","offers":{},"sources":[{{"name":"papers","version":"1.2","date":"2026-11-01"}},{{"name":"walls","date":"2026-11-02","license":"MIT"}}],"digest":"{digest}"}}"#,
        offers.len()
    ) + "\n"
        + &body
}

fn small() -> Catalog {
    Catalog::from_text(text(&OFFERS)).unwrap()
}

#[test]
fn a_model_is_found_by_its_exact_names_only() {
    let catalog = small();
    let offer = catalog.find("acme", "duck-2").unwrap();
    assert_eq!((offer.currency.code(), offer.max_output_tokens, offer.source.as_str()), ("EUR", Some(4096), "list"));
    for alias in ["duck-2-2026-01-05", "duck-latest"] {
        assert_eq!(catalog.find("acme", alias).as_ref(), Some(&offer));
    }
    for (provider, model) in [
        ("acme", "duck"),
        ("acme", "duck-2-"),
        ("acme", "duck-2-mini"),
        ("acme", "duck-2-2026-01-06"),
        ("acme", "Duck-2"),
        ("acme", ""),
        ("Acme", "duck-2"),
        ("acm", "educk-2"),
        ("zenith", "duck-latest"),
        ("other", "duck-2"),
    ] {
        assert!(catalog.find(provider, model).is_none(), "{provider}/{model}");
    }
    assert_eq!(catalog.find("zenith", "duck-2").unwrap().currency, Currency::USD, "each seller has its own list");
}

#[test]
fn a_line_says_all_that_an_offer_is() {
    let offers: Vec<Offer> = small().offers().collect();
    assert_eq!(offers.iter().map(Offer::name).collect::<Vec<_>>(), ["acme/duck-2", "acme/goose:1", "zenith/duck-2"]);
    let [input, output, audio, batch] = &offers[0].prices[..] else { panic!("four prices") };
    assert_eq!((input.pricing_type, input.unit), (Meter::InputToken.into(), Unit::Per1mTokens));
    assert_eq!(input.unit_price.to_string(), "0.10");
    assert_eq!(output.expiry_date, Some("2027-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!((audio.unit, audio.unit_price.to_string().as_str()), (Unit::Per1kTokens, "3"));
    assert_eq!((batch.unit, batch.modifier.as_ref().unwrap().group.as_str()), (Unit::Ratio, "tier"));
    assert_eq!(batch.conditions.canonical(), r#"{"service_tier":["batch"]}"#);
    let goose = &offers[1];
    assert_eq!((goose.capability, goose.source.as_str()), (Capability::Image, "papers 1.2, walls"));
    assert_eq!((goose.checked.to_string().as_str(), goose.note.as_deref()), ("2026-11-22", Some("kept apart")));
    assert_eq!((goose.prices[1].basis, goose.prices[1].unit_price.to_string().as_str()), (Basis::Surcharge, "0.7"));
    assert_eq!(goose.prices[1].rounding.step.unwrap().whole(), 10);
    assert_eq!(offers[2].prices[1].conditions.canonical(), r#"{"input_tokens":{"above":200000}}"#);
}

#[test]
fn the_header_says_what_the_catalog_is() {
    let catalog = small();
    assert_eq!((catalog.len(), catalog.version().to_string().as_str()), (3, "2026-11-22"));
    assert_eq!(catalog.sources()[1].license.as_deref(), Some("MIT"));
    assert_eq!(catalog.sources()[0].label(), "papers 1.2");
    catalog.verify().unwrap();
}

#[test]
fn a_changed_line_is_not_what_the_digest_states() {
    let changed = Catalog::from_text(text(&OFFERS).replace("\"0.04\"", "\"0.05\"")).unwrap();
    let error = changed.verify().unwrap_err();
    assert!(error.detail().contains(changed.digest()), "{error}");
}

#[test]
fn a_catalog_that_contradicts_itself_is_refused() {
    for (from, to, says) in [
        ("duck-latest", "duck-2", "acme/duck-2 twice"),
        ("\"p\":\"acme\"", "\"m\":\"acme\"", "line 2"),
        ("goose:1", "goose\\\\1", "line 3"),
        ("tollway-catalog/1", "tollway-catalog/2", "tollway-catalog/2"),
        ("\"offers\":3", "\"offers\":4", "4 offers"),
        ("\"digest\"", "\"digests\"", "header line"),
    ] {
        let error = Catalog::from_text(text(&OFFERS).replace(from, to)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.detail().contains(says), "{from}: {error}");
    }
    assert!(Catalog::from_text("").is_err());
}

#[test]
fn a_line_that_makes_no_sense_is_named_and_gives_no_offer() {
    for (from, to, says) in [
        ("input_token\":\"0.10", "input_tokens\":\"0.10", "not a meter"),
        ("\"0.10\"", "0.10", "decimal string"),
        ("@per_1k_tokens", "@per_page", "unit"),
        ("\"o\":4096", "\"maximum\":4096", "unknown field"),
        ("service_tier", "service", "not known"),
        ("EUR", "eur", "ISO 4217"),
        ("\"list\"", "[2]", "source"),
        (",{\"w\":{\"service_tier\":[\"batch\"]},\"z\":[\"0.5\",{\"group\":\"tier\"}]}", ",{}", "group without prices"),
    ] {
        let line = OFFERS[0].replace(from, to);
        assert_ne!(line, OFFERS[0]);
        let catalog = Catalog::from_text(text(&[&line, OFFERS[1]])).unwrap();
        let error = catalog.verify().unwrap_err();
        assert!(error.detail().contains(says), "{from}: {error}");
        assert!(catalog.find("acme", "duck-2").is_none());
        assert_eq!(catalog.offers().count(), 1);
    }
}
