//! The bytes of rows: those of bincode, so that the format outlives the encoder.

use super::*;
use crate::store::rows::*;

fn money() -> MoneyRow {
    MoneyRow { amount: Decimal::new(1_230, 3).serialize(), currency: "USD".into() }
}

fn exchange() -> ExchangeRow {
    ExchangeRow { fx_rate_id: 5, from: "CNY".into(), to: "USD".into(), rate: [8; 16], is_inverse: true }
}

fn conversion() -> ConversionRow {
    ConversionRow { exchange: exchange(), amount: [9; 16] }
}

fn hold() -> HoldRow {
    HoldRow {
        kind: 1,
        account: 3,
        part: "5:alice".into(),
        bucket: Some(-5),
        unit: "tokens".into(),
        amount: [7; 16],
        closes: true,
        exchange: Some(exchange()),
    }
}

fn facts() -> FactsRow {
    FactsRow {
        attributes: vec![("service_tier".into(), "batch".into())],
        measures: vec![("duration".into(), [4; 16])],
        started_at: -7,
        first_token_at: Some(8),
        completed_at: None,
    }
}

fn modifier() -> ModifierRow {
    ModifierRow { group: "tier".into(), ratio: [5; 16], price_id: Some(7) }
}

fn superseded() -> SupersededRow {
    SupersededRow { from: -1, known_from: 2 }
}

fn usage() -> UsageRow {
    UsageRow {
        meters: vec![("input_token".into(), [6; 16]), ("ünïcode".into(), [0; 16])],
        flags: vec!["estimated".into()],
        reported_total: None,
        reported_cost: Some([1; 16]),
        computed_cost: Some(MoneyRow { amount: [3; 16], currency: "CNY".into() }),
        iterations: vec![IterationRow { kind: "compaction".into(), model: Some("m".into()), meters: Vec::new() }],
    }
}

fn line() -> ReceiptLineRow {
    ReceiptLineRow {
        attempt: 2,
        model: "p/m".into(),
        meter: None,
        note: Some("reservation".into()),
        quantity: [1; 16],
        billed_quantity: Some([2; 16]),
        unit_price: None,
        unit: Some("per_1m_tokens".into()),
        price_id: Some(9),
        modifiers: vec![modifier()],
        amount: Some([2; 16]),
        currency: Some("CNY".into()),
    }
}

fn record() -> UsageRecordRow {
    UsageRecordRow {
        uid: "u".into(),
        user: None,
        tags: vec![("k".into(), "v".into())],
        provider_id: 1,
        provider: "p".into(),
        model_id: 2,
        model: "m".into(),
        model_config_id: 3,
        usage_type: "text_generation".into(),
        usage: usage(),
        facts: facts(),
        token_consumed: Some(4),
        cost_amount: Some([3; 16]),
        currency: Some("USD".into()),
        cost_status: "computed".into(),
        billed_by: "provider_usage".into(),
        receipt: vec![line(), line()],
        price_ids: vec![1, 2],
        conversions: vec![conversion()],
        adjusts: Some("other".into()),
        status: "success".into(),
        request_id: "r".into(),
        provider_request_id: None,
        served_model: Some(String::new()),
        attempt: 1,
        error_code: None,
        error_message: Some("x".into()),
        latency_ms: 12,
        created_at: i64::MIN,
        holds: vec![hold()],
        bounds: vec![hold(), hold()],
    }
}

/// Checks row types against bincode in one of its layouts.
macro_rules! same_bytes {
    ($layout:expr; $($row:expr),+ $(,)?) => {$({
        fn check<R: Row + PartialEq + std::fmt::Debug + bincode::Encode + bincode::Decode<()>>(row: &R) {
            let bytes = encode(row).unwrap();
            let expected = bincode::encode_to_vec(row, $layout).unwrap();
            assert_eq!((bytes[0], &bytes[1..]), (R::VERSION, expected.as_slice()));
            assert_eq!(&decode::<R>(&bytes).unwrap(), row);
            let (read, length): (R, usize) = bincode::decode_from_slice(&bytes[1..], $layout).unwrap();
            assert_eq!((&read, length), (row, expected.len()));
            for cut in 0..bytes.len() {
                assert_eq!(decode::<R>(&bytes[..cut]).unwrap_err().kind(), ErrorKind::CorruptedFile, "cut at {cut}");
            }
        }
        check(&$row);
    })+};
}

