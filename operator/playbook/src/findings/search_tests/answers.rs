//! The five questions and the arms, answered.

use std::collections::BTreeMap;

use super::{FEATURE, feature};
use crate::{
    findings::{
        Answer, Checklist, checklist, findings,
        simulated::{ARMS, Luck, ONE, arms, bowl, one, plan},
    },
    record::{Outcome, TrialRecord},
};

fn answered(yaml: &str, trials: &[TrialRecord]) -> Checklist {
    let plan = plan(yaml);
    checklist(&plan, trials, &findings(&plan, trials))
}

fn answers(yaml: &str, trials: &[TrialRecord]) -> Vec<Answer> {
    answered(yaml, trials).questions.iter().map(|q| q.answer).collect()
}

/// Curves that end well before the last step, with a training loss that falls.
fn with_curves(mut trials: Vec<TrialRecord>, luck: &mut Luck) -> Vec<TrialRecord> {
    for trial in &mut trials {
        let Outcome::Succeeded { objective, step } = &mut trial.outcome else { continue };
        let mut curve = |scale: f64| -> Vec<(u64, f64)> {
            let falling =
                |i: u64, luck: &mut Luck| *objective + (1.0 - i as f64 / 14.0).max(0.0) + scale * luck.normal();
            (1..=20).map(|i| (i * 5, falling(i, luck))).collect()
        };
        let evaluations = curve(0.01);
        trial.curves = BTreeMap::from([
            ("train_loss".to_owned(), curve(0.001)),
            ("validation_error".to_owned(), evaluations.clone()),
        ]);
        let best = evaluations.into_iter().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        (*objective, *step) = (best.1, Some(best.0));
    }
    trials
}

#[test]
fn before_there_are_results_nothing_is_known() {
    let checklist = answered(ONE, &[]);
    assert!(checklist.provisional && checklist.arms.is_empty());
    assert!(checklist.questions.iter().all(|q| q.answer == Answer::Unknown), "{}", checklist.text());
    let few = one(5, &mut Luck(1), |_, luck| Some(luck.normal()));
    let checklist = answered(ONE, &few);
    assert_eq!(checklist.questions[0].answer, Answer::Unknown);
    assert_eq!(checklist.questions[1].answer, Answer::Fail);
    assert_eq!(checklist.questions[2].answer, Answer::Pass);
}

#[test]
fn a_good_study_passes() {
    let mut luck = Luck(50);
    let trials = with_curves(one(30, &mut luck, |u, luck| Some(bowl(u, 0.5, luck))), &mut luck);
    let checklist = answered(ONE, &trials);
    assert!(!checklist.provisional, "{}", checklist.text());
    assert_eq!(checklist.arms.len(), 1);
    assert_eq!(checklist.arms[0].nuisance_tuned_enough, Answer::Pass);
    insta::assert_snapshot!(checklist.text());
}

#[test]
fn without_curves_two_questions_are_unknown() {
    let trials = one(30, &mut Luck(50), |u, luck| Some(bowl(u, 0.5, luck)));
    let expected = [Answer::Pass, Answer::Pass, Answer::Pass, Answer::Unknown, Answer::Unknown];
    assert_eq!(answers(ONE, &trials), expected);
    assert!(answered(ONE, &trials).provisional);
}

#[test]
fn too_few_evaluations_to_see_overfitting_leave_the_curves_unknown() {
    let thinned = |evaluations: usize| {
        let mut luck = Luck(50);
        let mut trials = with_curves(one(30, &mut luck, |u, luck| Some(bowl(u, 0.5, luck))), &mut luck);
        for trial in &mut trials {
            let curve = trial.curves.get_mut("validation_error").unwrap();
            curve.drain(..curve.len() - evaluations);
        }
        let question = answered(ONE, &trials).questions[4].clone();
        (question.answer, question.reason)
    };
    for evaluations in 5..10 {
        let (answer, reason) = thinned(evaluations);
        assert_eq!(answer, Answer::Unknown, "{evaluations}: {reason}");
        assert!(
            reason.contains(&format!("more than {evaluations} evaluations"))
                && reason.contains("; 10 evaluations each"),
            "{reason}"
        );
    }
    assert_eq!(thinned(10).0, Answer::Pass, "{}", thinned(10).1);
    assert_eq!(thinned(4).0, Answer::Fail, "EvaluationsTooRare speaks: {}", thinned(4).1);
}

/// Two arms with an optimum of their own, `lead` apart, seeds that hardly matter, and four retrainings of the best of each.
fn hardly_noisy(lead: f64, each: usize, luck: &mut Luck) -> Vec<TrialRecord> {
    let error = move |on: bool, u: [f64; 2]| {
        (u[0] - 0.5).powi(2) + 0.5 * (u[1] - 0.5).powi(2) + if on { 0.1 } else { 0.1 + lead }
    };
    let mut trials = feature(each, each, luck, |on, u, luck| Some(error(on, u) + 1e-4 * luck.normal()));
    for arm in [false, true] {
        let of_arm = trials.iter().filter(|t| t.hyperparameters["skip"] == arm.into() && t.round == "explore");
        let best = of_arm.min_by(|a, b| a.objective().unwrap().total_cmp(&b.objective().unwrap())).unwrap().clone();
        for i in 0..4 {
            let objective = best.objective().unwrap() + 1e-4 * luck.normal();
            trials.push(TrialRecord {
                name: format!("s-retrain-{arm}-{i}"),
                round: "retrain".to_owned(),
                outcome: Outcome::Succeeded { objective, step: None },
                ..best.clone()
            });
        }
    }
    trials
}

