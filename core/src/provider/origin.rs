//! Where a stream comes from, kept for the errors that may stand in it.

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::vendor::Vendor;
use super::{ResponseHead, Target};

/// An owned [`Target`] with the head of its answer.
pub(super) struct Origin {
    vendor: &'static Vendor,
    provider: String,
    model: String,
    api_key: Option<SecretString>,
    params: Map<String, Value>,
    /// The head of the answer.
    pub(super) head: ResponseHead,
}

impl Origin {
    /// Keeps what errors need of a target.
    pub(super) fn new(target: &Target<'_>, head: &ResponseHead) -> Self {
        Self {
            vendor: target.vendor,
            provider: target.provider.to_owned(),
            model: target.model.to_owned(),
            api_key: target.api_key.cloned(),
            params: Map::new(),
            head: head.clone(),
        }
    }

    /// Returns the target; it has no address and no parameters.
    pub(super) fn target(&self) -> Target<'_> {
        Target {
            vendor: self.vendor,
            provider: &self.provider,
            model: &self.model,
            base_url: None,
            api_key: self.api_key.as_ref(),
            params: &self.params,
        }
    }
}
