//! Evaluations that were lost before a checkpoint.

use studious_api::trial::{AttemptOutcome, TrialPhase};

use super::{
    LATE_LINES,
    attempt::*,
    judge_tests::{DONE, LEFT, Seen},
    still_to_restore,
};

/// The first attempt evaluated at these steps, the second went on from a checkpoint and is done.
fn resumed(every: u64, first: &[u64], restored: u64, second: &[u64]) -> Seen {
    let mut seen = Seen::new(1);
    seen.spec.evaluation.every_steps = every;
    let evaluated = |seen: Seen, step: &u64| seen.says(0, &format!(r#"{{"step":{step},"validation_error":0.3}}"#));
    seen = first.iter().fold(seen, evaluated);
    seen.number = 2;
    seen.running_for = LATE_LINES.0;
    seen = seen.says(0, &format!(r#"{{"event":"init","restored_step":{restored}}}"#));
    second.iter().fold(seen, evaluated).says(0, DONE)
}

#[test]
fn a_curve_with_a_hole_before_a_checkpoint_is_made_again() {
    let holes = [
        (20, 50, resumed(10, &[10, 20], 50, &[60, 70])),
        (0, 50, resumed(10, &[], 50, &[60, 70])),
        // Of three evaluations one has arrived; the next attempt found the last checkpoint, and was done.
        (20, 60, resumed(20, &[20], 60, &[])),
        // The same, when it evaluates what it restored.
        (20, 60, resumed(20, &[20], 60, &[60])),
        (20, 40, resumed(10, &[10, 20], 40, &[40, 50])),
        // Nothing of the first attempt has arrived. Whoever evaluates what it restored evaluates as it is asked.
        (0, 60, resumed(20, &[], 60, &[60])),
    ];
    for (before, restored, seen) in holes {
        let verdict = seen.judged();
        let Verdict::Retry { outcome, message, restore_at_most } = verdict else { panic!("{restored}: {verdict:?}") };
        assert_eq!((outcome, restore_at_most), (AttemptOutcome::Disrupted, Some(before)), "{message}");
        assert!(message.contains(&format!("steps {before} and {restored}")), "{message}");
    }
    resumed(20, &[20], 50, &[]).ends(TrialPhase::Succeeded, "");
    // It was saved before it was evaluated, or evaluates more seldom than it is asked, or only at its end.
    resumed(10, &[10, 20], 30, &[40, 50]).ends(TrialPhase::Succeeded, "");
    resumed(10, &[10, 20], 30, &[30, 40, 50]).ends(TrialPhase::Succeeded, "");
    resumed(10, &[25, 50], 80, &[90]).ends(TrialPhase::Succeeded, "");
    resumed(10, &[], 50, &[90]).ends(TrialPhase::Succeeded, "");
    resumed(10, &[50], 50, &[90]).ends(TrialPhase::Succeeded, "");
    // Or is to stop.
    let mut stopped = resumed(20, &[20], 60, &[]);
    stopped.spec.stop = Some("enough".into());
    stopped.ends(TrialPhase::Stopped, "Stopped");
}

#[test]
fn a_hole_is_noticed_while_the_attempt_runs() {
    let mut seen = resumed(10, &[10, 20], 50, &[60]);
    seen.progress.done.clear();
    assert!(matches!(seen.judged(), Verdict::Retry { restore_at_most: Some(20), .. }));
    seen.running_for -= 1;
    assert_eq!(seen.judged(), Verdict::Continue);
}

#[test]
fn lines_of_the_attempt_before_are_waited_for() {
    let mut seen = resumed(20, &[20], 60, &[60]);
    seen.running_for = 100;
    // Its trainer says done and stays.
    assert_eq!(seen.judged(), Verdict::Continue);
    // It has left, and its agent has not said that it found nothing more.
    seen = seen.host(0, LEFT);
    seen.drained = false;
    assert_eq!(seen.judged(), Verdict::Continue);
    seen.drained = true;
    assert!(matches!(seen.judged(), Verdict::Retry { .. }));
    // What the deleted pod still copied has arrived.
    seen.number = 1;
    seen = seen.says(0, r#"{"step":40,"validation_error":0.3}"#);
    seen.number = 2;
    seen.drained = false;
    seen.ends(TrialPhase::Succeeded, "");
    // Of an attempt that went on where the one before was known to be nothing is awaited.
    let mut whole = resumed(20, &[20, 40], 50, &[60]);
    whole.running_for = 0;
    whole.ends(TrialPhase::Succeeded, "");
}

#[test]
fn a_trainer_that_restores_beyond_what_it_is_told_has_no_result() {
    let mut seen = resumed(10, &[10, 20], 50, &[60, 70]);
    seen.past.restore_at_most = Some(20);
    let message = seen.ends(TrialPhase::Failed, "EvaluationsLost");
    assert!(message.contains("steps 20 and 50") && message.contains("checkpoint.restoreAtMost"), "{message}");
    assert_eq!(still_to_restore(&seen.past, &seen.progress, 2), Some(20), "it is not asked again");
    // The last value is the result: it is there.
    let mut last = resumed(10, &[10, 20], 50, &[60, 70]);
    last.past.restore_at_most = Some(20);
    last.spec.objective.select = studious_api::study::Select::Final;
    last.ends(TrialPhase::Succeeded, "");
}

#[test]
fn an_attempt_that_begins_before_the_hole_closes_it() {
    let mut seen = resumed(10, &[10, 20], 50, &[60]);
    seen.progress.done.clear();
    seen.number = 3;
    seen.past.restore_at_most = Some(20);
    assert_eq!(still_to_restore(&seen.past, &seen.progress, 3), Some(20), "it has not begun");
    seen = seen.says(0, r#"{"event":"init","restored_step":20}"#);
    assert_eq!(still_to_restore(&seen.past, &seen.progress, 3), None);
    assert_eq!(seen.judged(), Verdict::Continue);
    for step in [20, 30, 40, 50, 60, 70] {
        seen = seen.says(0, &format!(r#"{{"step":{step},"validation_error":0.3}}"#));
        assert_eq!(seen.judged(), Verdict::Continue, "at step {step}");
    }
    seen.says(0, DONE).ends(TrialPhase::Succeeded, "");
}