#[test]
#[expect(clippy::too_many_lines, reason = "one line per field of every row type")]
fn each_row_type_has_the_bytes_of_bincode() {
    same_bytes!(
        bincode::config::legacy();
        money(),
        hold(),
        usage(),
        usage().iterations.remove(0),
        line(),
        record(),
        ProviderRow { name: "openai".into(), created_at: -1 },
        ModelConfigRow {
            provider: "p".into(),
            model_name: "m".into(),
            alias: Some("a".into()),
            capability: "text".into(),
            api_key: Some(vec![0, 255]),
            base_url: None,
            model_params: "{}".into(),
            is_default: true,
            priority: -3,
            is_active: false,
            description: None,
            created_at: 1,
            updated_at: 2,
        },
        ModelRow {
            provider_id: 1,
            provider: "p".into(),
            model_code: "c".into(),
            model_name: "n".into(),
            model_type: "image".into(),
            enabled: true,
            created_at: 5,
        },
        exchange(),
        conversion(),
        facts(),
        modifier(),
        superseded(),
        FxRateRow {
            from: "CNY".into(),
            to: "USD".into(),
            rate: [3; 16],
            effective_date: -4,
            source: "bank".into(),
            created_at: 5,
        },
        PriceRow {
            model_id: 1,
            pricing_type: "output_token".into(),
            unit_price: [4; 16],
            unit: "per_token".into(),
            currency: "EUR".into(),
            conditions: r#"{"service_tier":["batch"]}"#.into(),
            basis: "replaces".into(),
            min_charge_unit: Some([1; 16]),
            minimum_quantity: None,
            minimum_charge: Some([2; 16]),
            modifier: Some("{}".into()),
            effective_date: 0,
            expiry_date: Some(i64::MAX),
            known_from: 3,
            superseded: Some(superseded()),
            is_active: true,
            source: "user".into(),
            created_at: 9,
        },
        PoolRow {
            provider: "p".into(),
            currency: "USD".into(),
            low_water: Some([1; 16]),
            created_at: 1,
            updated_at: -2,
        },
        RechargeRow {
            pool_id: 1,
            provider: "p".into(),
            currency: "USD".into(),
            amount: [2; 16],
            balance_after: [3; 16],
            operator: Some("o".into()),
            remark: None,
            order_id: Some(String::new()),
            created_at: 4,
        },
        QuotaRow {
            user: "u".into(),
            quota_type: "text_token".into(),
            monthly: [4; 16],
            time_zone: "UTC".into(),
            enforcement: "enforce".into(),
            created_at: 5,
            updated_at: 6,
        },
        TransactionRow {
            quota_id: 1,
            transaction_type: "grant".into(),
            amount: [5; 16],
            month: Some(-7),
            balance_after: [6; 16],
            record_id: 8,
            order_id: None,
            remark: Some("r".into()),
            created_at: 9,
        },
        PackageRow {
            quota_id: 1,
            user: "u".into(),
            quota_type: "image".into(),
            quantity: [7; 16],
            order_id: "o".into(),
            price: Some([8; 16]),
            currency: Some("USD".into()),
            remark: None,
            created_at: 10,
            refunded_at: Some(11),
        },
        RouteRow {
            name: "text".into(),
            strategy_type: "economy".into(),
            models: vec!["a".into(), "b".into()],
            preferred_providers: Vec::new(),
            maximum_cost: Some(money()),
            created_at: 1,
            updated_at: 2,
        },
        BudgetRow {
            user: Some("u".into()),
            tags: vec![("k".into(), "v".into())],
            provider: None,
            model: Some("m".into()),
            limit: [5; 16],
            unit: "requests".into(),
            window: "day".into(),
            time_zone: "UTC".into(),
            enforcement: "hard".into(),
            on_exceeded: "clamp".into(),
            created_at: 1,
            updated_at: 2,
        },
        BalanceRow { settled: [1; 16], reserved: [2; 16], holds: 3, movements: 4 },
        ArchivedRow { moved: [1; 16] },
        ReservationRow {
            session: 1 << 59,
            request_id: "r".into(),
            attempt: 1,
            record_uid: "u".into(),
            user: Some("alice".into()),
            tags: Vec::new(),
            model_config_id: 7,
            provider: "p".into(),
            model: "m".into(),
            capability: "text".into(),
            worst_case: None,
            worst_case_tokens: Some(100),
            worst_case_meters: Some(vec![("image".into(), 2)]),
            on_unpriced: Some("hold".into()),
            created_at: 1,
            expires_at: 2,
            holds: vec![hold(), hold()],
            job_id: Some("j".into()),
        },
        KeyRow {
            fingerprint: [8; 32],
            request_id: "r".into(),
            session: 1,
            claimed_at: 2,
            expires_at: 3,
            completed_at: None,
            reply: Some(vec![1; 300]),
        },
    );
}

