//! The write side of the store: ledger operations and their outcomes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::budget::admission::Demand;
use crate::types::{
    BilledBy, BudgetId, BudgetTerms, Capability, CostStatus, Currency, Exchange, Facts, FxRate, ModelConfigId, ModelId,
    Money, PriceId, PriceTerms, ReceiptLine, RecordStatus, RecoveryPolicy, ReservationId, RouteTerms, SealedSecret,
    UnpricedPolicy, Usage, UsageRecordId,
};

/// A change of the file. Each is applied whole or not at all.
///
/// It is plain data, which holds no secret but sealed ones: it can be kept, shown, sent, and applied again.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Takes the id that a new model config will have, so that its secrets can be sealed for it. It is never given again. Refused
    /// where a config of these names would be. Outcome: [`Outcome::ModelConfigIdTaken`].
    TakeModelConfigId {
        /// What the config will be called.
        names: ModelConfigNames,
    },
    /// Adds a model config with its prices under an id that was taken for it. The same operation again adds nothing.
    /// Outcome: [`Outcome::ModelConfigAdded`].
    AddModelConfig {
        /// The id.
        id: ModelConfigId,
        /// The config.
        config: Box<NewModelConfig>,
        /// Its prices.
        prices: Vec<PriceTerms>,
        /// The instant.
        now: Timestamp,
    },
    /// Changes fields of a model config. Outcome: [`Outcome::Done`].
    UpdateModelConfig {
        /// The config.
        id: ModelConfigId,
        /// The fields to change.
        change: Box<ModelConfigChange>,
        /// The instant.
        now: Timestamp,
    },
    /// Deletes a model config and its prices; records and models stay. Outcome: [`Outcome::Done`].
    DeleteModelConfig {
        /// The config.
        id: ModelConfigId,
    },
    /// Replaces sealed API keys, all or none. Outcome: [`Outcome::Done`].
    ReplaceSealedKeys {
        /// The new sealed key of each config.
        keys: Vec<(ModelConfigId, SealedSecret)>,
    },
    /// Adds prices to a config. What is in force for the same thing under the same conditions ends where a new one begins,
    /// so that no two are in force at once; one that begins in the past takes back what was believed of others since then,
    /// and what was known earlier stays as it was. Outcome: [`Outcome::PricesAdded`].
    AddPrices {
        /// The config.
        model_config_id: ModelConfigId,
        /// The prices.
        prices: Vec<PriceTerms>,
        /// Whether every other price of the pricing types given, whatever its conditions, ends there as well.
        replaces_meters: bool,
        /// The instant.
        now: Timestamp,
    },
    /// Makes prices all that a config has from now on: what is in force of a meter that they name ends where the first of them
    /// begins, and what is in force of others ends now. Outcome: [`Outcome::PricesAdded`].
    ReplacePrices {
        /// The config.
        model_config_id: ModelConfigId,
        /// The prices; none where it shall have none.
        prices: Vec<PriceTerms>,
        /// The instant.
        now: Timestamp,
    },
    /// Ends a price at an instant; one in the past takes it back from then on. Outcome: [`Outcome::Done`].
    ExpirePrice {
        /// The price.
        id: PriceId,
        /// The first instant at which it no longer applies.
        at: Timestamp,
        /// The instant.
        now: Timestamp,
    },
    /// Adds an exchange rate; the rates that there are stay. Outcome: [`Outcome::FxRateAdded`].
    AddFxRate {
        /// The rate.
        rate: NewFxRate,
        /// The instant.
        now: Timestamp,
    },
    /// Adds a route, or replaces the one of the same name. Outcome: [`Outcome::Done`].
    PutRoute {
        /// The route.
        terms: RouteTerms,
        /// The instant.
        now: Timestamp,
    },
    /// Deletes a route by its name. Outcome: [`Outcome::Done`].
    DeleteRoute {
        /// The name.
        name: String,
    },
    /// Adds a budget, or changes the limit of the one with the same scope, window, time zone and kind of limit. A new
    /// budget starts with what the records of its running window add up to. Outcome: [`Outcome::BudgetPut`].
    PutBudget {
        /// The budget.
        terms: BudgetTerms,
        /// The instant.
        now: Timestamp,
    },
    /// Deletes a budget. Outcome: [`Outcome::Done`].
    DeleteBudget {
        /// The budget.
        id: BudgetId,
    },
    /// Holds the worst case of an attempt in every budget that applies, all or nothing. Outcome: [`Outcome::Reserved`].
    Reserve(Box<ReserveRequest>),
    /// Writes the usage record of an attempt, moves the balances by the true amount, frees the reservation, updates the
    /// daily rollup and creates the model row if it is new. Outcome: [`Outcome::Settled`].
    Settle(Box<Settlement>),
    /// Puts a cost on a record that has none, and moves the balances of its budgets. Outcome: [`Outcome::Done`].
    PriceRecord {
        /// The record.
        uid: String,
        /// Its cost.
        cost: Money,
    },
    /// Writes a record that corrects another's cost, unless the other and its corrections sum to the right one already, and
    /// moves the running windows of its budgets. Outcome: [`Outcome::Adjusted`].
    Adjust(Box<Adjustment>),
    /// Claims an idempotency key for a call. Outcome: [`Outcome::KeyClaim`].
    ClaimKey {
        /// The key, as the caller gave it.
        key: String,
        /// A digest of the request, to tell a repetition from a misuse.
        fingerprint: [u8; 32],
        /// The digest that an earlier version made of the same request.
        former: [u8; 32],
        /// The id of the call.
        request_id: String,
        /// The instant.
        now: Timestamp,
        /// When a claim that was never completed lapses.
        expires_at: Timestamp,
    },
    /// Gives up a claim of this call, after it failed. Outcome: [`Outcome::Done`].
    ReleaseKey {
        /// The key.
        key: String,
        /// The id of the call that claimed it.
        request_id: String,
    },
    /// Settles the reservations of processes that ended, and those that expired, and frees their idempotency keys.
    /// Outcome: [`Outcome::Recovered`].
    Recover {
        /// What to bill them.
        policy: RecoveryPolicy,
        /// The instant.
        now: Timestamp,
    },
    /// Writes a value of `meta`. Outcome: [`Outcome::Done`].
    PutMeta {
        /// The key.
        key: String,
        /// The value.
        value: Vec<u8>,
        /// Whether it replaces a value that is there; else that one stays.
        replace: bool,
    },
}

