//! Compares, trial by trial, what trainers noted in logs of their own with what the study's export says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What a trainer noted, in its order.
pub type Log = Vec<Value>;

/// What came of a comparison.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Evaluations that were compared.
    pub evaluations: usize,
    /// Attempts that trainers began.
    pub attempts: usize,
    /// Evaluations that trainers made again in a later attempt: at the checkpoint that they restored, or beyond it.
    pub repeated: usize,
    /// Attempts that were told to restore an earlier checkpoint, since evaluations were lost with a pod.
    pub sent_back: usize,
    /// Everything that is not as it must be; empty when all is well.
    pub wrong: Vec<String>,
}

/// What the trainer computes: see trainer.py.
pub fn loss(arm: &str, x: f64, step: u64) -> f64 {
    let center = match arm {
        "a" => 0.0,
        "b" => 1.0,
        _ => 2.0,
    };
    let distance = x - center;
    #[allow(clippy::cast_precision_loss)] // steps are small
    let step = step as f64;
    distance * distance + 0.1 + 1.0 / step
}

/// Whether the trainer says that a point can't be trained.
fn is_infeasible(arm: &str, x: f64) -> bool {
    arm == "c" && x >= 4.0
}

/// Compares the logs by trial with the records of an export, each trial with `steps` steps, evaluated at each
/// `every`th.
pub fn compare(
    logs: &BTreeMap<String, Log>,
    records: &[Value],
    steps: impl Fn(&str) -> u64,
    every: usize,
) -> Comparison {
    let mut comparison = Comparison::default();
    let names: BTreeSet<&str> = records.iter().filter_map(|record| record["name"].as_str()).collect();
    if names.len() != records.len() {
        comparison.wrong.push(format!("{} records of {} trials", records.len(), names.len()));
    }
    for name in logs.keys().filter(|name| !names.contains(name.as_str())) {
        comparison.wrong.push(format!("{name}: a trainer ran, and the export has no such trial"));
    }
    for record in records {
        let name = record["name"].as_str().unwrap_or_default();
        let round = record["round"].as_str().unwrap_or_default();
        match logs.get(name) {
            Some(log) => trial(&mut comparison, name, log, record, steps(round), every),
            None => comparison.wrong.push(format!("{name}: exported, and no trainer noted anything")),
        }
    }
    comparison
}

/// Which attempt's evaluation counts at each step: the last attempt's that made it.
fn history(log: &Log) -> BTreeMap<u64, (u64, f64)> {
    let evaluation =
        |line: &Value| Some((line["step"].as_u64()?, (line["attempt"].as_u64()?, line["value"].as_f64()?)));
    log.iter().filter_map(evaluation).fold(BTreeMap::new(), |mut history, (step, (attempt, value))| {
        // A trainer that was cut off may note something after a later attempt has begun.
        if history.get(&step).is_none_or(|(latest, _)| attempt >= *latest) {
            history.insert(step, (attempt, value));
        }
        history
    })
}

