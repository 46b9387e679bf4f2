#![allow(
    clippy::float_cmp,
    clippy::format_collect,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::single_match_else
)]

use std::collections::BTreeMap;

use studious_api::trial::TrialPhase;

use super::*;
use crate::{space::PointIdentity, studies, trial::TrialState};

fn printed(points: &[RoundPoint]) -> Vec<String> {
    points
        .iter()
        .map(|p| {
            let values = p.hyperparameters.iter().map(|(name, value)| format!("{name}={value}"));
            format!("{} {}", p.key.index, values.collect::<Vec<_>>().join(" "))
        })
        .collect()
}

fn fresh(plan: &Plan, round: &str) -> Vec<RoundPoint> {
    points(plan, round, &[]).unwrap()
}

/// Trials of a round that ended with these objectives; `None` for infeasible ones.
fn ended(points: &[RoundPoint], objectives: &[Option<f64>]) -> Vec<TrialState> {
    let trial = |(point, objective): (&RoundPoint, &Option<f64>)| TrialState {
        reason: None,
        step: None,
        key: point.key.clone(),
        hyperparameters: point.hyperparameters.clone(),
        phase: if objective.is_some() { TrialPhase::Succeeded } else { TrialPhase::Infeasible },
        objective: *objective,
        attempt: 1,
        metrics: BTreeMap::new(),
        retry_at: None,
        silent: None,
    };
    points.iter().zip(objectives).map(trial).collect()
}

/// Which points of `from` a round takes, by their index there.
fn taken(plan: &Plan, round: &str, trials: &[TrialState]) -> Vec<(u32, u32)> {
    let source = |p: &RoundPoint| trials.iter().find(|t| t.hyperparameters == p.hyperparameters).unwrap().key.index;
    points(plan, round, trials).unwrap().iter().map(|p| (p.key.index, source(p))).collect()
}

/// F-120: of the hyperparameters that exist at a point.
#[test]
fn a_trial_has_the_aliases_of_its_point() {
    let mut spec = studies::plan(studies::NESTEROV_AND_ADAM).spec().clone();
    for h in &mut spec.hyperparameters {
        h.alias = Some(format!("optim.{}", h.name));
    }
    let plan = Plan::new("s", &spec).unwrap();
    let all = fresh(&plan, "explore");
    assert!(all.iter().any(|point| point.hyperparameters.len() < spec.hyperparameters.len()));
    for point in &all {
        let aliases = trial_spec(&plan, point).aliases;
        assert!(aliases.keys().eq(point.hyperparameters.keys()), "{aliases:?} of {point:?}");
        assert!(aliases.iter().all(|(name, alias)| *alias == format!("optim.{name}")), "{aliases:?}");
    }
}

/// Studies that people keep depend on these: they must never change.
#[test]
fn golden_points_of_two_arms() {
    let plan = studies::plan(studies::NESTEROV_AND_ADAM);
    assert_eq!(printed(&fresh(&plan, "explore")[..8]), GOLDEN_ARMS);
}

#[test]
fn golden_points_of_the_designs_example() {
    let plan = studies::plan(studies::DIGITS);
    assert_eq!(printed(&fresh(&plan, "explore")[..7]), GOLDEN_DIGITS);
}

#[test]
fn arms_share_the_trials_and_the_points() {
    let plan = studies::plan(studies::DIGITS);
    let points = fresh(&plan, "explore");
    assert_eq!(points.len(), 45);
    for (i, point) in points.iter().enumerate() {
        assert_eq!(point.hyperparameters["optimizer"], ["sgd", "momentum", "nesterov"][i % 3].into());
        let first = &points[i - i % 3].hyperparameters;
        assert_eq!(point.hyperparameters["learning_rate"], first["learning_rate"]);
        assert_eq!(point.hyperparameters["width"], first["width"]);
        assert_eq!(point.hyperparameters.contains_key("one_minus_momentum"), i % 3 > 0);
        assert_eq!(point.hyperparameters["batch_size"], 128_i64.into());
    }
    assert_eq!(points[1].hyperparameters["one_minus_momentum"], points[2].hyperparameters["one_minus_momentum"]);
    // What remains goes to the first arms; 20 of two is even.
    let uneven = fresh(&studies::plan(&studies::DIGITS.replace("45", "47")), "explore");
    let count = |name: &str| uneven.iter().filter(|p| p.hyperparameters["optimizer"] == name.into()).count();
    assert_eq!(["sgd", "momentum", "nesterov"].map(count), [16, 16, 15]);
    assert_eq!(uneven[..45], points);
}

