//! Keys in memory.

use zeroize::Zeroizing;

/// The length of every key, in bytes.
pub(super) const KEY_LENGTH: usize = 32;

/// A key that is wiped from memory when it is dropped. It is boxed, so that moving it leaves no copy behind.
pub(super) type Key = Box<Zeroizing<[u8; KEY_LENGTH]>>;

/// Makes a key of zeros, to be filled in place.
#[expect(clippy::unnecessary_box_returns, reason = "a key that is moved by value leaves copies of itself behind")]
pub(super) fn new_key() -> Key {
    Box::new(Zeroizing::new([0; KEY_LENGTH]))
}
