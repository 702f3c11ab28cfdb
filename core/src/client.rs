//! The client: the only module that knows all others, and the way of a call.
//!
//! A call runs in a task of its own, tracked until its settlement is in the file, so that a caller who drops the future
//! or the stream still gets a bill.

mod addresses;
mod admin;
mod allowance;
mod attempt;
mod call;
mod configured;
mod excess;
mod exchange;
mod fetch;
mod fx;
mod idempotency;
mod inputs;
mod model_fields;
mod models;
mod omissions;
mod open;
mod pass_through;
mod price_comparison;
mod price_updates;
mod prices;
mod pricing;
mod quote;
mod reply;
mod rerate;
mod secrets;
mod settle;
mod snapshots;
mod stream;
#[cfg(test)]
mod testing;
mod usage;
mod verification;
mod waiting;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use configured::{Configured, ConfiguredModel, PricesFrom};
pub use fetch::{FetchBody, FetchResponse};
pub use inputs::{FxRateInput, ModelHealth, ModelInput, ModelTerms, ModelUpdate, PriceInput, PriceList};
pub use price_comparison::{PriceProposal, ProposalKind};
pub use price_updates::PriceUpdate;
pub use rerate::{RerateBook, RerateLine, RerateQuery, RerateReport};
pub use stream::{Answering, ChatStream};

use crate::dialect::RecentItems;
use crate::environment::Environment;
use crate::provider::Framing;
use crate::routing::health::Health;
use crate::routing::prompt_cache::PromptCache;
use crate::settings::Settings;
use crate::store::{Outcome, Store};
use crate::transport::HttpClient;
use crate::types::{CallOptions, ChatReply, ChatRequest, Error, ErrorKind, Result, check_label, check_tags};
use crate::vault::Vault;

/// An open file, and the engine over it. Clones share it; it closes when the last one is dropped.
///
/// Every async method must be awaited inside a tokio runtime. A handle must not be used in a forked child, which gets
/// the error `forked`: the child opens the file again.
#[derive(Clone)]
pub struct Tollway {
    engine: Arc<Engine>,
}

/// What every call and every administrative method shares.
struct Engine {
    store: Arc<dyn Store>,
    vault: Arc<Vault>,
    settings: Settings,
    environment: Arc<dyn Environment>,
    http: HttpClient,
    health: Health,
    addresses: addresses::Addresses,
    omissions: omissions::Omissions,
    prompt_cache: PromptCache,
    recent_items: RecentItems,
    snapshots: snapshots::Snapshots,
    billing_ids: settle::BillingIds,
    tracker: TaskTracker,
    stopping: CancellationToken,
    closed: AtomicBool,
    process_id: u32,
}

impl Tollway {
    /// Sends a chat request and returns the whole reply, settled.
    ///
    /// Dropping the future gives the call up: it is cancelled at the provider and billed by its abandon policy. Fails
    /// with the kinds of [`ErrorKind`] that the design of the call names: budgets, routing, and the provider's.
    pub async fn chat(&self, request: ChatRequest, options: CallOptions) -> Result<ChatReply> {
        self.start(request, options, Framing::Json)?.reply().await
    }

    /// Sends a chat request and returns its reply piece by piece.
    ///
    /// It returns at once; a failure before the first piece is the stream's first item. Dropping the stream gives the
    /// call up: it is billed by its abandon policy.
    #[expect(clippy::unused_async, reason = "every call of the surface is awaited, in every language")]
    pub async fn chat_stream(&self, request: ChatRequest, options: CallOptions) -> Result<ChatStream> {
        self.start(request, options, Framing::EventStream)
    }

    /// Stops new calls, gives up those under way, and waits for their settlements, at most for `timeout`.
    ///
    /// Returns whether all settlements are in the file; what is not is left to recovery. Dropping the future leaves
    /// the handle closed.
    pub async fn shutdown(&self, timeout: Duration) -> bool {
        self.engine.closed.store(true, Ordering::Release);
        self.engine.stopping.cancel();
        self.engine.tracker.close();
        let late = self.engine.environment.sleep(timeout);
        tokio::select! {
            () = self.engine.tracker.wait() => true,
            () = late => false,
        }
    }

    fn start(&self, request: ChatRequest, options: CallOptions, framing: Framing) -> Result<ChatStream> {
        self.engine.check()?;
        check_input(&request, &options)?;
        let (call, stream) = call::Call::new(Arc::clone(&self.engine), request, options, framing);
        self.engine.tracker.spawn(call.run());
        Ok(stream)
    }
}

impl Engine {
    /// Fails with `forked` in another process than the one that opened the file, and with `closed` after shutdown.
    fn check(&self) -> Result<()> {
        if self.environment.process_id() != self.process_id {
            return Err(Error::new(
                ErrorKind::Forked,
                "this handle was opened before a fork; open the file again in this process",
            ));
        }
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, "this handle was shut down; open the file again"));
        }
        Ok(())
    }
}

/// Refuses what no provider and no budget could make sense of.
fn check_input(request: &ChatRequest, options: &CallOptions) -> Result<()> {
    request.check_levels()?;
    let problems = [
        (request.messages.is_empty(), "`messages` is empty; give at least one message"),
        // Some formats read a limit of zero as none at all, which no bound would hold.
        (request.max_tokens == Some(0), "`max_tokens` is zero; give at least one, or leave it out"),
        (request.n == Some(0), "`n` is zero; give at least one, or leave it out"),
    ];
    refuse_first(&problems)?;
    check_options(options)
}

/// Refuses choices of a call that no budget could make sense of.
fn check_options(options: &CallOptions) -> Result<()> {
    let is_empty = |text: &Option<String>| text.as_deref().is_some_and(str::is_empty);
    refuse_first(&[
        (is_empty(&options.user), "`user` is empty; name whom the call is billed to, or leave it out"),
        (
            is_empty(&options.idempotency_key),
            "`idempotency_key` is empty; give a key of the call's own, or leave it out",
        ),
    ])?;
    for (field, label) in [("user", &options.user), ("idempotency_key", &options.idempotency_key)] {
        label.as_deref().map_or(Ok(()), |label| check_label(field, label))?;
    }
    check_tags(&options.tags)
}

fn refuse_first(problems: &[(bool, &str)]) -> Result<()> {
    match problems.iter().find(|(is_wrong, _)| *is_wrong) {
        Some((_, problem)) => Err(Error::new(ErrorKind::InvalidRequest, format!("field {problem}"))),
        None => Ok(()),
    }
}

/// An outcome that its operation never has.
fn unexpected(outcome: &Outcome) -> Error {
    Error::new(ErrorKind::Internal, format!("the store answered {outcome:?}, which does not belong to the operation"))
}
