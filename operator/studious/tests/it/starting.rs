//! `studious init`: what it writes and refuses. Read the snapshots by eye.

use std::{fs, process::Command};

use crate::bench::Bench;

const FLAGS: &[&str] = &[
    "--goal",
    "Does mixup help?",
    "--metric",
    "validation_error",
    "--scientific",
    "mixup=true,false",
    "--optimizer",
    "momentum",
    "--fixed",
    "batch_size=256: the largest that fits",
    "--steps",
    "2000",
    "--command",
    "python train.py --mixup '$(HP_MIXUP)'",
    "--image",
    "ghcr.io/team/trainer:1.0",
];

fn bench() -> Bench {
    let bench = Bench::with("");
    fs::remove_file(bench.file("study.yaml")).unwrap();
    bench
}

#[test]
fn a_study_is_written_that_validates_without_a_warning() {
    let bench = bench();
    let said = bench.call(&[&["init"], FLAGS].concat());
    assert_eq!(said.code, 0, "{said:?}");
    insta::assert_snapshot!("init-said", said.err);
    let text = fs::read_to_string(bench.file("study.yaml")).unwrap();
    insta::assert_snapshot!("init-study", text);
    assert_eq!(fs::read_dir(bench.temp.path()).unwrap().count(), 1);
    let validated = bench.call(&["validate", "study.yaml"]);
    assert_eq!((validated.code, validated.err.as_str()), (0, ""), "{validated:?}");
    assert_eq!(bench.call(&["plan", "study.yaml"]).code, 0);
    assert_eq!(bench.call(&[&["init", "-", "--name", "study"], FLAGS].concat()).out, text);
}

#[test]
fn a_file_that_exists_stays_unless_it_is_forced() {
    let bench = Bench::with("mine");
    let said = bench.call(&[&["init"], FLAGS].concat());
    assert_eq!(said.code, 2);
    assert!(said.err.contains("study.yaml: exists. Name another file, or write over it with --force"), "{said:?}");
    assert_eq!(fs::read_to_string(bench.file("study.yaml")).unwrap(), "mine");
    assert_eq!(bench.call(&[&["init", "--force"], FLAGS].concat()).code, 0);
    assert!(fs::read_to_string(bench.file("study.yaml")).unwrap().contains("Does mixup help?"));
}

#[test]
fn missing_answers_are_named_where_nobody_can_be_asked() {
    let bench = bench();
    let said = [
        bench.call(&["init"]),
        bench.call(&["init", "--goal", "Is it good?", "--metric", "score", "--nuisance", "lr"]),
        bench.call(&["init", "--nuisance", "temperature"]),
        bench.call(&[&["init"], FLAGS, &["--trials", "0"]].concat()),
    ];
    let all: Vec<String> = said.iter().map(|said| format!("{}exit code {}\n", said.err, said.code)).collect();
    insta::assert_snapshot!("init-missing", all.join("\n"));
    assert_eq!(fs::read_dir(bench.temp.path()).unwrap().count(), 0);
}

/// Runs the commands of docs/start.md one after the other. `UPDATE_DOCS=1` writes what they print into the page.
#[test]
fn the_page_shows_what_the_commands_print() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/start.md");
    let before = fs::read_to_string(page).unwrap();
    let bench = bench();
    let mut after = String::new();
    let mut blocks = before.split("```console\n");
    after.push_str(blocks.next().unwrap());
    for block in blocks {
        let (shown, rest) = block.split_once("\n```").unwrap();
        let mut lines = shown.lines();
        let mut command = vec![lines.next().unwrap()];
        while command.last().unwrap().ends_with('\\') {
            command.push(lines.next().unwrap());
        }
        let command = command.join("\n");
        let script =
            command.trim_start_matches("$ ").replacen("studious ", &format!("{} ", env!("CARGO_BIN_EXE_studious")), 1);
        let output =
            Command::new("sh").args(["-c", &format!("{script} 2>&1")]).current_dir(bench.temp.path()).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
        after.extend(["```console\n", &command, "\n", &printed.join("\n"), "\n```", rest]);
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(page, after).unwrap();
        return;
    }
    assert_eq!(before, after, "run UPDATE_DOCS=1 cargo test -p studious --test it the_page_shows");
}
