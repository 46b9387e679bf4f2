//! The rules of thumb behind findings: each is a number with a name, the playbook's where it gives one, that a study can
//! override in `spec.policy.thresholds` with a reason (requirement R-007).

pub mod curves;
pub mod search;

use crate::StudySpec;

/// A number that findings rest on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// Its name in `spec.policy.thresholds`.
    pub name: &'static str,
    /// The value unless a study says otherwise.
    pub default: f64,
    /// The smallest value that makes sense.
    pub least: f64,
    /// The largest one.
    pub most: f64,
    /// Whether it counts something.
    pub whole: bool,
    /// Whether the default is the playbook's number; else it is ours.
    pub playbook: bool,
    /// What it means, as a noun phrase.
    pub meaning: &'static str,
}

impl Threshold {
    /// The value in a study.
    #[must_use]
    pub fn of(&self, spec: &StudySpec) -> f64 {
        let thresholds = spec.policy.as_ref().map(|policy| &policy.thresholds);
        thresholds.and_then(|all| all.get(self.name)).map_or(self.default, |given| given.value)
    }

    /// The value in a study, of a threshold that counts something.
    #[must_use]
    // Validation holds it between `least` and `most`, whole.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn count_of(&self, spec: &StudySpec) -> usize {
        self.of(spec).clamp(self.least, self.most).round() as usize
    }
}

/// A share or another real number.
const fn real(
    name: &'static str,
    default: f64,
    (least, most): (f64, f64),
    playbook: bool,
    meaning: &'static str,
) -> Threshold {
    Threshold { name, default, least, most, whole: false, playbook, meaning }
}

/// A count.
const fn whole(
    name: &'static str,
    default: f64,
    (least, most): (f64, f64),
    playbook: bool,
    meaning: &'static str,
) -> Threshold {
    Threshold { name, default, least, most, whole: true, playbook, meaning }
}

/// All thresholds: those of the search, then those of curves.
pub fn all() -> impl Iterator<Item = &'static Threshold> {
    search::ALL.iter().chain(curves::ALL).copied()
}

/// The threshold of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Threshold> {
    all().find(|threshold| threshold.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_defaults_make_sense() {
        let names: BTreeSet<_> = all().map(|t| t.name).collect();
        assert_eq!(names.len(), all().count());
        for threshold in all() {
            assert!((threshold.least..=threshold.most).contains(&threshold.default), "{threshold:?}");
            assert!(!threshold.whole || threshold.default.fract() == 0.0, "{threshold:?}");
            assert_eq!(named(threshold.name), Some(threshold));
        }
    }
}
