//! What is told of a recovery.

use crate::environment::log::LEDGER;
use crate::types::RecoveryPolicy;

/// Tells that what ended processes had reserved was settled.
pub(super) fn tell(count: u64, policy: RecoveryPolicy) {
    let (policy, done) = match policy {
        RecoveryPolicy::BillReserved => ("bill_reserved", "billed as they were reserved"),
        RecoveryPolicy::Release => ("release", "released"),
    };
    tracing::warn!(
        target: LEDGER,
        count,
        policy,
        "calls of processes that ended before their settlement: {count}, {done}",
    );
}
