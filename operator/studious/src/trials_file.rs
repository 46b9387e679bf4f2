//! Reading trials as data: JSON lines of trials that ran anywhere, held against a study.

use std::{
    borrow::Cow,
    fmt,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde_json::{Map, Value};
use studious_api::{Hyperparameters, validate, validate::Violation};
use studious_playbook::{Plan, record::TrialRecord, rounds, trial::Reason};

/// Longest line: a trial of several long curves.
const LONGEST_LINE: u64 = 64 << 20;
/// Most trials.
const MOST_LINES: usize = 1_000_000;
/// How many wrong lines are told.
const MOST_TOLD: usize = 20;

/// The keys of which a trial has one: how it ended.
const OUTCOMES: [&str; 5] = ["objective", "infeasible", "failed", "stopped", "pending"];

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
    /// Wrong lines beyond those that are told.
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
pub(crate) fn read(path: &Path, plan: &Plan) -> anyhow::Result<Result<Vec<TrialRecord>, WrongTrials>> {
    if path == Path::new("-") {
        return parse(path, io::stdin().lock(), plan);
    }
    let file = std::fs::File::open(path).with_context(|| format!("can't read {}", path.display()))?;
    parse(path, BufReader::new(file), plan)
}

fn parse(path: &Path, mut input: impl BufRead, plan: &Plan) -> anyhow::Result<Result<Vec<TrialRecord>, WrongTrials>> {
    let path = if path == Path::new("-") { PathBuf::from("standard input") } else { path.to_owned() };
    let mut trials = Vec::new();
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
        } else if trials.len() >= MOST_LINES {
            Err(vec![problem("", "", &format!("is one of more than {MOST_LINES} trials"), "Give fewer trials.")])
        } else {
            match std::str::from_utf8(&bytes) {
                Ok(text) if text.trim().is_empty() => continue,
                Ok(text) => trial(text.trim_end(), plan),
                Err(_) => Err(vec![problem("", "", "is not UTF-8", "Write one JSON object a line, in UTF-8.")]),
            }
        };
        let is_endless = result.is_err() && (length as u64 > LONGEST_LINE || trials.len() >= MOST_LINES);
        match result {
            Ok(trial) => trials.push(trial),
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
    Ok(if wrong.problems.is_empty() { Ok(trials) } else { Err(wrong) })
}

type ColumnViolation = (Option<usize>, Violation);

fn problem(field: &str, value: &str, rule: &str, mend: &str) -> ColumnViolation {
    let field = if field.is_empty() { "the line" } else { field };
    let violation =
        Violation { field: field.to_owned(), value: value.to_owned(), rule: rule.to_owned(), mend: mend.to_owned() };
    (None, violation)
}

/// One line.
fn trial(text: &str, plan: &Plan) -> Result<TrialRecord, Vec<ColumnViolation>> {
    let value: Value = serde_json::from_str(&finite(text)).map_err(|error| vec![no_json(text, &error)])?;
    let Value::Object(mut fields) = value else {
        let mend = "Write {\"hyperparameters\":{…},\"objective\":0.3}.";
        return Err(vec![problem("", &short(&value), "is not a JSON object", mend)]);
    };
    let mut found = Vec::new();
    diverged(&mut fields);
    outcome(&fields, &mut found);
    let point = match fields.get("hyperparameters") {
        None => {
            found.push(problem("hyperparameters", "", "is missing", "Give the trial's point: {\"name\":value, …}."));
            None
        }
        Some(Value::Object(_)) => point(&fields["hyperparameters"], plan, &mut found),
        Some(other) => {
            let mend = "Give the trial's point: {\"name\":value, …}.";
            found.push(problem("hyperparameters", &short(other), "must be an object", mend));
            None
        }
    };
    if let Some(round) = fields.get("round").and_then(Value::as_str) {
        let names = rounds::names(plan);
        if !round.is_empty() && !names.iter().any(|name| name == round) {
            let mend = format!("Name one of {}, or leave it out.", names.join(", "));
            found.push(problem("round", round, "is not a round of this study", &mend));
        }
    }
    if !found.is_empty() {
        return Err(found);
    }
    // What is wrong beyond that the types say: unknown keys, curves that are none.
    let mut record: TrialRecord = serde_json::from_value(Value::Object(fields)).map_err(|error| {
        let mend = "Write trials as `studious export` does: hyperparameters, and objective, infeasible or pending.";
        vec![problem("", "", &format!("is not a trial: {error}"), mend)]
    })?;
    record.hyperparameters = point.unwrap_or_default();
    Ok(record)
}

/// The line with `null` in place of an objective that JSON has no number for: `NaN`, `-Infinity`, `1e999`.
fn finite(text: &str) -> Cow<'_, str> {
    const KEY: &str = "\"objective\"";
    let Some(after) = text.find(KEY).map(|at| at + KEY.len()) else { return Cow::Borrowed(text) };
    let value = text[after..].trim_start().strip_prefix(':').map_or("", str::trim_start);
    let start = text.len() - value.len();
    let end = value.find([',', '}', ' ']).unwrap_or(value.len());
    match value[..end].parse::<f64>() {
        Ok(number) if !number.is_finite() => Cow::Owned(format!("{}null{}", &text[..start], &value[end..])),
        _ => Cow::Borrowed(text),
    }
}

