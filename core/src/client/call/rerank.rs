//! The call for reranking.

use tokio::sync::mpsc;

use crate::client::engine::{Tollway, broken_off, check_options, refuse_first};
use crate::client::work::rerank::Rerank;
use crate::types::{CallOptions, RerankReply, RerankRequest, Result};

impl Tollway {
    /// Orders documents by how much they say to a query, and returns them settled.
    ///
    /// Dropping the future gives the call up: it is billed by its abandon policy. Fails as a chat does.
    pub async fn rerank(&self, request: RerankRequest, options: CallOptions) -> Result<RerankReply> {
        self.engine.check()?;
        check_request(&request)?;
        let options = check_options(options)?;
        let request_id = self.engine.environment.unique_id();
        let (sink, mut replies) = mpsc::channel(1);
        super::start(&self.engine, Rerank::new(request), options, request_id, sink);
        replies.recv().await.unwrap_or_else(|| Err(broken_off()))
    }
}

/// Refuses what no provider could make sense of.
fn check_request(request: &RerankRequest) -> Result<()> {
    refuse_first(&[
        (request.query.is_empty(), "`query` is empty; say what the documents are searched for"),
        (request.documents.is_empty(), "`documents` is empty; give at least one"),
        (request.top_n == Some(0), "`top_n` is zero; give at least one, or leave it out"),
    ])
}
