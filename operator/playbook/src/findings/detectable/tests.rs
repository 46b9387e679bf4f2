use std::time::Instant;

use super::*;
use crate::{
    findings::{
        curves::planted_tests,
        power_recorded,
        simulated::{self, ARMS},
    },
    studies,
};

fn two(retrain: &str, trials: u32) -> Plan {
    studies::plan(&format!(
        "
hyperparameters:
- {{name: optimizer, role: Scientific, values: [sgd, adam]}}
- {{name: learning_rate, range: {{min: 1.0e-4, max: 10, scale: Log}}}}
rounds:
- {{name: explore, trials: {trials}, maxTrainSteps: 1000}}
{retrain}"
    ))
}

fn winners(plan: &Plan) -> Vec<Option<f64>> {
    detectable(plan).unwrap().difference.unwrap().by_noise.into_iter().map(|at| at.winner).collect()
}

#[test]
fn more_retrainings_show_smaller_differences() {
    let of = |times: u32| winners(&two(&format!("retrain: {{best: 1, times: {times}, per: Scientific}}"), 40));
    let (few, more) = (of(3), of(12));
    assert!(few.iter().zip(&more).all(|(few, more)| more.unwrap() <= few.unwrap()), "{few:?} {more:?}");
    assert!(more[0].unwrap() < few[0].unwrap(), "{few:?} {more:?}");
}

#[test]
fn without_retraining_no_difference_names_a_winner() {
    let found = detectable(&two("", 40)).unwrap().difference.unwrap();
    assert!(found.by_noise.iter().all(|at| at.winner.is_none() && at.lead.is_some()), "{found:?}");
    assert!(found.remedy.unwrap().starts_with("train the best point of each arm again"));
    assert_eq!(found.change.unwrap().path, "spec.retrain");
    // The change does it.
    assert!(winners(&two("retrain: {best: 1, times: 5, per: Scientific}", 40)).iter().all(Option::is_some));
}

/// However large the difference, the answer names nothing while the second question fails.
#[test]
fn what_the_second_question_forbids_is_not_detectable() {
    let few = two("retrain: {best: 1, times: 5, per: Scientific}", 4);
    let found = detectable(&few).unwrap().difference.unwrap();
    assert!(found.by_noise.iter().all(|at| at.winner.is_none()), "{found:?}");
    assert!(found.remedy.unwrap().starts_with("run more trials of each arm: question 2"));
    let waived = "policy: {waive: [{question: 2, reason: r}]}\nretrain: {best: 1, times: 5, per: Scientific}";
    assert!(winners(&two(waived, 4)).iter().all(Option::is_some));
    // An arm that tunes nothing beside one that does.
    let switch = studies::plan(
        "
hyperparameters:
- {name: mixup, role: Scientific, values: [false, true]}
- {name: alpha, when: {mixup: [true]}, range: {min: 0.1, max: 1, scale: Log}}
rounds:
- {name: explore, trials: 20, maxTrainSteps: 1000}
retrain: {best: 1, times: 5, per: Scientific}",
    );
    let found = detectable(&switch).unwrap();
    assert!(found.difference.unwrap().remedy.unwrap().starts_with("tune the other arms as well"));
    assert!(found.boundaries.trials_needed.is_none(), "the arm has no boundaries: {:?}", found.boundaries);
}

/// Seven of thirty trials are too few to look at an arm's boundaries, whatever the others show.
#[test]
fn arms_with_too_few_trials_show_no_boundary() {
    let plan = studies::plan(
        "
hyperparameters:
- {name: w, role: Scientific, values: [1, 2, 4, 8]}
- {name: x, range: {min: 0, max: 1}}
search: {scientific: Sampled}
rounds:
- {name: explore, trials: 30, maxTrainSteps: 1000}",
    );
    let found = boundary::detectable(&plan);
    assert!(found.hyperparameters.iter().flat_map(|h| &h.by_noise).all(|at| at.beyond.is_none()), "{found:?}");
    assert!(found.unseen.iter().any(|said| said.starts_with("7 trials with w = ")), "{found:?}");
}

