//! Idempotency keys: the same key returns the same record and reply, and is billed once.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tracing::Instrument;

use crate::client::attempt::settlement::GRACE;
use crate::client::attempt::{Attempts, SETTLING, identity};
use crate::client::work::Work;
use crate::client::work::draft::Reply;
use crate::client::work::outcome::{file_closed, given_up};
use crate::environment::log::CALL;
use crate::environment::{Environment, SystemEnvironment};
use crate::store::{KeyClaim, Operation, Outcome};
use crate::types::{Error, ErrorKind, Result};

/// How long a caller waits between looks at a key that another call holds.
const POLL: Duration = Duration::from_millis(50);

/// What became of the call's key.
pub(super) enum KeyState<R> {
    /// The call has no key.
    None,
    /// The key is this call's.
    Claimed,
    /// An earlier call completed with it.
    Completed(Box<R>),
}

impl<W: Work> Attempts<W> {
    /// Claims the call's key; waits while another call under way holds it.
    pub(super) async fn claim_key(&mut self) -> Result<KeyState<W::Reply>> {
        let Some(key) = self.own_key() else { return Ok(KeyState::None) };
        let subject = self.work.subject(&self.options)?;
        let fingerprint = self.engine.vault.fingerprint(&subject);
        // What an earlier version kept was digested without a key.
        let former: [u8; 32] = Sha256::digest(&subject).into();
        loop {
            let now = self.engine.environment.now();
            let claim = Operation::ClaimKey {
                key: key.clone(),
                fingerprint,
                former,
                request_id: self.request_id.clone(),
                now,
                expires_at: now.saturating_add(self.time_left() + GRACE).unwrap_or(now),
            };
            let claimed = self.engine.store.apply_until(claim, self.late()).await;
            match claimed.map_err(|late| self.of_wait(late.into_error()))? {
                Outcome::KeyClaim(KeyClaim::Claimed) => return Ok(KeyState::Claimed),
                Outcome::KeyClaim(KeyClaim::Completed(sealed)) => {
                    let text = self.engine.vault.unseal_text(&identity(&key), &sealed)?;
                    let mut reply: W::Reply = serde_json::from_str(text.expose_secret()).map_err(|error| {
                        Error::new(
                            ErrorKind::CorruptedFile,
                            format!("the reply kept for the key is unreadable: {error}"),
                        )
                    })?;
                    self.engine.know_billing_id(reply.attempts_mut()).await?;
                    reply.mark_replayed();
                    return Ok(KeyState::Completed(Box::new(reply)));
                }
                _ => {}
            }
            if self.time_left() <= POLL {
                return Err(Error::new(
                    ErrorKind::Timeout,
                    "another call with this idempotency key is still under way; wait for it or use another key",
                ));
            }
            tokio::select! {
                () = self.engine.environment.sleep(POLL) => {}
                () = self.sink.closed() => return Err(given_up()),
                () = self.engine.stopping.cancelled() => return Err(file_closed()),
            }
        }
    }

    /// Frees the key of a call that failed, so that it can be used again.
    pub(super) async fn release_key(&self) {
        if let Some(key) = self.own_key() {
            let release = Operation::ReleaseKey { key, request_id: self.request_id.clone() };
            let (engine, request_id) = (Arc::clone(&self.engine), self.request_id.clone());
            let released = async move {
                if let Err(error) = engine.apply_surely(release).await {
                    tracing::warn!(
                        target: CALL,
                        request_id,
                        code = error.code(),
                        %error,
                        "an idempotency key stays claimed until it lapses"
                    );
                }
            };
            let released = self.engine.tracker.spawn(released.in_current_span());
            tokio::select! {
                biased;
                _ = released => {}
                () = SystemEnvironment.sleep(self.time_left().max(SETTLING)) => {}
            }
        }
    }
}
