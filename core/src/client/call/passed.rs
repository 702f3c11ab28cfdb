//! The call for requests that are handed on as they are.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::client::engine::{Engine, check_options};
use crate::client::work::passed::{PIECES_AHEAD, Passed, PassedEvent};
use crate::provider::check_pass_through;
use crate::types::{CallOptions, FetchRequest, Result};

/// Starts to hand a request on. Returns the id of the call, and what comes of it: dropping that gives the request up.
///
/// One attempt is made: nobody but its author knows whether the request may be repeated.
pub(in crate::client) fn start(
    engine: &Arc<Engine>,
    request: FetchRequest,
    wanted: Option<String>,
    options: CallOptions,
) -> Result<(String, mpsc::Receiver<Result<PassedEvent>>)> {
    check_pass_through(&request)?;
    let options = check_options(options)?;
    let request_id = engine.environment.unique_id();
    let (sink, events) = mpsc::channel(PIECES_AHEAD);
    let work = Passed::new(request, wanted, &request_id, sink.clone());
    super::start(engine, work, options, request_id.clone(), sink);
    Ok((request_id, events))
}
