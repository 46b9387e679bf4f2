//! What a study itself declares about a hyperparameter that the registry does not know by its name.

use super::{
    HyperparameterCategory, KnownHyperparameter, architecture, data, hyperparameters, initialization, optimizer,
    regularization, schedule,
};

/// The entry with this id, such as `learning_rate`.
#[must_use]
pub fn entry(id: &str) -> Option<&'static KnownHyperparameter> {
    hyperparameters().find(|entry| entry.id == id)
}

/// What is known of any hyperparameter of a category, and no more.
#[must_use]
pub fn of_category(category: HyperparameterCategory) -> &'static KnownHyperparameter {
    match category {
        HyperparameterCategory::Optimizer => &optimizer::ANY,
        HyperparameterCategory::Schedule => &schedule::ANY,
        HyperparameterCategory::Regularization => &regularization::ANY,
        HyperparameterCategory::Architecture => &architecture::ANY,
        HyperparameterCategory::Initialization => &initialization::ANY,
        HyperparameterCategory::Data => &data::ANY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_by_id_and_every_category_has_one_of_no_name() {
        for known in hyperparameters() {
            assert_eq!(entry(known.id), Some(known));
        }
        assert_eq!(entry("lr"), None);
        for category in HyperparameterCategory::ALL {
            let any = of_category(category);
            assert_eq!(any.category, category);
            assert!(any.id.is_empty() && !any.called.is_empty() && any.range.is_none() && any.spellings.is_empty());
        }
    }
}
