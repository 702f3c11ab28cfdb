//! An open file, as bindings hold it.
//!
//! A handle remembers how it was opened, so that a forked child opens the file for itself at its first use and leaks what
//! it inherited. Dropping the inherited one would release the parent's locks on the file.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use serde::Deserialize;
use tokio::sync::OnceCell;
use tollway::client::Tollway;
use tollway::settings::Settings;
use tollway::store::IN_MEMORY;
use tollway::types::ErrorKind;
use tollway::vault::{MasterKey, MasterKeyCallback};
use tracing::instrument::Instrumented;
use tracing::{Instrument, Span};
use zeroize::Zeroizing;

use crate::Outcome;
use crate::error::ErrorInfo;
use crate::fetch::Fetch;
use crate::fork;
use crate::logs::Logs;
use crate::master_key;
use crate::process::process_id;
use crate::runtime::{self, AbortOnDrop, Close, Runtime, Task};
use crate::stream::Stream;
use crate::verbs;

/// How long a handle that is dropped without being closed may take for its settlements.
const DROP_TIMEOUT: Duration = Duration::from_secs(5);

/// A handle of one file. Clones share it. It may be used in a forked child, which then opens the file for itself.
///
/// A ledger in memory, whose path is `:memory:`, stays with the process that made it: a forked child is refused (`forked`).
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    /// In which the handle's work is done, so that what it logs goes where it belongs.
    span: Span,
}

struct Shared {
    path: PathBuf,
    /// The process that made the handle.
    process: u32,
    settings: Settings,
    master_key: ArcSwap<SecretString>,
    instance: ArcSwap<Instance>,
    closed: AtomicBool,
}

/// The client of one process. It is opened at its first use.
struct Instance {
    process: u32,
    client: Option<OnceCell<Tollway>>,
    is_shut_down: AtomicBool,
}

/// How to open a file.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenOptions {
    /// What seals the API keys: 32 bytes as hexadecimal digits or base64, or a passphrase of at least 8 characters. `env:NAME` reads
    /// it from an environment variable.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("writeOnly" = true)))]
    master_key: Option<SecretString>,
    /// How the open file behaves.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(extend("spread" = true)))]
    settings: Settings,
}

/// How to close a file.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "CloseOptions"))]
#[serde(deny_unknown_fields)]
pub(crate) struct CloseArguments {
    /// How long to wait for settlements under way, in seconds; 5 where left out.
    #[serde(default)]
    timeout: Option<f64>,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateArguments {
    /// The key that seals everything from then on.
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("writeOnly" = true)))]
    master_key: SecretString,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoArguments {}

impl Engine {
    /// Makes a handle; the file is opened by the verb `open`, or by the first other verb.
    ///
    /// `options` is `{"master_key": text, "settings": {...}}`. A text `env:NAME` names an environment variable. A callback
    /// gives the key instead; either is resolved here and now. Fails with `invalid_request` if an option is wrong.
    pub fn new(path: &Path, options: &str, callback: Option<&MasterKeyCallback>) -> Result<Self, ErrorInfo> {
        let options: OpenOptions = verbs::parse("open", options)?;
        if path.as_os_str().is_empty() {
            let detail = "open: path is empty; give the path of a file, such as \"app.tollway\"";
            return Err(ErrorInfo::new(ErrorKind::InvalidRequest, detail));
        }
        let key = master_key::resolved(options.master_key, callback)?;
        fork::watch()?;
        let shared = Shared {
            path: path.to_owned(),
            process: process_id(),
            settings: options.settings,
            master_key: ArcSwap::from_pointee(key),
            instance: ArcSwap::new(Instance::new()),
            closed: AtomicBool::new(false),
        };
        Ok(Self { shared: Arc::new(shared), span: Span::none() })
    }

    /// Sends what the handle's work logs to a queue; without one it goes nowhere.
    #[must_use]
    pub fn logging_to(mut self, logs: &Logs) -> Self {
        self.span = logs.span();
        self
    }

    /// Opens a file; see [`Engine::new`]. Dropping the task gives the opening up.
    pub fn open(path: &Path, options: &str, callback: Option<&MasterKeyCallback>) -> Task<Self> {
        let engine = Self::new(path, options, callback);
        runtime::spawn(async move {
            let engine = engine?;
            engine.run("open", "{}").await?;
            Ok(engine)
        })
    }

