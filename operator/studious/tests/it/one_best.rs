//! F-018: one answer to "which trial is best?", wherever it is asked.

use serde_json::Value;

use crate::bench::{Bench, Said};

/// Four points and five retrainings of the best, of which the luckiest has 0.06; the best point costs too much.
const STUDY: &str = r#"
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {name: NAME}
spec:
  goal: Which x?
  objective: {metric: err, direction: Minimize, select: Best}
  hyperparameters: [{name: x, values: [0, 1, 2, 3]}]
  search: {algorithm: Grid}
  rounds: [{name: tune, trials: 4, maxTrainSteps: 100}]
  retrain: {best: 1, times: 5}CONSTRAINTS
  failure: {attempts: 1, maxFailedTrials: 100}
  evaluation: {everySteps: 10}
  trial:
    template:
      spec:
        containers:
        - name: t
          command:
          - sh
          - -c
          - |
            awk -v x=$HP_X -v trial=$(basename $(dirname $(dirname $STUDIOUS_TRIAL_DIR))) 'BEGIN {
              luck = trial ~ /-retrain-/ ? (substr(trial, length(trial)) - 2) * 0.02 : 0
              printf "{\"step\":100,\"err\":%s,\"cost\":%d}\n{\"event\":\"done\",\"step\":100}\n", 0.1 + (x - 1) * (x - 1) * 0.01 + luck, x == 1 ? 10 : 1
            }' >> $STUDIOUS_TRIAL_DIR/metrics.jsonl
"#;

/// The study, run to its end with plain lines.
fn ran(name: &str, constraints: &str) -> (Bench, Said) {
    let bench = Bench::with(&STUDY.replace("NAME", name).replace("CONSTRAINTS", constraints));
    let said = bench.call(&["run", "study.yaml", "--no-progress"]);
    assert_eq!(said.code, 0, "{said:?}");
    (bench, said)
}

/// The last trial that the run called the best so far.
fn followed(said: &Said) -> &str {
    let mut lines = said.err.lines().filter(|line| line.ends_with(", the best so far"));
    lines.next_back().and_then(|line| line.split(' ').nth(1)).unwrap()
}

fn everywhere(bench: &Bench, said: &Said, name: &str, best: &str, objective: f64, retrained: &str) {
    let folder = format!("studious-runs/{name}");
    assert_eq!(followed(said), best, "{}", said.err);
    let line = format!("Best: {best}, err {objective} at step 100 of 100");
    for shown in [&said.out, &bench.call(&["top", &folder]).out] {
        assert!(shown.contains(&line), "{line}: {shown}");
        assert!(shown.contains(&format!("Trained again with other seeds: err {retrained}")), "{shown}");
        let first = shown.lines().map(str::trim_start).find(|line| line.starts_with(&format!("{name}-"))).unwrap();
        assert!(first.starts_with(best), "{shown}");
    }
    let findings: Value = serde_json::from_str(&bench.call(&["findings", &folder, "--format", "json"]).out).unwrap();
    let told = findings["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "BestTrial").unwrap();
    assert_eq!(told["trials"][0], best, "{told}");
    let report = bench.call(&["report", &folder, "--format", "json", "--out", "-"]).out;
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["best"]["name"], &report["best"]["objective"]), (&best.into(), &objective.into()));
    assert_eq!(report["best"]["retrained"]["trials"], 5, "{}", report["best"]);
    let markdown = bench.call(&["report", &folder, "--format", "md", "--out", "-"]).out;
    assert!(markdown.contains(retrained), "{markdown}");
}

#[test]
fn retraining_chooses_nothing() {
    let (bench, said) = ran("r", "");
    everywhere(&bench, &said, "r", "r-tune-0000", 0.1, "0.1 ± 0.03162 (5 retrainings)");
}

#[test]
fn what_violates_a_constraint_is_not_the_best() {
    let (bench, said) = ran("con", "\n  constraints: [{metric: cost, max: 5}]");
    everywhere(&bench, &said, "con", "con-tune-0002", 0.11, "0.11 ± 0.03162 (5 retrainings)");
}
