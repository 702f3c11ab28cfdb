//! What may follow an answer, once it is complete.

use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt;
use tracing::Instrument;

use crate::client::engine::Engine;

/// How long what follows an answer is waited for, so that its connection can be used again. No caller waits for it.
const LINGERING: Duration = Duration::from_millis(500);

/// The reading of what follows an answer, so that its connection can be used again.
pub(in crate::client) struct Rest(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Rest {
    /// Begins to read the rest of an answer; nothing if that was all.
    pub(in crate::client) fn begun(rest: impl Future<Output = ()> + Send + 'static) -> Option<Self> {
        Self(Box::pin(rest)).further()
    }

    fn further(mut self) -> Option<Self> {
        self.0.as_mut().now_or_never().is_none().then_some(self)
    }

    /// Lets the rest come for a moment, if it has not come while the attempt was settled. Nobody waits for it.
    pub(in crate::client) fn let_end(self, engine: &Engine) {
        let Some(rest) = self.further() else { return };
        let late = engine.environment.sleep(LINGERING);
        let stopping = engine.stopping.clone();
        let rest = async move {
            tokio::select! {
                biased;
                () = rest.0 => {}
                () = stopping.cancelled() => {}
                () = late => {}
            }
        };
        engine.tracker.spawn(rest.in_current_span());
    }
}
