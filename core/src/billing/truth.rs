//! Truth: which of two figures for one attempt is billed, that of the prices or the provider's own statement.
//!
//! A price that the user set comes first, then what the provider states, then a catalog's or an imported price.

use super::price::{Bill, BillHead, PriceSet, flat_line};
use crate::types::{
    CostStatus, Facts, Money, ReceiptLine, ReportedCostPolicy, Result, Usage, UsageFlag, exact_subtract,
};

/// The note of the line that a provider's statement makes.
pub const REPORTED_COST: &str = "reported cost";
/// The note of the line that takes off what is above a proven bound.
pub const BOUND: &str = "bound";

/// Bills what an attempt consumed. Where the provider's statement is billed, the figure of the prices stays on the usage, and
/// their lines on the receipt; the lines always sum to the cost.
///
/// Fails with `invalid_request` only if an amount is too large for the ledger.
pub fn charge(
    prices: &PriceSet,
    head: BillHead<'_>,
    usage: &mut Usage,
    facts: &Facts,
    policy: ReportedCostPolicy,
) -> Result<Bill> {
    let bill = prices.computed(head, usage, facts)?;
    let Some(stated) = usage.reported_cost.map(|stated| Money::new(stated, head.reported_currency)) else {
        return Ok(bill);
    };
    let has_differed = bill.cost_status == CostStatus::Computed
        && bill.cost.is_some_and(|cost| cost.currency == stated.currency && differs(cost, stated));
    if has_differed {
        usage.flag(UsageFlag::ReportedCostDiffers);
    }
    if !is_billed(&bill, stated, usage, policy) {
        return Ok(bill);
    }
    let Some(computed) = bill.cost else {
        let lines = vec![flat_line(head, REPORTED_COST, stated)];
        return Ok(Bill { lines, ..Bill::flat(Some(stated), CostStatus::Reported) });
    };
    usage.computed_cost = Some(computed);
    let price_ids = bill.price_ids;
    let lines = explained(head, bill.lines, computed, stated)?;
    Ok(Bill { lines, price_ids, ..Bill::flat(Some(stated), CostStatus::Reported) })
}

/// Bills what is above a proven bound at the bound, and says so: also what has no price, since none of it could be. Amounts in
/// another currency are left to the budgets.
pub fn hold_to_bound(head: BillHead<'_>, bill: &mut Bill, usage: &mut Usage, bound: Money) -> Result<()> {
    let Some(cost) = bill.cost else {
        *bill = Bill { lines: vec![flat_line(head, BOUND, bound)], ..Bill::flat(Some(bound), CostStatus::Estimated) };
        usage.flags.push(UsageFlag::UsageExceedsBound);
        return Ok(());
    };
    if cost.currency != bound.currency || cost.amount <= bound.amount {
        return Ok(());
    }
    let excess = Money::new(exact_subtract(bound.amount, cost.amount)?, bound.currency);
    bill.lines.push(flat_line(head, BOUND, excess));
    bill.cost = Some(bound);
    bill.exact = Some(bound.amount.into());
    usage.flag(UsageFlag::UsageExceedsBound);
    Ok(())
}

fn differs(cost: Money, stated: Money) -> bool {
    cost.amount.normalize() != stated.amount.normalize()
}

/// Returns whether the statement is billed and not what the prices make.
fn is_billed(bill: &Bill, stated: Money, usage: &Usage, policy: ReportedCostPolicy) -> bool {
    match (policy, bill.cost) {
        (ReportedCostPolicy::Never, _) => false,
        (ReportedCostPolicy::Always, _) | (_, None) => true,
        // A statement of nothing cannot be true of an answer that has a price; one without output may be given away.
        (ReportedCostPolicy::OverCatalog, Some(cost)) => {
            let has_output = usage.output_tokens().is_some_and(|output| output > 0);
            let is_free = stated.amount.is_zero() && !cost.amount.is_zero() && has_output;
            // A price of the user's times a quantity that nobody counted is no better than the statement.
            let guessed = [UsageFlag::Estimated, UsageFlag::FeeNotReported];
            let is_users = bill.has_user_price && !guessed.iter().any(|flag| usage.flags.contains(flag));
            !is_users && !is_free
        }
    }
}

/// Returns the lines of the prices, and what makes them sum to the statement. Amounts of another currency cannot be part of
/// that sum, so those lines keep their quantities and prices alone.
fn explained(
    head: BillHead<'_>,
    mut lines: Vec<ReceiptLine>,
    computed: Money,
    stated: Money,
) -> Result<Vec<ReceiptLine>> {
    if computed.currency != stated.currency {
        for line in &mut lines {
            line.amount = None;
        }
        lines.push(flat_line(head, REPORTED_COST, stated));
    } else if differs(computed, stated) {
        let difference = exact_subtract(stated.amount, computed.amount)?;
        lines.push(flat_line(head, REPORTED_COST, Money::new(difference, stated.currency)));
    }
    Ok(lines)
}

#[cfg(test)]
#[path = "truth_tests.rs"]
mod tests;
