//! Runs that are interrupted, killed or changed, and continue.

use std::time::Duration;

use studious_api::trial::{AttemptOutcome, TrialPhase};
use studious_local::{Devices, Error, Event, Interrupt, RunEnd};
use tokio::sync::mpsc;

use crate::bench::{Bench, GOOD, grace_of, is_alive, lines, study};

/// Says in `tried` that it began, then waits until the file `go` is there.
fn waiting(rest: &str) -> String {
    format!(
        "echo \"$(basename $(dirname $(dirname $STUDIOUS_TRIAL_DIR)))\" >> tried; echo $$$$ >> pids\n\
         until [ -f go ]; do sleep 0.05; done\n{rest}"
    )
}

async fn until(what: impl Fn() -> bool) {
    for _ in 0..400 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it did not happen");
}

#[tokio::test]
async fn after_an_interrupt_it_goes_on_and_repeats_nothing() {
    let bench = Bench::new();
    // The first trial ends; the second waits.
    let script = format!("case $STUDIOUS_TRIAL_DIR in *0000*) touch go;; *) rm -f go;; esac\n{}", waiting(GOOD));
    let study = study(&script, "  rounds: [{name: r, trials: 3, maxTrainSteps: 20}]");
    let (press, interrupts) = mpsc::channel(2);
    let (seen, ()) = tokio::join!(bench.try_run_with(bench.options(&study), interrupts), async {
        until(|| lines(&bench.file("tried")).len() == 2).await;
        press.send(Interrupt::Gently).await.unwrap();
    });
    let seen = seen.unwrap();
    assert_eq!(seen.end, RunEnd::Interrupted);
    assert_eq!(seen.phases(), [TrialPhase::Succeeded, TrialPhase::Retrying]);
    assert!(lines(&bench.file("pids")).iter().all(|pid| !is_alive(pid)));
    let state = &seen.trial("s-r-0001").state;
    assert_eq!(state.attempts[0].outcome, AttemptOutcome::Disrupted);

    let study = crate::bench::study(&waiting(GOOD), "  rounds: [{name: r, trials: 3, maxTrainSteps: 20}]");
    std::fs::write(bench.file("go"), "").unwrap();
    let mut options = bench.options(&study);
    options.allow_changes = true;
    let seen = bench.try_run(options).await.unwrap();
    assert_eq!(seen.phases(), [TrialPhase::Succeeded; 3]);
    assert_eq!(lines(&bench.file("tried")), ["s-r-0000", "s-r-0001", "s-r-0001", "s-r-0002"]);
    assert_eq!(seen.trial("s-r-0001").state.attempt, 2);
    assert!(matches!(seen.events[0], Event::Resumed { ended: 1, interrupted: 1, .. }), "{:?}", seen.events[0]);
}

#[tokio::test]
async fn the_second_interrupt_kills() {
    let bench = Bench::new();
    let script = "trap '' TERM; echo $$$$ > pid; while true; do sleep 0.1; done";
    let mut study = study(script, "");
    grace_of(&mut study, 50);
    let options = bench.options(&study);
    let (press, interrupts) = mpsc::channel(2);
    let begun = std::time::Instant::now();
    let (seen, ()) = tokio::join!(bench.try_run_with(options, interrupts), async {
        until(|| !lines(&bench.file("pid")).is_empty()).await;
        press.send(Interrupt::Gently).await.unwrap();
        press.send(Interrupt::AtOnce).await.unwrap();
    });
    assert_eq!(seen.unwrap().end, RunEnd::Interrupted);
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(!is_alive(&lines(&bench.file("pid"))[0]));
}

