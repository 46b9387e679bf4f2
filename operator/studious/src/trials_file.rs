//! Reading trials as data: JSON lines of trials that ran anywhere, held against a study.

use std::{
    fmt,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde_json::{Map, Value};
use studious_api::{Hyperparameters, validate, validate::Violation};
use studious_playbook::{Plan, numbers::count, record::TrialRecord, rounds};

use crate::{commands::import::notes, hyperparameter_names, output::errln, trial_line};

/// Longest line: a trial of several long curves.
const LONGEST_LINE: u64 = 64 << 20;
/// Most trials.
const MOST_LINES: usize = 1_000_000;
/// How many wrong lines are reported.
const MOST_TOLD: usize = 20;

/// The keys of which a trial has one: how it ended.
pub(crate) const OUTCOMES: [&str; 5] = ["objective", "infeasible", "failed", "stopped", "pending"];

/// What is wrong with a line.
#[derive(Debug)]
struct LineProblem {
    line: usize,
    /// From 1, where the place within the line is known.
    column: Option<usize>,
    violation: Violation,
}

/// Everything that is wrong with a file of trials.
#[derive(Debug)]
pub(crate) struct WrongTrials {
    path: PathBuf,
    problems: Vec<LineProblem>,
    /// Wrong lines beyond those that are reported.
    more: usize,
}

impl fmt::Display for WrongTrials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.path.display();
        for LineProblem { line, column, violation } in &self.problems {
            let column = column.map_or_else(String::new, |column| format!(":{column}"));
            writeln!(f, "{file}:{line}{column}: error: {violation}")?;
        }
        let count = self.problems.len() + self.more;
        match (self.more, count) {
            (0, 1) => write!(f, "{file}: 1 error"),
            (0, n) => write!(f, "{file}: {n} errors"),
            (more, n) => write!(f, "{file}: {n} errors, of which {more} are not shown"),
        }
    }
}

/// Reads the trials of a file, `-` for standard input, as `studious export` writes them. Every point is one of the study,
/// fixed values filled in; a trial of a round is one of the study's rounds. Empty lines are skipped.
///
/// What a reader of the result should know of the trials is printed on standard error.
pub(crate) fn read(path: &Path, plan: &Plan) -> anyhow::Result<Result<Vec<TrialRecord>, WrongTrials>> {
    let parsed = if path == Path::new("-") {
        parse(path, io::stdin().lock(), plan)?
    } else {
        let file = std::fs::File::open(path).with_context(|| format!("can't read {}", path.display()))?;
        parse(path, BufReader::new(file), plan)?
    };
    Ok(parsed.map(|file| {
        for note in file.notes(plan) {
            errln!("note: {note}");
        }
        file.trials
    }))
}

/// Trials, and how often something of them was taken for something else.
#[derive(Debug, Default)]
struct TrialsFile {
    trials: Vec<TrialRecord>,
    /// Trials with a value that differs from one of the study in the last digits.
    settled: usize,
    /// Trials whose objective is `null`.
    null: usize,
}

impl TrialsFile {
    fn notes(&self, plan: &Plan) -> Vec<String> {
        let mut notes = Vec::new();
        if self.null > 0 {
            notes.push(format!(
                "the objective of {} is null, taken as an objective of NaN: infeasible. If there is none, write \
                 \"failed\":true or \"pending\":true",
                count(self.null, "trial")
            ));
        }
        if self.settled > 0 {
            notes.push(format!(
                "values of {} differ in the last digits from a value or boundary of the study; the study's were taken",
                count(self.settled, "trial")
            ));
        }
        notes.extend(notes::contradictions(plan, &self.trials));
        notes
    }
}

