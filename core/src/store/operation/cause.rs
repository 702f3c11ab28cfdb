//! Why what is settled in an account was moved.

/// Why what is settled in an account was moved. The numbers are part of the file's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The account began with what had been used already.
    Opening,
    /// An attempt took it.
    Consume,
    /// A record's cost was corrected.
    Adjust,
    /// A record without a price was given its cost.
    Price,
    /// A quota was granted.
    Grant,
    /// A package was bought.
    Purchase,
    /// A package was given back.
    Refund,
    /// A pool was recharged.
    Recharge,
}

impl Cause {
    /// Returns the number that it is kept as.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Opening => 0,
            Self::Consume => 1,
            Self::Adjust => 2,
            Self::Price => 3,
            Self::Grant => 4,
            Self::Purchase => 5,
            Self::Refund => 6,
            Self::Recharge => 7,
        }
    }
}
