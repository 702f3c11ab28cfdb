//! The one tokio runtime of a process.
//!
//! Its slot is keyed by the process id. A forked child has none of its parent's threads, so it leaks what it inherited and
//! builds its own. The slot is swapped without a lock, because a lock could be held by another thread at the moment of a
//! fork and would then never be released in the child. Locks inside a [`Runtime`] are taken by its own process only.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use futures_util::future::{BoxFuture, join_all};
use tokio::runtime::{Builder, Handle};
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tollway::types::ErrorKind;

use crate::error::ErrorInfo;
use crate::logs::listen_on_this_thread;
use crate::process::process_id;

const WORKER_THREADS: usize = 2;

static SLOT: ArcSwapOption<Runtime> = ArcSwapOption::const_empty();

/// Something that shutdown must end first.
pub(crate) trait Close: Send + Sync {
    /// Waits for settlements under way, at most for the time given.
    fn close(self: Arc<Self>, timeout: Duration) -> BoxFuture<'static, ()>;
}

/// The runtime of one process.
pub(crate) struct Runtime {
    process: u32,
    handle: Handle,
    owned: Mutex<Option<tokio::runtime::Runtime>>,
    calls: TaskTracker,
    give_up: CancellationToken,
    background: TaskTracker,
    closed_at_shutdown: Mutex<Vec<Weak<dyn Close>>>,
}

impl Runtime {
    /// Returns the runtime of this process, and builds it at the first call; fails if threads cannot be started.
    pub(crate) fn current() -> Result<Arc<Self>, ErrorInfo> {
        let process = process_id();
        loop {
            let seen = SLOT.load();
            if let Some(runtime) = seen.as_ref()
                && runtime.process == process
            {
                return Ok(Arc::clone(runtime));
            }
            let fresh = Arc::new(Self::build(process)?);
            let previous = SLOT.compare_and_swap(&seen, Some(Arc::clone(&fresh)));
            let was_seen = previous.as_ref().map(Arc::as_ptr) == seen.as_ref().map(Arc::as_ptr);
            if was_seen {
                // Dropping an inherited runtime would join threads that do not exist in this process.
                std::mem::forget(arc_swap::Guard::into_inner(previous));
                return Ok(fresh);
            }
            fresh.stop(Duration::ZERO);
        }
    }

    fn build(process: u32) -> Result<Self, ErrorInfo> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(WORKER_THREADS)
            .thread_name("tollway")
            .on_thread_start(listen_on_this_thread)
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| {
            ErrorInfo::new(
                ErrorKind::Internal,
                format!("the threads that make calls cannot be started: {error}; raise the limit of threads"),
            )
        })?;
        Ok(Self {
            process,
            handle: runtime.handle().clone(),
            owned: Mutex::new(Some(runtime)),
            calls: TaskTracker::new(),
            give_up: CancellationToken::new(),
            background: TaskTracker::new(),
            closed_at_shutdown: Mutex::new(Vec::new()),
        })
    }

    /// Spawns work whose end nobody awaits but shutdown.
    pub(crate) fn spawn_background(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.background.spawn_on(future, &self.handle);
    }

    /// Spawns work that its handle can abort.
    pub(crate) fn spawn_abortable(&self, future: impl Future<Output = ()> + Send + 'static) -> AbortOnDrop {
        AbortOnDrop { handle: Some(self.spawn_call(future).abort_handle()), process: self.process }
    }

    /// Spawns work that shutdown gives up; it then returns nothing.
    fn spawn_call<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> JoinHandle<Option<T>> {
        let give_up = self.give_up.clone();
        self.calls.spawn_on(async move { give_up.run_until_cancelled(future).await }, &self.handle)
    }

    /// Names something that shutdown must end first.
    pub(crate) fn close_at_shutdown(&self, closed: Weak<dyn Close>) {
        let mut list = self.closed_at_shutdown.lock().unwrap_or_else(PoisonError::into_inner);
        list.retain(|entry| entry.strong_count() > 0);
        list.push(closed);
    }

    fn stop(&self, timeout: Duration) {
        let owned = self.owned.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(runtime) = owned else { return };
        let open: Vec<_> = std::mem::take(&mut *self.closed_at_shutdown.lock().unwrap_or_else(PoisonError::into_inner));
        let open: Vec<_> = open.iter().filter_map(Weak::upgrade).map(|closed| closed.close(timeout)).collect();
        // Nobody is left to take a result. Calls are given up first, so that what is waited for is their settlement.
        self.give_up.cancel();
        self.calls.close();
        self.background.close();
        if !timeout.is_zero() {
            runtime.block_on(async {
                let all = async {
                    self.calls.wait().await;
                    join_all(open).await;
                    self.background.wait().await;
                };
                // What has not ended by now is left to the recovery of the next open.
                let _ = tokio::time::timeout(timeout, all).await;
            });
        }
        runtime.shutdown_background();
    }
}

