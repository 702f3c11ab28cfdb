//! Quotas and packages: what users may use.

use super::prices::MOST_MONEY;
use crate::client::engine::{Tollway, invalid, unexpected};
use crate::store::{Operation, Outcome};
use crate::types::{
    Decimal, Error, ErrorKind, LEDGER_DECIMALS, NewPackage, Package, QuotaStatus, QuotaTerms, QuotaTransaction,
    QuotaType, Result, check_label,
};

impl Tollway {
    /// Sets a quota: adds it, or changes the one of the same user and type, of which what was used stays used. It counts calls that
    /// begin later.
    pub async fn set_quota(&self, terms: QuotaTerms) -> Result<QuotaStatus> {
        self.engine.check()?;
        check_user(&terms.user)?;
        check_amount("monthly", terms.monthly)?;
        let (user, quota_type) = (terms.user.clone(), terms.quota_type);
        let now = self.engine.environment.now();
        self.write(Operation::PutQuota { terms, now }).await?;
        self.quota(&user, quota_type).await
    }

    /// Adds to the balance of a user's quota, which stays until it is used. Where there is no quota, one without a monthly part is made.
    pub async fn grant_quota(
        &self,
        user: &str,
        quota_type: QuotaType,
        amount: Decimal,
        remark: Option<String>,
    ) -> Result<QuotaStatus> {
        self.engine.check()?;
        check_user(user)?;
        check_amount("amount", amount)?;
        remark.as_deref().map_or(Ok(()), |remark| check_label("remark", remark))?;
        let now = self.engine.environment.now();
        self.write(Operation::GrantQuota { user: user.to_owned(), quota_type, amount, remark, now }).await?;
        self.quota(user, quota_type).await
    }

    /// Enters a package that a user bought, and adds it to the balance of the quota. That of an order that was entered already is
    /// returned as it is. Where there is no quota, one without a monthly part is made.
    ///
    /// Fails with `idempotency_conflict` if the order bought something else.
    pub async fn buy_package(&self, package: NewPackage) -> Result<Package> {
        self.engine.check()?;
        check_user(&package.user)?;
        check_amount("quantity", package.quantity)?;
        package.price.map_or(Ok(()), |price| check_amount("price", price.amount))?;
        check_label("order_id", &package.order_id)?;
        package.remark.as_deref().map_or(Ok(()), |remark| check_label("remark", remark))?;
        self.package(Operation::BuyPackage { package: Box::new(package), now: self.engine.environment.now() }).await
    }

    /// Takes a package back. What was used of it stays used, so that the balance may go below zero. One that was taken back already
    /// is returned as it is.
    ///
    /// Fails with `not_found` if no package has this order.
    pub async fn refund_package(&self, order_id: &str) -> Result<Package> {
        self.engine.check()?;
        let now = self.engine.environment.now();
        self.package(Operation::RefundPackage { order_id: order_id.to_owned(), now }).await
    }

    async fn package(&self, operation: Operation) -> Result<Package> {
        let outcome = self.engine.apply(operation).await?;
        self.engine.reload().await?;
        match outcome {
            Outcome::Package(package) => Ok(*package),
            other => Err(unexpected(&other)),
        }
    }

    /// Returns all packages, or those of a user, oldest first.
    pub async fn packages(&self, user: Option<String>) -> Result<Vec<Package>> {
        self.engine.check()?;
        self.engine.store.packages(user).await
    }

    /// Returns all quotas, or those of a user, with what is left of them, by id.
    pub async fn quotas(&self, user: Option<String>) -> Result<Vec<QuotaStatus>> {
        self.engine.check()?;
        self.engine.store.quota_statuses(user, self.engine.environment.now()).await
    }

    /// Returns a user's quota of a type, with what is left of it. Fails with `not_found`.
    pub async fn quota(&self, user: &str, quota_type: QuotaType) -> Result<QuotaStatus> {
        let quotas = self.quotas(Some(user.to_owned())).await?;
        let found = quotas.into_iter().find(|status| status.quota.terms.quota_type == quota_type);
        found.ok_or_else(|| {
            let name = quota_type.name();
            Error::new(ErrorKind::NotFound, format!("user {user:?} has no {name} quota; list the quotas, or set one"))
        })
    }

    /// Returns every movement of all quotas, or of a user's, and of all types, or of one, oldest first.
    pub async fn quota_transactions(
        &self,
        user: Option<String>,
        quota_type: Option<QuotaType>,
    ) -> Result<Vec<QuotaTransaction>> {
        self.engine.check()?;
        self.engine.store.quota_transactions(user, quota_type).await
    }
}

fn check_user(user: &str) -> Result<()> {
    if user.trim().is_empty() {
        return Err(invalid("field `user`: name the user whose quota it is"));
    }
    check_label("user", user)
}

/// Checks an amount of money, or of what is counted.
pub(super) fn check_amount(field: &str, amount: Decimal) -> Result<()> {
    if amount < Decimal::ZERO {
        return Err(invalid(format!("field `{field}` is negative; give zero or more")));
    }
    if amount >= Decimal::from(MOST_MONEY) || amount.normalize().scale() > LEDGER_DECIMALS {
        return Err(invalid(format!(
            "field `{field}` must be below {MOST_MONEY} and have {LEDGER_DECIMALS} decimal places at the most, so that what \
             is left of it stays exact"
        )));
    }
    Ok(())
}
