//! What fuzz targets need of the store, and nothing else does: the codec of rows. It is there with the feature `fuzzing` only.

use super::codec::{Row, decode, encode};
use super::rows::{
    BalanceRow, BudgetRow, FxRateRow, KeyRow, LedgerHeadRow, LedgerStateRow, ModelConfigRow, ModelRow, MovementsRow,
    NameRow, PackedRecordRow, PriceRow, ProviderRow, ReservationRow, RollupRow, RouteRow, UsageRecordRow,
};
use crate::types::Result;

/// The id that rows are read under; it stands in no row.
const ID: u64 = 7;

/// Decodes a row of the type that a number picks, and turns it into what it stands for. Whatever decodes is the same once it was
/// written and read again.
pub fn row(kind: usize, bytes: &[u8]) {
    let kinds: [fn(&[u8]); 17] = [
        |bytes| check::<UsageRecordRow, _>(bytes, |row| row.record(ID)),
        |bytes| {
            check::<PackedRecordRow, _>(bytes, |row| row.record_row(&|_| Ok(b"name".as_slice().into()))?.record(ID));
        },
        |bytes| check::<ReservationRow, _>(bytes, |row| row.reservation(ID)),
        |bytes| check::<PriceRow, _>(bytes, |row| row.price(ID)),
        |bytes| check::<KeyRow, _>(bytes, Ok),
        |bytes| check::<ModelConfigRow, _>(bytes, |row| row.model_config(ID)),
        |bytes| check::<ModelRow, _>(bytes, |row| row.model(ID)),
        |bytes| check::<ProviderRow, _>(bytes, |row| row.provider(ID)),
        |bytes| check::<RouteRow, _>(bytes, |row| row.route(ID)),
        |bytes| check::<BudgetRow, _>(bytes, |row| row.budget(ID)),
        |bytes| check::<BalanceRow, _>(bytes, |row| row.balance()),
        |bytes| check::<FxRateRow, _>(bytes, |row| row.fx_rate(ID)),
        |bytes| check::<LedgerStateRow, _>(bytes, Ok),
        |bytes| check::<LedgerHeadRow, _>(bytes, Ok),
        |bytes| check::<MovementsRow, _>(bytes, |row| row.movements()),
        |bytes| check::<NameRow, _>(bytes, Ok),
        |bytes| check::<RollupRow, _>(bytes, Ok),
    ];
    kinds[kind % kinds.len()](bytes);
}

fn check<R: Row + PartialEq + Clone + std::fmt::Debug, T>(bytes: &[u8], read: impl Fn(R) -> Result<T>) {
    let Ok(row) = decode::<R>(bytes) else { return };
    let again = encode(&row).and_then(|written| decode::<R>(&written));
    assert!(
        again.as_ref().is_ok_and(|again| *again == row),
        "a row is another once it was written: {row:?}, {again:?}"
    );
    let _ = read(row);
}
