//! Studies whose points results choose.

use std::collections::HashSet;

use studious_api::{Study, trial::TrialPhase};
use studious_local::{Error, Event, RunFolder};
use tokio::sync::mpsc;

use crate::bench::{Bench, GOOD, Seen, lines, study};

/// The smaller x, the better; one trial writes down that it began.
fn bayesian(more: &str) -> Study {
    let script = format!("echo $HP_X >> tried\n{GOOD}");
    let rounds = "  rounds: [{name: r, trials: 20, maxTrainSteps: 20}]\n  parallelism: 2\n  phase: Exploitation";
    study(&script, &format!("{rounds}\n  search: {{algorithm: Bayesian, seed: 1{more}}}"))
}

fn distinct(seen: &Seen) -> usize {
    seen.trials.values().map(|row| row.spec.hyperparameters["x"].to_string()).collect::<HashSet<_>>().len()
}

#[tokio::test]
async fn a_bayesian_study_that_is_killed_goes_on_and_no_trial_changes_its_point() {
    let bench = Bench::new();
    let study = bayesian("");
    let (tell, _told) = mpsc::unbounded_channel();
    let (_keep, interrupts) = mpsc::channel(1);
    let tried = bench.file("tried");
    tokio::select! {
        _ = studious_local::run(bench.options(&study), tell, interrupts) => panic!("it ended early"),
        () = async {
            while lines(&tried).len() < 9 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        } => {}
    }
    let before = bench.trials().await;
    assert!((9..20).contains(&before.len()), "{}", before.len());
    let seen = bench.run(&study).await;
    assert_eq!(seen.phases(), [TrialPhase::Succeeded; 20]);
    for (name, row) in &before {
        assert_eq!(seen.trials[name].spec.hyperparameters, row.spec.hyperparameters);
    }
    assert_eq!(distinct(&seen), 20, "no point is tried twice");
    // Of 90 values quasi-random ones would hardly be those.
    let best = seen.trials.values().filter_map(|row| row.state.objective).fold(f64::INFINITY, f64::min);
    assert!(best <= 0.11, "{best}");
}

#[tokio::test]
async fn it_starts_from_the_folder_of_another_study() {
    let bench = Bench::new();
    // Its folder is beside the one of this run.
    let mut first =
        bench.options(&study(GOOD, "  rounds: [{name: r, trials: 8, maxTrainSteps: 20}]\n  parallelism: 4"));
    first.folder = RunFolder::new(bench.temp.path().join("before"));
    let (tell, _told) = mpsc::unbounded_channel();
    let (_keep, interrupts) = mpsc::channel(1);
    studious_local::run(first, tell, interrupts).await.unwrap();

    let mut next = bayesian(", startFrom: [{study: before}]");
    next.spec.rounds[0].trials = Some(4);
    let seen = bench.run(&next).await;
    assert_eq!(seen.phases(), [TrialPhase::Succeeded; 4]);
    let best = seen.trials.values().filter_map(|row| row.state.objective).fold(f64::INFINITY, f64::min);
    assert!(best <= 0.14, "{best}: it begins where the other study left off");
    let told = Event::StartsFrom { study: "before".into(), results: 8, trials: 8 };
    assert!(seen.events.contains(&told), "{:?}", seen.events);

    next.spec.search.start_from[0].study = "missing".into();
    let error = bench.try_run(bench.options(&next)).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)));
    let error = error.to_string();
    assert!(error.contains("spec.search.startFrom[0].study: missing: no run of it is in"), "{error}");
}

#[tokio::test]
async fn points_are_taken_of_the_folder_of_another_study_once() {
    let bench = Bench::new();
    let mut next = study(
        GOOD,
        "  rounds: [{name: again, maxTrainSteps: 20}]\n  search: {algorithm: Manual, pointsFrom: {study: before, best: 3}}",
    );
    let error = bench.try_run(bench.options(&next)).await.unwrap_err().to_string();
    assert!(error.contains("spec.search.pointsFrom.study: before: no run of it is in"), "{error}");

    let source = |more: &str| {
        let mut options =
            bench.options(&study(GOOD, &format!("  rounds: [{{name: r, trials: 8, maxTrainSteps: 20}}]\n{more}")));
        options.folder = RunFolder::new(bench.temp.path().join("before"));
        options
    };
    // It is stopped before its end.
    let (tell, _told) = mpsc::unbounded_channel();
    let (press, interrupts) = mpsc::channel(1);
    press.send(studious_local::Interrupt::Gently).await.unwrap();
    studious_local::run(source(""), tell, interrupts).await.unwrap();
    let error = bench.try_run(bench.options(&next)).await.unwrap_err().to_string();
    assert!(error.contains("spec.search.pointsFrom.study: before: has not ended yet"), "{error}");

    let (tell, _told) = mpsc::unbounded_channel();
    let (_keep, interrupts) = mpsc::channel(1);
    studious_local::run(source("  parallelism: 4"), tell, interrupts).await.unwrap();
    let seen = bench.run(&next).await;
    assert_eq!(seen.phases(), [TrialPhase::Succeeded; 3]);
    let points = |seen: &Seen| -> Vec<f64> {
        seen.trials.values().map(|row| row.spec.hyperparameters["x"].as_f64().unwrap()).collect()
    };
    let taken = points(&seen);
    assert!(taken.is_sorted() && distinct(&seen) == 3, "the smaller x, the better: {taken:?}");

    // What becomes of the other study later changes nothing.
    std::fs::remove_dir_all(bench.temp.path().join("before")).unwrap();
    assert_eq!(points(&bench.run(&next).await), taken);
    let read = bench.folder.study_with_points().unwrap().unwrap();
    assert_eq!(read.spec.search.points.len(), 3, "whoever looks at the folder later knows them");

    next.spec.search.points_from.as_mut().unwrap().best = Some(2);
    let error = bench.try_run(bench.options(&next)).await.unwrap_err();
    assert!(matches!(error, Error::Changed { .. }), "{error}");
}