/// An objective that is there and not finite, in any spelling, is a divergence: languages without a NaN in JSON write `null`
/// or `"NaN"`.
fn diverged(fields: &mut Map<String, Value>) {
    let is_not_finite = match fields.get("objective") {
        Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().parse::<f64>().is_ok_and(|number| !number.is_finite()),
        _ => false,
    };
    let other = OUTCOMES.iter().any(|name| *name != "objective" && fields.get(*name) == Some(&Value::Bool(true)));
    if is_not_finite && !other {
        fields.remove("objective");
        fields.insert("infeasible".to_owned(), Value::Bool(true));
        fields.entry("reason").or_insert_with(|| Value::String(Reason::Diverged.to_string()));
    }
}

fn no_json(text: &str, error: &serde_json::Error) -> ColumnViolation {
    let has = |word: &str| text.contains(word);
    let mend = if has("NaN") || has("Infinity") {
        "JSON has no NaN and no Infinity: a trial whose objective is not finite is \"infeasible\":true."
    } else {
        "Write one JSON object a line."
    };
    // serde ends with the place, which stands in front here.
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default().to_owned();
    let (_, violation) = problem("", "", &format!("is not JSON: {said}"), mend);
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
                    let mend = "Give a finite number; a trial that has none is \"infeasible\":true.";
                    found.push(problem(name, &short(value), "must be a number", mend));
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
    match validate::point(&plan.spec().hyperparameters, &given, "hyperparameters") {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objective_that_is_not_finite_is_a_divergence_in_any_spelling() {
        for objective in
            ["null", "NaN", "Infinity", "-Infinity", "nan", "-inf", "1e999", "\"NaN\"", "\"inf\"", "\"-Infinity\""]
        {
            for line in [
                format!("{{\"hyperparameters\":{{}},\"objective\":{objective}}}"),
                format!("{{\"objective\" : {objective} , \"hyperparameters\":{{}}}}"),
            ] {
                let mut value: Value = serde_json::from_str(&finite(&line)).unwrap_or_else(|e| panic!("{line}: {e}"));
                diverged(value.as_object_mut().unwrap());
                let record: TrialRecord = serde_json::from_value(value).unwrap();
                let expected = studious_playbook::record::Outcome::Infeasible { reason: Reason::Diverged };
                assert_eq!(record.outcome, expected, "{line}");
            }
        }
        for line in [
            r#"{"objective":0.3}"#,
            r#"{"objective":1e30,"curves":{"a":[[1,2.0]]}}"#,
            r#"{"pending":true,"objective":null}"#,
        ] {
            assert_eq!(finite(line), line);
            let mut value: Value = serde_json::from_str(line).unwrap();
            diverged(value.as_object_mut().unwrap());
            assert_eq!(value.get("infeasible"), None, "{line}");
        }
    }
}
