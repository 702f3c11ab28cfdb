//! What attempts hold of pools, and which pool an attempt is paid from.

use std::time::Duration;

use jiff::Timestamp;

use super::balance::{self, Bucket, Changes};
use crate::budget::admission::Verdict;
use crate::budget::pool::{check_pool_price, describe_pool, holding, payer, weigh_pool};
use crate::store::ledger::Ledger;
use crate::store::{Hold, ReserveRequest};
use crate::types::{AccountId, Error, ErrorKind, Money, Result};

/// Works out what the pools of the provider hold, and their balances after that. Fails if none has room.
pub(super) fn hold(
    ledger: &Ledger<'_>,
    request: &ReserveRequest,
    changes: &mut Changes,
    retry_after: Duration,
) -> Result<Vec<Hold>> {
    let Some(provisions) = ledger.provisions() else { return Ok(Vec::new()) };
    let (demand, pools) = (request.demand(), provisions.pools_of(&request.provider));
    let closes = check_pool_price(&demand, pools)?;
    let rates = |from, to| ledger.exchange(from, to, request.now);
    let mut holds = Vec::new();
    let mut refused = None;
    for pool in holding(&demand, pools, &rates)? {
        let account = AccountId::Pool(pool.id);
        let bucket = Bucket::new(account, "", None);
        let balance = balance::read(ledger, &bucket)?;
        let Verdict { amount, unit, exchange, refusal } = weigh_pool(&demand, pool, &balance, &rates)?;
        if let Some(refusal) = refusal {
            let error = Error::new(ErrorKind::PoolExhausted, format!("{} {}", describe_pool(pool), refusal.why))
                .with_target(&request.provider, &request.model)
                .with_retry_after(refusal.is_held.then_some(retry_after))
                .with_retryable(Some(refusal.is_held));
            refused.get_or_insert(error);
            continue;
        }
        changes.hold(ledger, &bucket, (amount, closes), None)?;
        holds.push(Hold { account, part: String::new(), bucket: None, unit, amount, closes, exchange });
    }
    match refused {
        Some(error) if holds.is_empty() => Err(error),
        _ => Ok(holds),
    }
}

/// Returns the holds of an attempt that what it cost is counted in: of pools, only the one that pays.
pub(super) fn paying<'h>(
    ledger: &Ledger<'_>,
    holds: &'h [Hold],
    cost: Option<Money>,
    at: Timestamp,
) -> impl Fn(&Hold) -> bool + use<'h> {
    let pools: Vec<&Hold> = holds.iter().filter(|hold| matches!(hold.account, AccountId::Pool(_))).collect();
    let currencies: Vec<_> = pools.iter().filter_map(|hold| hold.unit.currency()).collect();
    let payer = cost.and_then(|cost| {
        let converts = |place: usize| {
            let (hold, currency) = (pools[place], currencies[place]);
            hold.exchange.is_some() || ledger.exchange(cost.currency, currency, at).is_some()
        };
        payer(cost.currency, &currencies, converts).and_then(|place| pools.get(place)).map(|hold| hold.account)
    });
    move |hold| cost.is_none() || !matches!(hold.account, AccountId::Pool(_)) || Some(hold.account) == payer
}
