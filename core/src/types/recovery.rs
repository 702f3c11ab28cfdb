//! What becomes of reservations whose process ended.

use serde::{Deserialize, Serialize};

/// What to bill a reservation whose process ended before settlement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RecoveryPolicy {
    /// The whole reservation: the provider may have done the work, and the cap must hold.
    #[default]
    BillReserved,
    /// Nothing.
    Release,
}
