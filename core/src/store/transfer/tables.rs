//! The tables that another file takes, in their order.

use std::ops::Bound;

use serde_json::{Value, json};

use super::carried::{Bringing, Carried, Carrier, bring, json, read};
use crate::store::Entry;
use crate::store::codec::{Row as _, decimal, time};
use crate::store::failure::damaged;
use crate::store::key::Key;
use crate::store::ledger::{ARCHIVED_BEFORE, Ledger};
use crate::store::reading::Reader;
use crate::store::rows::{
    ArchivedRow, BalanceRow, BudgetRow, FxRateRow, ModelConfigRow, ModelRow, MovementsRow, NameRow, PackageRow,
    PackedRecordRow, PoolRow, PriceRow, ProviderRow, QuotaRow, RechargeRow, ReservationRow, RollupRow, RouteRow,
    TransactionRow, account,
};
use crate::store::tables::{self, BalanceKey, META_TABLE, MovementKey, RollupKey, RowTable, WHOLE_TIME};
use crate::store::writing::number;
use crate::types::Result;

/// What the names of the counters in `meta` begin with that ids come from.
const COUNTER: &str = "last_id:";

/// Shows a row by the type that the API gives for it.
macro_rules! shows {
    ($row:ident: $method:ident) => {
        fn shown(_: &Reader<'_>, id: u64, row: $row) -> Result<Option<Value>> {
            json(&row.$method(id)?)
        }
    };
}

/// Writes a row that nothing but its id finds.
macro_rules! goes_to {
    ($row:ident: $table:ident) => {
        fn write(ledger: &mut Ledger<'_>, _: &mut Bringing, id: u64, row: &$row) -> Result<()> {
            ledger.$table.put(id, row)
        }
    };
}

macro_rules! carriers {
    ($($name:ident: $key:ty, $row:ident of $table:ident $({ $($function:tt)* })?;)+) => {
        $(
            struct $name;

            impl Carried for $name {
                type Key = $key;
                type Row = $row;
                const TABLE: RowTable<$key> = tables::$table;
                $($($function)*)?
            }
        )+

        /// How all tables are taken: the counters first, then in an order in which each row needs only those before it. Rollups come
        /// before the records, of which those that they do not count yet are added to them.
        pub(super) const CARRIERS: &[Carrier] = &[
            Carrier { name: META_TABLE, is_counted: false, read: read_counters, bring: bring_counter },
            $(Carrier {
                name: tables::$table.shape().name,
                is_counted: true,
                read: read::<$name>,
                bring: bring::<$name>,
            },)+
        ];
    };
}

