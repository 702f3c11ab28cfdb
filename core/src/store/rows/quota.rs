//! Rows of quotas, of their movements and of packages. Movements are in the ledger's units; the rest is in the quota's.

use jiff::tz::TimeZone;

use super::rows;
use crate::budget::quota::of_units;
use crate::store::codec::{DecimalBytes, Row, currency, decimal, from_name, time};
use crate::types::{
    Package, PackageId, Quota, QuotaId, QuotaTerms, QuotaTransaction, Result, TransactionId, UsageRecordId,
};

rows! {
    /// A row of `user_token_quota`.
    QuotaRow in "user_token_quota" {
        user: String,
        quota_type: String,
        monthly: DecimalBytes,
        time_zone: String,
        enforcement: String,
        created_at: i64,
        updated_at: i64,
    }
    /// A row of `token_quota_transaction`.
    TransactionRow in "token_quota_transaction" {
        quota_id: u64,
        transaction_type: String,
        amount: DecimalBytes,
        month: Option<i64>,
        balance_after: DecimalBytes,
        record_id: u64,
        order_id: Option<String>,
        remark: Option<String>,
        created_at: i64,
    }
    /// A row of `token_packages`.
    PackageRow in "token_packages" {
        quota_id: u64,
        user: String,
        quota_type: String,
        quantity: DecimalBytes,
        order_id: String,
        price: Option<DecimalBytes>,
        currency: Option<String>,
        remark: Option<String>,
        created_at: i64,
        refunded_at: Option<i64>,
    }
}

impl QuotaRow {
    pub(in crate::store) fn new(terms: &QuotaTerms, created_at: i64, updated_at: i64) -> Self {
        Self {
            user: terms.user.clone(),
            quota_type: terms.quota_type.name().to_owned(),
            monthly: terms.monthly.serialize(),
            time_zone: terms.time_zone.clone(),
            enforcement: terms.enforcement.name().to_owned(),
            created_at,
            updated_at,
        }
    }

    pub(in crate::store) fn quota(self, id: u64) -> Result<Quota> {
        Ok(Quota {
            id: QuotaId::new(id),
            terms: QuotaTerms {
                user: self.user,
                quota_type: from_name(Self::TABLE, &self.quota_type)?,
                monthly: decimal(Self::TABLE, self.monthly)?,
                time_zone: self.time_zone,
                enforcement: from_name(Self::TABLE, &self.enforcement)?,
            },
            created_at: time(Self::TABLE, self.created_at)?,
            updated_at: time(Self::TABLE, self.updated_at)?,
        })
    }
}

impl TransactionRow {
    /// Returns the transaction of a quota of these terms.
    pub(in crate::store) fn transaction(self, id: u64, terms: &QuotaTerms) -> Result<QuotaTransaction> {
        let month = self.month.map(|month| time(Self::TABLE, month)).transpose()?;
        let shown = |bytes| decimal(Self::TABLE, bytes).map(|units| of_units(terms.quota_type, units));
        Ok(QuotaTransaction {
            id: TransactionId::new(id),
            quota_id: QuotaId::new(self.quota_id),
            user: terms.user.clone(),
            quota_type: terms.quota_type,
            transaction_type: from_name(Self::TABLE, &self.transaction_type)?,
            amount: shown(self.amount)?,
            month: month.map(|month| month.to_zoned(TimeZone::UTC).date()),
            balance_after: shown(self.balance_after)?,
            record_id: (self.record_id != 0).then(|| UsageRecordId::new(self.record_id)),
            order_id: self.order_id,
            remark: self.remark,
            created_at: time(Self::TABLE, self.created_at)?,
        })
    }
}

impl PackageRow {
    pub(in crate::store) fn package(self, id: u64) -> Result<Package> {
        Ok(Package {
            id: PackageId::new(id),
            quota_id: QuotaId::new(self.quota_id),
            user: self.user,
            quota_type: from_name(Self::TABLE, &self.quota_type)?,
            quantity: decimal(Self::TABLE, self.quantity)?,
            order_id: self.order_id,
            price: self.price.map(|price| decimal(Self::TABLE, price)).transpose()?,
            currency: self.currency.as_deref().map(|code| currency(Self::TABLE, code)).transpose()?,
            remark: self.remark,
            created_at: time(Self::TABLE, self.created_at)?,
            refunded_at: self.refunded_at.map(|at| time(Self::TABLE, at)).transpose()?,
        })
    }
}
