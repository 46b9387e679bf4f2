//! What a study's trials show, where people meet it: status, Events and the dashboard; and a search that learns from them.

use std::process::Command;

use serde_json::Value;

use crate::{
    cluster::{Namespace, kubectl, operator_namespace, output, studious, wait_for},
    trainers::slow_study,
};

/// Reasons of the Events that tell of a study's findings.
fn told(namespace: &Namespace, study: &str) -> Vec<String> {
    let about = |event: &Value| event["regarding"]["name"] == study && event["action"] == "Conclude";
    let events = namespace.list("events.events.k8s.io");
    let mut reasons: Vec<String> =
        events.iter().filter(|e| about(e)).filter_map(|e| e["reason"].as_str().map(str::to_owned)).collect();
    reasons.sort();
    reasons
}

/// The operator's pods that serve.
fn operator_pods() -> Vec<Value> {
    let select = "app.kubernetes.io/name=studious";
    let pods = output(&mut kubectl(&["-n", &operator_namespace(), "get", "pods", "-l", select, "-o", "json"]));
    let pods: Value = serde_json::from_str(&pods).expect("JSON");
    let ready = |pod: &&Value| {
        let conditions = pod["status"]["conditions"].as_array();
        pod["metadata"]["deletionTimestamp"].is_null()
            && conditions.into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True")
    };
    pods["items"].as_array().into_iter().flatten().filter(ready).cloned().collect()
}

