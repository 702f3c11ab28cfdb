//! Calls under way.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot::{self, Receiver};
use tollway::types::ErrorKind;
use tollway_common::{ErrorInfo, Outcome, StartedCall};
use zeroize::Zeroizing;

use crate::failure::NativeError;

/// A call under way. When it is freed, the call is given up.
#[derive(uniffi::Object)]
pub struct NativeCall {
    started: StartedCall,
    outcome: Mutex<Option<Receiver<Outcome>>>,
}

/// Starts a verb about files that nobody has open.
#[uniffi::export]
#[must_use]
pub fn start_apart(verb: &str, arguments: String) -> Arc<NativeCall> {
    let arguments = Zeroizing::new(arguments);
    NativeCall::start(|deliver| tollway_common::start_apart(verb, &arguments, deliver))
}

type Deliver = Box<dyn FnOnce(Outcome) + Send>;

impl NativeCall {
    pub(crate) fn start(start: impl FnOnce(Deliver) -> StartedCall) -> Arc<Self> {
        let (sender, receiver) = oneshot::channel();
        let started = start(Box::new(move |outcome| {
            // Nobody waits for a call that was given up.
            let _ = sender.send(outcome);
        }));
        Arc::new(Self { started, outcome: Mutex::new(Some(receiver)) })
    }
}

#[uniffi::export]
impl NativeCall {
    /// Waits for the end, and returns the result as JSON text. It is handed over once.
    pub async fn outcome(&self) -> Result<String, NativeError> {
        let receiver = self.outcome.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(receiver) = receiver else {
            let detail = "the outcome of a call was asked for twice; keep what was returned first";
            return Err(ErrorInfo::new(ErrorKind::InvalidRequest, detail).into());
        };
        let outcome = receiver.await.unwrap_or_else(|_| Err(ErrorInfo::internal("a call ended without an outcome")));
        outcome.map_err(NativeError::from)
    }

    /// Gives the call up; nothing happens if it has ended.
    pub fn cancel(&self) {
        self.started.cancel();
    }
}
