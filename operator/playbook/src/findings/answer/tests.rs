use std::collections::BTreeMap;

use super::*;
use crate::findings::{
    checklist, findings,
    simulated::{ARMS, Luck, ONE, arms, bowl, one, plan, raised, trial},
};

/// Two arms of one learning rate each way, and what follows in the study.
const TWO: &str = "
goal: Is adamw better than sgd?
objective: {metric: validation_error, direction: Minimize}
hyperparameters:
- {name: optimizer, role: Scientific, values: [sgd, adamw]}
- {name: lr, range: {min: 1.0e-5, max: 1, scale: Log}}
search: {scientific: Crossed}
rounds:
- {name: explore, trials: 20, maxTrainSteps: 100}
- {name: confirm, maxTrainSteps: 400, from: {round: explore, best: 2, per: Scientific}}
evaluation: {everySteps: 10}
trial: {template: {spec: {containers: [{name: t, image: i}]}}}
";

fn answer(study: &str, trials: &[TrialRecord]) -> Verdict {
    let plan = plan(study);
    let found = findings(&plan, trials);
    verdict(&plan, trials, &checklist(&plan, trials, &found))
}

fn of(optimizer: &str, lr: f64) -> BTreeMap<String, studious_api::HyperparameterValue> {
    BTreeMap::from([("optimizer".to_owned(), optimizer.into()), ("lr".to_owned(), lr.into())])
}

fn in_round(round: &str, mut trial: TrialRecord) -> TrialRecord {
    trial.name = trial.name.replace("explore", round);
    round.clone_into(&mut trial.round);
    trial
}

/// Ten trials of each arm; `best` of the arm at a rate of 0.003, others worse the farther away.
fn explored(sgd: f64, adamw: f64) -> Vec<TrialRecord> {
    let rates = (0..10).map(|i| 10_f64.powf(-4.5 + 0.45 * f64::from(i)));
    let all = [("sgd", sgd), ("adamw", adamw)].into_iter().flat_map(|(optimizer, best)| {
        rates.clone().map(move |lr| (of(optimizer, lr), best + 0.02 * (lr.log10() + 2.25).powi(2)))
    });
    all.enumerate().map(|(i, (point, objective))| trial(i, point, Some(objective))).collect()
}

/// The best trial of an arm, trained again.
fn retrained(trials: &[TrialRecord], optimizer: &str, values: &[f64], from: usize) -> Vec<TrialRecord> {
    let of_arm = trials.iter().filter(|t| t.hyperparameters["optimizer"] == optimizer.into());
    let best = of_arm.min_by(|a, b| a.objective().unwrap().total_cmp(&b.objective().unwrap())).unwrap();
    let again =
        |(i, value): (usize, &f64)| in_round("retrain", trial(from + i, best.hyperparameters.clone(), Some(*value)));
    values.iter().enumerate().map(again).collect()
}

const ONE_ROUND: &str = "- {name: confirm, maxTrainSteps: 400, from: {round: explore, best: 2, per: Scientific}}\n";

fn single(retrain: &str) -> String {
    TWO.replace(ONE_ROUND, &format!("{retrain}\n"))
}

/// F-109: 0.0148 and 0.0241, each ± 0.0032 over three retrainings; the chosen values said nothing.
#[test]
fn means_of_retrainings_are_compared_and_the_answer_says_so() {
    let study = single("retrain: {best: 1, times: 3, per: Scientific}");
    let mut trials = explored(0.0121, 0.012);
    // Two trials of adamw are better than any of sgd.
    let adamw = trials.iter_mut().filter(|t| t.hyperparameters["optimizer"] == "adamw".into());
    for trial in adamw.skip(4).take(3) {
        trial.outcome = Outcome::Succeeded { objective: 0.0119, step: Some(100) };
    }
    trials.extend(retrained(&trials, "sgd", &[0.0209, 0.0241, 0.0273], 0));
    trials.extend(retrained(&trials, "adamw", &[0.0116, 0.0148, 0.0180], 3));
    let verdict = answer(&study, &trials);
    let difference = verdict.difference.unwrap();
    assert!((difference.value - 0.0093).abs() < 1e-9, "{difference:?}");
    let [low, high] = difference.interval.unwrap();
    // t of 0.025 and 4 degrees of freedom, times 0.0032, times the root of two thirds.
    let half = 2.776_445 * 0.0032 * (2.0_f64 / 3.0).sqrt();
    assert!((low - (0.0093 - half)).abs() < 1e-6 && (high - (0.0093 + half)).abs() < 1e-6, "{low} {high}");
    assert_eq!(verdict.arms[0].configuration["optimizer"], "adamw".into());
    assert!(verdict.summary.contains("optimizer = adamw is better than optimizer = sgd"), "{}", verdict.summary);
    assert_eq!((verdict.arms[0].retrainings, verdict.arms[1].retrainings), (3, 3));
    assert!(verdict.summary.contains("3 retrainings"), "{}", verdict.summary);
    // Half of the variance of the difference, 0.0032^2 * 2 / 3, divided by the difference: the leader was chosen for its mean.
    let expected = verdict.expected.unwrap();
    assert!((expected - (0.0148 + 0.5 * 0.0032_f64.powi(2) * 2.0 / 3.0 / 0.0093)).abs() < 1e-9, "{expected}");
    assert!(verdict.summary.contains("expect 0.01517 of it with other seeds"), "{}", verdict.summary);
    let found = findings(&plan(&study), &trials);
    let per_arm = found.iter().find(|f| f.code == "BestPerArm").unwrap();
    assert!(per_arm.advice.contains("On average of retrainings: optimizer = adamw 0.0148"), "{}", per_arm.advice);
}

