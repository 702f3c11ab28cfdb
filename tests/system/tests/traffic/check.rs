//! What must hold of every call, whatever its provider did.

use std::time::Duration;

use rust_decimal::Decimal;
use tollway::types::{BilledBy, RecordStatus, UsageRecord};

use super::body::Kind;
use super::call::{Call, Way};
use super::nowhere::Nowhere;
use super::outcome::{Outcome, Told, reads_as};
use super::script::{Answered, Deed};
use super::server::Exchange;

/// How much later than its deadline a call may end on a busy machine.
pub(crate) const GRACE: Duration = Duration::from_secs(5);
/// How long a stream may stay silent.
pub(crate) const IDLE: Duration = Duration::from_millis(600);

/// Something that does not hold.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) rule: &'static str,
    /// What its provider did.
    pub(crate) kind: String,
    pub(crate) detail: String,
}

/// A call, what its app got, what the ledger has of it, and what its provider saw.
pub(crate) struct Seen<'a> {
    pub(crate) call: &'a Call,
    pub(crate) outcome: &'a Outcome,
    /// In the order of the attempts.
    pub(crate) records: &'a [UsageRecord],
    /// In the order in which they came.
    pub(crate) exchanges: &'a [Exchange],
    pub(crate) nowhere: &'a Nowhere,
    /// Whether every request that came is among the exchanges.
    pub(crate) all_came_whole: bool,
}

/// What is known of one attempt's request.
enum Request<'a> {
    NotSent,
    Came(&'a Exchange),
    /// It may have been sent, or not.
    Unknown,
}