fn trial(comparison: &mut Comparison, name: &str, log: &Log, record: &Value, steps: u64, every: usize) {
    let arm = record["hyperparameters"]["arm"].as_str().unwrap_or_default();
    let x = record["hyperparameters"]["x"].as_f64().unwrap_or(f64::NAN);
    let infeasible = is_infeasible(arm, x);
    let last = if infeasible { steps / 2 } else { steps };
    let expected: Vec<u64> = (1..=last).filter(|step| step % every as u64 == 0).collect();
    let history = history(log);
    comparison.attempts += log.iter().filter(|line| line["restored"].is_u64()).count();
    comparison.sent_back += log.iter().filter(|line| is_sent_back(line)).count();
    comparison.repeated += log.iter().filter(|line| line["step"].is_u64()).count() - history.len();
    let mut wrong = |what: String| comparison.wrong.push(format!("{name}: {what}"));

    // Trainers did what they were to do, and nothing twice.
    if history.keys().copied().collect::<Vec<_>>() != expected {
        wrong(format!("trained {:?}, expected {expected:?}", history.keys()));
    }
    for (step, (attempt, value)) in &history {
        #[allow(clippy::float_cmp)] // the same operations in the same order
        if *value != loss(arm, x, *step) {
            wrong(format!("attempt {attempt} made {value} of step {step}, expected {}", loss(arm, x, *step)));
        }
    }
    let ended = log.iter().position(|line| line["done"] == true || line["infeasible"] == true);
    match ended {
        None => wrong("no trainer came to its end".to_owned()),
        Some(at) => {
            for line in trained_again(&log[at + 1..], steps) {
                wrong(format!("attempt {} ended it, and then {line}", log[at]["attempt"]));
            }
        }
    }
    for line in saved_and_lost(log) {
        wrong(line);
    }

    // The export says the same: each evaluation of that history, once, with its value, of the attempt that counts.
    let curve = |metric: &str| -> Vec<(u64, f64)> {
        let points = record["curves"][metric].as_array().into_iter().flatten();
        points.filter_map(|point| Some((point[0].as_u64()?, point[1].as_f64()?))).collect()
    };
    let made: Vec<(u64, f64)> = history.iter().map(|(step, (_, value))| (*step, *value)).collect();
    let exported = curve("validation_error");
    comparison.evaluations += exported.len();
    if exported != made {
        let all: BTreeSet<u64> = exported.iter().map(|point| point.0).collect();
        let missing: Vec<_> = history.iter().filter(|(step, _)| !all.contains(step)).collect();
        wrong(format!("exported {exported:?}, made {made:?}; missing (step, (attempt, value)): {missing:?}"));
    }
    #[allow(clippy::cast_precision_loss)] // attempts are few
    let attempts: Vec<(u64, f64)> = history.iter().map(|(step, (attempt, _))| (*step, *attempt as f64)).collect();
    if curve("attempt") != attempts {
        wrong(format!("evaluations of attempts {:?} count, expected {attempts:?}", curve("attempt")));
    }
    outcome(&mut wrong, record, infeasible, &made);
}

fn outcome(wrong: &mut impl FnMut(String), record: &Value, infeasible: bool, made: &[(u64, f64)]) {
    if infeasible {
        if record["infeasible"] != true || !record["objective"].is_null() {
            wrong(format!("expected to be infeasible: {record}"));
        }
    } else if let Some(best) = made.iter().min_by(|a, b| a.1.total_cmp(&b.1))
        && (record["objective"].as_f64(), record["step"].as_u64()) != (Some(best.1), Some(best.0))
    {
        wrong(format!("objective {} at step {}, expected {best:?}", record["objective"], record["step"]));
    }
}

/// Whether an attempt begins here that was told to restore an earlier checkpoint.
fn is_sent_back(line: &Value) -> bool {
    line["limit"].is_u64()
}

/// What was trained after a trainer had come to the last step. To evaluate again what was restored is no training; and
/// what Studious has sent an attempt back for is to be trained.
fn trained_again(after: &[Value], last: u64) -> impl Iterator<Item = &Value> {
    let mut restored = last;
    let mut may = false;
    after.iter().filter(move |line| {
        if let Some(step) = line["restored"].as_u64() {
            restored = step;
            may = is_sent_back(line);
        }
        !may && line["step"].as_u64().is_some_and(|step| step != restored)
    })
}

/// Attempts that began before a checkpoint that an earlier attempt had saved, and were not told to.
fn saved_and_lost(log: &Log) -> Vec<String> {
    let mut saved = 0;
    let mut lost = Vec::new();
    for line in log {
        if let Some(step) = line["saved"].as_u64() {
            saved = step.max(saved);
        } else if let Some(restored) = line["restored"].as_u64()
            && restored < saved
        {
            if !is_sent_back(line) {
                lost.push(format!("attempt {} began at step {restored}, and {saved} was saved", line["attempt"]));
            }
            saved = restored;
        }
    }
    lost
}

/// A record without what may differ between runs: times, attempts and what each attempt reports of itself.
pub fn without_attempts(record: &Value) -> Value {
    let mut record = record.clone();
    if let Some(fields) = record.as_object_mut() {
        fields.retain(|name, _| !matches!(name.as_str(), "attempts" | "checkpoints" | "inits" | "runtimes"));
        if let Some(curves) = fields.get_mut("curves").and_then(Value::as_object_mut) {
            curves.remove("attempt");
        }
    }
    record
}
