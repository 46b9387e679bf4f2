//! What bad programs show, and the check that it fails or leaves unknown.

use super::{WHOLE, attempt};
use crate::preflight::{
    CheckCode::{self, *},
    HostExit, Observations, SeenLine, StopRequest,
};

/// What is seen in place of what a good program shows.
pub(super) type Fault = fn(&mut Observations<'_>);

/// Cases by what they are about, and the check that shows it.
type Cases = Vec<(&'static str, CheckCode, Fault)>;

pub(super) fn all() -> Cases {
    [starting(), writing(), ending(), resuming()].concat()
}

fn nothing(seen: &mut Observations<'_>) {
    seen.whole.lines.clear();
    (seen.killed, seen.resumed, seen.again) = (None, None, None);
}

fn without(seen: &mut Observations<'_>, words: &str) {
    let keeps = |line: &SeenLine| !format!("{:?}", line.line).contains(words);
    for attempt in [&mut seen.whole].into_iter().chain(&mut seen.killed).chain(&mut seen.resumed).chain(&mut seen.again)
    {
        attempt.lines.retain(keeps);
    }
}

fn overdue(seen: &mut Observations<'_>) {
    seen.whole.request = Some(StopRequest::End { seconds: 12.0, overdue: true });
    seen.whole.exit = Some(HostExit { seconds: 13.0, code: 0 });
}

fn alone(seen: &mut Observations<'_>) {
    (seen.killed, seen.resumed, seen.again) = (None, None, None);
}

fn starting() -> Cases {
    vec![
        ("crashes before a line", Starts, |seen| {
            nothing(seen);
            seen.whole.exit = Some(HostExit { seconds: 1.0, code: 1 });
        }),
        ("writes nothing and stays", Starts, |seen| {
            nothing(seen);
            overdue(seen);
        }),
        ("nothing was seen", Starts, |seen| {
            nothing(seen);
            seen.whole.exit = None;
        }),
        ("never evaluates", Evaluates, |seen| without(seen, "validation_error")),
        ("reports other seeds and is ended", Evaluates, |seen| {
            seen.seeds.init = 7;
            seen.whole = attempt(&[WHOLE[0], r#"{"step":1,"train_loss":0.4}"#], 0);
            overdue(seen);
        }),
        ("runs out of time before its first evaluation", Evaluates, |seen| {
            seen.whole = attempt(&[WHOLE[0], r#"{"step":1,"train_loss":0.4}"#], 0);
            overdue(seen);
        }),
        ("writes no metric", Evaluates, |seen| without(seen, "Measurements")),
        ("another name", Evaluates, |seen| {
            seen.whole = attempt(&[r#"{"step":20,"val/validation_error":0.2}"#], 0);
        }),
        ("evaluates too late", Evaluates, |seen| {
            seen.whole = attempt(&[r#"{"step":30,"validation_error":0.2}"#], 0);
        }),
        ("wrote nothing", Evaluates, nothing),
        ("evaluates seldom", EvaluationDistance, |seen| _ = seen.whole.lines.remove(1)),
        ("evaluates more often", EvaluationDistance, |seen| {
            let more = attempt(&[r#"{"step":7,"validation_error":0.4}"#], 0).lines;
            seen.whole.lines.extend(more);
        }),
        ("no evaluations", EvaluationDistance, |seen| without(seen, "validation_error")),
    ]
}

fn writing() -> Cases {
    vec![
        ("NaN", Finite, |seen| {
            seen.whole.lines.extend(attempt(&[r#"{"step":20,"train_loss":NaN}"#], 0).lines);
        }),
        ("nothing to be finite", Finite, |seen| without(seen, "Measurements")),
        ("half a line", ReadableLines, |seen| {
            seen.whole.lines.extend(attempt(&[r#"{"step":20,"validation_er"#, "loss is fine"], 0).lines);
        }),
        ("no lines", ReadableLines, nothing),
        ("no init", ReportsInit, |seen| without(seen, "Init")),
        ("other seeds", ReportsInit, |seen| seen.seeds.init = 7),
        ("half an init", ReportsInit, |seen| {
            without(seen, "Init");
            seen.whole.lines.extend(attempt(&[r#"{"event":"init","init_seed":1}"#], 0).lines);
        }),
        ("no init of nothing", ReportsInit, nothing),
    ]
}

fn ending() -> Cases {
    vec![
        ("trains beyond", ObeysMaxTrainSteps, |seen| {
            seen.whole.lines.extend(attempt(&[r#"{"step":21,"train_loss":0.1}"#], 0).lines);
        }),
        ("ends short", ObeysMaxTrainSteps, |seen| seen.whole.lines.truncate(6)),
        ("was ended short", ObeysMaxTrainSteps, |seen| {
            seen.whole.lines.truncate(6);
            overdue(seen);
        }),
        ("never ends", EndsItself, overdue),
        ("diverges and is ended", EndsItself, |seen| {
            seen.whole.lines.extend(attempt(&[r#"{"step":20,"validation_error":NaN}"#], 0).lines);
            overdue(seen);
        }),
        ("was asked as it left", EndsItself, |seen| {
            seen.whole.request = Some(StopRequest::End { seconds: 6.9, overdue: true });
        }),
        ("said that the point is infeasible", EndsItself, |seen| {
            seen.whole = attempt(&[WHOLE[0], r#"{"event":"infeasible","reason":"too wide"}"#], 0);
            overdue(seen);
        }),
        ("crashes at half time", ObeysMaxTrainSteps, |seen| {
            seen.whole.lines.truncate(4);
            seen.whole.exit = Some(HostExit { seconds: 4.0, code: 1 });
        }),
        ("crashes at half time and says no done", SaysDone, |seen| {
            seen.whole.lines.truncate(4);
            seen.whole.exit = Some(HostExit { seconds: 4.0, code: 1 });
        }),
        ("leaves at once", EndsItself, nothing),
        ("leaves at once and says nothing", SaysDone, nothing),
        ("exit code", ExitCode, |seen| seen.whole.exit = Some(HostExit { seconds: 6.0, code: 3 })),
        ("exit code of one that was asked", ExitCode, overdue),
        ("no done", SaysDone, |seen| without(seen, "Done")),
        ("no done since it was asked", SaysDone, |seen| {
            without(seen, "Done");
            overdue(seen);
        }),
        ("ignores SIGTERM", EndsOnRequest, |seen| {
            seen.resumed.as_mut().unwrap().exit = Some(HostExit { seconds: 33.0, code: 137 });
        }),
        ("ends when it is overdue", EndsOnRequest, |seen| {
            alone(seen);
            overdue(seen);
        }),
        ("was not asked", EndsOnRequest, alone),
    ]
}

const EVERY_STEP: [&str; 5] = [
    r#"{"step":11,"train_loss":0.4}"#,
    r#"{"step":12,"train_loss":0.4}"#,
    r#"{"step":13,"train_loss":0.4}"#,
    r#"{"step":14,"train_loss":0.4}"#,
    r#"{"step":15,"validation_error":0.3}"#,
];

fn resuming() -> Cases {
    vec![
        ("saves nothing", SavesCheckpoints, |seen| {
            without(seen, "Checkpoint");
            seen.whole.checkpoint_files = 0;
        }),
        ("says that it saves", SavesCheckpoints, |seen| {
            seen.whole.checkpoint_files = 0;
            alone(seen);
        }),
        ("saves elsewhere", SavesCheckpoints, |seen| seen.whole.checkpoint_files = 0),
        ("saves and does not say so", SavesCheckpoints, |seen| without(seen, "Checkpoint")),
        ("saved nothing since it wrote nothing", SavesCheckpoints, |seen| {
            nothing(seen);
            seen.whole.checkpoint_files = 0;
        }),
        ("diverges before its first checkpoint", SavesCheckpoints, |seen| {
            seen.whole = attempt(&[WHOLE[0], r#"{"step":1,"train_loss":NaN}"#], 0);
            seen.whole.checkpoint_files = 0;
            overdue(seen);
        }),
        ("begins again", Resumes, |seen| seen.resumed = Some(attempt(&WHOLE, 0))),
        ("says that it resumed", Resumes, |seen| {
            seen.resumed =
                Some(attempt(&[r#"{"event":"init","restored_step":10}"#, r#"{"step":5,"validation_error":0.5}"#], 0));
        }),
        ("resumes and does not say so", Resumes, |seen| {
            seen.resumed = Some(attempt(&[WHOLE[0], WHOLE[5]], 0));
        }),
        ("resumes with a hole", Resumes, |seen| {
            seen.whole = attempt(&EVERY_STEP, 0);
            seen.resumed =
                Some(attempt(&[r#"{"event":"init","restored_step":10}"#, r#"{"step":14,"train_loss":0.3}"#], 0));
        }),
        ("resumes beyond what it is known to have saved", Resumes, |seen| {
            seen.whole = attempt(&EVERY_STEP, 0);
            seen.resumed = Some(attempt(&[WHOLE[0], r#"{"step":14,"train_loss":0.3}"#], 0));
        }),
        ("counts from its start to its next line", Resumes, |seen| {
            seen.resumed = Some(attempt(&[r#"{"event":"init","restored_step":10}"#, WHOLE[6]], 0));
        }),
        ("was over before it was killed", Resumes, |seen| {
            seen.killed = Some(attempt(&WHOLE, 0));
            (seen.resumed, seen.again) = (None, None);
        }),
        ("wrote nothing after the kill", Resumes, |seen| seen.resumed = Some(attempt(&[], 1))),
        ("was not killed", Resumes, alone),
        ("restores something else", RestoresWhatItSaved, |seen| {
            let other = r#"{"event":"init","parameters_sha256":"x","restored_step":10}"#;
            seen.resumed = Some(attempt(&[other, WHOLE[5]], 0));
        }),
        ("saves without a fingerprint", RestoresWhatItSaved, |seen| {
            seen.killed = Some(attempt(&[WHOLE[0], r#"{"event":"checkpoint","step":10}"#], 137));
        }),
        ("restores nothing", RestoresWhatItSaved, alone),
        ("other values", Repeats, |seen| {
            seen.killed = Some(attempt(&[r#"{"step":5,"validation_error":0.51}"#], 137));
        }),
        ("nothing to compare", Repeats, alone),
        ("other values after a kill", ResumesExactly, |seen| {
            seen.again.as_mut().unwrap().lines.pop();
            let other = attempt(&[r#"{"step":20,"validation_error":0.20000000000000004}"#], 0).lines;
            seen.again.as_mut().unwrap().lines.extend(other);
        }),
        ("it began again", ResumesExactly, |seen| seen.resumed = Some(attempt(&WHOLE, 0))),
    ]
}
