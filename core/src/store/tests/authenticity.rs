//! Authenticity: rows that were edited, moved, put back or taken away in the file are noticed where they are read.

use ::redb::{Database, ReadableTable, TableDefinition, WriteTransaction};

use super::verifying::verified;
use super::*;

const BUDGETS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("budgets");
const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("ai_usage_records");
const RECORDS_BY_TEXT: TableDefinition<'_, (u64, u64), ()> = TableDefinition::new("ai_usage_records_by_text");
const POSTINGS: TableDefinition<'_, (u64, i64, u64), &[u8]> = TableDefinition::new("ai_usage_records_by_value");
const ROLLUPS: TableDefinition<'_, (i32, u64, u64, u64), &[u8]> = TableDefinition::new("usage_rollups");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// A closed file with two budgets and some records of alice, and three records of hers.
fn written() -> Fixture {
    written_with(3)
}

/// The same with so many records.
fn written_with(records: usize) -> Fixture {
    let mut fixture = Fixture::new();
    fixture.budget(terms(user("alice"), Limit::Money(usd("5")), Window::Total));
    fixture.budget(terms(user("bob"), Limit::Money(usd("500")), Window::Total));
    for _ in 0..records {
        let held = fixture.reserve(fixture.request("alice", Some(usd("1")))).unwrap();
        fixture.settle(settlement(held, Some(usd("0.5")))).unwrap();
    }
    fixture.store = None;
    fixture
}

fn edit(fixture: &Fixture, edit: impl FnOnce(&WriteTransaction)) {
    let database = Database::open(fixture.path()).unwrap();
    let transaction = database.begin_write().unwrap();
    edit(&transaction);
    transaction.commit().unwrap();
}

fn row(transaction: &WriteTransaction, table: TableDefinition<'_, u64, &[u8]>, id: u64) -> Vec<u8> {
    transaction.open_table(table).unwrap().get(id).unwrap().unwrap().value().to_vec()
}

/// Opens the file, reads everything, and returns what was noticed.
fn noticed(fixture: &Fixture) -> String {
    let read = || {
        let store = RedbStore::open(fixture.path(), false, Arc::new(SystemEnvironment), row_key())?;
        fixture.run(store.configuration())?;
        fixture.run(store.budget_statuses(None, noon()))?;
        fixture.run(store.usage_records(UsageFilter::default(), None, 100))?;
        let of_alice = UsageFilter { user: Some("alice".into()), ..UsageFilter::default() };
        fixture.run(store.usage_records(of_alice, None, 100))
    };
    let error = read().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CorruptedFile, "{error}");
    error.detail().to_owned()
}

#[test]
fn signed_rows_are_read_back() {
    let mut fixture = written();
    fixture.reopen();
    assert_eq!(fixture.records(UsageFilter::default()).len(), 3);
    assert_eq!(fixture.configuration().budgets.len(), 2);
}

#[test]
fn a_row_of_another_place_is_noticed() {
    let fixture = written();
    edit(&fixture, |transaction| {
        let other = row(transaction, BUDGETS, 2);
        transaction.open_table(BUDGETS).unwrap().insert(1, other.as_slice()).unwrap();
    });
    assert!(noticed(&fixture).contains("table budgets"));
}

#[test]
fn an_edited_row_is_noticed() {
    for (table, name) in [(BUDGETS, "budgets"), (RECORDS, "ai_usage_records")] {
        let fixture = written();
        edit(&fixture, |transaction| {
            let mut edited = row(transaction, table, 2);
            let place = edited.len() / 2;
            edited[place] ^= 1;
            transaction.open_table(table).unwrap().insert(2, edited.as_slice()).unwrap();
        });
        assert!(noticed(&fixture).contains(name));
    }
}

#[test]
fn a_row_that_was_taken_away_is_noticed() {
    for (table, id, said) in
        [(BUDGETS, 1, "1 rows, and 2 were written"), (RECORDS, 2, "record 2"), (RECORDS, 3, "record 3")]
    {
        let fixture = written();
        edit(&fixture, |transaction| {
            transaction.open_table(table).unwrap().remove(id).unwrap();
        });
        assert!(noticed(&fixture).contains(said), "{said}");
    }
}

#[test]
fn a_row_of_an_earlier_time_is_noticed() {
    let fixture = written();
    let mut earlier = Vec::new();
    edit(&fixture, |transaction| earlier = row(transaction, BUDGETS, 1));
    let store = fixture.another();
    let put = Operation::PutBudget { terms: terms(user("alice"), Limit::Money(usd("1")), Window::Total), now: noon() };
    fixture.run(store.apply(put)).unwrap();
    drop(store);
    edit(&fixture, |transaction| {
        transaction.open_table(BUDGETS).unwrap().insert(1, earlier.as_slice()).unwrap();
    });
    assert!(noticed(&fixture).contains("an earlier time"));
}

