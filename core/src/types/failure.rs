//! What an error tells as data: the attempts that failed, and what a budget had room for.

use rust_decimal::Decimal;
use serde::Serialize;

use super::account_unit::AccountUnit;
use super::currency::Currency;
use super::ids::BudgetId;
use super::on_exceeded::OnExceeded;
use super::record_status::RecordStatus;

/// How an attempt of a call that failed ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailedOutcome {
    /// It was not made: nothing was sent, and there is no record.
    NotSent,
    /// The provider failed, or refused the request.
    Failed,
    /// Its time ran out.
    Timeout,
    /// It was given up before an answer came.
    Cancelled,
    /// A part of its answer came.
    Partial,
}

impl From<RecordStatus> for FailedOutcome {
    fn from(status: RecordStatus) -> Self {
        match status {
            RecordStatus::Timeout => Self::Timeout,
            RecordStatus::Cancelled => Self::Cancelled,
            RecordStatus::Partial => Self::Partial,
            _ => Self::Failed,
        }
    }
}

/// One attempt of a call that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedAttempt {
    /// The model that was tried, as `provider/model`.
    pub model: String,
    /// How it ended.
    pub outcome: FailedOutcome,
    /// The stable code of its error.
    pub error_code: &'static str,
    /// The HTTP status of the provider's answer.
    pub status: Option<u16>,
    /// The usage record of the attempt (UUIDv7); absent where nothing was sent.
    pub record_uid: Option<String>,
}

/// What a budget that refused a call had, and what the call asked of it. Amounts are of what the budget counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BudgetRefusal {
    /// The budget.
    pub budget_id: BudgetId,
    /// Which of its budgets it is, where its scope has `*`; else empty.
    #[serde(skip)]
    pub part: String,
    /// What may be used in its window.
    #[serde(with = "super::decimal_text")]
    pub limit: Decimal,
    /// What was used in it.
    #[serde(with = "super::decimal_text")]
    pub settled: Decimal,
    /// What calls under way hold.
    #[serde(with = "super::decimal_text")]
    pub reserved: Decimal,
    /// What the call asked to hold.
    #[serde(with = "super::decimal_text")]
    pub asked: Decimal,
    /// The currency; absent where the budget counts no money.
    pub currency: Option<Currency>,
    /// What it counts where that is neither money nor tokens: `requests`, or a meter.
    pub meter: Option<AccountUnit>,
    /// What becomes of a call that it has no room for.
    #[serde(skip)]
    pub on_exceeded: OnExceeded,
    /// The greatest `max_tokens` with which the same call fits into this budget now; absent where none is known to.
    pub max_tokens: Option<u64>,
}

impl BudgetRefusal {
    /// Returns what is counted, where it is neither money nor tokens.
    #[must_use]
    pub fn meter_of(unit: AccountUnit) -> Option<AccountUnit> {
        matches!(unit, AccountUnit::Requests | AccountUnit::Meter(_)).then_some(unit)
    }

    /// Returns whether the call would fit if nothing were held by calls under way.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.settled.checked_add(self.asked).is_some_and(|used| used <= self.limit)
    }
}
