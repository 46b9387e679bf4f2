//! Commands that look and start nothing, and what they make of a run.

use crate::bench::{Bench, STUDY};

#[test]
fn everything_that_is_wrong_is_said_with_its_place() {
    let wrong = STUDY
        .replace("{min: 1.0e-3, max: 10, scale: Log}", "{min: 0, max: 10, scale: Log}")
        .replace("maxTrainSteps: 40", "maxTrainSteps: 20")
        .replace("  parallelism: 4", "  paralelism: 4");
    let bench = Bench::with(&wrong);
    let said = bench.call(&["validate", "study.yaml"]);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
    insta::assert_snapshot!(said.err);
    let said = bench.call(&["run", "study.yaml"]);
    assert_eq!(said.code, 2);
    assert!(!bench.file("studious-runs").exists(), "nothing may be started");
}

#[test]
fn a_plan_says_what_would_run() {
    let said = Bench::with(STUDY).call(&["plan", "study.yaml"]);
    assert_eq!(said.code, 0);
    insta::assert_snapshot!(said.out);
}

#[test]
fn a_space_that_ends_is_told_before_and_after_it_runs() {
    let grid = STUDY.replace("  rounds:", "  search: {algorithm: Grid, grid: {levels: 3}}\n  rounds:");
    let bench = Bench::with(&grid);
    let told = "he space has 6 points, 8 trials asked";
    let said = bench.call(&["plan", "study.yaml"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("Grid, which has 6 points") && said.out.contains(told), "{}", said.out);
    assert!(bench.call(&["validate", "study.yaml"]).err.contains(told));
    let said = bench.call(&["run", "study.yaml", "--quiet"]);
    assert!(said.code == 0 && said.out.contains(told), "{} {}", said.out, said.err);
    let samples = bench.call(&["sample", "--study", "study.yaml"]).out;
    assert_eq!(samples.lines().count(), 6);
    assert!(samples.contains("\"learning_rate\":0.1,"), "{samples}");
}

#[test]
fn samples_are_the_points_that_run() {
    let bench = Bench::with(STUDY);
    let said = bench.call(&["sample", "--study", "study.yaml", "--count", "3"]);
    insta::assert_snapshot!(said.out);
    assert_eq!(bench.call(&["run", "study.yaml", "--quiet"]).code, 0);
    let exported = bench.call(&["export", "studious-runs/valley"]).out;
    for line in said.out.lines() {
        let planned: serde_json::Value = serde_json::from_str(line).unwrap();
        let ran = exported.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
        let ran = ran.into_iter().find(|r| r["name"] == planned["name"]).unwrap();
        assert_eq!(ran["hyperparameters"], planned["hyperparameters"]);
    }
}

#[test]
fn a_run_ends_with_table_best_findings_and_report() {
    let bench = Bench::with(STUDY);
    let said = bench.call(&["run", "study.yaml"]);
    assert_eq!(said.code, 0, "{said:?}");
    // Times differ, and findings have tests of their own.
    let table = said.out.split("\n\nBest").next().unwrap();
    insta::assert_snapshot!(table.trim());
    let best = said.out.split("\nBest: ").nth(1).unwrap();
    assert!(best.starts_with("valley-confirm-000"), "{best}");
    assert!(said.out.contains("infeasible: Diverged"));
    assert!(said.out.trim_end().ends_with("Report: studious-runs/valley/report.html"), "{}", said.out);
    let html = std::fs::read_to_string(bench.file("studious-runs/valley/report.html")).unwrap();
    assert!(html.contains("valley-explore-0000"));

    let top = bench.call(&["top", "studious-runs/valley", "--limit", "2"]);
    assert!(top.out.contains("valley-confirm-0000") && top.out.contains("… and 8 more"), "{}", top.out);
    let csv = bench.call(&["export", "studious-runs/valley", "--format", "csv"]).out;
    assert_eq!(csv.lines().count(), 11);
    assert_eq!(csv.lines().next(), Some("name,round,outcome,reason,objective,step,optimizer,learning_rate"));
    let findings = bench.call(&["findings", "studious-runs/valley", "--format", "json"]).out;
    let findings: serde_json::Value = serde_json::from_str(&findings).unwrap();
    assert!(findings["findings"].as_array().unwrap().iter().any(|f| f["code"] == "InfeasibleFraction"), "{findings}");
    assert_eq!(findings["checklist"]["questions"].as_array().unwrap().len(), 5, "{findings}");
    // Trials as data say the same.
    let exported = bench.call(&["export", "studious-runs/valley"]).out;
    std::fs::write(bench.file("trials.jsonl"), exported).unwrap();
    let again = bench.call(&["findings", "--study", "study.yaml", "--trials", "trials.jsonl", "--format", "json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&again.out).unwrap(), findings, "{}", again.err);
    // An earlier folder is left alone when it is looked at again.
    let again = bench.call(&["run", "study.yaml"]);
    assert_eq!((again.code, again.err.contains("Continuing after 10 ended trials")), (0, true), "{}", again.err);
}

#[test]
fn what_is_no_run_is_said_so() {
    let bench = Bench::with(STUDY);
    let said = bench.call(&["top", "nowhere"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("nowhere is not the folder of a run"), "{}", said.err);
    let said = bench.call(&["findings", "study.yaml"]);
    assert!(said.code == 1 && said.err.contains("study.yaml is a file, not the folder of a run"), "{}", said.err);
    let said = bench.call(&["top", "study/valley"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("give a folder"), "{}", said.err);
    assert_eq!(bench.call(&["topp"]).code, 2);
}

#[test]
fn crds_are_written_as_files() {
    let bench = Bench::with(STUDY);
    assert_eq!(bench.call(&["crds", "--out", "crds"]).code, 0);
    let study = std::fs::read_to_string(bench.file("crds/studies.yaml")).unwrap();
    assert!(study.contains("studies.studious.dev") && bench.file("crds/trials.yaml").exists());
}

#[test]
fn a_report_is_a_page_or_data_or_text() {
    let bench = Bench::with(STUDY);
    assert_eq!(bench.call(&["run", "study.yaml", "--quiet"]).code, 0);
    let report = |arguments: &[&str]| bench.call(&[&["report", "studious-runs/valley"], arguments].concat());
    assert_eq!(report(&[]).out.trim(), "studious-runs/valley/report.html");
    assert_eq!(report(&["--format", "md"]).out.trim(), "studious-runs/valley/report.md");
    let data: serde_json::Value = serde_json::from_str(&report(&["--format", "json", "--out", "-"]).out).unwrap();
    assert_eq!((data["trials"].as_array().unwrap().len(), &data["counts"]["planned"]), (10, &10.into()));
    assert_eq!(data["study"]["metadata"]["name"], "valley");
    let findings = bench.call(&["findings", "studious-runs/valley", "--format", "json"]).out;
    let findings: serde_json::Value = serde_json::from_str(&findings).unwrap();
    assert_eq!((&data["findings"], &data["checklist"]), (&findings["findings"], &findings["checklist"]));
    assert!(data["plots"][0]["specification"]["$schema"].as_str().unwrap().contains("vega-lite/v6"));
    // Trials that ran anywhere have one too.
    let exported = bench.call(&["export", "studious-runs/valley", "--out", "trials.jsonl"]);
    assert_eq!((exported.code, exported.out.as_str()), (0, ""));
    let again = bench.call(&["report", "--study", "study.yaml", "--trials", "trials.jsonl", "--format", "json"]);
    assert_eq!(again.out.trim(), "valley-report.json");
    let again = std::fs::read_to_string(bench.file("valley-report.json")).unwrap();
    let again: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert_eq!((&again["findings"], &again["best"]), (&data["findings"], &data["best"]));
}

/// Words of a trainer and of a study reach a terminal as escapes (F-057).
#[test]
fn words_of_others_do_not_control_a_terminal() {
    let says = r#"echo '{"event":"infeasible","reason":"\\u001b[35mx\\u001b]0;title\\u0007"}' >> $m; exit 0
            echo '{"event":"done","step":20}' >> $m"#;
    let study = STUDY
        .replace(r#"echo '{"event":"done","step":20}' >> $m"#, says)
        .replace("goal: Where is the valley?", r#"goal: "\e[31mWhere is the valley?""#);
    let bench = Bench::with(&study);
    let mut all = String::new();
    for arguments in [
        &["run", "study.yaml"][..],
        &["top", "studious-runs/valley"],
        &["rank", "studious-runs/valley"],
        &["findings", "studious-runs/valley"],
        &["plan", "study.yaml"],
        &["export", "studious-runs/valley"],
        &["report", "studious-runs/valley", "--format", "markdown", "--out", "-"],
    ] {
        let said = bench.call(arguments);
        all += &(said.out + &said.err);
    }
    let found: Vec<char> = all.chars().filter(|c| c.is_control() && !matches!(c, '\n' | '\t')).collect();
    assert!(found.is_empty(), "{found:?}");
    assert!(all.contains(r"\u001b[35mx\u001b]0;title\u0007") && all.contains(r"\u001b[31mWhere"), "{all}");
}