#[test]
fn equal_means_are_no_winner_whatever_the_luckiest_trials_were() {
    let study = single("retrain: {best: 1, times: 3, per: Scientific}");
    let mut trials = explored(0.005, 0.02);
    trials.extend(retrained(&trials, "sgd", &[0.0209, 0.0241, 0.0273], 0));
    trials.extend(retrained(&trials, "adamw", &[0.0205, 0.0238, 0.0281], 3));
    let verdict = answer(&study, &trials);
    assert_ne!(verdict.kind, VerdictKind::Winner, "{}", verdict.summary);
    let found = raised(&study, &trials, "DifferenceWithinNoise");
    assert!(found.advice.contains("Trained again with other seeds"), "{}", found.advice);
    // What was done is not what is advised: more of it is. The means differ by 0.00003 and allow 0.00758.
    assert!(!found.advice.contains("3 times"), "{}", found.advice);
    assert!(
        found.advice.contains("again, 5 times with other seeds, which shows a difference of 0.00"),
        "{}",
        found.advice
    );
    assert_eq!(verdict.retrainings_needed, Some(5));
}

/// Seeds in the guise of an arm were a winner in a quarter of such studies: all trials of an arm may share a lucky one.
#[test]
fn without_retraining_there_is_no_winner_however_many_trials_are_ahead() {
    let ahead = explored(0.5, 0.01);
    let verdict = answer(&single(""), &ahead);
    assert_ne!(verdict.kind, VerdictKind::Winner);
    assert_eq!((verdict.retrainings_needed, verdict.expected, verdict.noise), (Some(5), None, None));
    for said in [
        "No winner yet: optimizer = adamw leads optimizer = sgd by 0.49 by their best trials (10 of its trials beat the best",
        "each point was trained once, so how large the difference is with other seeds is unknown",
        "train the best point of each arm again, 5 times",
    ] {
        assert!(verdict.summary.contains(said), "{}", verdict.summary);
    }
    // The same with retrainings: two of each are too few.
    let mut trials = ahead.clone();
    trials.extend(retrained(&trials, "sgd", &[0.51, 0.5], 0));
    trials.extend(retrained(&trials, "adamw", &[0.012, 0.01], 2));
    let few = answer(&single("retrain: {best: 1, times: 2, per: Scientific}"), &trials);
    assert!(few.summary.contains("fewer than three retrainings of each say too little"), "{}", few.summary);
    assert_eq!(few.retrainings_needed, Some(5));
    assert!(few.difference.unwrap().interval.is_some(), "how far the means are apart is known");
    let mut trials = ahead;
    trials.extend(retrained(&trials, "sgd", &[0.51, 0.5, 0.505], 0));
    trials.extend(retrained(&trials, "adamw", &[0.012, 0.01, 0.013], 3));
    let repeated = answer(&single("retrain: {best: 1, times: 3, per: Scientific}"), &trials);
    assert!(repeated.summary.contains("optimizer = adamw is better than optimizer = sgd"), "{}", repeated.summary);
    assert_eq!(repeated.retrainings_needed, None);
}

