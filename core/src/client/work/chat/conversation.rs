//! A chat under way: what is asked, and who reads the answer.

use super::delivery::Delivery;
use crate::provider::{ChatAdapter, EncodedRequest, Framing};
use crate::types::ChatRequest;

/// A chat under way.
pub(in crate::client) struct Chat {
    pub(super) request: ChatRequest,
    pub(super) framing: Framing,
    pub(super) delivery: Delivery,
    /// Whether the request has a lower output limit than was asked for.
    pub(super) is_limited: bool,
    /// The output limit that was asked for, while the request has a lower one.
    pub(super) asked_limit: Option<u64>,
}

/// A request in the format of its provider, and who reads the answer.
pub(in crate::client) struct Prepared {
    pub(super) adapter: &'static dyn ChatAdapter,
    pub(super) encoded: EncodedRequest,
}

impl Chat {
    pub(in crate::client) fn new(request: ChatRequest, framing: Framing, delivery: Delivery) -> Self {
        Self { request, framing, delivery, is_limited: false, asked_limit: None }
    }
}
