//! Summaries: what rollups tell is what the records add up to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::*;
use crate::environment::{Environment, SystemEnvironment, TestEnvironment};
use crate::store::{
    Adjustment, Memory, MemoryStore, Operation, Outcome, RedbStore, ReserveRequest, RowKey, Settlement, Store,
};
use crate::types::*;

/// More values than a tag has numbers for in tests.
const MANY: u64 = 30;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn row_key() -> RowKey {
    RowKey::new(&[7; 16])
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// A store of records that differ in all that summaries look at, drawn from a seed.
struct Ledger {
    store: Arc<dyn Store>,
    world: TestEnvironment,
    written: u64,
}

impl Ledger {
    fn in_memory() -> Self {
        let store = MemoryStore::open(&Arc::<Memory>::default(), Arc::new(SystemEnvironment), row_key()).unwrap();
        Self { store, world: TestEnvironment::new(at("2026-10-20T00:00:00Z")), written: 0 }
    }

    fn draw<T: Clone>(&self, from: &[T]) -> T {
        from[usize::try_from(self.world.random_below(from.len() as u64)).unwrap()].clone()
    }

    fn apply(&self, operation: Operation) -> Outcome {
        run(self.store.apply(operation)).unwrap()
    }

    /// Writes a record, some minutes or hours after the one before, with a clock that is wrong now and then.
    fn write(&mut self) {
        self.written += 1;
        self.world.advance(std::time::Duration::from_secs(60 + self.world.random_below(20_000)));
        let now = match self.world.random_below(20) {
            0 => self.world.now() + std::time::Duration::from_hours(24 * 365),
            1 => self.world.now() - std::time::Duration::from_hours(30),
            _ => self.world.now(),
        };
        let mut tags: BTreeMap<String, String> = BTreeMap::new();
        if self.world.random_below(4) > 0 {
            tags.insert("feature".into(), self.draw(&["geo", "chat", "mail"]).into());
        }
        if self.world.random_below(2) > 0 {
            tags.insert("trace".into(), format!("trace-{}", self.world.random_below(MANY)));
        }
        let currency = self.draw(&[Currency::USD, Currency::CNY]);
        let amount = Decimal::new(i64::try_from(self.world.random_below(100_000)).unwrap(), 7);
        let cost = (self.world.random_below(6) > 0).then(|| Money::new(amount, currency));
        let (provider, model) =
            self.draw(&[("openai", "gpt-a"), ("openai", "gpt-b"), ("deepseek", "gpt-a"), ("openrouter", "meta/llama")]);
        let request = ReserveRequest {
            request_id: format!("request-{}", self.written / 2),
            attempt: 1,
            record_uid: format!("record-{}", self.written),
            user: self.draw(&[Some("alice"), Some("bob"), Some("carol"), None]).map(str::to_owned),
            tags,
            model_config_id: ModelConfigId::new(7),
            provider: provider.into(),
            model: model.into(),
            capability: self.draw(&[Capability::Text, Capability::Embedding]),
            worst_case: cost,
            worst_case_tokens: None,
            worst_case_meters: None,
            on_unpriced: Some(UnpricedPolicy::Allow),
            planned_with: None,
            now,
            expires_at: now + std::time::Duration::from_mins(10),
        };
        let Outcome::Reserved(reserved) = self.apply(Operation::Reserve(Box::new(request))) else { panic!("not held") };
        let mut usage = Usage::default();
        for meter in [Meter::InputToken, Meter::CachedInputToken, Meter::OutputToken, Meter::InputImage] {
            if self.world.random_below(2) > 0 {
                usage.meters.insert(meter, self.world.random_below(5_000).into());
            }
        }
        self.apply(Operation::Settle(Box::new(Settlement {
            reservation_id: reserved.id,
            usage,
            facts: Facts::at(now),
            cost,
            cost_status: if cost.is_some() {
                self.draw(&[CostStatus::Computed, CostStatus::Reported])
            } else {
                CostStatus::Unpriced
            },
            billed_by: BilledBy::ProviderUsage,
            receipt: Vec::new(),
            price_ids: Vec::new(),
            status: self.draw(&[RecordStatus::Success, RecordStatus::Success, RecordStatus::Failed]),
            provider_request_id: None,
            served_model: None,
            error_code: None,
            error_message: None,
            latency_ms: 5,
            completes_key: None,
            now,
        })));
        self.correct(now);
    }

    /// Puts a price on an earlier record, or corrects it, now and then.
    fn correct(&self, now: Timestamp) {
        let uid = format!("record-{}", 1 + self.world.random_below(self.written));
        let records = self.records();
        let record = records.iter().find(|record| record.uid == uid).unwrap();
        match (record.currency, self.world.random_below(5)) {
            (None, 0..3) => {
                self.apply(Operation::PriceRecord { uid, cost: Money::new(Decimal::ONE, Currency::USD), now });
            }
            (Some(currency), 0) => {
                self.apply(Operation::Adjust(Box::new(Adjustment {
                    adjusts: uid,
                    cost: Money::new(Decimal::new(5, 3), currency),
                    price_ids: Vec::new(),
                    record_uid: format!("correction-{}", self.written),
                    now,
                })));
            }
            _ => {}
        }
    }

    fn records(&self) -> Vec<UsageRecord> {
        run(self.store.usage_records(UsageFilter::default(), None, usize::MAX)).unwrap()
    }

    /// Answers from rollups, if they can.
    fn told(&self, query: &SummaryQuery) -> Option<Vec<SummaryRow>> {
        let summary = Summary::new(query).unwrap();
        let asked = summary.tally_query(query.filter.clone())?;
        let summary = Arc::new(Mutex::new(summary));
        let sink = Arc::clone(&summary);
        let told = run(self.store.tally(asked, Box::new(move |part| sink.lock().unwrap().add_part(&part)))).unwrap();
        let summary = std::mem::take(&mut *summary.lock().unwrap());
        told.then(|| summary.into_rows())
    }

    /// Adds the records up one by one.
    fn counted(records: &[UsageRecord], query: &SummaryQuery) -> Vec<SummaryRow> {
        let mut summary = Summary::new(query).unwrap();
        for record in records.iter().filter(|record| query.filter.is_met_by(record)) {
            summary.add(record).unwrap();
        }
        summary.into_rows()
    }
}

/// Returns every filter that one question of a test may have.
fn filters() -> Vec<UsageFilter> {
    let all = UsageFilter::default;
    let tag = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
    let between = |since: &str, until: &str| UsageFilter { since: Some(at(since)), until: Some(at(until)), ..all() };
    vec![
        all(),
        UsageFilter { user: Some("alice".into()), ..all() },
        UsageFilter { user: Some("nobody".into()), ..all() },
        UsageFilter { tags: tag("feature", "geo"), ..all() },
        UsageFilter { tags: tag("feature", "nothing"), ..all() },
        UsageFilter { tags: tag("nothing", "geo"), ..all() },
        UsageFilter { model: Some("openai/gpt-a".into()), ..all() },
        UsageFilter { model: Some("gpt-a".into()), ..all() },
        UsageFilter { model: Some("meta/llama".into()), ..all() },
        UsageFilter { provider: Some("openai".into()), status: Some(RecordStatus::Failed), ..all() },
        UsageFilter { cost_status: Some(CostStatus::Unpriced), ..all() },
        between("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        between("2026-10-25T13:37:21.5Z", "2026-11-03T02:00:00.000000001Z"),
        between("2026-10-25T13:37:21Z", "2026-10-25T13:52:00Z"),
        UsageFilter { since: Some(at("2026-11-02T22:30:00Z")), ..all() },
        UsageFilter { until: Some(at("2026-11-02T22:30:00Z")), user: Some("bob".into()), ..all() },
    ]
}

#[test]
fn what_rollups_tell_is_what_the_records_add_up_to() {
    let mut ledger = Ledger::in_memory();
    let keys: [&[&str]; 9] = [
        &[],
        &["model"],
        &["user", "provider"],
        &["tag:feature", "status"],
        &["day"],
        &["month", "cost_status"],
        &["day", "user", "currency"],
        &["month", "day", "tag:feature"],
        &["tag:nothing"],
    ];
    let zones = ["UTC", "Asia/Shanghai", "Asia/Kolkata", "America/St_Johns", "Europe/Berlin", "Australia/Lord_Howe"];
    let mut told = 0;
    for records in [0, 3, 4, 61, 150] {
        while ledger.written < records {
            ledger.write();
        }
        let all = ledger.records();
        for filter in filters() {
            for by in keys {
                for zone in zones {
                    let by = by.iter().map(|&key| key.to_owned()).collect();
                    let query = SummaryQuery { by, time_zone: Some(zone.into()), filter: filter.clone() };
                    if let Some(rows) = ledger.told(&query) {
                        told += 1;
                        assert_eq!(rows, Ledger::counted(&all, &query), "{query:?} after {records} records");
                    }
                    if !query.by.iter().any(|key| key == "day" || key == "month") {
                        break;
                    }
                }
            }
        }
    }
    assert!(told > 1_500, "rollups told {told} answers only");
}

#[test]
fn rollups_answer_what_names_a_user_or_one_tag_and_leave_the_rest() {
    let mut ledger = Ledger::in_memory();
    while ledger.written < 150 {
        ledger.write();
    }
    let user = || UsageFilter { user: Some("alice".into()), ..UsageFilter::default() };
    let tagged = |tags: &[(&str, &str)]| UsageFilter {
        tags: tags.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect(),
        ..UsageFilter::default()
    };
    let of_call = || UsageFilter { request_id: Some("request-1".into()), ..UsageFilter::default() };
    for (by, filter, is_told) in [
        (&["model", "user"][..], UsageFilter::default(), true),
        (&["user"], user(), true),
        (&["day"], user(), true),
        (&["tag:feature"], tagged(&[("feature", "geo")]), true),
        (&["user", "tag:feature"], UsageFilter::default(), false),
        (&["tag:feature"], user(), false),
        (&["user"], tagged(&[("feature", "geo")]), false),
        (&["tag:other"], tagged(&[("feature", "geo")]), false),
        (&[], tagged(&[("feature", "geo"), ("trace", "trace-1")]), false),
        (&[], of_call(), false),
        // More values than have numbers: what was seen first is told by itself, and all together are not.
        (&["tag:trace"], UsageFilter::default(), false),
        (&[], tagged(&[("trace", "unheard of")]), false),
    ] {
        let by: Vec<String> = by.iter().map(|&key| key.to_owned()).collect();
        let query = SummaryQuery { by, time_zone: None, filter };
        assert_eq!(ledger.told(&query).is_some(), is_told, "{query:?}");
    }
}

#[test]
fn a_file_keeps_its_rollups_whoever_digests_them() {
    let folder = tempfile::tempdir().unwrap();
    let open = || RedbStore::open(folder.path().join("ledger"), false, Arc::new(SystemEnvironment), row_key()).unwrap();
    let mut ledger = Ledger { store: open(), ..Ledger::in_memory() };
    for part in 1..=6 {
        let other = open();
        while ledger.written < part * 7 {
            ledger.write();
        }
        let query = SummaryQuery { by: vec!["user".into(), "month".into()], ..SummaryQuery::default() };
        assert_eq!(ledger.told(&query).unwrap(), Ledger::counted(&ledger.records(), &query));
        assert_eq!(run(other.verify()).unwrap().damage, []);
        ledger.store = other;
    }
}
