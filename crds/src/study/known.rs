//! What the registry knows of a study's hyperparameters.

use studious_rules::registry::{
    self, HyperparameterCategory, KnownHyperparameter, KnownOptimizer, OPTIMIZER, optimizer_named,
};

use super::{Hyperparameter, StudySpec};
use crate::HyperparameterValue;

impl StudySpec {
    /// The registry's entry of each hyperparameter, in their order: the one that the study says, or by its name, or else by
    /// what the program calls it. Unknown ones have none. Of one of a category that no entry of its name has, what is known of
    /// all in that category.
    #[must_use]
    pub fn known(&self) -> Vec<Option<&'static KnownHyperparameter>> {
        let names =
            |called: fn(&Hyperparameter) -> &str| -> Vec<&str> { self.hyperparameters.iter().map(called).collect() };
        let has_optimizer = self.has_optimizer();
        let by_name = registry::known_together(&names(|h| &h.name), has_optimizer);
        let by_alias = registry::known_together(&names(Hyperparameter::program_name), has_optimizer);
        let of_names = by_name.into_iter().zip(by_alias).map(|(name, alias)| name.or(alias));
        self.hyperparameters.iter().zip(of_names).map(|(h, of_name)| h.declared(of_name)).collect()
    }

    /// Whether the study names an optimizer that is known: in a choice of optimizer, or as the one of a hyperparameter.
    fn has_optimizer(&self) -> bool {
        let named = |h: &Hyperparameter| h.optimizer_of.as_deref().is_some_and(|name| optimizer_named(name).is_some());
        self.hyperparameters.iter().any(|h| named(h) || (h.is_choice_of_optimizer() && !h.optimizers().is_empty()))
    }
}

impl Hyperparameter {
    /// The values that it may have, where they are listed: those of a list, or the one that is held.
    pub fn listed(&self) -> impl Iterator<Item = &HyperparameterValue> {
        self.values.iter().flatten().chain(&self.value)
    }

    /// Whether its values are optimizers.
    #[must_use]
    pub fn is_choice_of_optimizer(&self) -> bool {
        self.declared(registry::known(&self.name)).is_some_and(|entry| entry.id == OPTIMIZER.id)
    }

    /// Its entry, by what the study declares beside its name, which may have one.
    fn declared(&self, of_name: Option<&'static KnownHyperparameter>) -> Option<&'static KnownHyperparameter> {
        let entry = self.known_as.as_deref().and_then(registry::entry).or(of_name);
        let optimizers = || self.optimizer_of.as_ref().map(|_| HyperparameterCategory::Optimizer);
        match self.category.or_else(optimizers) {
            Some(category) if entry.is_none_or(|entry| entry.category != category) => {
                Some(registry::of_category(category))
            }
            _ => entry,
        }
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
