//! A study that has been checked: what `decide` works on.

use studious_api::{
    StudySpec, TrialSpec,
    study::Scientific,
    validate::{self, Violation},
};

use crate::{rounds, space::Space};

/// A study that has been checked, with its space worked out.
#[derive(Clone, Debug)]
pub struct Plan {
    name: String,
    spec: StudySpec,
    space: Space,
}

/// Where a trial stands in its study.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TrialKey {
    /// Name of the round.
    pub round: String,
    /// Number within the round, from 0.
    pub index: u32,
}

/// A trial to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedTrial {
    /// `<study>-<round>-0007`: a restarted operator can't make the same trial twice.
    pub name: String,
    /// Everything needed to run it.
    pub spec: TrialSpec,
}

impl Plan {
    /// Checks a study.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with the field, the value, the rule and the mend.
    pub fn new(name: &str, spec: &StudySpec) -> Result<Self, Vec<Violation>> {
        let violations = validate::refusals(name, spec);
        if !violations.is_empty() {
            return Err(violations);
        }
        Ok(Self { name: name.to_owned(), spec: spec.clone(), space: Space::new(&spec.hyperparameters) })
    }

    /// The study's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The study as it was given.
    #[must_use]
    pub fn spec(&self) -> &StudySpec {
        &self.spec
    }

    /// Its search space.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Whether every scientific configuration has trials of its own.
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        self.spec.search.scientific == Scientific::Crossed && self.space.has_scientific()
    }

    /// Trials planned in all rounds, retraining included. Fewer may run where a round has fewer points to take.
    #[must_use]
    pub fn total_trials(&self) -> u32 {
        rounds::total_trials(self)
    }

    /// The name of a trial.
    #[must_use]
    pub fn trial_name(&self, key: &TrialKey) -> String {
        format!("{}-{}-{:04}", self.name, key.round, key.index)
    }
}