#[test]
fn a_later_fresh_round_goes_on_in_the_sequence() {
    let rounds = |first: u32| {
        let plan = studies::plan(&format!(
            "
hyperparameters:
- {{name: activation, role: Scientific, values: [relu, tanh]}}
- {{name: learning_rate, range: {{min: 1.0e-4, max: 10, scale: Log}}}}
rounds:
- {{name: explore, trials: {first}, maxTrainSteps: 100}}
- {{name: again, trials: 10, maxTrainSteps: 200}}
"
        ));
        (fresh(&plan, "explore"), fresh(&plan, "again"))
    };
    let values = |points: &[RoundPoint]| points.iter().map(|p| p.hyperparameters.clone()).collect::<Vec<_>>();
    let (explore, again) = rounds(20);
    assert_eq!([values(&explore), values(&again)].concat(), values(&rounds(30).0));
    assert_eq!(again[3].key, TrialKey { round: "again".into(), index: 3 });
}

#[test]
fn a_round_tries_no_point_twice_and_a_small_space_ends() {
    let plan = |trials: u32| {
        studies::plan(&format!(
            "
hyperparameters:
- {{name: layers, role: Scientific, values: [1, 2]}}
- {{name: width, range: {{min: 1, max: 3, integer: true}}}}
- {{name: activation, when: {{layers: [2]}}, values: [relu, tanh]}}
rounds:
- {{name: explore, trials: {trials}, maxTrainSteps: 100}}
"
        ))
    };
    // 3 points of one layer, 6 of two.
    let points = fresh(&plan(40), "explore");
    assert_eq!(points.len(), 9);
    assert_eq!(
        points.iter().map(|p| PointIdentity::of(&p.hyperparameters)).collect::<std::collections::HashSet<_>>().len(),
        9
    );
    assert_eq!(points.iter().map(|p| p.key.index).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 7, 9, 11]);
    assert_eq!(total_trials(&plan(40)), 9);
    for trials in 2..40 {
        let fewer = fresh(&plan(trials), "explore");
        assert_eq!(fewer, points[..fewer.len()], "{trials}");
    }
}

#[test]
fn drawn_scientific_values_need_no_arms() {
    let plan = studies::plan(
        "
hyperparameters:
- {name: activation, role: Scientific, values: [relu, tanh, gelu]}
- {name: learning_rate, range: {min: 1.0e-4, max: 10, scale: Log}}
search: {scientific: Sampled}
rounds:
- {name: explore, trials: 30, maxTrainSteps: 100}
",
    );
    let points = fresh(&plan, "explore");
    assert_eq!(plan.arms(), None);
    for activation in ["relu", "tanh", "gelu"] {
        let count = points.iter().filter(|p| p.hyperparameters["activation"] == activation.into()).count();
        assert!((9..=11).contains(&count), "{activation}: {count}");
    }
}

const TWO_ROUNDS: &str = "
hyperparameters:
- {name: optimizer, role: Scientific, values: [sgd, adam]}
- {name: learning_rate, range: {min: 1.0e-4, max: 10, scale: Log}}
rounds:
- {name: explore, trials: 8, maxTrainSteps: 100}
- {name: confirm, maxTrainSteps: 400, from: FROM}
retrain: {best: 2, times: 3}
";

fn two_rounds(from: &str) -> Plan {
    studies::plan(&TWO_ROUNDS.replace("FROM", from))
}

#[test]
fn the_best_of_a_round() {
    let plan = two_rounds("{round: explore, best: 3}");
    let explore = fresh(&plan, "explore");
    // Even indices are sgd. Of equal ones the lower index comes first; the infeasible one gives no point.
    let objectives = [Some(0.5), Some(0.2), None, Some(0.2), Some(0.4), Some(0.1), Some(0.9), Some(f64::NAN)];
    let trials = ended(&explore, &objectives);
    assert_eq!(taken(&plan, "confirm", &trials), [(0, 5), (1, 1), (2, 3)]);
    // The best of each configuration, all first ones first.
    let each = two_rounds("{round: explore, best: 2, per: Scientific}");
    assert_eq!(taken(&each, "confirm", &trials), [(0, 4), (1, 5), (2, 0), (3, 1)]);
    // Larger may be better.
    let largest = studies::plan(&format!(
        "{}\nobjective: {{metric: accuracy, direction: Maximize}}",
        TWO_ROUNDS.replace("FROM", "{round: explore, best: 2}")
    ));
    assert_eq!(taken(&largest, "confirm", &trials), [(0, 6), (1, 0)]);
    // Fewer if fewer succeeded, none if none.
    let few = ended(&explore, &[None, Some(0.3), None, None, None, None, None, None]);
    assert_eq!(taken(&plan, "confirm", &few), [(0, 1)]);
    assert_eq!(points(&plan, "confirm", &ended(&explore, &[None; 8])), None);
    assert_eq!(points(&plan, "nonsense", &trials), None);
}

