mod cases;

use std::collections::{BTreeMap, BTreeSet};

use studious_api::{Study, StudySpec, study::TrialTemplate, trial::TrialSeeds};

use super::{
    AttemptSeen, Check, CheckCode, CheckStatus, HostExit, Observations, SeenLine, ShortTrial, StopRequest, judge,
    name_of_preflight, short_trial,
};
use crate::{
    contract::{JudgedMetrics, Line},
    one_point::Setting,
    studies::{DIGITS, NESTEROV_AND_ADAM, spec},
};

const STUDY: &str = "
hyperparameters:
- {name: learning_rate, range: {min: 1.0e-4, max: 10, scale: Log}}
rounds: [{name: preflight, maxTrainSteps: 20}]
evaluation: {everySteps: 5}
checkpoint: {everySteps: 10}
";

/// Lines that come half a second apart, of an attempt that ends with a code.
fn attempt(lines: &[&str], code: i32) -> AttemptSeen {
    let judged = JudgedMetrics { objective: "validation_error".to_owned(), bounded: Vec::new() };
    let seen = lines.iter().enumerate().map(|(i, line)| SeenLine {
        seconds: 2.0 + 0.5 * i as f64,
        line: Line::parse(line, &judged).map_err(|problem| problem.to_string()),
    });
    let seconds = 2.5 + 0.5 * lines.len() as f64;
    let last_printed = Some("last words".to_owned());
    AttemptSeen {
        lines: seen.collect(),
        exit: Some(HostExit { seconds, code }),
        last_printed,
        checkpoint_files: 1,
        ..AttemptSeen::default()
    }
}

const WHOLE: [&str; 9] = [
    r#"{"event":"init","parameters_sha256":"a","init_seed":1,"data_seed":2}"#,
    r#"{"step":5,"validation_error":0.5,"examples_per_second":100}"#,
    r#"{"step":10,"train_loss":0.4}"#,
    r#"{"step":10,"validation_error":0.4}"#,
    r#"{"event":"checkpoint","step":10,"parameters_sha256":"b"}"#,
    r#"{"step":15,"validation_error":0.3}"#,
    r#"{"step":20,"validation_error":0.2}"#,
    r#"{"event":"checkpoint","step":20,"parameters_sha256":"c"}"#,
    r#"{"event":"done","step":20}"#,
];

fn seeds() -> TrialSeeds {
    TrialSeeds { init: 1, data: vec![2], split: 3 }
}

/// What a good program shows.
fn good(spec: &StudySpec) -> Observations<'_> {
    let restored = r#"{"event":"init","parameters_sha256":"b","restored_step":10}"#;
    let killed = AttemptSeen { request: Some(StopRequest::Kill), ..attempt(&WHOLE[..5], 137) };
    let request = Some(StopRequest::End { seconds: 2.75, overdue: false });
    let resumed = AttemptSeen { request, ..attempt(&[restored, WHOLE[3], WHOLE[5]], 143) };
    let again = attempt(&[restored, WHOLE[3], WHOLE[5], WHOLE[6], WHOLE[8]], 0);
    Observations {
        spec,
        seeds: seeds(),
        round_steps: 1000,
        whole: attempt(&WHOLE, 0),
        killed: Some(killed),
        resumed: Some(resumed),
        again: Some(again),
    }
}

fn checked(seen: &Observations<'_>, code: CheckCode) -> Check {
    judge(seen).checks.into_iter().find(|check| check.code == code).unwrap()
}

fn line_of(check: &Check) -> String {
    let needed = if check.needed { "needed" } else { "optional" };
    let fix = check.fix.as_ref().map_or_else(String::new, |fix| format!(" | {fix}"));
    format!("{:?} {:?} {needed}: {}{fix}", check.status, check.code, check.message)
}

#[test]
fn a_good_program_passes_every_check_and_is_measured() {
    let spec = spec(STUDY);
    let report = judge(&good(&spec));
    assert!(report.ready);
    insta::assert_snapshot!("good", report.checks.iter().map(line_of).collect::<Vec<_>>().join("\n"));
    let measured = report.measured;
    // The first line of a step came at 2.5 s, that of step 20 at 5 s.
    let per_step = 2.5 / 15.0;
    assert_eq!(measured.seconds_per_step, Some(per_step));
    assert!((measured.startup_seconds.unwrap() - (2.5 - 5.0 * per_step)).abs() < 1e-12);
    assert_eq!((measured.seconds_per_evaluation, measured.examples_per_second), (Some(0.5), Some(100.0)));
    assert_eq!(measured.peak_memory_bytes, None);
    let step_time = measured.step_time.unwrap();
    assert!((step_time.fast - (per_step + measured.startup_seconds.unwrap() / 1000.0)).abs() < 1e-12);
}

/// A program that writes out five lines at once every half second: the first of them say nothing of when they were reached.
#[test]
fn lines_that_come_in_bursts_are_timed_by_the_last_of_each() {
    let spec = spec(STUDY);
    let mut seen = good(&spec);
    let lines: Vec<String> = (1..=20).map(|step| format!("{{\"step\":{step},\"validation_error\":0.5}}")).collect();
    seen.whole = attempt(&lines.iter().map(String::as_str).collect::<Vec<_>>(), 0);
    for (i, line) in seen.whole.lines.iter_mut().enumerate() {
        line.seconds = 2.5 + 0.5 * (i / 5) as f64 + 1e-5 * (i % 5) as f64;
    }
    let measured = judge(&seen).measured;
    assert!((measured.seconds_per_step.unwrap() - 0.1).abs() < 1e-4, "{measured:?}");
    assert!((measured.startup_seconds.unwrap() - 2.0).abs() < 1e-3, "{measured:?}");
    // All at once, as of a program that buffers everything: unknown.
    for line in &mut seen.whole.lines {
        line.seconds = 5.0;
    }
    assert_eq!(judge(&seen).measured.seconds_per_step, None);
}

