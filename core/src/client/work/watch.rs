//! The watch over an answer: how long it may stay silent, and how long it is read on once it is complete.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::environment::Environment;

/// The longest time between two looks at the clock. One timer then serves all waits of most answers, and it is never due before
/// those of the answers that began earlier, so that setting it disturbs nobody.
const LOOK: Duration = Duration::from_secs(1);

/// Watches over one answer.
pub(in crate::client) struct Watch {
    environment: Arc<dyn Environment>,
    /// How long nothing may come; absent where an answer may take its time.
    patience: Option<Duration>,
    /// Since when something is waited for.
    waits_since: Duration,
    /// Until when the answer is read.
    over_at: Option<Duration>,
    /// The next look at the clock, once there is something to wait for.
    look: Option<BoxFuture<'static, ()>>,
}

impl Watch {
    /// Begins to watch over an answer of which nothing may come for some time.
    pub(in crate::client) fn new(environment: &Arc<dyn Environment>, patience: Option<Duration>) -> Self {
        let waits_since = environment.monotonic();
        Self { environment: Arc::clone(environment), patience, waits_since, over_at: None, look: None }
    }

    /// Changes how long nothing may come.
    pub(in crate::client) fn set_patience(&mut self, patience: Duration) {
        if self.patience.replace(patience) != Some(patience) {
            self.look = None;
        }
    }

    /// Lets the answer be read for some time more, or for as long as it was let before if that is less.
    pub(in crate::client) fn end_within(&mut self, wait: Duration) {
        let until = self.environment.monotonic().saturating_add(wait);
        self.over_at = Some(self.over_at.map_or(until, |over_at| over_at.min(until)));
    }

    /// Returns whether the answer is read no more.
    pub(in crate::client) fn is_over(&self) -> bool {
        self.over_at.is_some_and(|over_at| over_at <= self.environment.monotonic())
    }

    /// Waits for a piece; nothing if none comes for too long.
    ///
    /// Cancel safe if the piece is.
    pub(in crate::client) async fn unless_silent<T>(&mut self, piece: impl Future<Output = T>) -> Option<T> {
        self.waits_since = self.environment.monotonic();
        let mut piece = pin!(piece);
        let is_limited = self.patience.is_some() || self.over_at.is_some();
        loop {
            tokio::select! {
                biased;
                piece = &mut piece => return Some(piece),
                () = self.look(), if is_limited => {}
            }
            if self.left().is_some_and(|left| left.is_zero()) {
                return None;
            }
        }
    }

    /// Waits for the next look at the clock, which begins with the first wait and outlasts it.
    async fn look(&mut self) {
        let left = self.look.is_none().then(|| self.left().map_or(LOOK, |left| left.min(LOOK)));
        let environment = &self.environment;
        self.look.get_or_insert_with(|| environment.sleep(left.unwrap_or(LOOK))).await;
        self.look = None;
    }

    fn left(&self) -> Option<Duration> {
        let silent_at = self.patience.map(|patience| self.waits_since.saturating_add(patience));
        let until = silent_at.into_iter().chain(self.over_at).min()?;
        Some(until.saturating_sub(self.environment.monotonic()))
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::environment::TestEnvironment;

    fn world() -> (TestEnvironment, Arc<dyn Environment>) {
        let world = TestEnvironment::new(jiff::Timestamp::UNIX_EPOCH);
        (world.clone(), Arc::new(world))
    }

    #[tokio::test]
    async fn the_idle_timeout_counts_from_the_start_of_each_wait() {
        let (world, environment) = world();
        for patience in [Duration::from_millis(300), Duration::from_secs(1), Duration::from_millis(2_500)] {
            let mut watch = Watch::new(&environment, Some(patience));
            // Who reads the answer may take its time.
            world.advance(Duration::from_mins(1));
            let begin = environment.monotonic();
            assert_eq!(watch.unless_silent(async { 7 }).await, Some(7));
            assert_eq!(watch.unless_silent(pending::<()>()).await, None);
            let waited = environment.monotonic().saturating_sub(begin);
            assert!((patience..=patience + LOOK).contains(&waited));
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_complete_is_read_until_it_is_over() {
        let (_, environment) = world();
        let mut watch = Watch::new(&environment, None);
        watch.end_within(Duration::from_secs(10));
        watch.end_within(Duration::from_secs(2));
        watch.end_within(Duration::from_secs(5));
        assert!(!watch.is_over());
        let begin = environment.monotonic();
        assert_eq!(watch.unless_silent(pending::<()>()).await, None);
        assert_eq!(environment.monotonic().saturating_sub(begin), Duration::from_secs(2));
        assert!(watch.is_over());
    }
}
