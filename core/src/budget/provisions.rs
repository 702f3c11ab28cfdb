//! The pools and the quotas of one version of the configuration, found by what a call is.

use std::collections::HashMap;
use std::sync::Arc;

use crate::types::{Dimensions, Pool, Quota, QuotaEnforcement};

/// Pools by provider, and quotas by user.
#[derive(Debug, Default)]
pub struct Provisions {
    pools: HashMap<String, Vec<Arc<Pool>>>,
    quotas: HashMap<String, Vec<Arc<Quota>>>,
}

impl Provisions {
    /// Makes the index of all pools and quotas.
    #[must_use]
    pub fn new(pools: Vec<Pool>, quotas: Vec<Quota>) -> Self {
        let mut provisions = Self::default();
        for pool in pools {
            provisions.pools.entry(pool.terms.provider.clone()).or_default().push(Arc::new(pool));
        }
        for quota in quotas {
            provisions.quotas.entry(quota.terms.user.clone()).or_default().push(Arc::new(quota));
        }
        provisions
    }

    /// Returns the pools of a provider, by id.
    #[must_use]
    pub fn pools_of(&self, provider: &str) -> &[Arc<Pool>] {
        self.pools.get(provider).map_or(&[], Vec::as_slice)
    }

    /// Returns the quotas of a user, by id.
    #[must_use]
    pub fn quotas_of(&self, user: Option<&str>) -> &[Arc<Quota>] {
        user.and_then(|user| self.quotas.get(user)).map_or(&[], Vec::as_slice)
    }

    /// Returns whether a pool holds what a call may cost.
    #[must_use]
    pub fn caps_money(&self, call: &Dimensions<'_>) -> bool {
        call.provider.is_some_and(|provider| !self.pools_of(provider).is_empty())
    }

    /// Returns whether a pool, or a quota that refuses calls, holds the worst case of a call.
    #[must_use]
    pub fn caps(&self, call: &Dimensions<'_>) -> bool {
        let refuses = |quota: &Arc<Quota>| quota.terms.enforcement != QuotaEnforcement::Record;
        self.caps_money(call) || self.quotas_of(call.user).iter().any(refuses)
    }
}
