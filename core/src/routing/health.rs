//! The health of model configs in this process: cooldown after failures, and one probe when it ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::types::{Error, ErrorKind, ModelConfig, ModelConfigId};

/// The longest cooldown.
const LONGEST: Duration = Duration::from_mins(10);

/// Keeps what is known of each config. It is in memory: another process finds out for itself.
#[derive(Debug)]
pub struct Health {
    failures_allowed: u32,
    first_cooldown: Duration,
    states: Mutex<HashMap<ModelConfigId, State>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    failures: u32,
    trips: u32,
    cooling_until: Option<Duration>,
    probing: bool,
}

/// An attempt's place in the history of its config: a success from before a trip must not end the cooldown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    trips: u32,
    probe: bool,
}

/// A cooldown that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cooldown {
    /// How long the config is passed over.
    pub lasts: Duration,
    /// How many attempts in a row failed.
    pub failures: u32,
}

/// What is known of a config.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// How many attempts in a row failed.
    pub consecutive_failures: u32,
    /// How long it is still passed over; absent if it is healthy or due for a probe.
    pub cooling_for: Option<Duration>,
}

impl Health {
    /// Makes an empty history. A config cools down after `failures_allowed` failures in a row.
    #[must_use]
    pub fn new(failures_allowed: u32, first_cooldown: Duration) -> Self {
        Self { failures_allowed: failures_allowed.max(1), first_cooldown, states: Mutex::default() }
    }

    /// Orders candidates: those that are healthy or due for a probe as they come, then those that cool down, soonest
    /// first. A config that cools down is thus tried only when no other candidate is left.
    #[must_use]
    pub fn order(&self, candidates: Vec<Arc<ModelConfig>>, now: Duration) -> Vec<Arc<ModelConfig>> {
        let states = self.states();
        let cooling = |config: &Arc<ModelConfig>| {
            let state = states.get(&config.id).copied().unwrap_or_default();
            state.cooling_until.filter(|until| *until > now || state.probing)
        };
        let (mut last, mut first): (Vec<_>, Vec<_>) =
            candidates.into_iter().partition(|config| cooling(config).is_some());
        last.sort_by_key(|config| cooling(config));
        first.append(&mut last);
        first
    }

    /// Notes that an attempt begins; after a cooldown it is the one probe until it ends.
    #[must_use]
    pub fn begin(&self, config: ModelConfigId, now: Duration) -> Ticket {
        let mut states = self.states();
        let state = states.entry(config).or_default();
        let probe = state.cooling_until.is_some_and(|until| until <= now) && !state.probing;
        state.probing |= probe;
        Ticket { trips: state.trips, probe }
    }

    /// Notes that an attempt succeeded, and returns whether that ended a cooldown. Only an attempt that began after the last trip
    /// does.
    pub fn succeeded(&self, config: ModelConfigId, ticket: Ticket) -> bool {
        match self.states().get_mut(&config) {
            Some(state) if state.trips == ticket.trips => std::mem::take(state).cooling_until.is_some(),
            _ => false,
        }
    }

    /// Notes that an attempt ended without telling anything of the config's health.
    pub fn abstained(&self, config: ModelConfigId, ticket: Ticket) {
        if let Some(state) = self.states().get_mut(&config)
            && ticket.probe
            && state.trips == ticket.trips
        {
            state.probing = false;
        }
    }

    /// Notes that an attempt failed. Enough failures in a row, a failed probe, or an error that will not pass by itself
    /// makes the config cool down: for the time that the provider asks, or else for one that doubles with each trip. Returns the
    /// cooldown that begins.
    pub fn failed(&self, config: ModelConfigId, ticket: Ticket, error: &Error, now: Duration) -> Option<Cooldown> {
        if !counts(error.kind()) {
            self.abstained(config, ticket);
            return None;
        }
        let mut states = self.states();
        let state = states.entry(config).or_default();
        if state.trips != ticket.trips {
            return None;
        }
        state.failures = state.failures.saturating_add(1);
        if !(ticket.probe || lasting(error.kind()) || state.failures >= self.failures_allowed) {
            return None;
        }
        let doubled = self.first_cooldown.saturating_mul(1_u32.checked_shl(state.trips).unwrap_or(u32::MAX));
        let lasts = doubled.max(error.retry_after().unwrap_or_default()).min(LONGEST);
        state.cooling_until = Some(now.saturating_add(lasts));
        state.trips = state.trips.saturating_add(1);
        state.probing = false;
        Some(Cooldown { lasts, failures: state.failures })
    }

