//! The place of the file: what lies at its path, who may write it, and making it where it is missing.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::backend::is_same;
use super::descriptor::Descriptor;
use super::failure::{busy, corrupted, not_ours, of_open_io};
use super::file::fill;
use super::new_file::NewFile;
use crate::environment::Environment;
use crate::environment::log::LEDGER;
use crate::types::{Error, ErrorKind, Result};

/// How often the path is looked at again, because other processes changed what lies there.
const LOOKS: u32 = 64;
/// How often it is tried to lock an empty file, which others lock only while they fill it: for some three seconds.
const ATTEMPTS: u32 = 600;
/// How long to wait between two attempts to lock it.
const PAUSE: Duration = Duration::from_millis(5);

/// Opens what lies at a path, which is made where it is missing or empty, and `create` says so. Returns it with its full path.
///
/// Any number of processes may make it at once: each fills a file aside, one puts its own in the place, and all open that. A link is
/// followed to a file that has contents, and never to make one.
pub(super) fn open(path: &Path, create: bool, environment: &dyn Environment) -> Result<(Descriptor<File>, PathBuf)> {
    let shown = path.display().to_string();
    let failed = |error: io::Error| of_open_io(&shown, &error);
    for _ in 0..LOOKS {
        let there = match fs::symlink_metadata(path) {
            Ok(there) => there,
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            Err(_) if !create => return Err(missing(&shown)),
            Err(_) => {
                make_where_missing(path, environment)?;
                continue;
            }
        };
        let full = match fs::canonicalize(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && there.is_symlink() => {
                return Err(dangling(&shown));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            full => full.map_err(failed)?,
        };
        let descriptor = match Descriptor::open(options().read(true).write(true), &full) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            descriptor => descriptor.map_err(failed)?,
        };
        let file = descriptor.file()?;
        let open = file.metadata().map_err(failed)?;
        if !open.is_file() {
            return Err(not_ours(&shown));
        }
        if open.len() > 0 {
            check_owner(file, &open, &shown)?;
            return Ok((descriptor, full));
        }
        if !create {
            return Err(corrupted(&format!("{shown} is empty, and `create` is false")));
        }
        if there.is_symlink() {
            return Err(not_ours(&shown));
        }
        make_where_empty(file, &full, environment)?;
    }
    Err(Error::new(
        ErrorKind::Storage,
        format!("{shown} is changed by another process again and again; stop that process"),
    ))
}

/// Returns options that follow no link at the end of a path.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, nix::libc::O_NOFOLLOW);
    options
}

fn missing(path: &str) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!("{path} does not exist, and `create` is false; correct the path, or open it once with `create`"),
    )
}

fn dangling(path: &str) -> Error {
    Error::new(
        ErrorKind::Storage,
        format!("{path} is a link to a file that does not exist; give the path of the file itself, or remove the link"),
    )
}

/// Lets nobody but the owner at the file, and refuses one of another user, who could replace what it says.
#[cfg(unix)]
fn check_owner(file: &File, metadata: &Metadata, shown: &str) -> Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let user = nix::unistd::geteuid().as_raw();
    if metadata.uid() != user && metadata.uid() != 0 {
        return Err(Error::new(
            ErrorKind::Storage,
            format!(
                "{shown} belongs to user {}, and this process runs as user {user}; run it as the file's owner, or give the \
                 file to this user",
                metadata.uid()
            ),
        ));
    }
    let mode = metadata.mode() & 0o7777;
    let of_others = mode & 0o077;
    if of_others == 0 {
        return Ok(());
    }
    match file.set_permissions(fs::Permissions::from_mode(mode & 0o700)) {
        Ok(()) => {
            tracing::warn!(
                target: LEDGER,
                path = shown,
                "others than its owner could reach the file; its mode is {:o} now",
                mode & 0o700
            );
            Ok(())
        }
        Err(_) if mode & 0o022 == 0 => Ok(()),
        Err(error) => Err(Error::new(
            ErrorKind::Storage,
            format!(
                "{shown} may be written by others (mode {mode:o}), which cannot be changed ({error}); make its mode 600"
            ),
        )),
    }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "other platforms can fail")]
fn check_owner(_file: &File, _metadata: &Metadata, _shown: &str) -> Result<()> {
    Ok(())
}

/// Fills a file aside, and gives it the name if nothing has it yet.
fn make_where_missing(path: &Path, environment: &dyn Environment) -> Result<()> {
    NewFile::filled(path, environment, fill)?.put_if_missing().map(drop)
}

/// Fills a file aside, and puts it in the place of an empty one, which is locked meanwhile.
fn make_where_empty(empty: &File, path: &Path, environment: &dyn Environment) -> Result<()> {
    let shown = path.display().to_string();
    let mut attempt = 0;
    loop {
        match empty.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if attempt < ATTEMPTS => {
                attempt += 1;
                std::thread::sleep(PAUSE);
            }
            Err(TryLockError::WouldBlock) => return Err(busy(&shown, None)),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => break,
            Err(TryLockError::Error(error)) => return Err(of_open_io(&shown, &error)),
        }
    }
    let (Ok(open), Ok(there)) = (empty.metadata(), fs::symlink_metadata(path)) else { return Ok(()) };
    if is_same(&open, &there) && open.len() == 0 && there.len() == 0 {
        return NewFile::filled(path, environment, fill)?.replace();
    }
    Ok(())
}
