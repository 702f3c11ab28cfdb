//! What the system tests share: a file, a house model on the mock provider, and exact sums over the ledger.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use mock_provider::MockProvider;
use rust_decimal::Decimal;
use serde_json::json;
use tollway::client::Tollway;
use tollway::environment::{BoxFuture, Environment, SystemEnvironment};
use tollway::settings::Settings;
use tollway::types::{
    BudgetStatus, CallOptions, ChatRequest, CostStatus, Currency, ModelTerms, Money, Result, Totals, UsageFilter,
    UsageRecord,
};
use tollway::vault::MasterKey;

/// The master key of every file that these tests make.
pub const MASTER_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Returns the master key of every file that these tests make.
#[must_use]
pub fn master_key() -> MasterKey {
    MasterKey::Text(MASTER_KEY.into())
}

/// Opens a file with settings that suit a test: no retries.
pub async fn open(path: &Path) -> Result<Tollway> {
    open_in(path, settings(), Arc::new(SystemEnvironment)).await
}

/// Opens a file in a given world.
pub async fn open_in(path: &Path, settings: Settings, world: Arc<dyn Environment>) -> Result<Tollway> {
    Tollway::open_in(path, master_key(), settings, world).await
}

/// Returns settings that suit a test: no retries.
#[must_use]
pub fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.max_retries = 0;
    settings
}

/// The real world, but for its wall clock, which is ahead by the seconds that stand in a file. Every process that has the file
/// sees its jumps.
pub struct JumpingClock(PathBuf);

impl JumpingClock {
    /// Makes a clock that is right as long as its file does not exist.
    #[must_use]
    pub fn new(file: &Path) -> Arc<Self> {
        Arc::new(Self(file.to_owned()))
    }

    /// Moves the wall clock of everyone who has the file: ahead of the right time, or behind it.
    pub fn jump(&self, ahead: SignedDuration) -> std::io::Result<()> {
        // A reader sees the old number or the new one.
        let aside = self.0.with_extension("new");
        std::fs::write(&aside, ahead.as_secs().to_string())?;
        std::fs::rename(aside, &self.0)
    }
}

impl Environment for JumpingClock {
    fn now(&self) -> Timestamp {
        let ahead = std::fs::read_to_string(&self.0).ok().and_then(|text| text.parse().ok()).unwrap_or_default();
        SystemEnvironment.now().saturating_add(SignedDuration::from_secs(ahead)).unwrap_or(Timestamp::MAX)
    }

    fn monotonic(&self) -> Duration {
        SystemEnvironment.monotonic()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        SystemEnvironment.sleep(duration)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        SystemEnvironment.fill_random(buffer);
    }

    fn variable(&self, name: &str) -> Option<String> {
        SystemEnvironment.variable(name)
    }

    fn process_id(&self) -> u32 {
        SystemEnvironment.process_id()
    }
}

/// Adds `openai/mock-words-8` at an address, at a cent for each output token and a tenth of one for each input token.
pub async fn add_house_model(tollway: &Tollway, base_url: &str) -> Result<()> {
    tollway.add_model(house_model("openai/mock-words-8", base_url)).await.map(|_| ())
}

/// Makes a config at an address, at a cent for each output token and a tenth of one for each input token.
#[must_use]
pub fn house_model(name: &str, base_url: &str) -> ModelTerms {
    let input = json!({
        "name": name,
        "api_key": "sk-house",
        "base_url": base_url,
        "default": true,
        "prices": {
            "input_token": {"unit_price": "0.001", "unit": "per_token", "currency": "USD"},
            "output_token": {"unit_price": "0.01", "unit": "per_token", "currency": "USD"},
        },
    });
    serde_json::from_value(input).unwrap_or_default()
}

/// Makes a request of one user message.
#[must_use]
pub fn request(text: &str, max_tokens: u64) -> ChatRequest {
    let body = json!({"messages": [{"role": "user", "content": text}], "max_tokens": max_tokens});
    serde_json::from_value(body).unwrap_or_default()
}

/// Makes the options of a user's call.
#[must_use]
pub fn billed_to(user: &str) -> CallOptions {
    CallOptions { user: Some(user.to_owned()), ..CallOptions::default() }
}

/// Returns five dollars.
#[must_use]
pub fn five_dollars() -> Money {
    Money::new(Decimal::from(5), Currency::USD)
}

/// Returns the address of the OpenAI endpoint of a mock provider.
#[must_use]
pub fn openai_url(mock: &MockProvider) -> String {
    format!("{}/v1", mock.base_url())
}

/// Reads the whole ledger.
pub async fn all_records(tollway: &Tollway) -> Result<Vec<UsageRecord>> {
    let mut records = Vec::new();
    let mut cursor = None;
    loop {
        let page = tollway.usage_records(UsageFilter::default(), cursor, 1_000).await?;
        records.extend(page.records);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(records);
        }
    }
}

/// Sums the costs of records, exactly.
pub fn total(records: &[UsageRecord]) -> Result<Totals> {
    let mut totals = Totals::default();
    for record in records {
        if let (Some(amount), Some(currency)) = (record.cost_amount, record.currency) {
            totals.add(Money::new(amount, currency))?;
        }
    }
    Ok(totals)
}

/// Returns what settled and reserved amounts of a budget add up to.
#[must_use]
pub fn committed(status: &BudgetStatus) -> Decimal {
    status.balance.settled + status.balance.reserved
}

/// Counts records by their uid.
#[must_use]
pub fn by_uid(records: &[UsageRecord]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for record in records {
        *counts.entry(record.uid.as_str()).or_default() += 1;
    }
    counts
}

/// Returns whether every record has a cost, or says that it has none.
#[must_use]
pub fn no_silent_zero(records: &[UsageRecord]) -> bool {
    records.iter().all(|record| record.cost_amount.is_some() == (record.cost_status != CostStatus::Unpriced))
}

/// Finds the folder of recorded replies that lies beside the checkout, or that `TOLLWAY_SHARED` names.
///
/// Returns nothing where there is none, after saying so.
/// It fails the test where `CI` is set, since the recordings must be there.
#[must_use]
pub fn shared_folder() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("TOLLWAY_SHARED").map_or_else(beside, PathBuf::from);
    if folder.join("fixtures").is_dir() {
        return Some(folder);
    }
    assert!(std::env::var("CI").is_err(), "no recorded replies at {}", folder.display());
    eprintln!("skipped: there are no recorded replies at {}; set TOLLWAY_SHARED", folder.display());
    None
}

/// Returns the number that an environment variable gives, so that a test of faults can be run for longer than it is by default.
#[must_use]
pub fn number_from(variable: &str, default: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}; give a number")))
}

/// Numbers that look random and are the same in every run with a seed.
pub struct Random(u64);

impl Random {
    /// Begins the numbers of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Returns the next number below a bound, which is not zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}
