//! What is held in the budgets for an attempt, until it is settled.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::pricing::{nothing, reservation};
use super::settlement::{Ending, settlement};
use crate::client::engine::{Engine, may_pass, unexpected};
use crate::client::events;
use crate::client::work::outcome::panicked;
use crate::client::work::plan::Plan;
use crate::environment::{Environment, SystemEnvironment};
use crate::settings::Durability;
use crate::store::{Operation, Outcome, Reserved, Settled, Settlement};
use crate::transport::{Progress, Stage};
use crate::types::{BilledBy, Error, ErrorKind, ModelId, RecordStatus, ReservationId, Result};

/// How long a caller waits for a settlement at least, whose answer came when the call had no more time.
pub(in crate::client) const SETTLING: Duration = Duration::from_millis(500);

/// What is held for one attempt.
///
/// It settles itself: where it is dropped without a settlement that is in the file, on whatever path, a task bills the whole
/// reservation, or nothing if the request never left. Where no task can run any more, recovery does so.
pub(super) struct Hold {
    engine: Arc<Engine>,
    plan: Arc<Plan>,
    progress: Progress,
    reserved: Reserved,
    is_settled: bool,
    /// The tasks that settle what was dropped; the call waits for them before it tells its error.
    dropped: TaskTracker,
}

/// What became of a settlement in the time that there was for it.
pub(super) enum Written {
    /// It is in the file, or will be; the model has this billing id.
    Known(ModelId),
    /// It is written as soon as it can be. The error says what is in the way.
    Waits(Error),
}

impl Hold {
    pub(super) fn new(
        engine: &Arc<Engine>,
        plan: &Arc<Plan>,
        progress: &Progress,
        reserved: Reserved,
        dropped: &TaskTracker,
    ) -> Self {
        Self {
            engine: Arc::clone(engine),
            plan: Arc::clone(plan),
            progress: progress.clone(),
            reserved,
            is_settled: false,
            dropped: dropped.clone(),
        }
    }

    /// Returns the id of the reservation.
    pub(super) fn id(&self) -> ReservationId {
        self.reserved.id
    }

    /// Returns whether any budget holds the worst case of the attempt.
    pub(super) fn budgets_apply(&self) -> bool {
        self.reserved.budgets_apply
    }

    /// Writes the settlement, and waits for that at most for `patience`; with `relaxed` durability not once the billing id of the
    /// model is known. What could not be written by then is written as soon as it can be.
    pub(super) async fn settle(mut self, settlement: Settlement, patience: Duration) -> Result<Written> {
        let config = &self.plan.config;
        let operation = Operation::Settle(Box::new(settlement));
        if self.engine.settings.durability == Durability::Relaxed
            && let Some(model_id) = self.engine.billing_ids.get(&config.provider, &config.model_name)
        {
            let engine = Arc::clone(&self.engine);
            self.leave(async move { engine.apply_surely(operation).await });
            return Ok(Written::Known(model_id));
        }
        let mut written = self.engine.store.apply(operation.clone());
        let outcome = tokio::select! {
            biased;
            outcome = &mut written => outcome,
            () = late(&self.engine, patience) => {
                let busy = self.engine.store.busy().await;
                let engine = Arc::downgrade(&self.engine);
                self.leave(async move {
                    match written.await {
                        Err(error) if may_pass(&error) => Engine::persist(engine, operation, error).await,
                        written => written,
                    }
                });
                return Ok(Written::Waits(busy));
            }
        };
        self.engine.room.note_settlement();
        match outcome {
            Ok(Outcome::Settled(Settled { model_id, .. })) => {
                self.is_settled = true;
                self.engine.billing_ids.put(&self.plan.config, model_id);
                Ok(Written::Known(model_id))
            }
            Ok(other) => Err(unexpected(&other)),
            Err(error) if may_pass(&error) => {
                events::settlement_waits(&self.plan, &error);
                self.leave(Engine::persist(Arc::downgrade(&self.engine), operation, error.clone()));
                Ok(Written::Waits(error))
            }
            Err(error) => Err(error),
        }
    }

    /// Gives back what was held too late, because of an error that ended the call before its request was sent.
    pub(super) async fn give_back(mut self, error: &Error) {
        let status = match error.kind() {
            ErrorKind::Cancelled | ErrorKind::Closed => RecordStatus::Cancelled,
            ErrorKind::StorageBusy | ErrorKind::Timeout => RecordStatus::Timeout,
            _ => RecordStatus::Failed,
        };
        let ending = Ending {
            priced: nothing(&self.plan),
            billed_by: BilledBy::NotBilled,
            status,
            error: Some((error.code(), error.detail())),
            now: self.engine.environment.now(),
        };
        let settlement = settlement(&self.engine, &self.plan, self.reserved.id, ending);
        self.is_settled = true;
        settle_surely(&self.engine, &self.plan, settlement).await;
    }

    /// Leaves the settlement to a task of its own, for which a handle that is closed waits.
    fn leave(&mut self, written: impl Future<Output = Result<Outcome>> + Send + 'static) {
        self.is_settled = true;
        let (engine, plan) = (Arc::downgrade(&self.engine), Arc::clone(&self.plan));
        let settled = async move {
            let written = written.await;
            if let Some(engine) = engine.upgrade() {
                engine.room.note_settlement();
            }
            if let Err(error) = written {
                events::left_to_recovery(&plan, Some(&error));
            }
        };
        self.engine.tracker.spawn(settled.in_current_span());
    }
}

/// Writes a settlement for which nobody waits; what cannot be written is left to recovery.
async fn settle_surely(engine: &Arc<Engine>, plan: &Plan, settlement: Settlement) {
    if let Err(error) = engine.apply_surely(Operation::Settle(Box::new(settlement))).await {
        events::left_to_recovery(plan, Some(&error));
    }
    engine.room.note_settlement();
}

/// Ends when a settlement is no longer waited for: after `patience`, or soon after the handle is shut down.
async fn late(engine: &Engine, patience: Duration) {
    tokio::select! {
        () = SystemEnvironment.sleep(patience) => {}
        () = engine.stopping.cancelled() => SystemEnvironment.sleep(patience.min(SETTLING)).await,
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.is_settled {
            return;
        }
        self.progress.withdraw();
        let settlement = unknown(&self.engine, &self.plan, self.reserved.id, self.progress.stage());
        let Ok(runtime) = Handle::try_current() else {
            return events::left_to_recovery(&self.plan, None);
        };
        events::unsettled(&self.plan);
        let (engine, plan, tracked) = (Arc::clone(&self.engine), Arc::clone(&self.plan), self.engine.tracker.token());
        let settled = async move {
            settle_surely(&engine, &plan, settlement).await;
            drop(tracked);
        };
        self.dropped.spawn_on(settled.in_current_span(), &runtime);
    }
}

/// Makes the settlement of an attempt of which nothing is known: what it cost is not, and nothing must stay held.
fn unknown(engine: &Engine, plan: &Plan, id: ReservationId, stage: Stage) -> Settlement {
    let (priced, billed_by, detail) = match stage {
        Stage::NotSent => (nothing(plan), BilledBy::NotBilled, "the attempt was broken off before it was sent"),
        Stage::Sent | Stage::Answered => {
            let detail = "the attempt could not be settled; its reservation is billed";
            (reservation(plan), BilledBy::Reservation, detail)
        }
    };
    let error = panicked();
    let (error, status, now) = (Some((error.code(), detail)), RecordStatus::Failed, engine.environment.now());
    let ending = Ending { priced, billed_by, status, error, now };
    settlement(engine, plan, id, ending)
}
