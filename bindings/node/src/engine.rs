//! An open file, and calls under way.

#![expect(clippy::needless_pass_by_value, reason = "texts of JavaScript convert into owned ones only")]

use std::path::Path;
use std::sync::mpsc;

use napi::Result;
use napi_derive::napi;
use tollway_common::{Outcome, StartedCall};

use crate::argument::{seconds, wiped};
use crate::fetch::Fetch;
use crate::logs::Logs;
use crate::queue::{CompletionQueue, Sender};
use crate::stream::Stream;

/// A handle of one file.
#[napi]
pub struct Engine(tollway_common::Engine);

/// A call under way. When it is collected, the call is given up.
#[napi]
pub struct Call(StartedCall);

/// A handle, or why there is none, as JSON text.
#[napi(object, object_from_js = false)]
pub struct Created {
    /// The handle.
    pub engine: Option<Engine>,
    /// What went wrong.
    pub error: Option<String>,
}

#[napi]
impl Engine {
    /// Makes a handle of a path, whose work logs to a queue if there is one; opens nothing.
    #[napi]
    #[must_use]
    pub fn create(path: String, options: String, logs: Option<&Logs>) -> Created {
        let options = wiped(options);
        match tollway_common::Engine::new(Path::new(&path), &options, None) {
            Ok(engine) => {
                let engine = match logs {
                    Some(logs) => engine.logging_to(logs.inner()),
                    None => engine,
                };
                Created { engine: Some(Self(engine)), error: None }
            }
            Err(error) => Created { engine: None, error: Some(error.to_json()) },
        }
    }

    /// Returns the path of the file, for people.
    #[napi]
    #[must_use]
    pub fn path(&self) -> String {
        self.0.path().display().to_string()
    }

    /// Starts a verb, whose end is put on a queue under a ticket.
    #[napi]
    #[must_use]
    pub fn start(&self, verb: String, arguments: String, queue: &CompletionQueue, ticket: f64) -> Call {
        let arguments = wiped(arguments);
        Call(self.0.start(&verb, &arguments, deliver(queue.sender(), ticket)))
    }

    /// Starts a verb about files that nobody has open, whose end is put on a queue under a ticket.
    #[napi]
    #[must_use]
    pub fn start_apart(verb: String, arguments: String, queue: &CompletionQueue, ticket: f64) -> Call {
        Call(tollway_common::start_apart(&verb, &wiped(arguments), deliver(queue.sender(), ticket)))
    }

    /// Starts a streamed chat.
    #[napi]
    #[must_use]
    pub fn stream(&self, arguments: String) -> Stream {
        Stream::new(self.0.stream(&wiped(arguments)))
    }

    /// Returns what is wrong with the choices for every request of a vendor's library, as JSON text.
    #[napi]
    #[must_use]
    pub fn check_fetch(chosen: String) -> Option<String> {
        tollway_common::fetch::check(&chosen).err().map(|error| error.to_json())
    }

    /// Answers a request of a vendor's own library, whose head is JSON.
    #[napi]
    #[must_use]
    pub fn fetch(&self, head: String, body: &[u8]) -> Fetch {
        Fetch::new(self.0.fetch(&wiped(head), body.to_vec()))
    }

    /// Closes the handle and waits for settlements under way, at most for the seconds given. It blocks the calling thread,
    /// for the end of a worker thread, after which nothing of its own can be awaited.
    #[napi]
    pub fn close_blocking(&self, timeout: f64) -> Result<()> {
        let timeout = seconds(timeout)?;
        let (sender, ended) = mpsc::sync_channel(1);
        let arguments = format!(r#"{{"timeout":{}}}"#, timeout.as_secs_f64());
        let _call = self.0.start("close", &arguments, move |_| {
            // The receiver is gone if the time was over first.
            let _ = sender.send(());
        });
        // What has not ended by now is left to the recovery of the next open.
        let _ = ended.recv_timeout(timeout);
        Ok(())
    }
}

/// Returns what puts an outcome on a queue.
fn deliver(sender: Sender, ticket: f64) -> impl FnOnce(Outcome) + Send + 'static {
    move |outcome| match outcome {
        Ok(result) => sender.push(ticket, Some(result), None),
        Err(error) => sender.push(ticket, None, Some(error.to_json())),
    }
}

#[napi]
impl Call {
    /// Gives the call up; nothing happens if it has ended.
    #[napi]
    pub fn cancel(&self) {
        self.0.cancel();
    }
}
