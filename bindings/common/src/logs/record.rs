//! One record: an event of the engine in the form that crosses to other languages.

use std::fmt::Debug;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use tollway::environment::{Environment, SystemEnvironment};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// The field that `tracing` keeps the sentence in.
const MESSAGE: &str = "message";

/// An event of the engine.
#[derive(Serialize)]
pub(super) struct Record {
    time: Timestamp,
    level: &'static str,
    target: String,
    message: String,
    fields: Map<String, Value>,
}

impl Record {
    pub(super) fn of(event: &Event<'_>) -> Self {
        let metadata = event.metadata();
        let mut record = Self::new(*metadata.level(), &metadata.target().replace("::", "."));
        event.record(&mut record);
        record
    }

    /// Makes the record of how many records did not fit.
    pub(super) fn of_dropped(count: u64) -> Self {
        let mut record = Self::new(Level::WARN, "tollway");
        record.message = format!("{count} records were dropped, because more came than were taken");
        record.fields.insert("dropped".to_owned(), count.into());
        record
    }

    fn new(level: Level, target: &str) -> Self {
        let level = match level {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            _ => "debug",
        };
        let (message, fields) = (String::new(), Map::new());
        Self { time: SystemEnvironment.now(), level, target: target.to_owned(), message, fields }
    }

    pub(super) fn to_json(&self) -> String {
        // A struct of texts and numbers always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }

    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.fields.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Record {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        if field.name() == MESSAGE {
            self.message = text;
        } else {
            self.put(field, text);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == MESSAGE {
            value.clone_into(&mut self.message);
        } else {
            self.put(field, value);
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}
