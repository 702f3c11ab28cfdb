//! What a large file answers, and how fast: each question in a process of its own, so that its memory is its own.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tollway::client::Tollway;
use tollway::environment::{Environment as _, SystemEnvironment};
use tollway::report::SummaryQuery;
use tollway::types::{CostStatus, RecordOrder, RecordStatus, UsageFilter};

use super::draw::RARE_USER;
use super::writing::open;
use crate::protocol::Failure;

/// How often a question is asked again.
const AGAIN: usize = 5;
/// How many records a page has.
const PAGE: usize = 100;

/// What a question took.
#[derive(Deserialize, Serialize)]
pub(super) struct Answer {
    /// The first time, on a file that was just opened.
    pub(super) first_ms: f64,
    /// The median of the times after it.
    pub(super) again_ms: f64,
    /// By how much the peak of the process's memory grew, in MiB.
    pub(super) memory_mib: f64,
    /// How many rows came.
    pub(super) rows: usize,
}

/// The questions, in the order in which they are asked.
pub(super) const QUESTIONS: &[&str] = &[
    "open",
    "month by nothing",
    "month by model",
    "month by user",
    "month by tag",
    "month of a user by day",
    "month by day in Shanghai",
    "month by day in Kolkata",
    "ten days by model",
    "all by user and model",
    "all by user and tag",
    "newest",
    "newest of a user",
    "newest of a user seen once",
    "newest of nobody",
    "newest of a tag",
    "newest of a model",
    "newest of a provider",
    "newest that failed",
    "newest without a price",
    "newest of last month",
    "newest of an hour long ago",
];

/// Asks one question of a file.
pub(super) async fn ask(path: &Path, question: &str) -> Result<Answer, Failure> {
    let clock = SystemEnvironment;
    let began = clock.monotonic();
    let tollway = open(path).await?;
    let opened = clock.monotonic().saturating_sub(began);
    if question == "open" {
        let memory_mib = Memory::now()?.peak;
        return Ok(Answer { first_ms: millis(opened), again_ms: millis(opened), memory_mib, rows: 1 });
    }
    let before = Memory::forget_peak()?.resident;
    let (first, rows) = timed(answer(&tollway, question)).await?;
    let memory_mib = Memory::now()?.peak - before;
    let mut again = Vec::with_capacity(AGAIN);
    for _ in 0..if first > Duration::from_secs(5) { 1 } else { AGAIN } {
        again.push(timed(answer(&tollway, question)).await?.0);
    }
    again.sort_unstable();
    let median = again.get(again.len() / 2).copied().unwrap_or_default();
    Ok(Answer { first_ms: millis(first), again_ms: millis(median), memory_mib, rows })
}

async fn answer(tollway: &Tollway, question: &str) -> Result<usize, Failure> {
    let october = || UsageFilter { since: instant(9, 30 * 24), until: instant(9, 61 * 24), ..UsageFilter::default() };
    let all = UsageFilter::default;
    Ok(match question {
        "month by nothing" => summary(tollway, &[], None, october()).await?,
        "month by model" => summary(tollway, &["model"], None, october()).await?,
        "month by user" => summary(tollway, &["user"], None, october()).await?,
        "month by tag" => summary(tollway, &["tag:team"], None, october()).await?,
        "month of a user by day" => {
            let filter = UsageFilter { user: Some("user-00007".into()), ..october() };
            summary(tollway, &["day"], None, filter).await?
        }
        "month by day in Shanghai" => summary(tollway, &["day"], Some("Asia/Shanghai"), october()).await?,
        "month by day in Kolkata" => summary(tollway, &["day"], Some("Asia/Kolkata"), october()).await?,
        "ten days by model" => {
            let filter = UsageFilter { since: instant(9, 40 * 24 + 7), until: instant(9, 50 * 24 + 7), ..all() };
            summary(tollway, &["model"], None, filter).await?
        }
        "all by user and model" => summary(tollway, &["user", "model"], None, all()).await?,
        "all by user and tag" => summary(tollway, &["user", "tag:feature"], None, all()).await?,
        "newest" => newest(tollway, all()).await?,
        "newest of a user" => newest(tollway, UsageFilter { user: Some("user-00007".into()), ..all() }).await?,
        "newest of a user seen once" => newest(tollway, UsageFilter { user: Some(RARE_USER.into()), ..all() }).await?,
        "newest of nobody" => newest(tollway, UsageFilter { user: Some("nobody".into()), ..all() }).await?,
        "newest of a tag" => {
            newest(tollway, UsageFilter { tags: [("team".into(), "team-39".into())].into(), ..all() }).await?
        }
        "newest of a model" => {
            newest(tollway, UsageFilter { model: Some("openai/text-embedding-3-small".into()), ..all() }).await?
        }
        "newest of a provider" => newest(tollway, UsageFilter { provider: Some("deepseek".into()), ..all() }).await?,
        "newest that failed" => newest(tollway, UsageFilter { status: Some(RecordStatus::Failed), ..all() }).await?,
        "newest without a price" => {
            newest(tollway, UsageFilter { cost_status: Some(CostStatus::Unpriced), ..all() }).await?
        }
        "newest of last month" => newest(tollway, october()).await?,
        "newest of an hour long ago" => {
            newest(tollway, UsageFilter { since: instant(9, 50), until: instant(9, 51), ..all() }).await?
        }
        _ => return Err(Failure::new(format!("there is no question {question:?}"))),
    })
}

async fn summary(
    tollway: &Tollway,
    by: &[&str],
    time_zone: Option<&str>,
    filter: UsageFilter,
) -> Result<usize, Failure> {
    let by = by.iter().map(|&key| key.to_owned()).collect();
    let query = SummaryQuery { by, time_zone: time_zone.map(str::to_owned), filter };
    Ok(tollway.usage_summary(query).await?.len())
}

async fn newest(tollway: &Tollway, filter: UsageFilter) -> Result<usize, Failure> {
    Ok(tollway.usage_records_in(RecordOrder::Desc, filter, None, PAGE).await?.records.len())
}

/// Returns the instant so many hours after the first one of a month of 2026.
fn instant(month: i8, hours: i64) -> Option<Timestamp> {
    let first = jiff::civil::date(2026, month, 1).to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    first.checked_add(jiff::SignedDuration::from_hours(hours)).ok()
}

async fn timed<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<(Duration, T), Failure> {
    let began = SystemEnvironment.monotonic();
    let value = work.await?;
    Ok((SystemEnvironment.monotonic().saturating_sub(began), value))
}

/// Returns a duration in milliseconds.
pub(super) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// The memory of this process in MiB, as Linux tells it.
#[derive(Default)]
struct Memory {
    resident: f64,
    peak: f64,
}

impl Memory {
    fn now() -> Result<Self, Failure> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mut memory = Self::default();
        for line in status.lines() {
            let (name, value) = line.split_once(':').unwrap_or_default();
            let place = match name {
                "VmRSS" => &mut memory.resident,
                "VmHWM" => &mut memory.peak,
                _ => continue,
            };
            *place = value.trim().trim_end_matches(" kB").parse::<f64>()? / 1_024.0;
        }
        Ok(memory)
    }

    /// Lets the peak begin anew with what is resident now.
    fn forget_peak() -> Result<Self, Failure> {
        // The kernel's word for it; where it is not known, the peak stays that of opening.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Self::now()
    }
}