    /// Returns the path that the handle was made of.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Starts a verb. The task returns JSON text; dropping it gives the call up, which is then settled by its policy.
    pub fn call(&self, verb: &str, arguments: &str) -> Task<String> {
        let (engine, verb, arguments) = self.owned(verb, arguments);
        runtime::spawn(self.logged(async move { engine.run(&verb, &arguments).await }))
    }

    /// Starts a verb whose outcome goes to a function, on a thread of the runtime.
    ///
    /// The function is called exactly once, also if the call is given up, panics, or is cut off by shutdown.
    pub fn start(&self, verb: &str, arguments: &str, deliver: impl FnOnce(Outcome) + Send + 'static) -> StartedCall {
        let delivery = Delivery(Some(deliver));
        match Runtime::current() {
            Ok(runtime) => {
                let (engine, verb, arguments) = self.owned(verb, arguments);
                StartedCall(runtime.spawn_abortable(self.logged(async move {
                    let outcome = engine.run(&verb, &arguments).await;
                    delivery.send(outcome);
                })))
            }
            Err(error) => {
                delivery.send(Err(error));
                StartedCall(AbortOnDrop::none(process_id()))
            }
        }
    }

    /// Starts a streamed chat; the arguments are those of the verb `chat`.
    #[must_use]
    pub fn stream(&self, arguments: &str) -> Stream {
        let (engine, _, arguments) = self.owned("chat", arguments);
        Stream::start(self.logged(async move {
            let (request, options) = verbs::chat_arguments(&arguments)?;
            drop(arguments);
            Ok(engine.client().await?.chat_stream(request, options).await?)
        }))
    }

    /// Answers a request of a vendor's own library; `head` is JSON, see [`Fetch`].
    #[must_use]
    pub fn fetch(&self, head: &str, body: Vec<u8>) -> Fetch {
        let engine = self.clone();
        let asked = crate::fetch::read(head, body);
        Fetch::start(self.logged(async move {
            let (request, options) = asked?;
            Ok(engine.client().await?.fetch(request, options).await?)
        }))
    }

    /// Stops new calls and waits for settlements under way, at most for `timeout`; returns whether all ended.
    pub fn shutdown(&self, timeout: Duration) -> Task<bool> {
        let engine = self.clone();
        runtime::spawn(async move { Ok(engine.close(timeout).await) })
    }

    /// Puts work into the handle's span.
    fn logged<F: Future>(&self, work: F) -> Instrumented<F> {
        work.instrument(self.span.clone())
    }

    fn owned(&self, verb: &str, arguments: &str) -> (Self, String, Zeroizing<String>) {
        // Arguments may hold an API key.
        (self.clone(), verb.to_owned(), Zeroizing::new(arguments.to_owned()))
    }

    async fn run(&self, verb: &str, arguments: &str) -> Outcome {
        match verb {
            "open" => {
                let NoArguments {} = verbs::parse_or_empty(verb, arguments)?;
                self.client().await?;
                Ok("null".to_owned())
            }
            "close" => {
                let arguments: CloseArguments = verbs::parse_or_empty(verb, arguments)?;
                let timeout = arguments.timeout.map(Duration::try_from_secs_f64).transpose().map_err(|_| {
                    ErrorInfo::new(ErrorKind::InvalidRequest, "close: timeout must be a positive number of seconds")
                })?;
                Ok(self.close(timeout.unwrap_or(DROP_TIMEOUT)).await.to_string())
            }
            "vault.rotate" => {
                let arguments: RotateArguments = verbs::parse(verb, arguments)?;
                let key = master_key::resolved(Some(arguments.master_key), None)?;
                self.client().await?.rotate_master_key(MasterKey::Text(key.clone())).await?;
                // A child that is forked later opens the file with the key that it has by then.
                self.shared.master_key.store(Arc::new(key));
                Ok("null".to_owned())
            }
            _ => match verbs::of_paths(verb) {
                Some(apart) => (apart.run)(arguments).await,
                None => verbs::dispatch(&self.client().await?, verb, arguments).await,
            },
        }
    }

    async fn close(&self, timeout: Duration) -> bool {
        self.shared.closed.store(true, Ordering::Release);
        let instance = self.shared.instance.swap(Instance::new());
        if instance.process == process_id() {
            return instance.shut_down(timeout).await;
        }
        std::mem::forget(instance);
        true
    }

