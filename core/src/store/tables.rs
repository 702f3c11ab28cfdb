//! The tables of the file. Names and key layouts are part of the format.

use redb::{ReadableTableMetadata, TableDefinition, WriteTransaction};

use super::failure::Failure;
use crate::types::Result;

/// A table of rows.
pub(super) type RowTable<K> = TableDefinition<'static, K, &'static [u8]>;
/// The key of a balance: the budget and the first microsecond of the window.
pub(super) type BalanceKey = (u64, i64);
/// The key of a daily rollup: days since 1970, provider, billing id, usage type, currency or nothing.
pub(super) type DailyKey = (i32, &'static str, u64, &'static str, &'static str);

/// The name of the table of settings and counters.
pub(super) const META_TABLE: &str = "meta";
/// The key in `meta` of the schema version; its presence is what makes a file ours.
pub(super) const SCHEMA_KEY: &str = "tollway_schema_version";
/// The key in `meta` of the wrapped data key.
pub const WRAPPED_DATA_KEY: &str = "wrapped_data_key";

/// Returns whether a value of `meta` is read before the key is known that others are signed with.
pub(super) fn is_unsigned(key: &str) -> bool {
    key == SCHEMA_KEY || key == WRAPPED_DATA_KEY
}

/// The tables whose rows are signed, in an order that never changes: the state of the file names them by their places.
pub(super) const SIGNED_TABLES: [&str; 14] = [
    "meta",
    "ai_providers",
    "ai_model_config",
    "ai_models",
    "ai_model_pricing",
    "fx_rates",
    "ai_routing_strategy",
    "ai_usage_records",
    "ai_cost_daily",
    "budgets",
    "budget_balances",
    "reservations",
    "idempotency_keys",
    "ledger_heads",
];

/// Where a total's balance stands among the windows.
pub(super) const WHOLE_TIME: i64 = i64::MIN;

macro_rules! tables {
    ($($(#[$documentation:meta])* $constant:ident: $type:ty = $name:literal;)+) => {
        $(
            $(#[$documentation])*
            pub(super) const $constant: $type = TableDefinition::new($name);
        )+

        /// Makes all tables that do not exist.
        pub(super) fn create_all(transaction: &WriteTransaction) -> Result<()> {
            $(transaction.open_table($constant).map_err(Failure::error)?;)+
            Ok(())
        }
    };
}

tables! {
    /// Settings of the file, and the counters that ids come from.
    META: RowTable<&'static str> = "meta";
    /// Providers by id.
    PROVIDERS: RowTable<u64> = "ai_providers";
    /// Providers by name.
    PROVIDERS_BY_NAME: TableDefinition<'static, &'static str, u64> = "ai_providers_by_name";
    /// Model configs by id.
    MODEL_CONFIGS: RowTable<u64> = "ai_model_config";
    /// Models by id.
    MODELS: RowTable<u64> = "ai_models";
    /// Models by provider and code.
    MODELS_BY_CODE: TableDefinition<'static, (&'static str, &'static str), u64> = "ai_models_by_code";
    /// Prices by id.
    PRICES: RowTable<u64> = "ai_model_pricing";
    /// Exchange rates by id.
    FX_RATES: RowTable<u64> = "fx_rates";
    /// Routes by id.
    ROUTES: RowTable<u64> = "ai_routing_strategy";
    /// Usage records by id.
    RECORDS: RowTable<u64> = "ai_usage_records";
    /// Usage records by uid.
    RECORDS_BY_UID: TableDefinition<'static, &'static str, u64> = "ai_usage_records_by_uid";
    /// Usage records by user and id.
    RECORDS_BY_USER: TableDefinition<'static, (&'static str, u64), ()> = "ai_usage_records_by_user";
    /// Usage records by call and id.
    RECORDS_BY_REQUEST: TableDefinition<'static, (&'static str, u64), ()> = "ai_usage_records_by_request";
    /// Usage records by microsecond of settlement and id.
    RECORDS_BY_TIME: TableDefinition<'static, (i64, u64), ()> = "ai_usage_records_by_time";
    /// Adjustments by the uid of the record that they correct, and id.
    RECORDS_BY_ADJUSTED: TableDefinition<'static, (&'static str, u64), ()> = "ai_usage_records_by_adjusted";
    /// Usage records by the reservation that they settled.
    RECORDS_BY_RESERVATION: TableDefinition<'static, u64, u64> = "ai_usage_records_by_reservation";
    /// Heads that the ledger had, by their last record.
    HEADS: RowTable<u64> = "ledger_heads";
    /// The daily rollup.
    DAILY: RowTable<DailyKey> = "ai_cost_daily";
    /// Budgets by id.
    BUDGETS: RowTable<u64> = "budgets";
    /// The balances of budgets.
    BALANCES: RowTable<BalanceKey> = "budget_balances";
    /// Reservations by id.
    RESERVATIONS: RowTable<u64> = "reservations";
    /// Idempotency keys.
    KEYS: RowTable<&'static str> = "idempotency_keys";
    /// Claimed keys by session.
    KEYS_BY_SESSION: TableDefinition<'static, (u64, &'static str), ()> = "idempotency_keys_by_session";
    /// Completed keys by the microsecond of their completion.
    KEYS_BY_TIME: TableDefinition<'static, (i64, &'static str), ()> = "idempotency_keys_by_time";
}

/// Returns whether anything was configured or billed in a file.
pub(super) fn is_used(transaction: &WriteTransaction) -> Result<bool> {
    for table in [MODEL_CONFIGS, RECORDS, BUDGETS] {
        if !transaction.open_table(table).map_err(Failure::error)?.is_empty().map_err(Failure::error)? {
            return Ok(true);
        }
    }
    Ok(false)
}
