//! The facts of each provider.

/// The facts of a provider.
#[derive(Debug)]
pub struct Vendor {
    /// The provider's name.
    pub name: &'static str,
}
