//! The file that a price list is read from.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

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
    let file = open(path).map_err(unreadable)?;
    // Of the open file, so that nothing can take its place in between.
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(invalid("is no regular file; name a file that holds a price list".to_owned()));
    }
    if metadata.len() > MOST_BYTES {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
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

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A pipe without a writer would be waited for, and a terminal would become ours.
        options.custom_flags((nix::fcntl::OFlag::O_NONBLOCK | nix::fcntl::OFlag::O_NOCTTY).bits());
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &Path) -> String {
        let error = read_file(path).unwrap_err();
        assert!(error.detail().starts_with(&path.display().to_string()), "{error}");
        format!("{}: {}", error.code(), error.detail().replace(&*path.to_string_lossy(), "PATH"))
    }

    #[test]
    fn only_regular_files_of_a_stated_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.json");
        std::fs::write(&path, "{\"é\": 1}").unwrap();
        assert_eq!(read_file(&path).unwrap(), "{\"é\": 1}");
        assert!(refusal(&folder.path().join("none.json")).starts_with("storage: PATH cannot be read: "));
        let no_file = "invalid_request: PATH is no regular file; name a file that holds a price list";
        assert_eq!(refusal(folder.path()), no_file);
        std::fs::write(&path, b"{\"\xff\": 1}").unwrap();
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
