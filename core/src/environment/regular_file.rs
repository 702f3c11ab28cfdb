//! Files of others that are read: none but regular ones.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a file to be read; nothing where it is a folder, a pipe or a device. It never waits for a writer, as opening a pipe would.
pub fn open_regular(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A pipe without a writer would be waited for, and a terminal would become ours.
        options.custom_flags((nix::fcntl::OFlag::O_NONBLOCK | nix::fcntl::OFlag::O_NOCTTY).bits());
    }
    let file = options.open(path)?;
    // Of the open file, so that nothing can take its place in between.
    Ok(file.metadata()?.is_file().then_some(file))
}
