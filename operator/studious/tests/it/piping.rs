//! Output that nobody reads, and output that does not fit (F-078).

use std::{fs::OpenOptions, process::Stdio};

use crate::bench::{Bench, STUDY, Said, said};

/// A pipe whose reader has left.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// Every command that prints, with arguments for a folder that was run.
const COMMANDS: &[&[&str]] = &[
    &["about"],
    &["about", "--bibtex"],
    &["policy"],
    &["policy", "--codes"],
    &["policy", "--format", "json"],
    &["crds"],
    &["validate", "study.yaml"],
    &["validate", "study.yaml", "--format", "json"],
    &["plan", "study.yaml"],
    &["plan", "study.yaml", "--format", "json"],
    &["schema"],
    &["schema", "Study"],
    &["wait", "studious-runs/valley"],
    &["stop", "studious-runs/valley", "--format", "json"],
    &["top", "studious-runs/valley", "--format", "json"],
    &["rank", "studious-runs/valley", "--format", "json"],
    &["sample", "--study", "study.yaml"],
    &["top", "studious-runs/valley"],
    &["rank", "studious-runs/valley", "--by", "final"],
    &["findings", "studious-runs/valley"],
    &["findings", "studious-runs/valley", "--format", "json"],
    &["report", "studious-runs/valley"],
    &["report", "studious-runs/valley", "--out", "-"],
    &["plot", "studious-runs/valley", "--list"],
    &["plot", "studious-runs/valley", "--out", "plots"],
    &["export", "studious-runs/valley"],
    &["export", "studious-runs/valley", "--format", "csv", "--measurements"],
    &["export", "studious-runs/valley", "--format", "parquet"],
    &["--help"],
    &["run", "--help"],
];

fn with_output(bench: &Bench, arguments: &[&str], out: Stdio) -> Said {
    let child = bench.command().args(arguments).stdout(out).stderr(Stdio::piped()).spawn().unwrap();
    said(&child.wait_with_output().unwrap())
}

#[test]
fn commands_end_quietly_when_nobody_reads_and_with_an_error_when_the_disk_is_full() {
    let bench = Bench::with(STUDY);
    assert_eq!(bench.call(&["run", "study.yaml", "--quiet"]).code, 0);
    for arguments in COMMANDS {
        let plain = with_output(&bench, arguments, Stdio::null());
        assert_eq!(plain.code, 0, "{arguments:?}: {plain:?}");
        let closed = with_output(&bench, arguments, closed());
        assert_eq!((closed.code, &closed.err), (0, &plain.err), "{arguments:?}");
        // Neither does a panic reach standard error if that is closed too.
        let mut command = bench.command();
        let both = command.args(*arguments).stdout(self::closed()).stderr(self::closed()).status().unwrap();
        assert_eq!(both.code(), Some(0), "{arguments:?}");
        if arguments.contains(&"--help") {
            continue;
        }
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let full = with_output(&bench, arguments, full.into());
        assert_eq!(full.code, 1, "{arguments:?}: {full:?}");
        assert!(full.err.contains("standard output: No space left on device"), "{arguments:?}: {}", full.err);
    }
}

#[test]
fn a_run_that_nobody_watches_trains_to_its_end_and_writes_its_report() {
    for (out, err) in [(true, false), (false, true), (true, true)] {
        let bench = Bench::with(STUDY);
        let stdio = |is_closed: bool| if is_closed { closed() } else { Stdio::null() };
        let status =
            bench.command().args(["run", "study.yaml"]).stdout(stdio(out)).stderr(stdio(err)).status().unwrap();
        assert_eq!(status.code(), Some(0), "stdout closed: {out}, stderr closed: {err}");
        let again = bench.command().args(["run", "study.yaml", "--format", "json"]).stdout(closed()).status().unwrap();
        assert_eq!(again.code(), Some(0));
        assert!(bench.file("studious-runs/valley/report.html").exists());
        let top = bench.call(&["top", "studious-runs/valley"]);
        assert!(top.out.contains("Completed"), "{top:?}");
    }
}
