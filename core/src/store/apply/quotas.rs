//! Quotas and packages: put, grant, buy and refund.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::balance::{Bucket, Changes};
use super::journal::Note;
use super::{invalid, not_found};
use crate::budget::quota::{in_units, month_at};
use crate::store::codec::{DecimalBytes, micros};
use crate::store::ledger::Ledger;
use crate::store::operation::Cause;
use crate::store::rows::{PackageRow, QuotaRow};
use crate::types::{AccountId, Error, ErrorKind, NewPackage, Package, QuotaId, QuotaTerms, QuotaType, Result};

/// Adds a quota, or changes the one of the same user and type.
pub(super) fn put(ledger: &mut Ledger<'_>, terms: &QuotaTerms, now: Timestamp) -> Result<QuotaId> {
    if terms.user.is_empty() {
        return Err(invalid("the quota has no user; name the one whose calls it counts"));
    }
    if terms.monthly < Decimal::ZERO {
        return Err(invalid(format!("{} a month are below zero; give zero or more", terms.monthly)));
    }
    in_units(terms.quota_type, terms.monthly)?;
    month_at(&terms.time_zone, now)?;
    let mut row = QuotaRow::new(terms, micros(now), micros(now));
    let id = match find(ledger, &terms.user, terms.quota_type) {
        Some(id) => {
            let old = ledger.quotas.get(id.get())?.ok_or_else(|| not_found(&format!("quota {id}")))?;
            row.created_at = old.created_at;
            id
        }
        None => add(ledger, now)?,
    };
    ledger.quotas.put(id.get(), &row)?;
    ledger.configuration_changed()?;
    Ok(id)
}

/// Adds to the balance of a user's quota, which is made where there is none.
pub(super) fn grant(
    ledger: &mut Ledger<'_>,
    (user, quota_type): (&str, QuotaType),
    amount: Decimal,
    remark: Option<String>,
    now: Timestamp,
) -> Result<QuotaId> {
    let units = above_zero(quota_type, amount)?;
    let id = found_or_made(ledger, user, quota_type, now)?;
    let note = Note { order_id: None, remark };
    move_balance(ledger, id, (-units, Cause::Grant), note, now)?;
    Ok(id)
}

/// Enters a package, once for each order.
pub(super) fn buy(ledger: &mut Ledger<'_>, new: NewPackage, now: Timestamp) -> Result<Package> {
    let NewPackage { user, quota_type, quantity, order_id, price, remark } = new;
    if order_id.is_empty() {
        return Err(invalid("the package has no order; give the id of its order, so that it is entered once"));
    }
    if price.is_some_and(|price| price.amount < Decimal::ZERO) {
        return Err(invalid("the price of a package is below zero; give zero or more"));
    }
    if let Some((id, row)) = of_order(ledger, &order_id)? {
        let earlier = row.package(id)?;
        let is_same = (&earlier.user, earlier.quota_type, earlier.quantity) == (&user, quota_type, quantity)
            && earlier.price == price.map(|price| price.amount)
            && earlier.currency == price.map(|price| price.currency);
        if is_same {
            return Ok(earlier);
        }
        return Err(Error::new(
            ErrorKind::IdempotencyConflict,
            format!(
                "order {order_id:?} bought {} {} for user {:?} already; give another package an order of its own",
                earlier.quantity,
                earlier.quota_type.name(),
                earlier.user
            ),
        ));
    }
    let units = above_zero(quota_type, quantity)?;
    let quota = found_or_made(ledger, &user, quota_type, now)?;
    let row = PackageRow {
        quota_id: quota.get(),
        user,
        quota_type: quota_type.name().to_owned(),
        quantity: quantity.serialize(),
        order_id: order_id.clone(),
        price: price.map(|price| -> DecimalBytes { price.amount.serialize() }),
        currency: price.map(|price| price.currency.code().to_owned()),
        remark: remark.clone(),
        created_at: micros(now),
        refunded_at: None,
    };
    let id = ledger.packages.take_id()?;
    ledger.packages.put(id, &row)?;
    ledger.packages_by_order.put(order_id.as_str(), id)?;
    let note = Note { order_id: Some(order_id), remark };
    move_balance(ledger, quota, (-units, Cause::Purchase), note, now)?;
    row.package(id)
}

/// Takes a package back, once. What was used of it stays used, so that the balance may go below zero.
pub(super) fn refund(ledger: &mut Ledger<'_>, order_id: &str, now: Timestamp) -> Result<Package> {
    let missing = || not_found(&format!("a package of order {order_id:?}"));
    let (id, mut row) = of_order(ledger, order_id)?.ok_or_else(missing)?;
    let package = row.clone().package(id)?;
    if package.refunded_at.is_some() {
        return Ok(package);
    }
    row.refunded_at = Some(micros(now));
    ledger.packages.put(id, &row)?;
    let units = in_units(package.quota_type, package.quantity)?;
    let note = Note { order_id: Some(order_id.to_owned()), remark: None };
    move_balance(ledger, package.quota_id, (units, Cause::Refund), note, now)?;
    row.package(id)
}

fn of_order(ledger: &Ledger<'_>, order_id: &str) -> Result<Option<(u64, PackageRow)>> {
    let Some(id) = ledger.packages_by_order.get(order_id)? else { return Ok(None) };
    let row = ledger.packages.get(id)?.ok_or_else(|| not_found(&format!("package {id}")))?;
    Ok(Some((id, row)))
}

fn move_balance(
    ledger: &mut Ledger<'_>,
    quota: QuotaId,
    (units, cause): (Decimal, Cause),
    note: Note,
    now: Timestamp,
) -> Result<()> {
    let mut changes = Changes::noted(note);
    changes.settle(ledger, &Bucket::new(AccountId::Quota(quota), "", None), units, cause)?;
    changes.write(ledger, 0, now)
}

fn above_zero(quota_type: QuotaType, amount: Decimal) -> Result<Decimal> {
    if amount <= Decimal::ZERO {
        return Err(invalid(format!("{amount} {} is not above zero; give how much is added", quota_type.name())));
    }
    in_units(quota_type, amount)
}

fn found_or_made(ledger: &mut Ledger<'_>, user: &str, quota_type: QuotaType, now: Timestamp) -> Result<QuotaId> {
    match find(ledger, user, quota_type) {
        Some(id) => Ok(id),
        None => put(ledger, &QuotaTerms::new(user, quota_type), now),
    }
}

fn find(ledger: &Ledger<'_>, user: &str, quota_type: QuotaType) -> Option<QuotaId> {
    let quotas = ledger.provisions()?.quotas_of(Some(user));
    quotas.iter().find(|quota| quota.terms.quota_type == quota_type).map(|quota| quota.id)
}

/// Takes an id for a quota, and makes its balance.
fn add(ledger: &mut Ledger<'_>, now: Timestamp) -> Result<QuotaId> {
    let id = QuotaId::new(ledger.quotas.take_id()?);
    let mut changes = Changes::default();
    changes.touch(ledger, &Bucket::new(AccountId::Quota(id), "", None))?;
    changes.write(ledger, 0, now)?;
    Ok(id)
}