#[tokio::test]
async fn trainers_have_as_long_to_end_as_the_template_says() {
    for (seconds, ends_by_itself) in [(1, false), (20, true)] {
        let bench = Bench::new();
        let script = "trap 'sleep 2; echo yes > ended; exit 0' TERM; echo $$$$ > pid; while true; do sleep 0.1; done";
        let mut study = study(script, "  rounds: [{name: r, trials: 1, maxTrainSteps: 20}]");
        grace_of(&mut study, seconds);
        let (press, interrupts) = mpsc::channel(2);
        let (seen, ()) = tokio::join!(bench.try_run_with(bench.options(&study), interrupts), async {
            until(|| !lines(&bench.file("pid")).is_empty()).await;
            press.send(Interrupt::Gently).await.unwrap();
        });
        assert_eq!(seen.unwrap().end, RunEnd::Interrupted);
        assert_eq!(bench.file("ended").exists(), ends_by_itself, "{seconds} s");
    }
}

#[tokio::test]
async fn two_runs_of_one_folder_are_refused() {
    let bench = Bench::new();
    let study = study(&waiting(GOOD), "  rounds: [{name: r, trials: 1, maxTrainSteps: 20}]");
    let (first, ()) = tokio::join!(bench.run(&study), async {
        until(|| !lines(&bench.file("tried")).is_empty()).await;
        // The lock is waited for in a thread of its own, so that the first run can continue.
        let options = bench.options(&study);
        let second = std::thread::spawn(move || {
            let (tell, _told) = mpsc::unbounded_channel();
            let (_keep, interrupts) = mpsc::channel(1);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(studious_local::run(options, tell, interrupts))
        });
        until(|| second.is_finished()).await;
        assert!(matches!(second.join().unwrap(), Err(Error::Locked { .. })));
        std::fs::write(bench.file("go"), "").unwrap();
    });
    assert_eq!(first.phases(), [TrialPhase::Succeeded]);
}

#[tokio::test]
async fn a_changed_study_is_refused_and_more_trials_are_not() {
    let bench = Bench::new();
    let first = bench.run(&study(GOOD, "")).await;
    let mut changed = study(GOOD, "");
    changed.spec.seeds.base = 7;
    let error = bench.try_run(bench.options(&changed)).await.unwrap_err().to_string();
    assert!(error.contains("spec.seeds") && error.contains("--dir"), "{error}");

    let more = "  rounds: [{name: r, trials: 4, maxTrainSteps: 20}, {name: long, maxTrainSteps: 30, from: {round: r, best: 1}}]\n  parallelism: 2";
    let seen = bench.run(&study(GOOD, more)).await;
    assert_eq!(seen.phases(), [TrialPhase::Succeeded; 5], "{:?}", seen.trials);
    for (name, row) in &first.trials {
        assert_eq!(seen.trials[name].state, row.state);
        assert_eq!(seen.trials[name].spec.hyperparameters, row.spec.hyperparameters);
    }
}

#[tokio::test]
async fn a_complete_run_whose_trials_become_more_goes_on_until_its_space_ends() {
    let bench = Bench::new();
    let grid = |trials: u32| {
        study(
            GOOD,
            &format!(
                "  search: {{algorithm: Grid, grid: {{levels: 4}}}}\n  parallelism: 2\n  \
                 rounds: [{{name: r, trials: {trials}, maxTrainSteps: 20}}]"
            ),
        )
    };
    let first = bench.run(&grid(2)).await;
    assert_eq!(first.phases(), [TrialPhase::Succeeded; 2]);
    let error = bench.try_run(bench.options(&grid(1))).await.unwrap_err().to_string();
    assert!(error.contains("spec.rounds[0].trials") && error.contains("fewer"), "{error}");

    let seen = bench.run(&grid(9)).await;
    let mut tried: Vec<String> = seen.trials.values().map(|t| t.spec.hyperparameters["x"].to_string()).collect();
    tried.sort();
    assert_eq!(tried, ["10", "40", "69", "99"]);
    for (name, row) in &first.trials {
        assert_eq!(seen.trials[name].state, row.state);
    }
    let RunEnd::Study(end) = seen.end else { panic!("{:?}", seen.end) };
    assert_eq!(end.reason, "SpaceExhausted");
    assert!(end.message.contains("the space has 4 points, 9 trials asked"), "{}", end.message);
}

