//! Findings: conclusions drawn from trials, each with numbers a sceptic could check.
//!
//! Each is computed from the set of trials alone: their order changes nothing. Step budgets are never mixed: the search
//! space is judged by the exploring round with the most results, the answer by the last round that has one. A name under
//! another condition is another hyperparameter, and is looked at by itself.

mod answer;
mod beginnings;
mod best;
mod boundary;
mod brief;
mod budget;
mod caveats;
mod chance;
mod change;
mod checklist;
mod code;
mod constraints;
mod curves;
pub mod detectable;
mod difference;
mod edges;
mod effort;
mod ended_early;
mod exact;
mod examples;
mod feedback;
mod infeasible;
pub(crate) mod lead;
mod needed;
mod noise;
pub(crate) mod policy;
mod power;
pub(crate) mod reading;
mod region;
mod sampling;
mod saturation;
mod settle;
mod trend;
mod uniform;
mod unseen;
mod variance;
mod widen;
pub(crate) mod wording;

#[cfg(test)]
mod contradictions;
#[cfg(test)]
mod false_alarms;
#[cfg(test)]
mod page;
#[cfg(test)]
mod power_recorded;
#[cfg(test)]
mod private_numbers;
#[cfg(test)]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
mod search_tests;
#[cfg(test)]
// Shares of small ranges and places in short lists: exact enough.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) mod simulated;
#[cfg(test)]
mod winners_recorded;

use std::{collections::BTreeMap, fmt::Write as _};

pub use answer::{ArmValue, BestValue, Estimate, Verdict, VerdictKind, verdict};
pub(crate) use answer::{ComparedMeans, RetrainedMean};
pub use best::best;
pub use brief::{Announcement, Brief, CONDITIONS, Claim, Stage, appeared, brief};
pub(crate) use budget::budgets_of;
pub use budget::{BestOf, Budget, QUANTILES, budgets};
pub use change::{Change, Edit};
use checklist::first_sentence;
pub use checklist::{Answer, ArmTuning, Checklist, Question, checklist};
pub(crate) use curves::{BestSteps, breaks_down_early, overfitting_trials, warms_up};
pub(crate) use difference::is_off;
use reading::{Reading, RoundTrials};
pub(crate) use sampling::GoodRegions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub use studious_rules::Severity;
use studious_rules::{
    Rule,
    curves::{GRADIENT_OUTLIERS, INSTABILITY_LIMITS_LR, TRAINING_INSTABILITY, TRAINING_LOSS_RISING},
    search::LEARNING_RATE_STABILITY_EDGE,
};
pub(crate) use wording::number;

use crate::{Plan, record::TrialRecord, trial::judged_by_value};

/// A conclusion drawn from the trials.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
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
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Confidence {
    /// Drawn from an adaptive search, which may have left parts of the space unexplored (requirement R-146).
    Weak,
    /// The playbook calls it an open question, or marks its advice as speculation (requirement R-008).
    OpenQuestion,
    /// Both: an open question, and drawn from an adaptive search.
    WeakOpenQuestion,
}

impl Confidence {
    /// Of what the playbook leaves open.
    fn of_open_question(reading: &Reading<'_>) -> Self {
        if reading.is_adaptive() { Self::WeakOpenQuestion } else { Self::OpenQuestion }
    }

    /// In a sentence or two.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Weak => "Weak evidence: an adaptive search may have left parts of the space unexplored.",
            Self::OpenQuestion => "An open question: there is no certain answer.",
            Self::WeakOpenQuestion => {
                "An open question: there is no certain answer. Weak evidence: an adaptive search may have left parts of the \
                 space unexplored."
            }
        }
    }
}

/// What limits training comes first, but for problems that make results meaningless: it decides what else is worth doing
/// (requirement R-151).
const INSTABILITY: [&Rule; 5] = [
    &INSTABILITY_LIMITS_LR,
    &LEARNING_RATE_STABILITY_EDGE,
    &TRAINING_INSTABILITY,
    &GRADIENT_OUTLIERS,
    &TRAINING_LOSS_RISING,
];

/// All findings of a study, the most severe first. Depends on the set of trials alone, not on their order.
#[must_use]
pub fn findings(plan: &Plan, trials: &[TrialRecord]) -> Vec<Finding> {
    let trials = &*judged_by_value(plan.spec(), trials);
    let reading = Reading::new(plan, trials);
    let mut findings = Vec::new();
    search(&reading, &mut findings);
    curves::examine(&reading, &mut findings);
    conclusions(&reading, &mut findings);
    policy::waive(plan.spec(), &mut findings);
    // Stable: otherwise the order of the playbook's questions.
    findings.sort_by_key(importance);
    settle::settle(plan, &mut findings);
    findings
}

/// Where a finding stands: problems beside the five questions, which make results meaningless, come first; then what limits
/// training, before what it hides, such as overfitting; then all others by their severity.
fn importance(finding: &Finding) -> (u8, std::cmp::Reverse<Severity>) {
    let question = studious_rules::named(&finding.code).and_then(|rule| rule.question);
    let limits_training = INSTABILITY.iter().any(|rule| rule.code == finding.code);
    let tier = match finding.severity {
        Severity::Problem if question.is_none() => 0,
        Severity::Problem | Severity::Warning if limits_training => 1,
        _ => 2,
    };
    (tier, std::cmp::Reverse(finding.severity))
}

/// What the trials say about the search: the space, how it was sampled, what was infeasible.
fn search(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    infeasible::examine(reading, findings);
    boundary::examine(reading, findings);
    sampling::examine(reading, findings);
    uniform::examine(reading, findings);
    effort::examine(reading, findings);
    feedback::examine(reading, findings);
    saturation::examine(reading, findings);
    ended_early::examine(reading, findings);
}

/// What may be concluded, and how sure that is.
fn conclusions(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    best::examine(reading, findings);
    constraints::examine(reading, findings);
    examples::examine(reading, findings);
    code::examine(reading, findings);
    // That arms do not differ is said once all have had their trials; the answer says meanwhile how far it is.
    if !reading.concluding().is_some_and(RoundTrials::goes_on) {
        difference::examine(reading, findings);
    }
    variance::examine(reading, findings);
    caveats::examine(reading, findings);
    caveats::waived_advice(reading, findings);
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
        if let Some(change) = &finding.change {
            let _ = writeln!(text, "         Change: {change}");
        }
        if let Some(reason) = &finding.waived {
            for line in wording::wrap(&format!("Waived: {reason}"), WIDTH) {
                let _ = writeln!(text, "         {line}");
            }
        }
        for line in finding.confidence.iter().flat_map(|confidence| wording::wrap(confidence.words(), WIDTH)) {
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
    /// A finding by a rule, of the rule's default severity.
    fn new(rule: &Rule, advice: String) -> Self {
        Self {
            code: rule.code.to_owned(),
            severity: rule.severity(),
            hyperparameter: None,
            trials: Vec::new(),
            evidence: BTreeMap::new(),
            advice,
            section: rule.section.to_owned(),
            change: None,
            confidence: None,
            waived: None,
        }
    }

    /// Another severity than the rule's default.
    fn graded(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The change that it suggests, if there is one.
    fn suggest(mut self, change: Option<Change>) -> Self {
        self.change = change;
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
