//! The fields of a JSON object, taken one by one: what is wrong, missing or left over is named by its path.

use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

use crate::types::{Error, ErrorKind, Result};

/// The fields of an object that were not taken yet.
pub(super) struct Fields {
    path: String,
    left: Map<String, Value>,
}

impl Fields {
    /// Takes an object; fails with `invalid_request` if the value is none.
    pub(super) fn new(path: String, value: Value) -> Result<Self> {
        match value {
            Value::Object(left) => Ok(Self { path, left }),
            _ => Err(wrong(&path, "must be an object")),
        }
    }

    /// Returns the path of a field.
    pub(super) fn path(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Makes an error about a field.
    pub(super) fn wrong(&self, key: &str, problem: &str) -> Error {
        wrong(&self.path(key), problem)
    }

    /// Makes the error about a field that must be there.
    pub(super) fn missing(&self, key: &str) -> Error {
        self.wrong(key, "Field required")
    }

    /// Takes a field; null counts as absent.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.left.shift_remove(key).filter(|value| !value.is_null())
    }

    /// Takes a field that is a text.
    pub(super) fn text(&mut self, key: &str) -> Result<Option<String>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(key, "must be a string")),
        }
    }

    /// Takes a text that must be there.
    pub(super) fn required_text(&mut self, key: &str) -> Result<String> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    /// Takes a field that is a whole number and not negative.
    pub(super) fn count(&mut self, key: &str) -> Result<Option<u64>> {
        let value = self.take(key);
        let count = value.as_ref().map(|value| value.as_u64().ok_or(()));
        count.transpose().map_err(|()| self.wrong(key, "must be a whole number that is not negative"))
    }

    /// Takes a field that is a number.
    pub(super) fn number(&mut self, key: &str) -> Result<Option<Number>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(number)),
            Some(_) => Err(self.wrong(key, "must be a number")),
        }
    }

    /// Takes a field that is true or false.
    pub(super) fn flag(&mut self, key: &str) -> Result<Option<bool>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(self.wrong(key, "must be true or false")),
        }
    }

    /// Takes a field that is an object.
    pub(super) fn object(&mut self, key: &str) -> Result<Option<Self>> {
        let path = self.path(key);
        self.take(key).map(|value| Self::new(path, value)).transpose()
    }

    /// Takes a field that is a list of objects; nothing if it is absent.
    pub(super) fn objects(&mut self, key: &str) -> Result<Option<Vec<Self>>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Array(items)) => self.each(key, items).map(Some),
            Some(_) => Err(self.wrong(key, "must be an array")),
        }
    }

    /// Returns the items of a list that was taken, which must be objects.
    pub(super) fn each(&self, key: &str, items: Vec<Value>) -> Result<Vec<Self>> {
        let path = self.path(key);
        items.into_iter().enumerate().map(|(place, item)| Self::new(format!("{path}.{place}"), item)).collect()
    }

    /// Takes a field of a type that reads itself.
    pub(super) fn typed<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>> {
        let read = self.take(key).map(serde_json::from_value).transpose();
        read.map_err(|error| self.wrong(key, &error.to_string()))
    }

    /// Takes all that is left.
    pub(super) fn rest(self) -> Map<String, Value> {
        self.left.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }

    /// Fails with `invalid_request` if anything is left.
    pub(super) fn finish(self) -> Result<()> {
        match self.left.iter().find(|(_, value)| !value.is_null()) {
            Some((key, _)) => Err(self.wrong(key, "this field cannot be passed on; leave it out")),
            None => Ok(()),
        }
    }
}

/// Makes an error about what stands at a path, in the way in which the vendor tells it.
pub(super) fn wrong(path: &str, problem: &str) -> Error {
    let detail = if path.is_empty() { format!("the body {problem}") } else { format!("{path}: {problem}") };
    Error::new(ErrorKind::InvalidRequest, detail)
}
