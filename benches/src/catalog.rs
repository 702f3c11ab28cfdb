//! Opening the bundled catalog, beside reading the same offers as one JSON document.

use std::hint::black_box;
use std::io::Write as _;
use std::time::Duration;

use tollway::catalog::{Catalog, bundled_text};
use tollway::environment::{Environment, SystemEnvironment};
use tollway::types::PriceBook;

use crate::protocol::Failure;

/// The offer that is looked up, which stands late in the text.
const WANTED: (&str, &str) = ("zhipu", "glm-4.6");

/// Measures in turns and prints the medians; `quick` does few rounds.
pub(crate) fn run(quick: bool) -> Result<(), Failure> {
    let rounds = if quick { 3 } else { 101 };
    let catalog = Catalog::from_text(bundled_text())?;
    catalog.verify()?;
    let document = serde_json::to_string(&PriceBook { offers: catalog.offers().collect() })?;
    let (mut lines, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        lines.push(timed(|| Catalog::from_text(bundled_text()).ok()?.find(WANTED.0, WANTED.1))?);
        whole.push(timed(|| {
            let book: PriceBook = serde_json::from_str(&document).ok()?;
            book.offers.into_iter().find(|offer| (offer.provider.as_str(), offer.model.as_str()) == WANTED)
        })?);
    }
    let mut output = std::io::stdout();
    writeln!(output, "{} offers, medians of {rounds} rounds, each with one look-up", catalog.len())?;
    for (name, times, bytes) in
        [("catalog, by lines", lines, bundled_text().len()), ("one JSON document", whole, document.len())]
    {
        writeln!(output, "{name:18} {:>8.3} ms {bytes:>9} bytes", median(times).as_secs_f64() * 1_000.0)?;
    }
    Ok(())
}

/// Times work that must find something.
fn timed<T>(work: impl FnOnce() -> Option<T>) -> Result<Duration, Failure> {
    let clock = SystemEnvironment;
    let start = clock.monotonic();
    let found = black_box(work());
    let time = clock.monotonic().saturating_sub(start);
    found.map(|_| time).ok_or_else(|| Failure::new("the catalog does not have the offer that is looked up"))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
