//! A file that is written aside, and gets its name once it is whole.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::failure::{exists, of_open_io};
use crate::environment::Environment;
use crate::types::Result;

/// How often a name is drawn.
const NAMES: u32 = 8;

/// A file for its owner alone, beside the one that it is to be, under a name that nobody can foresee. Dropping it removes it.
///
/// Whoever writes it makes it durable before it is given its name.
pub(crate) struct NewFile {
    aside: PathBuf,
    path: PathBuf,
}

impl NewFile {
    /// Makes it, and opens it. Whatever is at the path is left alone.
    pub(crate) fn make(path: &Path, environment: &dyn Environment) -> Result<(Self, File)> {
        let failed = |error: io::Error| of_open_io(&path.display().to_string(), &error);
        let file_name = path.file_name().ok_or_else(|| failed(io::ErrorKind::IsADirectory.into()))?;
        let mut attempt = 1;
        loop {
            let mut random = [0; 16];
            environment.fill_random(&mut random);
            let mut name = OsString::from(".");
            name.push(file_name);
            name.push(format!(".new-{}", hex::encode(random)));
            let aside = path.with_file_name(name);
            match options().read(true).write(true).create_new(true).open(&aside) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < NAMES => attempt += 1,
                file => {
                    let file = file.map_err(failed)?;
                    let new = Self { aside, path: path.to_owned() };
                    // Whatever the process takes from the modes of files that it makes.
                    #[cfg(unix)]
                    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600)).map_err(failed)?;
                    return Ok((new, file));
                }
            }
        }
    }

    /// Makes it where nothing is. Fails with `storage` if anything is there.
    pub(crate) fn make_where_nothing_is(path: &Path, environment: &dyn Environment) -> Result<(Self, File)> {
        check_nothing_is_at(path)?;
        Self::make(path, environment)
    }

    /// Makes it, and fills it.
    pub(super) fn filled(
        path: &Path,
        environment: &dyn Environment,
        write: impl FnOnce(&Path, File) -> Result<()>,
    ) -> Result<Self> {
        let (new, file) = Self::make(path, environment)?;
        write(&new.aside, file)?;
        Ok(new)
    }

    /// Returns where it lies until it has its name.
    pub(crate) fn aside(&self) -> &Path {
        &self.aside
    }

    /// Gives it its name. Fails with `storage` if anything has that.
    pub(crate) fn put(self) -> Result<()> {
        if self.put_if_missing()? { Ok(()) } else { Err(exists(&self.path)) }
    }

    /// Gives it its name, and returns whether nothing had that.
    pub(super) fn put_if_missing(&self) -> Result<bool> {
        let failed = |error: io::Error| of_open_io(&self.path.display().to_string(), &error);
        match fs::hard_link(&self.aside, &self.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            // Some file systems have no second names.
            Err(_) if fs::symlink_metadata(&self.path).is_err() => self.replace().map(|()| true),
            made => made.and_then(|()| sync_folder(&self.path)).map(|()| true).map_err(failed),
        }
    }

    /// Gives it its name in place of what has that.
    pub(super) fn replace(&self) -> Result<()> {
        fs::rename(&self.aside, &self.path)
            .and_then(|()| sync_folder(&self.path))
            .map_err(|error| of_open_io(&self.path.display().to_string(), &error))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // After a rename there is nothing of this name.
        let _ = fs::remove_file(&self.aside);
    }
}

/// Fails with `storage` if anything is at a path.
pub(super) fn check_nothing_is_at(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(of_open_io(&path.display().to_string(), &error)),
        Ok(_) => Err(exists(path)),
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(nix::libc::O_NOFOLLOW).mode(0o600);
    }
    options
}

/// Makes the names in the folder of a file durable, where the system has a way to.
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::environment::SystemEnvironment;
    use crate::types::ErrorKind;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_has_its_name_once_it_is_whole_and_takes_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let make = || NewFile::make(&path, &SystemEnvironment).unwrap();
        let ((first, mut file), (second, _)) = (make(), make());
        file.write_all(b"whole").unwrap();
        assert!(!path.exists());
        first.put().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(second.put().unwrap_err().kind(), ErrorKind::Storage);
        let third = NewFile::make_where_nothing_is(&path, &SystemEnvironment).map(drop);
        assert_eq!(third.unwrap_err().kind(), ErrorKind::Storage);
        assert_eq!(names(folder.path()), ["out"]);
        assert_eq!(fs::read(&path).unwrap(), b"whole");
    }

    #[test]
    fn a_file_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(NewFile::make(&folder.path().join("out"), &SystemEnvironment).unwrap());
        assert_eq!(names(folder.path()), Vec::<String>::new());
        let nowhere = NewFile::make(&folder.path().join("missing/out"), &SystemEnvironment).map(drop).unwrap_err();
        assert_eq!(nowhere.kind(), ErrorKind::Storage, "{nowhere}");
    }
}
