//! Values as bytes.

/// What the values of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueKind {
    /// The bytes of a row.
    Row,
    /// A `u64`.
    Number,
    /// Nothing: the key says it all.
    Nothing,
}

/// The type of the values of a table.
pub(super) trait Value: 'static {
    /// What they are.
    const KIND: ValueKind;
    /// The value itself.
    type Of<'a>;
    /// Its bytes.
    type Bytes<'a>: AsRef<[u8]>;

    /// Returns the bytes of a value.
    fn bytes(value: Self::Of<'_>) -> Self::Bytes<'_>;
    /// Reads a value; nothing if its bytes are none.
    fn read(bytes: &[u8]) -> Option<Self::Of<'_>>;
}

impl Value for &'static [u8] {
    const KIND: ValueKind = ValueKind::Row;
    type Of<'a> = &'a [u8];
    type Bytes<'a> = &'a [u8];

    fn bytes(value: Self::Of<'_>) -> Self::Bytes<'_> {
        value
    }

    fn read(bytes: &[u8]) -> Option<&[u8]> {
        Some(bytes)
    }
}

impl Value for u64 {
    const KIND: ValueKind = ValueKind::Number;
    type Of<'a> = Self;
    type Bytes<'a> = [u8; 8];

    fn bytes(value: Self::Of<'_>) -> Self::Bytes<'_> {
        value.to_le_bytes()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_le_bytes)
    }
}

impl Value for () {
    const KIND: ValueKind = ValueKind::Nothing;
    type Of<'a> = ();
    type Bytes<'a> = [u8; 0];

    fn bytes((): Self::Of<'_>) -> Self::Bytes<'_> {
        []
    }

    fn read(bytes: &[u8]) -> Option<()> {
        bytes.is_empty().then_some(())
    }
}
