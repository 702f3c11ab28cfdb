//! An answer to a request of a vendor's own library.

use napi::Env;
use napi::bindgen_prelude::{Result, Uint8ArraySlice};
use napi_derive::napi;
use tollway_common::{Answer, Part};

use crate::queue::CompletionQueue;

/// An answer with one reader. When it is collected, the call is given up.
#[napi]
pub struct Fetch(tollway_common::Fetch);

/// What an answer had at hand: one of a head, more of a body and an error at most.
#[napi(object, object_from_js = false)]
pub struct TakenPart<'env> {
    /// The status and the headers, as JSON text. It comes first, alone.
    pub head: Option<String>,
    /// More of the body, in memory of JavaScript's own, so that it can be transferred.
    pub body: Option<Uint8ArraySlice<'env>>,
    /// What went wrong, as JSON text.
    pub error: Option<String>,
    /// Whether nothing follows.
    pub ended: bool,
}

impl Fetch {
    pub(crate) const fn new(fetch: tollway_common::Fetch) -> Self {
        Self(fetch)
    }
}

#[napi]
impl Fetch {
    /// Takes the next part if it is ready, without waiting.
    #[napi]
    pub fn take<'env>(&self, env: &'env Env) -> Result<TakenPart<'env>> {
        let nothing = TakenPart { head: None, body: None, error: None, ended: false };
        Ok(match self.0.try_next() {
            Answer::Part(Part::Head(head)) => TakenPart { head: Some(head), ..nothing },
            Answer::Part(Part::Body(body)) => {
                TakenPart { body: Some(Uint8ArraySlice::copy_from(env, body)?), ..nothing }
            }
            Answer::Pending => nothing,
            Answer::Failed(error) => TakenPart { error: Some(error.to_json()), ended: true, ..nothing },
            Answer::End => TakenPart { ended: true, ..nothing },
        })
    }

    /// Puts a ticket on a queue once there is something to take; an earlier ticket that was not put is dropped.
    #[napi]
    pub fn notify(&self, queue: &CompletionQueue, ticket: f64) {
        let sender = queue.sender();
        self.0.when_ready(move || sender.push(ticket, Some(String::new()), None));
    }

    /// Gives the call up and ends the answer.
    #[napi]
    pub fn close(&self) {
        self.0.close();
    }
}
