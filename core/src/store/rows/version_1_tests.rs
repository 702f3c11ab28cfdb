//! Rows that version 1 wrote, byte by byte, are read for ever.

use crate::store::codec::{decode, encode};
use crate::store::rows::*;
use crate::types::*;

const PRICE: &str = "0107000000000000000b00000000000000696e7075745f746f6b656e000003009600000000000000000000000d000000\
    000000007065725f316d5f746f6b656e73030000000000000055534440420f000000000001404b4c0000000000010400\
    0000000000007573657280841e0000000000";
const RESERVATION: &str = "01090000000000000003000000000000007265710200000005000000000000007569642d31010500000000000000616c\
    696365010000000000000001000000000000006b010000000000000076070000000000000006000000000000006f7065\
    6e6169030000000000000067707404000000000000007465787401000002007d00000000000000000000000300000000\
    0000005553446400000000000000010400000000000000686f6c6440420f000000000040548900000000000100000000\
    000000030000000000000001fbffffffffffffff00000100190000000000000000000000010300000000000000555344\
    01";
const RECORD: &str = "0105000000000000007569642d3100010000000000000001000000000000006b01000000000000007601000000000000\
    0006000000000000006f70656e61690200000000000000030000000000000067707407000000000000000f0000000000\
    0000746578745f67656e65726174696f6e02000000000000000b00000000000000696e7075745f746f6b656e1e000000\
    000000000f00000000000000726561736f6e696e675f746f6b656e0c0000000000000001000000000000000900000000\
    000000657374696d61746564012a0000000000000001000003000a000000000000000000000001000000000000000a00\
    000000000000636f6d70616374696f6e0105000000000000006f7468657201000000000000000c000000000000006f75\
    747075745f746f6b656e0300000000000000012a000000000000000100000800c2010000000000000000000001030000\
    00000000005553440800000000000000636f6d70757465640e0000000000000070726f76696465725f75736167650100\
    000000000000010000000a000000000000006f70656e61692f677074010b00000000000000696e7075745f746f6b656e\
    0104000000000000006e6f74651e000000000000000100000300960000000000000000000000010d0000000000000070\
    65725f316d5f746f6b656e730104000000000000000100000800c2010000000000000000000001030000000000000055\
    534401000000000000000400000000000000070000000000000073756363657373030000000000000072657101040000\
    000000000070726f7600010000000000fa0000000000000000401e18240a060001000000000000000300000000000000\
    01fbffffffffffffff0000010019000000000000000000000001030000000000000055534401";
fn bytes(text: &str) -> Vec<u8> {
    let bytes = hex::decode(text).unwrap();
    assert_eq!(bytes[0], 1);
    bytes
}

fn at(microsecond: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(microsecond).unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn a_price_is_one_without_conditions_that_was_known_when_it_was_written() {
    let row: PriceRow = decode(&bytes(PRICE)).unwrap();
    let price = row.clone().price(3).unwrap();
    assert_eq!((price.id.get(), price.model_config_id.get(), price.superseded), (3, 7, None));
    let plain = PriceTerms::new(Meter::InputToken, decimal("0.150"), Unit::Per1mTokens, Currency::USD, at(1_000_000));
    let expected = PriceTerms { expiry_date: Some(at(5_000_000)), known_from: at(2_000_000), ..plain };
    assert_eq!(price.terms, expected);
    assert_eq!((price.terms.unit_price.to_string().as_str(), price.created_at), ("0.150", at(2_000_000)));
    // It is written again in the later version, and says the same.
    let again = encode(&row).unwrap();
    assert_eq!(again[0], 2);
    assert_eq!(decode::<PriceRow>(&again).unwrap().price(3).unwrap(), price);
}

#[test]
fn a_reservation_holds_in_the_currency_of_its_price() {
    let reservation = decode::<ReservationRow>(&bytes(RESERVATION)).unwrap().reservation(5).unwrap();
    let request = &reservation.request;
    assert_eq!((reservation.session, request.attempt, request.record_uid.as_str()), (9, 2, "uid-1"));
    assert_eq!((request.user.as_deref(), request.tags["k"].as_str()), (Some("alice"), "v"));
    assert_eq!(request.worst_case, Some(Money::new(decimal("1.25"), Currency::USD)));
    assert_eq!((request.on_unpriced, request.worst_case_tokens), (Some(UnpricedPolicy::Hold), Some(100)));
    assert_eq!((request.now, request.expires_at), (at(1_000_000), at(9_000_000)));
    let hold = &reservation.holds[0];
    assert_eq!((hold.account, hold.bucket), (AccountId::Budget(BudgetId::new(3)), Some(at(-5))));
    assert_eq!((hold.unit, hold.amount), (AccountUnit::Money(Currency::USD), decimal("2.5")));
    assert_eq!((hold.part.as_str(), hold.closes, hold.exchange), ("", true, None));
}

#[test]
fn a_record_has_whole_quantities_and_began_before_it_ended() {
    let row: UsageRecordRow = decode(&bytes(RECORD)).unwrap();
    assert_eq!(row.holds[0].exchange, None);
    let record = row.record(8).unwrap();
    assert_eq!((record.uid.as_str(), record.user.as_deref(), record.model.as_str()), ("uid-1", None, "gpt"));
    assert_eq!(record.usage.get(Meter::InputToken), Some(30.into()));
    assert_eq!(record.usage.get(Meter::ReasoningToken), Some(12.into()));
    assert_eq!(record.usage.flags, [UsageFlag::Estimated]);
    assert_eq!(record.usage.iterations[0].meters[&Meter::OutputToken], Quantity::from(3));
    assert_eq!(record.facts, Facts::at(at(1_700_000_000_000_000 - 250_000)));
    let line = &record.receipt[0];
    assert_eq!((line.quantity, line.billed_quantity, line.modifiers.len()), (30.into(), None, 0));
    assert_eq!(
        (line.note.as_deref(), line.price_id, line.unit),
        (Some("note"), Some(PriceId::new(4)), Some(Unit::Per1mTokens))
    );
    assert_eq!(record.cost_amount.unwrap().to_string(), "0.00000450");
    assert_eq!((record.conversions.len(), record.adjusts, record.latency_ms), (0, None, 250));
    assert_eq!((record.provider_request_id.as_deref(), record.created_at), (Some("prov"), at(1_700_000_000_000_000)));
}

#[test]
fn a_row_of_version_1_that_was_cut_is_damage() {
    for text in [PRICE, RESERVATION, RECORD] {
        let whole = bytes(text);
        for cut in 1..whole.len() {
            let read = [
                decode::<PriceRow>(&whole[..cut]).map(drop).unwrap_err(),
                decode::<ReservationRow>(&whole[..cut]).map(drop).unwrap_err(),
                decode::<UsageRecordRow>(&whole[..cut]).map(drop).unwrap_err(),
            ];
            assert!(read.iter().all(|error| error.kind() == ErrorKind::CorruptedFile), "cut at {cut}");
        }
    }
}
