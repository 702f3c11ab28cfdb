//! The calls whose answers come whole: in Rust, and as vendors' libraries make them.

use tokio::sync::mpsc;

use crate::client::engine::{Tollway, broken_off, check_options};
use crate::client::work::Work;
use crate::client::work::embeddings::Embeddings;
use crate::client::work::rerank::Rerank;
use crate::dialect::jina::rerank;
use crate::dialect::openai::embeddings;
use crate::dialect::reply_headers;
use crate::types::{CallOptions, CallReply, EmbedReply, EmbedRequest, RerankReply, RerankRequest, Result};

impl Tollway {
    /// Makes a vector of each input, and returns them settled.
    ///
    /// Inputs beyond what the provider takes at once go in several requests of one attempt, which is one record and one bill.
    /// Dropping the future gives the call up: what was embedded by then is billed. Fails as a chat does.
    pub async fn embed(&self, request: EmbedRequest, options: CallOptions) -> Result<EmbedReply> {
        self.whole(Embeddings::new(request), options).await
    }

    /// Orders documents by how much they say to a query, and returns them settled.
    ///
    /// Dropping the future gives the call up: it is billed by its abandon policy. Fails as a chat does.
    pub async fn rerank(&self, request: RerankRequest, options: CallOptions) -> Result<RerankReply> {
        self.whole(Rerank::new(request), options).await
    }

    /// Makes the call that a vendor's library asks for at an endpoint, in the words of that endpoint. `model` stands over the one
    /// that the request names. Returns the headers of the answer and its JSON; nothing if the endpoint is for other work.
    pub(in crate::client) async fn answer_whole(
        &self,
        endpoint: &str,
        body: &[u8],
        model: Option<String>,
        options: CallOptions,
    ) -> Option<Result<Answered>> {
        Some(match endpoint {
            embeddings::PATH => {
                let decoded = embeddings::decode_request(body, model);
                answered(decoded, |asked| self.embed(asked, options), embeddings::encode_reply).await
            }
            rerank::PATH => {
                let decoded = rerank::decode_request(body, model);
                answered(decoded, |asked| self.rerank(asked, options), rerank::encode_reply).await
            }
            _ => return None,
        })
    }

    async fn whole<W: Work<Event = R, Reply = R>, R>(&self, work: Result<W>, options: CallOptions) -> Result<R> {
        self.engine.check()?;
        let work = work?;
        let options = check_options(options)?;
        let request_id = self.engine.environment.unique_id();
        let (sink, mut replies) = mpsc::channel(1);
        super::start(&self.engine, work, options, request_id, sink);
        replies.recv().await.unwrap_or_else(|| Err(broken_off()))
    }
}

/// The headers of an answer, and its JSON.
type Answered = (Vec<(String, String)>, Vec<u8>);

async fn answered<Asked, Form, Reply: CallReply, Call: Future<Output = Result<Reply>>>(
    decoded: Result<(Asked, Form)>,
    call: impl FnOnce(Asked) -> Call,
    encode: impl FnOnce(Form, &Reply) -> Vec<u8>,
) -> Result<Answered> {
    let (asked, form) = decoded?;
    let reply = call(asked).await?;
    Ok((reply_headers(&reply), encode(form, &reply)))
}
