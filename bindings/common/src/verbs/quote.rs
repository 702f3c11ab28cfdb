//! The verb `quote`.

use tollway::client::Tollway;
use tollway::types::{Quote, Result};

use super::chat::ChatArguments;

/// Says what a call would cost and whether its budgets would admit it, without making it. The arguments are those of `chat`.
pub(super) async fn quote(client: &Tollway, arguments: Box<ChatArguments>) -> Result<Quote> {
    let ChatArguments(request, options) = *arguments;
    client.quote(request, options).await
}
