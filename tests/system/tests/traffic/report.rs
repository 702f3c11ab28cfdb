//! What a run found, as a person wants to read it.

use std::collections::BTreeMap;
use std::fmt;

/// How many examples of a kind are told.
const EXAMPLES: usize = 1;

/// One thing that does not hold.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) rule: &'static str,
    /// What was special about the provider.
    pub(crate) kind: String,
    pub(crate) detail: String,
    /// The call, what its provider did, and its records.
    pub(crate) story: String,
    pub(crate) call: Option<usize>,
}

/// What one or several batches found.
#[derive(Default)]
pub(crate) struct Report {
    seed: u64,
    pub(crate) attempts: usize,
    /// How many calls had an answer.
    pub(crate) answered: usize,
    findings: Vec<(u64, Finding)>,
}

impl Report {
    pub(crate) fn of(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    pub(crate) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        let seed = self.seed;
        self.findings.extend(findings.into_iter().map(|finding| (seed, finding)));
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.attempts += other.attempts;
        self.answered += other.answered;
        self.findings.extend(other.findings);
    }

    pub(crate) fn count(&self) -> usize {
        self.findings.len()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: BTreeMap<(&str, &str), Vec<&(u64, Finding)>> = BTreeMap::new();
        for found in &self.findings {
            kinds.entry((found.1.rule, &found.1.kind)).or_default().push(found);
        }
        for ((rule, kind), found) in &kinds {
            writeln!(formatter, "\n{} times: {rule} ({kind})", found.len())?;
            // The shortest story is the easiest to follow.
            let mut shortest = found.clone();
            shortest.sort_by_key(|(_, finding)| finding.story.len());
            for (seed, finding) in shortest.into_iter().take(EXAMPLES) {
                let call = finding.call.map(|call| format!(" TOLLWAY_TRAFFIC_CALL={call}")).unwrap_or_default();
                writeln!(formatter, "  TOLLWAY_TRAFFIC_SEED={seed}{call}: {}\n{}", finding.detail, finding.story)?;
            }
        }
        writeln!(formatter, "{} attempts, {} answers, {} findings", self.attempts, self.answered, self.findings.len())
    }
}
