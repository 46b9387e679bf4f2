//! Every code of advice: an edit satisfies it, and changes only the lines concerned; or none does, and that is said.

use std::collections::BTreeMap;

use studious_rules::{Severity, advice::ALL};

use super::STUDY;
use crate::advice::{self, AdviceChoice, Applied};

const WIDTH: &str = "name: width, role: Nuisance, range: {min: 16, max: 256, scale: Log, integer: true}";
const RATE: &str = "learning_rate, role: Nuisance, range: {min: 1.0e-4, max: 10, scale: Log}";
const WHEN: &str = "when: {optimizer: [momentum, nesterov]}, ";

/// Of each code a change of the study that makes it speak, and whether an edit satisfies it.
const SPEAKS: &[(&str, &str, &str, bool)] = &[
    (
        "GoalTooBroad",
        WIDTH,
        "name: a, role: Scientific, values: [1, 2]}\n  - {name: b, role: Scientific, values: [1, 2]",
        false,
    ),
    ("BatchSizeTuned", "batch_size, role: Fixed, value: 128}", "batch_size, values: [64, 256, 128]}", true),
    ("GradientAccumulation", WIDTH, "name: accumulate_steps, values: [1, 4]", true),
    (
        "EpochBudgetComparison",
        "batch_size, role: Fixed, value: 128}",
        "batch_size, role: Scientific, values: [64, 128]}",
        false,
    ),
    ("BatchNormHazard", WIDTH, "name: batch_norm, role: Fixed, value: true", false),
    ("OptimizerHyperparameterMissing", "[sgd, momentum, nesterov]}", "[sgd, momentum, adam]}", false),
    ("OptimizerNotTuned", RATE, "learning_rate, role: Fixed, value: 1.0e-4", true),
    ("OptimizerParamScientific", RATE, "learning_rate, role: Scientific, values: [0.1, 0.2]", true),
    ("OptimizerNuisance", WIDTH, "name: optim, values: [a, b]", true),
    ("ArchitectureNuisance", WIDTH, "name: num_layers, values: [2, 3, 4]", true),
    ("RegularizationStrengthScientific", WIDTH, "name: dropout, role: Scientific, values: [0, 0.1, 0.2]", false),
    (
        "FixedInteracts",
        "name: width, role: Nuisance, range: {min: 16, max: 256, scale: Log, integer: true}}\n",
        "name: num_layers, role: Scientific, values: [2, 4]}\n  - {name: weight_decay, role: Fixed, value: 0.5}\n",
        true,
    ),
    ("SingleValue", WIDTH, "name: width, values: [16]", true),
    ("TooManyNuisance", "trials: 45", "trials: 18", true),
    ("UnequalArms", "trials: 45", "trials: 46", true),
    ("SampledUnlikeSpaces", "scientific: Crossed", "scientific: Sampled", true),
    ("AdamBudget", WIDTH, "name: adam_beta2, range: {min: 0.9, max: 0.999, scale: ReverseLog}", true),
    ("ConstantSchedule", "family: Cosine", "family: Constant", true),
    ("HumanInLoopSchedule", WIDTH, "name: milestones, role: Fixed, value: \"30,60\"", false),
    ("LowParallelism", "parallelism: 4", "parallelism: 1", true),
    (
        "ManyRounds",
        "  retrain:",
        "  - {name: a, maxTrainSteps: 4000, from: {round: confirm, best: 3}}\n  - {name: b, maxTrainSteps: 5000, from: {round: a, best: 1}}\n  retrain:",
        false,
    ),
    ("AdaptiveExploration", "algorithm: QuasiRandom", "algorithm: Bayesian", true),
    ("WideGrid", "  - {name: batch_size", "  - {name: momentum_decay, values: [1, 2]}\n  - {name: batch_size", true),
    ("CheckpointsTooRare", "checkpoint: {everySteps: 50", "checkpoint: {everySteps: 100", true),
    ("CheckpointsNotShared", ", volume: {persistentVolumeClaim: {claimName: checkpoints}}", "", false),
    ("EarlyEndingByRank", "seed: 1}", "seed: 1, earlyEnding: {rule: Median}}", true),
    ("EarlyEndingTooLate", "seed: 1}", "seed: 1, earlyEnding: {rule: Median, fromStep: 460}}", true),
    ("DirectionAgainstMetric", "direction: Minimize", "direction: Maximize", true),
    ("SpaceExhausted", "    trials: 45", "    trials: 45", true),
    ("NoTrainerImage", "          image: localhost/studious-trainer:dev\n", "", false),
    ("LowFeedbackBayes", "algorithm: QuasiRandom", "algorithm: Bayesian", true),
];

/// What a code needs beside its change: fields and what stands there instead.
fn also(code: &str) -> &'static [(&'static str, &'static str)] {
    match code {
        "EpochBudgetComparison" => &[("studious_trainer.digits]", "studious_trainer.digits, --epochs=9]")],
        "OptimizerHyperparameterMissing" => &[(WHEN, "when: {optimizer: [momentum]}, ")],
        "SpaceExhausted" => &[
            (WHEN, ""),
            ("range: {min: 1.0e-4, max: 10, scale: Log}", "values: [0.1, 0.2]"),
            ("range: {min: 0.001, max: 0.5, scale: Log}", "values: [0.1, 0.2]"),
            ("range: {min: 16, max: 256, scale: Log, integer: true}", "values: [16, 32]"),
        ],
        "LowFeedbackBayes" => &[("parallelism: 4", "parallelism: 40"), ("goal:", "phase: Exploitation\n  goal:")],
        "WideGrid" => &[("algorithm: QuasiRandom", "algorithm: Grid")],
        _ => &[],
    }
}

