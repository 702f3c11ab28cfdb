//! Containment: what keeps a panic of the storage engine from ending the process.
//!
//! On a damaged page the engine may panic, and what it then drops may panic again, which no one can catch. So what takes locks when
//! it is dropped is leaked while a panic unwinds.

use std::cell::Cell;
use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::thread::panicking;

use super::failure::{closed, corrupted};
use crate::environment::log::LEDGER;
use crate::types::Result;

thread_local! {
    /// How many calls of the storage engine this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Calls the storage engine, which may panic on a damaged file. Returns nothing if it did.
pub(super) fn contained<T>(call: impl FnOnce() -> T) -> Option<T> {
    keep_quiet();
    DEPTH.set(DEPTH.get() + 1);
    let outcome = catch_unwind(AssertUnwindSafe(call));
    DEPTH.set(DEPTH.get().saturating_sub(1));
    outcome.ok()
}

/// Calls the storage engine as [`contained`] does, and makes a panic the error of a damaged file.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    contained(call).unwrap_or_else(|| Err(corrupted("reading it failed")))
}

/// Leaves the panics that are contained to the log; all others are reported as before.
fn keep_quiet() {
    static HOOK: Once = Once::new();
    if !HOOK.is_completed() && !panicking() {
        HOOK.call_once(|| {
            let others = take_hook();
            set_hook(Box::new(move |panic| {
                if DEPTH.try_with(Cell::get).unwrap_or(0) > 0 {
                    tracing::debug!(target: LEDGER, %panic, "the storage engine found the file damaged");
                } else {
                    others(panic);
                }
            }));
        });
    }
}

/// A transaction or a table of the storage engine, which is leaked if a panic unwinds past it.
///
/// Dropping one of these takes locks that the panic has poisoned.
pub(super) struct Held<T>(Option<T>);

impl<T> Held<T> {
    pub(super) fn new(held: T) -> Self {
        Self(Some(held))
    }

    pub(super) fn get(&self) -> Result<&T> {
        self.0.as_ref().ok_or_else(closed)
    }

    pub(super) fn get_mut(&mut self) -> Result<&mut T> {
        self.0.as_mut().ok_or_else(closed)
    }

    /// Takes it out, for what consumes it.
    pub(super) fn take(mut self) -> Result<T> {
        self.0.take().ok_or_else(closed)
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        if panicking() {
            forget(self.0.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ErrorKind;

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a second one would end the process");
        }
    }

    #[test]
    fn a_table_is_leaked_while_a_panic_unwinds() {
        let outcome: Result<()> = guarded(|| {
            let _held = Held::new(Bomb);
            panic!("a damaged page");
        });
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::CorruptedFile);
        assert_eq!(DEPTH.get(), 0);
    }

    #[test]
    fn a_table_is_dropped_where_no_panic_unwinds() {
        let counted = std::rc::Rc::new(());
        let held = Held::new(counted.clone());
        assert_eq!(std::rc::Rc::strong_count(held.get().unwrap()), 2);
        drop(held);
        assert_eq!(std::rc::Rc::strong_count(&counted), 1);
    }
}
