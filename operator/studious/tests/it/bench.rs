//! Calls the built command in a folder of its own.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

/// A study whose trainer is a shell script: large rates diverge, others get better towards 0.3.
pub(crate) const STUDY: &str = r#"
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {name: valley}
spec:
  goal: Where is the valley?
  objective: {metric: loss, direction: Minimize}
  hyperparameters:
  - {name: optimizer, role: Scientific, values: [plain, fancy]}
  - {name: learning_rate, range: {min: 1.0e-3, max: 10, scale: Log}}
  rounds:
  - {name: explore, trials: 8, maxTrainSteps: 20}
  - {name: confirm, maxTrainSteps: 40, from: {round: explore, best: 1, per: Scientific}}
  parallelism: 4
  evaluation: {everySteps: 10}
  trial:
    template:
      spec:
        containers:
        - name: trainer
          command:
          - sh
          - -c
          - |
            m=$STUDIOUS_TRIAL_DIR/metrics.jsonl
            for s in 10 20; do
              awk -v lr=$HP_LEARNING_RATE -v s=$s 'BEGIN { d = log(lr / 0.3); v = lr > 2 ? "NaN" : d * d / 10 + 1 / s
                printf "{\"step\":%d,\"loss\":%s}\n", s, v }' >> $m
            done
            echo '{"event":"done","step":20}' >> $m
"#;

pub(crate) struct Bench {
    pub temp: tempfile::TempDir,
}

/// What a call came to.
#[derive(Debug, PartialEq)]
pub(crate) struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Bench {
    pub(crate) fn with(study: &str) -> Self {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("study.yaml"), study).unwrap();
        Self { temp }
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_studious"));
        // A machine with one GPU would run one trial at a time.
        command.current_dir(self.temp.path()).env_remove("KUBECONFIG").env("CUDA_VISIBLE_DEVICES", "");
        command.env("HOME", self.temp.path());
        command
    }

    pub(crate) fn call(&self, arguments: &[&str]) -> Said {
        said(&self.command().args(arguments).output().unwrap())
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }
}

pub(crate) fn said(output: &Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout.clone()).unwrap(),
        err: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}

pub(crate) fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

pub(crate) fn until(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a process still runs; a zombie doesn't.
pub(crate) fn is_alive(pid: &str) -> bool {
    // `$$` in a command is `$$$$`, since a pod would make `$` of it.
    assert!(pid.parse::<u32>().is_ok(), "{pid:?} is no process");
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}
