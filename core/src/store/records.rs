//! The usage records of a write transaction.

use std::cell::Cell;
use std::ops::RangeBounds;
use std::rc::Rc;

use super::codec::Row as _;
use super::failure::damaged;
use super::name_book::NameBook;
use super::row_key::RowKey;
use super::rows::{PackedRecordRow, UsageRecordRow};
use super::tables;
use super::writing::{Index, Rows, Writing};
use crate::types::{Result, UsageRecord};

/// Records by id, and by the texts that name them.
pub(super) struct Records<'t> {
    rows: Rows<'t, u64, PackedRecordRow>,
    by_text: Index<'t, (u64, u64), ()>,
    names: Rc<NameBook<'t>>,
    key: &'t RowKey,
    /// What no key of a text that grows with time is above, once that was read.
    latest: Cell<Option<u64>>,
}

/// Returns the keys under which a record is found by its uid, by its call, and, if it corrects another, by the uid of that one.
pub(super) fn text_keys(key: &RowKey, uid: &str, request_id: &str, adjusts: Option<&str>) -> Vec<u64> {
    let mut keys: Vec<u64> =
        [Some(uid), Some(request_id), adjusts].into_iter().flatten().map(|text| text_key(key, text)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The first key of those that do not grow with time.
const TIMELESS: u64 = 1 << 63;

/// Returns the key under which records are found by a text. It grows with time where the text is a UUIDv7, so that new records come
/// behind those that there are; keys of other texts stand behind all of these.
pub(super) fn text_key(key: &RowKey, text: &str) -> u64 {
    let [first @ .., _, _, _, _, _, _, _, _] = key.tag("texts of records", &[], text.as_bytes());
    let digest = u64::from_le_bytes(first);
    match uuid::Uuid::try_parse(text) {
        Ok(uuid) if uuid.get_version_num() == 7 => (uuid.as_u64_pair().0 & !0xFFFF) | (digest & 0xFFFF),
        _ => digest | TIMELESS,
    }
}

impl<'t> Records<'t> {
    pub(super) fn open(writing: Writing<'t>, names: Rc<NameBook<'t>>) -> Self {
        Self {
            rows: writing.rows(tables::RECORDS),
            by_text: writing.index(tables::RECORDS_BY_TEXT),
            names,
            key: writing.key,
            latest: Cell::new(None),
        }
    }

    fn unpacked(&self, row: &PackedRecordRow) -> Result<UsageRecordRow> {
        row.record_row(&|number| self.names.name(number))
    }

    pub(super) fn get(&self, id: u64) -> Result<Option<UsageRecordRow>> {
        self.rows.get(id)?.map(|row| self.unpacked(&row)).transpose()
    }

    /// Returns when a record was settled, in microseconds.
    pub(super) fn created_at(&self, id: u64) -> Result<Option<i64>> {
        self.rows.get(id)?.map(|row| row.created_at()).transpose()
    }

    /// Visits the records of a range in the order of their ids until `visit` returns false.
    pub(super) fn each_in<'a>(
        &self,
        range: impl RangeBounds<u64> + RangeBounds<<u64 as super::key::Key>::Of<'a>>,
        mut visit: impl FnMut(u64, UsageRecordRow) -> Result<bool>,
    ) -> Result<()> {
        self.rows.each_in(range, |id, row| visit(id, self.unpacked(&row)?))
    }

    /// Writes a record over the one that has its id. What names it must not have changed.
    pub(super) fn put(&mut self, id: u64, row: &UsageRecordRow) -> Result<()> {
        let names = Rc::clone(&self.names);
        let packed = PackedRecordRow::new(row, &mut |space, name| names.number(space, name.as_bytes()))?;
        self.rows.put(id, &packed)
    }

    /// Enters a new record under the texts that name it.
    pub(super) fn enter(&mut self, id: u64, record: &UsageRecord) -> Result<()> {
        for key in text_keys(self.key, &record.uid, &record.request_id, record.adjusts.as_deref()) {
            self.by_text.put((key, id), ())?;
            let behind = |latest: u64| if key < TIMELESS { latest.max(key) } else { latest };
            self.latest.set(self.latest.get().map(behind));
        }
        Ok(())
    }

    /// Removes a record, and what names it.
    pub(super) fn remove(&mut self, id: u64, row: &UsageRecordRow) -> Result<()> {
        let keys = text_keys(self.key, &row.uid, &row.request_id, row.adjusts.as_deref());
        keys.into_iter().try_for_each(|key| self.by_text.remove((key, id)))?;
        self.rows.remove(id)
    }

    pub(super) fn next_id(&self) -> Result<u64> {
        self.rows.next_id()
    }

    pub(super) fn take_id(&mut self) -> Result<u64> {
        self.rows.take_id()
    }

    /// Returns the id of the record with a uid.
    pub(super) fn of_uid(&self, uid: &str) -> Result<Option<u64>> {
        for id in self.named(uid)? {
            if self.read(id)?.uid == uid {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Returns the records that correct another, by the uid of that one, in the order of their ids.
    pub(super) fn correcting(&self, uid: &str) -> Result<Vec<UsageRecordRow>> {
        let rows = self.named(uid)?.into_iter().map(|id| self.read(id)).collect::<Result<Vec<_>>>()?;
        Ok(rows.into_iter().filter(|row| row.adjusts.as_deref() == Some(uid)).collect())
    }

    /// Returns the ids of the records that a text may name.
    fn named(&self, text: &str) -> Result<Vec<u64>> {
        let (key, mut ids) = (text_key(self.key, text), Vec::new());
        // A call that begins has a uid that is later than those of all records.
        if key < TIMELESS && key > self.latest()? {
            return Ok(ids);
        }
        self.by_text.each((key, 0)..=(key, u64::MAX), |(_, id)| {
            ids.push(id);
            Ok(())
        })?;
        Ok(ids)
    }

    fn latest(&self) -> Result<u64> {
        if let Some(latest) = self.latest.get() {
            return Ok(latest);
        }
        let latest = self.by_text.last(..(TIMELESS, 0))?.map_or(0, |(key, _)| key);
        self.latest.set(Some(latest));
        Ok(latest)
    }

    fn read(&self, id: u64) -> Result<UsageRecordRow> {
        self.get(id)?.ok_or_else(|| damaged(UsageRecordRow::TABLE, "an index names a record that is missing"))
    }
}
