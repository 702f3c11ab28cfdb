//! What the tables of a large file take, each for itself.

use std::path::Path;

use redb::{Builder, ConcurrencyMode, Database, ReadableDatabase as _, ReadableTableMetadata as _, TableHandle as _};

use crate::protocol::Failure;
use crate::table::say;

/// Tables of fewer bytes a record than this are added up.
const SMALL: f64 = 0.5;

/// Tells how many bytes a record each table takes: what was written, what the pages of its tree say beside that, and what is free in them.
pub(super) fn tell(path: &Path, records: u64) -> Result<(), Failure> {
    let database: Database = Builder::new().set_concurrency_mode(ConcurrencyMode::MultiWriter).open(path)?;
    let transaction = database.begin_read()?;
    #[expect(clippy::cast_precision_loss, reason = "a figure to be read by people")]
    let each = |bytes: u64| bytes as f64 / records.max(1) as f64;
    say(&format!("{:<38}{:>10}{:>10}{:>10}{:>10}{:>12}", "bytes a record", "all", "stored", "tree", "free", "rows"))?;
    let (mut tables, mut rest) = (Vec::new(), 0.0);
    for handle in transaction.list_tables()? {
        let name = handle.name().to_owned();
        let table = transaction.open_untyped_table(handle)?;
        let (stats, rows) = (table.stats()?, table.len()?);
        let (stored, tree, free) =
            (each(stats.stored_bytes()), each(stats.metadata_bytes()), each(stats.fragmented_bytes()));
        tables.push((stored + tree + free, name, stored, tree, free, rows));
    }
    tables.sort_by(|one, other| other.0.total_cmp(&one.0));
    for (all, name, stored, tree, free, rows) in tables {
        if all < SMALL {
            rest += all;
        } else {
            say(&format!("  {name:<36}{all:>10.1}{stored:>10.1}{tree:>10.1}{free:>10.1}{rows:>12}"))?;
        }
    }
    say(&format!("  {:<36}{rest:>10.1}", "all others"))
}
