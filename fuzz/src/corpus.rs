//! The committed inputs of a target: what is well formed, and what once was a finding.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Returns the folder of a target's inputs.
#[must_use]
pub fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

/// Reads the inputs of a target, in the order of their names.
pub fn read(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder(target))?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    paths.sort();
    paths.into_iter().map(fs::read).collect()
}