#[tokio::test]
async fn failed_trials_can_be_tried_again_once_the_trainer_is_mended() {
    let bench = Bench::new();
    let more = "  failure: {attempts: 1, maxFailedTrials: 0}";
    let seen = bench.run(&study("exit 1", more)).await;
    assert_eq!(seen.phases(), [TrialPhase::Failed]);
    let fixed = study(GOOD, more);
    assert_eq!(bench.run(&fixed).await.phases(), [TrialPhase::Failed]);
    let mut options = bench.options(&fixed);
    options.retry_failed = true;
    assert_eq!(bench.try_run(options).await.unwrap().phases(), [TrialPhase::Succeeded; 2]);
}

/// A run that is dropped in the middle is one that was killed, as far as its folder goes.
#[tokio::test]
async fn what_a_trainer_wrote_while_nobody_watched_is_not_lost() {
    let bench = Bench::new();
    let study = study(&waiting("sleep 100"), "  rounds: [{name: r, trials: 1, maxTrainSteps: 20}]");
    let (tell, _told) = mpsc::unbounded_channel();
    let (_keep, interrupts) = mpsc::channel(1);
    tokio::select! {
        _ = studious_local::run(bench.options(&study), tell, interrupts) => panic!("it can't end"),
        () = until(|| !lines(&bench.file("pids")).is_empty()) => {}
    }
    // The trainer finished its work after the run had died.
    let metrics = bench.folder.host("s-r-0000", 1, 0).join("metrics.jsonl");
    std::fs::write(metrics, "{\"step\":20,\"error\":0.25}\n{\"event\":\"done\"}\n").unwrap();
    let seen = bench.run(&study).await;
    let state = &seen.trial("s-r-0000").state;
    assert_eq!((state.phase, state.objective, state.attempt), (TrialPhase::Succeeded, Some(0.25), 1));
    assert_eq!(lines(&bench.file("tried")).len(), 1);
}

#[tokio::test]
async fn what_a_killed_run_was_training_goes_on_and_is_not_charged() {
    let bench = Bench::new();
    let study = study(&waiting(GOOD), "  rounds: [{name: r, trials: 1, maxTrainSteps: 20}]\n  failure: {attempts: 1}");
    let (tell, _told) = mpsc::unbounded_channel();
    let (_keep, interrupts) = mpsc::channel(1);
    tokio::select! {
        _ = studious_local::run(bench.options(&study), tell, interrupts) => panic!("it can't end"),
        () = until(|| !lines(&bench.file("pids")).is_empty()) => {}
    }
    std::fs::write(bench.file("go"), "").unwrap();
    let seen = bench.run(&study).await;
    let state = &seen.trial("s-r-0000").state;
    assert_eq!((state.phase, state.attempt), (TrialPhase::Succeeded, 2), "{state:?}");
    assert_eq!(state.attempts[0].outcome, AttemptOutcome::Disrupted);
}

/// F-004: whoever stops a run every evening loses no trial by it.
#[tokio::test]
async fn no_number_of_interruptions_ends_a_trial() {
    let bench = Bench::new();
    let study = study(&waiting(GOOD), "  rounds: [{name: r, trials: 1, maxTrainSteps: 20}]");
    for round in 1..=25 {
        let (press, interrupts) = mpsc::channel(2);
        let (seen, ()) = tokio::join!(bench.try_run_with(bench.options(&study), interrupts), async {
            until(|| lines(&bench.file("tried")).len() == round).await;
            press.send(Interrupt::Gently).await.unwrap();
        });
        let seen = seen.unwrap();
        assert_eq!((seen.end.clone(), seen.phases()), (RunEnd::Interrupted, vec![TrialPhase::Retrying]), "{round}");
    }
    std::fs::write(bench.file("go"), "").unwrap();
    let seen = bench.run(&study).await;
    assert_eq!(seen.phases(), [TrialPhase::Succeeded]);
    assert_eq!(seen.trial("s-r-0000").state.attempts.len(), 26);
}

