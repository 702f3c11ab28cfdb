//! Time zones: those that Tollway brings with it, and never those of the machine, so that a ledger has the same days everywhere.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

static BUNDLED: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Returns the time zone of an IANA name; nothing if there is none of that name.
#[must_use]
pub fn time_zone(name: &str) -> Option<TimeZone> {
    BUNDLED.get(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_without_the_machine() {
        for name in ["UTC", "Asia/Shanghai", "europe/berlin", "America/Argentina/Buenos_Aires"] {
            assert!(time_zone(name).is_some(), "{name}");
        }
        for name in ["", "Asia/Nowhere", "/etc/localtime", "posixrules"] {
            assert!(time_zone(name).is_none(), "{name}");
        }
    }
}
