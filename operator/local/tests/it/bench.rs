//! Runs a study whose trainer is a shell script.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use studious_api::{Study, trial::TrialPhase};
use studious_ledger::{Ledger, TrialRow};
use studious_local::{Devices, Error, Event, Interrupt, Options, RunEnd, RunFolder, run};
use tokio::sync::mpsc;

/// Trains perfectly, and is done at once.
pub(crate) const GOOD: &str = r#"
d=$STUDIOUS_TRIAL_DIR
echo '{"step":10,"error":0.5}' >> $d/metrics.jsonl
echo "{\"step\":20,\"error\":0.$HP_X}" >> $d/metrics.jsonl
echo '{"event":"done","step":20}' >> $d/metrics.jsonl
"#;

/// Trainers of a study have so many seconds to end.
pub(crate) fn grace_of(study: &mut Study, seconds: i64) {
    Arc::make_mut(&mut study.spec.trial.template).spec.as_mut().unwrap().termination_grace_period_seconds =
        Some(seconds);
}

/// A study over `x` from 10 to 99 with a shell script as its trainer. `more` is YAML in `spec`.
pub(crate) fn study(script: &str, more: &str) -> Study {
    let text = format!(
        r"
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {{name: s}}
spec:
  goal: Does it run?
  objective: {{metric: error, direction: Minimize}}
  hyperparameters:
  - {{name: x, range: {{min: 10, max: 99, integer: true}}}}
  evaluation: {{everySteps: 10}}
  checkpoint: {{everySteps: 10}}
{}
  trial:
    hosts: HOSTS
    timeoutSeconds: 60
    template: {{spec: {{terminationGracePeriodSeconds: 2, containers: [{{name: trainer, command: [sh, -c, SCRIPT]}}]}}}}
",
        if more.contains("rounds:") {
            more.to_owned()
        } else {
            format!("  rounds: [{{name: r, trials: 2, maxTrainSteps: 20}}]\n{more}")
        }
    );
    let (text, hosts) = match text.split_once("  hosts_of_test: ") {
        Some((before, after)) => {
            let (hosts, rest) = after.split_once('\n').unwrap();
            (format!("{before}{rest}"), hosts.to_owned())
        }
        None => (text, "1".to_owned()),
    };
    let text = text.replace("HOSTS", &hosts).replace("SCRIPT", &serde_json::to_string(script).unwrap());
    serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// A folder in which studies are run.
pub(crate) struct Bench {
    pub temp: tempfile::TempDir,
    pub folder: RunFolder,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Seen {
    pub end: RunEnd,
    pub events: Vec<Event>,
    pub trials: BTreeMap<String, TrialRow>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(temp.path().join("run"));
        Self { temp, folder }
    }

    pub(crate) fn options(&self, study: &Study) -> Options {
        Options {
            study: study.clone(),
            text: serde_yaml::to_string(study).unwrap(),
            folder: self.folder.clone(),
            working_directory: self.temp.path().to_owned(),
            study_file: None,
            parallelism: None,
            retry_failed: false,
            allow_changes: false,
            devices: Devices::default(),
            keeper: None,
        }
    }

    pub(crate) async fn try_run(&self, options: Options) -> Result<Seen, Error> {
        let (_keep, interrupts) = mpsc::channel(2);
        self.try_run_with(options, interrupts).await
    }

    pub(crate) async fn try_run_with(
        &self,
        options: Options,
        interrupts: mpsc::Receiver<Interrupt>,
    ) -> Result<Seen, Error> {
        let (tell, mut told) = mpsc::unbounded_channel();
        let end = tokio::time::timeout(Duration::from_mins(1), run(options, tell, interrupts))
            .await
            .expect("the run must end")?;
        let mut events = Vec::new();
        while let Ok(event) = told.try_recv() {
            events.push(event);
        }
        Ok(Seen { end, events, trials: self.trials().await })
    }

    pub(crate) async fn run(&self, study: &Study) -> Seen {
        self.try_run(self.options(study)).await.unwrap()
    }

    pub(crate) async fn trials(&self) -> BTreeMap<String, TrialRow> {
        let ledger = Ledger::open(self.folder.ledger()).await.unwrap();
        ledger.trials("s").await.unwrap().into_iter().map(|row| (row.name.clone(), row)).collect()
    }

    pub(crate) async fn ledger(&self) -> Ledger {
        Ledger::open(self.folder.ledger()).await.unwrap()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }
}

impl Seen {
    pub(crate) fn phases(&self) -> Vec<TrialPhase> {
        self.trials.values().map(|row| row.state.phase).collect()
    }

    pub(crate) fn trial(&self, name: &str) -> &TrialRow {
        &self.trials[name]
    }
}

/// Lines of a file, none if it isn't there.
pub(crate) fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Whether a process still runs.
pub(crate) fn is_alive(pid: &str) -> bool {
    // `$$` in a command is `$$$$`, since a pod would make `$` of it.
    assert!(pid.parse::<u32>().is_ok(), "{pid:?} is no process");
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie waits for its parent and does nothing.
    !stat.is_empty() && !stat.contains(") Z ")
}