/// Gives up what is under way, waits for its settlement at most for `timeout`, and stops the runtime of this process, if
/// it has one.
///
/// It must not be called on a thread of the runtime. A later call builds a new runtime.
pub fn shutdown(timeout: Duration) {
    let seen = SLOT.load();
    let Some(runtime) = seen.as_ref() else { return };
    if runtime.process != process_id() {
        return;
    }
    let previous = SLOT.compare_and_swap(&seen, None);
    if previous.as_ref().is_some_and(|previous| Arc::ptr_eq(previous, runtime)) {
        runtime.stop(timeout);
    }
}

/// Spawns a future on the runtime of this process. The task can be awaited by any executor.
pub fn spawn<T: Send + 'static>(future: impl Future<Output = Result<T, ErrorInfo>> + Send + 'static) -> Task<T> {
    match Runtime::current() {
        Ok(runtime) => {
            let join = runtime.spawn_call(future);
            let abort = AbortOnDrop { handle: Some(join.abort_handle()), process: runtime.process };
            Task { state: State::Running { join, _abort: abort } }
        }
        Err(error) => Task { state: State::Failed(error) },
    }
}

/// Work on the runtime. Dropping it aborts the work.
#[must_use = "dropping a task aborts its work"]
pub struct Task<T> {
    state: State<T>,
}

enum State<T> {
    Running { join: JoinHandle<Option<Result<T, ErrorInfo>>>, _abort: AbortOnDrop },
    Failed(ErrorInfo),
}

impl<T> Future for Task<T> {
    type Output = Result<T, ErrorInfo>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.state {
            State::Running { _abort: abort, .. } if abort.process != process_id() => {
                Poll::Ready(Err(ErrorInfo::forked()))
            }
            State::Running { join, .. } => Pin::new(join).poll(context).map(|joined| match joined {
                Ok(result) => result.unwrap_or_else(|| Err(ErrorInfo::lost())),
                Err(error) if error.is_panic() => Err(ErrorInfo::new(
                    ErrorKind::Internal,
                    "the call ended in a panic; report it, with what was called",
                )),
                Err(_) => Err(ErrorInfo::lost()),
            }),
            State::Failed(error) => Poll::Ready(Err(error.clone())),
        }
    }
}

/// Aborts a task when it is dropped or asked to, in the process that started the task only.
pub(crate) struct AbortOnDrop {
    handle: Option<AbortHandle>,
    process: u32,
}

impl AbortOnDrop {
    /// Makes a handle of work that never started.
    pub(crate) const fn none(process: u32) -> Self {
        Self { handle: None, process }
    }

    /// Drops the work's future at its next turn. It is nothing in a forked child, whose parent goes on.
    pub(crate) fn abort(&self) {
        // In a child, a lock of the inherited scheduler may be held by a thread that does not exist.
        if let Some(handle) = &self.handle
            && self.process == process_id()
        {
            handle.abort();
        }
    }

    /// Returns whether this process did not start the work.
    pub(crate) fn is_inherited(&self) -> bool {
        self.process != process_id()
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.abort();
        if self.is_inherited() {
            std::mem::forget(self.handle.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use tollway::environment::{Environment as _, SystemEnvironment};

    use super::*;

    struct SetOnDrop(Arc<AtomicBool>);

    impl Drop for SetOnDrop {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    fn eventually(condition: impl Fn() -> bool) -> bool {
        (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(2));
            condition()
        })
    }

    #[test]
    fn a_task_is_awaited_without_a_runtime_around() {
        let task = spawn(async {
            SystemEnvironment.sleep(Duration::from_millis(2)).await;
            Ok(42)
        });
        assert_eq!(futures_executor::block_on(task).unwrap(), 42);
    }

    #[test]
    fn dropping_a_task_drops_its_future() {
        let dropped = Arc::new(AtomicBool::new(false));
        let guard = SetOnDrop(Arc::clone(&dropped));
        let task = spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
            Ok(())
        });
        drop(task);
        assert!(eventually(|| dropped.load(Ordering::SeqCst)));
    }

    #[test]
    fn a_panic_is_an_internal_error() {
        let task = spawn::<()>(async { panic!("on purpose") });
        assert_eq!(futures_executor::block_on(task).unwrap_err().code, "internal");
    }

    #[test]
    fn stopping_the_runtime_cancels_calls() {
        let runtime = Runtime::build(process_id()).unwrap();
        let dropped = Arc::new(AtomicBool::new(false));
        let guard = SetOnDrop(Arc::clone(&dropped));
        let call = runtime.spawn_abortable(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        });
        runtime.stop(Duration::from_secs(5));
        assert!(dropped.load(Ordering::SeqCst));
        drop(call);
    }

    #[test]
    fn stopping_the_runtime_waits_for_background_work() {
        let runtime = Runtime::build(process_id()).unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let guard = SetOnDrop(Arc::clone(&done));
        runtime.spawn_background(async move {
            SystemEnvironment.sleep(Duration::from_millis(50)).await;
            drop(guard);
        });
        runtime.stop(Duration::from_secs(5));
        assert!(done.load(Ordering::SeqCst));
    }
}
