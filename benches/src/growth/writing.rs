//! Writing many records fast: reservations and settlements of thousands of calls share commits.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use futures_util::future::join_all;
use secrecy::SecretString;
use tollway::client::Tollway;
use tollway::environment::{Environment, SystemEnvironment};
use tollway::settings::Settings;
use tollway::store::{
    FileKeys, MetaReader, Opening, Operation, Outcome, RedbStore, Reserved, RowKey, Settlement, Store, WRAPPED_DATA_KEY,
};
use tollway::types::{BudgetTerms, Currency, Decimal, Limit, Money, Scope, Window};
use tollway::vault::{MasterKey, Vault};

use super::draw::{self, Drawn};
use crate::protocol::Failure;
use crate::table::say;

/// How many calls are under way at once: what the store's writer takes into one commit.
const AT_ONCE: u64 = 1_024;
/// How often the progress is told, in records.
const TELL_EVERY: u64 = 1_000_000;

/// Returns the master key of the files that are written.
pub(super) fn master_key() -> MasterKey {
    MasterKey::Text(SecretString::from("5e".repeat(32)))
}

/// Opens a file as an app does.
pub(super) async fn open(path: &Path) -> Result<Tollway, Failure> {
    Ok(Tollway::open(path, master_key(), Settings::default()).await?)
}

/// Opens the store of a file that an app has made.
pub(super) fn open_store(path: &Path) -> Result<Arc<RedbStore>, Failure> {
    let environment: Arc<dyn Environment> = Arc::new(SystemEnvironment);
    let vault = RefCell::new(None);
    let accept = |meta: &MetaReader<'_>| {
        if let Some(wrapped) = meta(WRAPPED_DATA_KEY)? {
            *vault.borrow_mut() = Some(Vault::open(&wrapped, &master_key(), &environment)?);
        }
        Ok(())
    };
    let opening =
        Opening::open(path, false, false, std::time::Duration::from_secs(10), Arc::clone(&environment), &accept)?;
    let vault = vault.into_inner().ok_or_else(|| Failure::new("the file has no data key"))?;
    let row_key = RowKey::new(&vault.row_key());
    Ok(opening.start(FileKeys { row_key, is_bound: vault.is_bound(), envelope: None, reseal: Box::new(Ok) })?)
}

/// Writes records until a file has so many, after those that it has. Returns how many seconds a million took.
pub(super) async fn fill(path: &Path, records: u64, seed: u64) -> Result<(), Failure> {
    open(path).await?.shutdown(std::time::Duration::from_mins(1)).await;
    let store = open_store(path)?;
    let (mut number, _) = store.head().await?;
    if number == 0 {
        store.apply(Operation::PutBudget { terms: everyones(), now: draw::span().0 }).await?;
    }
    let clock = SystemEnvironment;
    let mut since = clock.monotonic();
    while number < records {
        let many = AT_ONCE.min(records - number);
        settle_all(store.as_ref(), (number..number + many).map(|place| draw::call(seed, place, records)).collect())
            .await?;
        number += many;
        if number % TELL_EVERY < many {
            let took = clock.monotonic().saturating_sub(since).as_secs_f64();
            since = clock.monotonic();
            say(&format!("  {number} records; {took:.1} s since the last line"))?;
        }
    }
    Ok(())
}

/// Reserves and settles calls, all at once.
pub(super) async fn settle_all(store: &dyn Store, calls: Vec<Drawn>) -> Result<(), Failure> {
    let (requests, settlements): (Vec<_>, Vec<_>) =
        calls.into_iter().map(|Drawn { request, settlement }| (request, settlement)).unzip();
    let reserve = |request| store.apply(Operation::Reserve(Box::new(request)));
    let reserved = join_all(requests.into_iter().map(reserve)).await;
    let mut settling = Vec::with_capacity(settlements.len());
    for (reserved, settlement) in reserved.into_iter().zip(settlements) {
        settling.push(store.apply(settle(&reserved?, settlement)?));
    }
    for settled in join_all(settling).await {
        settled?;
    }
    Ok(())
}

/// Makes the operation that settles what was reserved.
pub(super) fn settle(reserved: &Outcome, settlement: Settlement) -> Result<Operation, Failure> {
    match reserved {
        Outcome::Reserved(Reserved { id, .. }) => {
            Ok(Operation::Settle(Box::new(Settlement { reservation_id: *id, ..settlement })))
        }
        other => Err(Failure::new(format!("the store answered {other:?} to a reservation"))),
    }
}

/// A budget that every call counts in.
fn everyones() -> BudgetTerms {
    BudgetTerms::new(Scope::everyone(), Limit::Tokens(u64::MAX / 4), Window::Month)
}

/// A budget in dollars of a scope.
pub(super) fn dollars(scope: Scope, window: Window) -> BudgetTerms {
    BudgetTerms::new(scope, Limit::Money(Money::new(Decimal::from(1_000_000_000), Currency::USD)), window)
}
