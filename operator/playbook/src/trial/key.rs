//! Where a trial belongs in its study.

use studious_api::TrialSpec;

/// The position of a trial in its study: no two trials of a study share one.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TrialKey {
    /// Name of the round.
    pub round: String,
    /// Number within the round, from 0.
    pub index: u32,
}

impl TrialKey {
    /// The key that a trial's spec names.
    #[must_use]
    pub fn of(spec: &TrialSpec) -> Self {
        Self { round: spec.round.clone(), index: spec.index }
    }
}

/// A trial to be created.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedTrial {
    /// `<study>-<round>-0007`: a restarted operator cannot create the same trial twice.
    pub name: String,
    /// Everything needed to run it.
    pub spec: TrialSpec,
}

impl PlannedTrial {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> TrialKey {
        TrialKey::of(&self.spec)
    }
}
