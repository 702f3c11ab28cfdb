//! Medians and their spread, as a table.

use std::io::Write as _;

use crate::protocol::{Failure, Measured};

/// What one contestant did in one event.
pub(crate) struct Cell {
    pub(crate) event: &'static str,
    pub(crate) contestant: &'static str,
    pub(crate) rounds: Vec<Measured>,
}

/// The outcome of a group of events.
pub(crate) struct Table<'a> {
    /// The unit of the rate.
    pub(crate) what: &'static str,
    /// The contestants that the others are compared with, each under the title of its column.
    pub(crate) ratios: &'a [(&'static str, &'static str)],
    pub(crate) cells: Vec<Cell>,
}

impl Cell {
    fn rates(&self) -> Vec<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a round has fewer calls than a float counts exactly")]
        let rates = self.rounds.iter().map(|round| round.calls as f64 / round.seconds);
        sorted(rates.collect())
    }

    /// The microseconds of processor time that one call took.
    fn cpu(&self) -> Vec<f64> {
        sorted(self.cpu_of_rounds())
    }

    fn cpu_of_rounds(&self) -> Vec<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a round has fewer calls than a float counts exactly")]
        self.rounds.iter().map(|round| round.cpu_seconds * 1e6 / round.calls as f64).collect()
    }
}

impl Table<'_> {
    pub(crate) fn print(&self) -> Result<(), Failure> {
        let mut event = "";
        let titles: Vec<String> = self.ratios.iter().map(|(title, _)| format!("{title:>12}")).collect();
        say(&format!(
            "\n{:<38}{:>11}{:>20}{:>17}{}",
            "median of the rounds",
            self.what,
            "lowest - highest",
            "client CPU, us",
            titles.concat()
        ))?;
        for cell in &self.cells {
            if cell.event != event {
                event = cell.event;
                say(event)?;
            }
            let rates = cell.rates();
            let spread = format!("{:.0} - {:.0}", first(&rates), first(rates.iter().rev()));
            let ratios: Vec<String> = self.ratios.iter().map(|(_, other)| self.ratio(cell, other)).collect();
            say(&format!(
                "  {:<36}{:>11.0}{:>20}{:>17.1}{}",
                cell.contestant,
                median(&rates),
                spread,
                median(&cell.cpu()),
                ratios.concat(),
            ))?;
        }
        Ok(())
    }

    /// Prints what a part of the work costs that one contestant does so many times more often than another, as medians over the pairs of
    /// rounds.
    pub(crate) fn print_surplus(&self, part: &str, (once, often): (&str, &str), more: f64) -> Result<(), Failure> {
        say(&format!("\nprocessor time of {part}, of each call:"))?;
        for cell in self.cells.iter().filter(|cell| cell.contestant == once) {
            if let Some((cost, whole)) = self.surplus(cell, often, more) {
                say(&format!("  {:<36}{cost:>8.1} us of {whole:>8.1} us{:>8.1} %", cell.event, 100.0 * cost / whole))?;
            }
        }
        Ok(())
    }

    /// Returns what the part costs, and all of the work.
    fn surplus(&self, cell: &Cell, often: &str, more: f64) -> Option<(f64, f64)> {
        let other = self.cells.iter().find(|other| other.event == cell.event && other.contestant == often)?;
        let pairs = cell.cpu_of_rounds().into_iter().zip(other.cpu_of_rounds());
        let costs = pairs.map(|(own, other)| (other - own) / more).collect();
        Some((median(&sorted(costs)), median(&cell.cpu())))
    }

    /// Returns the median rate of a cell over that of another contestant in the same event, as a column.
    fn ratio(&self, cell: &Cell, contestant: &str) -> String {
        let other = self.cells.iter().find(|other| other.event == cell.event && other.contestant == contestant);
        match other {
            Some(other) => format!("{:>12.2}", median(&cell.rates()) / median(&other.rates())),
            None => format!("{:>12}", "-"),
        }
    }
}

/// Prints a line.
pub(crate) fn say(line: &str) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn first<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    values.into_iter().next().copied().unwrap_or(f64::NAN)
}

/// Returns the middle of sorted values, or the mean of the two in the middle.
fn median(values: &[f64]) -> f64 {
    let lower = values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN);
    let upper = values.get(values.len() / 2).copied().unwrap_or(f64::NAN);
    f64::midpoint(lower, upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(&sorted(vec![5.0, 1.0, 3.0])) - 3.0).abs() < f64::EPSILON);
        assert!((median(&sorted(vec![4.0, 1.0, 3.0, 2.0])) - 2.5).abs() < f64::EPSILON);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn rates_and_processor_time_are_per_call() {
        let round = Measured { calls: 200, seconds: 2.0, cpu_seconds: 0.01, records: None };
        let cell = Cell { event: "", contestant: "", rounds: vec![round] };
        assert!((median(&cell.rates()) - 100.0).abs() < 1e-9);
        assert!((median(&cell.cpu()) - 50.0).abs() < 1e-9);
    }

    #[test]
    fn a_part_costs_what_doing_it_more_often_adds() {
        let cell = |contestant, cpu: [f64; 3]| {
            let rounds = cpu.map(|cpu_seconds| Measured { calls: 100, seconds: 1.0, cpu_seconds, records: None });
            Cell { event: "1", contestant, rounds: rounds.to_vec() }
        };
        // 100 us a call once, and 40, 60 and 90 us more for ten times more.
        let cells = vec![cell("once", [0.01, 0.01, 0.01]), cell("often", [0.014, 0.016, 0.019])];
        let table = Table { what: "", ratios: &[], cells };
        let (cost, whole) = table.surplus(&table.cells[0], "often", 10.0).unwrap();
        assert!((cost - 6.0).abs() < 1e-9 && (whole - 100.0).abs() < 1e-9, "{cost} of {whole}");
        assert!(table.surplus(&table.cells[0], "never", 10.0).is_none());
    }

    #[test]
    fn a_ratio_compares_contestants_of_one_event() {
        let cell = |event, contestant, calls| {
            let round = Measured { calls, seconds: 1.0, cpu_seconds: 0.01, records: None };
            Cell { event, contestant, rounds: vec![round] }
        };
        let cells = vec![cell("1", "bare", 400), cell("1", "engine", 100), cell("64", "engine", 300)];
        let table = Table { what: "", ratios: &[], cells };
        assert_eq!(table.ratio(&table.cells[1], "bare").trim(), "0.25");
        assert_eq!(table.ratio(&table.cells[2], "bare").trim(), "-");
    }
}