#[test]
fn a_counter_that_was_edited_or_taken_away_is_noticed() {
    let fixture = written();
    edit(&fixture, |transaction| {
        let mut meta = transaction.open_table(META).unwrap();
        meta.insert("last_id:ai_usage_records", 0_u64.to_le_bytes().as_slice()).unwrap();
    });
    assert!(noticed(&fixture).contains("table meta"));
    let fixture = written();
    edit(&fixture, |transaction| {
        transaction.open_table(META).unwrap().remove("last_id:ai_usage_records").unwrap();
    });
    assert!(noticed(&fixture).contains("table meta"));
    let fixture = written();
    edit(&fixture, |transaction| {
        transaction.open_table(META).unwrap().remove("ledger_state").unwrap();
    });
    assert!(noticed(&fixture).contains("table meta"));
}

#[test]
fn another_key_opens_no_row() {
    let fixture = written();
    let other = RowKey::new(&[8; 16]);
    let error = RedbStore::open(fixture.path(), false, Arc::new(SystemEnvironment), other).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::CorruptedFile);
}

#[test]
fn verification_reports_each_damage() {
    let mut fixture = written();
    edit(&fixture, |transaction| {
        let mut edited = row(transaction, RECORDS, 2);
        edited[40] ^= 1;
        transaction.open_table(RECORDS).unwrap().insert(2, edited.as_slice()).unwrap();
        transaction.open_table(RECORDS).unwrap().remove(3).unwrap();
        let mut texts = transaction.open_table(RECORDS_BY_TEXT).unwrap();
        let of_first: Vec<_> =
            texts.iter().unwrap().map(|entry| entry.unwrap().0.value()).filter(|key| key.1 == 1).collect();
        assert_eq!(of_first.len(), 2);
        texts.remove(of_first[0]).unwrap();
    });
    fixture.reopen();
    let said = verified(&fixture).join("\n");
    for part in [
        "ai_usage_records 2: ",
        "ai_usage_records 3: it is missing",
        "ai_usage_records 1: an index does not have it",
        "ai_usage_records_by_text : the index has 5 entries, and 2 are right",
        "ai_usage_records : table ai_usage_records is damaged",
    ] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
}

#[test]
fn verification_reports_each_damage_of_a_posting() {
    let mut fixture = written_with(4);
    fixture.reopen();
    assert_eq!(verified(&fixture), Vec::<String>::new());
    fixture.store = None;
    edit(&fixture, |transaction| {
        let mut postings = transaction.open_table(POSTINGS).unwrap();
        let mut all = Vec::new();
        for entry in postings.iter().unwrap() {
            let (key, value) = entry.unwrap();
            all.push((key.value(), value.value().to_vec()));
        }
        let (first, last) = (all[0].clone(), all[all.len() - 1].clone());
        postings.remove(first.0).unwrap();
        postings.remove(last.0).unwrap();
        let (posting, time, id) = last.0;
        postings.insert((posting, time + 1, id), last.1.as_slice()).unwrap();
    });
    fixture.reopen();
    let said = verified(&fixture).join("\n");
    for part in ["posting 0 has 0 records, and not the 4 that it should have", "is not where its records stand"] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
}

#[test]
fn verification_reports_each_damage_of_a_rollup() {
    /// Tells which row is meant: by the month or the day, the dimension, its value and the model.
    type Wanted = fn((i32, u64, u64, u64)) -> bool;
    /// Takes the first row away that is meant.
    fn without(fixture: &Fixture, is_wanted: Wanted) {
        edit(fixture, |transaction| {
            let mut rollups = transaction.open_table(ROLLUPS).unwrap();
            let keys: Vec<_> = rollups.iter().unwrap().map(|row| row.unwrap().0.value()).collect();
            let key = keys.into_iter().find(|key| is_wanted(*key)).unwrap();
            rollups.remove(key).unwrap();
        });
    }
    let mut fixture = written_with(4);
    fixture.reopen();
    assert_eq!(verified(&fixture), Vec::<String>::new());
    let cases: [(Wanted, &str); 4] = [
        (|(bucket, of, ..)| bucket < 0 && of == 0, "the sum of model 1"),
        (|(bucket, of, ..)| bucket < 0 && of == 2, "do not add up to all of its records"),
        (|(bucket, of, ..)| bucket > 0 && of == 2, "days have 2 sums and months 3"),
        (|(bucket, of, ..)| bucket < 0 && of > 2, "it says 0 for 0 records on 2026-11-22, which add up to 2 for 4"),
    ];
    for (taken, said) in cases {
        let mut fixture = written_with(4);
        without(&fixture, taken);
        fixture.reopen();
        let all = verified(&fixture).join("\n");
        assert!(all.contains(said) && all.contains("usage_rollups is damaged"), "{said} is not in:\n{all}");
    }
    let edited = written_with(4);
    edit(&edited, |transaction| {
        let mut rollups = transaction.open_table(ROLLUPS).unwrap();
        let (key, mut row) = {
            let (key, row) = rollups.first().unwrap().unwrap();
            (key.value(), row.value().to_vec())
        };
        row[9] ^= 1;
        rollups.insert(key, row.as_slice()).unwrap();
    });
    let error = {
        let day = jiff::civil::date(2026, 11, 22);
        edited.run(edited.another().daily_costs(day, day)).unwrap_err()
    };
    assert_eq!(error.kind(), ErrorKind::CorruptedFile);
}
