//! What a study says of a hyperparameter whose name doesn't: `knownAs`, `category`, `optimizerOf`.

use super::{RATE, Sketch};

/// A study of these, of which the code speaks or not.
#[track_caller]
fn says(code: &str, hyperparameters: &[&str]) -> bool {
    Sketch::of(hyperparameters).says(code)
}

#[test]
fn a_hyperparameter_is_what_it_is_known_as() {
    let tuned = |more: &str| format!("{{name: q, values: [64, 128]{more}}}");
    assert!(!says("BatchSizeTuned", &[RATE, &tuned("")]));
    assert!(says("BatchSizeTuned", &[RATE, &tuned(", knownAs: batch_size")]));
    // It is told apart from what its name would be.
    assert!(says("BatchSizeTuned", &[RATE, "{name: bs, values: [64, 128]}"]));
    assert!(!says("BatchSizeTuned", &[RATE, "{name: bs, knownAs: num_layers, values: [64, 128]}"]));
    // A rate of another name is tuned, or not.
    let depth = "{name: num_layers, role: Scientific, values: [2, 4]}";
    let held = "{name: nu, knownAs: learning_rate, role: Fixed, value: 0.1}";
    assert!(says("OptimizerNotTuned", &[depth, held]));
    assert!(!says("OptimizerNotTuned", &[depth, "{name: nu, role: Fixed, value: 0.1}"]));
    // The choice of optimizer by another name.
    let choice = "{name: method, role: Fixed, value: adam}";
    assert!(!says("OptimizerHyperparameterMissing", &[choice, RATE]));
    assert!(says("OptimizerHyperparameterMissing", &[&choice.replace("role", "knownAs: optimizer, role"), RATE]));
}

#[test]
fn a_category_says_what_holds_of_all_its_hyperparameters() {
    let compared = |more: &str| format!("{{name: mixing, role: Scientific, values: [0.1, 0.2, 0.4]{more}}}");
    assert!(!says("RegularizationStrengthScientific", &[RATE, &compared("")]));
    assert!(says("RegularizationStrengthScientific", &[RATE, &compared(", category: Regularization")]));
    assert!(!says("OptimizerParamScientific", &[RATE, &compared("")]));
    assert!(says("OptimizerParamScientific", &[RATE, &compared(", category: Optimizer")]));
    // A learning rate that is held is unfair to two architectures.
    let pooling = |more: &str| format!("{{name: pooling, role: Scientific, values: [max, mean]{more}}}");
    let held = "{name: momentum, role: Fixed, value: 0.9}";
    let batch = "{name: batch_size, role: Scientific, values: [64, 128]}";
    assert!(says("FixedInteracts", &[RATE, batch, held]));
    let damping = "{name: damping, category: Optimizer, role: Fixed, value: 0.1}";
    assert!(says("FixedInteracts", &[RATE, batch, damping]));
    assert!(!says("FixedInteracts", &[RATE, &pooling(""), damping]));
    // A name that is known as something else is not taken for that.
    assert!(says("RegularizationStrengthScientific", &[RATE, "{name: wd, role: Scientific, values: [0.1, 0.2]}"]));
    let width = "{name: wd, category: Architecture, role: Scientific, values: [0.1, 0.2]}";
    assert!(!says("RegularizationStrengthScientific", &[RATE, width]));
}

#[test]
fn an_optimizer_is_asked_for_all_it_has() {
    const CODE: &str = "OptimizerHyperparameterMissing";
    let of = |more: &str| format!("{{name: q, range: {{min: 0.1, max: 0.9}}, {more}}}");
    let missing = |more: &str| says(CODE, &[RATE, &of(more)]);
    assert!(missing("optimizerOf: adam") && missing("optimizerOf: Lion, knownAs: beta1"));
    assert!(!missing("optimizerOf: sgd") && !missing("optimizerOf: momentum, knownAs: momentum"));
    assert!(!missing("optimizerOf: our_newton") && !missing("category: Optimizer"));
    // Of two optimizers it isn't known what belongs to which.
    assert!(!says(CODE, &[RATE, &of("optimizerOf: adam"), &of("optimizerOf: lion").replace("name: q", "name: p")]));
}

#[test]
fn the_trials_that_adam_takes_are_asked_of_adam_alone() {
    let beta = |more: &str| format!("{{name: beta1, range: {{min: 0.5, max: 0.99}}{more}}}");
    let few = |h: String| {
        Sketch::of([RATE.to_owned(), h])
            .with(|s| s.rounds = "[{name: explore, trials: 9, maxTrainSteps: 100}]")
            .says("AdamBudget")
    };
    assert!(few(beta("")) && few(beta(", optimizerOf: adam")));
    assert!(!few(beta(", optimizerOf: lion")) && !few(beta(", category: Data")));
    assert!(few(beta(", knownAs: beta1, optimizerOf: nadam").replace("name: beta1", "name: q")));
}
