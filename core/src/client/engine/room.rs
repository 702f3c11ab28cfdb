//! Room in budgets: who waits until calls under way have settled for less than they hold, and in which order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::futures::Notified;
use tokio::sync::{Mutex as Turn, Notify};

use crate::types::{BudgetId, BudgetRefusal};

/// How long to wait for another process, whose settlements are not told to this one, before the next try.
pub(in crate::client) const NEXT_TRY: Duration = Duration::from_millis(20);
/// How many queues are kept before those that nobody waits in are let go.
const MOST_QUEUES: usize = 1024;

/// Names a budget, or one of those that a template stands for.
type Name = (BudgetId, String);

/// The calls of this process that wait for room: in each budget first come, first served. Only the first of each tries, so that those
/// of several processes have equal chances.
#[derive(Default)]
pub(in crate::client) struct Room {
    queues: Mutex<HashMap<Name, Weak<Turn<()>>>>,
    settled: Notify,
}

impl Room {
    /// Returns the queue of the budget that refused a call. Whoever locks it is its first.
    pub(in crate::client) fn queue(&self, refusal: &BudgetRefusal) -> Arc<Turn<()>> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if queues.len() >= MOST_QUEUES {
            queues.retain(|_, queue| queue.strong_count() > 0);
        }
        let own = queues.entry((refusal.budget_id, refusal.part.clone())).or_default();
        own.upgrade().unwrap_or_else(|| {
            let queue = Arc::default();
            *own = Arc::downgrade(&queue);
            queue
        })
    }

    /// Tells those who wait that an attempt was settled.
    pub(in crate::client) fn note_settlement(&self) {
        self.settled.notify_waiters();
    }

    /// Returns what ends with the next settlement of this process, from now on.
    pub(in crate::client) fn next_settlement(&self) -> Notified<'_> {
        self.settled.notified()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Decimal, OnExceeded};

    fn refusal(budget: u64, part: &str) -> BudgetRefusal {
        BudgetRefusal {
            budget_id: BudgetId::new(budget),
            part: part.into(),
            limit: Decimal::ONE,
            settled: Decimal::ZERO,
            reserved: Decimal::ONE,
            asked: Decimal::ONE,
            currency: None,
            meter: None,
            on_exceeded: OnExceeded::Refuse,
            max_tokens: None,
        }
    }

    #[test]
    fn each_budget_and_each_part_of_a_template_has_a_queue_of_its_own() {
        let room = Room::default();
        let queue = room.queue(&refusal(1, "a"));
        assert!(Arc::ptr_eq(&queue, &room.queue(&refusal(1, "a"))));
        assert!(!Arc::ptr_eq(&queue, &room.queue(&refusal(1, "b"))));
        assert!(!Arc::ptr_eq(&queue, &room.queue(&refusal(2, "a"))));
    }

    #[test]
    fn queues_that_nobody_waits_in_are_let_go() {
        let room = Room::default();
        let kept = room.queue(&refusal(0, ""));
        for budget in 1..5_000 {
            room.queue(&refusal(budget, ""));
        }
        assert!(room.queues.lock().unwrap().len() <= MOST_QUEUES);
        assert!(Arc::ptr_eq(&kept, &room.queue(&refusal(0, ""))));
    }
}
