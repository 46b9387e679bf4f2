//! Studies for tests.

use studious_api::StudySpec;

use crate::Plan;

/// A plan from the parts of a study that matter to a test: hyperparameters, rounds and whatever else, as YAML.
pub(crate) fn plan(parts: &str) -> Plan {
    let spec = spec(parts);
    Plan::new("digits", &spec).unwrap_or_else(|violations| {
        panic!("{}", violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

/// As [`plan`], unchecked.
pub(crate) fn spec(parts: &str) -> StudySpec {
    let mut fields: serde_yaml::Mapping = serde_yaml::from_str(
        "goal: Which optimizer is best?\n\
         objective: {metric: validation_error, direction: Minimize}\n\
         evaluation: {everySteps: 50}\n\
         trial: {template: {spec: {containers: [{name: trainer, image: trainer}]}}}\n",
    )
    .unwrap();
    fields.extend(serde_yaml::from_str::<serde_yaml::Mapping>(parts).unwrap());
    serde_yaml::from_value(fields.into()).unwrap()
}

/// Two arms with nuisance hyperparameters of their own (requirement R-057); ranges differ by condition.
pub(crate) const NESTEROV_AND_ADAM: &str = "
hyperparameters:
- {name: optimizer, role: Scientific, values: [Nesterov_momentum, Adam]}
- {name: learning_rate, when: {optimizer: [Nesterov_momentum]}, range: {min: 1.0e-3, max: 10, scale: Log}}
- {name: momentum, when: {optimizer: [Nesterov_momentum]}, range: {min: 0.5, max: 0.999, scale: ReverseLog}}
- {name: learning_rate, when: {optimizer: [Adam]}, range: {min: 1.0e-5, max: 1.0e-1, scale: Log}}
- {name: beta1, when: {optimizer: [Adam]}, range: {min: 0.5, max: 0.999, scale: ReverseLog}}
- {name: beta2, when: {optimizer: [Adam]}, range: {min: 0.9, max: 0.9999, scale: ReverseLog}}
- {name: epsilon, when: {optimizer: [Adam]}, range: {min: 1.0e-10, max: 1, scale: Log}}
- {name: batch_size, role: Fixed, value: 128}
rounds:
- {name: explore, trials: 20, maxTrainSteps: 500}
";

/// The study by which the design explains itself: three optimizers, a conditional dimension, whole numbers, two rounds.
pub(crate) const DIGITS: &str = "
hyperparameters:
- {name: optimizer, role: Scientific, values: [sgd, momentum, nesterov]}
- {name: learning_rate, role: Nuisance, range: {min: 1.0e-4, max: 10, scale: Log}}
- {name: one_minus_momentum, role: Nuisance, when: {optimizer: [momentum, nesterov]}, range: {min: 0.001, max: 0.5, scale: Log}}
- {name: width, role: Nuisance, range: {min: 16, max: 256, scale: Log, integer: true}}
- {name: batch_size, role: Fixed, value: 128}
search: {algorithm: QuasiRandom, scientific: Crossed, seed: 1}
schedule: {family: Cosine, base: learning_rate, warmupFraction: 0.05}
rounds:
- {name: explore, trials: 45, maxTrainSteps: 500}
- {name: confirm, trials: 9, maxTrainSteps: 3000, from: {round: explore, best: 3, per: Scientific}}
retrain: {best: 1, times: 5}
parallelism: 4
";

/// One dimension, one round.
pub(crate) const ONE_DIMENSION: &str = "
hyperparameters:
- {name: learning_rate, range: {min: 1.0e-4, max: 10, scale: Log}}
rounds:
- {name: explore, trials: 6, maxTrainSteps: 100}
";