    /// Forgets a config, after an administrator changed it, and returns whether that ended a cooldown.
    pub fn forget(&self, config: ModelConfigId) -> bool {
        self.states().remove(&config).is_some_and(|state| state.cooling_until.is_some())
    }

    /// Returns what is known of a config.
    #[must_use]
    pub fn condition(&self, config: ModelConfigId, now: Duration) -> Condition {
        let state = self.states().get(&config).copied().unwrap_or_default();
        Condition {
            consecutive_failures: state.failures,
            cooling_for: state.cooling_until.and_then(|until| until.checked_sub(now)).filter(|left| !left.is_zero()),
        }
    }

    fn states(&self) -> std::sync::MutexGuard<'_, HashMap<ModelConfigId, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether an error says something of the config and not of the request.
const fn counts(kind: ErrorKind) -> bool {
    lasting(kind) || matches!(kind, ErrorKind::RateLimited | ErrorKind::ProviderUnavailable | ErrorKind::Timeout)
}

/// Returns whether an error stays until an administrator acts.
const fn lasting(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Authentication | ErrorKind::PermissionDenied | ErrorKind::ProviderQuotaExhausted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: ModelConfigId = ModelConfigId::new(1);

    fn health() -> Health {
        Health::new(2, Duration::from_secs(10))
    }

    fn error(kind: ErrorKind) -> Error {
        Error::new(kind, "broken")
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn cooling(health: &Health, now: u64) -> Option<u64> {
        health.condition(ID, seconds(now)).cooling_for.map(|left| left.as_secs())
    }

    #[test]
    fn failures_in_a_row_cool_down_and_one_probe_closes_it() {
        let health = health();
        for _ in 0..2 {
            assert_eq!(cooling(&health, 0), None);
            health.failed(ID, health.begin(ID, seconds(0)), &error(ErrorKind::ProviderUnavailable), seconds(0));
        }
        assert_eq!(cooling(&health, 0), Some(10));
        let probe = health.begin(ID, seconds(10));
        assert!(probe.probe);
        assert!(!health.begin(ID, seconds(10)).probe, "only one probe at a time");
        health.succeeded(ID, probe);
        assert_eq!(health.condition(ID, seconds(10)), Condition::default());
    }

    #[test]
    fn a_failed_probe_doubles_the_cooldown() {
        let health = health();
        let outage = error(ErrorKind::ProviderUnavailable);
        for _ in 0..2 {
            health.failed(ID, health.begin(ID, seconds(0)), &outage, seconds(0));
        }
        health.failed(ID, health.begin(ID, seconds(10)), &outage, seconds(10));
        assert_eq!(cooling(&health, 10), Some(20));
    }

    #[test]
    fn a_success_from_before_the_trip_does_not_close_it() {
        let health = health();
        let early = health.begin(ID, seconds(0));
        for _ in 0..2 {
            health.failed(ID, health.begin(ID, seconds(0)), &error(ErrorKind::Timeout), seconds(0));
        }
        health.succeeded(ID, early);
        assert_eq!(cooling(&health, 0), Some(10));
    }

    #[test]
    fn a_wrong_key_cools_down_at_once_and_the_providers_wait_is_kept() {
        let health = health();
        health.failed(ID, health.begin(ID, seconds(0)), &error(ErrorKind::Authentication), seconds(0));
        assert_eq!(cooling(&health, 0), Some(10));
        health.forget(ID);
        let limited = error(ErrorKind::RateLimited).with_retry_after(Some(seconds(60)));
        for _ in 0..2 {
            health.failed(ID, health.begin(ID, seconds(0)), &limited, seconds(0));
        }
        assert_eq!(cooling(&health, 0), Some(60));
    }

    #[test]
    fn an_error_of_the_request_says_nothing_of_the_config() {
        let health = health();
        for _ in 0..9 {
            health.failed(ID, health.begin(ID, seconds(0)), &error(ErrorKind::InvalidRequest), seconds(0));
        }
        assert_eq!(health.condition(ID, seconds(0)), Condition::default());
    }
}
