//! Replies of the kinds of work whose answers come whole, as they are shown.

/// Shows such a reply: its own fields, then those that each of them has.
macro_rules! whole_reply {
    ($(#[$about:meta])* $name:ident { $($(#[$own_about:meta])* $own:ident: $type:ty,)+ }) => {
        $(#[$about])*
        #[derive(serde::Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub(crate) struct $name<'a> {
            $($(#[$own_about])* $own: $type,)+
            /// The model that was asked, as `provider/model`.
            model: String,
            /// The provider that answered.
            provider: &'a str,
            /// The model that the provider says it served, which may be a dated version.
            served_model: Option<&'a str>,
            /// What the answer consumed.
            usage: &'a tollway::types::Usage,
            /// What all attempts cost together, in `currency`; absent if any of them has no price.
            cost: Option<tollway::types::Decimal>,
            /// The currency of `cost`.
            currency: Option<tollway::types::Currency>,
            /// Where the cost of the answer comes from: `reported`, `computed`, `estimated` or `unpriced`.
            cost_status: tollway::types::CostStatus,
            /// One line per attempt and meter.
            receipt: &'a tollway::types::Receipt,
            /// Every attempt, the failed ones included, in order.
            attempts: Vec<$crate::results::Attempt<'a>>,
            /// The id of the call, shared by all its attempts and records.
            request_id: &'a str,
            /// Whether an earlier call with the same idempotency key made this reply; it was billed then.
            replayed: bool,
        }

        impl $crate::results::Shown for tollway::types::$name {
            type Form<'a> = $name<'a>;

            fn shown(&self) -> $name<'_> {
                // Each field by its name, so that one that is added is not forgotten here.
                let Self {
                    request_id,
                    provider,
                    model,
                    served_model,
                    $($own,)+
                    usage,
                    cost,
                    currency,
                    cost_status,
                    receipt,
                    attempts,
                    replayed,
                } = self;
                $name {
                    $($own,)+
                    model: $crate::results::full_name(provider, model),
                    provider,
                    served_model: served_model.as_deref(),
                    usage,
                    cost: *cost,
                    currency: *currency,
                    cost_status: *cost_status,
                    receipt,
                    attempts: attempts.iter().map($crate::results::attempt).collect(),
                    request_id,
                    replayed: *replayed,
                }
            }
        }
    };
}

pub(crate) use whole_reply;
