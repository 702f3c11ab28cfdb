//! Packed records say what they were made of, whether their names have numbers or not.

use std::collections::BTreeMap;

use super::*;
use crate::store::codec::{decode, encode};
use crate::store::names::FIRST;
use crate::store::rows::HoldRow;
use crate::types::{Decimal, ErrorKind};

fn amount(text: &str) -> DecimalBytes {
    text.parse::<Decimal>().unwrap().serialize()
}

fn exchange() -> ExchangeRow {
    ExchangeRow { fx_rate_id: 3, from: "CNY".into(), to: "USD".into(), rate: amount("0.14"), is_inverse: true }
}

fn hold(kind: u8, bucket: Option<i64>) -> HoldRow {
    let exchange = (kind == 1).then(exchange);
    let part = if kind == 9 { "5:alice".to_owned() } else { String::new() };
    HoldRow { kind, account: 7, part, bucket, unit: "USD".into(), amount: amount("-0.50"), closes: kind == 0, exchange }
}

fn priced(meter: &str, quantity: DecimalBytes) -> ReceiptLineRow {
    ReceiptLineRow {
        attempt: 1,
        model: "openai/gpt".into(),
        meter: Some(meter.into()),
        note: None,
        quantity,
        billed_quantity: None,
        unit_price: Some(amount("2.50")),
        unit: Some("per_1m_tokens".into()),
        price_id: Some(u64::MAX),
        modifiers: Vec::new(),
        amount: Some(amount("0.0001")),
        currency: Some("USD".into()),
    }
}

/// A record as most are.
fn plain() -> UsageRecordRow {
    UsageRecordRow {
        uid: "01990000-0000-7000-8000-00000000000a".into(),
        user: Some("alice".into()),
        tags: vec![("team".into(), "red".into()), ("unit".into(), String::new())],
        provider_id: 1,
        provider: "openai".into(),
        model_id: 2,
        model: "gpt".into(),
        model_config_id: 3,
        usage_type: "text_generation".into(),
        usage: UsageRow {
            meters: vec![("input_token".into(), amount("1200")), ("output_token".into(), amount("7"))],
            flags: Vec::new(),
            reported_total: None,
            reported_cost: None,
            computed_cost: None,
            iterations: Vec::new(),
        },
        facts: FactsRow {
            attributes: vec![("service_tier".into(), "default".into())],
            measures: Vec::new(),
            started_at: 1_790_000_000_000_000,
            first_token_at: Some(1_790_000_000_400_000),
            completed_at: Some(1_790_000_003_000_001),
        },
        token_consumed: Some(1_207),
        cost_amount: Some(amount("0.0002")),
        currency: Some("USD".into()),
        cost_status: "computed".into(),
        billed_by: "provider_usage".into(),
        receipt: vec![priced("input_token", amount("1200")), priced("output_token", amount("7"))],
        price_ids: vec![u64::MAX],
        conversions: Vec::new(),
        adjusts: None,
        status: "success".into(),
        request_id: "01990000-0000-7000-8000-00000000000b".into(),
        provider_request_id: Some("chatcmpl-1".into()),
        served_model: Some("gpt-2026".into()),
        attempt: 1,
        error_code: None,
        error_message: None,
        latency_ms: 3_000,
        created_at: 1_790_000_003_000_000,
        holds: vec![hold(0, Some(1_789_992_000_000_000)), hold(2, None)],
        bounds: Vec::new(),
    }
}

