//! `studious plan --apply`: writes the edits that satisfy advice into a study file.

use std::path::Path;

use similar::TextDiff;
use studious_api::document::{Diagnostic, Unedited};
use studious_playbook::{
    advice::{self, AdviceChoice, Applied, Unapplied},
    numbers::count,
};

use crate::{
    exit,
    output::{errln, out, outln},
    replaced_file, study_file,
};

/// Lines that are shown around a changed one.
const CONTEXT: usize = 1;

/// Satisfies the wanted advice in a study file, and prints the lines that change. `is_trial` writes nothing.
pub(super) fn write(path: &Path, wanted: &[AdviceChoice], is_trial: bool) -> anyhow::Result<u8> {
    let name = path.display().to_string();
    if path == Path::new("-") {
        errln!("error: --apply changes a file, and - is standard input. Save the study as a file");
        return Ok(exit::INVALID);
    }
    let text = match study_file::text(path)? {
        Ok(text) => text,
        Err(problems) => return Ok(refused(&problems)),
    };
    let applied = match advice::apply(&name, &text, wanted) {
        Ok(applied) => applied,
        Err(Unapplied::Invalid(problems) | Unapplied::Unedited { cause: Unedited::Invalid(problems), .. }) => {
            return Ok(refused(&problems));
        }
        Err(error @ Unapplied::Unedited { .. }) => {
            errln!("error: {name}: {error}. Nothing was written");
            return Ok(exit::INVALID);
        }
    };
    tell_left(&applied);
    for (code, why) in &applied.unwritten {
        errln!("{name}: {code}: {why}");
    }
    for code in &applied.silent {
        errln!("{name}: {code}: not advised against in this study, or waived");
    }
    if applied.text == text {
        // What was asked by its code and can't be done is the caller's mistake; what is done already is none.
        let is_refused = applied.left.iter().any(|left| is_wanted_by_code(left, wanted));
        outln!("{name}: nothing to change")?;
        return Ok(if is_refused { exit::INVALID } else { exit::OK });
    }
    let (before, after) = (format!("a/{name}"), format!("b/{name}"));
    let diff = TextDiff::from_lines(&text, &applied.text);
    out!("{}", diff.unified_diff().context_radius(CONTEXT).header(&before, &after))?;
    let mut codes: Vec<&str> = applied.changes.iter().map(|(code, _)| *code).collect();
    codes.dedup();
    let changes = format!("{} for {}", count(applied.changes.len(), "change"), codes.join(", "));
    if is_trial {
        return outln!("{name}: {changes}; not written (--dry-run)").map(|()| exit::OK);
    }
    if std::fs::metadata(path)?.permissions().readonly() {
        errln!("error: {name} is read-only. Nothing was written: make it writable, or edit a copy");
        return Ok(exit::INVALID);
    }
    replaced_file::replace(path, &applied.text)?;
    outln!("{name}: wrote {changes}").map(|()| exit::OK)
}

fn refused(problems: &[Diagnostic]) -> u8 {
    study_file::tell_problems(problems);
    exit::INVALID
}

fn is_wanted_by_code(left: &Diagnostic, wanted: &[AdviceChoice]) -> bool {
    left.violation.as_ref().and_then(|v| v.code).is_some_and(|code| wanted.contains(&AdviceChoice::Code(code)))
}

/// What no edit satisfies, with what to do instead.
fn tell_left(applied: &Applied) {
    for Diagnostic { file, line, column, violation, .. } in &applied.left {
        let Some(violation) = violation else { continue };
        let (code, field, fix) = (violation.code.unwrap_or_default(), &violation.field, &violation.fix);
        errln!("{file}:{line}:{column}: {code}: {field}: no edit satisfies this advice. {fix}");
    }
}
