//! Writes the folder of a run that trained nothing, through the ledger's own writers, to see how the dashboard bears many
//! trials: `cargo run --release -p studious --example big_run -- FOLDER [TRIALS] [EVALUATIONS]`, then
//! `studious ui FOLDER`.

use std::{collections::BTreeMap, error::Error, fs, path::PathBuf};

use studious_api::{Hyperparameters, StudySpec, trial::TrialPhase};
use studious_ledger::{Attempt, Ledger, RunState, StudyRow, TrialRow};
use studious_local::RunFolder;
use studious_playbook::{
    Millis, Plan,
    study::{View, next},
    trial::TrialState,
};

/// When its first trial began.
const BEGAN: u64 = 1_767_225_600_000;
/// How long each trained, in milliseconds.
const TOOK: u64 = 90_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("name a folder")?);
    let trials: u32 = arguments.next().map_or(Ok(10_000), |text| text.parse())?;
    let evaluations: u64 = arguments.next().map_or(Ok(200), |text| text.parse())?;
    let text = study(trials, evaluations * 10);
    let document: serde_yaml::Value = serde_yaml::from_str(&text)?;
    let spec: StudySpec = serde_yaml::from_value(document["spec"].clone())?;
    let plan = Plan::new("many-trials", &spec).map_err(|violations| format!("{violations:?}"))?;

    let run = RunFolder::new(folder.join("many-trials"));
    fs::create_dir_all(run.root())?;
    fs::write(run.study_file(), &text)?;
    let ledger = Ledger::open(run.ledger()).await?;
    let row = StudyRow {
        uid: "many-trials".to_owned(),
        namespace: String::new(),
        name: "many-trials".to_owned(),
        spec,
        created: Millis(BEGAN),
    };
    ledger.upsert_study(&row).await?;
    let mut ended: Vec<TrialState> = Vec::new();
    while run_round(&plan, &ledger, &mut ended, evaluations).await? {}
    ledger.close().await;
    println!("{}", run.root().display());
    Ok(())
}

/// All trials that may begin now, to their end. Says whether there were any.
async fn run_round(
    plan: &Plan,
    ledger: &Ledger,
    ended: &mut Vec<TrialState>,
    evaluations: u64,
) -> Result<bool, Box<dyn Error>> {
    let before = ended.len();
    let mut view = View::of(plan, ended.iter().cloned());
    for trial in next(plan, &mut view, Millis(BEGAN)).create {
        let every = trial.spec.max_train_steps / evaluations;
        let (lines, state) = train(&trial.spec.hyperparameters, trial.spec.index, evaluations, every);
        ended.push(state.trial_state(trial.key(), trial.spec.hyperparameters.clone()));
        let row = TrialRow {
            uid: trial.name.clone(),
            study: "many-trials".to_owned(),
            name: trial.name.clone(),
            spec: trial.spec,
            state,
        };
        ledger.upsert_trial(&row).await?;
        ledger.append(&row.uid, 1, 0, 0, &lines).await?;
    }
    Ok(ended.len() > before)
}

/// Two rounds, since one may have no more than 9,999 trials; all of a round at once, so that one look at `next` names
/// them all.
fn study(trials: u32, steps: u64) -> String {
    let (first, second, longer) = (trials / 2, trials - trials / 2, 2 * steps);
    format!(
        "apiVersion: studious.dev/v1alpha1
kind: Study
metadata:
  name: many-trials
  labels: {{team: vision, kind: load-test}}
spec:
  goal: Does the dashboard bear {trials} trials? (simulated)
  objective: {{metric: validation_error, direction: Minimize}}
  hyperparameters:
  - {{name: optimizer, role: Scientific, values: [sgd, momentum]}}
  - {{name: learning_rate, range: {{min: 1.0e-4, max: 10, scale: Log}}}}
  - {{name: weight_decay, range: {{min: 1.0e-6, max: 0.1, scale: Log}}}}
  - {{name: width, range: {{min: 16, max: 256, scale: Log, integer: true}}}}
  rounds:
  - {{name: explore, trials: {first}, maxTrainSteps: {steps}}}
  - {{name: longer, trials: {second}, maxTrainSteps: {longer}}}
  parallelism: {trials}
  evaluation: {{everySteps: 10}}
  trial: {{template: {{spec: {{containers: [{{name: trainer, image: trainer}}]}}}}}}
"
    )
}

/// What a training of this point might have measured, and how it ended.
fn train(point: &Hyperparameters, index: u32, evaluations: u64, every: u64) -> (Vec<String>, RunState) {
    let rate = point.get("learning_rate").and_then(studious_api::HyperparameterValue::as_f64).unwrap_or(0.1).log10();
    // A number that looks drawn and is the same every time.
    let luck = |salt: u64| {
        let mixed = (u64::from(index) << 20 ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 40) as f64 / (1_u64 << 24) as f64
    };
    let diverges = rate > 0.4 + luck(1);
    let floor = 0.02 + 0.03 * (rate + 1.0).powi(2) + 0.01 * luck(2);
    let last = if diverges { 1 + evaluations / 10 } else { evaluations };
    let mut best: BTreeMap<u64, f64> = BTreeMap::new();
    let mut lines = vec![format!(
        r#"{{"event":"init","parameters_sha256":"{:064x}","init_seed":1,"data_seed":{index}}}"#,
        u64::from(index)
    )];
    for i in 1..=last {
        let step = i * every;
        let t = i as f64 / evaluations as f64;
        let error = (floor + 0.9 * (-8.0 * t).exp() + 0.004 * luck(step)).min(1.0);
        best.insert(step, error);
        lines.push(format!(
            r#"{{"step":{step},"validation_error":{error},"train_loss":{},"gradient_norm":{}}}"#,
            2.3 * (-6.0 * t).exp() + floor,
            3.0 / (1.0 + 10.0 * t) + 0.2 * luck(step + 1)
        ));
    }
    let lowest = best.iter().min_by(|a, b| a.1.total_cmp(b.1)).map(|(step, value)| (*step, *value));
    let (phase, reason, message) = if diverges {
        lines.push(format!(r#"{{"step":{},"train_loss":NaN}}"#, (last + 1) * every));
        (TrialPhase::Infeasible, Some("Diverged".to_owned()), "train_loss was NaN".to_owned())
    } else {
        lines.push(format!(r#"{{"event":"done","step":{}}}"#, last * every));
        (
            TrialPhase::Succeeded,
            None,
            lowest.map_or_else(String::new, |(step, value)| format!("{value} at step {step}")),
        )
    };
    let start = Millis(BEGAN + u64::from(index) * 5_000);
    let end = Millis(start.0 + TOOK);
    let state = RunState {
        phase,
        reason,
        message: Some(message.clone()),
        objective: lowest.map(|(_, value)| value),
        best_step: lowest.map(|(step, _)| step),
        attempt: 1,
        attempts: vec![Attempt {
            number: 1,
            outcome: studious_api::trial::AttemptOutcome::Finished,
            message,
            start_time: Some(start),
            end_time: Some(end),
            step: None,
            restore_at_most: None,
            silent_failure: None,
            provenance: None,
        }],
        start_time: Some(start),
        end_time: Some(end),
        ..RunState::default()
    };
    (lines, state)
}
