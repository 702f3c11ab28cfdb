//! The verbs about usage records.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tollway::client::Tollway;
use tollway::report::{SummaryQuery, SummaryRow};
use tollway::types::{
    CostStatus, Currency, Error, ErrorKind, Money, RecordOrder, RecordStatus, Result, UsageFilter, UsagePage,
};

use super::exact::Exact;
use super::table::verbs;

const DEFAULT_LIMIT: usize = 100;

verbs! {
    /// Returns a page of records, in the order of the times at which they were settled; 100 where no limit is given.
    ///
    /// A cursor belongs to the order in which it was given.
    ///
    /// * `invalid_request` if the cursor or a field of the selection is wrong.
    "usage.records" => records(RecordsArguments) -> UsagePage;
    /// Returns groups of records with exact totals per currency, those that cost the most first.
    ///
    /// Days and months come in their order.
    ///
    /// * `invalid_request` if a name in `by` or a field of the selection is wrong.
    "usage.summary" => summary(SummaryArguments) -> Vec<SummaryRow>;
    /// Puts a cost on a record that has none, by its row or its uid, and moves the balances of its budgets.
    ///
    /// * `not_found` if there is no such record.
    /// * `invalid_request` if the record has a cost already, or the amount is not exact.
    "usage.price"(uid, amount, currency) => price(PriceArguments) -> ();
}

/// Which page of usage records to read.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "RecordsOptions"))]
#[serde(deny_unknown_fields)]
pub(super) struct RecordsArguments {
    /// Which records.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(extend("spread" = true)))]
    filter: UsageFilter,
    /// The most records of the page; 100 where left out.
    #[serde(default)]
    limit: Option<usize>,
    /// What the page before it ended with.
    #[serde(default)]
    cursor: Option<String>,
    /// In which order; in that of the times at which they were settled where left out.
    #[serde(default)]
    order: Option<RecordOrder>,
}

/// How to group usage records.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SummaryOptions"))]
#[serde(deny_unknown_fields)]
pub(super) struct SummaryArguments {
    /// `model`, `provider`, `user`, `day`, `month`, `status`, `cost_status`, `currency` or `tag:KEY`, or several of them.
    #[serde(default, deserialize_with = "one_or_several")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<String>>", extend("format" = "texts")))]
    by: Vec<String>,
    /// The IANA time zone in which days and months begin; UTC where left out.
    #[serde(default)]
    time_zone: Option<String>,
    /// Which records.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(extend("spread" = true)))]
    filter: UsageFilter,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct PriceArguments {
    /// The record.
    #[cfg_attr(feature = "schema", schemars(extend("argument" = "record", "row" = "UsageRecord")))]
    uid: String,
    /// What it cost.
    amount: Exact,
    /// The currency of the amount.
    currency: Currency,
}

/// Which usage records to look at, apart from when.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("noun" = "usage")))]
#[serde(deny_unknown_fields, default)]
pub(super) struct RecordFilter {
    /// Only those of a user.
    user: Option<String>,
    /// Only those with all these tags.
    tags: BTreeMap<String, String>,
    /// Only those of a provider.
    provider: Option<String>,
    /// Only those of a model, as `provider/model` or the bare name.
    model: Option<String>,
    /// Only those of one call.
    request_id: Option<String>,
    /// Only those with a status.
    status: Option<RecordStatus>,
    /// Only those with a cost status.
    cost_status: Option<CostStatus>,
}

impl From<RecordFilter> for UsageFilter {
    fn from(filter: RecordFilter) -> Self {
        let RecordFilter { user, tags, provider, model, request_id, status, cost_status } = filter;
        Self { user, tags, provider, model, request_id, status, cost_status, since: None, until: None }
    }
}

/// Reads names: one of them, or an array of them.
fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Vec<String>, D::Error> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = Vec<String>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an array of names, or one name")
        }

        fn visit_str<E: serde::de::Error>(self, name: &str) -> std::result::Result<Vec<String>, E> {
            Ok(vec![name.to_owned()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> std::result::Result<Vec<String>, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(names))
        }
    }
    deserializer.deserialize_any(Names)
}

pub(super) async fn records(client: &Tollway, arguments: RecordsArguments) -> Result<UsagePage> {
    let limit = arguments.limit.unwrap_or(DEFAULT_LIMIT);
    if limit == 0 {
        return Err(Error::new(ErrorKind::InvalidRequest, "usage.records: limit must be at least 1"));
    }
    client.usage_records_in(arguments.order.unwrap_or_default(), arguments.filter, arguments.cursor, limit).await
}

pub(super) async fn summary(client: &Tollway, arguments: SummaryArguments) -> Result<Vec<SummaryRow>> {
    let query = SummaryQuery { by: arguments.by, time_zone: arguments.time_zone, filter: arguments.filter };
    client.usage_summary(query).await
}

pub(super) async fn price(client: &Tollway, arguments: PriceArguments) -> Result<()> {
    client.price_record(&arguments.uid, Money::new(arguments.amount.0, arguments.currency)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::parse;

    #[test]
    fn a_summary_takes_one_name_or_several() {
        let by = |text: &str| parse::<SummaryArguments>("usage.summary", text).map(|arguments| arguments.by);
        assert_eq!(by(r#"{"by": "day"}"#).unwrap(), ["day"]);
        assert_eq!(by(r#"{"by": ["day", "user"]}"#).unwrap(), ["day", "user"]);
        assert!(by("{}").unwrap().is_empty());
        let error = by(r#"{"by": 5}"#).unwrap_err();
        assert_eq!(
            &*error.detail,
            "usage.summary: by: invalid type: integer `5`, expected an array of names, or one name"
        );
    }

    #[test]
    fn a_record_filter_selects_without_instants() {
        let filter: UsageFilter = parse::<RecordFilter>("prices.rerate", r#"{"user": "alice"}"#).unwrap().into();
        assert_eq!(filter, UsageFilter { user: Some("alice".to_owned()), ..UsageFilter::default() });
        assert!(parse::<RecordFilter>("prices.rerate", r#"{"since": "2026-01-01T00:00:00Z"}"#).is_err());
    }
}
