//! The subscriber of `tracing` on the threads of the runtime. It is set on these threads only, so that one of the host's own stays what
//! it is, and it takes what the engine logs and nothing else.
//!
//! A handle's work runs in a span that says whose it is. All that is shared here is changed without a lock: one that is held at the
//! moment of a fork would never be released in the child.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use arc_swap::ArcSwapOption;
use tracing::dispatcher::{self, Dispatch};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record as SpanRecord};
use tracing::{Event, Metadata, Span, Subscriber};
use tracing_core::span::Current;

use super::Shared;
use super::record::Record;

/// Where the engine's own events have their targets, and the span of a handle its own.
const TARGET: &str = "tollway";

static NUMBERS: AtomicU64 = AtomicU64::new(1);

/// All queues that there are.
static QUEUES: ArcSwapOption<Vec<Weak<Shared>>> = ArcSwapOption::const_empty();

/// The one subscriber. It is never replaced: with two of them, `tracing` takes a lock wherever an event is met for the first time.
static SUBSCRIBER: ArcSwapOption<Dispatch> = ArcSwapOption::const_empty();

/// What describes the span of a handle; all are of one place in the code.
static SPAN: OnceLock<&'static Metadata<'static>> = OnceLock::new();

thread_local! {
    /// The numbers of the queues whose spans this thread is in, the innermost last.
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// Sends what this thread logs to the queues, for as long as it runs.
pub(crate) fn listen_on_this_thread() {
    std::mem::forget(dispatcher::set_default(&subscriber()));
}

pub(super) fn next_number() -> u64 {
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

/// Adds a queue to those that there are.
pub(super) fn add(queue: &Arc<Shared>) {
    QUEUES.rcu(|known| {
        let alive = known.iter().flat_map(|known| known.iter()).filter(|queue| queue.strong_count() > 0);
        Some(Arc::new(alive.cloned().chain([Arc::downgrade(queue)]).collect::<Vec<_>>()))
    });
    rate();
}

/// Finds out again what is wanted by any queue.
pub(super) fn rate() {
    dispatcher::with_default(&subscriber(), tracing::callsite::rebuild_interest_cache);
}

/// Makes the span of a queue.
pub(super) fn span(number: u64) -> Span {
    dispatcher::with_default(&subscriber(), || tracing::error_span!(target: TARGET, "handle", number))
}

fn subscriber() -> Dispatch {
    loop {
        if let Some(made) = SUBSCRIBER.load_full() {
            return made.as_ref().clone();
        }
        SUBSCRIBER.compare_and_swap(&None::<Arc<Dispatch>>, Some(Arc::new(Dispatch::new(Listening))));
    }
}

fn queues() -> impl Iterator<Item = Arc<Shared>> {
    let known = QUEUES.load_full();
    (0..).map_while(move |place| known.as_ref()?.get(place).cloned()).filter_map(|queue| queue.upgrade())
}

fn most_wanted() -> LevelFilter {
    queues().map(|queue| queue.level()).max().unwrap_or(LevelFilter::OFF)
}

struct Listening;

/// Reads the number of a queue from its span.
struct Number(u64);

impl Visit for Number {
    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}

    fn record_u64(&mut self, _: &Field, value: u64) {
        self.0 = value;
    }
}

impl Subscriber for Listening {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let is_ours =
            metadata.target().strip_prefix(TARGET).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
        is_ours && *metadata.level() <= most_wanted()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(most_wanted())
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut number = Number(u64::MAX);
        attributes.record(&mut number);
        SPAN.get_or_init(|| attributes.metadata());
        Id::from_u64(number.0)
    }

    fn record(&self, _: &Id, _: &SpanRecord<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let number = ENTERED.try_with(|entered| entered.borrow().last().copied()).ok().flatten();
        let Some(number) = number else { return };
        let wanted = |queue: &Arc<Shared>| queue.number == number && *event.metadata().level() <= queue.level();
        if let Some(queue) = queues().find(wanted) {
            queue.push(&Record::of(event));
        }
    }

    fn enter(&self, span: &Id) {
        // A thread that ends has no list any more, and logs nothing.
        let _ = ENTERED.try_with(|entered| entered.borrow_mut().push(span.into_u64()));
    }

    fn exit(&self, span: &Id) {
        let _ = ENTERED.try_with(|entered| {
            let mut entered = entered.borrow_mut();
            if let Some(place) = entered.iter().rposition(|number| *number == span.into_u64()) {
                entered.remove(place);
            }
        });
    }

    fn current_span(&self) -> Current {
        let number = ENTERED.try_with(|entered| entered.borrow().last().copied()).ok().flatten();
        match (number, SPAN.get()) {
            (Some(number), Some(metadata)) => Current::new(Id::from_u64(number), metadata),
            _ => Current::none(),
        }
    }
}
