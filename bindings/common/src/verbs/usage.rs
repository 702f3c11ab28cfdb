//! The verbs about usage records.

use serde::Deserialize;
use tollway::client::Tollway;
use tollway::report::{SummaryQuery, SummaryRow};
use tollway::types::{Currency, Error, ErrorKind, Money, RecordOrder, Result, UsageFilter, UsagePage};

use super::exact::Exact;

const DEFAULT_LIMIT: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordsArguments {
    #[serde(default)]
    filter: UsageFilter,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    order: RecordOrder,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SummaryArguments {
    #[serde(default)]
    by: Vec<String>,
    #[serde(default)]
    time_zone: Option<String>,
    #[serde(default)]
    filter: UsageFilter,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceArguments {
    uid: String,
    amount: Exact,
    currency: Currency,
}

pub(super) async fn records(client: &Tollway, arguments: RecordsArguments) -> Result<UsagePage> {
    let limit = arguments.limit.unwrap_or(DEFAULT_LIMIT);
    if limit == 0 {
        return Err(Error::new(ErrorKind::InvalidRequest, "usage.records: limit must be at least 1"));
    }
    client.usage_records_in(arguments.order, arguments.filter, arguments.cursor, limit).await
}

pub(super) async fn summary(client: &Tollway, arguments: SummaryArguments) -> Result<Vec<SummaryRow>> {
    let query = SummaryQuery { by: arguments.by, time_zone: arguments.time_zone, filter: arguments.filter };
    client.usage_summary(query).await
}

pub(super) async fn price(client: &Tollway, arguments: PriceArguments) -> Result<()> {
    client.price_record(&arguments.uid, Money::new(arguments.amount.0, arguments.currency)).await
}
