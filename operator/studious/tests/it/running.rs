//! Runs that are interrupted by keys and killed.

use std::process::{Command, Stdio};

use crate::bench::{Bench, STUDY, is_alive, lines, said, until};

/// Trainers say that they began and wait for the file `go`, which is looked for only by trials after the first.
fn waiting() -> String {
    let script = r"
            echo $(basename $(dirname $(dirname $STUDIOUS_TRIAL_DIR))) >> tried; echo $$$$ >> pids
            case $STUDIOUS_TRIAL_DIR in *explore-0000*) ;; *) until [ -f go ]; do sleep 0.05; done ;; esac
            m=$STUDIOUS_TRIAL_DIR/metrics.jsonl";
    STUDY
        .replace("\n            m=$STUDIOUS_TRIAL_DIR/metrics.jsonl", script)
        .replace("parallelism: 4", "parallelism: 2")
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

/// Trials that were tried more often than once.
fn tried_twice(bench: &Bench) -> Vec<String> {
    let mut tried = lines(&bench.file("tried"));
    tried.sort();
    let mut twice: Vec<String> = tried.windows(2).filter(|w| w[0] == w[1]).map(|w| w[0].clone()).collect();
    twice.dedup();
    twice
}

#[test]
fn ctrl_c_stops_it_and_the_same_command_goes_on() {
    let bench = Bench::with(&waiting());
    let child = bench.command().args(["run", "study.yaml"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.unwrap();
    until(|| lines(&bench.file("tried")).len() == 3);
    signal("-INT", child.id());
    let stopped = said(&child.wait_with_output().unwrap());
    assert_eq!(stopped.code, 130, "{stopped:?}");
    assert!(stopped.err.contains("run it again to resume: studious run study.yaml"), "{}", stopped.err);
    assert!(lines(&bench.file("pids")).iter().all(|pid| !is_alive(pid)));

    std::fs::write(bench.file("go"), "").unwrap();
    let done = bench.call(&["run", "study.yaml"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(tried_twice(&bench), ["valley-explore-0001", "valley-explore-0002"]);
}

#[test]
fn kill_9_leaves_no_trainer_and_repeats_no_finished_trial() {
    let bench = Bench::with(&waiting());
    let mut child =
        bench.command().args(["run", "study.yaml", "-q"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until(|| lines(&bench.file("tried")).len() == 3);
    signal("-KILL", child.id());
    child.wait().unwrap();
    // The keeper ends them without anybody asking.
    until(|| lines(&bench.file("pids")).iter().all(|pid| !is_alive(pid)));

    std::fs::write(bench.file("go"), "").unwrap();
    let done = bench.call(&["run", "study.yaml"]);
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(tried_twice(&bench), ["valley-explore-0001", "valley-explore-0002"], "{done:?}");
    // Being killed isn't the trials' fault.
    let exported = bench.call(&["export", "studious-runs/valley"]).out;
    assert!(!exported.contains("\"failed\":true"), "{exported}");
}

#[test]
fn a_second_run_is_refused_while_the_first_runs() {
    let bench = Bench::with(&waiting());
    let mut child =
        bench.command().args(["run", "study.yaml", "-q"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until(|| lines(&bench.file("tried")).len() == 3);
    let second = bench.call(&["run", "study.yaml"]);
    assert_eq!(second.code, 2);
    assert!(second.err.contains("another run is using studious-runs/valley"), "{}", second.err);
    signal("-INT", child.id());
    child.wait().unwrap();
}

#[test]
fn a_trainer_that_fails_is_shown_with_its_last_words() {
    let study = STUDY.replace(
        "            m=$STUDIOUS_TRIAL_DIR/metrics.jsonl\n",
        "            echo \"no module named tensors\" >&2; exit 1\n",
    );
    let bench =
        Bench::with(&study.replace("parallelism: 4", "parallelism: 4\n  failure: {attempts: 1, maxFailedTrials: 1}"));
    let failed = bench.call(&["run", "study.yaml"]);
    assert_eq!(failed.code, 1);
    assert!(failed.err.contains("it printed last: no module named tensors"), "{}", failed.err);
    assert!(failed.out.contains("failed: TrainerError"), "{}", failed.out);

    let changed = study.replace("max: 10", "max: 5");
    std::fs::write(bench.file("study.yaml"), changed).unwrap();
    let refused = bench.call(&["run", "study.yaml"]);
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("spec.hyperparameters") && refused.err.contains("--dir"), "{}", refused.err);
}
