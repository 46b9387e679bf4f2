//! A study that has been checked: what `decide` works on.

use std::sync::OnceLock;

use studious_api::{
    Hyperparameters, StudySpec,
    study::{Algorithm, Scientific, Search},
    validate::{self, Violation},
};

use studious_rules::registry::KnownHyperparameter;

use crate::{
    advice,
    rounds::{self, Fresh, Shortfall},
    space::{Space, SpaceError},
    trial::TrialKey,
};

/// A study that has been checked, with its space worked out.
#[derive(Clone, Debug)]
pub struct Plan {
    name: String,
    spec: StudySpec,
    space: Space,
    /// Of a Grid: the space with its ranges divided.
    grid: Option<Space>,
    /// What the registry knows of its hyperparameters, in their order.
    known: Vec<Option<&'static KnownHyperparameter>>,
    /// Worked out when first asked for.
    fresh: OnceLock<Fresh>,
}

impl Plan {
    /// Checks a study.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with the field, the value, the rule and the fix.
    pub fn new(name: &str, spec: &StudySpec) -> Result<Self, Vec<Violation>> {
        let mut violations = validate::refusals(name, spec);
        if violations.is_empty() {
            violations = advice::refusals(spec);
        }
        if !violations.is_empty() {
            return Err(violations);
        }
        Self::of_valid(name, spec)
    }

    /// Of a study that is valid by itself: whether it follows the playbook is not looked at.
    pub(crate) fn of_valid(name: &str, spec: &StudySpec) -> Result<Self, Vec<Violation>> {
        let constraints = spec.comparisons();
        let space = Space::constrained(&spec.hyperparameters, &constraints).map_err(|error| vec![violation(&error)])?;
        let grid = (spec.search.algorithm == Algorithm::Grid)
            .then(|| Space::constrained(&spec.searched(), &constraints))
            .transpose()
            .map_err(|error| vec![violation(&error)])?;
        let known = spec.known();
        let plan = Self { name: name.to_owned(), spec: spec.clone(), space, grid, known, fresh: OnceLock::new() };
        if plan.is_crossed() && plan.space.configurations().is_none() {
            return Err(vec![Violation {
                field: "spec.hyperparameters".to_owned(),
                value: String::new(),
                rule: "the combinations of scientific values can't be listed, or are more than any round has trials"
                    .to_owned(),
                fix: "List fewer values, or set spec.search.scientific to Sampled.".to_owned(),
                code: None,
            }]);
        }
        Ok(plan)
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

    /// What the registry knows of the hyperparameter of a name; nothing where it is unknown.
    #[must_use]
    pub fn known(&self, name: &str) -> Option<&'static KnownHyperparameter> {
        self.spec.hyperparameters.iter().position(|h| h.name == name).and_then(|i| self.known[i])
    }

    /// Whether the hyperparameter of a name is the one of an entry.
    pub(crate) fn is_known(&self, name: &str, entry: &KnownHyperparameter) -> bool {
        self.known(name).is_some_and(|known| known.id == entry.id)
    }

    /// Its search space.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The space whose points are tried: of a Grid that of its levels.
    #[must_use]
    pub fn searched(&self) -> &Space {
        self.grid.as_ref().unwrap_or(&self.space)
    }

    /// That the space has fewer points than trials were asked, if it has.
    #[must_use]
    pub fn shortfall(&self) -> Option<&Shortfall> {
        self.fresh().shortfall().filter(|_| !self.awaits_points())
    }

    /// Whether its points are to be taken of another study first ([`crate::search::Taken`]): until then there is nothing
    /// to do.
    #[must_use]
    pub fn awaits_points(&self) -> bool {
        self.spec.search.points_from.is_some()
    }

    /// The points of all fresh rounds.
    pub(crate) fn fresh(&self) -> &Fresh {
        self.fresh.get_or_init(|| Fresh::new(self))
    }

    /// Whether every scientific configuration has an equal share of the trials. Who lists points gives each its own.
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        is_crossed(&self.spec.search, &self.space)
    }

    /// The scientific configurations that have trials of their own; `None` when the study isn't crossed.
    #[must_use]
    pub fn arms(&self) -> Option<&[Hyperparameters]> {
        self.space.configurations().filter(|_| self.is_crossed())
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

/// Whether every scientific configuration of a space has an equal share of the trials.
pub(crate) fn is_crossed(search: &Search, space: &Space) -> bool {
    search.scientific == Scientific::Crossed && search.algorithm != Algorithm::Manual && space.has_scientific()
}

fn violation(error: &SpaceError) -> Violation {
    Violation {
        field: format!("spec.hyperparameters[{}]", error.index()),
        value: String::new(),
        rule: error.to_string(),
        fix: "Fix its range, values or condition.".to_owned(),
        code: None,
    }
}