/// What an operation returns.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Nothing to return.
    Done,
    /// The id that a new config will have.
    ModelConfigIdTaken(ModelConfigId),
    /// The id of the new config.
    ModelConfigAdded(ModelConfigId),
    /// The ids of the new prices, in the order given.
    PricesAdded(Vec<PriceId>),
    /// The row of the new rate.
    FxRateAdded(FxRate),
    /// By how much the cost was corrected; zero if it was right already.
    Adjusted(Money),
    /// The id of the budget.
    BudgetPut(BudgetId),
    /// What was held.
    Reserved(Reserved),
    /// What was written.
    Settled(Settled),
    /// What the key stands for.
    KeyClaim(KeyClaim),
    /// How many reservations were settled.
    Recovered(u64),
}

/// A reservation that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// The row.
    pub id: ReservationId,
    /// Whether any budget applies, so that the bound must be enforced.
    pub budgets_apply: bool,
}

/// A settlement that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The record.
    pub record_id: UsageRecordId,
    /// The billing id.
    pub model_id: ModelId,
}

/// What an idempotency key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyClaim {
    /// It is this call's now.
    Claimed,
    /// Another call that has not ended holds it.
    InFlight,
    /// A call completed with it; this is its sealed reply.
    Completed(Vec<u8>),
}

/// What a model config is called. Provider, name and alias together are unique.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelConfigNames {
    /// The provider's name; its row is made if it is new.
    pub provider: String,
    /// The model's name at the provider.
    pub model_name: String,
    /// A name of the caller's.
    pub alias: Option<String>,
}

/// A model config to be added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewModelConfig {
    /// What it is called.
    pub names: ModelConfigNames,
    /// What it can make.
    pub capability: Capability,
    /// The API key, sealed for the id that was taken.
    pub api_key: Option<SealedSecret>,
    /// The address that replaces the provider's own.
    pub base_url: Option<String>,
    /// Parameters.
    pub model_params: Map<String, Value>,
    /// Whether it becomes the default of its capability, in place of any other.
    pub is_default: bool,
    /// The place in a fallback.
    pub priority: i64,
    /// Whether routing may pick it.
    pub is_active: bool,
    /// A note.
    pub description: Option<String>,
}

/// Fields of a model config to change; an absent one stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelConfigChange {
    /// The sealed API key.
    pub api_key: Option<SealedSecret>,
    /// The alias; the inner nothing removes it.
    pub alias: Option<Option<String>>,
    /// The address; the inner nothing returns to the provider's own.
    pub base_url: Option<Option<String>>,
    /// Parameters.
    pub model_params: Option<Map<String, Value>>,
    /// What it can make.
    pub capability: Option<Capability>,
    /// Whether it is the default of its capability.
    pub is_default: Option<bool>,
    /// The place in a fallback.
    pub priority: Option<i64>,
    /// Whether routing may pick it.
    pub is_active: Option<bool>,
    /// The note; the inner nothing removes it.
    pub description: Option<Option<String>>,
}

