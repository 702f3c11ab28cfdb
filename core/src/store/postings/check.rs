//! Holding postings against the records that stand under them.

use std::collections::BTreeMap;

use super::block::Block;
use super::{Place, of_record};
use crate::store::reading::Reader;
use crate::store::tables::{self, PostingKey};
use crate::types::{Result, UsageRecord};

/// How many records there are, and a sum of their ids in which no two of them can change places unseen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    records: u64,
    ids: u64,
}

impl Sum {
    fn add(&mut self, id: u64) {
        self.records += 1;
        let mixed = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.ids = self.ids.wrapping_add(mixed ^ (mixed >> 29));
    }
}

/// A check under way: first the records are counted, then the blocks are read in their order.
pub(in crate::store) struct PostingCheck {
    digested: u64,
    sums: BTreeMap<u64, Sum>,
    last: Option<(u64, Place)>,
}

impl PostingCheck {
    pub(in crate::store) fn new(digested: u64) -> Self {
        Self { digested, sums: BTreeMap::new(), last: None }
    }

    /// Counts a record.
    pub(in crate::store) fn count(&mut self, reader: &Reader<'_>, record: &UsageRecord) -> Result<()> {
        if record.id.get() <= self.digested {
            for posting in of_record(record, &|space, name| reader.number(space, name.as_bytes()))? {
                self.sums.entry(posting).or_default().add(record.id.get());
            }
        }
        Ok(())
    }

    /// Reads all blocks. Returns what is wrong with them.
    pub(in crate::store) fn blocks(mut self, reader: &Reader<'_>) -> Result<Vec<String>> {
        let (mut found, mut wrong) = (BTreeMap::<u64, Sum>::new(), Vec::new());
        reader.entries(tables::POSTINGS).each(.., |key, bytes| {
            if let Err(error) = self.block(reader, key, bytes, &mut found) {
                wrong.push(error.detail().to_owned());
            }
            Ok(true)
        })?;
        for (posting, sum) in &self.sums {
            let own = found.remove(posting).unwrap_or_default();
            if own != *sum {
                let (has, should) = (own.records, sum.records);
                wrong.push(format!("posting {posting} has {has} records, and not the {should} that it should have"));
            }
        }
        for posting in found.into_keys() {
            wrong.push(format!("posting {posting} has records, and should have none"));
        }
        Ok(wrong)
    }

    fn block(
        &mut self,
        reader: &Reader<'_>,
        (posting, time, id): PostingKey,
        bytes: &[u8],
        found: &mut BTreeMap<u64, Sum>,
    ) -> Result<()> {
        let block = Block::read((time, id), bytes)?;
        block.ids.iter().for_each(|id| found.entry(posting).or_default().add(*id));
        let is_behind = self.last.is_none_or(|last| last < (posting, block.first));
        self.last = Some((posting, block.last));
        let stands = |at: Place| -> Result<bool> {
            let row = reader.record(at.1)?;
            Ok(row.is_some_and(|row| row.created_at == at.0))
        };
        if !is_behind || !stands(block.first)? || !stands(block.last)? {
            let problem = format!("a block of posting {posting} is not where its records stand");
            return Err(crate::store::failure::damaged(tables::POSTINGS.shape().name, &problem));
        }
        Ok(())
    }
}
