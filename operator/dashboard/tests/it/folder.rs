//! The folder of a run, as the runner writes it.

use std::{collections::HashMap, fs, path::Path, sync::Mutex};

use studious_api::{Study, trial::TrialPhase};
use studious_ledger::{Ledger, RunState, StudyRow, TrialRow};
use studious_local::RunFolder;
use studious_playbook::{
    Millis, Plan,
    decide::{self, Action},
};
use tempfile::TempDir;

const STUDY: &str = "
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {name: digits, labels: {team: vision, studious.dev/archived: 'true'}}
spec:
  goal: Which learning rate?
  objective: {metric: validation_error, direction: Minimize}
  hyperparameters:
  - {name: optimizer, role: Scientific, values: [sgd, adam]}
  - {name: learning_rate, range: {min: 0.001, max: 1, scale: Log}}
  rounds: [{name: explore, trials: 4, maxTrainSteps: 100}]
  evaluation: {everySteps: 10}
  parallelism: 4
  trial: {template: {spec: {containers: [{name: trainer, image: trainer}]}}}
";

pub struct Run {
    temp: TempDir,
    folder: RunFolder,
    ledger: Ledger,
    /// Lines of each trial after the first.
    lines: Mutex<HashMap<u32, u64>>,
}

impl Run {
    /// A study whose four trials wait.
    pub async fn new(name: &str) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(temp.path().join(name));
        fs::create_dir_all(folder.root()).unwrap();
        fs::write(folder.study_file(), STUDY).unwrap();
        let study: Study = serde_yaml::from_str(STUDY).unwrap();
        let ledger = Ledger::open(folder.ledger()).await.unwrap();
        let plan = Plan::new("digits", &study.spec).unwrap();
        let row = StudyRow {
            uid: "digits".into(),
            namespace: String::new(),
            name: "digits".into(),
            spec: study.spec,
            created: Millis(1_000),
        };
        ledger.upsert_study(&row).await.unwrap();
        for action in decide::decide(&plan, &[], Millis(0)) {
            let Action::Start { trial, .. } = action else { continue };
            let row = TrialRow {
                uid: trial.name.clone(),
                study: "digits".into(),
                name: trial.name.clone(),
                spec: trial.spec,
                state: RunState::default(),
            };
            ledger.upsert_trial(&row).await.unwrap();
            let init = r#"{"event":"init","parameters_sha256":"ab","init_seed":1,"data_seed":2}"#.to_owned();
            ledger.append(&row.uid, 1, 0, 0, &[init]).await.unwrap();
        }
        Self { temp, folder, ledger, lines: Mutex::default() }
    }

    pub fn root(&self) -> &Path {
        self.temp.path()
    }

    /// As a runner holds it.
    pub fn lock(&self) -> fs::File {
        let file = fs::File::create(self.folder.root().join("lock")).unwrap();
        file.lock().unwrap();
        file
    }

    /// One more evaluation of a trial.
    pub async fn measure(&self, index: u32, step: u64, value: f64) {
        let name = format!("digits-explore-{index:04}");
        let first = *self.lines.lock().unwrap().entry(index).and_modify(|lines| *lines += 1).or_insert(1);
        let line = format!(r#"{{"step":{step},"validation_error":{value}}}"#);
        self.ledger.append(&name, 1, 0, first, &[line]).await.unwrap();
    }

    /// A trial that reached an objective at step 50.
    pub async fn succeed(&self, index: u32, objective: f64) {
        self.measure(index, 40, objective + 0.1).await;
        self.measure(index, 50, objective).await;
        self.put(index, TrialPhase::Succeeded, None, Some(objective)).await;
    }

    pub async fn put(&self, index: u32, phase: TrialPhase, reason: Option<&str>, objective: Option<f64>) {
        let mut row = self.ledger.trial(&format!("digits-explore-{index:04}")).await.unwrap().unwrap();
        row.state = RunState {
            phase,
            reason: reason.map(str::to_owned),
            objective,
            best_step: objective.map(|_| 50),
            attempt: 1,
            start_time: Some(Millis(2_000)),
            end_time: Some(Millis(9_000)),
            ..RunState::default()
        };
        self.ledger.upsert_trial(&row).await.unwrap();
    }
}
