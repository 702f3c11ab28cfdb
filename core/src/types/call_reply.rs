//! What the replies of all kinds of work have in common: who answered, and what all attempts cost.

use rust_decimal::Decimal;

use super::attempt::Attempt;
use super::currency::Currency;
use super::receipt::{CostStatus, Receipt};

/// The reply of a call, of whatever kind of work.
pub trait CallReply {
    /// Returns what it says of its call.
    fn bill(&self) -> CallBill<'_>;

    /// Returns the attempts that made it.
    fn attempts_mut(&mut self) -> &mut Vec<Attempt>;

    /// Marks it as that of an earlier call.
    fn mark_replayed(&mut self);
}

/// What a reply says of its call.
#[derive(Clone, Copy, Debug)]
pub struct CallBill<'a> {
    /// The id of the call.
    pub request_id: &'a str,
    /// The provider that answered.
    pub provider: &'a str,
    /// The model that was asked, without its provider.
    pub model: &'a str,
    /// What all attempts cost together, in `currency`; absent if any of them has no price.
    pub cost: Option<Decimal>,
    /// The currency of `cost`.
    pub currency: Option<Currency>,
    /// Where the cost of the answer comes from.
    pub cost_status: CostStatus,
    /// One line per attempt and meter.
    pub receipt: &'a Receipt,
    /// Every attempt, the failed ones included, in order.
    pub attempts: &'a [Attempt],
    /// Whether an earlier call with the same idempotency key made the reply.
    pub replayed: bool,
}

/// What a call brings to its reply, whatever the kind of work.
pub(crate) struct CallParts {
    pub(crate) request_id: String,
    pub(crate) provider: String,
    pub(crate) model: String,
    pub(crate) cost: Option<Decimal>,
    pub(crate) currency: Option<Currency>,
    pub(crate) cost_status: CostStatus,
    pub(crate) receipt: Receipt,
    pub(crate) attempts: Vec<Attempt>,
}

/// Makes a type the reply of a call, by its fields.
macro_rules! call_reply {
    ($name:ty) => {
        impl $crate::types::CallReply for $name {
            fn bill(&self) -> $crate::types::CallBill<'_> {
                $crate::types::CallBill {
                    request_id: &self.request_id,
                    provider: &self.provider,
                    model: &self.model,
                    cost: self.cost,
                    currency: self.currency,
                    cost_status: self.cost_status,
                    receipt: &self.receipt,
                    attempts: &self.attempts,
                    replayed: self.replayed,
                }
            }

            fn attempts_mut(&mut self) -> &mut Vec<$crate::types::Attempt> {
                &mut self.attempts
            }

            fn mark_replayed(&mut self) {
                self.replayed = true;
            }
        }
    };
}

/// Makes the reply of a kind of work whose answer comes whole: its own fields, between those that every such reply has.
macro_rules! whole_reply {
    ($(#[$about:meta])* $name:ident { $($(#[$own_about:meta])* $own:ident: $type:ty,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            /// The id of the call, shared by all its attempts and records (UUIDv7).
            pub request_id: String,
            /// The provider that answered.
            pub provider: String,
            /// The model that was asked, without its provider.
            pub model: String,
            /// The model that the provider says it served.
            pub served_model: Option<String>,
            $($(#[$own_about])* pub $own: $type,)+
            /// What the answer consumed.
            pub usage: $crate::types::Usage,
            /// What all attempts cost together, in `currency`; absent if any of them has no price.
            pub cost: Option<$crate::types::Decimal>,
            /// The currency of `cost`.
            pub currency: Option<$crate::types::Currency>,
            /// Where the cost of the answer comes from.
            pub cost_status: $crate::types::CostStatus,
            /// One line per attempt and meter.
            pub receipt: $crate::types::Receipt,
            /// Every attempt, the failed ones included, in order.
            pub attempts: Vec<$crate::types::Attempt>,
            /// Whether an earlier call with the same idempotency key made this reply; it was billed then.
            pub replayed: bool,
        }

        impl $name {
            /// Joins what a call brings with what its answer brought.
            pub(crate) fn of(
                call: $crate::types::CallParts,
                served_model: Option<String>,
                usage: $crate::types::Usage,
                $($own: $type,)+
            ) -> Self {
                Self {
                    request_id: call.request_id,
                    provider: call.provider,
                    model: call.model,
                    served_model,
                    $($own,)+
                    usage,
                    cost: call.cost,
                    currency: call.currency,
                    cost_status: call.cost_status,
                    receipt: call.receipt,
                    attempts: call.attempts,
                    replayed: false,
                }
            }
        }

        $crate::types::call_reply!($name);
    };
}

pub(crate) use {call_reply, whole_reply};