/// Of two points that do not vary alike the noisy one decides: Student's t has its freedom, not that of both.
#[test]
fn an_interval_has_the_freedom_of_the_point_that_varies() {
    let study = single("retrain: {best: 1, times: 3, per: Scientific}");
    let mut trials = explored(0.05, 0.01);
    trials.extend(retrained(&trials, "sgd", &[0.04, 0.05, 0.06], 0));
    trials.extend(retrained(&trials, "adamw", &[0.01, 0.01, 0.01], 3));
    let difference = answer(&study, &trials).difference.unwrap();
    // t of 0.025 and 2 degrees of freedom; a pooled deviation of 0.01 / sqrt(2).
    let half = 4.302_653 * 0.01 * 0.5_f64.sqrt() * (2.0_f64 / 3.0).sqrt();
    let [low, high] = difference.interval.unwrap();
    assert!((low - (0.04 - half)).abs() < 1e-6 && (high - (0.04 + half)).abs() < 1e-6, "{low} {high}");
}

#[test]
fn retrainings_that_do_not_differ_at_all_say_nothing_of_the_noise() {
    let study = single("retrain: {best: 1, times: 3, per: Scientific}");
    let mut trials = explored(0.5, 0.01);
    trials.extend(retrained(&trials, "sgd", &[0.5; 3], 0));
    trials.extend(retrained(&trials, "adamw", &[0.01; 3], 3));
    let verdict = answer(&study, &trials);
    assert_ne!(verdict.kind, VerdictKind::Winner);
    assert!(verdict.summary.contains("check that the trainer uses its seeds"), "{}", verdict.summary);
}

