//! Findings: conclusions drawn from trials, each with numbers a sceptic could check.
//!
//! Each is computed from the set of trials alone: their order changes nothing. Step budgets are never mixed: the search
//! space is judged by the exploring round with the most results, the answer by the last round that has one. A name under
//! another condition is another hyperparameter, and is looked at by itself.

mod best;
mod boundary;
mod caveats;
mod change;
mod curves;
mod exact;
mod infeasible;
mod noise;
mod policy;
pub(crate) mod reading;
mod sampling;
mod variance;
pub(crate) mod wording;

#[cfg(test)]
mod false_alarms;
#[cfg(test)]
// Shares of small ranges and places in short lists: exact enough.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) mod simulated;

use std::{collections::BTreeMap, fmt::Write as _};

pub use best::best;
pub use change::Change;
use reading::Reading;
use serde::{Deserialize, Serialize};

pub use wording::number;

use crate::{Plan, record::TrialRecord};

/// A conclusion drawn from the trials.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Finding {
    /// Stable code, such as `SearchSpaceTooNarrow`.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// The hyperparameter it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hyperparameter: Option<String>,
    /// The trials it speaks of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trials: Vec<String>,
    /// The numbers behind it.
    pub evidence: BTreeMap<String, f64>,
    /// What was found and what to do, in a sentence or two.
    pub advice: String,
    /// The playbook's section.
    pub section: String,
    /// The change to the study that it suggests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// Why its advice is less sure than others', if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
    /// Why it is set aside, where `spec.policy.waive` does so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived: Option<String>,
}

/// Why a finding is less sure than its words.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Confidence {
    /// Drawn from an adaptive search, which may have left parts of the space unexplored (requirement R-146).
    Weak,
    /// The playbook calls it an open question (requirement R-008).
    OpenQuestion,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Conclusions are weaker for it.
    Warning,
    /// Conclusions should not be drawn before it is mended.
    Problem,
}

/// The chance at which a study without any signal may raise a finding that rests on a test.
const FALSE_ALARMS: f64 = 0.05;
/// How many of the best trials are looked at for the edges of the search space.
const BEST_FOR_EDGES: usize = 3;
/// How many of the best trials are "the best few" whose curves are examined.
pub(crate) const BEST_FEW: usize = 5;

/// All findings of a study, the most severe first. Depends on the set of trials alone, not on their order.
#[must_use]
pub fn findings(plan: &Plan, trials: &[TrialRecord]) -> Vec<Finding> {
    let reading = Reading::new(plan, trials);
    let mut findings = Vec::new();
    infeasible::examine(&reading, &mut findings);
    boundary::examine(&reading, &mut findings);
    sampling::examine(&reading, &mut findings);
    curves::examine(&reading, &mut findings);
    best::examine(&reading, &mut findings);
    variance::examine(&reading, &mut findings);
    caveats::examine(&reading, &mut findings);
    policy::waive(plan.spec(), &mut findings);
    // Stable: within a severity, the order of the playbook's questions.
    findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
    findings
}

/// Findings in plain words, as a terminal shows them.
#[must_use]
pub fn text(findings: &[Finding]) -> String {
    const WIDTH: usize = 96;
    let mut text = String::new();
    for finding in findings {
        let severity = match finding.severity {
            Severity::Info => "info   ",
            Severity::Warning => "WARNING",
            Severity::Problem => "PROBLEM",
        };
        // Writing to a String can't fail.
        let _ = writeln!(text, "{severity}  {}", finding.code);
        for line in wording::wrap(&finding.advice, WIDTH) {
            let _ = writeln!(text, "         {line}");
        }
        let _ = writeln!(text, "         Playbook: {}", finding.section);
    }
    if !findings.is_empty() {
        text.push_str(
            "\nSections are those of the Deep Learning Tuning Playbook (Godbole, Dahl, Gilmer, Shallue, Nado, 2023,\n\
             https://github.com/google/tuning_playbook, CC BY 4.0), adapted here; its authors endorse nothing of this.\n",
        );
    }
    text
}

impl Finding {
    fn new(code: &str, severity: Severity, section: &str, advice: String) -> Self {
        Self {
            code: code.to_owned(),
            severity,
            hyperparameter: None,
            trials: Vec::new(),
            evidence: BTreeMap::new(),
            advice,
            section: section.to_owned(),
            change: None,
            confidence: None,
            waived: None,
        }
    }

    /// The change that it suggests.
    fn suggest(mut self, change: Change) -> Self {
        self.change = Some(change);
        self
    }

    fn of(mut self, hyperparameter: &str) -> Self {
        self.hyperparameter = Some(hyperparameter.to_owned());
        self
    }

    /// A number of the evidence. One that is not finite can't be written as JSON and says nothing: it is left out.
    fn with(mut self, name: impl Into<String>, number: f64) -> Self {
        if number.is_finite() {
            self.evidence.insert(name.into(), number);
        }
        self
    }

    fn about<'a>(mut self, trials: impl IntoIterator<Item = &'a TrialRecord>) -> Self {
        self.trials = trials.into_iter().map(|t| t.name.clone()).filter(|name| !name.is_empty()).collect();
        self
    }
}
