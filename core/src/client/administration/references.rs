//! References to model configs: by alias, by id, or by name.

use std::sync::Arc;

use crate::client::engine::invalid;
use crate::routing::snapshot::Snapshot;
use crate::types::{Error, ErrorKind, ModelConfig, Result, most_alike};

/// Returns the one config that a reference names.
pub(super) fn one(snapshot: &Snapshot, reference: &str) -> Result<Arc<ModelConfig>> {
    let mut named = snapshot.named(reference);
    match named.len() {
        0 => Err(not_found(snapshot, reference)),
        1 => Ok(named.remove(0)),
        count => {
            let ids: Vec<_> = named.iter().map(|config| config.id.to_string()).collect();
            Err(invalid(format!(
                "{reference:?} names {count} model configs, with the ids {}; name one by its alias or its id",
                ids.join(", ")
            )))
        }
    }
}

/// How many configs an error names at most.
const MOST_NAMED: usize = 5;

/// Makes the error of a reference that names nothing.
pub(super) fn not_found(snapshot: &Snapshot, reference: &str) -> Error {
    let names: Vec<_> =
        snapshot.configs().iter().map(|config| config.alias.clone().unwrap_or_else(|| config.name())).collect();
    let near = most_alike(reference, names.iter().map(String::as_str), MOST_NAMED);
    let known = match near.len() {
        0 => "there is none yet".to_owned(),
        shown if shown == names.len() => format!("there are {}", near.join(", ")),
        _ => format!("the nearest of {} are {}", names.len(), near.join(", ")),
    };
    Error::new(ErrorKind::NotFound, format!("no model config is named {reference:?}; {known}"))
}
