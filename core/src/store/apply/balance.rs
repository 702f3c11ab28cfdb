//! Balances: what one budget used and holds in one window.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::store::Hold;
use crate::store::codec::micros;
use crate::store::ledger::Ledger;
use crate::store::rows::BalanceRow;
use crate::store::tables::{BalanceKey, WHOLE_TIME};
use crate::types::{Balance, BudgetId, Money, Result, exact_add, exact_subtract};

/// Returns the key of a budget's balance in a window.
pub(super) fn key(budget: BudgetId, window_start: Option<Timestamp>) -> BalanceKey {
    (budget.get(), window_start.map_or(WHOLE_TIME, micros))
}

/// Returns a balance; nothing was used where there is no row.
pub(super) fn read(ledger: &Ledger<'_>, key: BalanceKey) -> Result<Balance> {
    ledger.balances.get(key)?.map_or_else(|| Ok(Balance::default()), |row| row.balance())
}

/// Writes a balance.
pub(super) fn write(ledger: &mut Ledger<'_>, (key, balance): (BalanceKey, Balance)) -> Result<()> {
    ledger.balances.put(key, &BalanceRow::new(balance))
}

/// Returns what a hold counts of an attempt's true amount: money of its currency, or tokens.
pub(super) fn counted(hold: &Hold, cost: Option<Money>, tokens: Option<u64>) -> Option<Decimal> {
    match hold.currency {
        Some(currency) => cost.filter(|cost| cost.currency == currency).map(|cost| cost.amount),
        None => tokens.map(Decimal::from),
    }
}

/// Works out the balances after the holds of an attempt become its true amount. A budget that was deleted is left out.
pub(super) fn released(
    ledger: &Ledger<'_>,
    holds: &[Hold],
    cost: Option<Money>,
    tokens: Option<u64>,
    stays_closed: bool,
) -> Result<Vec<(BalanceKey, Balance)>> {
    let mut moved = Vec::with_capacity(holds.len());
    for hold in holds {
        if ledger.budget_rows.get(hold.budget_id.get())?.is_none() {
            continue;
        }
        let key = key(hold.budget_id, hold.window_start);
        let mut balance = read(ledger, key)?;
        balance.reserved = exact_subtract(balance.reserved, hold.amount)?;
        if let Some(amount) = counted(hold, cost, tokens) {
            balance.settled = exact_add(balance.settled, amount)?;
        }
        if hold.closes && !stays_closed {
            balance.holds = balance.holds.saturating_sub(1);
        }
        moved.push((key, balance));
    }
    Ok(moved)
}
