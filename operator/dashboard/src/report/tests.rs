use std::collections::BTreeMap;

use base64::Engine as _;
use sha2::{Digest, Sha256};
use studious_api::StudySpec;
use studious_playbook::{
    Plan,
    findings::findings,
    record::{Outcome, TrialRecord},
};

use super::{ReportInput, report};

const EVIL: &str = "</script><script>alert(1)</script><img src=x onerror=alert(1)>";

fn plan(goal: &str) -> Plan {
    let yaml = "
goal: g
objective: {metric: validation_error, direction: Minimize}
hyperparameters:
- {name: optimizer, role: Scientific, values: [sgd, adam]}
- {name: learning_rate, range: {min: 1.0e-3, max: 10, scale: Log}}
- {name: batch_size, role: Fixed, value: 128}
rounds: [{name: explore, trials: 4, maxTrainSteps: 100}]
evaluation: {everySteps: 10}
trial: {template: {spec: {containers: [{name: t, image: i}]}}}
";
    let mut spec: StudySpec = serde_yaml::from_str(yaml).unwrap();
    goal.clone_into(&mut spec.goal);
    spec.description = Some(EVIL.to_owned());
    Plan::new("s", &spec).unwrap()
}

fn trials() -> Vec<TrialRecord> {
    let trial = |index: u32, optimizer: &str, outcome| TrialRecord {
        name: format!("s-explore-{index:04}"),
        round: "explore".to_owned(),
        hyperparameters: BTreeMap::from([
            ("optimizer".to_owned(), optimizer.into()),
            ("learning_rate".to_owned(), 0.1.into()),
            ("batch_size".to_owned(), 128_i64.into()),
        ]),
        outcome,
        curves: BTreeMap::from([("validation_error".to_owned(), vec![(50, 0.8), (100, 0.25)])]),
        ..TrialRecord::default()
    };
    vec![
        trial(0, "sgd", Outcome::Succeeded { objective: 0.25, step: Some(100) }),
        trial(1, "adam", Outcome::Infeasible { reason: EVIL.into() }),
        trial(2, "adam", Outcome::Failed { reason: "SeedMismatch".into() }),
        trial(3, "adam", Outcome::Pending),
    ]
}

fn page(goal: &str, trials: &[TrialRecord]) -> String {
    let plan = plan(goal);
    let findings = findings(&plan, trials);
    report(&ReportInput {
        plan: &plan,
        trials,
        expected: trials,
        findings: &findings,
        status: EVIL,
        generated_at: "now",
    })
    .unwrap()
}

#[test]
fn text_of_users_is_text() {
    let page = page(EVIL, &trials());
    assert!(!page.contains("<script>alert"), "a user's script stands in the page");
    assert!(!page.contains("<img src=x"), "a user's element stands in the page");
    assert!(page.contains("&lt;script&gt;alert(1)"));
    // In the data of plots too.
    assert!(page.contains("\\u003cscript\\u003ealert(1)"));
}

#[test]
fn only_the_pages_own_script_runs() {
    let page = page("g", &trials());
    assert_eq!(page.matches("<script>").count(), 1);
    let script = page.split("<script>").nth(1).and_then(|rest| rest.split("</script>").next()).unwrap();
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(script));
    assert!(page.contains(&format!("script-src 'sha256-{hash}'")));
    assert!(page.contains("default-src 'none'") && !page.contains("unsafe-eval"));
}

#[test]
fn nothing_is_fetched() {
    let page = page("g", &trials());
    let markup = page.split("<script>").next().unwrap();
    for loading in ["<link", "src=\"", "url(", "@import", "<iframe"] {
        assert!(!markup.contains(loading), "{loading}");
    }
}

#[test]
fn everything_that_matters_is_said() {
    let page = page("Is it better?", &trials());
    for said in [
        "<h1>Is it better?</h1>",
        "Best validation_error",
        "infeasible",
        "SeedMismatch",
        "batch_size was held at 128",
        "seed 0",
        "kind: Study",
        "Deep Learning Tuning Playbook",
        "creativecommons.org/licenses/by/4.0",
        "The material was changed",
        "endorse neither",
        "data-plot=\"axis-learning_rate\"",
    ] {
        assert!(page.contains(said), "{said}");
    }
}

#[test]
fn a_study_without_trials_has_a_report() {
    let page = page("g", &[]);
    assert!(page.contains("No trial has been started yet") && page.contains("No conclusions yet"));
}

#[test]
fn text_for_a_pull_request_says_what_the_page_says() {
    let plan = plan("Is it *better*?");
    let trials = trials();
    let findings = findings(&plan, &trials);
    let status = "1 of 4 trials succeeded";
    let input = ReportInput {
        plan: &plan,
        trials: &trials,
        expected: &trials,
        findings: &findings,
        status,
        generated_at: "now",
    };
    insta::assert_snapshot!(super::report_markdown(&input));
    let data = super::report_data(&input).unwrap();
    let keys: Vec<_> = data.as_object().unwrap().keys().map(String::as_str).collect();
    insta::assert_json_snapshot!((keys, &data["counts"], &data["best"], &data["rounds"], &data["trials"]));
    assert_eq!(data["findings"].as_array().unwrap().len(), findings.len());
    assert!(data["plots"].as_array().unwrap().iter().all(|plot| plot["specification"].is_object()));
}