    /// Returns the client of this process, and opens it first if this process has none.
    async fn client(&self) -> Result<Tollway, ErrorInfo> {
        let instance = self.instance();
        // Closing sets the flag and then replaces the instance: without this look, a replaced one could be opened.
        if self.shared.closed.load(Ordering::Acquire) {
            return Err(ErrorInfo::closed());
        }
        // A child that opened it again would go on with an empty ledger, which caps nothing.
        if instance.process != self.shared.process && self.shared.path.as_os_str() == IN_MEMORY {
            return Err(ErrorInfo::of_another_memory());
        }
        let Some(cell) = &instance.client else { return Err(ErrorInfo::closed()) };
        let client = cell
            .get_or_try_init(|| async {
                let key = MasterKey::Text(SecretString::clone(&self.shared.master_key.load()));
                let client = Tollway::open(&self.shared.path, key, self.shared.settings.clone()).await?;
                let weak: Weak<Instance> = Arc::downgrade(&instance);
                Runtime::current()?.close_at_shutdown(weak);
                Ok::<_, ErrorInfo>(client)
            })
            .await?;
        Ok(client.clone())
    }

    fn instance(&self) -> Arc<Instance> {
        loop {
            let seen = self.shared.instance.load_full();
            if seen.process == process_id() {
                return seen;
            }
            let previous = self.shared.instance.compare_and_swap(&seen, Instance::new());
            if Arc::ptr_eq(&previous, &seen) {
                std::mem::forget(seen);
            }
        }
    }
}

impl Instance {
    fn new() -> Arc<Self> {
        Arc::new(Self { process: process_id(), client: Some(OnceCell::new()), is_shut_down: AtomicBool::new(false) })
    }

    async fn shut_down(&self, timeout: Duration) -> bool {
        let ended = match self.client.as_ref().and_then(OnceCell::get) {
            Some(client) => client.shutdown(timeout).await,
            None => true,
        };
        self.is_shut_down.store(true, Ordering::Release);
        ended
    }
}

impl Close for Instance {
    fn close(self: Arc<Self>, timeout: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.shut_down(timeout).await;
        })
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let client = self.client.take();
        if self.process != process_id() {
            std::mem::forget(client);
        } else if let Some(client) = client.and_then(OnceCell::into_inner)
            && !*self.is_shut_down.get_mut()
            && let Ok(runtime) = Runtime::current()
        {
            runtime.spawn_background(async move {
                client.shutdown(DROP_TIMEOUT).await;
            });
        }
    }
}

/// Starts a verb about files that nobody has open, whose outcome goes to a function as that of [`Engine::start`] does.
///
/// Dropping what it returns stops nothing that has begun on the disk.
pub fn start_apart(verb: &str, arguments: &str, deliver: impl FnOnce(Outcome) + Send + 'static) -> StartedCall {
    let delivery = Delivery(Some(deliver));
    let started = fork::watch().and_then(|()| Runtime::current());
    match started {
        Ok(runtime) => {
            let (verb, arguments) = (verb.to_owned(), Zeroizing::new(arguments.to_owned()));
            StartedCall(runtime.spawn_abortable(async move {
                let outcome = match verbs::of_paths(&verb) {
                    Some(apart) => (apart.run)(&arguments).await,
                    None => Err(ErrorInfo::new(ErrorKind::InvalidRequest, format!("{verb:?} needs an open file"))),
                };
                delivery.send(outcome);
            }))
        }
        Err(error) => {
            delivery.send(Err(error));
            StartedCall(AbortOnDrop::none(process_id()))
        }
    }
}

/// A call under way. Dropping it, or [`StartedCall::cancel`], gives the call up; it is then settled by its policy.
#[must_use = "dropping a started call gives it up"]
pub struct StartedCall(AbortOnDrop);

impl StartedCall {
    /// Gives the call up; nothing happens if it has ended.
    pub fn cancel(&self) {
        self.0.abort();
    }

    /// Returns whether the call was started by another process, before a fork; it never ends in this one.
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        self.0.is_inherited()
    }
}

/// Delivers an outcome exactly once, also when its task is dropped or panics.
struct Delivery<F: FnOnce(Outcome)>(Option<F>);

impl<F: FnOnce(Outcome)> Delivery<F> {
    fn send(mut self, outcome: Outcome) {
        if let Some(deliver) = self.0.take() {
            deliver(outcome);
        }
    }
}

impl<F: FnOnce(Outcome)> Drop for Delivery<F> {
    fn drop(&mut self) {
        if let Some(deliver) = self.0.take() {
            deliver(Err(ErrorInfo::lost()));
        }
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
