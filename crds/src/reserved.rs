//! Names, paths and ports that Studious uses in the pod of a trial. Validation refuses templates that use them, and the
//! controller, the agent and local runs use these constants: what is used and what is refused can't differ.

/// Name of the sidecar container.
pub const AGENT_CONTAINER: &str = "studious-agent";
/// Names of containers and volumes that start with this are reserved.
pub const NAME_PREFIX: &str = "studious-";
/// Port at which the agent serves `/metrics`.
pub const AGENT_PORT: u16 = 9464;
/// What lies here and below is mounted by Studious.
pub const MOUNT: &str = "/studious";
/// The trial directory in a pod.
pub const TRIAL_DIR: &str = "/studious/trial";
/// Where the agent finds the downward API's file, in a pod.
pub const DOWNWARD_DIR: &str = "/studious/downward";
/// Where the agent finds its token, in a pod.
pub const TOKEN_DIR: &str = "/studious/token";
/// Where the agent finds the certificate authorities that it trusts.
pub const CA_DIR: &str = "/studious/ca";
/// This host's folder on the checkpoint claim for lines that could not be delivered. The agent alone sees it.
pub const SPOOL_DIR: &str = "/studious/spool";

/// The environment variable with the trial directory.
pub const TRIAL_DIR_VARIABLE: &str = "STUDIOUS_TRIAL_DIR";
/// The environment variable with the host's index, as an Indexed Job names it.
pub const HOST_VARIABLE: &str = "JOB_COMPLETION_INDEX";
/// Variables that a trainer has besides those of its hyperparameters, and what each holds, in the order in which they stand.
pub const TRAINER_VARIABLES: [(&str, &str); 17] = [
    (TRIAL_DIR_VARIABLE, "the trial directory"),
    ("STUDIOUS_CHECKPOINTS", "its folder `checkpoints`, where this host saves"),
    ("STUDIOUS_RESTORE", "its folder `restore`, with host 0's checkpoints; empty before the first"),
    ("STUDIOUS_STUDY", "`study`"),
    ("STUDIOUS_ROUND", "`round`"),
    ("STUDIOUS_TRIAL", "`name`"),
    ("STUDIOUS_ATTEMPT", "`attempt`"),
    ("STUDIOUS_MAX_TRAIN_STEPS", "`maxTrainSteps`"),
    ("STUDIOUS_EVALUATE_EVERY_STEPS", "`evaluation.everySteps`"),
    ("STUDIOUS_CHECKPOINT_EVERY_STEPS", "`checkpoint.everySteps`; missing where the study has no `checkpoint`"),
    ("STUDIOUS_SEED_INIT", "`seeds.init`"),
    ("STUDIOUS_SEED_DATA", "`seeds.data` of host 0, on every host"),
    ("STUDIOUS_SEED_SPLIT", "`seeds.split`"),
    ("STUDIOUS_HOST_COUNT", "`host.count`"),
    ("STUDIOUS_COORDINATOR", "`host.coordinator`, as `HOST:PORT`; missing for one host"),
    ("STUDIOUS_HOST_INDEX", "`host.index`"),
    (HOST_VARIABLE, "`host.index`, as an Indexed Job names it"),
];
/// Environment variables that start with this are reserved.
pub const VARIABLE_PREFIX: &str = "STUDIOUS_";
/// Prefix of the environment variables with hyperparameters.
pub const HYPERPARAMETER_PREFIX: &str = "HP_";

/// Whether an environment variable, or a prefix of some, is set by Studious.
#[must_use]
pub fn is_reserved_variable(name: &str) -> bool {
    name.starts_with(VARIABLE_PREFIX) || name.starts_with(HYPERPARAMETER_PREFIX) || name == HOST_VARIABLE
}

/// The environment variable of a hyperparameter: `learning_rate` → `HP_LEARNING_RATE`. What is neither letter nor digit
/// becomes `_`.
#[must_use]
pub fn hyperparameter_variable(hyperparameter: &str) -> String {
    let name = hyperparameter.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    format!("{HYPERPARAMETER_PREFIX}{}", name.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_upper_case_and_plain() {
        assert_eq!(hyperparameter_variable("one_minus_momentum"), "HP_ONE_MINUS_MOMENTUM");
        assert_eq!(hyperparameter_variable("l2.weight"), "HP_L2_WEIGHT");
    }
}
