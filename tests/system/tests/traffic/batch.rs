//! One file, and many calls over it at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use rust_decimal::Decimal;
use serde_json::json;
use tollway::client::Tollway;
use tollway::settings::{Durability, Settings};
use tollway::types::{BudgetStatus, BudgetTerms, Currency, Dimensions, Limit, Money, Scope, UsageRecord, Window};
use tollway_system_tests::{all_records, master_key};

use super::call::{Call, TAG, USERS};
use super::check::{GRACE, IDLE, Seen};
use super::format::Format;
use super::nowhere::Nowhere;
use super::outcome::{Outcome, make};
use super::random::Random;
use super::report::{Finding, Report};
use super::server::Server;
use super::story::finding;

/// How many calls one file takes.
pub(crate) const CALLS: usize = 400;
/// How many calls are under way at once over one file.
const AT_ONCE: usize = 48;

/// Makes all calls of a batch, or the one that is named, and checks them.
pub(crate) async fn run(seed: u64, only: Option<usize>) -> Report {
    let calls: Vec<Call> = (0..CALLS).map(|number| Call::random(seed, number)).collect();
    let server = Server::start(calls.iter().map(Call::asked).collect()).await;
    let nowhere = Nowhere::open().await;
    let folder = tempfile::tempdir().unwrap();
    let tollway = open(&folder.path().join("app.tollway"), &server, &nowhere).await;
    set_budgets(&tollway, &mut Random::of(seed, u64::MAX)).await;
    let stop = Arc::new(AtomicBool::new(false));
    let watching = tokio::spawn(watch(tollway.clone(), Arc::clone(&stop)));
    let wanted: Vec<Call> = calls.iter().filter(|call| only.is_none_or(|only| call.number == only)).cloned().collect();
    let outcomes: BTreeMap<usize, Outcome> = futures_util::stream::iter(wanted)
        .map(|call| {
            let tollway = tollway.clone();
            async move { (call.number, make(&tollway, &call).await) }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut report = Report::of(seed);
    let is_settled = until_settled(&tollway).await;
    stop.store(true, Ordering::Relaxed);
    let passed_caps = watching.await.unwrap();
    report.extend(passed_caps.into_iter().map(|detail| whole("settled and reserved stay under the cap", detail)));
    let records = all_records(&tollway).await.unwrap();
    if is_settled {
        report.extend(check_budgets(&tollway.budgets().await.unwrap(), &records));
    } else {
        let left = format!("{:?}", tollway.reservations().await.unwrap());
        report.extend([whole("nothing stays reserved", left)]);
    }
    tollway.shutdown(GRACE).await;
    drop(tollway);
    let (exchanges, fragments) = server.finish().await;
    report.attempts = records.len();
    let records = by_call(records);
    for (number, outcome) in &outcomes {
        let call = &calls[*number];
        let records = records.get(number).map_or(&[][..], Vec::as_slice);
        let exchanges = exchanges.get(number).map_or(&[][..], Vec::as_slice);
        report.answered += usize::from(outcome.reply.is_some() || outcome.passed.is_some());
        let about = Seen { call, outcome, records, exchanges, nowhere: &nowhere, all_came_whole: fragments == 0 };
        report.extend(about.violations().into_iter().map(|violation| finding(violation, &about)));
    }
    report
}

async fn open(path: &std::path::Path, server: &Server, nowhere: &Nowhere) -> Tollway {
    let mut settings = Settings::default();
    settings.exclusive = true;
    settings.durability = Durability::Relaxed;
    settings.connect_timeout = Duration::from_millis(300);
    settings.stream_idle_timeout = IDLE;
    // Every candidate is tried in the order that the call says.
    settings.cooldown_failures = u32::MAX;
    let tollway = Tollway::open(path, master_key(), settings).await.unwrap();
    for format in Format::ALL {
        let version = format.version();
        for (name, base_url) in [
            ("main", server.base_url(format, "main")),
            ("twin", server.base_url(format, "twin")),
            ("refusing", format!("http://{}/{version}", nowhere.refusing)),
            ("deaf", format!("http://{}/{version}", nowhere.deaf)),
            ("slamming", format!("http://{}/{version}", nowhere.slamming)),
        ] {
            let input = json!({
                "name": format!("{}/{name}", format.provider()),
                "api_key": "sk-house",
                "base_url": base_url,
                "prices": {
                    "input_token": {"unit_price": "0.001", "unit": "per_token", "currency": "USD"},
                    "output_token": {"unit_price": "0.01", "unit": "per_token", "currency": "USD"},
                },
            });
            tollway.add_model(serde_json::from_value(input).unwrap()).await.unwrap();
        }
    }
    tollway
}

/// Sets caps: in some batches so near to what is asked that many calls are refused.
async fn set_budgets(tollway: &Tollway, random: &mut Random) {
    let is_tight = random.chance(25);
    let dollars = |random: &mut Random| {
        let is_near = is_tight && random.chance(50);
        let cents = if is_near { random.between(1_000, 9_000) } else { 1_000_000_000 };
        Limit::Money(Money::new(Decimal::new(cents.cast_signed(), 2), Currency::USD))
    };
    let mut budgets = vec![(Scope::everyone(), dollars(random))];
    budgets.extend(USERS.map(|user| (Scope::of_user(user), dollars(random))));
    let tokens = if is_tight && random.chance(50) { random.between(20_000, 90_000) } else { 10_000_000_000 };
    budgets.push((Scope::everyone(), Limit::Tokens(tokens)));
    for (scope, limit) in budgets {
        let terms = BudgetTerms::new(scope, limit, Window::Total);
        tollway.set_budget(terms).await.unwrap();
    }
}

fn limit(status: &BudgetStatus) -> Decimal {
    status.budget.terms.limit.amount()
}

/// Looks at the budgets again and again; returns what was above a cap.
async fn watch(tollway: Tollway, stop: Arc<AtomicBool>) -> Vec<String> {
    let mut passed = BTreeMap::new();
    while !stop.load(Ordering::Relaxed) {
        for status in tollway.budgets().await.unwrap() {
            let balance = status.balance;
            if balance.settled + balance.reserved > limit(&status) {
                passed.entry(status.budget.id).or_insert_with(|| {
                    let terms = &status.budget.terms;
                    format!(
                        "{:?} {:?}: {} settled, {} reserved",
                        terms.scope, terms.limit, balance.settled, balance.reserved
                    )
                });
            }
        }
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    passed.into_values().collect()
}

/// Waits until nothing is reserved any more; returns whether that came to be.
async fn until_settled(tollway: &Tollway) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(3) + GRACE {
        if tollway.reservations().await.unwrap().is_empty() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    false
}

fn check_budgets(budgets: &[BudgetStatus], records: &[UsageRecord]) -> Vec<Finding> {
    let mut found = Vec::new();
    for status in budgets {
        let terms = &status.budget.terms;
        let covered = records.iter().filter(|record| {
            let user = record.user.as_deref();
            let (provider, model) = (Some(record.provider.as_str()), Some(record.model.as_str()));
            terms.scope.covers(&Dimensions { user, tags: &record.tags, provider, model })
        });
        let sum: Decimal = match terms.limit {
            Limit::Money(_) => covered.filter_map(|record| record.cost_amount).sum(),
            _ => covered.filter_map(|record| record.token_consumed).map(Decimal::from).sum(),
        };
        let balance = status.balance;
        if balance.reserved != Decimal::ZERO || balance.settled != sum {
            let detail = format!(
                "{:?} {:?}: {} settled, {} reserved, and the records sum to {sum}",
                terms.scope, terms.limit, balance.settled, balance.reserved
            );
            found.push(whole("a budget has settled what its records cost", detail));
        }
        if balance.settled > limit(status) {
            let detail = format!("{:?} {:?}: {} settled", terms.scope, terms.limit, balance.settled);
            found.push(whole("settled and reserved stay under the cap", detail));
        }
    }
    found
}

fn by_call(records: Vec<UsageRecord>) -> BTreeMap<usize, Vec<UsageRecord>> {
    let mut calls: BTreeMap<usize, Vec<UsageRecord>> = BTreeMap::new();
    for record in records {
        let number = record.tags.get(TAG).and_then(|number| number.parse().ok()).unwrap_or(usize::MAX);
        calls.entry(number).or_default().push(record);
    }
    for records in calls.values_mut() {
        records.sort_by_key(|record| record.attempt);
    }
    calls
}

fn whole(rule: &'static str, detail: String) -> Finding {
    Finding { rule, kind: "the whole file".to_owned(), detail, story: String::new(), call: None }
}