carriers! {
    Providers: u64, ProviderRow of PROVIDERS {
        shows!(ProviderRow: provider);
        fn write(ledger: &mut Ledger<'_>, _: &mut Bringing, id: u64, row: &ProviderRow) -> Result<()> {
            ledger.providers.put(id, row)?;
            ledger.providers_by_name.put(row.name.as_str(), id)
        }
    };
    ModelConfigs: u64, ModelConfigRow of MODEL_CONFIGS {
        shows!(ModelConfigRow: model_config);
        goes_to!(ModelConfigRow: model_configs);
    };
    Models: u64, ModelRow of MODELS {
        shows!(ModelRow: model);
        fn write(ledger: &mut Ledger<'_>, _: &mut Bringing, id: u64, row: &ModelRow) -> Result<()> {
            ledger.models.put(id, row)?;
            ledger.models_by_code.put((row.provider.as_str(), row.model_code.as_str()), id)
        }
    };
    Prices: u64, PriceRow of PRICES {
        shows!(PriceRow: price);
        goes_to!(PriceRow: prices);
    };
    FxRates: u64, FxRateRow of FX_RATES {
        shows!(FxRateRow: fx_rate);
        goes_to!(FxRateRow: fx_rates);
    };
    Routes: u64, RouteRow of ROUTES {
        shows!(RouteRow: route);
        goes_to!(RouteRow: routes);
    };
    Budgets: u64, BudgetRow of BUDGETS {
        shows!(BudgetRow: budget);
        goes_to!(BudgetRow: budget_rows);
    };
    Pools: u64, PoolRow of POOLS {
        shows!(PoolRow: pool);
        goes_to!(PoolRow: pools);
    };
    Recharges: u64, RechargeRow of RECHARGES {
        shows!(RechargeRow: recharge);
        fn write(ledger: &mut Ledger<'_>, _: &mut Bringing, id: u64, row: &RechargeRow) -> Result<()> {
            ledger.recharges.put(id, row)?;
            row.order_id.as_deref().map_or(Ok(()), |order| ledger.recharges_by_order.put(order, id))
        }
    };
    Quotas: u64, QuotaRow of QUOTAS {
        shows!(QuotaRow: quota);
        goes_to!(QuotaRow: quotas);
    };
    Packages: u64, PackageRow of PACKAGES {
        shows!(PackageRow: package);
        fn write(ledger: &mut Ledger<'_>, _: &mut Bringing, id: u64, row: &PackageRow) -> Result<()> {
            ledger.packages.put(id, row)?;
            ledger.packages_by_order.put(row.order_id.as_str(), id)
        }
    };
    Transactions: u64, TransactionRow of TRANSACTIONS {
        fn shown(reader: &Reader<'_>, id: u64, row: TransactionRow) -> Result<Option<Value>> {
            let quota = reader.rows::<u64, QuotaRow>(tables::QUOTAS).get(row.quota_id)?;
            let quota = quota.ok_or_else(|| damaged(TransactionRow::TABLE, "its quota is missing"))?;
            let terms = quota.quota(row.quota_id)?.terms;
            json(&row.transaction(id, &terms)?)
        }
        fn write(ledger: &mut Ledger<'_>, _: &mut Bringing, id: u64, row: &TransactionRow) -> Result<()> {
            ledger.transactions.put(id, row)?;
            ledger.transactions_by_quota.put((row.quota_id, id), ())
        }
    };
    Names: u64, NameRow of NAMES {
        fn write(ledger: &mut Ledger<'_>, _: &mut Bringing, number: u64, row: &NameRow) -> Result<()> {
            ledger.names.put(number, row)
        }
    };
    Rollups: RollupKey, RollupRow of ROLLUPS {
        fn write(ledger: &mut Ledger<'_>, _: &mut Bringing, key: RollupKey, row: &RollupRow) -> Result<()> {
            ledger.rollups.put(key, row)
        }
    };
    Records: u64, PackedRecordRow of RECORDS {
        fn shown(reader: &Reader<'_>, id: u64, row: PackedRecordRow) -> Result<Option<Value>> {
            json(&row.record_row(&|number| reader.name(number))?.record(id)?)
        }
        fn write(ledger: &mut Ledger<'_>, bringing: &mut Bringing, id: u64, row: &PackedRecordRow) -> Result<()> {
            let row = row.record_row(&|number| ledger.names.name(number))?;
            let record = row.clone().record(id)?;
            bringing.post(ledger, &record)?;
            ledger.put_record(id, record, &row)
        }
    };
    Balances: BalanceKey, BalanceRow of BALANCES {
        fn shown(_: &Reader<'_>, key: <BalanceKey as Key>::Of<'_>, row: BalanceRow) -> Result<Option<Value>> {
            let balance = row.balance()?;
            let mut shown = place_of_balance(BalanceRow::TABLE, key)?;
            shown["settled"] = json!(balance.settled);
            shown["reserved"] = json!(balance.reserved);
            Ok(Some(shown))
        }
        fn write(
            ledger: &mut Ledger<'_>,
            _: &mut Bringing,
            key: <BalanceKey as Key>::Of<'_>,
            row: &BalanceRow,
        ) -> Result<()> {
            ledger.accounts.put_balance(key, row.clone())
        }
    };
    Movements: MovementKey, MovementsRow of MOVEMENTS {
        fn shown(
            _: &Reader<'_>,
            (kind, number, part, start, _): <MovementKey as Key>::Of<'_>,
            row: MovementsRow,
        ) -> Result<Option<Value>> {
            let mut shown = place_of_balance(MovementsRow::TABLE, (kind, number, part, start))?;
            let movements = row.movements()?.into_iter().map(|movement| {
                let at = time(MovementsRow::TABLE, movement.created_at)?;
                Ok(json!({
                    "amount": movement.amount,
                    "settled": movement.balance,
                    "record_id": (movement.record_id != 0).then_some(movement.record_id),
                    "created_at": at,
                }))
            });
            shown["movements"] = movements.collect::<Result<Vec<Value>>>()?.into();
            Ok(Some(shown))
        }
        fn write(
            ledger: &mut Ledger<'_>,
            _: &mut Bringing,
            key: <MovementKey as Key>::Of<'_>,
            row: &MovementsRow,
        ) -> Result<()> {
            ledger.accounts.put_movements(key, row)
        }
    };
    Archived: BalanceKey, ArchivedRow of ARCHIVED {
        fn shown(_: &Reader<'_>, key: <BalanceKey as Key>::Of<'_>, row: ArchivedRow) -> Result<Option<Value>> {
            let mut shown = place_of_balance(ArchivedRow::TABLE, key)?;
            shown["moved"] = json!(decimal(ArchivedRow::TABLE, row.moved)?);
            Ok(Some(shown))
        }
        fn write(
            ledger: &mut Ledger<'_>,
            _: &mut Bringing,
            key: <BalanceKey as Key>::Of<'_>,
            row: &ArchivedRow,
        ) -> Result<()> {
            ledger.archived.put(key, row)
        }
    };
    Reservations: u64, ReservationRow of RESERVATIONS {
        fn write(ledger: &mut Ledger<'_>, _: &mut Bringing, id: u64, row: &ReservationRow) -> Result<()> {
            ledger.reservations.put(id, row)?;
            ledger.sessions.put(row.session, ())
        }
    };
}

