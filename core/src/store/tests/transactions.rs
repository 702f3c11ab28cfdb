//! Tables below the rules: what a transaction reads, changes and leaves, on each engine.

use std::ops::Bound;

use super::storage::{ReadTables, Storage};
use super::tables::{
    BALANCES, BUDGET_BALANCES, BalanceKey, DAILY, DailyKey, KEYS_BY_TIME, MOVEMENTS, MovementKey, PACKAGES_BY_ORDER,
    POSTINGS, PROVIDERS, PostingKey, RECORDS_BY_TEXT, SESSIONS, Shape,
};
use super::*;
use crate::store::key::Key;

on_each_engine! {
    a_transaction_reads_its_own_changes_and_a_query_the_last_commit,
    an_aborted_transaction_leaves_nothing,
    keys_are_visited_in_the_order_of_their_parts,
    a_range_has_its_ends_where_they_are_said_to_be,
    a_table_is_not_changed_while_it_is_visited,
    a_panic_of_a_rule_ends_its_transaction_alone,
}

type Ends<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);
const WHOLE: Ends<'static> = (Bound::Unbounded, Bound::Unbounded);

fn get(tables: &dyn ReadTables, table: &Shape, key: &[u8]) -> Option<Vec<u8>> {
    let mut found = None;
    tables
        .get(table, key, &mut |value| {
            found = Some(value.to_vec());
            Ok(())
        })
        .unwrap();
    found
}

fn keys(tables: &dyn ReadTables, table: &Shape, ends: Ends<'_>) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    tables
        .range(table, ends, &mut |key, _| {
            keys.push(key.to_vec());
            Ok(true)
        })
        .unwrap();
    keys
}

fn change(storage: &dyn Storage, mut change: impl FnMut(&dyn storage::WriteTables) -> bool) {
    storage.write(&mut |tables| Ok(change(tables))).unwrap();
}

fn read<T>(storage: &dyn Storage, mut read: impl FnMut(&dyn ReadTables) -> T) -> T {
    let mut found = None;
    storage
        .read(&mut |tables| {
            found = Some(read(tables));
            Ok(())
        })
        .unwrap();
    found.unwrap()
}

/// Puts a value, and returns the one before.
fn put(tables: &dyn storage::WriteTables, table: &Shape, key: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    let mut before = None;
    tables.put(table, key, value, &mut |old| before = old.map(<[u8]>::to_vec)).unwrap();
    before
}

fn remove(tables: &dyn storage::WriteTables, table: &Shape, key: &[u8]) -> Option<Vec<u8>> {
    let mut before = None;
    tables.remove(table, key, &mut |old| before = old.map(<[u8]>::to_vec)).unwrap();
    before
}

fn a_transaction_reads_its_own_changes_and_a_query_the_last_commit(engine: Engine) {
    let fixture = Fixture::on(engine);
    let (storage, table) = (fixture.storage(), PROVIDERS.shape());
    let id = |id: u64| u64::bytes(id);
    change(storage, |tables| {
        assert_eq!(put(tables, table, &id(1), b"one"), None);
        assert_eq!(put(tables, table, &id(2), b"two"), None);
        true
    });
    change(storage, |tables| {
        let seen = || read(storage, |tables| (get(tables, table, &id(1)), keys(tables, table, WHOLE)));
        assert_eq!(put(tables, table, &id(1), b"uno"), Some(b"one".to_vec()));
        assert_eq!(put(tables, table, &id(1), b"eins"), Some(b"uno".to_vec()));
        assert_eq!(remove(tables, table, &id(2)), Some(b"two".to_vec()));
        assert_eq!(remove(tables, table, &id(2)), None);
        assert_eq!(put(tables, table, &id(9), b"nine"), None);
        assert_eq!((get(tables, table, &id(1)), get(tables, table, &id(2))), (Some(b"eins".to_vec()), None));
        assert_eq!(keys(tables, table, WHOLE), [id(1), id(9)]);
        assert_eq!(tables.count(table).unwrap(), 2);
        assert_eq!(keys_back(tables, table, WHOLE), [id(9), id(1)]);
        assert_eq!(seen(), (Some(b"one".to_vec()), vec![id(1).to_vec(), id(2).to_vec()]));
        true
    });
    read(storage, |tables| {
        assert_eq!((get(tables, table, &id(1)), tables.count(table).unwrap()), (Some(b"eins".to_vec()), 2));
    });
}

