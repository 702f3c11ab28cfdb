//! Price lists of every form.

use jiff::Timestamp;
use jiff::civil::date;
use tollway::billing::price::{BillHead, PriceSet};
use tollway::catalog::import::{Omission, read_litellm_entry};
use tollway::catalog::import::{Origin, SourceFormat, exact_object, import, read_genai_prices, read_price_map, write};
use tollway::catalog::lint::lint;
use tollway::types::{Facts, Meter, Offer, PriceBook, Quantity, Usage};

use super::{pick, split_head};

pub(super) const WORDS: &[&str] = &[
    "\"input_cost_per_token\"",
    "\"output_cost_per_token\"",
    "\"litellm_provider\"",
    "\"mode\"",
    "\"tiered_pricing\"",
    "\"range\"",
    "\"off_peak_pricing\"",
    "\"hours_utc\"",
    "\"16:30-00:30\"",
    "\"_above_200k_tokens\"",
    "\"prices\"",
    "\"models\"",
    "\"input_mtok\"",
    "\"base\"",
    "\"tiers\"",
    "\"start\"",
    "\"price\"",
    "\"constraint\"",
    "\"start_date\"",
    "\"2026-01-01\"",
    "\"match\"",
    "\"or\"",
    "\"equals\"",
    "\"cost\"",
    "\"input\"",
    "\"output\"",
    "\"size\"",
    "\"type\"",
    "\"context\"",
    "\"pricing\"",
    "\"prompt\"",
    "\"overrides\"",
    "\"min_prompt_tokens\"",
    "\"utc_start\"",
    "\"unit_price\"",
    "\"unit\"",
    "\"per_1m_tokens\"",
    "\"conditions\"",
    "\"input_tokens\"",
    "\"above\"",
    "\"up_to\"",
    "\"modifier\"",
    "\"calendar\"",
    "\"rounding\"",
    "\"step\"",
    "\"minimum_charge\"",
    "\"scale\"",
    "\"marginal\"",
    "\"effective_date\"",
    "\"when\"",
    "\"discount\"",
];

/// Imports a list of the form that its first line names, and looks through it, writes it, and bills by it.
pub fn price_lists(bytes: &[u8]) {
    let (form, list) = split_head(bytes);
    let Ok(text) = str::from_utf8(list) else { return };
    let format = *pick(&SourceFormat::ALL, &form, |format| format.name());
    let origin = Origin { source: "a list".to_owned(), checked: date(2026, 11, 1) };
    if let Ok(imported) = import(format, text, &origin, false) {
        let _ = lint(&imported.book);
        write_and_read(&imported.book, &origin);
        imported.book.offers.iter().take(20).for_each(bill);
    }
    if let Ok(map) = read_price_map(text) {
        let offers = vec![offer(map.currency, map.prices)];
        let _ = lint(&PriceBook { offers: offers.clone() });
        offers.iter().for_each(bill);
    }
    if let Ok(object) = exact_object(text) {
        bill(&offer(tollway::types::Currency::USD, read_litellm_entry("acme", "duck", &object).prices));
    }
    if let Ok(entry) = read_genai_prices("deepseek", "duck", text, Omission::IsFree) {
        bill(&offer(tollway::types::Currency::USD, entry.prices));
    }
}

fn offer(currency: tollway::types::Currency, prices: Vec<tollway::types::OfferPrice>) -> Offer {
    Offer {
        provider: "acme".to_owned(),
        model: "duck".to_owned(),
        aliases: Vec::new(),
        capability: tollway::types::Capability::Text,
        currency,
        prices,
        context_window: None,
        max_output_tokens: None,
        source: "a list".to_owned(),
        checked: date(2026, 11, 1),
        note: None,
    }
}

/// What is written in Tollway's own form is read as the same, or refused with a reason.
fn write_and_read(book: &PriceBook, origin: &Origin) {
    if let Ok(again) = import(SourceFormat::Tollway, &write(book), origin, true) {
        assert_eq!(&again.book, book, "a list is another one once it was written and read");
    }
}

/// Bills a thousand of everything: an amount is never below zero.
fn bill(offer: &Offer) {
    let terms = offer.prices.iter().map(|price| offer.term(price, Timestamp::MIN));
    let Ok(prices) = PriceSet::of_terms(terms) else { return };
    let meters = Meter::ALL.iter().map(|meter| (*meter, Quantity::from(1_000))).collect();
    let usage = Usage { meters, ..Usage::default() };
    let head = BillHead { attempt: 1, model: "acme/duck", reported_currency: offer.currency };
    for seconds in [0, 1_790_000_000] {
        let at = Timestamp::from_second(seconds).unwrap_or_default();
        if let Ok(bill) = prices.bill(head, &usage, &Facts::at(at))
            && let Some(cost) = bill.cost
        {
            assert!(!cost.amount.is_sign_negative() || cost.amount.is_zero(), "{cost:?} is billed by {offer:?}");
        }
    }
}