#[test]
fn every_check_can_fail_and_be_unknown() {
    let spec = spec(STUDY);
    let mut text = Vec::new();
    let mut statuses: BTreeMap<CheckCode, BTreeSet<String>> = BTreeMap::new();
    for (name, code, fault) in cases::all() {
        let mut seen = good(&spec);
        fault(&mut seen);
        let check = checked(&seen, code);
        statuses.entry(code).or_default().insert(format!("{:?}", check.status));
        assert_eq!(check.status == CheckStatus::Passes, check.fix.is_none(), "{name}: {check:?}");
        assert!(!(judge(&seen).ready && check.needed && check.status != CheckStatus::Passes), "{name}");
        text.push(format!("{name}:\n  {}", line_of(&check)));
    }
    insta::assert_snapshot!("cases", text.join("\n"));
    for check in judge(&good(&spec)).checks {
        let seen = &statuses[&check.code];
        assert!(seen.contains("Fails") && seen.contains("Unknown"), "{:?}: {seen:?}", check.code);
    }
}

#[test]
fn a_study_without_checkpoints_or_with_hosts_needs_other_things() {
    let mut without = spec(STUDY);
    without.checkpoint = None;
    let seen = good(&without);
    let checkpoints = checked(&seen, CheckCode::SavesCheckpoints);
    assert_eq!((checkpoints.status, checkpoints.needed), (CheckStatus::Unknown, false));
    assert!(judge(&seen).ready && !checked(&seen, CheckCode::Resumes).needed);
    let mut hosts = spec(STUDY);
    hosts.trial = TrialTemplate { hosts: 2, ..hosts.trial };
    let mut seen = good(&hosts);
    seen.whole.lines.remove(0);
    assert!(checked(&seen, CheckCode::ReportsInit).needed && !judge(&seen).ready);
}

#[test]
fn a_trial_is_killed_after_a_checkpoint_or_halfway() {
    let until = |n: usize| attempt(&WHOLE[..n], 0);
    assert!(!until(4).can_be_killed(20, true) && until(5).can_be_killed(20, true));
    assert!(until(3).can_be_killed(20, false) && !until(2).can_be_killed(20, false));
    // It is over.
    assert!(!until(7).can_be_killed(20, true));
    assert!(until(7).overruns(10) && !until(7).overruns(11));
}

fn short(parts: &str, settings: &[&str], steps: Option<u64>) -> Result<(u64, String), String> {
    let settings: Vec<Setting> = settings.iter().map(|word| word.parse().unwrap()).collect();
    let asked = ShortTrial { name: "digits-preflight", settings: &settings, steps, timeout_seconds: 60 };
    let study = short_trial(&Study::new("digits", spec(parts)), asked).map_err(|wrong| wrong[0].to_string())?.study;
    assert_eq!((study.spec.failure.attempts, study.spec.trial.timeout_seconds), (1, Some(60)));
    Ok((study.spec.rounds[0].max_train_steps, serde_json::to_string(&study.spec.search.points[0]).unwrap()))
}

#[test]
fn a_short_trial_is_at_the_first_quasi_random_point_for_four_distances() {
    let (steps, point) = short(DIGITS, &[], None).unwrap();
    assert_eq!(steps, 200);
    let plan = crate::Plan::new("digits", &spec(DIGITS)).unwrap();
    let first = crate::rounds::points(&plan, "explore", &[]).unwrap().remove(0).hyperparameters;
    assert_eq!(point, serde_json::to_string(&first).unwrap());
    let saves = format!("{DIGITS}\ncheckpoint: {{everySteps: 100}}");
    assert_eq!(short(&saves, &[], None).unwrap().0, 400);
    let short_rounds = saves.replace("maxTrainSteps: 500", "maxTrainSteps: 300");
    assert_eq!(short(&short_rounds, &[], None).unwrap().0, 300);
    assert_eq!(short(DIGITS, &[], Some(60)).unwrap().0, 60);
    assert!(short(DIGITS, &[], Some(10)).unwrap_err().starts_with("--steps: 10: is fewer than"));
    // Any search, any value, and conditions that hold.
    let listed = "
hyperparameters:
- {name: learning_rate, range: {min: 1.0e-4, max: 10, scale: Log}}
search: {algorithm: Manual, points: [{learning_rate: 1}]}
rounds: [{name: compare, maxTrainSteps: 500}]
";
    assert!(short(listed, &[], None).is_ok());
    let adam = short(NESTEROV_AND_ADAM, &["optimizer=Adam", "learning_rate=0.5"], None).unwrap().1;
    assert!(adam.contains(r#""learning_rate":0.5"#) && adam.contains("beta1"), "{adam}");
    assert!(short(DIGITS, &["widht=3"], None).unwrap_err().contains("Did you mean width?"));
    assert_eq!(name_of_preflight("digits"), "digits-preflight");
}
