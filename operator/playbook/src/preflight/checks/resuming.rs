//! Checkpoints, and what becomes of a trial that is interrupted.

use std::collections::BTreeSet;

use super::{FIX_START, cut_short::cut_short, list, steps};
use crate::{
    numbers::count,
    preflight::{
        AttemptSeen, Check, CheckCode, CheckStatus, Observations,
        values::{Comparison, compare},
    },
};

const ADD: &str = "Add checkpoint: {everySteps: N} to the study.";
const MORE_STEPS: &str = "Give it more steps: --steps N.";

pub(super) fn saves_checkpoints(seen: &Observations<'_>) -> Check {
    let code = CheckCode::SavesCheckpoints;
    let Some(checkpoint) = &seen.spec.checkpoint else {
        return Check::unknown(code, "the study has no checkpoint: a trial that is interrupted begins again", ADD);
    };
    let saved: Vec<u64> = seen.whole.checkpoints().map(|(step, _)| step).collect();
    let every = checkpoint.every_steps;
    let fix = format!(
        "Save to STUDIOUS_CHECKPOINTS every {every} steps, then write {{\"event\": \"checkpoint\", \"step\": …, \
         \"parameters_sha256\": …}}; in Python: trial.checkpoints.save(step, state)."
    );
    let before_first = cut_short(seen).filter(|_| seen.whole.last_step().unwrap_or_default() < every.min(steps(seen)));
    let has_saved = !saved.is_empty() || seen.whole.checkpoint_files > 0;
    if let Some(cut) = before_first.filter(|_| !has_saved && !seen.whole.lines.is_empty()) {
        let message = format!("{}, and its first checkpoint was due at step {every}", cut.message);
        return Check::unknown(code, message, cut.fix).needed_if(true);
    }
    let check = match (saved.is_empty(), seen.whole.checkpoint_files) {
        (false, 0) if resumes(seen).status == CheckStatus::Passes => {
            Check::passes(code, format!("at step {}, elsewhere than in its checkpoint folder", list(&saved)))
        }
        (false, 0) => Check::fails(code, "it said that it saved, and its checkpoint folder is empty", fix),
        (false, _) => Check::passes(code, format!("at step {}", list(&saved))),
        (true, 0) if seen.whole.lines.is_empty() => Check::unknown(code, "it wrote nothing", FIX_START),
        (true, 0) if every > steps(seen) => {
            let fix = format!("Give at least --steps {every} (checkpoint.everySteps).");
            Check::unknown(code, format!("{} steps have no checkpoint", steps(seen)), fix)
        }
        (true, 0) => Check::fails(code, "its checkpoint folder is empty", fix),
        (true, _) => Check::passes(code, "its checkpoint folder has files; no event checkpoint says at which steps"),
    };
    check.needed_if(true)
}

