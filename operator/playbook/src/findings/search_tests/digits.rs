//! The first example can answer its first question: it has trials enough for a boundary that is too near to be seen.

use studious_api::StudySpec;

use crate::{
    Plan,
    findings::{Answer, Question, checklist, findings, simulated::Luck},
    record::{Outcome, TrialRecord},
    rounds,
};

const DIGITS: &str = include_str!("../../../../../examples/digits/study.yaml");

/// The example with so many trials in its first round, or as it stands.
fn digits(trials: Option<u32>) -> Plan {
    let object: serde_yaml::Value = serde_yaml::from_str(DIGITS).unwrap();
    let mut spec: StudySpec = serde_yaml::from_value(object["spec"].clone()).unwrap();
    spec.rounds[0].trials = trials.or(spec.rounds[0].trials);
    Plan::new("digits-momentum", &spec).unwrap()
}

/// Its first question, of a first round at the points that the study has. Which of them diverge is as measured
/// (`examples/digits/trials.jsonl`): with momentum m those whose rate over 1 - m is about 5 or more, without from 1.2 on.
fn first_question(plan: &Plan, luck: &mut Luck) -> Question {
    let points = rounds::points(plan, "explore", &[]).unwrap();
    let trials: Vec<TrialRecord> = points
        .into_iter()
        .map(|point| {
            let number =
                |name: &str| point.hyperparameters.get(name).and_then(studious_api::HyperparameterValue::as_f64);
            let momentum = number("one_minus_momentum");
            let rate = number("learning_rate").unwrap() / momentum.unwrap_or(1.0);
            let limit = if momentum.is_some() { 5.0 } else { 1.2 };
            let error = 0.04 + 0.1 * (rate / 0.4).log10().powi(2) + 0.005 * luck.normal();
            let outcome = if rate < limit {
                Outcome::Succeeded { objective: error, step: Some(150) }
            } else {
                Outcome::Infeasible { reason: "Diverged".into() }
            };
            let name = plan.trial_name(&point.key);
            let hyperparameters = point.hyperparameters;
            TrialRecord { name, round: "explore".to_owned(), hyperparameters, outcome, ..TrialRecord::default() }
        })
        .collect();
    checklist(plan, &trials, &findings(plan, &trials)).questions[0].clone()
}

#[test]
fn the_first_example_can_tell_whether_its_space_is_large_enough() {
    let unknown = |plan: &Plan| {
        let asked = (0..20).map(|seed| first_question(plan, &mut Luck(seed)));
        asked.filter(|question| question.answer == Answer::Unknown).map(|question| question.reason).collect::<Vec<_>>()
    };
    let reasons = unknown(&digits(None));
    let least = (10..=30).map(|each| 3 * each).find(|trials| unknown(&digits(Some(*trials))).is_empty());
    println!("the fewest trials that tell: {least:?}");
    assert!(reasons.is_empty(), "{least:?} would do: {reasons:?}");
    assert!(least.is_some_and(|least| least > 45), "the examiner grew: the example may be smaller than {least:?}");
}
