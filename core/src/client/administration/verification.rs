//! The check of the whole file, and the head of its ledger.

use crate::client::engine::Tollway;
use crate::types::{Damage, LedgerHead, Result, Verification};

impl Tollway {
    /// Returns the head of the ledger. Kept outside the file, it tells [`Self::verify`] later whether an older copy was put in the
    /// place of the file.
    pub async fn head(&self) -> Result<LedgerHead> {
        self.engine.check()?;
        let (record, link) = self.engine.store.head().await?;
        Ok(LedgerHead { ledger: self.ledger(), record, link })
    }

    /// Reads the whole file, and returns what is not as it was written: pages, rows, indexes, balances, the daily rollup. Where a
    /// head is given, it also says whether the ledger still holds all that it held then.
    ///
    /// Damage is a damage and no error. It reads every record, so it takes some seconds for each million; calls go on meanwhile.
    pub async fn verify(&self, expected: Option<LedgerHead>) -> Result<Verification> {
        self.engine.check()?;
        let checked = self.engine.store.verify().await?;
        let head = self.head().await?;
        let mut damage = checked.damage;
        if let Some(expected) = expected
            && let Some(problem) = self.differs(&head, &expected).await?
        {
            damage.push(Damage { table: "ledger".to_owned(), row: None, problem });
        }
        Ok(Verification { records: checked.records, rows: checked.rows, head, damage })
    }

    /// Returns how the ledger differs from what it was when a head was taken.
    async fn differs(&self, head: &LedgerHead, expected: &LedgerHead) -> Result<Option<String>> {
        if head.ledger != expected.ledger {
            return Ok(Some("the head is of another ledger".to_owned()));
        }
        if head.record < expected.record {
            return Ok(Some(format!(
                "the ledger ends with record {}, and had {} when the head was taken: an older copy was put in its place",
                head.record, expected.record
            )));
        }
        let link = self.engine.store.link_at(expected.record).await?;
        // What was archived since cannot be held against it.
        Ok(link.is_some_and(|link| link != expected.link).then(|| {
            format!(
                "record {} is another than when the head was taken: an older copy was put in its place and used since",
                expected.record
            )
        }))
    }

    fn ledger(&self) -> String {
        hex::encode(&self.engine.vault.fingerprint(b"the ledger")[..8])
    }
}
