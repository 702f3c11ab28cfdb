//! The files that a price list is read from and written to.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::environment::Environment;
use crate::environment::regular_file::open_regular;
use crate::types::{Error, ErrorKind, Result};

/// The most bytes of a price list.
pub const MOST_BYTES: u64 = 32 << 20;

/// Reads a price list from a regular file.
///
/// Fails with `storage` if the file cannot be read, and with `invalid_request` if it is none (a folder, a pipe, a device), is
/// larger than [`MOST_BYTES`], or is no UTF-8 text. It never waits for a writer, as reading a pipe would.
pub fn read_file(path: &Path) -> Result<String> {
    let shown = path.display();
    let unreadable =
        |error: io::Error| Error::new(ErrorKind::Storage, format!("{shown} cannot be read: {error}; check the path"));
    let invalid = |what: String| Error::new(ErrorKind::InvalidRequest, format!("{shown} {what}"));
    let too_large = || {
        let most = MOST_BYTES >> 20;
        invalid(format!("is larger than the {most} MiB that a price list may have; split it"))
    };
    let Some(file) = open_regular(path).map_err(unreadable)? else {
        return Err(invalid("is no regular file; name a file that holds a price list".to_owned()));
    };
    let length = file.metadata().map_err(unreadable)?.len();
    if length > MOST_BYTES {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    // What is stated is not trusted: files of the system say that they are empty, and others grow.
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(too_large());
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        invalid(format!("is no UTF-8 text from byte {place} on; name a price list"))
    })
}

/// Writes a price list, beside its place under a name that nobody can foresee, and then gives it the name.
///
/// What is there before stays whole until then, and its mode is kept; a new file is for its owner alone. A device or a pipe is written
/// to as it is. Fails with `invalid_request` if what is there is a ledger, by what `is_ledger` says of the file, and with `storage` if
/// the file cannot be written.
pub fn write_file(
    path: &Path,
    text: &str,
    is_ledger: impl Fn(&Path) -> io::Result<bool>,
    environment: &dyn Environment,
) -> Result<()> {
    let shown = path.display();
    let unwritten = |error: io::Error| {
        Error::new(ErrorKind::Storage, format!("{shown} cannot be written: {error}; check the path"))
    };
    let there = match fs::metadata(path) {
        Ok(there) => Some(there),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(unwritten(error)),
    };
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        return fs::write(path, text).map_err(unwritten);
    }
    // A link is followed to what is there, and replaced where it leads nowhere.
    let place = if there.is_some() { fs::canonicalize(path).map_err(unwritten)? } else { path.to_owned() };
    if there.is_some() && is_ledger(&place).map_err(unwritten)? {
        return Err(Error::new(
            ErrorKind::InvalidRequest,
            format!("{shown} is a Tollway file, which a price list does not replace; name another file"),
        ));
    }
    let Some(name) = place.file_name() else {
        return Err(unwritten(io::Error::from(io::ErrorKind::InvalidFilename)));
    };
    let mut random = [0; 16];
    environment.fill_random(&mut random);
    let mut aside = std::ffi::OsString::from(".");
    aside.push(name);
    aside.push(format!(".new-{}", hex::encode(random)));
    let aside = place.with_file_name(aside);
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.write(true).create_new(true).open(&aside).map_err(unwritten)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| there.map_or(Ok(()), |there| file.set_permissions(there.permissions())))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&aside, &place));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&aside);
    }
    written.map_err(unwritten)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn a_list_is_written_beside_its_place_and_never_over_a_ledger() {
        use crate::environment::SystemEnvironment;
        use crate::store::is_ledger;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.json");
        for text in ["{}", "{\"a\": 1}"] {
            write_file(&path, text, is_ledger, &SystemEnvironment).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
            write_file(&path, "[]", is_ledger, &SystemEnvironment).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
            write_file(Path::new("/dev/null"), "[]", is_ledger, &SystemEnvironment).unwrap();
        }
        let ledger = folder.path().join("ledger");
        let key = crate::store::RowKey::new(&[7; 16]);
        let store = crate::store::RedbStore::open(&ledger, false, std::sync::Arc::new(SystemEnvironment), key).unwrap();
        let mut names = vec![ledger.clone()];
        #[cfg(unix)]
        {
            names.push(folder.path().join("link"));
            std::os::unix::fs::symlink(&ledger, &names[1]).unwrap();
            names.push(folder.path().join("second-name"));
            fs::hard_link(&ledger, &names[2]).unwrap();
        }
        let before = fs::read(&ledger).unwrap();
        for name in names {
            assert_eq!(
                write_file(&name, "{}", is_ledger, &SystemEnvironment).unwrap_err().kind(),
                ErrorKind::InvalidRequest
            );
        }
        drop(store);
        assert_eq!(fs::read(&ledger).unwrap().len(), before.len());
        let left = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(left.into_iter().all(|name| !name.contains(".new-")));
    }

    fn refusal(path: &Path) -> String {
        let error = read_file(path).unwrap_err();
        assert!(error.detail().starts_with(&path.display().to_string()), "{error}");
        format!("{}: {}", error.code(), error.detail().replace(&*path.to_string_lossy(), "PATH"))
    }

    #[test]
    fn only_regular_files_of_a_stated_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.json");
        fs::write(&path, "{\"é\": 1}").unwrap();
        assert_eq!(read_file(&path).unwrap(), "{\"é\": 1}");
        assert!(refusal(&folder.path().join("none.json")).starts_with("storage: PATH cannot be read: "));
        let no_file = "invalid_request: PATH is no regular file; name a file that holds a price list";
        assert_eq!(refusal(folder.path()), no_file);
        fs::write(&path, b"{\"\xff\": 1}").unwrap();
        assert_eq!(refusal(&path), "invalid_request: PATH is no UTF-8 text from byte 2 on; name a price list");
        let sparse = File::create(&path).unwrap();
        sparse.set_len(MOST_BYTES + 1).unwrap();
        assert_eq!(
            refusal(&path),
            "invalid_request: PATH is larger than the 32 MiB that a price list may have; split it"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_and_a_device_are_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).unwrap();
        let no_file = "invalid_request: PATH is no regular file; name a file that holds a price list";
        assert_eq!(refusal(&pipe), no_file);
        assert_eq!(refusal(Path::new("/dev/zero")), no_file);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        assert_eq!(refusal(&link), no_file);
    }
}
