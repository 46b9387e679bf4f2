//! Hyperparameters in the environment, for trainers that can't read `trial.json`.

use studious_api::Hyperparameters;

/// `learning_rate` → `HP_LEARNING_RATE`. Whatever is neither letter nor digit becomes `_`.
#[must_use]
pub fn environment_name(hyperparameter: &str) -> String {
    let name = hyperparameter.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    format!("HP_{}", name.collect::<String>())
}

/// Every active hyperparameter as an environment variable, in the order of names.
pub fn hyperparameter_environment(point: &Hyperparameters) -> impl Iterator<Item = (String, String)> + '_ {
    point.iter().map(|(name, value)| (environment_name(name), value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_upper_case_and_plain() {
        assert_eq!(environment_name("one_minus_momentum"), "HP_ONE_MINUS_MOMENTUM");
        assert_eq!(environment_name("l2.weight"), "HP_L2_WEIGHT");
    }

    #[test]
    fn values_print_as_a_shell_would_want_them() {
        let point: Hyperparameters =
            [("lr".into(), 1e-5.into()), ("opt".into(), "sgd".into()), ("width".into(), 64_i64.into())].into();
        let env: Vec<_> = hyperparameter_environment(&point).collect();
        assert_eq!(
            env,
            [("HP_LR", "1e-5"), ("HP_OPT", "sgd"), ("HP_WIDTH", "64")].map(|(k, v)| (k.to_owned(), v.to_owned()))
        );
    }
}
