//! Which requests go over a connection of their own: noted where connections are made.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tower_layer::Layer;
use tower_service::Service;

use super::progress::Progress;

tokio::task_local! {
    /// The request for which a connection is made, while it waits for one.
    static WAITING: Progress;
}

/// Runs the sending of a request, so that a connection that is made for it is noted in its progress.
pub(super) async fn noting<T>(progress: Progress, sending: impl Future<Output = T>) -> T {
    WAITING.scope(progress, sending).await
}

/// Notes connections that are made for the request that waits for them. One that is made on while its request goes over
/// another is nobody's.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoteConnections;

impl<S> Layer<S> for NoteConnections {
    type Service = Noting<S>;

    fn layer(&self, connector: S) -> Noting<S> {
        Noting(connector)
    }
}

/// A connector whose connections are noted.
#[derive(Clone, Debug)]
pub(super) struct Noting<S>(S);

impl<S, R> Service<R> for Noting<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let making = self.0.call(request);
        Box::pin(async move {
            let made = making.await;
            if made.is_ok() {
                let _ = WAITING.try_with(Progress::note_connection);
            }
            made
        })
    }
}
