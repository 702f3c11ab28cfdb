//! An open file.

use std::path::Path;
use std::sync::Arc;

use tollway_common::Engine;
use zeroize::Zeroizing;

use crate::call::NativeCall;
use crate::failure::NativeError;
use crate::fetch::NativeFetch;
use crate::logs::NativeLogs;
use crate::master_key::{MasterKeySource, asked};
use crate::stream::NativeStream;

/// A handle of one file.
#[derive(uniffi::Object)]
pub struct NativeEngine(Engine);

#[uniffi::export]
impl NativeEngine {
    /// Makes a handle of a path, whose work logs to a queue if there is one; opens nothing. A source gives the master key where the options
    /// do not.
    #[uniffi::constructor]
    pub fn create(
        path: &str,
        options: String,
        key: Option<Arc<dyn MasterKeySource>>,
        logs: Option<Arc<NativeLogs>>,
    ) -> Result<Self, NativeError> {
        let options = Zeroizing::new(options);
        let engine = Engine::new(Path::new(path), &options, key.map(asked).as_ref())?;
        Ok(Self(match logs {
            Some(logs) => engine.logging_to(logs.inner()),
            None => engine,
        }))
    }

    /// Returns the path of the file, for people.
    #[must_use]
    pub fn path(&self) -> String {
        self.0.path().display().to_string()
    }

    /// Starts a verb.
    #[must_use]
    pub fn start(&self, verb: &str, arguments: String) -> Arc<NativeCall> {
        let arguments = Zeroizing::new(arguments);
        NativeCall::start(|deliver| self.0.start(verb, &arguments, deliver))
    }

    /// Starts a streamed chat.
    #[must_use]
    pub fn stream(&self, arguments: String) -> NativeStream {
        NativeStream::new(self.0.stream(&Zeroizing::new(arguments)))
    }

    /// Answers a request of a vendor's own library, whose head is JSON.
    #[must_use]
    pub fn fetch(&self, head: String, body: Vec<u8>) -> NativeFetch {
        NativeFetch::new(self.0.fetch(&Zeroizing::new(head), body))
    }
}