/// The worst case of an attempt, to be held.
#[derive(Clone, Debug, PartialEq)]
pub struct ReserveRequest {
    /// The id of the call.
    pub request_id: String,
    /// The place among the call's attempts, from 1.
    pub attempt: u32,
    /// The uid that the attempt's record will have.
    pub record_uid: String,
    /// Whom it is billed to.
    pub user: Option<String>,
    /// The labels of the call.
    pub tags: BTreeMap<String, String>,
    /// The config that was picked.
    pub model_config_id: ModelConfigId,
    /// The provider's name.
    pub provider: String,
    /// The model's name at the provider.
    pub model: String,
    /// What it can make.
    pub capability: Capability,
    /// The most that it can cost; absent if it has no price.
    pub worst_case: Option<Money>,
    /// The most tokens that it can consume; absent if that is not known.
    pub worst_case_tokens: Option<u64>,
    /// What to do without a price; where absent, refuse if a money budget applies.
    pub on_unpriced: Option<UnpricedPolicy>,
    /// The instant.
    pub now: Timestamp,
    /// When the reservation is stale, whatever became of its process.
    pub expires_at: Timestamp,
}

impl ReserveRequest {
    /// Returns what it asks of budgets.
    #[must_use]
    pub fn demand(&self) -> Demand<'_> {
        Demand {
            provider: &self.provider,
            model: &self.model,
            model_config_id: self.model_config_id,
            worst_case: self.worst_case,
            worst_case_tokens: self.worst_case_tokens,
            on_unpriced: self.on_unpriced,
        }
    }
}

/// A row of `reservations`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reservation {
    /// The row.
    pub id: ReservationId,
    /// The open handle that made it.
    pub session: u64,
    /// What was asked for.
    pub request: ReserveRequest,
    /// What is held in each budget that applies.
    pub holds: Vec<Hold>,
}

/// What a reservation, or an unpriced record, holds in one budget and window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The budget.
    pub budget_id: BudgetId,
    /// The first instant of the window; absent for a total.
    pub window_start: Option<Timestamp>,
    /// What is held: money or tokens.
    pub amount: Decimal,
    /// The currency; absent for tokens.
    pub currency: Option<Currency>,
    /// Whether the budget is closed until the record is priced.
    pub closes: bool,
    /// The rate that turns the price's currency into the budget's, frozen when the hold was made.
    pub exchange: Option<Exchange>,
}

/// The end of an attempt, to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    /// The reservation. If it is gone and its record exists, recovery settled it, and nothing is written again.
    pub reservation_id: ReservationId,
    /// What it consumed.
    pub usage: Usage,
    /// What it was, as far as prices depend on it.
    pub facts: Facts,
    /// What it cost; absent if unpriced.
    pub cost: Option<Money>,
    /// Where the cost comes from.
    pub cost_status: CostStatus,
    /// What produced the number.
    pub billed_by: BilledBy,
    /// The lines of the cost.
    pub receipt: Vec<ReceiptLine>,
    /// The price rows that were applied.
    pub price_ids: Vec<PriceId>,
    /// How it ended.
    pub status: RecordStatus,
    /// The provider's id of the request.
    pub provider_request_id: Option<String>,
    /// The model that the provider says it served.
    pub served_model: Option<String>,
    /// The code of the error that ended it.
    pub error_code: Option<String>,
    /// The error's sentence.
    pub error_message: Option<String>,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
    /// The idempotency key that this attempt completes, and the sealed reply that it returns from now on.
    pub completes_key: Option<(String, Vec<u8>)>,
    /// The instant.
    pub now: Timestamp,
}

/// An exchange rate to be added; the store gives it an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFxRate {
    /// The currency that is converted.
    pub from: Currency,
    /// The currency that it becomes.
    pub to: Currency,
    /// How many of `to` one of `from` is; above zero.
    pub rate: Decimal,
    /// The first instant at which it applies.
    pub effective_date: Timestamp,
    /// Where the rate comes from.
    pub source: String,
}

/// A correction of a record's cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// The record that is corrected.
    pub adjusts: String,
    /// The cost that it and its corrections are to sum to, in the currency of its own.
    pub cost: Money,
    /// The price rows that make that cost.
    pub price_ids: Vec<PriceId>,
    /// The uid that the correction will have.
    pub record_uid: String,
    /// The instant.
    pub now: Timestamp,
}

/// A row of `ai_cost_daily`: what one model consumed in one UTC day, in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyCost {
    /// The UTC day.
    pub day: jiff::civil::Date,
    /// The provider's name.
    pub provider: String,
    /// The billing id.
    pub model_id: ModelId,
    /// The model's name at the provider.
    pub model: String,
    /// The kind of work.
    pub usage_type: String,
    /// The currency of the cost; absent for records without one.
    pub currency: Option<Currency>,
    /// The exact sum of the costs, adjustments included.
    pub cost: Decimal,
    /// The sum of each meter.
    pub meters: BTreeMap<crate::types::Meter, crate::types::Quantity>,
    /// How many attempts were recorded; an adjustment is none.
    pub calls: u64,
    /// How many of them have no price.
    pub unpriced_calls: u64,
    /// The cost statuses that occur.
    pub cost_statuses: BTreeSet<String>,
}
