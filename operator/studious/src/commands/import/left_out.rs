//! Trials that are not imported: what has no result and no whole point blocks nothing, what is wrong blocks all unless the
//! command line says otherwise.

use std::collections::BTreeSet;

use studious_playbook::numbers::count;

use super::{ImportProblem, listed};

/// Why there is no trial.
#[derive(Debug)]
pub(super) enum NoTrial {
    /// It contradicts the study or itself.
    Wrong(Vec<ImportProblem>),
    /// It came to nothing, and lacks hyperparameters, as runs that only hold others together do.
    Incomplete(String, Vec<ImportProblem>),
    /// Neither an objective nor a word says how it ended.
    Endless(String, ImportProblem),
}

/// All that were left out.
#[derive(Debug, Default)]
pub(super) struct OmittedTrials {
    incomplete: BTreeSet<String>,
    endless: BTreeSet<String>,
    /// What is wrong with those that block nothing while others remain.
    harmless: Vec<ImportProblem>,
    wrong: Vec<ImportProblem>,
    wrong_trials: usize,
}

impl OmittedTrials {
    pub(super) fn push(&mut self, why: NoTrial) {
        match why {
            NoTrial::Wrong(problems) => {
                self.wrong.extend(problems);
                self.wrong_trials += 1;
            }
            NoTrial::Incomplete(name, problems) => {
                self.incomplete.insert(name);
                self.harmless.extend(problems);
            }
            NoTrial::Endless(name, problem) => {
                self.endless.insert(name);
                self.harmless.push(problem);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.wrong.is_empty() && self.harmless.is_empty()
    }

    /// What is wrong with what belongs to no trial.
    pub(super) fn push_problems(&mut self, problems: Vec<ImportProblem>) {
        self.wrong.extend(problems);
    }

    /// What keeps the import from being written. `skips` trials that are wrong; where none `is_left`, nothing is harmless.
    pub(super) fn errors(&self, skips: bool, is_left: bool) -> Vec<ImportProblem> {
        let wrong = if skips && is_left { &[] } else { self.wrong.as_slice() };
        let harmless = if is_left { &[] } else { self.harmless.as_slice() };
        wrong.iter().chain(harmless).cloned().collect()
    }

    /// What is wrong, whether it keeps the import from being written or not.
    pub(super) fn wrong(&self) -> &[ImportProblem] {
        &self.wrong
    }

    /// The sentences. `noun` is what a trial is made of: a row, a folder.
    pub(super) fn sentences(&self, noun: &str) -> Vec<String> {
        let mut notes = Vec::new();
        for (names, why) in [
            (&self.incomplete, "without all hyperparameters and without a result"),
            (
                &self.endless,
                "without an objective and a word of how the trial ended (--without-objective says what they are)",
            ),
        ] {
            if !names.is_empty() {
                notes.push(format!("{} left out, {why}: {}", were(names.len(), noun), listed(names)));
            }
        }
        if self.wrong_trials > 0 {
            notes.push(format!("{} left out for the errors above (--skip-invalid)", were(self.wrong_trials, noun)));
        }
        notes
    }
}

fn were(n: usize, noun: &str) -> String {
    format!("{} {}", count(n, noun), if n == 1 { "was" } else { "were" })
}