/// F-113: one study, two trainers.
#[tokio::test]
async fn a_changed_command_is_refused_once_trials_have_results() {
    let bench = Bench::new();
    let rounds = |trials: u32| format!("  rounds: [{{name: r, trials: {trials}, maxTrainSteps: 20}}]");
    bench.run(&study(GOOD, &rounds(1))).await;
    let changed = study(&format!("true\n{GOOD}"), &rounds(2));
    let error = bench.try_run(bench.options(&changed)).await.unwrap_err().to_string();
    assert!(error.contains("containers[0].command") && error.contains("--allow-changes"), "{error}");
    let mut options = bench.options(&changed);
    options.allow_changes = true;
    let seen = bench.try_run(options).await.unwrap();
    let message = |name: &str| seen.trial(name).state.message.clone().unwrap();
    assert!(message("s-r-0001").contains("executed other code than s-r-0000: spec.trial.template changed"), "{seen:?}");
    assert!(!message("s-r-0000").contains("other code"));
}

#[tokio::test]
async fn a_changed_script_is_told_on_the_trials_that_ran_it() {
    let bench = Bench::new();
    std::fs::write(bench.file("train.sh"), GOOD).unwrap();
    let rounds = |trials: u32| format!("  rounds: [{{name: r, trials: {trials}, maxTrainSteps: 20}}]");
    bench.run(&study("sh ./train.sh; true", &rounds(2))).await;
    std::fs::write(bench.file("train.sh"), format!("true\n{GOOD}")).unwrap();
    let seen = bench.run(&study("sh ./train.sh; true", &rounds(3))).await;
    let told: Vec<bool> =
        seen.trials.values().map(|row| row.state.message.as_ref().unwrap().contains("./train.sh changed")).collect();
    assert_eq!(told, [false, false, true]);
    let digest = |name: &str| seen.trial(name).state.provenance.as_ref().unwrap().code["./train.sh"].clone();
    assert_eq!(digest("s-r-0000").len(), 64);
    assert!(digest("s-r-0000") == digest("s-r-0001") && digest("s-r-0001") != digest("s-r-0002"));
}

/// F-113: every attempt says what it executed, with what and where.
#[tokio::test]
async fn what_each_attempt_executes_is_recorded() {
    let bench = Bench::new();
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"];
        let mut command = std::process::Command::new("git");
        assert!(command.args(identity).args(arguments).current_dir(bench.file(".")).output().unwrap().status.success());
    };
    git(&["init", "-q"]);
    std::fs::write(bench.file("train.sh"), format!("[ -f fixed ] || exit 1\n{GOOD}")).unwrap();
    git(&["add", "train.sh"]);
    git(&["commit", "-q", "-m", "one"]);
    let script = "sh ./train.sh $(STUDIOUS_TRIAL) $(STUDIOUS_ATTEMPT); code=$?; touch fixed; exit $code";
    let mut options = bench.options(&study(script, "  rounds: [{name: r, trials: 1, maxTrainSteps: 20}]"));
    options.devices = Devices::named(["7".to_owned()]);
    let seen = bench.try_run(options).await.unwrap();
    let spans = seen.trial("s-r-0000").state.spans();
    assert_eq!(spans.len(), 2);
    for (attempt, span) in spans.iter().enumerate() {
        let provenance = span.provenance.as_ref().unwrap();
        assert!(provenance.command[2].contains(&format!("./train.sh s-r-0000 {};", attempt + 1)), "{provenance:?}");
        assert_eq!((&provenance.devices[..], provenance.machines.len()), (&["7".to_owned()][..], 1));
        assert_eq!(provenance.code.keys().collect::<Vec<_>>(), ["./train.sh", "spec.trial.template"]);
        assert_eq!(provenance.git_commit.as_ref().map(String::len), Some(40));
        assert_eq!((provenance.uncommitted_changes, &provenance.git_diff_sha256), (Some(false), &None));
        assert_eq!(provenance.sources_sha256.as_ref().map(String::len), Some(64));
    }
}
