//! Descriptors of ledgers. A forked child inherits them, and with them the locks of its parent, which the kernel then keeps for as
//! long as the child lives. So all of them are listed, for whoever forks to give them up in the child.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::backends::FileBackend;

use super::failure::{closed, of_open};
use crate::types::Result;

static LIST: Mutex<List> = Mutex::new(List { next: 0, open: Vec::new() });

/// The descriptors that this process has open, each by a number that no other ever has.
struct List {
    next: u64,
    open: Vec<(u64, i32)>,
}

fn list() -> MutexGuard<'static, List> {
    LIST.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All descriptors of ledgers that this process has open. While it lives, none is opened and none is closed.
///
/// Who forks holds it over the fork, and in the child puts something else in the place of each descriptor, which frees no lock of the
/// parent, and forgets them. What was open before cannot be used in the child; it opens the file again.
pub struct OpenDescriptors(MutexGuard<'static, List>);

impl OpenDescriptors {
    /// Waits until none is being opened or closed.
    #[must_use]
    pub fn hold() -> Self {
        Self(list())
    }

    /// Returns the descriptors.
    pub fn iter(&self) -> impl Iterator<Item = i32> {
        self.0.open.iter().map(|(_, descriptor)| *descriptor)
    }

    /// Forgets them, since in this process they lead to something else now.
    pub fn forget(mut self) {
        self.0.open.clear();
    }
}

/// A file that is open, and listed until it is closed.
#[derive(Debug)]
pub(super) struct Descriptor<F> {
    /// Absent only once it was handed on.
    file: Option<F>,
    number: u64,
}

impl Descriptor<File> {
    /// Opens a file.
    pub(super) fn open(options: &OpenOptions, path: &Path) -> io::Result<Self> {
        let mut list = list();
        let file = options.open(path)?;
        let number = list.next;
        list.next += 1;
        list.open.push((number, raw(&file)));
        Ok(Self { file: Some(file), number })
    }

    /// Returns the file.
    pub(super) fn file(&self) -> Result<&File> {
        self.file.as_ref().ok_or_else(closed)
    }

    /// Hands the file to the storage engine.
    pub(super) fn into_engine(mut self, path: &Path) -> Result<Descriptor<FileBackend>> {
        let (file, number) = (self.file.take().ok_or_else(closed)?, self.number);
        match FileBackend::new(file) {
            Ok(engine) => Ok(Descriptor { file: Some(engine), number }),
            Err(error) => {
                list().close(number);
                Err(of_open(path, error))
            }
        }
    }
}

impl Descriptor<FileBackend> {
    /// Returns the file as the storage engine reaches it.
    pub(super) fn engine(&self) -> io::Result<&FileBackend> {
        self.file.as_ref().ok_or_else(|| io::Error::other("the file was closed"))
    }
}

impl<F> Drop for Descriptor<F> {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            let mut list = list();
            drop(file);
            list.close(self.number);
        }
    }
}

impl List {
    fn close(&mut self, number: u64) {
        self.open.retain(|(listed, _)| *listed != number);
    }
}

#[cfg(unix)]
fn raw(file: &File) -> i32 {
    std::os::fd::AsRawFd::as_raw_fd(file)
}

/// Where there is no fork, nobody asks.
#[cfg(not(unix))]
fn raw(_file: &File) -> i32 {
    -1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_is_listed_until_it_is_closed_whoever_has_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let open = || Descriptor::open(OpenOptions::new().read(true).write(true), file.path()).unwrap();
        let is_listed = |number| OpenDescriptors::hold().0.open.iter().any(|(listed, _)| *listed == number);
        let (first, second) = (open(), open());
        let (number, other) = (first.number, second.number);
        assert!(is_listed(number) && is_listed(other) && number != other);
        let engine = first.into_engine(file.path()).unwrap();
        assert!(is_listed(number));
        drop(engine);
        assert!(!is_listed(number) && is_listed(other));
        drop(second);
        assert!(!is_listed(other));
    }
}
