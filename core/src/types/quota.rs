//! Quotas: what a user may use of one kind of work: so much each month, then what was granted or bought for good.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::account_unit::AccountUnit;
use super::ids::{QuotaId, TransactionId, UsageRecordId};
use super::meter::Meter;
use super::model_config::Capability;

/// A kind of work that quotas count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum QuotaType {
    /// Tokens of calls that make text, embeddings or rankings.
    TextToken,
    /// Images that are made.
    Image,
    /// Minutes of sound, heard and made.
    Audio,
    /// Seconds of video that are made.
    Video,
}

impl QuotaType {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TextToken => "text_token",
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }

    /// Returns what the ledger counts for it.
    #[must_use]
    pub const fn unit(self) -> AccountUnit {
        match self {
            Self::TextToken => AccountUnit::Tokens,
            Self::Image => AccountUnit::Meter(Meter::Image),
            Self::Audio => AccountUnit::AudioSeconds,
            Self::Video => AccountUnit::Meter(Meter::VideoSecond),
        }
    }

    /// Returns how many units of the ledger are one of the quota: a minute of sound is counted as 60 seconds, which is exact.
    #[must_use]
    pub const fn units(self) -> u32 {
        match self {
            Self::Audio => 60,
            Self::TextToken | Self::Image | Self::Video => 1,
        }
    }

    /// Returns whether calls of a capability may take of it. Tokens are those of text alone: images, sound and videos have quotas of
    /// their own, whatever they are billed by.
    #[must_use]
    pub const fn counts(self, capability: Capability) -> bool {
        match self {
            Self::TextToken => {
                matches!(capability, Capability::Text | Capability::Embedding | Capability::Rerank)
            }
            Self::Image | Self::Audio | Self::Video => true,
        }
    }

    /// Returns whether it is what a capability makes, so that how much of it a call takes must be known.
    #[must_use]
    pub const fn is_made_by(self, capability: Capability) -> bool {
        match self {
            Self::TextToken => self.counts(capability),
            Self::Image => matches!(capability, Capability::Image),
            Self::Audio => matches!(capability, Capability::Audio),
            Self::Video => matches!(capability, Capability::Video),
        }
    }
}

/// What becomes of a call that a quota has no room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum QuotaEnforcement {
    /// It is refused.
    #[default]
    Enforce,
    /// It is made and counted.
    Record,
    /// It is made without the quota, out of the provider's pool; where the provider has none, it is refused.
    Pool,
}

impl QuotaEnforcement {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Record => "record",
            Self::Pool => "pool",
        }
    }
}

/// What a quota says, apart from its identity. User and type together are unique.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuotaTerms {
    /// Whose calls it counts.
    pub user: String,
    /// What it counts.
    pub quota_type: QuotaType,
    /// What may be used each month, in tokens, images, minutes of sound or seconds of video.
    #[serde(with = "super::decimal_text")]
    #[cfg_attr(feature = "schema", schemars(with = "Decimal"))]
    pub monthly: Decimal,
    /// The IANA time zone that months begin in.
    pub time_zone: String,
    /// What becomes of a call that it has no room for.
    pub enforcement: QuotaEnforcement,
}

impl QuotaTerms {
    /// Makes the terms of a quota that has no monthly part, which refuses what it has no room for.
    #[must_use]
    pub fn new(user: impl Into<String>, quota_type: QuotaType) -> Self {
        Self {
            user: user.into(),
            quota_type,
            monthly: Decimal::ZERO,
            time_zone: "UTC".to_owned(),
            enforcement: QuotaEnforcement::default(),
        }
    }
}

/// A row of `user_token_quota`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Quota {
    /// The row.
    pub id: QuotaId,
    /// Its terms.
    #[serde(flatten)]
    pub terms: QuotaTerms,
    /// When the row was written.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
}

/// A quota with what is left of it. Amounts are of its type: tokens, images, minutes of sound (rounded at the 18th decimal) or
/// seconds of video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Quota"))]
pub struct QuotaStatus {
    /// The quota.
    #[serde(flatten)]
    pub quota: Quota,
    /// The first instant of the month that is running.
    pub month_start: Timestamp,
    /// The first instant of the next month.
    pub month_end: Timestamp,
    /// What settled calls used of the month's part.
    pub month_used: Decimal,
    /// What calls under way hold of the month's part.
    pub month_reserved: Decimal,
    /// What was granted and bought, less what settled calls used of it. It is below zero where they used more.
    pub balance: Decimal,
    /// What calls under way hold of the balance.
    pub balance_reserved: Decimal,
    /// What is left for the next call: of the month, and of the balance.
    pub remaining: Decimal,
}

/// Why a quota was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TransactionType {
    /// It was granted.
    Grant,
    /// A package was bought.
    Purchase,
    /// A call used it.
    Consume,
    /// A package was given back (below zero), or what a call had not used after all (above zero).
    Refund,
}

impl TransactionType {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Purchase => "purchase",
            Self::Consume => "consume",
            Self::Refund => "refund",
        }
    }
}

/// A row of `token_quota_transaction`: one movement of a quota. A call that uses up the month's part and goes on has two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuotaTransaction {
    /// The row.
    pub id: TransactionId,
    /// The quota.
    pub quota_id: QuotaId,
    /// Whose quota it is.
    pub user: String,
    /// What it counts.
    pub quota_type: QuotaType,
    /// Why it was moved.
    pub transaction_type: TransactionType,
    /// What the user has more of; below zero for what was used or given back.
    pub amount: Decimal,
    /// The first day of the month whose part was moved; absent where the balance was.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub month: Option<jiff::civil::Date>,
    /// What was left after it: of that month's part, or of the balance.
    pub balance_after: Decimal,
    /// The usage record of the call; absent where no call moved it.
    pub record_id: Option<UsageRecordId>,
    /// The order of the package.
    pub order_id: Option<String>,
    /// A note.
    pub remark: Option<String>,
    /// When it was moved.
    pub created_at: Timestamp,
}
