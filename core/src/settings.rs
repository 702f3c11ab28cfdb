//! Settings: the one place for configuration. Plain data; every field has a default.

mod proxy;

pub use proxy::{Proxy, ProxyServer};

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::types::{AbandonPolicy, RecoveryPolicy, ReportedCostPolicy, UnpricedPolicy};

/// When a reply reaches its caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// After its settlement is in the file: nothing that a caller saw is ever lost.
    #[default]
    Strict,
    /// While its settlement is being written: a crash within milliseconds can leave it to recovery.
    Relaxed,
}

/// How an open file behaves. Durations are in seconds in JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// When a reply reaches its caller.
    pub durability: Durability,
    /// Whether this process alone opens the file.
    pub exclusive: bool,
    /// Whether the file is made where it is missing or empty; otherwise that is an error.
    pub create: bool,
    /// What to bill reservations whose process ended before settlement.
    pub recovery: RecoveryPolicy,
    /// The time that all attempts of a call together may take.
    #[serde(with = "seconds")]
    #[cfg_attr(feature = "schema", schemars(with = "f64"))]
    pub timeout: Duration,
    /// The time that a connection may take to be made.
    #[serde(with = "seconds")]
    #[cfg_attr(feature = "schema", schemars(with = "f64"))]
    pub connect_timeout: Duration,
    /// The time that a stream may stay silent.
    #[serde(with = "seconds")]
    #[cfg_attr(feature = "schema", schemars(with = "f64"))]
    pub stream_idle_timeout: Duration,
    /// The time that opening and closing, and whatever is no call, wait for another process that has the file locked. A call waits
    /// for it until its own `timeout`.
    #[serde(with = "seconds")]
    #[cfg_attr(feature = "schema", schemars(with = "f64"))]
    pub storage_timeout: Duration,
    /// The proxy through which calls go; none where absent, whatever the environment says.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("writeOnly" = true)))]
    pub proxy: Option<Proxy>,
    /// How often a failed attempt is repeated, beyond the first attempt of each candidate.
    pub max_retries: u32,
    /// How many failures in a row make a model config cool down.
    pub cooldown_failures: u32,
    /// How long a failing model config is passed over the first time; it doubles with each failed probe, to 10 minutes.
    #[serde(with = "seconds")]
    #[cfg_attr(feature = "schema", schemars(with = "f64"))]
    pub cooldown: Duration,
    /// What a call that is given up before its end is billed, where the call does not say.
    pub on_abandon: AbandonPolicy,
    /// What to do with a call that has no price, where the call does not say.
    pub on_unpriced: Option<UnpricedPolicy>,
    /// When the cost that a provider states in its answer is billed instead of what the prices make.
    pub reported_cost: ReportedCostPolicy,
    /// The output limit that is put on a call which a budget applies to, where neither the request nor the model has one.
    pub default_output_limit: u64,
    /// The most bytes of one answer. A longer one is read no further, fails with `provider_unavailable` and is billed as far as
    /// it came. Where the output of a call is limited, an answer that is longer than its limit can make it is ended earlier: at
    /// 2 MiB and 16 KiB for each token.
    pub maximum_answer_bytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            exclusive: false,
            create: true,
            recovery: RecoveryPolicy::default(),
            timeout: Duration::from_mins(10),
            connect_timeout: Duration::from_secs(10),
            stream_idle_timeout: Duration::from_mins(2),
            storage_timeout: Duration::from_secs(10),
            proxy: None,
            max_retries: 2,
            cooldown_failures: 3,
            cooldown: Duration::from_secs(15),
            on_abandon: AbandonPolicy::default(),
            on_unpriced: None,
            reported_cost: ReportedCostPolicy::default(),
            default_output_limit: 4096,
            maximum_answer_bytes: 32 << 20,
        }
    }
}

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        duration.as_secs_f64().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(deserializer)?)
            .map_err(|_| serde::de::Error::custom("a duration must be a positive number of seconds"))
    }
}
