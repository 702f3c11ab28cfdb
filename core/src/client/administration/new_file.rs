//! A file that is written aside, and gets its name once it is whole, if nothing has it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::store::sync_folder;
use crate::types::{Error, ErrorKind, Result};

/// A file for its owner alone, under a name that nobody can foresee. Dropping it removes it.
pub(super) struct NewFile {
    aside: PathBuf,
    path: PathBuf,
    file: File,
}

impl NewFile {
    /// Makes it. Fails with `storage` if anything is at the path already.
    pub(super) fn create(path: &Path, environment: &dyn Environment) -> Result<Self> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unwritten(path, &error)),
            Ok(_) => return Err(exists(path)),
        }
        let Some(name) = path.file_name() else {
            return Err(unwritten(path, &io::Error::from(io::ErrorKind::InvalidFilename)));
        };
        let mut random = [0; 16];
        environment.fill_random(&mut random);
        let mut aside = std::ffi::OsString::from(".");
        aside.push(name);
        aside.push(format!(".new-{}", hex::encode(random)));
        let aside = path.with_file_name(aside);
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.write(true).create_new(true).open(&aside).map_err(|error| unwritten(path, &error))?;
        Ok(Self { aside, path: path.to_owned(), file })
    }

    /// Returns the open file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Makes it durable and gives it its name. Fails with `storage` if anything has it.
    pub(super) fn put(self) -> Result<()> {
        self.file.sync_all().map_err(|error| unwritten(&self.path, &error))?;
        match fs::hard_link(&self.aside, &self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(exists(&self.path)),
            // Some file systems have no second names.
            Err(_) => fs::rename(&self.aside, &self.path).map_err(|error| unwritten(&self.path, &error))?,
        }
        sync_folder(&self.path).map_err(|error| unwritten(&self.path, &error))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // After a rename there is nothing of this name.
        let _ = fs::remove_file(&self.aside);
    }
}

fn unwritten(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Storage, format!("{} cannot be written: {error}; check the path", path.display()))
}

fn exists(path: &Path) -> Error {
    Error::new(
        ErrorKind::Storage,
        format!("{} exists, and is left as it is; give a path where nothing is", path.display()),
    )
}
