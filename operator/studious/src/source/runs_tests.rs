//! Folders of runs as the dashboard's source, with real ledgers.

use std::{fs, path::Path};

use studious_api::{Study, trial::TrialPhase};
use studious_dashboard::{StudyKey, StudySource as _, StudyState};
use studious_ledger::{Ledger, RunState, StudyRow, TrialRow};
use studious_local::RunFolder;
use studious_playbook::{Millis, Plan, rounds};
use tempfile::TempDir;

use super::RunFolders;

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

/// The folder of a run, as the runner writes it.
struct Bench {
    temp: TempDir,
    folder: RunFolder,
    ledger: Ledger,
}

impl Bench {
    /// A study whose four trials wait.
    async fn new(name: &str) -> Self {
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
        for point in rounds::points(&plan, "explore", &[]).unwrap() {
            let name = plan.trial_name(&point.key);
            let row = TrialRow {
                uid: name.clone(),
                study: "digits".into(),
                name,
                spec: rounds::trial_spec(&plan, &point),
                state: RunState::default(),
            };
            ledger.upsert_trial(&row).await.unwrap();
            let init = r#"{"event":"init","parameters_sha256":"ab","init_seed":1,"data_seed":2}"#.to_owned();
            ledger.append(&row.uid, 1, 0, 0, &[init]).await.unwrap();
        }
        Self { temp, folder, ledger }
    }

    fn root(&self) -> &Path {
        self.temp.path()
    }

    /// As a runner holds it.
    fn lock(&self) -> fs::File {
        let file = fs::File::create(self.folder.root().join("lock")).unwrap();
        file.lock().unwrap();
        file
    }

    /// A trial that reached an objective at step 50.
    async fn succeed(&self, index: u32, objective: f64) {
        let name = format!("digits-explore-{index:04}");
        let line = format!(r#"{{"step":50,"validation_error":{objective}}}"#);
        self.ledger.append(&name, 1, 0, 1, &[line]).await.unwrap();
        let mut row = self.ledger.trial(&name).await.unwrap().unwrap();
        row.state = RunState {
            phase: TrialPhase::Succeeded,
            objective: Some(objective),
            best_step: Some(50),
            attempt: 1,
            start_time: Some(Millis(2_000)),
            end_time: Some(Millis(9_000)),
            ..RunState::default()
        };
        self.ledger.upsert_trial(&row).await.unwrap();
    }
}

fn key(name: &str) -> StudyKey {
    StudyKey { namespace: "local".to_owned(), name: name.to_owned() }
}

#[tokio::test]
async fn a_study_is_interrupted_running_or_completed() {
    let bench = Bench::new("digits").await;
    let runs = RunFolders::new(bench.root());
    let study = runs.studies().await.unwrap().pop().unwrap();
    assert_eq!((study.key, study.standing, study.counts.total), (key("digits"), StudyState::Interrupted, 4));
    assert_eq!(study.labels["team"], "vision");
    let lock = bench.lock();
    assert_eq!(runs.study(&key("digits")).await.unwrap().unwrap().standing, StudyState::Running);
    drop(lock);
    for (index, objective) in [0.4, 0.3, 0.2, 0.1].into_iter().enumerate() {
        bench.succeed(u32::try_from(index).unwrap(), objective).await;
    }
    let study = runs.study(&key("digits")).await.unwrap().unwrap();
    assert_eq!((study.standing, study.counts.ended()), (StudyState::Completed, 4), "{}", study.message);
    assert_eq!(study.best.map(|best| (best.objective, best.trial)), Some((0.1, "digits-explore-0003".to_owned())));
}

#[tokio::test]
async fn a_version_changes_with_what_is_kept() {
    let bench = Bench::new("digits").await;
    let runs = RunFolders::new(bench.root());
    let before = runs.version(&key("digits")).await.unwrap().unwrap();
    assert_eq!(runs.version(&key("digits")).await.unwrap(), Some(before.clone()));
    bench.succeed(1, 0.3).await;
    assert_ne!(runs.version(&key("digits")).await.unwrap(), Some(before));
    let trial = runs.trial(&key("digits"), "digits-explore-0001", 100).await.unwrap().unwrap();
    assert_eq!(trial.record.curves["validation_error"], [(50, 0.3)]);
    assert_eq!(trial.record.inits[0].init.parameters_sha256.as_deref(), Some("ab"));
    assert_eq!((trial.head.objective, trial.head.latest["step"]), (Some(0.3), 50.0));
    assert!(trial.commands.iter().any(|(_, command)| command.contains("output.log")), "{:?}", trial.commands);
    assert!(runs.trial(&key("digits"), "nobody", 100).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_not_a_run_is_not_shown() {
    let bench = Bench::new("digits").await;
    fs::create_dir(bench.root().join("empty")).unwrap();
    let runs = RunFolders::new(bench.root());
    for name in ["nobody", "empty", "..", "digits/../digits", ".", ""] {
        assert!(runs.study(&key(name)).await.unwrap().is_none(), "{name}");
        assert!(runs.version(&key(name)).await.unwrap().is_none(), "{name}");
    }
    let foreign = StudyKey { namespace: "team-a".to_owned(), ..key("digits") };
    assert!(runs.study(&foreign).await.unwrap().is_none());
    assert_eq!(runs.studies().await.unwrap().len(), 1);
    // The folder of one run is shown as well.
    let one = RunFolders::new(bench.root().join("digits"));
    assert_eq!(one.study(&key("digits")).await.unwrap().unwrap().key.name, "digits");
    // And a folder that isn't there yet is an empty one.
    assert!(RunFolders::new(bench.root().join("later")).studies().await.unwrap().is_empty());
}
