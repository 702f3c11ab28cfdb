//! Row identities, one Rust type per table, so that ids of two tables cannot be mixed.

macro_rules! row_id {
    ($($(#[$documentation:meta])* $name:ident;)+) => {$(
        $(#[$documentation])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(
            feature = "schema",
            derive(schemars::JsonSchema),
            schemars(inline, extend("row" = stringify!($name).trim_end_matches("Id")))
        )]
        pub struct $name(u64);

        impl $name {
            /// Wraps the number of a row.
            #[must_use]
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// Returns the number of the row.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(formatter)
            }
        }
    )+};
}

row_id! {
    /// Names a row of `ai_providers`.
    ProviderId;
    /// Names a row of `ai_model_config`: the **pricing id**, which prices are tied to.
    ///
    /// It cannot stand where a [`ModelId`] is expected:
    ///
    /// ```compile_fail
    /// use tollway::types::{ModelConfigId, ModelId};
    /// fn bill(_model: ModelId) {}
    /// bill(ModelConfigId::new(1));
    /// ```
    ModelConfigId;
    /// Names a row of `ai_models`: the **billing id**, which usage records are tied to.
    ///
    /// It cannot stand where a [`ModelConfigId`] is expected:
    ///
    /// ```compile_fail
    /// use tollway::types::{ModelConfigId, ModelId};
    /// fn price(_config: ModelConfigId) {}
    /// price(ModelId::new(1));
    /// ```
    ModelId;
    /// Names a row of `ai_model_pricing`.
    PriceId;
    /// Names a row of `ai_usage_records`.
    UsageRecordId;
    /// Names a row of `ai_routing_strategy`.
    RouteId;
    /// Names a row of `budgets`.
    BudgetId;
    /// Names a row of `user_token_quota`.
    QuotaId;
    /// Names a row of `token_quota_transaction`.
    TransactionId;
    /// Names a row of `token_packages`.
    PackageId;
    /// Names a row of `provider_resource_pool`.
    PoolId;
    /// Names a row of `resource_pool_recharge`.
    RechargeId;
    /// Names a row of `reservations`.
    ReservationId;
    /// Names a row of `fx_rates`.
    FxRateId;
}