#[test]
fn a_trial_that_exists_keeps_its_point() {
    let plan = two_rounds("{round: explore, best: 2}");
    let explore = fresh(&plan, "explore");
    let mut trials = ended(&explore, &[0.5, 0.2, 0.4, 0.3, 0.6, 0.7, 0.8, 0.9].map(Some));
    let confirm = points(&plan, "confirm", &trials).unwrap();
    assert_eq!(taken(&plan, "confirm", &trials), [(0, 1), (1, 3)]);
    // The second was made first, then the operator restarted.
    let mut second = ended(&confirm[1..], &[Some(0.1)]);
    trials.append(&mut second);
    assert_eq!(points(&plan, "confirm", &trials).unwrap(), confirm);
    // An earlier round got a better trial since: it is taken too, and nothing that exists changes.
    trials[6].objective = Some(0.01);
    let later = points(&plan, "confirm", &trials).unwrap();
    assert_eq!(later[1], confirm[1]);
    assert_eq!(later[0].hyperparameters, explore[6].hyperparameters);
}

#[test]
fn retraining_repeats_the_best_of_the_last_round_with_other_seeds() {
    let plan = two_rounds("{round: explore, best: 3}");
    let explore = fresh(&plan, "explore");
    let mut trials = ended(&explore, &[0.5, 0.2, 0.4, 0.3, 0.6, 0.7, 0.8, 0.9].map(Some));
    let confirm = points(&plan, "confirm", &trials).unwrap();
    trials.extend(ended(&confirm, &[0.3, 0.1, 0.2].map(Some)));
    let retrain = points(&plan, RETRAIN, &trials).unwrap();
    assert_eq!(names(&plan), ["explore", "confirm", "retrain"]);
    let expected = [1, 2, 1, 2, 1, 2].map(|i: usize| &confirm[i].hyperparameters);
    assert_eq!(retrain.iter().map(|p| &p.hyperparameters).collect::<Vec<_>>(), expected);
    assert_eq!(retrain.iter().map(|p| p.key.index).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    let specs: Vec<TrialSpec> = retrain.iter().map(|p| trial_spec(&plan, p)).collect();
    assert!(specs.iter().all(|s| s.max_train_steps == 400));
    let inits: std::collections::HashSet<u32> = specs.iter().map(|s| s.seeds.init).collect();
    assert_eq!(inits.len(), 6);
    // Half of it exists, in whatever order: the rest follows.
    trials.extend([4, 0, 3].map(|i| ended(&retrain[i..=i], &[Some(0.1)]).remove(0)));
    assert_eq!(points(&plan, RETRAIN, &trials).unwrap(), retrain);
}

/// F-108: the winner's arm alone was trained again.
#[test]
fn retraining_per_arm_repeats_the_best_of_each() {
    let text = TWO_ROUNDS
        .replace("FROM", "{round: explore, best: 2, per: Scientific}")
        .replace("best: 2, times: 3}", "best: 1, times: 3, per: Scientific}");
    let plan = studies::plan(&text);
    let mut trials = ended(&fresh(&plan, "explore"), &[0.5, 0.2, 0.4, 0.3, 0.6, 0.7, 0.8, 0.9].map(Some));
    let confirm = points(&plan, "confirm", &trials).unwrap();
    // Two of sgd and two of adam in turn; those of adam are worse by far.
    trials.extend(ended(&confirm, &[0.3, 0.9, 0.2, 0.8].map(Some)));
    let retrain = points(&plan, RETRAIN, &trials).unwrap();
    let expected = [2, 3, 2, 3, 2, 3].map(|i: usize| &confirm[i].hyperparameters);
    assert_eq!(retrain.iter().map(|p| &p.hyperparameters).collect::<Vec<_>>(), expected);
    assert_eq!(total_trials(&plan), 8 + 4 + 6);
    // An arm without a result has none to train again.
    trials.truncate(8);
    trials.extend(ended(&confirm, &[Some(0.3), None, Some(0.2), None]));
    assert_eq!(points(&plan, RETRAIN, &trials).unwrap().len(), 3);
}

#[test]
fn seeds_of_all_trials_may_be_the_same_but_for_retraining() {
    let same = studies::plan(&format!(
        "{}\nseeds: {{acrossTrials: Same}}",
        TWO_ROUNDS.replace("FROM", "{round: explore, best: 3}")
    ));
    let of =
        |round: &str, index: u32| seeds::of_trial(&same, &TrialKey { round: round.into(), index }, round == RETRAIN);
    assert_eq!(of("explore", 0), of("confirm", 2));
    assert_ne!(of(RETRAIN, 0).init, of(RETRAIN, 1).init);
    assert_ne!(of(RETRAIN, 0).data, of(RETRAIN, 1).data);
    assert_eq!(of(RETRAIN, 0).split, of("explore", 0).split);
}

#[test]
fn totals_count_every_round() {
    assert_eq!(total_trials(&studies::plan(studies::DIGITS)), 45 + 9 + 5);
    assert_eq!(total_trials(&two_rounds("{round: explore, best: 3}")), 8 + 3 + 6);
    assert_eq!(total_trials(&two_rounds("{round: explore, best: 2, per: Scientific}")), 8 + 4 + 6);
}

#[test]
fn a_trial_spec_holds_everything() {
    let plan = studies::plan(studies::DIGITS);
    let spec = trial_spec(&plan, &fresh(&plan, "explore")[7]);
    assert_eq!((spec.study.as_str(), spec.round.as_str(), spec.index), ("digits", "explore", 7));
    assert_eq!(spec.max_train_steps, 500);
    let schedule = spec.schedule.unwrap();
    assert_eq!((schedule.warmup_steps, schedule.decay_steps), (25, 475));
    assert_eq!(Some(schedule.base), spec.hyperparameters["learning_rate"].as_f64());
    // Several hosts can disagree, one can't.
    assert_eq!((spec.hosts, spec.verify), (1, SeedVerification::IfReported));
    let of = |more: &str| {
        let plan = studies::plan(&format!("{}\n{more}", studies::ONE_DIMENSION));
        let spec = trial_spec(&plan, &fresh(&plan, "explore")[0]);
        assert_eq!(spec.seeds.data.len(), spec.hosts as usize);
        spec.verify
    };
    let two = "trial: {hosts: 2, template: {spec: {containers: [{name: trainer, image: trainer}]}}}";
    assert_eq!(of(two), SeedVerification::Required);
    assert_eq!(of(&format!("{two}\nseeds: {{verify: Never}}")), SeedVerification::Never);
    assert_eq!(of("seeds: {verify: Required}"), SeedVerification::Required);
}

const GOLDEN_ARMS: [&str; 8] = [
    "0 batch_size=128 learning_rate=0.06974511669019039 momentum=0.9854495661120398 optimizer=Nesterov_momentum",
    "1 batch_size=128 beta1=0.9854495661120398 beta2=0.999649116703451 epsilon=9.549331135842814e-5 learning_rate=0.0006974511669019035 optimizer=Adam",
    "2 batch_size=128 learning_rate=6.974511669019035 momentum=0.9981667602059455 optimizer=Nesterov_momentum",
    "3 batch_size=128 beta1=0.9981667602059455 beta2=0.9944388745195126 epsilon=0.06872516805209894 learning_rate=0.06974511669019032 optimizer=Adam",
    "4 batch_size=128 learning_rate=0.006974511669019036 momentum=0.8845131296982917 optimizer=Nesterov_momentum",
    "5 batch_size=128 beta1=0.8845131296982917 beta2=0.9778607606987015 epsilon=4.9460518821692005e-9 learning_rate=6.974511669019034e-5 optimizer=Adam",
    "6 batch_size=128 learning_rate=0.6974511669019039 momentum=0.9709757169956295 optimizer=Nesterov_momentum",
    "7 batch_size=128 beta1=0.9709757169956295 beta2=0.9986031084361642 epsilon=1.3268752587530678e-7 learning_rate=0.006974511669019036 optimizer=Adam",
];
const GOLDEN_DIGITS: [&str; 7] = [
    "0 batch_size=128 learning_rate=1.8683319871338493 optimizer=sgd width=71",
    "1 batch_size=128 learning_rate=1.8683319871338493 one_minus_momentum=0.07007955922451377 optimizer=momentum width=71",
    "2 batch_size=128 learning_rate=1.8683319871338493 one_minus_momentum=0.07007955922451377 optimizer=nesterov width=71",
    "3 batch_size=128 learning_rate=0.005908184504691372 optimizer=sgd width=23",
    "4 batch_size=128 learning_rate=0.005908184504691372 one_minus_momentum=0.008829471183431938 optimizer=momentum width=23",
    "5 batch_size=128 learning_rate=0.005908184504691372 one_minus_momentum=0.008829471183431938 optimizer=nesterov width=23",
    "6 batch_size=128 learning_rate=0.10506402855403674 optimizer=sgd width=124",
];
