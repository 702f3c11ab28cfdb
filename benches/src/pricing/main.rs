//! Measures pricing on one core: how many usages a second are priced, beside the bare limits of each form of it.
//!
//! Every contestant takes its turn in each round, and medians are printed. Nothing is sent and no file is written.

mod lines;
mod sets;

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tollway::catalog::bundled;

const USAGE: &str = "usage: tollway-pricing-bench [--quick]

  --quick    one short round of each, to see that everything runs; the figures mean nothing
";

/// What is measured: a name, and one unit of work that tells how many usages it priced.
struct Contestant {
    name: &'static str,
    work: Box<dyn FnMut() -> u64>,
    /// Usages a second in each round.
    rates: Vec<f64>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (rounds, length) = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => (7, Duration::from_secs(1)),
        ["--quick"] => (1, Duration::from_millis(50)),
        _ => {
            let _ = write!(std::io::stderr(), "{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    let mut contestants = contestants();
    for _ in 0..rounds {
        for contestant in &mut contestants {
            contestant.rates.push(rate(&mut contestant.work, length));
        }
    }
    let table = report(&mut contestants);
    match std::io::stdout().write_all(table.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn contestants() -> Vec<Contestant> {
    let contestant = |name, work| Contestant { name, work, rates: Vec::new() };
    vec![
        contestant("bare limit: four multiplications of f64", Box::new(sets::bare_floats())),
        contestant("plain prices: input, cached, output, reasoning", Box::new(sets::plain())),
        contestant("tiers by length, four service tiers, a calendar, a modifier", Box::new(sets::conditional())),
        contestant("bare limit: parsing the lines as JSON", Box::new(lines::bare_parse())),
        contestant("tollway cost --jsonl, the same lines", Box::new(lines::command())),
        contestant("bundled catalog: find a model and read its prices", Box::new(catalog_lookups())),
    ]
}

fn catalog_lookups() -> impl FnMut() -> u64 {
    let names: Vec<(String, String)> =
        bundled().offers().step_by(7).map(|offer| (offer.provider, offer.model)).take(256).collect();
    move || {
        for (provider, model) in &names {
            black_box(bundled().find(provider, model));
        }
        names.len() as u64
    }
}

/// Repeats the work for a while, and returns how many usages a second it priced.
fn rate(work: &mut dyn FnMut() -> u64, length: Duration) -> f64 {
    #[expect(clippy::disallowed_methods, reason = "a measurement reads the true clock")]
    let start = Instant::now();
    let mut priced = 0_u64;
    while start.elapsed() < length {
        priced += work();
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate is shown with a few digits")]
    let priced = priced as f64;
    priced / start.elapsed().as_secs_f64()
}

fn report(contestants: &mut [Contestant]) -> String {
    let mut text = String::from("usages a second on one core, median (lowest to highest of the rounds)\n");
    for contestant in contestants {
        contestant.rates.sort_by(f64::total_cmp);
        let rates = &contestant.rates;
        let (lowest, median, highest) = (rates[0], rates[rates.len() / 2], rates[rates.len() - 1]);
        let _ = writeln!(text, "{median:>12.0} ({lowest:.0} to {highest:.0})  {}", contestant.name);
    }
    text
}
