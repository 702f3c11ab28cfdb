//! The operations. Each checks everything before it changes anything, so that a refused one leaves no trace.

mod adjust;
mod archive;
mod balance;
mod budgets;
mod configs;
mod counted;
mod fx_rates;
mod jobs;
mod journal;
mod keys;
mod late;
mod pool_holds;
mod pools;
mod prices;
mod quota_holds;
mod quotas;
mod recover;
mod released;
mod reserve;
mod routes;
mod settle;
mod take_back;

pub(super) use self::archive::is_final;
use self::prices::Replaced;
pub(super) use self::take_back::take_back;
use super::ledger::Ledger;
use super::rollup::digest;
use super::used::Used;
use super::{Operation, Outcome, transfer};
use crate::types::{Error, ErrorKind, Result, UsageRecordId};

/// Applies an operation to the tables of a transaction.
///
/// What a new budget begins with may have been worked out before; where that does not stand any more, nothing changes, and the outcome is
/// [`Outcome::Superseded`].
pub(super) fn apply(ledger: &mut Ledger<'_>, operation: Operation, used: Option<Used>) -> Result<Outcome> {
    match operation {
        Operation::TakeModelConfigId { names } => configs::take_id(ledger, &names).map(Outcome::ModelConfigIdTaken),
        Operation::AddModelConfig { id, config, prices, now } => {
            configs::add(ledger, id, *config, &prices, now).map(Outcome::ModelConfigAdded)
        }
        Operation::UpdateModelConfig { id, change, now } => configs::update(ledger, id, *change, now).map(done),
        Operation::DeleteModelConfig { id } => configs::delete(ledger, id).map(done),
        Operation::ReplaceSealedKeys { keys } => configs::replace_sealed_keys(ledger, keys).map(done),
        Operation::AddPrices { model_config_id, prices, replaces_meters, now } => {
            let replaced = if replaces_meters { Replaced::Meters } else { Replaced::Slots };
            prices::add(ledger, model_config_id, &prices, replaced, now).map(Outcome::PricesAdded)
        }
        Operation::ReplacePrices { model_config_id, prices, now } => {
            prices::add(ledger, model_config_id, &prices, Replaced::All, now).map(Outcome::PricesAdded)
        }
        Operation::ExpirePrice { id, at, now } => prices::expire(ledger, id, at, now).map(done),
        Operation::AddFxRate { rate, now } => fx_rates::add(ledger, rate, now).map(Outcome::FxRateAdded),
        Operation::PutRoute { terms, now } => routes::put(ledger, &terms, now).map(done),
        Operation::DeleteRoute { name } => routes::delete(ledger, &name).map(done),
        Operation::PutBudget { terms, now } => {
            budgets::put(ledger, &terms, now, used).map(|id| id.map_or(Outcome::Superseded, Outcome::BudgetPut))
        }
        Operation::DeleteBudget { id } => budgets::delete(ledger, id).map(done),
        Operation::PutPool { terms, now } => pools::put(ledger, &terms, now).map(Outcome::PoolPut),
        Operation::DeletePool { id } => pools::delete(ledger, id).map(done),
        Operation::RechargePool { recharge, now } => {
            pools::recharge(ledger, *recharge, now).map(|recharge| Outcome::PoolRecharged(Box::new(recharge)))
        }
        Operation::PutQuota { terms, now } => quotas::put(ledger, &terms, now).map(Outcome::QuotaPut),
        Operation::GrantQuota { user, quota_type, amount, remark, now } => {
            quotas::grant(ledger, (&user, quota_type), amount, remark, now).map(Outcome::QuotaPut)
        }
        Operation::BuyPackage { package, now } => {
            quotas::buy(ledger, *package, now).map(|package| Outcome::Package(Box::new(package)))
        }
        Operation::RefundPackage { order_id, now } => {
            quotas::refund(ledger, &order_id, now).map(|package| Outcome::Package(Box::new(package)))
        }
        Operation::Reserve(request) if request.planned_with.is_some_and(|version| version != ledger.version()) => {
            Ok(Outcome::Superseded)
        }
        Operation::Reserve(request) => reserve::reserve(ledger, *request).map(Outcome::Reserved),
        Operation::AskProvisions(request) => reserve::ask_provisions(ledger, &request).map(done),
        Operation::SubmitJob { reservation_id, job_id } => jobs::submit(ledger, reservation_id, job_id).map(done),
        Operation::TakeJob { reservation_id, now, until } => {
            jobs::take(ledger, reservation_id, now, until).map(Outcome::JobTaken)
        }
        Operation::LeaveJob { reservation_id } => jobs::leave(ledger, reservation_id).map(done),
        Operation::Settle(settlement) => settle::settle(ledger, *settlement).map(Outcome::Settled),
        Operation::PriceRecord { uid, cost, now } => settle::price_record(ledger, &uid, cost, now).map(done),
        Operation::Adjust(adjustment) => adjust::adjust(ledger, *adjustment).map(Outcome::Adjusted),
        Operation::ClaimKey { key, fingerprint, former, request_id, now, expires_at } => {
            let claim = keys::Claim { key, fingerprint, former, request_id, now, expires_at };
            keys::claim(ledger, claim).map(Outcome::KeyClaim)
        }
        Operation::ReleaseKey { key, request_id } => keys::release(ledger, &key, &request_id).map(done),
        Operation::Digest => {
            if ledger.state().digested() < ledger.state().head().record {
                digest::digest(ledger)?;
            }
            Ok(Outcome::Digested { more: ledger.state().digested() < ledger.state().head().record })
        }
        Operation::ForgetArchived { records, before } => {
            let ids: Vec<u64> = records.into_iter().map(UsageRecordId::get).collect();
            archive::forget(ledger, &ids, before).map(Outcome::Forgotten)
        }
        Operation::Bring { entries, marks, first_line } => {
            transfer::bring(ledger, &entries, marks, first_line).map(done)
        }
        Operation::EndBringing { marks } => transfer::end(ledger, marks).map(done),
        Operation::Recover { policy, now } => recover::recover(ledger, policy, now).map(Outcome::Recovered),
        Operation::PutMeta { key, replace: false, .. } if ledger.meta(&key)?.is_some() => Ok(Outcome::Done),
        Operation::PutMeta { key, value, .. } => ledger.put_meta(&key, &value).map(done),
    }
}

fn done((): ()) -> Outcome {
    Outcome::Done
}

fn not_found(what: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("{what} does not exist; list what there is and name one of them"))
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidRequest, detail)
}