#[test]
fn what_is_detectable_is_what_the_formula_says_where_there_is_one() {
    // One point for each arm, chosen by an earlier round: nothing but the noise of retraining decides.
    for times in [3, 5, 9, 20] {
        let plan = studies::plan(&format!(
            "
hyperparameters:
- {{name: optimizer, role: Scientific, values: [sgd, adam]}}
rounds:
- {{name: explore, trials: 2, maxTrainSteps: 100}}
- {{name: confirm, maxTrainSteps: 1000, from: {{round: explore, best: 1, per: Scientific}}}}
retrain: {{best: 1, times: {times}, per: Scientific}}"
        ));
        let expected = crate::findings::needed::shown_by(times, 0.05);
        let [Some(found)] = winners(&plan)[..] else { panic!("{times}") };
        println!("{times}: {found} where {expected} is expected");
        assert!(found >= 0.8 * expected && found <= 1.4 * expected, "{times}: {found} {expected}");
    }
}

#[test]
fn boundaries_are_detectable_as_the_record_of_their_power_says() {
    for row in power_recorded::recorded() {
        let of_arms = (0..row.arms).map(|arm| format!("a{arm}")).collect::<Vec<_>>().join(", ");
        let arm = if row.arms > 1 {
            format!("- {{name: arm, role: Scientific, values: [{of_arms}]}}\n")
        } else {
            String::new()
        };
        let axes: String = (0..row.dimensions)
            .map(|d| format!("- {{name: x{d}, range: {{min: 0, max: 1}}}}\n"))
            .collect::<Vec<_>>()
            .concat();
        let plan = studies::plan(&format!(
            "hyperparameters:\n{arm}{axes}rounds: [{{name: explore, trials: {}, maxTrainSteps: 100}}]\n",
            row.trials * row.arms
        ));
        let found = boundary::detectable(&plan);
        let nearest: Vec<_> = found.hyperparameters.iter().map(|h| h.by_noise[0].beyond.unwrap_or(2.0)).collect();
        // The record is of other points, seen in 90% of studies, of the upper end.
        let recorded = row.smallest.unwrap_or(1.0);
        let first = nearest.iter().copied().fold(f64::INFINITY, f64::min);
        let last = nearest.iter().copied().fold(0.0, f64::max);
        println!("{row:?}: {nearest:?}, {:?}, {} unseen", found.trials_needed, found.unseen.len());
        assert!(first <= 2.0 * recorded && last >= 0.4 * recorded, "{row:?}: {nearest:?}");
        // Points of a sequence may be uneven in some dimensions, never in most.
        let is_known = row.seen[1] >= 0.9;
        assert!(!is_known || 2 * found.unseen.len() <= row.arms * row.dimensions, "{row:?}: {:?}", found.unseen);
        assert!(!found.unseen.is_empty() || row.seen[1] >= 0.7, "{row:?}");
    }
}

#[test]
fn overfitting_is_detectable_as_the_record_of_its_power_says() {
    let recorded = planted_tests::power::recorded();
    for trials in planted_tests::power::TRIALS {
        for evaluations in planted_tests::power::EVALUATIONS {
            let steps = 50 * evaluations;
            let plan = studies::plan(&format!(
                "
hyperparameters:
- {{name: optimizer, role: Scientific, values: [sgd, momentum]}}
- {{name: learning_rate, range: {{min: 1.0e-3, max: 10, scale: Log}}}}
rounds: [{{name: explore, trials: {trials}, maxTrainSteps: {steps}}}]"
            ));
            let found = overfitting::detectable(&plan);
            let known = recorded[&("OverfittingInBest".to_owned(), trials, evaluations)].unwrap();
            println!("{trials} trials of {evaluations}: {:?}, {known} recorded", found.climb);
            // In 80% of studies, where the record is of 90%.
            assert!(found.climb.is_some_and(|climb| climb <= known && climb >= known / 4.0), "{found:?} {known}");
        }
    }
}

#[test]
fn short_curves_show_no_overfitting() {
    let found = overfitting::detectable(&studies::plan(studies::ONE_DIMENSION));
    assert_eq!((found.evaluations, found.evaluations_needed, found.climb), (2, 10, None));
}

#[test]
fn it_is_the_same_every_time_and_quick() {
    let plans = [simulated::plan(ARMS), studies::plan(studies::DIGITS), studies::plan(studies::NESTEROV_AND_ADAM)];
    for plan in plans {
        let began = Instant::now();
        let first = detectable(&plan).unwrap();
        println!("{:?}: {:#?}", began.elapsed(), first);
        assert_eq!(first, detectable(&plan).unwrap());
    }
}
