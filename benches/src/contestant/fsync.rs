//! The limit of the ledger: a file that is appended to and synchronised once for each operation, by one thread.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Contestant, Work};
use crate::protocol::{Failure, Setup, Shape};

/// About as many bytes as the row of an operation has.
const ROW: [u8; 256] = [b'r'; 256];

pub(super) struct Fsync(Arc<Mutex<File>>);

impl Fsync {
    pub(super) fn create(setup: &Setup) -> Result<Self, Failure> {
        Ok(Self(Arc::new(Mutex::new(File::create(Path::new(&setup.folder).join("appended"))?))))
    }
}

impl Contestant for Fsync {
    /// A pair is two operations: the reservation must be durable before the call is sent, and the settlement after it.
    fn once(&self, _shape: Shape) -> Work<'_, ()> {
        let file = Arc::clone(&self.0);
        Box::pin(async move {
            for _ in 0..2 {
                let file = Arc::clone(&file);
                let append = move || {
                    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                    file.write_all(&ROW)?;
                    file.sync_data()
                };
                tokio::task::spawn_blocking(append).await??;
            }
            Ok(())
        })
    }

    fn records(&self) -> Work<'_, Option<u64>> {
        Box::pin(async { Ok(None) })
    }
}
