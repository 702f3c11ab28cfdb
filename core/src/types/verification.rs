//! What a check of the whole file found, and the head of a ledger, by which an older copy of its file is known.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::{Error, ErrorKind, Result};

/// What the text of a head begins with.
const PREFIX: &str = "tollway-head-1";

/// The head of a ledger: which ledger it is, how many records it has, and what they add up to.
///
/// Kept outside the file, it tells later whether the file still holds all that it held then. Its text is
/// `tollway-head-1:LEDGER:RECORD:LINK`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerHead {
    /// The ledger, in hexadecimal digits; copies of a file have the same.
    pub ledger: String,
    /// The number of the last record; 0 for none.
    pub record: u64,
    /// The link of the chain that all records make.
    pub link: [u8; 16],
}

impl fmt::Display for LedgerHead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{PREFIX}:{}:{}:{}", self.ledger, self.record, hex::encode(self.link))
    }
}

impl FromStr for LedgerHead {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let malformed = || {
            Error::new(ErrorKind::InvalidRequest, format!("{text:?} is no head of a ledger; give what `head` returned"))
        };
        let parts: Vec<&str> = text.trim().split(':').collect();
        let [PREFIX, ledger, record, link] = parts.as_slice() else { return Err(malformed()) };
        let link = hex::decode(link).ok().and_then(|link| link.try_into().ok()).ok_or_else(malformed)?;
        let record = record.parse().map_err(|_| malformed())?;
        Ok(Self { ledger: (*ledger).to_owned(), record, link })
    }
}

impl Serialize for LedgerHead {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LedgerHead {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|error: Error| D::Error::custom(error.detail()))
    }
}

/// What a check of the whole file found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Verification {
    /// How many usage records were read.
    pub records: u64,
    /// How many rows of all tables were read.
    pub rows: u64,
    /// The head of the ledger.
    pub head: LedgerHead,
    /// What is wrong; empty if nothing is.
    pub damage: Vec<Damage>,
}

/// Something in a file that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Damage {
    /// The table, or `pages` for what lies below all tables.
    pub table: String,
    /// The row, where one can be named.
    pub row: Option<String>,
    /// What is wrong.
    pub problem: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_the_chain_is_read_back_from_its_string() {
        let head = LedgerHead { ledger: "ab12".into(), record: 7, link: [9; 16] };
        let text = head.to_string();
        assert_eq!(text, format!("tollway-head-1:ab12:7:{}", "09".repeat(16)));
        assert_eq!(text.parse::<LedgerHead>().unwrap(), head);
        assert_eq!(serde_json::from_str::<LedgerHead>(&serde_json::to_string(&head).unwrap()).unwrap(), head);
        for text in
            ["", "tollway-head-1:ab:7", "tollway-head-2:ab:7:00", "tollway-head-1:ab:x:00", "tollway-head-1:ab:7:0g"]
        {
            assert_eq!(text.parse::<LedgerHead>().unwrap_err().kind(), ErrorKind::InvalidRequest, "{text}");
        }
    }
}