#[test]
fn findings_are_conditions_and_each_has_one_event_whatever_restarts() {
    let namespace = Namespace::new("findings");
    namespace.checkpoint_claim();
    let study = slow_study("findings", 8, 10)
        .replace("value: quadratic", "value: infeasible")
        .replace("parallelism: 2", "parallelism: 4");
    namespace.apply(&study);
    let study = namespace.wait_for_study("findings", 120);
    let condition = |study: &Value, type_: &str| {
        let conditions = study["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let found =
            conditions.into_iter().find(|c| c["type"] == type_).unwrap_or_else(|| panic!("no {type_}: {study}"));
        (
            found["status"].as_str().unwrap_or_default().to_owned(),
            found["reason"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let pair = |status: &str, reason: &str| (status.to_owned(), reason.to_owned());
    assert_eq!(condition(&study, "FewInfeasible"), pair("False", "ManyInfeasible"), "{study}");
    assert_eq!(condition(&study, "Conclusive"), pair("False", "Provisional"), "{study}");
    for question in ["SearchSpaceLargeEnough", "SampledEnough", "OptimizationSound", "TrainingCurvesSound"] {
        let (status, reason) = condition(&study, question);
        assert!(["True", "False", "Unknown"].contains(&status.as_str()) && !reason.is_empty(), "{question}: {study}");
    }
    let listed = study["status"]["findings"].as_array().expect("findings");
    assert!(listed.iter().any(|finding| finding["code"] == "ManyInfeasible") && listed.len() <= 10, "{study}");

    let before = wait_for("the finding's Event", 15, || {
        let reasons = told(&namespace, "findings");
        reasons.iter().any(|reason| reason == "ManyInfeasible").then_some(reasons)
    });
    let mut distinct = before.clone();
    distinct.dedup();
    assert_eq!(before, distinct, "each finding once");
    let described = output(&mut namespace.kubectl(&["describe", "study", "findings"]));
    assert!(described.contains("FewInfeasible") && described.contains("ManyInfeasible"), "{described}");

    // Another operator looks at it again: there is nothing new to say.
    let select = "--selector=app.kubernetes.io/name=studious";
    output(&mut kubectl(&["-n", &operator_namespace(), "delete", "pods", select, "--grace-period=0", "--force"]));
    wait_for("an operator that serves", 60, || (!operator_pods().is_empty()).then_some(()));
    let generation = study["metadata"]["generation"].clone();
    let waive = r#"{"spec":{"policy":{"waive":[{"question":3,"reason":"this trainer refuses every point"}]}}}"#;
    wait_for("the webhook answers", 30, || {
        let patch = namespace.kubectl(&["patch", "study", "findings", "--type=merge", "-p", waive]).output();
        patch.is_ok_and(|out| out.status.success()).then_some(())
    });
    let study = wait_for("the waiver is seen", 45, || {
        let study = namespace.get("study", "findings")?;
        (study["status"]["observedGeneration"] != generation).then_some(study)
    });
    assert_eq!(condition(&study, "FewInfeasible"), pair("True", "Waived"), "{study}");
    assert_eq!(told(&namespace, "findings"), before, "no Event a second time");
}

#[test]
fn a_bayesian_search_learns_on_the_cluster_and_poor_trials_end_early() {
    let namespace = Namespace::new("bayesian");
    namespace.checkpoint_claim();
    let study = slow_study("bayesian", 8, 50).replace(
        "  parallelism: 2",
        "  search: {algorithm: Bayesian, earlyEnding: {rule: Median, fromStep: 10, minTrials: 2}}\n  parallelism: 2",
    );
    namespace.apply(&study);
    let ended = namespace.wait_for_study("bayesian", 240);
    assert_eq!(ended["status"]["phase"], "Completed", "{ended}");
    let trials = namespace.list("trials");
    let of = |phase: &str| trials.iter().filter(|trial| trial["status"]["phase"] == phase).count();
    assert_eq!((trials.len(), of("Succeeded") + of("Stopped")), (8, 8), "{ended}");
    assert!(of("Succeeded") >= 1 && of("Stopped") >= 1, "{} succeeded: {ended}", of("Succeeded"));
    for trial in trials.iter().filter(|trial| trial["status"]["phase"] == "Stopped") {
        assert!(trial["status"]["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{}", trial["status"]);
    }

    // The first points are those that are known beforehand; the last ones come from results, and so lie where no
    // quasi-random sequence would have them: near the best.
    let x = |line: &str| {
        let record: Value = serde_json::from_str(line).expect("JSON");
        record["hyperparameters"]["x"].as_f64().expect("x")
    };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("study.yaml");
    let sample = |study: &str| -> Vec<f64> {
        std::fs::write(&file, study.split("---\n").nth(1).expect("the study")).expect("its file");
        output(studious().args(["sample", "--study"]).arg(&file)).lines().map(x).collect()
    };
    let known = sample(&study);
    let sequence = sample(&study.replace("algorithm: Bayesian, ", ""));
    let exported = output(studious().args(["export", "study/bayesian", "-n", &namespace.name, "--format", "jsonl"]));
    let tried: Vec<f64> = exported.lines().map(x).collect();
    assert!(!known.is_empty() && known.len() < 8 && sequence.len() == 8, "{known:?} {sequence:?}");
    assert_eq!(tried[..known.len()], known[..]);
    let learnt: Vec<f64> = tried.iter().copied().filter(|x| !sequence.contains(x)).collect();
    assert!(!learnt.is_empty() && learnt.iter().all(|x| (-3.0..=5.0).contains(x)), "{learnt:?} of {tried:?}");
    let mut distinct = tried.clone();
    distinct.sort_by(f64::total_cmp);
    distinct.dedup();
    assert_eq!(distinct.len(), 8, "no point twice: {tried:?}");
}

/// An answer of the operator: its status and text.
fn ask(address: &str, path: &str, token: Option<&str>) -> (String, String) {
    let mut curl = Command::new("curl");
    // The certificate is of the Service's name, and the pod is asked by its address.
    curl.args(["--silent", "--show-error", "--insecure", "--max-time", "15", "--write-out", "\n%{http_code}"]);
    if let Some(token) = token {
        curl.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let answer = output(curl.arg(format!("https://{address}{path}")));
    let (body, code) = answer.rsplit_once('\n').expect("a status");
    (code.to_owned(), body.to_owned())
}

#[test]
fn the_dashboard_answers_who_may_get_studies_and_nobody_else() {
    let namespace = Namespace::new("dashboard");
    namespace.checkpoint_claim();
    namespace.apply(&slow_study("seen", 1, 10));
    let token = |account: &str| {
        output(&mut namespace.kubectl(&["create", "serviceaccount", account]));
        output(&mut namespace.kubectl(&["create", "token", account])).trim().to_owned()
    };
    let (reader, stranger) = (token("reader"), token("stranger"));
    output(&mut namespace.kubectl(&["create", "role", "reader", "--verb=get", "--resource=studies.studious.dev"]));
    let account = format!("--serviceaccount={}:reader", namespace.name);
    output(&mut namespace.kubectl(&["create", "rolebinding", "reader", "--role=reader", &account]));
    namespace.wait_for_study("seen", 90);

    let pod = wait_for("an operator that serves", 60, || operator_pods().into_iter().next());
    let address = format!("{}:8444", pod["status"]["podIP"].as_str().expect("an address"));
    let (code, page) = ask(&address, "/", None);
    assert!(code == "200" && page.contains("<html"), "the page holds no study: {code} {page}");

    let study = format!("/v1/namespaces/{}/studies/seen", namespace.name);
    let paths = [
        study.clone(),
        format!("{study}/findings"),
        format!("{study}/trials"),
        format!("{study}/trials/seen-explore-0000"),
    ];
    for path in &paths {
        let (code, answer) = ask(&address, path, Some(&reader));
        assert_eq!(code, "200", "{path}: {answer}");
        assert!(serde_json::from_str::<Value>(&answer).is_ok_and(|answer| answer.is_object()), "{path}: {answer}");
        let (code, answer) = ask(&address, path, Some(&stranger));
        assert_eq!(code, "403", "{path}: {answer}");
        assert!(!answer.contains("hyperparameters"), "{path}: {answer}");
        for token in [None, Some("nonsense")] {
            let (code, answer) = ask(&address, path, token);
            assert_eq!(code, "401", "{path}: {answer}");
        }
    }
    // The list has what each may see.
    let (code, all) = ask(&address, "/v1/studies", Some(&reader));
    assert!(code == "200" && all.contains("\"seen\""), "{all}");
    let (code, none) = ask(&address, "/v1/studies", Some(&stranger));
    assert!(code == "200" && !none.contains("\"seen\""), "{none}");
}
