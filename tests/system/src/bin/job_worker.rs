//! A process that submits jobs to a provider, and asks for those that are open, its own or another's, until it is killed.
//!
//! The provider is a folder: a file for each job, which says how often it was asked for. A job is done when it was asked for three
//! times.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tollway::environment::{Environment as _, SystemEnvironment};
use tollway::store::{Operation, Outcome, RedbStore, ReserveRequest, RowKey, Settlement, Store};
use tollway::types::{
    BilledBy, Capability, CostStatus, Currency, Decimal, Facts, ModelConfigId, Money, RecordStatus, RecoveryPolicy,
    ReservationId, Usage,
};

const ASKED_BEFORE_DONE: usize = 3;

fn usd(cents: i64) -> Money {
    Money::new(Decimal::new(cents, 2), Currency::USD)
}

/// Asks the provider for a job; returns whether it is done.
fn is_done(provider: &Path, job_id: &str) -> bool {
    let job = provider.join(job_id);
    let asked = fs::read(&job).unwrap().len();
    fs::write(&job, vec![b'.'; asked + 1]).unwrap();
    asked >= ASKED_BEFORE_DONE
}

async fn submit(store: &RedbStore, provider: &Path) {
    let now = SystemEnvironment.now();
    let uid = SystemEnvironment.unique_id();
    let request = ReserveRequest {
        request_id: uid.clone(),
        attempt: 1,
        record_uid: uid.clone(),
        user: Some("alice".into()),
        tags: [].into(),
        model_config_id: ModelConfigId::new(1),
        provider: "house".into(),
        model: "films".into(),
        capability: Capability::Video,
        worst_case: Some(usd(100)),
        worst_case_tokens: None,
        worst_case_meters: None,
        on_unpriced: None,
        planned_with: None,
        now,
        expires_at: now + Duration::from_mins(10),
    };
    let Outcome::Reserved(reserved) = store.apply(Operation::Reserve(Box::new(request))).await.unwrap() else {
        panic!("not reserved")
    };
    fs::write(provider.join(&uid), []).unwrap();
    let submit = Operation::SubmitJob { reservation_id: reserved.id, job_id: uid.clone() };
    store.apply(submit).await.unwrap();
    println!("submitted {uid}");
}

async fn settle(store: &RedbStore, id: ReservationId) {
    let now = SystemEnvironment.now();
    let settlement = Settlement {
        reservation_id: id,
        usage: Usage::default(),
        facts: Facts::at(now),
        cost: Some(usd(25)),
        cost_status: CostStatus::Computed,
        billed_by: BilledBy::ProviderUsage,
        receipt: Vec::new(),
        price_ids: Vec::new(),
        status: RecordStatus::Success,
        provider_request_id: None,
        served_model: None,
        error_code: None,
        error_message: None,
        latency_ms: 1,
        completes_key: None,
        now,
    };
    store.apply(Operation::Settle(Box::new(settlement))).await.unwrap();
}

/// Asks once for each open job that no other process asks for.
async fn resume(store: &RedbStore, provider: &Path) {
    for reservation in store.reservations().await.unwrap() {
        let Some(job_id) = reservation.job_id else { continue };
        let now = SystemEnvironment.now();
        let take = Operation::TakeJob { reservation_id: reservation.id, now, until: now + Duration::from_mins(1) };
        match store.apply(take).await {
            Ok(Outcome::JobTaken(true)) if is_done(provider, &job_id) => settle(store, reservation.id).await,
            Ok(_) => {}
            // Another settled it since the list was read.
            Err(error) => assert_eq!(error.code(), "not_found", "{error}"),
        }
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    let [_, path, provider, mode] = arguments.as_slice() else { panic!("give the file, the folder and what to do") };
    let store = RedbStore::open(path, false, Arc::new(SystemEnvironment), RowKey::new(&[7; 16])).unwrap();
    let policy = RecoveryPolicy::BillReserved;
    store.apply(Operation::Recover { policy, now: SystemEnvironment.now() }).await.unwrap();
    println!("ready");
    let provider = Path::new(provider);
    loop {
        if mode == "work" {
            submit(&store, provider).await;
        }
        resume(&store, provider).await;
        let is_empty = store.reservations().await.unwrap().iter().all(|reservation| reservation.job_id.is_none());
        if mode == "end" && is_empty {
            return;
        }
    }
}