fn parse(path: &Path, mut input: impl BufRead, plan: &Plan) -> anyhow::Result<Result<TrialsFile, WrongTrials>> {
    let path = if path == Path::new("-") { PathBuf::from("standard input") } else { path.to_owned() };
    let mut file = TrialsFile::default();
    let mut wrong = WrongTrials { path, problems: Vec::new(), more: 0 };
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let length = (&mut input).take(LONGEST_LINE + 1).read_until(b'\n', &mut bytes);
        let length = length.with_context(|| format!("can't read {}", wrong.path.display()))?;
        if length == 0 {
            break;
        }
        let result = if length as u64 > LONGEST_LINE {
            Err(vec![problem("", "", &format!("is longer than {} MiB", LONGEST_LINE >> 20), "Write one trial a line.")])
        } else if file.trials.len() >= MOST_LINES {
            Err(vec![problem("", "", &format!("is one of more than {MOST_LINES} trials"), "Give fewer trials.")])
        } else {
            let bom: &[u8] = if number == 1 { b"\xef\xbb\xbf" } else { b"" };
            match std::str::from_utf8(bytes.strip_prefix(bom).unwrap_or(&bytes)) {
                Ok(text) if text.trim().is_empty() => continue,
                Ok(text) => trial(text.trim_end(), plan, &mut file),
                Err(_) => Err(vec![problem("", "", "is not UTF-8", "Write one JSON object a line, in UTF-8.")]),
            }
        };
        let is_endless = result.is_err() && (length as u64 > LONGEST_LINE || file.trials.len() >= MOST_LINES);
        match result {
            Ok(trial) => file.trials.push(trial),
            Err(found) => {
                for (column, violation) in found {
                    if wrong.problems.len() < MOST_TOLD {
                        wrong.problems.push(LineProblem { line: number, column, violation });
                    } else {
                        wrong.more += 1;
                    }
                }
            }
        }
        if is_endless {
            break;
        }
    }
    Ok(if wrong.problems.is_empty() { Ok(file) } else { Err(wrong) })
}

type ColumnViolation = (Option<usize>, Violation);

fn problem(field: &str, value: &str, rule: &str, fix: &str) -> ColumnViolation {
    let field = if field.is_empty() { "the line" } else { field };
    let violation = Violation {
        field: field.to_owned(),
        value: value.to_owned(),
        rule: rule.to_owned(),
        fix: fix.to_owned(),
        code: None,
    };
    (None, violation)
}

/// One line.
fn trial(text: &str, plan: &Plan, file: &mut TrialsFile) -> Result<TrialRecord, Vec<ColumnViolation>> {
    let value: Value = serde_json::from_str(&trial_line::finite(text)).map_err(|error| vec![no_json(text, &error)])?;
    let Value::Object(mut fields) = value else {
        let fix = "Write {\"hyperparameters\":{…},\"objective\":0.3}.";
        return Err(vec![problem("", &short(&value), "is not a JSON object", fix)]);
    };
    let mut found = Vec::new();
    let is_null = fields.get("objective") == Some(&Value::Null);
    trial_line::diverged(&mut fields);
    trial_line::whole_steps(&mut fields);
    unknown_keys(&fields, &mut found);
    outcome(&fields, &mut found);
    let point = match fields.get("hyperparameters") {
        None => {
            found.push(problem("hyperparameters", "", "is missing", "Give the trial's point: {\"name\":value, …}."));
            None
        }
        Some(Value::Object(_)) => point(&fields["hyperparameters"], plan, &mut found),
        Some(other) => {
            let fix = "Give the trial's point: {\"name\":value, …}.";
            found.push(problem("hyperparameters", &short(other), "must be an object", fix));
            None
        }
    };
    if let Some(round) = fields.get("round").and_then(Value::as_str) {
        let names = rounds::names(plan);
        if !round.is_empty() && !names.iter().any(|name| name == round) {
            let fix = format!("Name one of {}, or leave it out.", names.join(", "));
            found.push(problem("round", round, "is not a round of this study", &fix));
        }
    }
    if found.is_empty()
        && !OUTCOMES
            .iter()
            .any(|name| fields.get(*name).is_some_and(|value| !matches!(value, Value::Bool(false) | Value::Null)))
    {
        let fix = "Give an objective, or one of \"infeasible\":true, \"failed\":true, \"stopped\":true and \
                    \"pending\":true.";
        found.push(problem("", "", "does not say how the trial ended", fix));
    }
    if !found.is_empty() {
        return Err(found);
    }
    // What is wrong beyond that the types say: unknown keys, curves that are none.
    let mut record: TrialRecord = serde_json::from_value(Value::Object(fields)).map_err(|error| {
        let fix = "Write trials as `studious export` does: hyperparameters, and objective, infeasible or pending.";
        vec![problem("", "", &format!("is not a trial: {error}"), fix)]
    })?;
    let given = std::mem::replace(&mut record.hyperparameters, point.unwrap_or_default());
    let given = hyperparameter_names::by_name(&plan.spec().hyperparameters, given).unwrap_or_default();
    file.settled += usize::from(given.iter().any(|(name, value)| record.hyperparameters.get(name) != Some(value)));
    file.null += usize::from(is_null && record.is_result());
    Ok(record)
}

