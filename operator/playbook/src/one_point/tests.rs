use studious_api::{Study, StudySpec, labels, study::Scale};

use super::{GivenPoint, OnePointStudy, Setting, Unnamed, by_hand, name_of_try};
use crate::{
    Plan, rounds, seeds,
    studies::{DIGITS, NESTEROV_AND_ADAM, spec},
};

fn settings(words: &[&str]) -> Vec<Setting> {
    words.iter().map(|word| word.parse().unwrap()).collect()
}

fn study(parts: &str) -> Study {
    Study::new("digits", spec(parts))
}

fn tried(parts: &str, words: &[&str]) -> OnePointStudy {
    by_hand(&study(parts), "digits-try-1", &settings(words), None).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

fn refused(parts: &str, words: &[&str]) -> Vec<String> {
    let wrong = by_hand(&study(parts), "digits-try-1", &settings(words), None).unwrap_err();
    wrong.iter().map(ToString::to_string).collect()
}

fn point(spec: &StudySpec) -> String {
    serde_json::to_string(&spec.search.points[0]).unwrap()
}

#[test]
fn a_try_is_one_trial_of_the_given_values_and_the_fixed_ones() {
    let study = tried(DIGITS, &["optimizer=momentum", "learning_rate=0.1", "one_minus_momentum=0.1", "width=64"]);
    assert_eq!(study.warnings, Vec::<String>::new());
    let spec = &study.study.spec;
    assert_eq!(
        point(spec),
        r#"{"batch_size":128,"learning_rate":0.1,"one_minus_momentum":0.1,"optimizer":"momentum","width":64}"#
    );
    let plan = Plan::new("digits-try-1", spec).unwrap();
    assert_eq!(
        (plan.total_trials(), rounds::names(&plan), spec.rounds[0].max_train_steps),
        (1, vec!["try".into()], 500)
    );
    assert_eq!(study.study.metadata.labels.unwrap()[labels::TRY_OF], "digits");
    assert_eq!(
        (&spec.retrain, &spec.search.early_ending, spec.parallelism, spec.failure.max_failed_trials),
        (&None, &None, 1, 0)
    );
    assert!(spec.schedule.is_some());
}

#[test]
fn what_is_derived_is_worked_out_and_constraints_are_warned_of() {
    let parts = "
hyperparameters:
- {name: optimizer, values: [sgd, momentum]}
- {name: effective_rate, range: {min: 1.0e-3, max: 1, scale: Log}}
- {name: momentum, when: {optimizer: [momentum]}, range: {min: 0.5, max: 0.999, scale: ReverseLog}}
- {name: learning_rate, role: Derived, expression: effective_rate * (1 - momentum)}
- {name: width, range: {min: 8, max: 512, integer: true}}
hyperparameterConstraints: [width <= 256, momentum + effective_rate < 1, width % 8 == 0]
rounds: [{name: explore, trials: 40, maxTrainSteps: 500}]
";
    let with = tried(parts, &["optimizer=momentum", "effective_rate=0.5", "momentum=0.75", "width=64"]);
    assert_eq!(with.warnings, ["the point violates the study's constraint momentum + effective_rate < 1"]);
    assert_eq!(with.study.spec.hyperparameter_constraints, ["width <= 256", "width % 8 == 0"]);
    assert!(point(&with.study.spec).contains(r#""learning_rate":0.125"#));
    let without = tried(parts, &["optimizer=sgd", "effective_rate=0.5", "width=64"]);
    assert_eq!((without.warnings.len(), without.study.spec.hyperparameter_constraints.len()), (0, 2));
    assert!(!point(&without.study.spec).contains("learning_rate"));
    assert_eq!(
        refused(parts, &["optimizer=sgd", "effective_rate=0.5", "width=64", "learning_rate=0.1"])[0],
        "--set learning_rate: 0.1: doesn't exist at this point: it is effective_rate * (1 - momentum), of which not all exists. \
         Remove it, or change what that depends on."
    );
    let set =
        refused(parts, &["optimizer=momentum", "effective_rate=0.5", "momentum=0.75", "width=64", "learning_rate=1"]);
    assert!(set[0].contains("learning_rate is Derived: it is effective_rate * (1 - momentum). Set what"), "{set:?}");
}

#[test]
fn tries_differ_by_their_values_alone() {
    let seeds_of = |words: &[&str], name: &str| {
        let study = tried(DIGITS, words).study;
        let plan = Plan::new(name, &study.spec).unwrap();
        let point = rounds::points(&plan, "try", &[]).unwrap().remove(0);
        seeds::of_trial(&plan, &point.key, false)
    };
    assert_eq!(
        seeds_of(&["optimizer=sgd", "learning_rate=0.1", "width=64"], "digits-try-1"),
        seeds_of(&["optimizer=sgd", "learning_rate=0.2", "width=32"], "digits-try-2")
    );
}

#[test]
fn what_is_missing_is_listed_with_its_values_and_an_example() {
    assert_eq!(
        refused(DIGITS, &["learning_rate=0.1"]),
        [
            "--set optimizer: is missing, and the study has more than one value for it. Give one of sgd, momentum or nesterov, \
             such as --set optimizer=momentum.",
            "--set width: is missing, and the study has more than one value for it. Give a whole number from 16 to 256, such as \
             --set width=60."
        ]
    );
    // A conditional one once what it depends on is known.
    assert_eq!(
        refused(DIGITS, &["learning_rate=0.1", "width=64", "optimizer=nesterov"]),
        [
            "--set one_minus_momentum: is missing, and the study has more than one value for it. Give a number from 0.001 to 0.5, \
          such as --set one_minus_momentum=0.02."
        ]
    );
}

#[test]
fn what_is_wrong_is_refused_with_name_value_and_fix() {
    let rest = ["learning_rate=0.1", "width=64", "optimizer=sgd"];
    let with = |more: &str| refused(DIGITS, &[&rest[..], &[more]].concat());
    assert_eq!(
        with("learningRate=1"),
        ["--set learningRate: 1: is not a hyperparameter of this study. Did you mean learning_rate?"]
    );
    assert_eq!(
        with("temperature=1"),
        ["--set temperature: 1: is not a hyperparameter of this study. The study has optimizer, learning_rate, \
          one_minus_momentum, width, batch_size."]
    );
    assert_eq!(with("width=32"), ["--set width: 32: width is given twice, first as 64. Give it once."]);
    assert_eq!(
        with("one_minus_momentum=0.1"),
        [
            "--set one_minus_momentum: 0.1: doesn't exist at this point: one_minus_momentum exists only when {optimizer: \
          [momentum, nesterov]}. Remove it, or change what it depends on."
        ]
    );
    for (words, expected) in [
        (["learning_rate=fast", "width=64"], "--set learning_rate: fast: must be a number. Give a number from"),
        (["learning_rate=nan", "width=64"], "--set learning_rate: nan: must be a number."),
        (["learning_rate=0.1", "width=64.5"], "--set width: 64.5: must be a whole number."),
        (["learning_rate=0.1", "width=true"], "--set width: true: must be a whole number."),
    ] {
        let told = refused(DIGITS, &[&words[..], &["optimizer=sgd"]].concat());
        assert!(told.len() == 1 && told[0].starts_with(expected), "{told:?}");
    }
}

#[test]
fn values_outside_the_space_are_tried_with_a_warning() {
    let words = ["optimizer=adamw", "learning_rate=20", "width=1e3", "batch_size=64"];
    let OnePointStudy { study, warnings } = tried(DIGITS, &words);
    assert_eq!(
        warnings,
        [
            "optimizer = adamw is not among the study's values sgd, momentum, nesterov",
            "learning_rate = 20 is outside the study's range from 1e-4 to 10",
            "width = 1000 is outside the study's range from 16 to 256",
            "batch_size = 64 replaces the study's Fixed value 128",
        ]
    );
    assert_eq!(point(&study.spec), r#"{"batch_size":64,"learning_rate":20,"optimizer":"adamw","width":1000}"#);
    let rate = study.spec.hyperparameters.iter().find(|h| h.name == "learning_rate").unwrap().range.as_ref().unwrap();
    assert_eq!((rate.min, rate.max, rate.scale), (1e-4, 20.0, Scale::Log));
    assert_eq!(
        refused(DIGITS, &["optimizer=sgd", "learning_rate=0", "width=16"]),
        [
            "--set learning_rate: 0: must be larger than 0: a learning rate of 0 trains nothing. learning_rate is the peak learning \
          rate (spec.schedule.base): give numbers above 0."
        ]
    );
    let near = tried(DIGITS, &["optimizer=Nesterov", "learning_rate=0.1", "width=16"]).warnings;
    assert!(near[0].ends_with("Did you mean nesterov?"), "{near:?}");
}

#[test]
fn a_name_with_several_ranges_has_that_of_its_condition() {
    let rates = |words: &[&str]| tried(NESTEROV_AND_ADAM, words).warnings;
    let adam = ["optimizer=Adam", "beta1=0.9", "beta2=0.99", "epsilon=1e-8"];
    assert_eq!(rates(&[&adam[..], &["learning_rate=0.01"]].concat()), Vec::<String>::new());
    // 1 - 1 has no logarithm.
    let one = ["optimizer=Adam", "beta1=1", "beta2=0.99", "epsilon=1e-8", "learning_rate=0.01"];
    let beta1 = tried(NESTEROV_AND_ADAM, &one).study.spec.hyperparameters.swap_remove(2).range.unwrap();
    assert_eq!((beta1.max, beta1.scale), (1.0, Scale::Linear));
    assert_eq!(
        rates(&[&adam[..], &["learning_rate=1"]].concat()),
        ["learning_rate = 1 is outside the study's range from 1e-5 to 0.1"]
    );
}

#[test]
fn values_are_read_as_the_study_has_them() {
    let parts = "
hyperparameters:
- {name: flag, alias: model.flag, values: [true, false]}
- {name: word, values: ['true', '12', plain]}
- {name: one, values: [7]}
- {name: half, range: {min: 0, max: 1}}
rounds: [{name: explore, trials: 6, maxTrainSteps: 100}]
";
    let spec = tried(parts, &["model.flag=true", "word=true", "half=0.30000000000000004"]).study.spec;
    assert_eq!(point(&spec), r#"{"flag":true,"half":0.30000000000000004,"one":7,"word":"true"}"#);
    let spec = tried(parts, &["flag=false", "word=12", "half=1"]).study.spec;
    assert_eq!(point(&spec), r#"{"flag":false,"half":1,"one":7,"word":"12"}"#);
    let told = refused(parts, &["flag=yes", "word=x", "half=1"]);
    assert_eq!(told, ["--set flag: yes: must be true or false. Give one of true or false."]);
    let told = refused(parts, &["flag=true", "model.flag=true", "word=x", "half=1"]);
    assert_eq!(told, ["--set model.flag: true: flag is given twice, first as true. Give it once."]);
}

#[test]
fn steps_leave_an_evaluation_and_something_after_warmup() {
    let words = settings(&["optimizer=sgd", "learning_rate=0.1", "width=64"]);
    let steps = |steps: u64, parts: &str| by_hand(&study(parts), "digits-try-1", &words, Some(steps));
    assert_eq!(steps(50, DIGITS).unwrap().study.spec.rounds[0].max_train_steps, 50);
    assert_eq!(
        steps(49, DIGITS).unwrap_err()[0].to_string(),
        "--steps: 49: is fewer than spec.evaluation.everySteps, 50: the trial would end without an evaluation. Give at least 50."
    );
    let warm = DIGITS.replace("warmupFraction: 0.05", "warmupSteps: 60");
    assert_eq!(
        steps(60, &warm).unwrap_err()[0].to_string(),
        "--steps: 60: leaves nothing to train after spec.schedule.warmupSteps, 60. Give more than 60."
    );
}

/// A study of any kind has tries: what chooses, ends and repeats its trials stays behind, strictness included.
#[test]
fn studies_of_all_kinds_have_tries() {
    let parts = "
hyperparameters:
- {name: learning_rate, range: {min: 1.0e-4, max: 10, scale: Log}}
search: {algorithm: Bayesian, startFrom: [{study: other}], earlyEnding: {rule: Median}}
rounds:
- {name: explore, trials: 40, maxTrainSteps: 100}
retrain: {best: 1, times: 5}
policy: {strict: true, waive: [{code: SearchSpaceTooNarrow, hyperparameter: learning_rate, reason: known}]}
";
    let spec = tried(parts, &["learning_rate=1"]).study.spec;
    assert!(spec.search.start_from.is_empty() && spec.policy.is_none(), "{spec:?}");
}

#[test]
fn names_of_tries_leave_room_for_their_trials() {
    assert_eq!(name_of_try("digits", 12), "digits-try-12");
    let long = name_of_try(&"digits-".repeat(9), 1);
    assert_eq!(long, format!("{}-try-1", "digits-".repeat(6).trim_end_matches('-')).replace("digits-try", "digit-try"));
    assert!(long.len() + 3 <= 49);
}

#[test]
fn a_point_may_be_completed_from_another() {
    let spec = spec(DIGITS);
    let other = [("optimizer", "sgd".into()), ("learning_rate", 0.5.into()), ("width", 32_i64.into())];
    let other = other.map(|(name, value)| (name.to_owned(), value)).into();
    let at = |words: &[&str]| {
        let point = GivenPoint::new(&spec, &settings(words), Unnamed::At(&other)).unwrap();
        serde_json::to_string(&point.values).unwrap()
    };
    assert_eq!(at(&[]), r#"{"batch_size":128,"learning_rate":0.5,"optimizer":"sgd","width":32}"#);
    // What the other point lacks has the middle of its range.
    let nesterov = at(&["optimizer=nesterov"]);
    assert!(nesterov.contains(r#""one_minus_momentum":0.0223"#), "{nesterov}");
}