#[test]
fn each_compact_row_type_has_the_bytes_of_bincode() {
    let class = || RollupClassRow {
        is_adjustment: true,
        usage_type: 16,
        status: 300,
        cost_status: 70_000,
        currency: 0,
        packed: vec![9; 251],
    };
    same_bytes!(
        bincode::config::standard();
        NameRow { space: 2, value: b"alice".to_vec(), members: 0 },
        MovementsRow { packed: b"moved".to_vec() },
        PackedRecordRow { packed: vec![7; 300] },
        RollupRow { classes: vec![class()] },
        class(),
    );
}

#[test]
fn a_row_of_a_newer_version_names_its_table() {
    let mut bytes = encode(&BalanceRow { settled: [0; 16], reserved: [0; 16], holds: 0, movements: 0 }).unwrap();
    bytes[0] = BalanceRow::VERSION + 1;
    let error = decode::<BalanceRow>(&bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NewerFile);
    assert!(error.detail().contains("account_balances"));
    bytes[0] = 0xFF;
    assert_eq!(decode::<BalanceRow>(&bytes).unwrap_err().kind(), ErrorKind::CorruptedFile);
    bytes[0] = 0;
    assert_eq!(decode::<BalanceRow>(&bytes).unwrap_err().kind(), ErrorKind::CorruptedFile);
    bytes[0] = BalanceRow::VERSION;
    bytes.push(0);
    assert_eq!(decode::<BalanceRow>(&bytes).unwrap_err().kind(), ErrorKind::CorruptedFile);
}

#[test]
fn each_type_is_written_in_its_latest_version() {
    let versions = [
        (ProviderRow::TABLE, ProviderRow::VERSION, 1),
        (ModelConfigRow::TABLE, ModelConfigRow::VERSION, 1),
        (ModelRow::TABLE, ModelRow::VERSION, 1),
        (RouteRow::TABLE, RouteRow::VERSION, 1),
        (BudgetRow::TABLE, BudgetRow::VERSION, 2),
        (BalanceRow::TABLE, BalanceRow::VERSION, 1),
        (KeyRow::TABLE, KeyRow::VERSION, 1),
        (FxRateRow::TABLE, FxRateRow::VERSION, 1),
        (PriceRow::TABLE, PriceRow::VERSION, 2),
        (ReservationRow::TABLE, ReservationRow::VERSION, 4),
        (UsageRecordRow::TABLE, UsageRecordRow::VERSION, 4),
        (PackedRecordRow::TABLE, PackedRecordRow::VERSION, 5),
        (LedgerStateRow::TABLE, LedgerStateRow::VERSION, 2),
        (NameRow::TABLE, NameRow::VERSION, 1),
        (RollupRow::TABLE, RollupRow::VERSION, 1),
    ];
    for (table, version, expected) in versions {
        assert_eq!(version, expected, "{table}");
    }
}

#[test]
fn a_quantity_below_zero_is_damage() {
    let below = UsageRow { meters: vec![("input_token".into(), Decimal::NEGATIVE_ONE.serialize())], ..usage() };
    assert_eq!(below.usage("ai_usage_records").unwrap_err().kind(), ErrorKind::CorruptedFile);
}

#[test]
fn a_meter_that_is_not_known_is_of_a_newer_version() {
    let row = UsageRow { meters: vec![("hologram".into(), [0; 16])], ..usage() };
    let error = row.usage("ai_usage_records").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NewerFile);
    assert!(error.detail().contains("hologram") && error.detail().contains("ai_usage_records"));
}

#[test]
fn decimals_keep_their_scale_and_malformed_ones_are_refused() {
    for text in ["0", "-0.000", "1.50", "79228162514264337593543950335", "0.0000000000000000000000000001", "-7.10"] {
        let value: Decimal = text.parse().unwrap();
        let read = decimal("t", value.serialize()).unwrap();
        assert_eq!((read, read.scale(), read.to_string()), (value, value.scale(), value.to_string()));
    }
    for flags in [[1, 0, 0, 0], [0, 0, 29, 0], [0, 0, 0, 1]] {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&flags);
        assert_eq!(decimal("t", bytes).unwrap_err().kind(), ErrorKind::CorruptedFile, "{flags:?}");
    }
}
