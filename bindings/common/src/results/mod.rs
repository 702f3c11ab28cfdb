//! What verbs return, as every language shows it.
//!
//! Most of it is the engine's own data. What is shown in another form has that form here, once for all languages: a model by
//! its full name, a tool call without its nesting, an event that holds its reply.

mod config;
mod event;
mod record;
mod reply;
mod whole_reply;

pub use config::{ConfiguredModel, ModelConfig};
pub use event::StreamEvent;
pub use record::{UsagePage, UsageRecord};
pub(crate) use reply::attempt;
pub use reply::{Attempt, ChatReply, Choice, ToolCall};
pub(crate) use whole_reply::whole_reply;

use serde::Serialize;
use tollway::catalog::lint::Finding;
use tollway::client::{
    Archive, Backup, Compaction, LedgerExport, LedgerImport, PriceExport, PriceImport, PriceUpdate, RerateReport,
};
use tollway::report::SummaryRow;
use tollway::types::{
    BudgetStatus, FxRate, LedgerHead, Model, ModelHealth, ModelName, Package, PoolRecharge, PoolStatus, Price,
    QuotaStatus, QuotaTransaction, Quote, Route, Session, Verification,
};

/// What a verb can return, and the form in which it is shown.
pub(crate) trait Shown {
    /// The form.
    type Form<'a>: Serialize
    where
        Self: 'a;

    /// Returns it in its form.
    fn shown(&self) -> Self::Form<'_>;
}

impl<T: Shown> Shown for Vec<T> {
    type Form<'a>
        = Vec<T::Form<'a>>
    where
        T: 'a;

    fn shown(&self) -> Self::Form<'_> {
        self.iter().map(T::shown).collect()
    }
}

/// What is shown as it is.
macro_rules! as_it_is {
    ($($type:ty),+ $(,)?) => {$(
        impl Shown for $type {
            type Form<'a> = &'a Self;

            fn shown(&self) -> Self::Form<'_> {
                self
            }
        }
    )+};
}

as_it_is! {
    (), Archive, Backup, BudgetStatus, Compaction,
    Package,
    PoolRecharge,
    PoolStatus,
    QuotaStatus,
    QuotaTransaction, Finding, FxRate, LedgerExport, LedgerHead, LedgerImport, Model, ModelHealth, Price, PriceExport, PriceImport, PriceUpdate, Quote, RerateReport, Route, Session,
    SummaryRow, Verification,
}

/// Returns the name of a model as calls give it.
pub(crate) fn full_name(provider: &str, model: &str) -> String {
    ModelName::new(provider, model).to_string()
}
