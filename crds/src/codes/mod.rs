//! The codes of findings: part of the API, since studies waive them, status and alerts show them, and scripts match them.
//!
//! What raises each is in the crate `studious-playbook`. A code is never renamed, and never takes another meaning.

pub mod curves;
pub mod search;

use crate::thresholds::Threshold;

/// The five questions that are answered before a study's goal is judged (requirement R-065), the first with number 1.
pub const QUESTIONS: [&str; 5] = [
    "Is the search space large enough?",
    "Were enough points of the search space sampled?",
    "What fraction of the trials was infeasible?",
    "Does training have optimization issues?",
    "What do the training curves of the best trials show?",
];

/// What is known of a finding before it is raised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Code {
    /// The code itself, such as `SearchSpaceTooNarrow`.
    pub name: &'static str,
    /// `Info`, `Warning` or `Problem`, or two of them where it depends.
    pub severity: &'static str,
    /// The one of the five questions that it speaks to, 1 to 5. A warning or problem fails that question.
    pub question: Option<u8>,
    /// What it means, as a sentence.
    pub meaning: &'static str,
    /// The playbook's section.
    pub section: &'static str,
    /// The thresholds it rests on.
    pub thresholds: &'static [&'static Threshold],
}

/// All codes: those about the search, then those about curves.
pub fn all() -> impl Iterator<Item = &'static Code> {
    search::ALL.iter().chain(curves::ALL)
}

/// The code of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Code> {
    all().find(|code| code.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::thresholds;

    #[test]
    fn codes_are_unique_and_complete() {
        let names: BTreeSet<_> = all().map(|c| c.name).collect();
        assert_eq!(names.len(), all().count());
        for code in all() {
            assert!(code.meaning.ends_with('.') && !code.section.is_empty(), "{code:?}");
            assert!(code.question.is_none_or(|q| (1..=5).contains(&q)), "{code:?}");
            let severities = ["Info", "Warning", "Problem"];
            assert!(code.severity.split(" or ").all(|s| severities.contains(&s)), "{code:?}");
        }
    }

    #[test]
    fn every_threshold_serves_a_code() {
        for threshold in thresholds::all() {
            assert!(all().any(|code| code.thresholds.contains(&threshold)), "{threshold:?} serves nothing");
        }
    }
}
