//! Forks. A child inherits the descriptors of open ledgers, and with them the locks of its parent: as long as it lived, nobody else
//! could open a ledger whose process was killed. So it gives them up at once, whether it ever uses Tollway or not.

#[cfg(not(unix))]
pub(crate) fn watch() -> Result<(), crate::ErrorInfo> {
    Ok(())
}

#[cfg(unix)]
pub(crate) use unix::watch;

#[cfg(unix)]
mod unix {
    use std::cell::RefCell;
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::sync::OnceLock;

    use tollway::store::OpenDescriptors;
    use tollway::types::ErrorKind;

    use crate::ErrorInfo;

    /// What takes the place of inherited descriptors: nothing can be read from it, and what is written is lost.
    static NOTHING: OnceLock<Result<File, String>> = OnceLock::new();

    thread_local! {
        /// The descriptors, while this thread forks.
        static HELD: RefCell<Option<OpenDescriptors>> = const { RefCell::new(None) };
    }

    /// Has every child that this process forks from now on give up what it inherits. Fails where the system has no room for that.
    pub(crate) fn watch() -> Result<(), ErrorInfo> {
        match NOTHING.get_or_init(|| prepare().map_err(|error| error.to_string())) {
            Ok(_) => Ok(()),
            Err(error) => Err(ErrorInfo::new(
                ErrorKind::Internal,
                format!(
                    "forks of this process cannot be watched: {error}; raise the limit of open files, then start it again"
                ),
            )),
        }
    }

    fn prepare() -> io::Result<File> {
        let nothing = File::options().read(true).write(true).open("/dev/null")?;
        // SAFETY: the three functions are of the type that is asked for, never unwind, and live as long as the process, since no
        // library of a binding is ever unloaded. What they call in the child is safe there: they take no lock that another thread of
        // the parent may have held, and allocate nothing.
        match unsafe { libc::pthread_atfork(Some(before), Some(after_in_parent), Some(after_in_child)) } {
            0 => Ok(nothing),
            code => Err(io::Error::from_raw_os_error(code)),
        }
    }

    /// Waits until no descriptor is being opened or closed, so that the child knows of all that it inherits.
    extern "C" fn before() {
        // A thread that ends has no such place any more; no descriptor is listed or given up then.
        let _ = HELD.try_with(|held| {
            if let Ok(mut held) = held.try_borrow_mut() {
                *held = Some(OpenDescriptors::hold());
            }
        });
    }

    extern "C" fn after_in_parent() {
        drop(take());
    }

    extern "C" fn after_in_child() {
        let (Some(open), Some(Ok(nothing))) = (take(), NOTHING.get()) else { return };
        for descriptor in open.iter() {
            // SAFETY: the number is that of a descriptor which this process inherited, and which nothing here uses any more: the
            // core refuses what was opened before the fork. The parent has a descriptor of its own, and keeps its locks.
            unsafe {
                libc::dup2(nothing.as_raw_fd(), descriptor);
                libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
            }
        }
        open.forget();
    }

    fn take() -> Option<OpenDescriptors> {
        HELD.try_with(|held| held.try_borrow_mut().ok()?.take()).ok().flatten()
    }
}
