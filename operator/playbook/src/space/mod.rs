//! The search space: dimensions, conditions, transforms.

use studious_api::study::Hyperparameter;

/// A search space that has been checked.
#[derive(Clone, Debug)]
pub struct Space {
    hyperparameters: Vec<Hyperparameter>,
}

impl Space {
    /// From hyperparameters that have been validated.
    #[must_use]
    pub fn new(hyperparameters: &[Hyperparameter]) -> Self {
        Self { hyperparameters: hyperparameters.to_vec() }
    }

    /// Whether any hyperparameter is scientific.
    #[must_use]
    pub fn has_scientific(&self) -> bool {
        self.hyperparameters.iter().any(|h| h.role == studious_api::study::Role::Scientific)
    }
}
