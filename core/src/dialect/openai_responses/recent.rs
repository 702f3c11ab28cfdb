//! The items of recent answers, by id, in the memory of this process.
//!
//! Libraries that rely on OpenAI keeping every response (`store`, on by default) name earlier items instead of sending them.
//! Within a process such a name can be followed; nothing is written down, and the oldest items make room for new ones. The
//! ids hold the random id of their call, so that only who got an answer can name its items.

use std::collections::{HashMap, VecDeque};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::Value;

/// The most bytes of JSON that are kept.
const CAPACITY: usize = 16 << 20;

static RECENT: LazyLock<Mutex<Recent>> = LazyLock::new(|| Mutex::new(Recent::new(CAPACITY)));

/// Keeps an item that an answer was made of.
pub(super) fn keep(id: &str, item: &Value) {
    RECENT.lock().unwrap_or_else(PoisonError::into_inner).keep(id, item.to_string());
}

/// Returns an item of a recent answer; nothing if it made room for others, or if another process gave it.
pub(super) fn find(id: &str) -> Option<Value> {
    let text = RECENT.lock().unwrap_or_else(PoisonError::into_inner).items.get(id).cloned();
    serde_json::from_str(&text?).ok()
}

/// Items as JSON texts, bounded by their size.
struct Recent {
    capacity: usize,
    size: usize,
    items: HashMap<String, String>,
    order: VecDeque<String>,
}

impl Recent {
    fn new(capacity: usize) -> Self {
        Self { capacity, size: 0, items: HashMap::new(), order: VecDeque::new() }
    }

    fn keep(&mut self, id: &str, item: String) {
        if item.len() > self.capacity {
            return;
        }
        self.size += item.len();
        match self.items.insert(id.to_owned(), item) {
            Some(replaced) => self.size -= replaced.len(),
            None => self.order.push_back(id.to_owned()),
        }
        while self.size > self.capacity {
            let Some(oldest) = self.order.pop_front() else { break };
            self.size -= self.items.remove(&oldest).map_or(0, |item| item.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_items_make_room() {
        let mut recent = Recent::new(10);
        for (id, item) in [("a", "1234"), ("b", "1234"), ("a", "12"), ("c", "123456")] {
            recent.keep(id, item.to_owned());
        }
        let mut kept: Vec<_> = recent.items.keys().cloned().collect();
        kept.sort_unstable();
        assert_eq!((kept, recent.size), (vec!["b".to_owned(), "c".to_owned()], 10));
        recent.keep("d", "12345678901".to_owned());
        assert_eq!((recent.items.len(), recent.order.len()), (2, 2));
    }
}
