//! A view of a file whose changes stay in memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use redb::{BackendError, StorageBackend};

/// The unit in which changes are kept.
const CHUNK: usize = 4096;

/// A file that is read and never written.
#[derive(Debug)]
pub(super) struct Overlay(Mutex<State>);

#[derive(Debug)]
struct State {
    file: File,
    file_length: u64,
    length: u64,
    changed: BTreeMap<u64, Box<[u8; CHUNK]>>,
}

impl Overlay {
    /// Makes a view of an open file.
    pub(super) fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self(Mutex::new(State { file, file_length: length, length, changed: BTreeMap::new() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn chunk(&mut self, number: u64) -> io::Result<Box<[u8; CHUNK]>> {
        if let Some(chunk) = self.changed.get(&number) {
            return Ok(chunk.clone());
        }
        let mut chunk = Box::new([0; CHUNK]);
        let start = number * CHUNK as u64;
        let there = usize::try_from(self.file_length.saturating_sub(start)).unwrap_or(CHUNK).min(CHUNK);
        self.file.seek(SeekFrom::Start(start))?;
        self.file.read_exact(&mut chunk[..there])?;
        Ok(chunk)
    }

    /// Calls `each` with the number of every chunk of a range, the place in the chunk and the place in the buffer.
    fn chunks(
        offset: u64,
        length: usize,
    ) -> impl Iterator<Item = (u64, std::ops::Range<usize>, std::ops::Range<usize>)> {
        let mut done = 0;
        std::iter::from_fn(move || {
            if done == length {
                return None;
            }
            let at = offset + done as u64;
            let within = usize::try_from(at % CHUNK as u64).unwrap_or_default();
            let count = (CHUNK - within).min(length - done);
            let place = done..done + count;
            done += count;
            Some((at / CHUNK as u64, within..within + count, place))
        })
    }
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.state();
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > state.length) {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        for (number, within, place) in State::chunks(offset, out.len()) {
            out[place].copy_from_slice(&state.chunk(number)?[within]);
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.state();
        if length < state.length {
            // What is cut off must read as zeros if the length grows again.
            state.file_length = state.file_length.min(length);
            let first = length.div_ceil(CHUNK as u64);
            state.changed.split_off(&first);
            if let (Some(chunk), Ok(kept)) =
                (state.changed.get_mut(&(length / CHUNK as u64)), usize::try_from(length % CHUNK as u64))
            {
                chunk[kept..].fill(0);
            }
        }
        state.length = length;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        for (number, within, place) in State::chunks(offset, data.len()) {
            let mut chunk = state.chunk(number)?;
            chunk[within].copy_from_slice(&data[place]);
            state.changed.insert(number, chunk);
        }
        state.length = state.length.max(offset + data.len() as u64);
        Ok(())
    }

    fn try_lock_range(&self, _start: Bound<u64>, _end: Bound<u64>) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn unlock_range(&self, _start: Bound<u64>, _end: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn query_lock_range(&self, _start: Bound<u64>, _end: Bound<u64>) -> Result<bool, BackendError> {
        Ok(false)
    }
}
