//! What is logged, by `tracing`: the targets of all events, and the way of a subscriber into threads of the engine's own.
//!
//! An event has codes, names and numbers as its fields. It never has a secret, a word of a request, or what a provider said.

use tracing::Span;
use tracing::dispatcher::{get_default, with_default};
use tracing::subscriber::NoSubscriber;

/// The target of what happens to calls: retries, fallbacks, refusals, what has no price, what could not be settled.
pub const CALL: &str = "tollway::call";

/// The target of what is noticed of model configs: cooldowns, fields that a host refuses, settings that may be wrong.
pub const MODELS: &str = "tollway::models";

/// The target of what is noticed of the file: what ended processes left, who may reach it, damage.
pub const LEDGER: &str = "tollway::ledger";

/// Returns work that logs on whatever thread as it would here: to the subscriber of this thread, in the current span.
pub fn logged_as_here<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let span = Span::current();
    let subscriber = get_default(Clone::clone);
    move || {
        // No subscriber here must not hide one that is set for the whole program later.
        if subscriber.is::<NoSubscriber>() {
            span.in_scope(work)
        } else {
            with_default(&subscriber, || span.in_scope(work))
        }
    }
}
