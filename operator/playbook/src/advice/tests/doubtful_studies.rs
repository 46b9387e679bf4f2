//! What is advised against. Read the snapshot as a user would.

use std::fmt::Write;

use super::STUDY;
use crate::advice;

/// What runs but is advised against.
const DOUBTFUL: &[(&str, &str, &str)] = &[
    ("a tuned batch size", "role: Fixed, value: 128", "role: Nuisance, values: [64, 128]"),
    ("few trials", "trials: 45", "trials: 30"),
    ("unequal arms", "trials: 45", "trials: 46"),
    (
        "an optimizer by chance",
        "name: width, role: Nuisance, range: {min: 16, max: 256, scale: Log, integer: true}",
        "name: opt, values: [a, b]",
    ),
    (
        "a fixed optimizer",
        "role: Nuisance, range: {min: 1.0e-4, max: 10, scale: Log}}\n  - {name: one_minus_momentum, when: {optimizer: [momentum, nesterov]}, range: {min: 0.001, max: 0.5, scale: Log}",
        "role: Fixed, value: 0.1",
    ),
    (
        "a scientific learning rate",
        "role: Nuisance, range: {min: 1.0e-4, max: 10, scale: Log}}",
        "role: Fixed, value: 0.1}\n  - {name: momentum, role: Scientific, values: [0.9]}",
    ),
    (
        "many rounds",
        "  retrain:",
        "  - {name: a, maxTrainSteps: 4000, from: {round: confirm, best: 3}}\n  - {name: b, maxTrainSteps: 5000, from: {round: a, best: 1}}\n  retrain:",
    ),
    ("gradient accumulation", "name: width", "name: grad_accumulation_steps"),
    ("rare checkpoints", "everySteps: 50, keepBest", "everySteps: 100, keepBest"),
    ("hosts without a volume", ", volume: {persistentVolumeClaim: {claimName: checkpoints}}", ""),
    ("no image", "          image: localhost/studious-trainer:dev\n", ""),
    ("sampled with different spaces", "scientific: Crossed", "scientific: Sampled"),
    ("one value", "role: Nuisance, range: {min: 16, max: 256, scale: Log, integer: true}", "values: [16]"),
];

fn changed(before: &str, after: &str) -> String {
    assert!(STUDY.contains(before), "the study has no {before:?}");
    STUDY.replacen(before, after, 1)
}

#[test]
fn doubtful_studies_are_advised_against_at_their_line() {
    let mut told = String::new();
    for (what, before, after) in DOUBTFUL {
        writeln!(told, "# {what}").unwrap();
        match advice::read("study.yaml", &changed(before, after)) {
            Ok(advised) => advised.warnings.iter().for_each(|p| writeln!(told, "{p}").unwrap()),
            Err(problems) => panic!("{what} is refused: {problems:#?}"),
        }
        told.push('\n');
    }
    insta::assert_snapshot!(told);
}

#[test]
fn under_a_strict_policy_advice_is_refused() {
    let study = changed(
        "name: batch_size, role: Fixed, value: 128}",
        "name: batch_size, values: [64, 128]}\n  policy: {strict: true}",
    );
    let problems = advice::read("study.yaml", &study).unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:#?}");
    assert!(
        problems.iter().all(|p| p.message.contains("(Refused because spec.policy.strict is true.)")),
        "{problems:#?}"
    );
    // Not both: what is refused is no warning.
    let spec = studious_api::document::read("study.yaml", &study).unwrap().study.spec;
    assert_eq!(advice::warnings(&spec), []);
}

#[test]
fn what_transfers_or_is_a_choice_of_optimizer_may_be_the_question() {
    let with = |h: &str| {
        let study = changed(
            "  - {name: batch_size",
            &format!(
                "  - {h}
  - {{name: batch_size"
            ),
        );
        let warnings =
            advice::read("study.yaml", &study.replace("trials: 45", "trials: 180").replace("trials: 9, ", ""))
                .unwrap()
                .warnings;
        warnings.into_iter().map(|p| p.message).filter(|m| m.contains("hyperparameters[4]")).collect::<Vec<_>>()
    };
    for fine in [
        "{name: warmup_steps, role: Scientific, values: [0, 10]}",
        "{name: nesterov, role: Scientific, values: [true, false]}",
        "{name: num_layers, role: Scientific, values: [2, 3]}",
        "{name: hidden_units, values: [64, 128]}",
    ] {
        assert_eq!(with(fine), Vec::<String>::new(), "{fine}");
    }
    for (doubtful, says) in [
        ("{name: adam_lr, role: Scientific, values: [0.1, 0.2]}", "tells little"),
        ("{name: bs, values: [64, 128]}", "governs speed"),
        ("{name: global_batch, values: [64, 128]}", "governs speed"),
        ("{name: accumulate_steps, values: [1, 2]}", "gradient accumulation"),
        ("{name: num_layers, values: [2, 3]}", "costs"),
    ] {
        assert!(with(doubtful).iter().any(|m| m.contains(says)), "{doubtful}: {:?}", with(doubtful));
    }
}

/// Only of what an example shows on purpose: an optimizer among settings that are compared, trials that are ended early,
/// searches of too few trials.
#[test]
fn the_examples_are_advised_as_they_stand() {
    macro_rules! example {
        ($path:literal) => {
            ($path, include_str!(concat!("../../../../../examples/", $path, "/study.yaml")))
        };
    }
    let all = [
        (example!("digits"), &[][..]),
        (example!("digits/grid"), &[]),
        (example!("digits/bayesian"), &[]),
        (example!("digits/two-hosts"), &[]),
        (example!("digits/listed"), &["OptimizerNuisance"]),
        (example!("digits/early-ending"), &["EarlyEndingByRank"]),
        (example!("digits-pytorch"), &[]),
        (example!("contract"), &["TooManyNuisance"]),
        (example!("playbook-figures/weight-decay"), &[]),
        (example!("playbook-figures/good-boundaries"), &[]),
        (example!("playbook-figures/bad-boundaries"), &[]),
        (example!("playbook-figures/warmup"), &[]),
        (example!("playbook-figures/clipping"), &[]),
        (example!("playbook-figures/too-few-trials"), &["TooManyNuisance"]),
        (example!("playbook-figures/infeasible-region"), &[]),
    ];
    for ((path, text), expected) in all.into_iter().chain([(("the design's", STUDY), &[][..])]) {
        let found =
            advice::read("study.yaml", text).unwrap_or_else(|problems| panic!("{path}: {problems:#?}")).warnings;
        let codes: Vec<_> = found.iter().filter_map(|p| p.violation.as_ref()?.code).collect();
        // On a laptop there is no image, and no volume that outlives a pod.
        let codes: Vec<_> =
            codes.into_iter().filter(|code| !["NoTrainerImage", "CheckpointsNotShared"].contains(code)).collect();
        assert_eq!(codes, expected, "{path}: {found:#?}");
    }
}
