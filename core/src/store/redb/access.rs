//! What the storage engine does to the file.

/// One access to the file.
#[derive(Clone, Copy, Debug)]
pub enum Access<'a> {
    /// Bytes are read.
    Read {
        /// The first of them.
        offset: u64,
        /// How many they are.
        length: usize,
    },
    /// Bytes are written, which a power cut may still lose.
    Write {
        /// The first of them.
        offset: u64,
        /// What they are.
        data: &'a [u8],
    },
    /// The file is cut, or made longer.
    SetLength(u64),
    /// What was written is made to outlive a power cut.
    Sync,
}
