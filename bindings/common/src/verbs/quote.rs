//! The verb `quote`.

use tollway::client::Tollway;
use tollway::types::{ChatRequest, Quote, Result};

use super::call::Call;
use super::table::verbs;

verbs! {
    /// Says what a chat call would cost with each model that may serve it, and whether its budgets would admit it.
    ///
    /// Nothing is sent, and nothing is reserved.
    ///
    /// * `no_route` if no model could serve the call.
    "quote"(messages) => quote(Box<Call<ChatRequest>>) -> Quote;
}

pub(super) async fn quote(client: &Tollway, arguments: Box<Call<ChatRequest>>) -> Result<Quote> {
    client.quote(arguments.request, arguments.options).await
}