/// A record that has all that a record can have.
fn full() -> UsageRecordRow {
    let note = ReceiptLineRow {
        attempt: 2,
        model: "other".into(),
        meter: None,
        note: Some("reservation".into()),
        quantity: [1; 16],
        billed_quantity: Some(amount("2.5")),
        unit_price: None,
        unit: Some("per_call".into()),
        price_id: None,
        modifiers: vec![ModifierRow { group: "tier".into(), ratio: amount("1.10"), price_id: Some(0) }],
        amount: Some(amount("-0.000")),
        currency: None,
    };
    UsageRecordRow {
        uid: "01990000-0000-7000-8000-00000000000A".into(),
        user: None,
        usage: UsageRow {
            flags: vec!["estimated".into()],
            reported_total: Some(u64::MAX),
            reported_cost: Some(amount("1")),
            computed_cost: Some(MoneyRow { amount: amount("3"), currency: "EUR".into() }),
            iterations: vec![IterationRow { kind: "compaction".into(), model: None, meters: plain().usage.meters }],
            ..plain().usage
        },
        facts: FactsRow {
            measures: vec![("seconds".into(), amount("1.5"))],
            started_at: i64::MIN,
            first_token_at: Some(i64::MAX),
            completed_at: Some(i64::MIN),
            ..plain().facts
        },
        token_consumed: Some((-7_i64).cast_unsigned()),
        receipt: vec![note, priced("audio_input_token", amount("1")), priced("input_token", amount("8"))],
        price_ids: vec![4, 4, 1],
        conversions: vec![ConversionRow { exchange: exchange(), amount: amount("0.1") }],
        adjusts: Some("other".into()),
        error_code: Some("internal".into()),
        error_message: Some("it broke".into()),
        latency_ms: u64::MAX,
        created_at: i64::MAX,
        holds: vec![hold(1, Some(-1)), hold(9, Some(i64::MIN))],
        bounds: vec![hold(3, None)],
        ..plain()
    }
}

/// Names that have numbers, but for those that are left out.
#[derive(Default)]
struct Book {
    numbers: BTreeMap<(u64, String), u64>,
    left_out: Vec<&'static str>,
}

impl Book {
    fn number(&mut self, space: u64, name: &str) -> Option<u64> {
        let next = FIRST + self.numbers.len() as u64;
        (!self.left_out.contains(&name)).then(|| *self.numbers.entry((space, name.to_owned())).or_insert(next))
    }

    fn name(&self, number: u64) -> Arc<[u8]> {
        let found = self.numbers.iter().find(|(_, own)| **own == number);
        found.unwrap().0.1.as_bytes().into()
    }
}

#[test]
fn a_packed_record_says_what_it_was_made_of() {
    for left_out in [vec![], vec!["alice", "team", "openai"], vec!["red", "gpt", "USD", "tier", "input_token"]] {
        for row in [plain(), full()] {
            let mut book = Book { left_out: left_out.clone(), ..Book::default() };
            let packed = PackedRecordRow::new(&row, &mut |space, name| Ok(book.number(space, name))).unwrap();
            let read: PackedRecordRow = decode(&encode(&packed).unwrap()).unwrap();
            assert_eq!(read.record_row(&|number| Ok(book.name(number))).unwrap(), row, "{left_out:?}");
        }
    }
}

#[test]
fn a_record_of_an_earlier_version_is_read_as_it_was() {
    for row in [plain(), full()] {
        let read: PackedRecordRow = decode(&encode(&row).unwrap()).unwrap();
        assert_eq!(read.record_row(&|number| panic!("{number}")).unwrap(), row);
    }
}

#[test]
fn a_record_as_most_are_takes_few_bytes() {
    let mut book = Book::default();
    let mut pack = || PackedRecordRow::new(&plain(), &mut |space, name| Ok(book.number(space, name))).unwrap();
    pack();
    assert!(pack().packed.len() < 170, "{} bytes", pack().packed.len());
}

#[test]
fn a_packed_record_that_was_cut_is_damage() {
    let mut book = Book::default();
    let whole = PackedRecordRow::new(&full(), &mut |space, name| Ok(book.number(space, name))).unwrap().packed;
    for cut in 0..whole.len() {
        let packed = PackedRecordRow { packed: whole[..cut].to_vec() };
        let error = packed.record_row(&|number| Ok(book.name(number))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptedFile, "cut at {cut}");
    }
}