#[test]
fn a_plain_winner_is_sampled_enough_however_small_its_noise() {
    let study = FEATURE.replace("evaluation:", "retrain: {best: 1, times: 4, per: Scientific}\nevaluation:");
    let sampled = |lead: f64| {
        let answered = (0..100).map(|seed| answered(&study, &hardly_noisy(lead, 20, &mut Luck(seed))));
        let passed = answered.filter(|checklist| checklist.questions[1].answer == Answer::Pass).count();
        passed as f64 / 100.0
    };
    let (plain, close) = (sampled(0.3), sampled(0.002));
    println!("sampled enough: a plain winner {plain}, a close one {close}");
    assert!(plain >= 0.95, "{plain}");
    // Where the arms are closer than more trials would bring them, they may turn.
    assert!(close <= 0.1, "{close}");
}

#[test]
fn what_fails_says_why_with_numbers() {
    let mut luck = Luck(51);
    let trials = arms(15, &mut luck, |optimizer, u, luck| match optimizer {
        "sgd" => Some(1.0 - u[0] + 0.02 * luck.normal()),
        "momentum" => (u[0] < 0.3).then(|| luck.normal()),
        _ => Some(bowl([u[0], u[1], u[2]], 0.5, luck)),
    });
    let checklist = answered(ARMS, &trials);
    assert_eq!(checklist.questions[0].answer, Answer::Fail);
    assert_eq!(checklist.questions[0].codes, ["SearchSpaceTooNarrow"]);
    assert_eq!(checklist.questions[2].answer, Answer::Fail);
    let tuned: Vec<_> = checklist.arms.iter().map(|a| a.nuisance_tuned_enough).collect();
    assert_eq!(tuned, [Answer::Fail, Answer::Fail, Answer::Pass], "{}", checklist.text());
    assert_eq!(checklist.arms[1].codes, ["ManyInfeasible"]);
    insta::assert_snapshot!(checklist.text());
}

#[test]
fn waivers_set_questions_and_findings_aside() {
    let trials = one(30, &mut Luck(1), |u, _| Some(1.0 - u[0]));
    let waiving = |waivers: &str| ONE.replace("trial: {", &format!("policy: {{waive: [{waivers}]}}\ntrial: {{"));
    assert_eq!(answers(ONE, &trials)[0], Answer::Fail);
    let question = waiving("{question: 1, reason: The hardware allows no more.}, {question: 4, reason: r}");
    let checklist = answered(&question, &trials);
    assert_eq!(checklist.questions[0].answer, Answer::Waived);
    assert_eq!(checklist.questions[0].reason, "The hardware allows no more.");
    assert_eq!(checklist.questions[3].answer, Answer::Waived);
    let code = waiving("{code: SearchSpaceTooNarrow, hyperparameter: learning_rate, reason: r}");
    let checklist = answered(&code, &trials);
    assert_eq!(checklist.questions[0].answer, Answer::Waived);
    assert_eq!(checklist.arms[0].nuisance_tuned_enough, Answer::Waived);
    let found = findings(&plan(&code), &trials);
    let edge = found.iter().find(|f| f.code == "SearchSpaceTooNarrow").unwrap();
    assert_eq!(edge.waived.as_deref(), Some("r"));
    // Of another hyperparameter: it stays.
    let other = waiving("{code: SearchSpaceTooNarrow, hyperparameter: dropout, reason: r}");
    assert_eq!(answers(&other, &trials)[0], Answer::Fail);
    // What passes needs no waiver.
    let fine = one(30, &mut Luck(50), |u, luck| Some(bowl(u, 0.5, luck)));
    assert_eq!(answers(&waiving("{question: 3, reason: r}"), &fine)[2], Answer::Pass);
}

#[test]
fn trials_to_come_leave_sampling_unknown() {
    let mut trials = feature(4, 4, &mut Luck(52), |_, _, luck| Some(luck.normal()));
    for trial in &mut trials[6..] {
        trial.outcome = Outcome::Pending;
    }
    let checklist = answered(FEATURE, &trials);
    assert_eq!(checklist.questions[1].answer, Answer::Unknown, "{}", checklist.text());
    assert!(checklist.questions[1].reason.contains("2 trials of round explore have not ended"));
}

#[test]
fn a_checklist_reads_back() {
    let trials = one(30, &mut Luck(50), |u, luck| Some(bowl(u, 0.5, luck)));
    let checklist = answered(ONE, &trials);
    let text = serde_json::to_string(&checklist).unwrap();
    assert_eq!(serde_json::from_str::<Checklist>(&text).unwrap(), checklist);
    assert!(text.starts_with(r#"{"provisional":true,"questions":[{"number":1,"question":"Is the search space large enough?","answer":"Pass""#), "{text}");
}

#[test]
fn ten_thousand_trials_are_read() {
    // What grows with the square of the number of trials would show here; the time is printed, not judged.
    let trials = arms(3_333, &mut Luck(53), |_, u, luck| {
        (u[0] < 0.7 || luck.uniform() < 0.3).then(|| (u[0] - 0.6).powi(2) + 0.1 * luck.normal())
    });
    let begun = std::time::Instant::now();
    let checklist = answered(ARMS, &trials);
    println!("{} trials: {:?}", trials.len(), begun.elapsed());
    assert_eq!(checklist.questions[1].answer, Answer::Pass, "{}", checklist.text());
}
