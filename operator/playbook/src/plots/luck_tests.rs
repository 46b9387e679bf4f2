//! What pictures say of luck: the good region, the noise of a retraining beside a study's size, the answer's intervals.

use std::collections::BTreeMap;

use super::{Plot, plots};
use crate::{
    Plan,
    record::{Outcome, TrialRecord},
    studies,
};

const TWO_ARMS: &str = "
hyperparameters:
- {name: optimizer, role: Scientific, values: [sgd, adam]}
- {name: learning_rate, range: {min: 1.0e-3, max: 1, scale: Log}}
evaluation: {everySteps: 50}
";
const ONE_ROUND: &str = "
rounds: [{name: explore, trials: 8, maxTrainSteps: 100}]
retrain: {best: 1, per: Scientific, times: 3}
";
const TWO_ROUNDS: &str = "
rounds:
- {name: explore, trials: 8, maxTrainSteps: 100}
- {name: confirm, maxTrainSteps: 400, from: {round: explore, best: 1, per: Scientific}}
retrain: {best: 1, per: Scientific, times: 3}
";

fn plan(parts: &str) -> Plan {
    studies::plan(&format!("{TWO_ARMS}{parts}"))
}

/// A trial of `steps` steps that is 0.1 better after each hundred.
fn trial(round: &str, i: usize, arm: &str, rate: f64, steps: u64, error: f64) -> TrialRecord {
    let at = |step: u64| error - 0.001 * step as f64;
    TrialRecord {
        name: format!("s-{round}-{i:04}"),
        round: round.to_owned(),
        hyperparameters: BTreeMap::from([
            ("optimizer".to_owned(), arm.into()),
            ("learning_rate".to_owned(), rate.into()),
        ]),
        outcome: Outcome::Succeeded { objective: at(steps), step: Some(steps) },
        curves: BTreeMap::from([(
            "validation_error".to_owned(),
            (1..=steps / 50).map(|k| (50 * k, at(50 * k))).collect(),
        )]),
        ..TrialRecord::default()
    }
}

/// Four trials of each arm, and the best of each trained again, three times for `steps` steps.
fn trials(steps: u64) -> Vec<TrialRecord> {
    let mut trials = Vec::new();
    for (arm, worse) in [("sgd", 0.2), ("adam", 0.0)] {
        for (k, rate) in [0.01, 0.1, 0.2, 0.5].into_iter().enumerate() {
            trials.push(trial("explore", trials.len(), arm, rate, 100, 1.0 + worse + 0.02 * k as f64));
        }
    }
    for (arm, worse) in [("sgd", 0.2), ("adam", 0.0)] {
        if steps > 100 {
            trials.push(trial("confirm", trials.len(), arm, 0.01, steps, 1.0 + worse));
        }
        for luck in [-0.01, 0.0, 0.01] {
            trials.push(trial("retrain", trials.len(), arm, 0.01, steps, 1.03 + worse + luck));
        }
    }
    trials
}

fn drawn(plan: &Plan, trials: &[TrialRecord], id: &str) -> Plot {
    plots(plan, trials).into_iter().find(|plot| plot.id == id).unwrap()
}

/// A study of two rounds (fault F-036): with a schedule that doesn't depend on the steps the beginnings of the retrainings
/// are trainings of the exploring round; with another that round's noise is unknown, and the picture says what tells.
#[test]
fn two_rounds_have_their_good_region_or_say_what_tells() {
    let trials = trials(400);
    let constant = plan(&format!("{TWO_ROUNDS}schedule: {{family: Constant, base: learning_rate}}\n"));
    let axis = drawn(&constant, &trials, "axis-learning_rate");
    assert!(
        axis.subtitle.ends_with(
            "Shaded: within 0.02 of the best (2 × the seed standard deviation, of longer retrainings at this round's last \
             step), 2 with sgd and 2 with adam."
        ),
        "{}",
        axis.subtitle
    );
    let budget = drawn(&constant, &trials, "best-of-k");
    assert!(
        budget.subtitle.contains("give or take 0.01 (one seed standard deviation, of longer"),
        "{}",
        budget.subtitle
    );

    let cosine = plan(&format!("{TWO_ROUNDS}schedule: {{family: Cosine, base: learning_rate}}\n"));
    let said = "How far two trainings of 100 steps differ by seed is unknown: the retrained ones had 400. Retraining in a \
                study that ends with round explore tells.";
    for id in ["axis-learning_rate", "best-of-k"] {
        let plot = drawn(&cosine, &trials, id);
        assert!(plot.subtitle.ends_with(said), "{}", plot.subtitle);
        assert!(!plot.subtitle.contains("Shaded") && !plot.subtitle.contains("give or take"), "{}", plot.subtitle);
    }
    // The finding that counts the same says the same.
    let found = crate::findings::findings(&cosine, &trials);
    let undersampled = found.iter().find(|finding| finding.code == "Undersampled");
    assert!(undersampled.is_none_or(|finding| finding.advice.contains(said)));
}

