//! The tables of the file. Names and key layouts are part of the format.

use std::marker::PhantomData;

use super::key::{Key, Part};
use super::value::{Value, ValueKind};

/// A table, or an index, with the types of its keys and values.
pub(super) struct Table<K, V> {
    shape: Shape,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Clone for Table<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Table<K, V> {}

impl<K: Key, V: Value> Table<K, V> {
    const fn new(name: &'static str) -> Self {
        Self { shape: Shape { place: place_of(name), name, key: K::PARTS, value: V::KIND }, types: PhantomData }
    }

    /// Returns what the storage knows of it.
    pub(super) const fn shape(&self) -> &Shape {
        &self.shape
    }
}

/// What the storage knows of a table: bytes under keys of some parts, in the order of the keys.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Its place among all tables.
    pub(super) place: usize,
    /// Its name.
    pub(super) name: &'static str,
    /// What its keys are.
    pub(super) key: &'static [Part],
    /// What its values are.
    pub(super) value: ValueKind,
}

/// Returns the place of a table among all of them.
const fn place_of(name: &str) -> usize {
    let mut place = 0;
    while place < TABLE_NAMES.len() && !is_same(TABLE_NAMES[place].as_bytes(), name.as_bytes()) {
        place += 1;
    }
    place
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut index = 0;
    while index < one.len() && index < other.len() && one[index] == other[index] {
        index += 1;
    }
    one.len() == other.len() && index == one.len()
}

