//! Routes: put and delete by name.

use jiff::Timestamp;

use super::{invalid, not_found};
use crate::store::codec::micros;
use crate::store::ledger::Ledger;
use crate::store::rows::RouteRow;
use crate::types::{Result, RouteTerms};

pub(super) fn put(ledger: &mut Ledger<'_>, terms: &RouteTerms, now: Timestamp) -> Result<()> {
    if terms.name.is_empty() {
        return Err(invalid("a route has no name; give a capability such as \"text\", or an alias"));
    }
    let now = micros(now);
    let (id, created_at) = match find(ledger, &terms.name)? {
        Some((id, row)) => (id, row.created_at),
        None => (ledger.routes.take_id()?, now),
    };
    ledger.routes.put(id, &RouteRow::new(terms, created_at, now)?)?;
    ledger.configuration_changed()
}

pub(super) fn delete(ledger: &mut Ledger<'_>, name: &str) -> Result<()> {
    let (id, _) = find(ledger, name)?.ok_or_else(|| not_found(&format!("the route {name:?}")))?;
    ledger.routes.remove(id)?;
    ledger.configuration_changed()
}

fn find(ledger: &Ledger<'_>, name: &str) -> Result<Option<(u64, RouteRow)>> {
    Ok(ledger.routes.all()?.into_iter().find(|(_, row)| row.name == name))
}
