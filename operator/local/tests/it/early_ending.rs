//! Trials that fall behind are ended, if the study asks for it.

use studious_api::{study::StudyPhase, trial::TrialPhase};
use studious_local::{Event, RunEnd};
use studious_playbook::{record::CurveSelection, trial::Reason};

use crate::bench::{Bench, is_alive, lines, study};

/// Evaluates at steps 10, 20 and 30. The first trial has a small error and goes on to its end; the others have larger
/// ones, and wait for somebody to end them.
const SCRIPT: &str = r#"
d=$STUDIOUS_TRIAL_DIR
case $d in *-0000/*) e=0.1;; *) e=0.9;; esac
for step in 10 20 30; do echo "{\"step\":$step,\"error\":$e}" >> $d/metrics.jsonl; done
case $d in *-0000/*) ;; *) echo $$$$ >> pids; sleep 100;; esac
for step in 40 50 60; do echo "{\"step\":$step,\"error\":0.05}" >> $d/metrics.jsonl; done
echo '{"event":"done","step":60}' >> $d/metrics.jsonl
"#;

fn more(trials: u32) -> String {
    format!(
        "  rounds: [{{name: r, trials: {trials}, maxTrainSteps: 60}}]\n  parallelism: {trials}\n  \
         search: {{earlyEnding: {{rule: SuccessiveHalving, fromStep: 20}}}}"
    )
}

#[tokio::test]
async fn trials_that_fall_behind_are_ended_with_the_rule_and_its_numbers() {
    let bench = Bench::new();
    let begun = std::time::Instant::now();
    let seen = bench.run(&study(SCRIPT, &more(3))).await;
    let RunEnd::Study(end) = &seen.end else { panic!("{:?}", seen.end) };
    assert_eq!(
        (end.phase, end.message.as_str()),
        (StudyPhase::Completed, "1 trial succeeded, 0 were infeasible, 0 failed, 2 were stopped early")
    );
    assert_eq!(seen.phases(), [TrialPhase::Succeeded, TrialPhase::Stopped, TrialPhase::Stopped]);
    let state = &seen.trial("s-r-0002").state;
    assert_eq!(state.reason.as_deref(), Some("SuccessiveHalving"));
    let message = state.message.as_deref().unwrap();
    assert!(message.starts_with("at step 20 its error was 0.9, number "), "{message}");
    assert!(
        seen.events
            .iter()
            .any(|e| matches!(e, Event::TrialEnded { state, .. } if state.reason == Some(Reason::SuccessiveHalving)))
    );
    assert!(lines(&bench.file("pids")).iter().all(|pid| !is_alive(pid)));
    assert!(begun.elapsed().as_secs() < 30);
    // A stopped trial is no result.
    let records = bench.ledger().await.records("s", CurveSelection::WHOLE).await.unwrap();
    assert_eq!(records.iter().filter(|record| record.is_result()).count(), 1);
    // What was learnt of it is kept.
    assert_eq!(records[2].curves["error"].len(), 3);
}

#[tokio::test]
async fn a_run_that_goes_on_compares_with_trials_that_ended_before() {
    let bench = Bench::new();
    let seen = bench.run(&study(SCRIPT, &more(1))).await;
    assert_eq!(seen.phases(), [TrialPhase::Succeeded]);
    let seen = bench.run(&study(SCRIPT, &more(2))).await;
    assert_eq!(seen.phases(), [TrialPhase::Succeeded, TrialPhase::Stopped]);
}