/// Says which balance a row is of.
fn place_of_balance(table: &str, (kind, number, part, start): (u64, u64, &str, i64)) -> Result<Value> {
    let account = account(table, u8::try_from(kind).unwrap_or(u8::MAX), number)?;
    let bucket = (start != WHOLE_TIME).then(|| time(table, start)).transpose()?;
    Ok(json!({ "account": account.to_string(), "part": part, "bucket": bucket }))
}

fn is_counter(key: &str) -> bool {
    key.starts_with(COUNTER) || key == ARCHIVED_BEFORE
}

fn shown_counter(key: &str, value: &[u8]) -> Result<Option<Value>> {
    Ok(Some(json!({ "name": key, "value": number(Some(value))? })))
}

fn read_counters(reader: &Reader<'_>, after: Option<&[u8]>, most: usize, entries: &mut Vec<Entry>) -> Result<()> {
    let after =
        after.map(|key| str::from_utf8(key).map_err(|_| damaged(META_TABLE, "a key is no text"))).transpose()?;
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    reader.entries(tables::META).each((start, Bound::Unbounded), |key, value| {
        if is_counter(key) {
            let row = reader.key().open_meta(key, value)?;
            let (table, shown) = (META_TABLE.to_owned(), shown_counter(key, row)?);
            entries.push(Entry { table, key: key.as_bytes().to_vec(), row: row.to_vec(), shown });
        }
        Ok(entries.len() < most)
    })
}

fn bring_counter(ledger: &mut Ledger<'_>, _: &mut Bringing, entry: &Entry) -> Result<()> {
    let key = str::from_utf8(&entry.key).ok().filter(|key| is_counter(key));
    let key = key.ok_or_else(|| damaged(META_TABLE, "it is no counter"))?;
    if shown_counter(key, &entry.row)? != entry.shown {
        return Err(damaged(META_TABLE, "a counter is another than is shown of it"));
    }
    ledger.put_meta(key, &entry.row)
}
