//! The prices of a file as a price book.

use std::collections::BTreeMap;

use crate::types::{
    Currency, Error, ErrorKind, ModelConfig, ModelConfigId, Offer, OfferPrice, Price, PriceBook, Result,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Makes a book of the prices that are in force at an instant or begin later, one offer for each config that has any.
///
/// Configs of one model with equal prices share an offer. Fails with `invalid_request` if a config's prices are in two
/// currencies, which an offer cannot say.
pub(super) fn of_file(configs: &[ModelConfig], prices: &[Price], now: Timestamp) -> Result<PriceBook> {
    let mut by_config = BTreeMap::<ModelConfigId, Vec<&Price>>::new();
    for price in prices.iter().filter(|price| is_current(price, now)) {
        by_config.entry(price.model_config_id).or_default().push(price);
    }
    let mut offers: Vec<Offer> = Vec::new();
    for config in configs {
        let Some(prices) = by_config.get(&config.id) else { continue };
        let offer = offer(config, prices, now)?;
        if !offers.contains(&offer) {
            offers.push(offer);
        }
    }
    offers.sort_by(|left, right| (&left.provider, &left.model).cmp(&(&right.provider, &right.model)));
    Ok(PriceBook { offers })
}

/// Refuses two offers of one model, of which a list could hold only one.
pub(super) fn check_names(book: &PriceBook) -> Result<()> {
    let name = |offer: &Offer| (offer.provider.clone(), offer.model.clone());
    match book.offers.windows(2).find(|pair| name(&pair[0]) == name(&pair[1])) {
        None => Ok(()),
        Some(pair) => Err(Error::new(
            ErrorKind::InvalidRequest,
            format!(
                "two configs of {} have different prices, of which a price list holds one; give both the same prices",
                pair[0].name()
            ),
        )),
    }
}

/// Returns whether a price applies now or will.
fn is_current(price: &Price, now: Timestamp) -> bool {
    let terms = &price.terms;
    let ends = [terms.expiry_date, price.superseded.map(|superseded| superseded.from)].into_iter().flatten().min();
    terms.is_active && ends.is_none_or(|end| now < end && terms.effective_date < end)
}

fn offer(config: &ModelConfig, prices: &[&Price], now: Timestamp) -> Result<Offer> {
    let currency = currency(config, prices)?;
    let price = |price: &&Price| {
        let terms = &price.terms;
        OfferPrice {
            pricing_type: terms.pricing_type,
            unit_price: terms.unit_price,
            unit: terms.unit,
            conditions: terms.conditions.clone(),
            basis: terms.basis,
            rounding: terms.rounding,
            modifier: terms.modifier.clone(),
            effective_date: Some(terms.effective_date),
            expiry_date: terms.expiry_date,
        }
    };
    let mut sources: Vec<&str> = prices.iter().map(|price| price.terms.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    Ok(Offer {
        provider: config.provider.clone(),
        model: config.model_name.clone(),
        aliases: Vec::new(),
        capability: config.capability,
        currency,
        prices: prices.iter().map(price).collect(),
        context_window: None,
        max_output_tokens: None,
        source: sources.join("; "),
        checked: now.to_zoned(TimeZone::UTC).date(),
        note: None,
    })
}

fn currency(config: &ModelConfig, prices: &[&Price]) -> Result<Currency> {
    // The currency of a modifier says nothing.
    let mut currencies = prices.iter().filter(|price| price.terms.modifier.is_none()).map(|price| price.terms.currency);
    let first = currencies.next().or_else(|| prices.first().map(|price| price.terms.currency));
    let first = first.unwrap_or(Currency::USD);
    match currencies.find(|other| *other != first) {
        None => Ok(first),
        Some(other) => Err(Error::new(
            ErrorKind::InvalidRequest,
            format!(
                "the prices of {} are in {first} now and in {other} later, and an offer has one currency; do it again \
                 once the later ones apply",
                config.name()
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use crate::types::{Capability, Decimal, Meter, PriceId, PriceTerms, Superseded, Unit};
    use serde_json::Map;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn now() -> Timestamp {
        at("2026-11-22T08:00:00Z")
    }

    fn config(id: u64, model: &str) -> ModelConfig {
        ModelConfig {
            id: ModelConfigId::new(id),
            provider: "acme".to_owned(),
            model_name: model.to_owned(),
            alias: None,
            capability: Capability::Text,
            api_key: None,
            base_url: None,
            params: Map::new(),
            is_default: false,
            priority: 0,
            is_active: true,
            description: None,
            created_at: now(),
            updated_at: now(),
        }
    }

    fn price(id: u64, config: u64, unit_price: u64, currency: Currency, from: &str) -> Price {
        let terms =
            PriceTerms::new(Meter::InputToken, Decimal::from(unit_price), Unit::Per1mTokens, currency, at(from));
        Price {
            id: PriceId::new(id),
            model_config_id: ModelConfigId::new(config),
            terms,
            created_at: now(),
            superseded: None,
        }
    }

    #[test]
    fn an_exported_book_leaves_out_past_prices_and_keeps_future_ones() {
        let mut over = price(1, 1, 1, Currency::USD, "2026-01-01T00:00:00Z");
        over.terms.expiry_date = Some(at("2026-02-01T00:00:00Z"));
        let mut taken_back = price(2, 1, 2, Currency::USD, "2026-01-01T00:00:00Z");
        taken_back.superseded = Some(Superseded { from: at("2026-01-01T00:00:00Z"), known_from: now() });
        let present = price(3, 1, 3, Currency::USD, "2026-03-01T00:00:00Z");
        let to_come = price(4, 1, 4, Currency::USD, "2027-01-01T00:00:00Z");
        let book = of_file(&[config(1, "duck")], &[over, taken_back, present, to_come], now()).unwrap();
        let [offer] = book.offers.as_slice() else { panic!("one offer") };
        let prices: Vec<_> = offer.prices.iter().map(|price| price.unit_price.to_string()).collect();
        assert_eq!((offer.name().as_str(), prices), ("acme/duck", vec!["3".to_owned(), "4".to_owned()]));
        assert_eq!(offer.source, "user");
    }

    #[test]
    fn two_configs_of_one_model_share_an_offer_only_if_they_agree() {
        let from = "2026-03-01T00:00:00Z";
        let configs = [config(1, "duck"), config(2, "duck"), config(3, "swan")];
        let mut prices = vec![price(1, 1, 1, Currency::USD, from), price(2, 2, 1, Currency::USD, from)];
        let book = of_file(&configs, &prices, now()).unwrap();
        assert_eq!(book.offers.len(), 1, "one offer for both, and none for a config without prices");
        assert!(check_names(&book).is_ok());
        prices[1].terms.unit_price = Decimal::from(2);
        let error = check_names(&of_file(&configs, &prices, now()).unwrap()).unwrap_err();
        assert!(error.detail().contains("two configs of acme/duck"), "{error}");
    }

    #[test]
    fn an_offer_has_one_currency() {
        let prices = [
            price(1, 1, 1, Currency::USD, "2026-03-01T00:00:00Z"),
            price(2, 1, 1, Currency::CNY, "2027-03-01T00:00:00Z"),
        ];
        let error = of_file(&[config(1, "duck")], &prices, now()).unwrap_err();
        assert!(error.detail().contains("in USD now and in CNY later"), "{error}");
    }
}
