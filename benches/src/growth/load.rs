//! What a large file costs those who write: settlements beside an empty file, and calls while a budget is made.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tollway::environment::{Environment as _, SystemEnvironment};
use tollway::store::{Operation, Outcome, Store};
use tollway::types::{BudgetTerms, Scope, Window};

use super::draw;
use super::probe::millis;
use super::writing::{dollars, open_store, settle, settle_all};
use crate::protocol::Failure;
use crate::table::say;

/// How many rounds each file plays.
const ROUNDS: u64 = 7;
/// How many calls a round of one at a time has.
const ALONE: u64 = 400;
/// How many calls a round of many at a time has, and how many of them are at once.
const TOGETHER: (u64, u64) = (6_400, 64);

/// Measures reservations and settlements in a large file and in an empty one, in turns.
pub(super) async fn settle_beside_empty(large: &Path, empty: &Path) -> Result<(), Failure> {
    let stores = [open_store(large)?, open_store(empty)?];
    let mut number = 1 << 40;
    for (label, calls, at_once) in [("one at a time", ALONE, 1), ("64 at a time", TOGETHER.0, TOGETHER.1)] {
        let mut took = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (store, took) in stores.iter().zip(&mut took) {
                let began = SystemEnvironment.monotonic();
                for _ in 0..calls / at_once {
                    let now = SystemEnvironment.now();
                    settle_all(store.as_ref(), (number..number + at_once).map(|n| draw::at(1, n, now)).collect())
                        .await?;
                    number += at_once;
                }
                took.push(SystemEnvironment.monotonic().saturating_sub(began));
            }
        }
        let [large, empty] = took.map(|took| median(took) / u32::try_from(calls).unwrap_or(1));
        let ratio = large.as_secs_f64() / empty.as_secs_f64();
        say(&format!(
            "  {label:<16} {:>8.1} us a call, {:>8.1} us in an empty file: {ratio:.2} times",
            millis(large) * 1e3,
            millis(empty) * 1e3
        ))?;
    }
    Ok(())
}

/// Makes budgets while calls go on, and tells how long each took and how long the longest call beside it did.
pub(super) async fn budgets(path: &Path) -> Result<(), Failure> {
    let store = open_store(path)?;
    let of_user = || Scope::of_user("user-00007");
    for (label, terms) in [
        ("nothing", None),
        ("a user, month", Some(dollars(of_user(), Window::Month))),
        ("a user, total", Some(dollars(of_user(), Window::Total))),
        ("a tag, month", Some(dollars(Scope::of_tag("team", "team-03"), Window::Month))),
        ("everyone, day", Some(dollars(Scope::everyone(), Window::Day))),
        ("everyone, total", Some(dollars(Scope::everyone(), Window::Total))),
    ] {
        let (made, longest) = beside_calls(&store, terms).await?;
        say(&format!(
            "  {label:<16} {:>9.1} ms; the longest call meanwhile {:>9.1} ms",
            millis(made),
            millis(longest)
        ))?;
    }
    Ok(())
}

async fn beside_calls<S: Store>(store: &Arc<S>, terms: Option<BudgetTerms>) -> Result<(Duration, Duration), Failure> {
    let ends = Arc::new(AtomicBool::new(false));
    let (of_calls, until) = (Arc::clone(store), Arc::clone(&ends));
    let mut calls = JoinSet::new();
    calls.spawn(async move {
        let (mut longest, mut number) = (Duration::ZERO, 1 << 41);
        while !until.load(Ordering::Relaxed) {
            let drawn = draw::at(2, number, SystemEnvironment.now());
            let began = SystemEnvironment.monotonic();
            let reserved = of_calls.apply(Operation::Reserve(Box::new(drawn.request))).await?;
            let held = SystemEnvironment.monotonic();
            of_calls.apply(settle(&reserved, drawn.settlement)?).await?;
            longest = longest.max(held.saturating_sub(began)).max(SystemEnvironment.monotonic().saturating_sub(held));
            number += 1;
        }
        Ok::<_, Failure>(longest)
    });
    SystemEnvironment.sleep(Duration::from_millis(100)).await;
    let mut made = Duration::ZERO;
    if let Some(terms) = terms {
        let began = SystemEnvironment.monotonic();
        let outcome = store.apply(Operation::PutBudget { terms, now: SystemEnvironment.now() }).await?;
        made = SystemEnvironment.monotonic().saturating_sub(began);
        let Outcome::BudgetPut(id) = outcome else { return Err(Failure::new("the store made no budget")) };
        SystemEnvironment.sleep(Duration::from_millis(50)).await;
        store.apply(Operation::DeleteBudget { id }).await?;
    }
    SystemEnvironment.sleep(Duration::from_millis(100)).await;
    ends.store(true, Ordering::Relaxed);
    let longest = calls.join_next().await.ok_or_else(|| Failure::new("no calls were made"))??;
    Ok((made, longest?))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