fn an_aborted_transaction_leaves_nothing(engine: Engine) {
    let fixture = Fixture::on(engine);
    let (storage, table) = (fixture.storage(), PROVIDERS.shape());
    change(storage, |tables| put(tables, table, &u64::bytes(1), b"kept").is_none());
    change(storage, |tables| {
        remove(tables, table, &u64::bytes(1));
        false
    });
    let failed = storage.write(&mut |tables| {
        put(tables, table, &u64::bytes(2), b"lost");
        Err(Error::new(ErrorKind::InvalidRequest, "no"))
    });
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::InvalidRequest);
    assert_eq!(read(storage, |tables| keys(tables, table, WHOLE)), [u64::bytes(1)]);
}

fn keys_back(tables: &dyn ReadTables, table: &Shape, ends: Ends<'_>) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    tables
        .range_back(table, ends, &mut |key, _| {
            found.push(key.to_vec());
            Ok(true)
        })
        .unwrap();
    found
}

/// Puts keys in a wrong order, and checks that they come back in that of their parts.
fn sorted<K: Key>(storage: &dyn Storage, table: &Shape, value: &[u8], wanted: &[K::Of<'_>]) {
    change(storage, |tables| {
        for key in wanted.iter().rev() {
            put(tables, table, K::bytes(*key).as_ref(), value);
        }
        true
    });
    let wanted: Vec<Vec<u8>> = wanted.iter().map(|key| K::bytes(*key).as_ref().to_vec()).collect();
    read(storage, |tables| {
        assert_eq!(keys(tables, table, WHOLE), wanted, "{}", table.name);
        let mut back = keys_back(tables, table, WHOLE);
        back.reverse();
        assert_eq!(back, wanted, "{}", table.name);
    });
}

fn keys_are_visited_in_the_order_of_their_parts(engine: Engine) {
    let fixture = Fixture::on(engine);
    let storage = fixture.storage();
    let long = "b".repeat(300);
    sorted::<u64>(storage, PROVIDERS.shape(), b"", &[0, 1, 255, 256, u64::MAX]);
    sorted::<(u64, i64)>(storage, BUDGET_BALANCES.shape(), b"", &[(1, i64::MIN), (1, -1), (1, 0), (1, 256), (2, -7)]);
    let blocks = [(0, i64::MIN, 9), (0, -1, 0), (0, 0, 1), (0, 0, 256), (1, -7, 0)];
    sorted::<PostingKey>(storage, POSTINGS.shape(), b"", &blocks);
    sorted::<(u64, u64)>(storage, RECORDS_BY_TEXT.shape(), b"", &[(0, 9), (1, 0), (256, 0), (256, u64::MAX)]);
    sorted::<u64>(storage, SESSIONS.shape(), b"", &[0, 1, 256, u64::MAX]);
    sorted::<&'static str>(storage, PACKAGES_BY_ORDER.shape(), &[0; 8], &["", "a", "ab", "b", "é"]);
    sorted::<(i64, &'static str)>(storage, KEYS_BY_TIME.shape(), b"", &[(-5, "z"), (0, ""), (0, "a"), (1, "")]);
    let days = [
        (-1, "z", 9, "z", "z"),
        (0, "", 0, "", ""),
        (0, "a", 1, "t", "CNY"),
        (0, "a", 1, "t", "USD"),
        (0, "a", 2, "", ""),
        (0, long.as_str(), 0, long.as_str(), ""),
        (256, "", 0, "", ""),
    ];
    sorted::<DailyKey>(storage, DAILY.shape(), b"", &days);
    let balances = [
        (0, 1, "", i64::MIN),
        (0, 1, "", 7),
        (0, 1, "1:a", -7),
        (0, 1, "1:b", i64::MIN),
        (0, 2, "", 0),
        (1, 0, long.as_str(), 256),
    ];
    sorted::<BalanceKey>(storage, BALANCES.shape(), b"", &balances);
    let movements = balances.map(|(kind, account, part, start)| (kind, account, part, start, 9));
    sorted::<MovementKey>(storage, MOVEMENTS.shape(), b"", &movements);
}

fn a_range_has_its_ends_where_they_are_said_to_be(engine: Engine) {
    let fixture = Fixture::on(engine);
    let (storage, table) = (fixture.storage(), PROVIDERS.shape());
    change(storage, |tables| {
        for id in 1..=5 {
            put(tables, table, &u64::bytes(id), b"");
        }
        true
    });
    let [one, two, four, nine] = [1, 2, 4, 9].map(|id: u64| u64::bytes(id));
    let cases: [(Ends<'_>, &[u64]); 8] = [
        ((Bound::Included(&two), Bound::Included(&four)), &[2, 3, 4]),
        ((Bound::Excluded(&two), Bound::Excluded(&four)), &[3]),
        ((Bound::Excluded(&four), Bound::Unbounded), &[5]),
        ((Bound::Unbounded, Bound::Excluded(&two)), &[1]),
        ((Bound::Included(&nine), Bound::Unbounded), &[]),
        ((Bound::Included(&four), Bound::Included(&two)), &[]),
        ((Bound::Included(&two), Bound::Excluded(&two)), &[]),
        ((Bound::Excluded(&one), Bound::Excluded(&one)), &[]),
    ];
    for (ends, wanted) in cases {
        let wanted: Vec<Vec<u8>> = wanted.iter().map(|id| u64::bytes(*id).to_vec()).collect();
        let back: Vec<Vec<u8>> = wanted.iter().rev().cloned().collect();
        assert_eq!(read(storage, |tables| keys(tables, table, ends)), wanted, "{ends:?}");
        assert_eq!(read(storage, |tables| keys_back(tables, table, ends)), back, "{ends:?}");
        change(storage, |tables| {
            assert_eq!(keys(tables, table, ends), wanted, "{ends:?}");
            assert_eq!(keys_back(tables, table, ends), back, "{ends:?}");
            false
        });
    }
    let mut visited = 0;
    read(storage, |tables| {
        tables
            .range(table, WHOLE, &mut |_, _| {
                visited += 1;
                Ok(visited < 2)
            })
            .unwrap();
    });
    assert_eq!(visited, 2);
}

fn a_table_is_not_changed_while_it_is_visited(engine: Engine) {
    let fixture = Fixture::on(engine);
    let table = PROVIDERS.shape();
    let refused = fixture.storage().write(&mut |tables| {
        put(tables, table, &u64::bytes(1), b"");
        tables.range(table, WHOLE, &mut |key, _| {
            // Another may be, and this one may be read.
            put(tables, BUDGET_BALANCES.shape(), &[0; 16], b"");
            assert!(get(tables, table, key).is_some());
            tables.remove(table, key, &mut |_| {}).map(|()| true)
        })?;
        Ok(true)
    });
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Internal);
}

fn a_panic_of_a_rule_ends_its_transaction_alone(engine: Engine) {
    let fixture = Fixture::on(engine);
    let table = PROVIDERS.shape();
    let failed = fixture.storage().write(&mut |tables| {
        put(tables, table, &u64::bytes(1), b"");
        panic!("a defect");
    });
    failed.unwrap_err();
    if matches!(engine, Engine::Memory) {
        // A file cannot tell it from a damaged page, and is given up.
        assert!(read(fixture.storage(), |tables| keys(tables, table, WHOLE)).is_empty());
        fixture.budget(terms(Scope::everyone(), Limit::Tokens(1), Window::Total));
    }
}
