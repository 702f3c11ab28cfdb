//! The write side of the store: ledger operations and their outcomes.

mod cause;
mod entry;
mod fx_rate;
mod model_config;
mod outcome;
mod reservation;
mod settlement;

use jiff::Timestamp;

pub use cause::Cause;
pub use entry::{Entry, Marks};
pub use fx_rate::NewFxRate;
pub use model_config::{ModelConfigChange, ModelConfigNames, NewModelConfig};
pub use outcome::{KeyClaim, Outcome, Reserved, Settled};
pub use reservation::{Hold, Reservation, ReserveRequest};
pub use settlement::{Adjustment, Settlement};

use crate::types::{
    BudgetId, BudgetTerms, Decimal, ModelConfigId, Money, NewPackage, NewRecharge, PoolId, PoolTerms, PriceId,
    PriceTerms, QuotaTerms, QuotaType, RecoveryPolicy, ReservationId, RouteTerms, SealedSecret, UsageRecordId,
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
    /// Adds a pool, or changes the low-water mark of the one of the same provider and currency. Outcome: [`Outcome::PoolPut`].
    PutPool {
        /// The pool.
        terms: PoolTerms,
        /// The instant.
        now: Timestamp,
    },
    /// Deletes a pool; its recharges stay. Outcome: [`Outcome::Done`].
    DeletePool {
        /// The pool.
        id: PoolId,
    },
    /// Adds to a pool; an order that did so already adds nothing. Outcome: [`Outcome::PoolRecharged`].
    RechargePool {
        /// The recharge.
        recharge: Box<NewRecharge>,
        /// The instant.
        now: Timestamp,
    },
    /// Adds a quota, or changes the one of the same user and type; what was used stays used. Outcome: [`Outcome::QuotaPut`].
    PutQuota {
        /// The quota.
        terms: QuotaTerms,
        /// The instant.
        now: Timestamp,
    },
    /// Adds to the balance of a user's quota, which is made where there is none. Outcome: [`Outcome::QuotaPut`].
    GrantQuota {
        /// The user.
        user: String,
        /// What is granted.
        quota_type: QuotaType,
        /// How much of it.
        amount: Decimal,
        /// A note.
        remark: Option<String>,
        /// The instant.
        now: Timestamp,
    },
    /// Enters a package and adds it to its user's quota; an order that did so already adds nothing. Outcome: [`Outcome::Package`].
    BuyPackage {
        /// The package.
        package: Box<NewPackage>,
        /// The instant.
        now: Timestamp,
    },
    /// Takes a package back from its user's quota, once. Outcome: [`Outcome::Package`].
    RefundPackage {
        /// The order.
        order_id: String,
        /// The instant.
        now: Timestamp,
    },
    /// Holds the worst case of an attempt in every budget, quota and pool that applies, all or nothing. Outcome: [`Outcome::Reserved`], or
    /// [`Outcome::Superseded`] where the configuration is no longer the one that it was planned with.
    Reserve(Box<ReserveRequest>),
    /// Asks the quotas and pools that apply for the room that a reservation takes, and holds nothing. It fails as the reservation would.
    /// Outcome: [`Outcome::Done`].
    AskProvisions(Box<ReserveRequest>),
    /// Makes a reservation a job, which goes on at its provider whatever becomes of this process: recovery settles it no more, and
    /// whoever learns how it ended does. The same id again changes nothing. Outcome: [`Outcome::Done`].
    SubmitJob {
        /// The reservation.
        reservation_id: ReservationId,
        /// What its provider calls it.
        job_id: String,
    },
    /// Makes this handle the only one that asks the provider of a job for it, where no other that lives does.
    /// Outcome: [`Outcome::JobTaken`].
    TakeJob {
        /// The reservation.
        reservation_id: ReservationId,
        /// The instant.
        now: Timestamp,
        /// When another may take it, where the system does not say who is alive.
        until: Timestamp,
    },
    /// Lets others ask for a job. Outcome: [`Outcome::Done`].
    LeaveJob {
        /// The reservation.
        reservation_id: ReservationId,
    },
    /// Writes the usage record of an attempt, moves the balances by the true amount, frees the reservation, updates the
    /// daily rollup and creates the model row if it is new. Where recovery has written the record, corrects that.
    /// Outcome: [`Outcome::Settled`].
    Settle(Box<Settlement>),
    /// Puts a cost on a record that has none, and moves the balances of its budgets. Outcome: [`Outcome::Done`].
    PriceRecord {
        /// The record.
        uid: String,
        /// Its cost.
        cost: Money,
        /// The instant.
        now: Timestamp,
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
        /// When a claim that was never completed lapses, where the system does not say who is alive.
        expires_at: Timestamp,
    },
    /// Gives up a claim of this call, after it failed. Outcome: [`Outcome::Done`].
    ReleaseKey {
        /// The key.
        key: String,
        /// The id of the call that claimed it.
        request_id: String,
    },
    /// Settles the reservations of processes that ended, and frees their idempotency keys; where the system does not say who is
    /// alive, of what has expired. Outcome: [`Outcome::Recovered`].
    Recover {
        /// What to bill them.
        policy: RecoveryPolicy,
        /// The instant.
        now: Timestamp,
    },
    /// Adds the next records to the rollups, however few they are. Outcome: [`Outcome::Digested`].
    Digest,
    /// Removes records that stand in an archive: those of them that were settled before an instant, have their final cost and are counted by
    /// the rollups. What they add up to stays. Outcome: [`Outcome::Forgotten`].
    ForgetArchived {
        /// The records.
        records: Vec<UsageRecordId>,
        /// The instant.
        before: Timestamp,
    },
    /// Writes rows of another file into this one, which is new. Fails with `corrupted_file` if one is not as it was read there; the error
    /// names its line. Outcome: [`Outcome::Done`].
    Bring {
        /// The rows, in the order in which they were read.
        entries: Vec<Entry>,
        /// What the other file says of its records.
        marks: Marks,
        /// The line of the first row.
        first_line: u64,
    },
    /// Ends what [`Operation::Bring`] began, after the last row. Outcome: [`Outcome::Done`].
    EndBringing {
        /// What the other file says of its records.
        marks: Marks,
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