/// F-108: `{best: 2, times: 5}` trained the winner twice.
#[test]
fn the_suggested_retraining_trains_every_arm_again() {
    let study = single("");
    let found = raised(&study, &explored(0.01, 0.0101), "DifferenceWithinNoise");
    let change = found.change.unwrap();
    assert_eq!(change.to_string(), r#"spec.retrain: (nothing) → {"best":1,"per":"Scientific","times":5}"#);
    let edited = Plan::new("s", &change.edit.applied(plan(&study).spec())).unwrap();
    let states: Vec<crate::trial::TrialState> = explored(0.01, 0.0101)
        .into_iter()
        .enumerate()
        .map(|(i, record)| {
            let key = crate::TrialKey { round: "explore".to_owned(), index: u32::try_from(i).unwrap() };
            let objective = record.objective();
            let mut state = crate::trial::TrialState::created(key, record.hyperparameters);
            (state.phase, state.objective) = (studious_api::trial::TrialPhase::Succeeded, objective);
            state
        })
        .collect();
    let points = crate::rounds::points(&edited, "retrain", &states).unwrap();
    for optimizer in ["sgd", "adamw"] {
        let again = points.iter().filter(|p| p.hyperparameters["optimizer"] == optimizer.into()).count();
        assert_eq!(again, 5, "{optimizer}");
    }
}

/// F-111: the doubt of ten trials an arm was gone after two an arm, one seed each.
#[test]
fn less_evidence_never_removes_a_doubt() {
    let mut trials = explored(0.0101, 0.01);
    let doubted =
        |trials: &[TrialRecord]| findings(&plan(TWO), trials).iter().any(|f| f.code == "DifferenceWithinNoise");
    assert!(doubted(&trials));
    for (i, (optimizer, value)) in
        [("sgd", 0.02), ("sgd", 0.021), ("adamw", 0.01), ("adamw", 0.011)].into_iter().enumerate()
    {
        let like = trials.iter().filter(|t| t.round == "explore" && t.hyperparameters["optimizer"] == optimizer.into());
        let point = like.clone().nth(4 + i % 2).unwrap().hyperparameters.clone();
        trials.push(in_round("confirm", trial(i, point, Some(value))));
    }
    assert!(doubted(&trials));
    let verdict = answer(TWO, &trials);
    assert_ne!(verdict.kind, VerdictKind::Winner, "{}", verdict.summary);
    assert!(verdict.summary.contains("how far two trainings of one point differ is unknown"), "{}", verdict.summary);
    assert_eq!(verdict.noise, None);
    // Where the exploring round had no doubt, the confirming one needs none either.
    let clear: Vec<_> =
        explored(0.5, 0.01).into_iter().chain(trials.into_iter().filter(|t| t.round == "confirm")).collect();
    assert!(!doubted(&clear));
}

#[test]
fn retraining_of_the_winner_alone_does_not_turn_the_order() {
    let study = single("retrain: {best: 1, times: 5}");
    let mut trials = explored(0.01, 0.0095);
    trials.extend(retrained(&trials, "adamw", &[0.0115, 0.0105, 0.011, 0.012, 0.0112], 0));
    let verdict = answer(&study, &trials);
    assert_eq!(verdict.arms[0].configuration["optimizer"], "adamw".into());
    assert_eq!(verdict.arms[0].retrainings, 0, "what is compared is the best results");
    let found = raised(&study, &trials, "DifferenceWithinNoise");
    assert_eq!(found.change.unwrap().to_string().matches(r#""per":"Scientific""#).count(), 1);
}

#[test]
fn a_study_without_arms_says_how_sure_its_best_point_is() {
    let mut trials = one(40, &mut Luck(7), |u, luck| Some(1.0 + bowl(u, 0.5, luck)));
    let unsure = answer(ONE, &trials);
    let best = unsure.best.clone().unwrap();
    assert_eq!((best.of, best.retrained), (40, None));
    assert!(unsure.summary.contains("the noise of training is unknown"), "{}", unsure.summary);
    let chosen = trials.iter().find(|t| t.name == best.trial).unwrap().clone();
    trials.extend(
        [1.1, 1.2, 1.15, 1.05]
            .into_iter()
            .enumerate()
            .map(|(i, value)| in_round("retrain", trial(i, chosen.hyperparameters.clone(), Some(value)))),
    );
    let sure = answer(ONE, &trials);
    let again = sure.best.unwrap().retrained.unwrap();
    let half = 3.182_446 * 0.064_549_7 / 2.0;
    assert!((again.value - 1.125).abs() < 1e-9 && (again.interval.unwrap()[0] - (1.125 - half)).abs() < 1e-5);
    assert!(sure.summary.contains("on average of 4 retrainings (95% interval"), "{}", sure.summary);
}

#[test]
fn points_that_a_table_holds_more_than_once_say_how_large_the_noise_is() {
    let mut luck = Luck(5);
    let mut trials = one(20, &mut luck, |u, luck| Some(1.0 + bowl(u, 0.5, luck)));
    let again: Vec<_> = trials
        .iter()
        .enumerate()
        .map(|(i, t)| trial(20 + i, t.hyperparameters.clone(), t.objective().map(|o| o + 0.2 * luck.normal())))
        .collect();
    trials.extend(again);
    let noise = answer(ONE, &trials).noise.unwrap();
    assert!((0.09..0.2).contains(&noise), "two results that differ by 0.2 vary by 0.14: {noise}");
}

#[test]
fn a_failing_question_stands_in_the_way() {
    let trials = arms(15, &mut Luck(9), |optimizer, u, luck| {
        Some(f64::from(u8::from(optimizer != "sgd")).mul_add(2.0, 1.0 - u[0] + 0.01 * luck.normal()))
    });
    let verdict = answer(ARMS, &trials);
    assert_eq!((verdict.kind, verdict.provisional), (VerdictKind::CannotJudge, true));
    assert!(verdict.failing.contains(&1));
    assert!(
        verdict.summary.starts_with("Cannot be judged yet: question 1 fails. With optimizer"),
        "{}",
        verdict.summary
    );
    // What is seen so far; no winner, since no point was trained again.
    assert!(verdict.summary.contains("optimizer = sgd leads optimizer = nesterov by 1.99"), "{}", verdict.summary);
}

/// An arm that tunes nothing has one point: no second need be good, and its retrainings alone decide.
#[test]
fn an_arm_that_tunes_nothing_can_win() {
    let study = "
goal: Does mixup help?
objective: {metric: validation_error, direction: Minimize}
hyperparameters:
- {name: mixup, role: Scientific, values: [false, true]}
- {name: alpha, when: {mixup: [true]}, range: {min: 0.1, max: 1, scale: Log}}
rounds:
- {name: explore, trials: 20, maxTrainSteps: 100}
retrain: {best: 1, times: 5, per: Scientific}
evaluation: {everySteps: 10}
trial: {template: {spec: {containers: [{name: t, image: i}]}}}
";
    let point = |alpha: Option<f64>| {
        let of = alpha.map(|alpha| ("alpha".to_owned(), alpha.into()));
        [("mixup".to_owned(), alpha.is_some().into())].into_iter().chain(of).collect::<BTreeMap<_, _>>()
    };
    let answered = |off: f64| {
        let alphas = (0..19).map(|i| Some(10_f64.powf(-1.0 + 0.053 * f64::from(i))));
        let points = std::iter::once(None).chain(alphas);
        let objective = |alpha: Option<f64>| alpha.map_or(off, |alpha| 0.2 + 0.1 * (alpha.log10() + 0.5).powi(2));
        let mut trials: Vec<_> =
            points.enumerate().map(|(i, alpha)| trial(i, point(alpha), Some(objective(alpha)))).collect();
        let mut again = Vec::new();
        for (first, best) in [(0, &trials[0]), (5, &trials[10])] {
            let noisy = |i: usize| best.objective().unwrap() + 0.002 * (i as f64 - 2.0);
            let of = |i| in_round("retrain", trial(first + i, best.hyperparameters.clone(), Some(noisy(i))));
            again.extend((0..5).map(of));
        }
        trials.extend(again);
        answer(study, &trials)
    };
    let off = answered(0.1);
    assert_eq!((off.kind, off.arms[0].configuration["mixup"].clone()), (VerdictKind::Winner, false.into()), "{off:?}");
    // One that trails was tuned less than the one that leads.
    let on = answered(0.3);
    assert_eq!((on.kind, on.failing.as_slice()), (VerdictKind::CannotJudge, [2].as_slice()), "{on:?}");
    assert_eq!(answered(0.2).kind, VerdictKind::NoWinner);
}

#[test]
fn nothing_is_answered_of_nothing() {
    assert_eq!(answer(ONE, &[]).summary, "No answer yet: no trial has succeeded.");
    let pending = TrialRecord { round: "explore".to_owned(), ..TrialRecord::default() };
    let mut trials = vec![pending; 3];
    let running = answer(ONE, &trials);
    assert_eq!(running.summary, "So far (0 of 34 trials ended): No answer yet: no trial has succeeded.");
    trials[0] = one(1, &mut Luck(1), |_, _| Some(0.5)).remove(0);
    let running = answer(ONE, &trials);
    assert!(
        running.provisional && running.summary.starts_with("So far (1 of 34 trials ended): "),
        "{}",
        running.summary
    );
    // One arm alone can't be compared.
    let mut arms = arms(10, &mut Luck(2), |optimizer, u, luck| (optimizer == "sgd").then(|| bowl(u, 0.5, luck)));
    arms.retain(|t| t.hyperparameters["optimizer"] != "nesterov".into());
    let alone = answer(ARMS, &arms);
    assert!(alone.summary.contains("optimizer = momentum has no trial that succeeded"), "{}", alone.summary);
}

/// What [`bowl`] gives on average, of a point of [`ARMS`].
fn bowl_of(trial: &TrialRecord) -> f64 {
    let share = |name: &str, min: f64, max: f64| {
        trial.hyperparameters.get(name).map_or(0.5, |v| (v.as_f64().unwrap() / min).ln() / (max / min).ln())
    };
    let u = [share("learning_rate", 1e-3, 10.0), share("width", 16.0, 256.0), share("c", 0.005, 0.5)];
    (u[0] - 0.5).powi(2) + 0.5 * (u[1] - 0.5).powi(2) + 0.5 * (u[2] - 0.5).powi(2)
}

/// An arm that differs in name only is called a winner in at most one of twenty studies.
#[test]
fn arms_that_differ_by_name_have_no_winner() {
    let study = ARMS.replace("evaluation:", "retrain: {best: 1, times: 4, per: Scientific}\nevaluation:");
    let plan = plan(&study);
    for retrains in [false, true] {
        let winners = (0..400).filter(|seed| {
            let mut luck = Luck(seed * 7919 + 1);
            let mut trials = arms(12, &mut luck, |_, u, luck| Some(bowl(u, 0.5, luck)));
            if retrains {
                for (i, optimizer) in ["sgd", "momentum", "nesterov"].into_iter().enumerate() {
                    let truth = |t: &TrialRecord| t.objective().unwrap();
                    let best = trials
                        .iter()
                        .filter(|t| t.round == "explore" && t.hyperparameters["optimizer"] == optimizer.into())
                        .min_by(|a, b| truth(a).total_cmp(&truth(b)))
                        .unwrap()
                        .clone();
                    for k in 0..4 {
                        let value = bowl_of(&best) + 0.05 * luck.normal();
                        trials.push(in_round("retrain", trial(4 * i + k, best.hyperparameters.clone(), Some(value))));
                    }
                }
            }
            let reading = Reading::new(&plan, &trials);
            let lead = lead::lead(&reading).unwrap();
            assert!(retrains || !lead.is_winner());
            lead.doubt.is_none()
        });
        let share = winners.count() as f64 / 400.0;
        println!("retrained {retrains}: {share}");
        assert!(share <= 0.05, "retrained {retrains}: {share}");
    }
}
