//! Hyperparameters in the environment, for trainers that can't read `trial.json`.

use studious_api::{Hyperparameters, reserved::hyperparameter_variable};

/// Every active hyperparameter as an environment variable, in the order of names.
pub fn hyperparameter_environment(point: &Hyperparameters) -> impl Iterator<Item = (String, String)> + '_ {
    point.iter().map(|(name, value)| (hyperparameter_variable(name), value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
