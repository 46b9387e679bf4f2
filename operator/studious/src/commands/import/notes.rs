//! What a reader of the result should know: what was left out, and what was taken for what.

use std::collections::BTreeMap;

use studious_playbook::{
    Plan,
    numbers::{count, number},
    record::{Outcome, TrialRecord},
    trial,
};

use super::options::WithoutObjective;

/// How many trials must share a value for it to look like one that a logger wrote.
const MANY: usize = 3;

/// What was left out, and what was taken for what.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Hyperparameters with values at points where they don't exist, and how often.
    pub idle: BTreeMap<String, usize>,
    /// Hyperparameters with values that differ from one of the study in the last digits, and how often.
    pub settled: BTreeMap<String, usize>,
    /// Hyperparameters whose empty cells were given a value, and how often.
    pub filled: BTreeMap<String, usize>,
    /// Metrics of constraints that are NaN or infinite, and how often.
    pub non_finite: BTreeMap<String, usize>,
    /// Trials that ended well and have no objective.
    pub without_objective: usize,
    /// Trials that Optuna records as failed without an objective.
    pub failed_in_optuna: usize,
    /// Other sentences.
    pub others: Vec<String>,
}

impl Notes {
    /// Counts a name.
    pub(super) fn tally(counts: &mut BTreeMap<String, usize>, names: impl IntoIterator<Item = String>) {
        for name in names {
            *counts.entry(name).or_default() += 1;
        }
    }

    /// The sentences. `noun` is what a trial is made of: a row, a folder.
    pub(super) fn sentences(self, noun: &str, without: Option<WithoutObjective>) -> Vec<String> {
        let mut notes = self.others;
        for (name, n) in self.idle {
            notes.push(format!(
                "{name} has a value in {} at whose point it doesn't exist; it was left out",
                count(n, noun)
            ));
        }
        for (name, n) in self.settled {
            notes.push(format!(
                "{name} differs in the last digits from a value or boundary of the study in {}; the study's was taken",
                count(n, noun)
            ));
        }
        for (name, n) in self.filled {
            notes.push(format!("{name} is empty in {}; it was given the value of --empty", count(n, noun)));
        }
        for (name, n) in self.non_finite {
            notes.push(format!("{name} is not finite in {}, which violates its constraint", count(n, noun)));
        }
        if self.without_objective > 0 {
            let (word, fix) = match without {
                None | Some(WithoutObjective::Failed) => {
                    ("failed", ". If NaN was written as an empty cell, give --without-objective infeasible")
                }
                Some(WithoutObjective::Infeasible) => ("infeasible", ""),
                Some(WithoutObjective::Pending) => ("pending", ""),
            };
            notes.push(format!(
                "{} ended well without an objective, taken as {word}{fix}",
                count(self.without_objective, noun)
            ));
        }
        if self.failed_in_optuna > 0 && without.is_none() {
            notes.push(format!(
                "{} in the state FAIL, taken as failed. Optuna records an objective of NaN so; if the trials diverged, give \
                 --without-objective infeasible",
                are(self.failed_in_optuna, noun)
            ));
        }
        notes
    }
}

fn are(n: usize, noun: &str) -> String {
    format!("{} {}", count(n, noun), if n == 1 { "is" } else { "are" })
}

/// What looks wrong of all trials together.
pub(super) fn suspicions(plan: &Plan, trials: &[TrialRecord]) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(contradictions(plan, trials));
    let objectives: Vec<f64> = trials.iter().filter_map(TrialRecord::objective).collect();
    if let [first, rest @ ..] = objectives.as_slice()
        && objectives.len() >= MANY
        && rest.iter().all(|other| other.to_bits() == first.to_bits())
    {
        let (n, value) = (count(objectives.len(), "trial"), number(*first));
        notes.push(format!("the objective of all {n} is {value}: a logger may have written it in place of a result"));
    } else {
        notes.extend(beginnings(plan, trials));
    }
    notes
}

/// Objectives that are not what the study selects of their curves.
pub(crate) fn contradictions(plan: &Plan, trials: &[TrialRecord]) -> Option<String> {
    let contradicting = trials.iter().filter_map(|trial| Some((trial, trial::contradicting(plan, trial)?)));
    let contradicting: Vec<_> = contradicting.collect();
    let (first, (step, value)) = contradicting.first()?;
    let name = if first.name.is_empty() { "one" } else { &first.name };
    Some(format!(
        "the objective of {} differs from what the study selects of the trial's curve (of {name} {} at step {step}, where the \
         objective is {}); the objective was kept",
        count(contradicting.len(), "trial"),
        number(*value),
        number(first.objective().unwrap_or_default())
    ))
}

/// Trials whose objective is the first value of their curve, which others share, and which nothing later reaches.
fn beginnings(plan: &Plan, trials: &[TrialRecord]) -> Option<String> {
    let metric = &plan.spec().objective.metric;
    let mut by_value: BTreeMap<(u64, u64), usize> = BTreeMap::new();
    for trial in trials {
        let Outcome::Succeeded { objective, step: Some(step) } = trial.outcome else { continue };
        let Some([(first, _), rest @ ..]) = trial.curves.get(metric).map(Vec::as_slice) else { continue };
        let is_alone = rest.iter().all(|(_, value)| value.to_bits() != objective.to_bits());
        if step == *first && !rest.is_empty() && is_alone {
            *by_value.entry((step, objective.to_bits())).or_default() += 1;
        }
    }
    let ((step, bits), n) = by_value.into_iter().max_by_key(|(_, n)| *n).filter(|(_, n)| *n >= 2)?;
    Some(format!(
        "{} have the same objective, {} at step {step}, better than all that follows: a logger may have written it before \
         training. --from-step {} leaves it out",
        count(n, "trial"),
        number(f64::from_bits(bits)),
        step + 1
    ))
}
