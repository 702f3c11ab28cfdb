//! The items of recent answers, by id, in the memory of an open file.
//!
//! Libraries that rely on OpenAI keeping every response (`store`, on by default) name earlier items instead of sending them.
//! Within an open file such a name can be followed, by the user who got the item: ids stand in records and headers, so that
//! who knows one need not have seen the item. Nothing is written down, and the oldest items make room for new ones.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

/// The most bytes of JSON that are kept.
const CAPACITY: usize = 16 << 20;

/// The items of recent answers of one open file. Clones share them.
#[derive(Clone)]
pub struct RecentItems(Arc<Mutex<Recent>>);

/// What one user may name of the recent items.
#[derive(Clone)]
pub struct UserItems {
    all: RecentItems,
    user: Option<String>,
}

impl Default for RecentItems {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Recent::new(CAPACITY))))
    }
}

impl RecentItems {
    /// Returns what a user may name; calls without a user are one's own as well.
    #[must_use]
    pub fn of(&self, user: Option<&str>) -> UserItems {
        UserItems { all: self.clone(), user: user.map(str::to_owned) }
    }
}

impl UserItems {
    /// Keeps an item that an answer was made of.
    pub(super) fn keep(&self, id: &str, item: &Value) {
        let key = (self.user.clone(), id.to_owned());
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).keep(key, item.to_string());
    }

    /// Returns an item of a recent answer; nothing if it made room for others, or if it is another user's.
    pub(super) fn find(&self, id: &str) -> Option<Value> {
        let key = (self.user.clone(), id.to_owned());
        let text = self.all.0.lock().unwrap_or_else(PoisonError::into_inner).items.get(&key).cloned();
        serde_json::from_str(&text?).ok()
    }
}

// What people said is printed nowhere.
impl std::fmt::Debug for UserItems {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("UserItems").finish_non_exhaustive()
    }
}

/// A user and the id of an item.
type Key = (Option<String>, String);

/// Items as JSON texts, bounded by their size.
struct Recent {
    capacity: usize,
    size: usize,
    items: HashMap<Key, String>,
    order: VecDeque<Key>,
}

impl Recent {
    fn new(capacity: usize) -> Self {
        Self { capacity, size: 0, items: HashMap::new(), order: VecDeque::new() }
    }

    fn keep(&mut self, key: Key, item: String) {
        if item.len() > self.capacity {
            return;
        }
        self.size += item.len();
        match self.items.insert(key.clone(), item) {
            Some(replaced) => self.size -= replaced.len(),
            None => self.order.push_back(key),
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
    fn the_oldest_items_are_dropped_when_the_store_is_full() {
        let mut recent = Recent::new(10);
        for (id, item) in [("a", "1234"), ("b", "1234"), ("a", "12"), ("c", "123456")] {
            recent.keep((None, id.to_owned()), item.to_owned());
        }
        let mut kept: Vec<_> = recent.items.keys().map(|(_, id)| id.clone()).collect();
        kept.sort_unstable();
        assert_eq!((kept, recent.size), (vec!["b".to_owned(), "c".to_owned()], 10));
        recent.keep((None, "d".to_owned()), "12345678901".to_owned());
        assert_eq!((recent.items.len(), recent.order.len()), (2, 2));
    }

    #[test]
    fn nobody_finds_the_items_of_another_user_or_file() {
        let file = RecentItems::default();
        file.of(Some("alice")).keep("msg_1", &Value::from(1));
        assert_eq!(file.clone().of(Some("alice")).find("msg_1"), Some(Value::from(1)));
        for other in [file.of(Some("bob")), file.of(None), RecentItems::default().of(Some("alice"))] {
            assert_eq!(other.find("msg_1"), None);
        }
    }
}
