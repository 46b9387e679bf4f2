//! How the program starts and ends.

use super::{FIX_START, cut_short::cut_short, seconds, steps};
use crate::preflight::{AttemptSeen, Check, CheckCode, Observations};

/// Exit code of a process that was killed.
const KILLED: i32 = 137;

pub(super) fn starts(seen: &Observations<'_>) -> Check {
    let code = CheckCode::Starts;
    let whole = &seen.whole;
    let check = match (whole.lines.first(), &whole.exit) {
        (Some(first), _) => Check::passes(code, format!("the first line came after {}", seconds(first.seconds))),
        (None, Some(exit)) if !whole.was_interrupted() => {
            let last = whole
                .last_printed
                .as_ref()
                .map_or_else(|| ", and printed nothing".to_owned(), |line| format!(". It printed last: {line}"));
            Check::fails(
                code,
                format!("it wrote no line of metrics.jsonl and left with exit code {}{last}", exit.code),
                "Run the command by hand in the study's folder, with the environment that it needs. The file to write is \
                 $STUDIOUS_TRIAL_DIR/metrics.jsonl.",
            )
        }
        (None, None) if !whole.was_interrupted() => {
            Check::unknown(code, "neither a line nor its end was seen", "Run preflight again.")
        }
        (None, _) => Check::fails(
            code,
            "it wrote no line of metrics.jsonl in the time it had",
            "Write each line at once (flush), or give more time: --timeout SECONDS.",
        ),
    };
    check.needed_if(true)
}

pub(super) fn ends_itself(seen: &Observations<'_>) -> Check {
    let code = CheckCode::EndsItself;
    if seen.whole.lines.is_empty() && !seen.whole.was_interrupted() {
        return Check::unknown(code, "it wrote nothing", FIX_START).needed_if(true);
    }
    if let Some(cut) = cut_short(seen).filter(|cut| !cut.is_overdue) {
        return Check::unknown(code, cut.message, cut.fix).needed_if(true);
    }
    let check = match (seen.whole.was_interrupted(), &seen.whole.exit) {
        (true, _) if diverged(seen) => {
            Check::unknown(code, "it was ended since its values were not finite", "Fix Finite first.")
        }
        (true, _) => Check::fails(
            code,
            match seen.whole.last_step() {
                Some(step) if step >= steps(seen) => format!("it did not end after step {}", steps(seen)),
                _ => "it did not end in the time it had".to_owned(),
            },
            format!(
                "End after step {} (maxTrainSteps), with exit code 0; or give more time: --timeout SECONDS.",
                steps(seen)
            ),
        ),
        (false, Some(exit)) => Check::passes(code, format!("it ended after {}", seconds(exit.seconds))),
        (false, None) => Check::unknown(code, "its end was not seen", "Run preflight again."),
    };
    check.needed_if(true)
}

pub(super) fn exit_code(seen: &Observations<'_>) -> Check {
    let code = CheckCode::ExitCode;
    let last = seen.whole.last_printed.as_ref().map_or_else(String::new, |line| format!(". It printed last: {line}"));
    let check = match (&seen.whole.exit, seen.whole.was_interrupted()) {
        (Some(exit), false) if exit.code == 0 => Check::passes(code, "0"),
        (Some(exit), false) => Check::fails(
            code,
            format!("it left with exit code {}{last}", exit.code),
            "Exit with code 0 once everything is written; codes of failure.infeasibleExitCodes are for points that can't be trained.",
        ),
        _ => Check::unknown(code, "it did not end by itself", "Fix EndsItself first."),
    };
    check.needed_if(true)
}

pub(super) fn obeys_max_train_steps(seen: &Observations<'_>) -> Check {
    let code = CheckCode::ObeysMaxTrainSteps;
    let most = steps(seen);
    let fix = format!("Train for maxTrainSteps of trial.json (STUDIOUS_MAX_TRAIN_STEPS), here {most} steps.");
    let ended = seen.whole.exit.is_some() && !seen.whole.was_interrupted();
    if let Some(cut) = cut_short(seen).filter(|cut| !cut.is_overdue && seen.whole.last_step().is_some()) {
        return Check::unknown(code, cut.message, cut.fix).needed_if(true);
    }
    let check = match seen.whole.last_step() {
        None if seen.whole.lines.is_empty() => Check::unknown(code, "it wrote nothing", FIX_START),
        None => Check::unknown(code, "no line had a step", "Fix Evaluates first."),
        Some(step) if step > most => Check::fails(code, format!("it trained to step {step} of {most}"), fix),
        Some(step) if step == most => Check::passes(code, format!("its last step is {most}")),
        Some(step) if ended => Check::fails(
            code,
            format!("its last line is of step {step}, and it was to train for {most}"),
            format!("{fix} Evaluate after the last step."),
        ),
        Some(step) => {
            Check::unknown(code, format!("it was ended at step {step} of {most}"), "Fix the other checks first.")
        }
    };
    check.needed_if(true)
}

pub(super) fn says_done(seen: &Observations<'_>) -> Check {
    let code = CheckCode::SaysDone;
    if seen.whole.is_done() {
        return Check::passes(code, "it said done");
    }
    if seen.whole.lines.is_empty() {
        return Check::unknown(code, "it wrote nothing", FIX_START);
    }
    if let Some(cut) = cut_short(seen) {
        return Check::unknown(code, cut.message, cut.fix);
    }
    if seen.whole.was_interrupted() {
        return Check::unknown(code, "it did not end by itself", "Fix EndsItself first.");
    }
    let fix = "Write {\"event\": \"done\", \"step\": …} last; in Python: trial.done(step). Until then only the exit code says so.";
    Check::fails(code, "it ended without the event done", fix)
}

pub(super) fn ends_on_request(seen: &Observations<'_>) -> Check {
    let code = CheckCode::EndsOnRequest;
    let trained_on = |attempt: &AttemptSeen| attempt.last_step() >= Some(steps(seen));
    let asked = [&seen.resumed, &seen.again].into_iter().flatten().chain([&seen.whole]);
    let ended = asked.filter_map(|attempt: &AttemptSeen| match (attempt.asked_to_end()?, attempt.exit) {
        ((_, false), _) if trained_on(attempt) => Some(Err(())),
        ((seconds, _), Some(exit)) => Some(Ok((exit.seconds - seconds, exit.code))),
        _ => None,
    });
    let fix = "Do not catch SIGTERM, or end within terminationGracePeriodSeconds: until then it holds its accelerator. A shell passes \
               it on with `exec program`.";
    match ended.into_iter().next() {
        Some(Err(())) => Check::fails(code, "it ignored SIGTERM and trained to its end", fix),
        Some(Ok((_, KILLED))) => {
            Check::fails(code, "it ignored SIGTERM and was killed at the end of the grace period", fix)
        }
        Some(Ok((took, exit))) => {
            Check::passes(code, format!("it ended {} after SIGTERM, with exit code {exit}", seconds(took.max(0.0))))
        }
        None => {
            Check::unknown(code, "it was not asked to end before it had ended", super::resuming::not_interrupted(seen))
        }
    }
}

/// Whether the trial was ended since a value was not finite.
fn diverged(seen: &Observations<'_>) -> bool {
    super::lines::finite(seen).status == crate::preflight::CheckStatus::Fails
}