/// Requirement R-150: what a larger study gains is seen beside what training one point again changes.
#[test]
fn the_size_of_a_study_is_set_against_the_noise_of_a_retraining() {
    let (plan, trials) = (plan(ONE_ROUND), trials(100));
    let plot = drawn(&plan, &trials, "best-of-k");
    let band = &plot.specification["layer"][0]["data"]["values"][0];
    let near = |field: &str, expected: f64| (band[field].as_f64().unwrap() - expected).abs() < 1e-9;
    assert!(near("low", 0.89) && near("high", 0.91), "{band}");
    assert!(
        plot.subtitle.contains("Grey: the best, give or take 0.01 (one seed standard deviation)"),
        "{}",
        plot.subtitle
    );
    let without = drawn(&plan, &trials[..8], "best-of-k");
    assert!(without.subtitle.ends_with("What training one point again changes is unknown: none was."));
    assert!(without.specification["layer"][0]["data"]["values"][0]["low"].is_null());
}

/// The isolation plot has the intervals that the answer has.
#[test]
fn isolation_plots_have_the_intervals_of_the_answer() {
    let (plan, trials) = (plan(ONE_ROUND), trials(100));
    let plot = drawn(&plan, &trials, "isolation-explore");
    assert!(plot.subtitle.contains(" ◆ the mean of the retrainings, with its 95% interval."), "{}", plot.subtitle);
    let findings = crate::findings::findings(&plan, &trials);
    let checklist = crate::findings::checklist(&plan, &trials, &findings);
    let verdict = crate::findings::verdict(&plan, &trials, &checklist);
    let [low, high] = verdict.difference.and_then(|difference| difference.interval).unwrap();
    let number = crate::findings::number;
    let ahead = format!("The mean of adam is better by 0.2 ({} to {}).", number(low), number(high));
    assert!(plot.subtitle.contains(&ahead), "{ahead} / {}", plot.subtitle);
    // Those of the arms: t of 4 degrees of freedom at 2.5 %, 2.776, times 0.01 / √3.
    let layers = plot.specification["layer"].as_array().unwrap();
    let lines: Vec<_> =
        layers.iter().map(|layer| &layer["data"]["values"][0]).filter(|row| row["low"].is_number()).collect();
    assert_eq!(lines.len(), 2);
    // The leading arm, adam, is the second of the plot.
    assert!((lines[0]["x"].as_f64().unwrap() - 1.41).abs() < 1e-9, "{}", lines[0]);
    let half = 2.776 * 0.01 / 3.0_f64.sqrt();
    assert!((lines[0]["low"].as_f64().unwrap() - (0.93 - half)).abs() < 1e-4, "{}", lines[0]);
    // What was trained once has none, and says so.
    let once = drawn(&plan, &trials[..8], "isolation-explore");
    assert!(once.subtitle.contains(" No interval: what training these points again would change is unknown."));
}

/// A finite objective that is hopeless is infeasible: it stands on the rail, and doesn't press the others together.
#[test]
fn hopeless_trials_stand_on_the_rail() {
    let plan = plan("rounds: [{name: explore, trials: 20, maxTrainSteps: 100}]\n");
    let mut trials: Vec<TrialRecord> =
        (0..20).map(|i| trial("explore", i, "sgd", 0.01 * (i + 1) as f64, 100, 1.0 + 0.01 * i as f64)).collect();
    let before = drawn(&plan, &trials, "axis-learning_rate");
    assert!(before.subtitle.contains("n = 20 trials, none infeasible"), "{}", before.subtitle);
    trials[19].outcome = Outcome::Succeeded { objective: 1e9, step: Some(100) };
    let plot = drawn(&plan, &trials, "axis-learning_rate");
    assert!(plot.subtitle.contains("n = 19 trials, 1 infeasible (✕, above the plot)"), "{}", plot.subtitle);
    let layers = plot.specification["layer"].as_array().unwrap();
    let rail = layers.iter().find(|layer| layer["mark"]["shape"] == super::style::CROSS).unwrap();
    assert_eq!(rail["data"]["values"][0]["reason"], "FarWorse");
    assert!(!plot.specification.to_string().contains("1000000000"));
}
