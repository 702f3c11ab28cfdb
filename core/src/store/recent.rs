//! The records that a writer has settled and that were not digested yet, so that digesting need not read them again.

use std::collections::VecDeque;

/// How many records are kept. Where others digest, nobody takes them.
const MOST: usize = if cfg!(test) { 16 } else { 2_048 };

/// Records of one id after another. They are as they stand in the file while no record was revised.
pub(super) struct Recent<R> {
    records: VecDeque<(u64, R)>,
    /// How often records had been revised when the first of them was written.
    revised: u64,
}

impl<R> Default for Recent<R> {
    fn default() -> Self {
        Self { records: VecDeque::new(), revised: 0 }
    }
}

impl<R> Recent<R> {
    /// Returns whether a new record of an id follows those that are kept.
    pub(super) fn is_followed_by(&self, id: u64) -> bool {
        self.records.back().is_some_and(|(last, _)| last + 1 == id)
    }

    /// Begins anew, at a time when records have been revised so often.
    pub(super) fn begin(&mut self, revised: u64) {
        self.records.clear();
        self.revised = revised;
    }

    /// Keeps a new record.
    pub(super) fn push(&mut self, id: u64, record: R) {
        self.records.push_back((id, record));
        if self.records.len() > MOST {
            self.records.pop_front();
        }
    }

    /// Forgets all records.
    pub(super) fn forget(&mut self) {
        self.records.clear();
    }

    /// Takes the records of some ids, both inclusive, if all of them are here and are as they were written.
    pub(super) fn take(&mut self, (first, last): (u64, u64), revised: u64) -> Option<Vec<R>> {
        if revised != self.revised {
            self.records.clear();
        }
        while self.records.front().is_some_and(|(id, _)| *id < first) {
            self.records.pop_front();
        }
        let count = usize::try_from(last.checked_sub(first)?).ok()?.checked_add(1)?;
        let is_first = self.records.front().is_some_and(|(id, _)| *id == first);
        (is_first && self.records.len() >= count)
            .then(|| self.records.drain(..count).map(|(_, record)| record).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recent(ids: std::ops::RangeInclusive<u64>) -> Recent<u64> {
        let mut recent = Recent::default();
        recent.begin(7);
        for id in ids {
            recent.push(id, id * 10);
        }
        recent
    }

    #[test]
    fn records_are_taken_once_and_in_their_order() {
        let mut recent = recent(1..=5);
        assert!(recent.is_followed_by(6) && !recent.is_followed_by(7));
        assert_eq!(recent.take((2, 3), 7), Some(vec![20, 30]), "what comes before was digested by others");
        assert_eq!(recent.take((2, 3), 7), None);
        assert_eq!(recent.take((4, 6), 7), None, "the last one is not here");
        assert_eq!(recent.take((4, 5), 7), Some(vec![40, 50]));
        assert!(!recent.is_followed_by(6));
    }

    #[test]
    fn records_are_not_taken_once_any_was_revised() {
        let mut recent = recent(1..=5);
        assert_eq!(recent.take((1, 2), 8), None);
        assert_eq!(recent.take((1, 2), 7), None, "they are gone for good");
    }

    #[test]
    fn no_more_are_kept_than_some() {
        let mut recent = recent(1..=40);
        assert_eq!(recent.take((1, 2), 7), None);
        assert_eq!(recent.take((39, 40), 7), Some(vec![390, 400]));
    }
}
