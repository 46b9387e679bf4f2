//! What trainers do, and what becomes of their trials.

use std::fmt::Write as _;

use studious_api::{study::StudyPhase, trial::TrialPhase};
use studious_local::{Event, RunEnd};
use studious_playbook::record::CurveSelection;

use crate::bench::{Bench, GOOD, grace_of, is_alive, lines, study};

#[tokio::test]
async fn trials_succeed_with_the_best_evaluation() {
    let bench = Bench::new();
    let seen = bench.run(&study(GOOD, "")).await;
    assert!(matches!(&seen.end, RunEnd::Study(end) if end.phase == StudyPhase::Completed), "{:?}", seen.end);
    assert_eq!(seen.trials.keys().map(String::as_str).collect::<Vec<_>>(), ["s-r-0000", "s-r-0001"]);
    for row in seen.trials.values() {
        assert_eq!(row.state.phase, TrialPhase::Succeeded, "{:?}", row.state);
        let x = row.spec.hyperparameters["x"].as_f64().unwrap() / 100.0;
        let expected = if x < 0.5 { (x, 20) } else { (0.5, 10) };
        assert_eq!((row.state.objective, row.state.best_step), (Some(expected.0), Some(expected.1)));
        assert_eq!(row.state.attempts.len(), 1);
    }
    assert_eq!(seen.events.iter().filter(|e| matches!(e, Event::TrialEnded { .. })).count(), 2);
    // Every measurement, once.
    let records = bench.ledger().await.records("s", CurveSelection::WHOLE).await.unwrap();
    assert!(records.iter().all(|r| r.curves["error"].len() == 2), "{records:?}");
}

