//! What the registry knows of a study's hyperparameters.

use studious_rules::registry::{self, KnownHyperparameter, KnownOptimizer, OPTIMIZER, optimizer_named};

use super::{Hyperparameter, StudySpec};
use crate::HyperparameterValue;

impl StudySpec {
    /// The registry's entry of each hyperparameter, in their order: by its name, or else by what the program calls it.
    /// Unknown ones have none.
    #[must_use]
    pub fn known(&self) -> Vec<Option<&'static KnownHyperparameter>> {
        let names =
            |called: fn(&Hyperparameter) -> &str| -> Vec<&str> { self.hyperparameters.iter().map(called).collect() };
        let has_optimizer = self.has_optimizer();
        let by_name = registry::known_together(&names(|h| &h.name), has_optimizer);
        let by_alias = registry::known_together(&names(Hyperparameter::program_name), has_optimizer);
        by_name.into_iter().zip(by_alias).map(|(name, alias)| name.or(alias)).collect()
    }

    /// The optimizers among the values of a hyperparameter: none where it is not the choice of optimizer.
    fn has_optimizer(&self) -> bool {
        self.hyperparameters.iter().any(|h| registry::is_known(&h.name, &OPTIMIZER) && !h.optimizers().is_empty())
    }
}

impl Hyperparameter {
    /// The values that it may have, where they are listed: those of a list, or the one that is held.
    pub fn listed(&self) -> impl Iterator<Item = &HyperparameterValue> {
        self.values.iter().flatten().chain(&self.value)
    }

    /// Whether it has more than one value in the study.
    #[must_use]
    pub fn varies(&self) -> bool {
        let has_several = self.values.as_ref().is_some_and(|values| values.len() > 1);
        self.range.is_some() || has_several || self.expression.is_some()
    }

    /// The optimizers that its values name.
    #[must_use]
    pub fn optimizers(&self) -> Vec<&'static KnownOptimizer> {
        self.listed().filter_map(HyperparameterValue::as_text).filter_map(optimizer_named).collect()
    }
}
