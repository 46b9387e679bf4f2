//! What commands print for programs (F-119), checked against the schemas.

use serde_json::{Value, json};

use crate::{
    bench::{Bench, STUDY},
    schema::document,
};

#[test]
fn problems_of_a_study_have_their_place_and_their_fix_as_fields() {
    let wrong = STUDY.replace("maxTrainSteps: 40", "maxTrainSteps: 20").replace("  parallelism: 4", "  paralelism: 4");
    let bench = Bench::with(&wrong);
    let said = bench.call(&["validate", "study.yaml", "--format", "json"]);
    assert_eq!((said.code, said.err.as_str()), (2, ""));
    let validation = document(&said.out);
    assert_eq!((&validation["kind"], &validation["valid"]), (&json!("Validation"), &json!(false)));
    let problems = validation["files"][0]["problems"].as_array().unwrap();
    let unknown = problems.iter().find(|p| p["field"] == "spec.paralelism").unwrap();
    assert_eq!((&unknown["line"], &unknown["column"], &unknown["severity"]), (&json!(14), &json!(15), &json!("error")));
    assert_eq!(unknown["fix"], "Did you mean parallelism?");
    let steps = problems.iter().find(|p| p["field"] == "spec.rounds[1].maxTrainSteps").unwrap();
    assert_eq!(steps["value"], "20");

    // Commands that read a study say the same, where programs read.
    for arguments in [&["plan", "study.yaml", "--format", "json"][..], &["run", "study.yaml", "--format", "json"]] {
        let said = bench.call(arguments);
        assert_eq!(said.code, 2, "{arguments:?}");
        assert_eq!(document(&said.out), validation, "{arguments:?}");
        assert!(said.err.contains("spec.paralelism"), "{arguments:?}");
    }
    std::fs::write(bench.file("study.yaml"), STUDY).unwrap();
    let said = bench.call(&["validate", "study.yaml", "study.yaml", "--format", "json"]);
    let validation = document(&said.out);
    assert_eq!(
        (said.code, &validation["valid"], &validation["files"][1]["study"]),
        (0, &json!(true), &json!("valley"))
    );
    let advised = validation["files"][0]["problems"].as_array().unwrap();
    assert!(advised.iter().any(|p| p["severity"] == "warning"), "{validation}");
    assert!(
        advised
            .iter()
            .all(|p| p["code"].is_string() && p["message"].as_str().unwrap().starts_with(p["code"].as_str().unwrap()))
    );
}

/// One file that is not there keeps nothing of the others back.
#[test]
fn files_after_one_that_cannot_be_read_are_validated() {
    let bench = Bench::with(STUDY);
    let said = bench.call(&["validate", "none.yaml", "study.yaml", "--format", "json"]);
    let validation = document(&said.out);
    assert_eq!((said.code, &validation["valid"]), (1, &json!(false)));
    let message = validation["files"][0]["problems"][0]["message"].as_str().unwrap();
    assert!(message.contains("none.yaml: No such file"), "{message}");
    assert_eq!((&validation["files"][1]["valid"], &validation["files"][1]["study"]), (&json!(true), &json!("valley")));
    let said = bench.call(&["validate", "none.yaml", "study.yaml"]);
    assert!(said.code == 1 && said.err.starts_with("error: ") && said.out.contains("valley"), "{said:?}");
}

/// F-081: a file in another encoding is a wrong file, not a failed command.
#[test]
fn a_file_that_is_not_utf_8_is_refused_at_its_line() {
    let bench = Bench::with("");
    std::fs::write(bench.file("study.yaml"), b"kind: Study\nspec: {goal: Gr\xf6\xdfe}\n").unwrap();
    let said = bench.call(&["validate", "study.yaml"]);
    assert_eq!(said.code, 2);
    assert!(said.err.starts_with("study.yaml:2:16: error: is not UTF-8"), "{}", said.err);
}

#[test]
fn a_plan_and_a_policy_are_data() {
    let bench = Bench::with(STUDY);
    let plan = document(&bench.call(&["plan", "study.yaml", "--format", "json"]).out);
    assert_eq!((&plan["study"], &plan["trials"], &plan["trainSteps"]), (&json!("valley"), &json!(10), &json!(240)));
    assert_eq!(plan["rounds"][1], json!({"name": "confirm", "trials": 2, "maxTrainSteps": 40, "from": "explore"}));
    assert_eq!(plan["arms"].as_array().unwrap().len(), 2);
    let policy = document(&bench.call(&["policy", "--format", "json"]).out);
    assert!(policy["codes"].as_array().unwrap().iter().any(|code| code["code"] == "SearchSpaceTooNarrow"));
}

