//! Runs that nobody watches: in the background, and after their terminal has gone (F-078, F-119).

use std::process::Command;

use serde_json::{Value, json};

use crate::{
    bench::{Bench, STUDY, said, until},
    schema::document,
};

/// Trainers wait for the file `go`.
fn waiting() -> String {
    STUDY.replace(
        "\n            m=$STUDIOUS_TRIAL_DIR/metrics.jsonl",
        "\n            echo x >> tried; until [ -f go ]; do sleep 0.05; done\n            m=$STUDIOUS_TRIAL_DIR/metrics.jsonl",
    )
}

const FOLDER: &str = "studious-runs/valley";

fn json(bench: &Bench, arguments: &[&str]) -> (i32, Value) {
    let said = bench.call(&[arguments, &["--format", "json"]].concat());
    (said.code, document(&said.out))
}

fn tried(bench: &Bench) -> usize {
    crate::bench::lines(&bench.file("tried")).len()
}

#[test]
fn a_run_in_the_background_is_looked_at_stopped_resumed_and_waited_for() {
    let bench = Bench::with(&waiting());
    let (code, started) = json(&bench, &["run", "study.yaml", "--detach"]);
    assert_eq!((code, &started["kind"], &started["folder"]), (0, &json!("RunStarted"), &json!(FOLDER)));
    until(|| tried(&bench) == 4);

    let (_, top) = json(&bench, &["top", FOLDER]);
    assert_eq!((&top["phase"], &top["running"], &top["counts"]["running"]), (&json!("Running"), &json!(4), &json!(4)));
    let text = bench.call(&["top", FOLDER]).out;
    assert!(text.contains("Running: 0 of 10 trials have ended, 4 running"), "{text}");
    let (code, waited) = json(&bench, &["wait", FOLDER, "--timeout", "0"]);
    assert_eq!((code, &waited["phase"]), (124, &json!("Running")));
    let second = bench.call(&["run", "study.yaml", "--detach"]);
    assert!(second.code == 2 && second.err.contains("another run is using"), "{second:?}");
    let second = bench.call(&["run", "study.yaml", "--detach", "--format", "json"]);
    assert!(second.code == 2 && second.out.is_empty() && second.err.contains("another run is using"), "{second:?}");
    let log = std::fs::read_to_string(bench.file(&format!("{FOLDER}/run.log"))).unwrap();
    assert!(!log.contains("another run is using"), "{log}");

    let (code, stopped) = json(&bench, &["stop", FOLDER]);
    assert_eq!((code, &stopped["phase"], &stopped["running"]), (0, &json!("Interrupted"), &json!(0)), "{stopped}");
    let text = bench.call(&["top", FOLDER]).out;
    assert!(text.contains("Interrupted: 0 of 10 trials have ended; run it again to resume"), "{text}");
    assert!(text.contains("to be retried") && !text.contains("running"), "{text}");
    let (code, waited) = json(&bench, &["wait", FOLDER]);
    assert_eq!((code, &waited["phase"]), (130, &json!("Interrupted")));

    std::fs::write(bench.file("go"), "").unwrap();
    assert_eq!(bench.call(&["run", "study.yaml", "--detach"]).code, 0);
    let (code, waited) = json(&bench, &["wait", FOLDER, "--timeout", "60"]);
    assert_eq!((code, &waited["phase"]), (0, &json!("Completed")));
    assert!(waited["verdict"]["kind"].is_string(), "{waited}");
    let log = std::fs::read_to_string(bench.file("studious-runs/valley/run.log")).unwrap();
    assert!(log.contains("Report: studious-runs/valley/report.html"), "{log}");
}

#[test]
fn a_study_that_is_refused_is_refused_in_the_foreground() {
    let bench = Bench::with(&STUDY.replace("- sh\n", "- no-such-program\n"));
    let said = bench.call(&["run", "study.yaml", "--detach"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("containers[0].command"), "{}", said.err);
    assert_eq!(bench.call(&["wait", "nowhere"]).code, 1);
    assert_eq!(bench.call(&["stop", "nowhere"]).code, 1);
}

/// Calls the command on a terminal of its own, and takes that away once four trials train. Prints the exit code.
const LOSE_THE_TERMINAL: &str = "
import os, pty, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
os.set_blocking(terminal, False)
while not os.path.exists('tried') or len(open('tried').read().split()) < 4:
    time.sleep(0.05)
    try:
        os.read(terminal, 65536)
    except BlockingIOError:
        pass
os.close(terminal)
time.sleep(0.5)
open('go', 'w').close()
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";

#[test]
fn a_terminal_that_closes_does_not_end_a_run() {
    let bench = Bench::with(&waiting());
    let python = Command::new("python3")
        .args(["-c", LOSE_THE_TERMINAL, env!("CARGO_BIN_EXE_studious"), "run", "study.yaml"])
        .current_dir(bench.temp.path())
        .env("CUDA_VISIBLE_DEVICES", "")
        .output();
    let done = said(&python.unwrap());
    assert_eq!((done.code, done.out.trim()), (0, "0"), "{done:?}");
    assert!(bench.file("studious-runs/valley/report.html").exists());
    let top = bench.call(&["top", FOLDER]).out;
    assert!(top.contains("Completed: "), "{top}");
    assert_eq!(tried(&bench), 10, "no trial may be tried again");
}