/// A table of rows.
pub(super) type RowTable<K> = Table<K, &'static [u8]>;
/// A secondary index.
pub(super) type Index<K, V> = Table<K, V>;
/// The key of a balance: the kind and the number of the account, the part of a template, and the first microsecond of the bucket.
pub(super) type BalanceKey = (u64, u64, &'static str, i64);
/// The key of a movement: that of its balance, and its place among the movements of that one, from 1.
pub(super) type MovementKey = (u64, u64, &'static str, i64, u64);
/// The key of a rollup: the month or the day, and the numbers of what the records have in common: the dimension, its value, the model.
pub(super) type RollupKey = (i32, u64, u64, u64);
/// The key of a block of records that have something in common: the number of that, and the microsecond and the id of the first record.
pub(super) type PostingKey = (u64, i64, u64);
/// The key of a daily rollup of earlier versions: days since 1970, provider, billing id, usage type, currency or nothing.
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
pub(super) const SIGNED_TABLES: [&str; 24] = [
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
    "account_balances",
    "account_movements",
    "names",
    "usage_rollups",
    "user_token_quota",
    "token_quota_transaction",
    "token_packages",
    "provider_resource_pool",
    "resource_pool_recharge",
    "archived_movements",
];

/// The indexes of records that earlier versions kept.
pub(super) const FORMER_INDEXES: [&str; 5] = [
    "ai_usage_records_by_uid",
    "ai_usage_records_by_user",
    "ai_usage_records_by_request",
    "ai_usage_records_by_time",
    "ai_usage_records_by_adjusted",
];

/// Where a total's balance stands among the windows.
pub(super) const WHOLE_TIME: i64 = i64::MIN;

macro_rules! tables {
    ($($(#[$documentation:meta])* $constant:ident: $type:ty = $name:literal;)+) => {
        /// The names of the tables, each at its place.
        const TABLE_NAMES: &[&str] = &[$($name,)+];

        $(
            $(#[$documentation])*
            pub(super) const $constant: $type = Table::new($name);
        )+

        /// All tables, each at its place.
        pub(super) const ALL: &[&Shape] = &[$($constant.shape(),)+];
    };
}

tables! {
    /// Settings of the file, and the counters that ids come from.
    META: RowTable<&'static str> = "meta";
    /// Providers by id.
    PROVIDERS: RowTable<u64> = "ai_providers";
    /// Providers by name.
    PROVIDERS_BY_NAME: Index<&'static str, u64> = "ai_providers_by_name";
    /// Model configs by id.
    MODEL_CONFIGS: RowTable<u64> = "ai_model_config";
    /// Models by id.
    MODELS: RowTable<u64> = "ai_models";
    /// Models by provider and code.
    MODELS_BY_CODE: Index<(&'static str, &'static str), u64> = "ai_models_by_code";
    /// Prices by id.
    PRICES: RowTable<u64> = "ai_model_pricing";
    /// Exchange rates by id.
    FX_RATES: RowTable<u64> = "fx_rates";
    /// Routes by id.
    ROUTES: RowTable<u64> = "ai_routing_strategy";
    /// Usage records by id.
    RECORDS: RowTable<u64> = "ai_usage_records";
    /// Usage records by a key of each text that names them (their uid, their call, what they correct), and id.
    RECORDS_BY_TEXT: Index<(u64, u64), ()> = "ai_usage_records_by_text";
    /// Usage records by what they have in common, in blocks of ids in the order of their times.
    POSTINGS: Index<PostingKey, &'static [u8]> = "ai_usage_records_by_value";
    /// Usage records by the reservation that they settled.
    RECORDS_BY_RESERVATION: Index<u64, u64> = "ai_usage_records_by_reservation";
    /// Heads that the ledger had, by their last record.
    HEADS: RowTable<u64> = "ledger_heads";
    /// Names by number.
    NAMES: RowTable<u64> = "names";
    /// Names by a digest of their space and their value, and number.
    NAMES_BY_DIGEST: Index<(u64, u64), ()> = "names_by_digest";
    /// What records add up to, by months and days.
    ROLLUPS: RowTable<RollupKey> = "usage_rollups";
    /// The daily rollup of earlier versions. It is empty.
    DAILY: RowTable<DailyKey> = "ai_cost_daily";
    /// Budgets by id.
    BUDGETS: RowTable<u64> = "budgets";
    /// The balances of budgets, as schema 2 kept them.
    BUDGET_BALANCES: RowTable<(u64, i64)> = "budget_balances";
    /// The balances of accounts.
    BALANCES: RowTable<BalanceKey> = "account_balances";
    /// The journal: what moved the balances of accounts.
    MOVEMENTS: RowTable<MovementKey> = "account_movements";
    /// What records that were archived had moved in balances that are kept.
    ARCHIVED: RowTable<BalanceKey> = "archived_movements";
    /// Reservations by id.
    RESERVATIONS: RowTable<u64> = "reservations";
    /// The sessions that have made reservations, until they are found to have ended.
    SESSIONS: Index<u64, ()> = "sessions";
    /// Quotas by id.
    QUOTAS: RowTable<u64> = "user_token_quota";
    /// Movements of quotas by id.
    TRANSACTIONS: RowTable<u64> = "token_quota_transaction";
    /// Movements of quotas by quota and id.
    TRANSACTIONS_BY_QUOTA: Index<(u64, u64), ()> = "token_quota_transaction_by_quota";
    /// Packages by id.
    PACKAGES: RowTable<u64> = "token_packages";
    /// Packages by order.
    PACKAGES_BY_ORDER: Index<&'static str, u64> = "token_packages_by_order";
    /// Pools by id.
    POOLS: RowTable<u64> = "provider_resource_pool";
    /// Recharges by id.
    RECHARGES: RowTable<u64> = "resource_pool_recharge";
    /// Recharges by order.
    RECHARGES_BY_ORDER: Index<&'static str, u64> = "resource_pool_recharge_by_order";
    /// Idempotency keys.
    KEYS: RowTable<&'static str> = "idempotency_keys";
    /// Claimed keys by session.
    KEYS_BY_SESSION: Index<(u64, &'static str), ()> = "idempotency_keys_by_session";
    /// Completed keys by the microsecond of their completion.
    KEYS_BY_TIME: Index<(i64, &'static str), ()> = "idempotency_keys_by_time";
}