fn study(code: &str, before: &str, after: &str) -> String {
    // Of how many arms there are the second round takes the best.
    let mut text =
        STUDY.replace("trials: 9, ", "").replace("\n  rounds:\n", "\n  # A comment that stays.\n  rounds:\n");
    if code != "SpaceExhausted" {
        assert!(text.contains(before), "{code}: the study has no {before:?}");
        text = text.replacen(before, after, 1);
    }
    for (before, after) in also(code) {
        assert!(text.contains(before), "{code}: the study has no {before:?}");
        text = text.replacen(before, after, 1);
    }
    // Another way to write the same hyperparameters is tested beside the editor.
    text.lines().map(|line| format!("{line}  # {}", line.len())).collect::<Vec<_>>().join("\n") + "\n"
}

fn codes(text: &str) -> BTreeMap<&'static str, usize> {
    let read = studious_api::document::read("study.yaml", text).unwrap_or_else(|p| panic!("{p:#?}\n{text}"));
    let mut codes = BTreeMap::new();
    for one in advice::advice(&read.study.spec) {
        *codes.entry(one.rule.code).or_default() += 1;
    }
    codes
}

fn applied(text: &str, wanted: &[AdviceChoice]) -> Applied {
    advice::apply("study.yaml", text, wanted).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn an_edit_that_is_applied_satisfies_its_advice_and_changes_nothing_else() {
    for (code, before, after, is_edited) in SPEAKS {
        let text = study(code, before, after);
        assert!(codes(&text).contains_key(code), "{code} is silent:\n{text}");
        let wanted = [AdviceChoice::named(code).unwrap()];
        let once = applied(&text, &wanted);
        if !is_edited {
            assert_eq!(once.text, text, "{code}");
            let [left, ..] = &once.left[..] else { panic!("{code}: nothing is left") };
            assert!(!left.violation.as_ref().unwrap().fix.is_empty());
            continue;
        }
        assert!(!codes(&once.text).contains_key(code), "{code} is still said:\n{}", once.text);
        assert!(once.left.is_empty() && once.silent.is_empty(), "{code}: {once:?}");
        // The lines are those of before, but for those that hold the fields; their comments stay.
        let changed = text.lines().zip(once.text.lines()).filter(|(old, new)| old != new);
        assert!((1..=2).contains(&changed.count()), "{code}:\n{}", once.text);
        let comments = |text: &str| -> Vec<String> {
            text.lines().map(|line| line.rsplit_once("  #").unwrap().1.to_owned()).collect()
        };
        assert_eq!(comments(&text), comments(&once.text), "{code}");
        let twice = applied(&once.text, &wanted);
        assert_eq!((twice.text, twice.silent), (once.text, vec![*code]), "{code}, twice");
    }
}

#[test]
fn every_code_is_tried() {
    // What is a problem is refused, and never advice.
    let all = ALL.iter().filter(|rule| rule.severity() < Severity::Problem).map(|rule| rule.code);
    for code in all {
        assert!(SPEAKS.iter().any(|(tried, ..)| *tried == code), "{code}");
    }
}

#[test]
fn all_is_what_edits_satisfy_and_the_same_when_it_is_applied_again() {
    for (code, before, after, _) in SPEAKS {
        let once = applied(&study(code, before, after), &[AdviceChoice::All]);
        let twice = applied(&once.text, &[AdviceChoice::All]);
        assert_eq!(once.text, twice.text, "{code}");
        studious_api::document::read("study.yaml", &once.text).unwrap();
    }
    let text = STUDY.replace("trials: 45", "trials: 46").replace("parallelism: 4", "parallelism: 1");
    let all = applied(&text, &[AdviceChoice::All]);
    let changed: Vec<_> = all.changes.iter().map(|(code, change)| format!("{code}: {change}")).collect();
    assert_eq!(changed, ["UnequalArms: spec.rounds[0].trials: 46 → 48", "LowParallelism: spec.parallelism: 1 → 3"]);
}

#[test]
fn what_is_waived_stays_and_strict_studies_are_edited() {
    let policy = "\n  policy: {strict: true, waive: [{code: UnequalArms, reason: The last arm is a check.}]}\n  trial:";
    let text = STUDY.replace("trials: 45", "trials: 46").replace("parallelism: 4", "parallelism: 1");
    let text = text.replacen("\n  trial:", policy, 1);
    let all = applied(&text, &[AdviceChoice::All]);
    assert_eq!(all.text, text.replace("parallelism: 1", "parallelism: 3"));
}

#[test]
fn codes_are_named_as_people_write_them() {
    assert_eq!(AdviceChoice::named("all"), Ok(AdviceChoice::All));
    assert_eq!(AdviceChoice::named("unequalarms"), Ok(AdviceChoice::Code("UnequalArms")));
    assert!(AdviceChoice::named("UnequalArm").unwrap_err().contains("Did you mean UnequalArms?"));
    assert!(AdviceChoice::named("MaxTrainStepsTuned").is_err());
}