/// Keys that no trial has, with the one that is probably meant.
fn unknown_keys(fields: &Map<String, Value>, found: &mut Vec<ColumnViolation>) {
    for (key, value) in fields {
        if let Some(fix) = trial_line::unknown_key(key) {
            found.push(problem(key, &short(value), "is not a key of a trial", &fix));
        }
    }
}

fn no_json(text: &str, error: &serde_json::Error) -> ColumnViolation {
    let has = |word: &str| text.contains(word);
    let fix = if has("NaN") || has("Infinity") {
        "JSON has no NaN and no Infinity: a trial whose objective is not finite is \"infeasible\":true."
    } else {
        "Write one JSON object a line."
    };
    // serde ends with the place, which stands in front here.
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default().to_owned();
    let (_, violation) = problem("", "", &format!("is not JSON: {said}"), fix);
    (Some(error.column().max(1)), violation)
}

/// A trial ends in one way.
fn outcome(fields: &Map<String, Value>, found: &mut Vec<ColumnViolation>) {
    let mut given: Vec<&str> = Vec::new();
    for name in OUTCOMES {
        match fields.get(name) {
            None | Some(Value::Null) => {}
            Some(value) if name == "objective" => {
                if value.as_f64().is_some_and(f64::is_finite) {
                    given.push(name);
                } else {
                    let fix = "Give a finite number; a trial that has none is \"infeasible\":true.";
                    found.push(problem(name, &short(value), "must be a number", fix));
                }
            }
            Some(Value::Bool(true)) => given.push(name),
            Some(Value::Bool(false)) => {}
            Some(value) => {
                found.push(problem(name, &short(value), "must be true or false", "Give true, or remove it."));
            }
        }
    }
    if let [first, second, ..] = given[..] {
        let value = fields.get(second).map(short).unwrap_or_default();
        let rule = format!("contradicts {first}: a trial ends in one way");
        found.push(problem(second, &value, &rule, &format!("Remove {first} or {second}.")));
    }
}

/// The whole point, if it is one of the study.
fn point(value: &Value, plan: &Plan, found: &mut Vec<ColumnViolation>) -> Option<Hyperparameters> {
    let given: Hyperparameters = match serde_json::from_value(value.clone()) {
        Ok(given) => given,
        Err(error) => {
            found.push(problem(
                "hyperparameters",
                "",
                &error.to_string(),
                "Give the trial's point: {\"name\":value, …}.",
            ));
            return None;
        }
    };
    let given = match hyperparameter_names::by_name(&plan.spec().hyperparameters, given) {
        Ok(given) => given,
        Err((alias, name)) => {
            let rule = format!("is given twice, as {name} and as its alias {alias}");
            found.push(problem(&format!("hyperparameters.{name}"), "", &rule, "Remove one of them."));
            return None;
        }
    };
    match validate::point_of(plan.spec(), &given, "hyperparameters") {
        Ok(whole) => Some(whole),
        Err(wrong) => {
            found.extend(wrong.into_iter().map(|violation| (None, violation)));
            None
        }
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 40 { text.chars().take(39).chain(['…']).collect() } else { text }
}
