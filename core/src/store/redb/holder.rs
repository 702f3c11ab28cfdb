//! Who has locked a part of the file, where the system tells.

use std::path::Path;
use std::time::Duration;

/// A wait for a lock of the file, and what it waits for: bytes from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    pub(super) first: u64,
    pub(super) last: u64,
    /// Whether readers would be let in.
    pub(super) is_shared: bool,
    /// When it began, on the clock of the machine.
    pub(super) since: Duration,
}

/// Returns the process that holds what a wait waits for.
///
/// Linux knows open files, not processes, as the holders of such locks, and tells of each open file of a process what it holds. It
/// tells so of processes of the same user only.
#[cfg(target_os = "linux")]
pub(super) fn holder(path: &Path, wait: &Wait) -> Option<u32> {
    linux::holder(path, wait)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn holder(_path: &Path, _wait: &Wait) -> Option<u32> {
    None
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeSet;
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use super::Wait;

    /// How many processes are looked at, beyond those that are known to have the file open.
    const MOST_PROCESSES: usize = 4_096;

    pub(super) fn holder(path: &Path, wait: &Wait) -> Option<u32> {
        let inode = format!(":{}", fs::metadata(path).ok()?.ino());
        let openers: BTreeSet<u32> = fs::read_to_string("/proc/locks")
            .unwrap_or_default()
            .lines()
            .filter_map(|line| Lock::read(line).filter(|lock| lock.file.ends_with(&inode))?.process)
            .collect();
        let holds = |process: &u32| holds(*process, &inode, wait);
        openers.iter().copied().find(holds).or_else(|| {
            let processes = fs::read_dir("/proc").ok()?.flatten();
            let processes = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
            processes.filter(|process| !openers.contains(process)).take(MOST_PROCESSES).find(holds)
        })
    }

    fn holds(process: u32, inode: &str, wait: &Wait) -> bool {
        let Ok(files) = fs::read_dir(format!("/proc/{process}/fdinfo")) else { return false };
        files.flatten().filter_map(|file| fs::read_to_string(file.path()).ok()).any(|told| {
            let locks = told.lines().filter_map(|line| line.strip_prefix("lock:"));
            locks.filter_map(Lock::read).any(|lock| lock.file.ends_with(inode) && lock.is_in_the_way_of(wait))
        })
    }

    /// A lock, as the system tells of it.
    #[derive(Debug, PartialEq, Eq)]
    pub(super) struct Lock<'a> {
        kind: &'a str,
        is_exclusive: bool,
        /// Absent where an open file holds it.
        process: Option<u32>,
        /// The device and the number of the file.
        file: &'a str,
        first: u64,
        last: u64,
    }

    impl<'a> Lock<'a> {
        /// Reads `1: OFDLCK ADVISORY  WRITE -1 fe:00:9978064 0 319`; nothing of a line that is about no lock that is held.
        pub(super) fn read(line: &'a str) -> Option<Self> {
            let mut words = line.split_whitespace();
            words.next().filter(|word| word.ends_with(':'))?;
            let kind = words.next().filter(|kind| *kind != "->")?;
            let _advisory = words.next()?;
            let is_exclusive = words.next()? == "WRITE";
            let process = words.next()?.parse().ok();
            let (file, first, last) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
            let last = if last == "EOF" { u64::MAX } else { last.parse().ok()? };
            Some(Self { kind, is_exclusive, process, file, first, last })
        }

        /// Locks of a whole file are of another kind, which no lock of a part waits for.
        fn is_in_the_way_of(&self, wait: &Wait) -> bool {
            self.kind != "FLOCK"
                && (self.is_exclusive || !wait.is_shared)
                && self.first <= wait.last
                && wait.first <= self.last
        }
    }

    #[cfg(test)]
    mod tests {
        use std::time::Duration;

        use super::*;

        #[test]
        fn a_lock_is_read_as_the_system_writes_it() {
            let lock = Lock::read("\t2: OFDLCK ADVISORY  WRITE -1 fe:00:9978064 0 319").unwrap();
            assert_eq!((lock.process, lock.is_exclusive, lock.file), (None, true, "fe:00:9978064"));
            let wait = |first, is_shared| Wait { first, last: first, is_shared, since: Duration::ZERO };
            assert!(lock.is_in_the_way_of(&wait(319, true)) && !lock.is_in_the_way_of(&wait(320, false)));
            let shared = Lock::read("2: OFDLCK ADVISORY  READ -1 fe:00:9978064 5 EOF").unwrap();
            assert!(!shared.is_in_the_way_of(&wait(9, true)) && shared.is_in_the_way_of(&wait(9, false)));
            let whole = Lock::read("1: FLOCK  ADVISORY  WRITE 16771 fe:00:9978064 0 EOF").unwrap();
            assert_eq!(whole.process, Some(16_771));
            assert!(!whole.is_in_the_way_of(&wait(9, false)));
            assert_eq!(Lock::read("1: -> FLOCK ADVISORY WRITE 3 fe:00:1 0 EOF"), None);
            assert_eq!(Lock::read("pos:\t0"), None);
        }
    }
}
