//! The line to a provider: where the request of an attempt goes, and how far it came.

use std::sync::Arc;

use super::plan::Plan;
use crate::client::engine::Engine;
use crate::provider::{Redactor, Target};
use crate::transport::Progress;

/// Where the request of an attempt goes.
pub(in crate::client) struct Line<'a> {
    pub(in crate::client) engine: &'a Arc<Engine>,
    pub(in crate::client) plan: &'a Plan,
    /// The model, with what is secret opened.
    pub(in crate::client) target: Target<'a>,
    /// What must not be told of what the provider says.
    pub(in crate::client) redactor: Arc<Redactor>,
    /// How far the request came, as the transport says.
    pub(in crate::client) progress: Progress,
}
