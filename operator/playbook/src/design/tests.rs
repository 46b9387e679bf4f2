use super::*;
use crate::{
    Millis,
    record::{AttemptSpan, Outcome, TrialRecord},
    studies,
};

fn design(parts: &str) -> Design {
    Design::of(&studies::plan(parts), None)
}

#[test]
fn the_kind_of_a_question_follows_from_the_roles() {
    let of = |hyperparameters: &str| {
        design(&format!(
            "hyperparameters:\n{hyperparameters}\n- {{name: lr, range: {{min: 0.001, max: 1, scale: Log}}}}\n\
             rounds: [{{name: explore, trials: 12, maxTrainSteps: 1000}}]"
        ))
        .question
    };
    assert_eq!(of("").kind, QuestionKind::MaximizeObjective);
    assert_eq!(of("- {name: width, role: Scientific, values: [16, 32]}").kind, QuestionKind::UnderstandHyperparameter);
    let switch = of("- {name: augment, role: Scientific, values: [true, false]}");
    assert_eq!(switch.kind, QuestionKind::TryImprovement);
    assert_eq!(
        switch.asked,
        "Is validation_error better with augment = true than with false, each with its own best lr?"
    );
    let fixed = of("- {name: batch, role: Fixed, value: 8, fixedBecause: memory is short.}");
    assert_eq!(fixed.holds_for, ["batch = 8 (memory is short)"]);
}

#[test]
fn coverage_is_that_of_the_arm_that_sees_least() {
    let coverage = design(studies::DIGITS).coverage.unwrap();
    assert_eq!(
        coverage.arms.iter().map(|arm| (arm.trials, arm.dimensions)).collect::<Vec<_>>(),
        [(15, 2), (15, 3), (15, 3)]
    );
    assert_eq!((coverage.known, coverage.by_results, coverage.fewest_trials()), (45, 0, 15));
    assert_eq!(coverage.sparsest().unwrap().dimensions, 3);
    let rate = &coverage.dimensions[0];
    let gap = rate.largest_gap.unwrap();
    assert!(rate.values == 15 && rate.of.is_none() && gap.share < 0.2 && gap.from < gap.to, "{rate:?}");
    let width = &coverage.dimensions[2];
    assert!(width.of == Some(241) && width.values <= 15, "{width:?}");
}

#[test]
fn points_that_a_search_chooses_are_not_counted_as_known() {
    let coverage = design(&format!("{}search: {{algorithm: Bayesian}}", studies::ONE_DIMENSION)).coverage.unwrap();
    assert_eq!((coverage.known, coverage.by_results), (4, 2));
}

#[test]
fn few_trials_for_their_dimensions_are_called_short() {
    let of = |trials: u32| {
        let study = studies::NESTEROV_AND_ADAM.replace("trials: 20", &format!("trials: {trials}"));
        design(&study).balance.desiderata[2].clone()
    };
    // Adam's arm has four dimensions.
    assert_eq!((of(38).amount, of(38).short), (Some(4.75), Some(true)));
    assert_eq!((of(40).amount, of(40).short), (Some(5.0), Some(false)));
}

#[test]
fn many_arms_with_few_trials_are_better_sampled_together() {
    let of = |arms: &str, trials: u32| {
        let study = format!(
            "hyperparameters:\n- {{name: width, role: Scientific, values: [{arms}]}}\n\
             - {{name: lr, range: {{min: 0.001, max: 1, scale: Log}}}}\n- {{name: wd, range: {{min: 0.001, max: 1, scale: Log}}}}\n\
             rounds: [{{name: explore, trials: {trials}, maxTrainSteps: 1000}}]"
        );
        design(&study).balance.desiderata[0].more.contains("Sampled")
    };
    assert!(of("8, 16, 32, 64, 128", 20) && !of("8, 16, 32, 64, 128", 50) && !of("8, 16", 8));
}

fn timed(seconds: u64, steps: u64) -> TrialRecord {
    let span = AttemptSpan {
        number: 1,
        queued: None,
        started: Some(Millis(5000)),
        ended: Some(Millis(5000 + 1000 * seconds)),
        outcome: None,
        provenance: None,
    };
    TrialRecord {
        outcome: Outcome::Succeeded { objective: 1.0, step: None },
        attempts: vec![span],
        curves: [("e".to_owned(), vec![(steps, 1.0)])].into(),
        ..TrialRecord::default()
    }
}

#[test]
fn hours_follow_from_measured_steps() {
    // The fastest and the slowest of ten are left out.
    let trials: Vec<_> = (1..=10).map(|seconds| timed(10 * seconds, 100)).collect();
    let step_time = StepTime::measured(&trials).unwrap();
    assert_eq!((step_time.fast, step_time.slow, step_time.trials), (0.2, 0.9, 10));
    let mut interrupted = timed(10, 100);
    interrupted.attempts.push(interrupted.attempts[0].clone());
    assert_eq!(StepTime::measured(&[interrupted, TrialRecord::default()]), None);

    let study = format!(
        "{}trial: {{hosts: 2, template: {{spec: {{containers: [{{name: t, image: i, resources: {{limits: {{nvidia.com/gpu: 4, \
         memory: 8Gi}}}}}}]}}}}}}",
        studies::DIGITS
    );
    let cost = Design::of(&studies::plan(&study), Some(StepTime::given(0.1, 0.1))).cost;
    // 45 trials of 500 steps, 9 of 3000, and 5 retrainings of 3000, four at once.
    assert_eq!(cost.rounds.iter().map(|round| round.waves).collect::<Vec<_>>(), [12, 3, 2]);
    assert_eq!(cost.train_steps, 45 * 500 + 14 * 3000);
    let near = |range: Option<[f64; 2]>, expected: f64| {
        range.is_some_and(|ends| ends.iter().all(|s| (s - expected).abs() < 1e-9))
    };
    assert!(near(cost.seconds, 0.1 * f64::from(12 * 500 + 5 * 3000)), "{cost:?}");
    assert!(near(cost.first_result_seconds, 50.0), "{cost:?}");
    assert!(near(cost.accelerator_hours, 0.1 * 64_500.0 / 3600.0 * 8.0), "{cost:?}");
    let unknown = design(studies::DIGITS).cost;
    assert!(unknown.seconds.is_none() && unknown.accelerator_hours.is_none() && unknown.accelerators.is_none());
}
