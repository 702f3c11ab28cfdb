//! Laws 2, 3 and 7, searched for a counterexample by generated traffic: whatever providers send, wherever they break off
//! and whenever apps go, an answer that was produced is not free, what was not sent costs nothing, no cap is passed, reply
//! and record agree, and no call hangs.
//!
//! Each batch of calls has a seed of its own, which repeats it:
//! `TOLLWAY_TRAFFIC_SEED=… cargo test -p tollway-system-tests --test provider_traffic`. With `TOLLWAY_TRAFFIC_CALL` only one
//! call of that batch is made. `TOLLWAY_TRAFFIC_SECONDS=600` runs for ten minutes instead of for 20,000 attempts.

mod traffic;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt as _;

use traffic::random::Random;
use traffic::report::Report;

/// How many attempts a run makes that is not told for how long to run.
const ATTEMPTS: usize = 20_000;
/// How many files are used at once.
const BATCHES_AT_ONCE: usize = 3;

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} must be a number, and is {value:?}")))
}

fn some_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Random::new(u64::try_from(since.as_nanos() % u128::from(u64::MAX)).unwrap_or_default()).next()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_providers_do_calls_are_billed_rightly_and_end_in_time() {
    let (given, seconds) = (number("TOLLWAY_TRAFFIC_SEED"), number("TOLLWAY_TRAFFIC_SECONDS"));
    let only = number("TOLLWAY_TRAFFIC_CALL").map(|call| usize::try_from(call).unwrap());
    let first = given.unwrap_or_else(some_seed);
    println!("the first seed is {first}");
    let started = Instant::now();
    let mut report = Report::default();
    if only.is_some() {
        report.add(traffic::batch::run(first, only).await);
    } else {
        let mut seeds = Random::new(first);
        let seeds = std::iter::once(first).chain(std::iter::repeat_with(move || seeds.next()));
        let mut batches = futures_util::stream::iter(seeds)
            .map(|seed| tokio::spawn(traffic::batch::run(seed, None)))
            .buffer_unordered(BATCHES_AT_ONCE);
        loop {
            report.add(batches.next().await.unwrap().unwrap());
            let is_enough = match seconds {
                Some(seconds) => started.elapsed() > Duration::from_secs(seconds),
                None => report.attempts >= ATTEMPTS,
            };
            if is_enough {
                break;
            }
        }
        // Most calls have an answer, or the generator tests nothing.
        assert!(report.answered * 5 > report.attempts, "{report}");
    }
    println!("{report}\n{:?}", started.elapsed());
    assert_eq!(report.count(), 0, "see above");
}