#[tokio::test]
async fn trial_json_environment_and_folders_are_the_contract() {
    let bench = Bench::new();
    let script = format!(
        r#"d=$STUDIOUS_TRIAL_DIR
cp $d/trial.json trial.json; echo $HP_X > x; pwd > cwd; echo out; echo err >&2
if [ -w $d/trial.json ] && [ "$(id -u)" != 0 ]; then exit 9; fi
echo saved > $d/checkpoints/step-20; cat $d/restore/step-20 > restored
{GOOD}"#
    );
    let study = study(&script, "  rounds: [{name: r, trials: 1, maxTrainSteps: 20}]\n  seeds: {verify: IfReported}");
    let seen = bench.run(&study).await;
    assert_eq!(seen.phases(), [TrialPhase::Succeeded]);
    let text = std::fs::read_to_string(bench.file("trial.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["name"], "s-r-0000");
    assert_eq!(json["host"], serde_json::json!({"index": 0, "count": 1, "coordinator": null}));
    assert_eq!(json["maxTrainSteps"], 20);
    assert_eq!(lines(&bench.file("x")), [json["hyperparameters"]["x"].to_string()]);
    assert_eq!(lines(&bench.file("restored")), ["saved"]);
    assert_eq!(
        std::fs::canonicalize(&lines(&bench.file("cwd"))[0]).unwrap(),
        std::fs::canonicalize(bench.temp.path()).unwrap()
    );
    assert_eq!(lines(&bench.folder.host("s-r-0000", 1, 0).join("output.log")), ["out", "err"]);
}

#[tokio::test]
async fn a_point_that_diverges_is_infeasible_and_its_trainer_is_ended_at_once() {
    let bench = Bench::new();
    let script =
        r#"echo $$$$ > pid; echo '{"step":1,"train_loss":NaN}' >> $STUDIOUS_TRIAL_DIR/metrics.jsonl; sleep 100"#;
    let begun = std::time::Instant::now();
    let seen = bench.run(&study(script, "  rounds: [{name: r, trials: 1, maxTrainSteps: 20}]")).await;
    assert_eq!(seen.trial("s-r-0000").state.reason.as_deref(), Some("Diverged"));
    assert_eq!(seen.phases(), [TrialPhase::Infeasible]);
    assert!(begun.elapsed().as_secs() < 20);
    assert!(!is_alive(&lines(&bench.file("pid"))[0]));
}

#[tokio::test]
async fn exit_codes_and_words_by_which_a_trainer_calls_a_point_infeasible() {
    let bench = Bench::new();
    let script = r#"case $HP_X in *[02468]) exit 3;; esac
echo '{"event":"infeasible","reason":"too wide"}' >> $STUDIOUS_TRIAL_DIR/metrics.jsonl; exit 1"#;
    let more =
        "  rounds: [{name: r, trials: 6, maxTrainSteps: 20}]\n  failure: {infeasibleExitCodes: [3]}\n  parallelism: 3";
    let seen = bench.run(&study(script, more)).await;
    for row in seen.trials.values() {
        let even = row.spec.hyperparameters["x"].as_f64().unwrap() % 2.0 == 0.0;
        let reason = if even { "InfeasibleExitCode" } else { "TrainerReported" };
        assert_eq!(row.state.reason.as_deref(), Some(reason), "{:?}", row.state);
    }
}

#[tokio::test]
async fn a_crash_on_the_first_attempt_is_tried_again() {
    let bench = Bench::new();
    let script = format!(
        r"case $STUDIOUS_TRIAL_DIR in *attempt-1*) echo kept > $STUDIOUS_TRIAL_DIR/checkpoints/c; exit 7;; esac
test -f $STUDIOUS_TRIAL_DIR/restore/c || exit 8
{GOOD}"
    );
    let seen = bench.run(&study(&script, "  rounds: [{name: r, trials: 1, maxTrainSteps: 20}]")).await;
    let state = &seen.trial("s-r-0000").state;
    assert_eq!((state.phase, state.attempt), (TrialPhase::Succeeded, 2));
    assert!(state.attempts[0].message.contains("exit code 7"), "{state:?}");
    // Each attempt is known in time: the timeline draws them.
    let times: Vec<_> = state.attempts.iter().flat_map(|attempt| [attempt.start_time, attempt.end_time]).collect();
    assert!(times.len() == 4 && times.iter().all(Option::is_some) && times.is_sorted(), "{times:?}");
}

#[tokio::test]
async fn a_trainer_that_always_crashes_fails_and_too_many_stop_the_study() {
    let bench = Bench::new();
    let more = "  rounds: [{name: r, trials: 9, maxTrainSteps: 20}]\n  failure: {attempts: 1, maxFailedTrials: 1}\n  parallelism: 1";
    let seen = bench.run(&study("echo boom >&2; exit 1", more)).await;
    assert!(matches!(&seen.end, RunEnd::Study(end) if end.reason == "TooManyFailedTrials"), "{:?}", seen.end);
    assert_eq!(seen.phases(), [TrialPhase::Failed; 2]);
}

/// F-116: argparse refuses the command, whatever the point: not 6 trials of 3 attempts, but a handful of starts.
#[tokio::test]
async fn a_command_that_cannot_work_is_not_started_eighteen_times() {
    let bench = Bench::new();
    let more = "  rounds: [{name: r, trials: 9, maxTrainSteps: 20}]\n  parallelism: 2";
    let seen = bench.run(&study("echo x >> starts; echo 'train.py: error: no --lr' >&2; exit 2", more)).await;
    let RunEnd::Study(end) = &seen.end else { panic!("{:?}", seen.end) };
    assert_eq!(end.reason, "CommonFailure");
    assert!(end.message.contains("exit code 2, and printed last: train.py: error: no --lr."), "{}", end.message);
    assert_eq!(seen.phases(), [TrialPhase::Failed; 2]);
    let starts = lines(&bench.file("starts")).len();
    assert!((3..=4).contains(&starts), "{starts} starts");
    let attempts = seen.trials.values().map(|row| row.state.attempts.len()).sum::<usize>();
    assert_eq!(attempts, starts, "each is written down once");
}

#[tokio::test]
async fn a_study_that_gives_up_lets_what_runs_go_on_to_its_end() {
    let bench = Bench::new();
    let more = "  rounds: [{name: r, trials: 3, maxTrainSteps: 20}]\n  failure: {maxFailedTrials: 0}\n  parallelism: 2";
    // One has no objective; by then the other has crashed and waits for its second attempt, which is a good one. A third
    // trial is not started.
    let script =
        &format!("case $STUDIOUS_TRIAL_DIR in *s-r-0000*) sleep 0.4; exit 0;; *attempt-1*) exit 1;; esac\n{GOOD}");
    let study = study(script, more);
    let run = tokio::time::timeout(std::time::Duration::from_secs(20), bench.run(&study));
    let seen = run.await.expect("it ends");
    assert!(matches!(&seen.end, RunEnd::Study(end) if end.reason == "TooManyFailedTrials"), "{:?}", seen.end);
    assert_eq!(seen.phases(), [TrialPhase::Failed, TrialPhase::Succeeded]);
}

#[tokio::test]
async fn half_a_line_and_malformed_lines_are_counted_and_lose_nothing_else() {
    let bench = Bench::new();
    let script = format!(
        "echo nonsense >> $STUDIOUS_TRIAL_DIR/metrics.jsonl\n{GOOD}\nprintf '{{\"step\":30,\"err' >> $d/metrics.jsonl"
    );
    let seen = bench.run(&study(&script, "  rounds: [{name: r, trials: 1, maxTrainSteps: 20}]")).await;
    assert_eq!(seen.phases(), [TrialPhase::Succeeded]);
    let streams = bench.ledger().await.streams("s-r-0000").await.unwrap();
    assert_eq!((streams[0].malformed, streams[0].cursor.next_line), (2, 5));
    let message = seen.trial("s-r-0000").state.message.clone().unwrap();
    assert!(message.contains("2 lines of metrics.jsonl could not be read; host 0, line 1"), "{message}");
}

#[tokio::test]
async fn a_trainer_may_tidy_up_after_done_and_an_exit_code_that_contradicts_it_is_said() {
    let bench = Bench::new();
    let script = format!("{GOOD}\nsleep 0.5; touch tidy; exit 4");
    let seen = bench.run(&study(&script, "  rounds: [{name: r, trials: 1, maxTrainSteps: 20}]")).await;
    assert_eq!(seen.phases(), [TrialPhase::Succeeded]);
    assert!(bench.file("tidy").exists());
    let message = seen.trial("s-r-0000").state.message.clone().unwrap();
    assert!(message.contains("host 0 said done, then left with exit code 4"), "{message}");
}

#[tokio::test]
async fn two_hosts_find_each_other_and_have_folders_of_their_own() {
    let bench = Bench::new();
    // Host 1 waits for what host 0 saved, through `restore`; both keep the address they were told.
    let script = format!(
        r#"d=$STUDIOUS_TRIAL_DIR; i=$JOB_COMPLETION_INDEX
sed -n 's/.*"coordinator": *"\(.*\)".*/\1/p' $d/trial.json > coordinator-$i
sed -n 's/.*"data": *\([0-9]*\).*/\1/p' $d/trial.json > seed-$i
if [ $i = 0 ]; then echo x > $d/checkpoints/c; {GOOD}
else until [ -f $d/restore/c ]; do sleep 0.05; done; echo '{{"event":"done"}}' >> $d/metrics.jsonl; fi"#
    );
    let more = "  rounds: [{name: r, trials: 1, maxTrainSteps: 20}]\n  seeds: {verify: IfReported}\n  hosts_of_test: 2";
    let seen = bench.run(&study(&script, more)).await;
    assert_eq!(seen.phases(), [TrialPhase::Succeeded], "{:?}", seen.trials);
    let address = lines(&bench.file("coordinator-0"));
    assert!(address[0].starts_with("127.0.0.1:"));
    assert_eq!(address, lines(&bench.file("coordinator-1")));
    assert_ne!(lines(&bench.file("seed-0")), lines(&bench.file("seed-1")));
}

#[tokio::test]
async fn a_host_that_dies_takes_the_others_with_it() {
    let bench = Bench::new();
    let script = r"if [ $JOB_COMPLETION_INDEX = 1 ]; then sleep 0.3; exit 5; fi; echo $$$$ > pid; sleep 100";
    let more = "  rounds: [{name: r, trials: 1, maxTrainSteps: 20}]\n  failure: {attempts: 1}\n  hosts_of_test: 2";
    let seen = bench.run(&study(script, more)).await;
    let state = &seen.trial("s-r-0000").state;
    assert!(state.message.as_deref().unwrap().contains("host 1's trainer left with exit code 5"), "{state:?}");
    assert!(!is_alive(&lines(&bench.file("pid"))[0]));
}

#[tokio::test]
async fn a_trainer_that_hangs_past_its_deadline_is_killed_even_if_it_will_not_hear() {
    let bench = Bench::new();
    let script = "trap '' TERM; echo $$$$ > pid; while true; do sleep 0.2; done";
    let mut study = study(script, "  rounds: [{name: r, trials: 1, maxTrainSteps: 20}]\n  failure: {attempts: 1}");
    study.spec.trial.timeout_seconds = Some(1);
    grace_of(&mut study, 1);
    let seen = bench.run(&study).await;
    assert_eq!(seen.trial("s-r-0000").state.reason.as_deref(), Some("DeadlineExceeded"));
    assert!(!is_alive(&lines(&bench.file("pid"))[0]));
}

#[tokio::test]
async fn gigabytes_are_bounded_and_lose_no_other_trial() {
    let bench = Bench::new();
    let mut script = String::from("d=$STUDIOUS_TRIAL_DIR\n");
    // One line of 30 MB in metrics.jsonl and 70 MiB of output; then the trial itself.
    let _ = write!(
        script,
        "head -c 30000000 /dev/zero | tr '\\0' x >> $d/metrics.jsonl; echo >> $d/metrics.jsonl\n\
         head -c 73400320 /dev/zero | tr '\\0' y\n{GOOD}"
    );
    let seen = bench.run(&study(&script, "  parallelism: 2")).await;
    assert_eq!(seen.phases(), [TrialPhase::Succeeded; 2]);
    let log = bench.folder.host("s-r-0000", 1, 0).join("output.log");
    let size = std::fs::metadata(&log).unwrap().len();
    assert!((studious_local::MAX_OUTPUT_BYTES..studious_local::MAX_OUTPUT_BYTES + 200_000).contains(&size), "{size}");
    let streams = bench.ledger().await.streams("s-r-0000").await.unwrap();
    assert_eq!((streams[0].malformed, streams[0].cursor.next_line), (1, 4));
    assert!(streams[0].malformed_examples[0].1.contains("at most 65536"), "{streams:?}");
}

#[tokio::test]
async fn a_trainers_own_children_end_with_it() {
    let bench = Bench::new();
    let script = format!("sleep 100 & echo $! > pid\n{GOOD}");
    let begun = std::time::Instant::now();
    let seen = bench.run(&study(&script, "  rounds: [{name: r, trials: 1, maxTrainSteps: 20}]")).await;
    assert_eq!(seen.phases(), [TrialPhase::Succeeded]);
    assert!(!is_alive(&lines(&bench.file("pid"))[0]));
    assert!(begun.elapsed().as_secs() < 20);
}

/// A child in a session of its own, which holds the trainer's output open and writes better and better values.
#[tokio::test]
async fn lines_of_a_child_that_left_its_trainers_session_do_not_count_once_the_trainer_has_left() {
    let bench = Bench::new();
    let script = r#"m=$STUDIOUS_TRIAL_DIR/metrics.jsonl
echo '{"step":10,"error":0.2}' >> $m
CHILD
sleep 0.3; echo '{"step":15,"error":0.3}' >> $m"#;
    // One is found by its environment and killed; the other hides, and what it writes is left out.
    let child = "setsid sh -c 'echo $$$$ > pid; sleep 0.6; echo {\"step\":20,\"error\":0.0001} >> $0; sleep 60' $m &";
    let hidden = child.replace("setsid sh", "setsid env -u STUDIOUS_TRIAL_DIR sh");
    for (child, is_found) in [(child, true), (hidden.as_str(), false)] {
        let more = "  rounds: [{name: r, trials: 1, maxTrainSteps: 20}]\n  seeds: {verify: IfReported}";
        let bench = if is_found { &bench } else { &Bench::new() };
        let seen = bench.run(&study(&script.replace("CHILD", child), more)).await;
        let state = &seen.trial("s-r-0000").state;
        assert_eq!((state.phase, state.objective, state.best_step), (TrialPhase::Succeeded, Some(0.2), Some(10)));
        let message = state.message.as_deref().unwrap();
        assert_eq!(message.contains("after host 0's trainer had left do not count"), !is_found, "{message}");
        let pid = &lines(&bench.file("pid"))[0];
        assert_eq!(is_alive(pid), !is_found);
        if !is_found {
            std::process::Command::new("kill").arg(pid).status().unwrap();
        }
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let bench = Bench::new();
    let mut study = study(GOOD, "  rounds: [{name: r, trials: 1, maxTrainSteps: 20}]");
    let template = std::sync::Arc::make_mut(&mut study.spec.trial.template);
    let container = &mut template.spec.as_mut().unwrap().containers[0];
    container.command = Some(vec!["no-such-program".to_owned()]);
    let error = bench.try_run(bench.options(&study)).await.unwrap_err().to_string();
    assert!(error.contains("no-such-program") && error.contains("command"), "{error}");
}