/// What makes known what an interruption shows, where there was none or none in time.
pub(super) fn not_interrupted(seen: &Observations<'_>) -> &'static str {
    if seen.killed.is_none() { "Fix the checks above first: then it is interrupted." } else { MORE_STEPS }
}

pub(super) fn resumes(seen: &Observations<'_>) -> Check {
    let code = CheckCode::Resumes;
    let needed = seen.spec.checkpoint.is_some();
    let (Some(killed), Some(resumed)) = (&seen.killed, &seen.resumed) else {
        return Check::unknown(code, "it was not interrupted and resumed", not_interrupted(seen)).needed_if(needed);
    };
    let restored = resumed.init().and_then(|init| init.restored_step).filter(|step| *step > 0);
    let saved = killed.checkpoints().map(|(step, _)| step).max();
    let first = first_step(resumed);
    let fix = "Load the latest checkpoint of STUDIOUS_RESTORE at the start and continue from its step; in Python: step, \
               state = trial.checkpoints.restore() or (0, initial).";
    let check = match (restored, first, saved) {
        (Some(step), Some(first), _) if first < step => Check::fails(
            code,
            format!("it said that it restored step {step}, and trained again from step {first}"),
            fix,
        ),
        (Some(step), Some(first), _) if skipped(seen, step, first) > 1 => Check::fails(
            code,
            format!(
                "it said that it restored step {step}, and its first line was of step {first}: {} between them, which it reports \
                 when nothing interrupts it, are missing",
                count(skipped(seen, step, first), "step")
            ),
            "Continue with the step after the one of the checkpoint.",
        ),
        (Some(step), ..) => Check::passes(code, format!("after a kill it continued from step {step}")),
        (None, Some(first), Some(saved)) if skipped(seen, saved, first) > 1 => Check::unknown(
            code,
            format!(
                "after a kill its first line was of step {first}, and its last known checkpoint of step {saved}: whether the steps \
                 between were trained is not known"
            ),
            "Continue with the step after the one of the checkpoint, and report which that was: {\"event\": \"init\", \
             \"restored_step\": …}.",
        ),
        (None, Some(first), Some(saved)) if first >= saved => Check::passes(
            code,
            format!("after a kill its first line was of step {first}, and its checkpoint of step {saved}"),
        ),
        (None, Some(first), None) if Some(first) > first_step(killed) => {
            Check::passes(code, format!("after a kill its first line was of step {first}"))
        }
        (None, Some(_), None) if seen.spec.checkpoint.is_none() => {
            Check::unknown(code, "the study has no checkpoint, and nothing was seen to be saved", ADD)
        }
        (None, Some(first), _) => {
            Check::fails(code, format!("after a kill it began again: its first line was of step {first}"), fix)
        }
        (None, None, _) => {
            Check::unknown(code, "after a kill it wrote no line with a step", "Fix Starts first: it must start twice.")
        }
    };
    check.needed_if(needed)
}

/// How many steps between a checkpoint and the first line after it have lines where nothing interrupts the trial. A trainer
/// that counts from its start to its next line lacks one at most.
fn skipped(seen: &Observations<'_>, restored: u64, first: u64) -> usize {
    let steps: BTreeSet<u64> = seen.whole.measurements().map(|(_, step, _)| step).collect();
    if first <= restored { 0 } else { steps.range(restored + 1..first).count() }
}

fn first_step(attempt: &AttemptSeen) -> Option<u64> {
    attempt.measurements().map(|(_, step, _)| step).next()
}

pub(super) fn restores_what_it_saved(seen: &Observations<'_>) -> Check {
    let code = CheckCode::RestoresWhatItSaved;
    let init = seen.resumed.as_ref().and_then(AttemptSeen::init);
    let restored = init.and_then(|init| Some((init.restored_step?, init.parameters_sha256.as_deref()?)));
    if seen.resumed.is_none() {
        return Check::unknown(code, "it was not interrupted and resumed", not_interrupted(seen));
    }
    let Some((step, fingerprint)) = restored else {
        return Check::unknown(
            code,
            "after a kill it reported no restored_step with a fingerprint",
            "Add restored_step and parameters_sha256 of what was restored to the event init.",
        );
    };
    let saved = seen.killed.iter().flat_map(AttemptSeen::checkpoints).filter(|(of, _)| *of == step).last();
    match saved.and_then(|(_, fingerprint)| fingerprint) {
        Some(saved) if saved == fingerprint => Check::passes(code, format!("the fingerprint of step {step} is that of its checkpoint")),
        Some(_) => Check::fails(
            code,
            format!("the fingerprint of what it restored at step {step} is not its checkpoint's"),
            "Save and restore all parameters, and compute both fingerprints alike. A trial that does so ends as Failed.",
        )
        .needed_if(true),
        None => Check::unknown(
            code,
            format!("its checkpoint of step {step} had no fingerprint"),
            "Add parameters_sha256 to the event checkpoint.",
        ),
    }
}

pub(super) fn repeats(seen: &Observations<'_>) -> Check {
    let code = CheckCode::Repeats;
    let other = seen.killed.as_ref().map(|killed| compare(&seen.spec.objective.metric, &seen.whole, killed));
    compared(
        seen,
        code,
        other,
        "the same seeds gave the same values",
        "Seed everything that draws from seeds of trial.json. Differences of rounding, as GPUs make them, are usual and count as noise.",
    )
}

pub(super) fn resumes_exactly(seen: &Observations<'_>) -> Check {
    let code = CheckCode::ResumesExactly;
    if seen.resumed.is_some() && resumes(seen).status != CheckStatus::Passes {
        return Check::unknown(code, "it was not seen to resume", "Fix Resumes first.");
    }
    let attempts = [&seen.again, &seen.resumed].into_iter().flatten();
    let mut compared_with = attempts.map(|attempt| compare(&seen.spec.objective.metric, &seen.whole, attempt));
    let other = compared_with.find(|comparison| comparison.steps > 0);
    compared(
        seen,
        code,
        other,
        "the interrupted trial has the values of the other one",
        "Save the optimizer's state, the position in the data and the generators' states with the parameters.",
    )
}

fn compared(seen: &Observations<'_>, code: CheckCode, comparison: Option<Comparison>, same: &str, fix: &str) -> Check {
    match comparison {
        None | Some(Comparison { steps: 0, .. }) => {
            Check::unknown(code, "there are no two evaluations of the same step to compare", not_interrupted(seen))
        }
        Some(Comparison { steps, largest: None }) => Check::passes(
            code,
            format!("{same}, to the last bit ({} compared)", crate::numbers::count(steps, "evaluation")),
        ),
        Some(Comparison { largest: Some((difference, step)), .. }) => Check::fails(
            code,
            format!("the largest relative difference is {}, at step {step}", crate::numbers::number(difference)),
            fix,
        ),
    }
}