#[test]
fn a_run_is_an_event_a_line_and_then_the_study_with_its_answer() {
    let bench = Bench::with(STUDY);
    let said = bench.call(&["run", "study.yaml", "--format", "json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let documents: Vec<Value> = said.out.lines().map(document).collect();
    let (study, events) = documents.split_last().unwrap();
    assert!(events.iter().all(|event| event["kind"] == "RunEvent"));
    let of = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!((of("RoundBegan"), of("AttemptBegan"), of("TrialEnded")), (2, 10, 10), "{}", said.out);
    let ended = events.iter().find(|event| event["phase"] == "Infeasible").unwrap();
    assert_eq!((&ended["event"], &ended["reason"]), (&json!("TrialEnded"), &json!("Diverged")));
    assert_eq!((&study["kind"], &study["phase"], &study["running"]), (&json!("Study"), &json!("Completed"), &json!(0)));
    assert_eq!(study["report"], "studious-runs/valley/report.html");
    assert!(study["verdict"]["kind"].is_string() && study["best"]["objective"].is_number(), "{study}");

    // Every command that looks says the same.
    let json = |arguments: &[&str]| document(&bench.call(&[arguments, &["--format", "json"]].concat()).out);
    let folder = "studious-runs/valley";
    let top = json(&["top", folder, "--limit", "3"]);
    assert_eq!((&top["phase"], &top["best"], &top["counts"]), (&study["phase"], &study["best"], &study["counts"]));
    assert_eq!((top["trials"].as_array().unwrap().len(), &top["omitted"]), (3, &json!(7)));
    assert_eq!(top["trials"][0]["name"], study["best"]["name"]);
    let findings = json(&["findings", folder]);
    assert_eq!(findings["verdict"], study["verdict"]);
    assert_eq!(json(&["wait", folder])["verdict"], study["verdict"]);
    assert_eq!(json(&["stop", folder])["phase"], "Completed");
    let ranking = json(&["rank", folder, "--by", "final", "--limit", "1"]);
    assert_eq!((&ranking["trials"][0]["rank"], &ranking["trials"][0]["ownRank"]), (&json!(1), &json!(1)), "{ranking}");

    // So do trials that ran anywhere, of which nobody knows whether more will follow.
    std::fs::write(bench.file("trials.jsonl"), bench.call(&["export", folder]).out).unwrap();
    let anywhere = json(&["top", "--study", "study.yaml", "--trials", "trials.jsonl"]);
    assert_eq!((&anywhere["phase"], &anywhere["best"]["name"]), (&Value::Null, &study["best"]["name"]));
    assert_eq!(anywhere["trials"].as_array().unwrap().len(), 10);
    assert_eq!(bench.call(&["top", "--study", "study.yaml"]).code, 2);
}

/// F-119: nothing that is printed for people is for them alone.
#[test]
fn lists_and_fronts_are_data_too() {
    let bench = Bench::with(STUDY);
    let about = document(&bench.call(&["about", "--format", "json"]).out);
    assert_eq!((&about["kind"], &about["version"]), (&json!("About"), &json!(env!("CARGO_PKG_VERSION"))));
    assert_eq!(about["source"]["authors"].as_array().unwrap().len(), 5, "{about}");

    let trials = [("a", "plain", 0.1, 0.5, 9.0), ("b", "fancy", 0.2, 0.25, 30.0), ("c", "plain", 0.3, 0.75, 20.0)];
    let line = |(name, optimizer, rate, loss, latency): &(&str, &str, f64, f64, f64)| {
        json!({"name": name, "round": "explore", "hyperparameters": {"optimizer": optimizer, "learning_rate": rate},
            "objective": loss, "step": 20, "metrics": {"latency_ms": latency}})
        .to_string()
    };
    let lines: Vec<String> = trials.iter().map(line).collect();
    std::fs::write(bench.file("trials.jsonl"), lines.join("\n")).unwrap();
    let source = ["--study", "study.yaml", "--trials", "trials.jsonl"];
    let call = |command: &str, rest: &[&str]| bench.call(&[&[command][..], &source, rest].concat());
    let pareto = document(&call("top", &["--pareto", "latency_ms", "--format", "json"]).out);
    assert_eq!((&pareto["kind"], &pareto["round"]), (&json!("Pareto"), &json!("explore")));
    assert_eq!(pareto["second"], json!({"metric": "latency_ms", "direction": "Minimize"}));
    let names = |front: bool| -> Vec<&str> {
        let all = pareto["trials"].as_array().unwrap().iter().filter(move |trial| trial["onFront"] == front);
        all.map(|trial| trial["name"].as_str().unwrap()).collect()
    };
    assert_eq!((names(true), names(false)), (vec!["b", "a"], vec!["c"]), "{pareto}");
    let one = document(&call("top", &["--pareto", "latency_ms:max", "--limit", "1", "--format", "json"]).out);
    assert_eq!((&one["second"]["direction"], &one["omitted"]), (&json!("Maximize"), &json!(2)));
    assert_eq!(call("top", &["--pareto", "nothing", "--format", "json"]).code, 1);

    let plots = document(&call("plot", &["--list", "--format", "json"]).out);
    let listed = call("plot", &["--list"]).out;
    let plots = plots["plots"].as_array().unwrap();
    assert_eq!(plots.len(), listed.lines().count());
    assert!(plots.iter().all(|plot| listed.contains(plot["name"].as_str().unwrap())), "{plots:?}");
    let said = call("plot", &["--format", "json"]);
    assert!(said.code == 2 && said.err.contains("goes with --list"), "{said:?}");

    // Trials that ran anywhere are exported as those that ran here are.
    let exported = call("export", &[]);
    let parsed = |text: &str| text.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()).collect::<Vec<_>>();
    assert_eq!((exported.code, parsed(&exported.out)), (0, parsed(&lines.join("\n"))), "{}", exported.err);
    let csv = call("export", &["--format", "csv"]).out;
    assert!(csv.contains("b,explore,succeeded,,0.25,20,fancy,0.2"), "{csv}");
}