impl Seen<'_> {
    pub(crate) fn violations(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        let whole = self.exchanges.last().map_or_else(|| self.call.candidates.join(" "), Exchange::kind);
        let mut add = |rule: &'static str, kind: &str, detail: String| {
            violations.push(Violation { rule, kind: kind.to_owned(), detail });
        };
        let mut say = |rule: &'static str, detail: String| add(rule, &whole, detail);
        if !self.outcome.has_left && self.outcome.elapsed >= self.call.timeout + GRACE {
            say("no call hangs beyond its timeout", format!("it ended after {:?}", self.outcome.elapsed));
        }
        let requests = self.requests();
        for exchange in self.exchanges {
            let of_config = |record: &&UsageRecord| name(record) == exchange.config;
            let records = self.records.iter().filter(of_config).count();
            let came = self.exchanges.iter().filter(|other| other.config == exchange.config).count();
            if came > records {
                let detail = format!("{came} requests came to {}, {records} are recorded", exchange.config);
                say("each request that is sent has a record", detail);
                break;
            }
        }
        if let Some(reply) = &self.outcome.reply {
            for detail in self.disagreements(reply) {
                say("reply and record agree", detail);
            }
        }
        for (record, request) in self.records.iter().zip(&requests) {
            let kind = match request {
                Request::Came(exchange) => exchange.kind(),
                Request::NotSent => format!("{}, {:?}", record.model, record.status),
                Request::Unknown => continue,
            };
            if let Some((rule, detail)) = self.billed_wrongly(record, request) {
                add(rule, &kind, format!("attempt {}: {detail}", record.attempt));
            }
            if let Request::Came(exchange) = request
                && let Deed::Answered(answered) = exchange.deed()
                && let Some(detail) = self.read_wrongly(record, exchange, &answered)
            {
                add("an answer that came is read", &kind, format!("attempt {}: {detail}", record.attempt));
            }
        }
        if let Some((exchange, detail)) = self.repeated_wrongly(&requests) {
            add("nothing is repeated that can have been charged", &exchange.kind(), detail);
        }
        violations
    }

    /// Finds the request of each record: those to one config come in the order of its attempts.
    fn requests(&self) -> Vec<Request<'_>> {
        let request = |(place, record): (usize, &UsageRecord)| match record.model.as_str() {
            "refusing" => Request::NotSent,
            "deaf" if self.nowhere.is_deaf => Request::NotSent,
            "deaf" | "slamming" => Request::Unknown,
            _ => {
                let earlier = self.records[..place].iter().filter(|other| name(other) == name(record)).count();
                let mut of_config = self.exchanges.iter().filter(|exchange| exchange.config == name(record));
                match of_config.nth(earlier) {
                    Some(exchange) => Request::Came(exchange),
                    None if self.all_came_whole => Request::NotSent,
                    None => Request::Unknown,
                }
            }
        };
        self.records.iter().enumerate().map(request).collect()
    }

    fn billed_wrongly(&self, record: &UsageRecord, request: &Request<'_>) -> Option<(&'static str, String)> {
        let is_free = record.billed_by == BilledBy::NotBilled && record.cost_amount == Some(Decimal::ZERO);
        // A request that is passed on has no price, and says so.
        let has_cost = match self.call.way {
            Way::Passed => record.cost_amount.is_none(),
            _ => record.cost_amount.is_some_and(|cost| cost > Decimal::ZERO),
        };
        let is_billed = record.billed_by != BilledBy::NotBilled && has_cost;
        let billed = format!("{:?} {:?} {:?}", record.billed_by, record.cost_amount, record.cost_status);
        let exchange = match request {
            Request::Unknown => return None,
            Request::NotSent if is_free => return None,
            Request::NotSent => return Some(("what was not sent costs nothing", billed)),
            Request::Came(exchange) => exchange,
        };
        let has_ended_by_itself = record.status == RecordStatus::Failed && self.call.way != Way::Passed;
        match exchange.deed() {
            Deed::Answered(answered) if must_be_billed(&answered) && !is_billed => {
                Some(("an answer that was produced is not free", billed))
            }
            Deed::Answered(answered) if is_known_as_free(&answered) && has_ended_by_itself && !is_free => {
                Some(("what is no answer costs nothing", billed))
            }
            Deed::Answered(answered) if is_known_as_page(&answered) && has_ended_by_itself => {
                let detail = record.error_message.clone().unwrap_or_default();
                (!detail.contains("base_url")).then_some(("a page is an error that names base_url", detail))
            }
            Deed::Refused { is_whole: true } if has_ended_by_itself && !is_free => {
                Some(("a refusal costs nothing", billed))
            }
            _ => None,
        }
    }

    fn read_wrongly(&self, record: &UsageRecord, exchange: &Exchange, answered: &Answered) -> Option<String> {
        let expected = exchange.script.body.expected.as_ref()?;
        let is_slow = exchange.longest_gap > IDLE / 2 || exchange.took > self.call.timeout / 2;
        let has_time = self.call.timeout > Duration::from_millis(1_500) && !is_slow;
        if !answered.must_be_read || self.outcome.has_left || !has_time {
            return None;
        }
        if record.status != RecordStatus::Success {
            let error = record.error_message.as_deref().unwrap_or_default();
            return Some(format!("it came whole, and the record says {:?}: {error}", record.status));
        }
        if let Some((input, output)) = expected.usage {
            let known = (record.usage.input_tokens(), record.usage.output_tokens());
            if known != (Some(input), Some(output)) {
                return Some(format!("it took {input} and {output} tokens, and the record says {known:?}"));
            }
        }
        let reply = self.outcome.reply.as_ref().filter(|_| record.attempt as usize == self.records.len())?;
        if !reads_as(&reply.text, &expected.text) {
            return Some(format!("its text is {:?}, and the reply's {:?}", expected.text, reply.text));
        }
        let calls = reply.calls.as_ref().filter(|calls| **calls != expected.calls)?;
        Some(format!("its calls are {:?}, and the reply's {calls:?}", expected.calls))
    }

    fn repeated_wrongly<'a>(&self, requests: &[Request<'a>]) -> Option<(&'a Exchange, String)> {
        for (place, (record, request)) in self.records.iter().zip(requests).enumerate() {
            let Request::Came(exchange) = request else { continue };
            let may_be_charged = match exchange.deed() {
                // An error that is cut short can be known as one already.
                Deed::Answered(answered) => !answered.has_failed && answered.kind != Kind::Error,
                Deed::StayedSilent => true,
                Deed::BrokeOff | Deed::Refused { .. } => false,
            };
            let again = self.records[place + 1..].iter().find(|later| name(later) == name(record));
            if let Some(again) = again.filter(|_| may_be_charged) {
                let detail = format!("attempt {} repeats attempt {}", again.attempt, record.attempt);
                return Some((exchange, detail));
            }
        }
        None
    }

    fn disagreements(&self, reply: &Told) -> Vec<String> {
        let mut found = Vec::new();
        let of_records: Vec<_> = self
            .records
            .iter()
            .map(|record| {
                (
                    record.uid.as_str(),
                    record.attempt,
                    record.status,
                    record.cost_amount,
                    record.cost_status,
                    record.error_code.as_deref(),
                )
            })
            .collect();
        let of_reply: Vec<_> = reply
            .attempts
            .iter()
            .map(|attempt| {
                (
                    attempt.record_uid.as_str(),
                    attempt.number,
                    attempt.status,
                    attempt.cost,
                    attempt.cost_status,
                    attempt.error_code.as_deref(),
                )
            })
            .collect();
        if of_records != of_reply {
            found.push(format!("records {of_records:?}, attempts {of_reply:?}"));
        }
        let cost: Option<Decimal> = self.records.iter().map(|record| record.cost_amount).sum();
        if cost != reply.cost {
            found.push(format!("the records cost {cost:?}, the reply {:?}", reply.cost));
        }
        let Some(last) = self.records.last() else { return found };
        if (last.request_id.as_str(), last.cost_status) != (reply.request_id.as_str(), reply.cost_status) {
            found.push(format!(
                "{} {:?}, {} {:?}",
                last.request_id, last.cost_status, reply.request_id, reply.cost_status
            ));
        }
        if reply.usage.as_ref().is_some_and(|usage| *usage != last.usage) {
            found.push(format!("the record used {:?}, the reply {:?}", last.usage, reply.usage));
        }
        if let Some(streamed) = self.outcome.streamed.as_ref().filter(|streamed| **streamed != reply.text) {
            found.push(format!("the pieces are {streamed:?}, the reply's text is {:?}", reply.text));
        }
        found
    }
}

fn must_be_billed(answered: &Answered) -> bool {
    let is_empty_body = answered.visible == 0 && answered.is_ended;
    match answered.kind {
        Kind::Answer => answered.is_produced || !(answered.may_be_free || is_empty_body || answered.has_failed),
        Kind::Error => answered.is_produced,
        Kind::Page | Kind::Nothing | Kind::Strange => false,
    }
}

fn is_known_as_free(answered: &Answered) -> bool {
    match answered.kind {
        Kind::Error => answered.has_failed && !answered.may_be_free,
        Kind::Page => answered.is_whole,
        Kind::Answer | Kind::Nothing | Kind::Strange => false,
    }
}

fn is_known_as_page(answered: &Answered) -> bool {
    answered.kind == Kind::Page && answered.is_whole && answered.is_ended
}

fn name(record: &UsageRecord) -> String {
    format!("{}/{}", record.provider, record.model)
}
