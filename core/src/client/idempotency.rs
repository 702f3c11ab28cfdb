//! Idempotency keys: the same key returns the same record and reply, and is billed once.

use std::time::Duration;

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use super::Engine;
use super::call::Call;
use crate::store::{KeyClaim, Operation, Outcome};
use crate::types::{ChatReply, Error, ErrorKind, Model, Result};

/// How long a caller waits between looks at a key that another call holds.
const POLL: Duration = Duration::from_millis(50);

/// What became of the call's key.
pub(super) enum KeyState {
    /// The call has no key.
    None,
    /// The key is this call's.
    Claimed,
    /// An earlier call completed with it.
    Completed(Box<ChatReply>),
}

impl Call {
    /// Claims the call's key; waits while another call under way holds it.
    pub(super) async fn claim_key(&mut self) -> Result<KeyState> {
        let Some(key) = self.own_key() else { return Ok(KeyState::None) };
        let subject = self.subject()?;
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
                expires_at: now.saturating_add(self.time_left() + super::settle::GRACE).unwrap_or(now),
            };
            match self.engine.store.apply(claim).await? {
                Outcome::KeyClaim(KeyClaim::Claimed) => return Ok(KeyState::Claimed),
                Outcome::KeyClaim(KeyClaim::Completed(sealed)) => {
                    let text = self.engine.vault.unseal_text(&identity(&key), &sealed)?;
                    let mut reply: ChatReply = serde_json::from_str(text.expose_secret()).map_err(|error| {
                        Error::new(
                            ErrorKind::CorruptedFile,
                            format!("the reply kept for the key is unreadable: {error}"),
                        )
                    })?;
                    self.engine.know_billing_id(&mut reply).await?;
                    reply.replayed = true;
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
                () = self.sink.closed() => return Err(Error::new(ErrorKind::Cancelled, "the caller gave the call up")),
                () = self.engine.stopping.cancelled() => return Err(super::call::file_closed()),
            }
        }
    }

    /// Frees the key of a call that failed, so that it can be used again.
    pub(super) async fn release_key(&self) {
        if let Some(key) = self.own_key() {
            let release = Operation::ReleaseKey { key, request_id: self.request_id.clone() };
            if let Err(error) = self.engine.store.apply(release).await {
                tracing::warn!(%error, "an idempotency key stays claimed until it lapses");
            }
        }
    }

    /// Returns what the settlement of the answering attempt keeps for the key: the reply, sealed. The billing id of its last
    /// attempt is known with the settlement only, and is looked up where the reply is read.
    pub(super) fn completes_key(&self, reply: &ChatReply) -> Result<Option<(String, Vec<u8>)>> {
        let Some(key) = self.own_key() else { return Ok(None) };
        let text = serde_json::to_vec(reply)
            .map_err(|error| Error::new(ErrorKind::Internal, format!("the reply cannot be kept: {error}")))?;
        let sealed = self.engine.vault.seal(&identity(&key), &text)?;
        Ok(Some((key, sealed)))
    }

    /// Returns the key under which the call's own is kept: each user has keys of its own. The length of the user's name keeps two
    /// pairs of names and keys from meeting.
    fn own_key(&self) -> Option<String> {
        let key = self.options.idempotency_key.as_ref()?;
        Some(match &self.options.user {
            Some(user) => format!("user/{}/{user}/{key}", user.len()),
            None => format!("anyone/{key}"),
        })
    }

    /// Returns the request and whom it is billed to, so that a key used for something else is refused.
    fn subject(&self) -> Result<Vec<u8>> {
        let subject = (&self.request, &self.options.user, &self.options.tags);
        serde_json::to_vec(&subject)
            .map_err(|error| Error::new(ErrorKind::InvalidRequest, format!("the request is no JSON: {error}")))
    }
}

impl Engine {
    /// Puts the billing id of its last attempt into a reply that was kept. One that an earlier version kept has it.
    async fn know_billing_id(&self, reply: &mut ChatReply) -> Result<()> {
        let Some(attempt) = reply.attempts.last_mut().filter(|attempt| attempt.model_id.is_none()) else {
            return Ok(());
        };
        attempt.model_id = self.billing_ids.get(&attempt.provider, &attempt.model);
        if attempt.model_id.is_none() {
            let models = self.store.models().await?;
            let is_asked = |model: &&Model| model.provider == attempt.provider && model.model_code == attempt.model;
            attempt.model_id = models.iter().find(is_asked).map(|model| model.id);
        }
        Ok(())
    }
}

fn identity(key: &str) -> String {
    format!("idempotency_keys/{key}/reply")
}
