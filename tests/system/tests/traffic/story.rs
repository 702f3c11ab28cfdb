//! What happened in one call, told to a person.

use std::fmt::{Result, Write as _};

use super::check::{Seen, Violation};
use super::report::Finding;

/// Makes what a run reports of a violation.
pub(crate) fn finding(violation: Violation, seen: &Seen<'_>) -> Finding {
    let mut story = String::new();
    tell(seen, &mut story).expect("a text takes whatever is written");
    let Violation { rule, kind, detail } = violation;
    Finding { rule, kind, detail, story, call: Some(seen.call.number) }
}

fn tell(seen: &Seen<'_>, story: &mut String) -> Result {
    writeln!(story, "    {}", seen.call.words())?;
    for exchange in seen.exchanges {
        writeln!(story, "    {} got a request: {}", exchange.config, exchange.script.words())?;
        let (written, gap) = (exchange.written, exchange.longest_gap);
        writeln!(story, "      written {written} bytes, longest gap {gap:?}; {:?}", exchange.deed())?;
    }
    for record in seen.records {
        writeln!(
            story,
            "    record {}: {}/{} {:?} {:?} {:?} {:?}, usage {:?}, flags {:?}, error {:?} {:?}, {} ms",
            record.attempt,
            record.provider,
            record.model,
            record.status,
            record.billed_by,
            record.cost_amount,
            record.cost_status,
            record.usage.meters,
            record.usage.flags,
            record.error_code,
            record.error_message,
            record.latency_ms
        )?;
    }
    let outcome = seen.outcome;
    writeln!(story, "    the app got after {:?}: {:?} {:?}", outcome.elapsed, outcome.reply, outcome.error)
}
