//! What the API server refuses by itself, by the CRDs' schema and rules. It checks these before it asks a webhook, so the
//! answers are its own whether or not Studious is installed.

use std::fs;

use crate::cluster::{Namespace, feed, kubectl, output, repository, text, wait_for};

/// The study that the tests change.
const STUDY: &str = include_str!("../../../crds/tests/it/study.yaml");

/// What is wrong, what replaces what in the good study, and what the answer must name.
const WRONG: &[(&str, &str, &str, &str)] = &[
    ("an unknown field", "parallelism: 4", "paralelism: 4", r#"unknown field "spec.paralelism""#),
    ("an unknown field of a round", "trials: 45", "trails: 45", r#"unknown field "spec.rounds[0].trails""#),
    (
        "an unknown field of the template",
        "          image:",
        "          imagePullPolice: Always\n          image:",
        r#"unknown field "spec.trial.template.spec.containers[0].imagePullPolice""#,
    ),
    ("an unknown direction", "direction: Minimize", "direction: Minimise", "spec.objective.direction"),
    ("a missing direction", ", direction: Minimize", "", "spec.objective.direction: Required value"),
    ("no evaluation", "  evaluation: {everySteps: 50}\n", "", "spec.evaluation: Required value"),
    ("a number that is a string", "parallelism: 4", "parallelism: \"4\"", "spec.parallelism"),
    ("zero trials", "trials: 45", "trials: 0", "spec.rounds[0].trials"),
    ("zero steps", "maxTrainSteps: 500", "maxTrainSteps: 0", "spec.rounds[0].maxTrainSteps"),
    ("no trials", "trials: 45, ", "", "spec.rounds: Invalid value: give each round trials"),
    (
        "steps that stay",
        "maxTrainSteps: 3000",
        "maxTrainSteps: 500",
        "spec.rounds: Invalid value: later rounds train longer",
    ),
    (
        "steps that fall",
        "maxTrainSteps: 3000",
        "maxTrainSteps: 400",
        "spec.rounds: Invalid value: later rounds train longer",
    ),
    ("a round from nowhere", "from: {round: explore", "from: {round: explor", "spec.rounds: Invalid value: from.round"),
    ("a round from itself", "from: {round: explore", "from: {round: confirm", "spec.rounds: Invalid value: from.round"),
    ("a round twice", "name: confirm", "name: explore", "spec.rounds: Invalid value: two rounds have the same name"),
    ("a round called retrain", "name: confirm", "name: retrain", "spec.rounds[1].name"),
    ("a log range from zero", "min: 1.0e-4, max: 10", "min: 0, max: 10", "spec.hyperparameters[1].range.min"),
    ("a range upside down", "min: 16, max: 256", "min: 256, max: 16", "spec.hyperparameters[3].range.min"),
    ("a whole range with fractions", "min: 16, max: 256", "min: 16.5, max: 256", "spec.hyperparameters[3].range"),
    (
        "a momentum that reaches one",
        "range: {min: 0.001, max: 0.5, scale: Log}",
        "range: {min: 0.5, max: 1, scale: ReverseLog}",
        "spec.hyperparameters[2].range",
    ),
    (
        "neither range nor values",
        "role: Scientific, values: [sgd, momentum, nesterov]",
        "role: Scientific",
        "spec.hyperparameters[0]",
    ),
    ("range and values", "integer: true}", "integer: true}, values: [16, 32]", "spec.hyperparameters[3]"),
    ("a fixed range", "role: Nuisance, range: {min: 16", "role: Fixed, range: {min: 16", "spec.hyperparameters[3]"),
    ("a nuisance value", "role: Fixed, value: 128", "value: 128", "spec.hyperparameters[4]"),
    ("a name that is no word", "name: width", "name: layer-width", "spec.hyperparameters[3].name"),
    ("searched steps", "name: width", "name: max_train_steps", "spec.hyperparameters[3].name"),
    (
        "a scientific range",
        "values: [sgd, momentum, nesterov]}",
        "range: {min: 1, max: 5}}",
        "spec.hyperparameters: Invalid value: a Scientific hyperparameter",
    ),
    ("a test metric", "metric: validation_error", "metric: test_error", "spec.objective.metric"),
    (
        "a base that is not there",
        "base: learning_rate",
        "base: learning_rte",
        "spec.schedule: Invalid value: base must name",
    ),
    ("all warmup", "warmupFraction: 0.05", "warmupFraction: 1", "spec.schedule.warmupFraction"),
    ("two warmups", "warmupFraction: 0.05", "warmupFraction: 0.05, warmupSteps: 10", "spec.schedule.warmupSteps"),
    ("too long a warmup", "warmupFraction: 0.05", "warmupSteps: 500", "spec.schedule: Invalid value: warmupSteps"),
    (
        "rare evaluation",
        "everySteps: 50}\n  checkpoint",
        "everySteps: 1000}\n  checkpoint",
        "spec.evaluation: Invalid value: everySteps",
    ),
    (
        "no goal",
        "goal: Is Nesterov momentum worth having for this CNN once the learning rate is tuned?",
        "goal: \"\"",
        "spec.goal",
    ),
    ("too many hosts", "hosts: 2", "hosts: 257", "spec.trial.hosts"),
    (
        "an exit code of zero",
        "infeasibleExitCodes: [3]",
        "infeasibleExitCodes: [0]",
        "spec.failure.infeasibleExitCodes[0]",
    ),
    (
        "a container without a name",
        "- name: trainer\n          image",
        "- image",
        "spec.trial.template.spec.containers[0].name",
    ),
    (
        "a name with a dot",
        "name: digits-momentum",
        "name: digits.momentum",
        "metadata.name: Invalid value: must be a DNS label",
    ),
    (
        "a name that is too long",
        "name: digits-momentum",
        "name: is-nesterov-momentum-worth-having-for-this-network",
        "metadata.name: Invalid value: is too long",
    ),
];

fn changed(before: &str, after: &str) -> String {
    assert!(STUDY.contains(before), "the study has no {before:?}");
    STUDY.replacen(before, after, 1)
}

/// Every test calls this: without Studious installed, as on a bare API server, the CRDs come from the repository.
fn crds() -> String {
    let folder = repository().join("crds/generated").display().to_string();
    let there = kubectl(&["get", "crd", "studies.studious.dev", "trials.studious.dev"]).output();
    if !there.is_ok_and(|out| out.status.success()) {
        output(&mut kubectl(&["apply", "--server-side", "-f", &folder]));
        // `kubectl wait` fails on an object that has no conditions yet.
        wait_for("the CRDs are established", 60, || {
            let established = ["--for=condition=Established", "crd", "studies.studious.dev", "trials.studious.dev"];
            let out = kubectl(&["wait"]).args(established).output().ok()?;
            out.status.success().then_some(())
        });
    }
    folder
}

#[test]
fn the_crds_can_be_applied_either_way_without_warnings() {
    let folder = crds();
    for how in [&["--server-side", "--force-conflicts"][..], &[]] {
        let mut command = kubectl(&["apply", "--dry-run=server", "-f", &folder]);
        let out = command.args(how).output().expect("kubectl runs");
        let said = text(&out.stderr);
        assert!(out.status.success(), "{how:?}: {said}");
        // It speaks of every number format and list type that it doesn't know.
        let warnings: Vec<_> = said.lines().filter(|line| !line.contains("last-applied-configuration")).collect();
        assert_eq!(warnings, Vec::<&str>::new());
    }
    for file in fs::read_dir(&folder).expect("the folder") {
        let size = file.expect("a file").metadata().expect("its size").len();
        assert!(size < 200_000, "{size} bytes: kubectl apply keeps a copy in an annotation");
    }
}

#[test]
fn wrong_studies_are_refused_and_the_field_is_named() {
    crds();
    let mut wrongly = Vec::new();
    for (what, before, after, named) in WRONG {
        let out = feed(&mut kubectl(&["create", "--dry-run=server", "-f", "-"]), &changed(before, after));
        let said = text(&out.stderr);
        // kubectl writes the rejected value between the field and the message.
        let plain = said.replace("\"object\": ", "").replace("\"string\": ", "").replace("\"number\": ", "");
        if out.status.success() {
            wrongly.push(format!("{what} is accepted"));
        } else if said.contains("admission webhook") {
            wrongly.push(format!("{what} is left to the webhook: {said}"));
        } else if !plain.contains(named) {
            wrongly.push(format!("{what}: {named} is not named in: {said}"));
        }
    }
    assert!(wrongly.is_empty(), "{}", wrongly.join("\n"));
}

#[test]
fn good_studies_are_accepted() {
    crds();
    let digits = fs::read_to_string(repository().join("examples/digits/study.yaml")).expect("the example");
    let least = "apiVersion: studious.dev/v1alpha1\nkind: Study\nmetadata: {name: least}\nspec:\n  goal: Does it run?\n  \
                 objective: {metric: loss, direction: Minimize}\n  hyperparameters: [{name: lr, values: [0.1, 0.2]}]\n  rounds: \
                 [{name: only, trials: 2, maxTrainSteps: 1}]\n  evaluation: {everySteps: 1}\n  trial: {template: {spec: \
                 {containers: [{name: trainer, image: x}]}}}\n";
    for study in [STUDY, digits.as_str(), least] {
        let out = feed(&mut kubectl(&["create", "--dry-run=server", "-f", "-"]), study);
        assert!(out.status.success(), "{}\n{study}", text(&out.stderr));
    }
}

/// The largest study that the schema allows must not cost more than the API server will spend on its rules.
#[test]
fn a_study_of_the_largest_size_is_accepted() {
    crds();
    let hyperparameters: String = (0..64)
        .map(|i| format!("  - {{name: h{i:0>62}, range: {{min: 1, max: 9, scale: Log, integer: true}}}}\n"))
        .collect();
    let rounds: String =
        (1..=16).map(|i| format!("  - {{name: r{i}, trials: 320, maxTrainSteps: {i}000}}\n")).collect();
    let study = format!(
        "apiVersion: studious.dev/v1alpha1\nkind: Study\nmetadata: {{name: largest}}\nspec:\n  goal: How much is too much?\n  \
         objective: {{metric: loss, direction: Minimize}}\n  hyperparameters:\n{hyperparameters}  rounds:\n{rounds}  evaluation: \
         {{everySteps: 1}}\n  trial: {{template: {{spec: {{containers: [{{name: trainer, image: x}}]}}}}}}\n"
    );
    let out = feed(&mut kubectl(&["create", "--dry-run=server", "-f", "-"]), &study);
    assert!(out.status.success(), "{}", text(&out.stderr));
}

#[test]
fn what_a_study_asks_can_t_change_once_it_exists() {
    crds();
    let namespace = Namespace::new("immutable");
    let study = changed("  parallelism: 4", "  parallelism: 4\n  suspend: true");
    let out = feed(&mut namespace.kubectl(&["create", "-f", "-", "-o", "jsonpath={.status.phase}"]), &study);
    assert_eq!(text(&out.stdout), "Pending", "{}", text(&out.stderr));
    let patch = |patch: &str| {
        let args = ["patch", "study", "digits-momentum", "--type=json", "--patch", patch];
        namespace.kubectl(&args).output().expect("kubectl runs")
    };
    for (what, field) in [
        (
            r#"{"op": "replace", "path": "/spec/hyperparameters/0/values", "value": ["sgd", "adam", "nesterov", "momentum"]}"#,
            "spec.hyperparameters",
        ),
        (r#"{"op": "replace", "path": "/spec/hyperparameters/1/range/max", "value": 1}"#, "spec.hyperparameters"),
        (
            r#"{"op": "replace", "path": "/spec/hyperparameters/2/when/optimizer", "value": ["nesterov"]}"#,
            "spec.hyperparameters",
        ),
        (r#"{"op": "replace", "path": "/spec/hyperparameters/4/value", "value": 64}"#, "spec.hyperparameters"),
        (r#"{"op": "replace", "path": "/spec/objective/direction", "value": "Maximize"}"#, "spec.objective"),
        (r#"{"op": "replace", "path": "/spec/search/seed", "value": 2}"#, "spec.search"),
        (r#"{"op": "remove", "path": "/spec/search"}"#, "spec.search"),
        (r#"{"op": "remove", "path": "/spec/schedule"}"#, "spec.schedule"),
        (r#"{"op": "replace", "path": "/spec/seeds/base", "value": 9}"#, "spec.seeds"),
        (r#"{"op": "replace", "path": "/spec/rounds/0/trials", "value": 42}"#, "spec.rounds"),
        (r#"{"op": "remove", "path": "/spec/rounds/1"}"#, "spec.rounds"),
    ] {
        let out = patch(&format!("[{what}]"));
        let said = text(&out.stderr);
        assert!(!out.status.success(), "this was accepted: {what}");
        assert!(said.contains(&format!("{field}: Invalid value")), "{field} is not named in: {said}");
        assert!(!said.contains("admission webhook"), "{said}");
    }
    for what in [
        r#"{"op": "replace", "path": "/spec/parallelism", "value": 8}"#,
        r#"{"op": "replace", "path": "/spec/goal", "value": "Is it?"}"#,
        r#"{"op": "replace", "path": "/spec/trial/template/spec/containers/0/image", "value": "localhost/other:dev"}"#,
        r#"{"op": "replace", "path": "/spec/rounds/0/trials", "value": 48}"#,
        r#"{"op": "add", "path": "/spec/rounds/-", "value": {"name": "long", "maxTrainSteps": 9000, "from": {"round": "confirm", "best": 3}}}"#,
    ] {
        let out = patch(&format!("[{what}]"));
        assert!(out.status.success(), "{what}: {}", text(&out.stderr));
    }
}

#[test]
fn a_trial_can_only_be_stopped() {
    crds();
    let namespace = Namespace::new("trial");
    let trial = "apiVersion: studious.dev/v1alpha1\nkind: Trial\nmetadata: {name: no-study-explore-0000}\nspec:\n  study: \
                 no-study\n  round: explore\n  index: 0\n  hyperparameters: {optimizer: sgd, learning_rate: 0.1, nesterov: \
                 true}\n  maxTrainSteps: 10\n  objective: {metric: loss, direction: Minimize}\n  evaluation: {everySteps: 5}\n  \
                 seeds: {init: 1, data: [2], split: 3}\n  hosts: 1\n  verify: Never\n  stop: it is only a test\n  template: {spec: \
                 {containers: [{name: trainer, image: localhost/none:dev}]}}\n";
    // Stopped from the beginning, so that an operator that is there leaves it alone.
    let out = feed(&mut namespace.kubectl(&["create", "-f", "-", "-o", "jsonpath={.status.phase}"]), trial);
    assert_eq!(text(&out.stdout), "Pending", "{}", text(&out.stderr));
    for (patch, field) in [
        (r#"{"spec": {"hyperparameters": {"learning_rate": 0.2}}}"#, "spec.hyperparameters"),
        (r#"{"spec": {"hyperparameters": {"nesterov": null}}}"#, "spec.hyperparameters"),
        (r#"{"spec": {"maxTrainSteps": 20}}"#, "spec.maxTrainSteps"),
        (r#"{"spec": {"seeds": {"init": 7}}}"#, "spec.seeds"),
        (r#"{"spec": {"stop": null}}"#, "spec.stop"),
    ] {
        let args = ["patch", "trial", "no-study-explore-0000", "--type=merge", "--patch", patch];
        let out = namespace.kubectl(&args).output().expect("kubectl runs");
        let said = text(&out.stderr);
        assert!(!out.status.success() && said.contains(field), "{patch}: {said}");
    }
    let running = trial.replace("  stop: it is only a test\n", "").replace("explore-0000", "explore-0001");
    let out = feed(&mut namespace.kubectl(&["create", "-f", "-"]), &running);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let patch = r#"{"spec": {"stop": "a better one is known"}}"#;
    output(&mut namespace.kubectl(&["patch", "trial", "no-study-explore-0001", "--type=merge", "--patch", patch]));
}

#[test]
fn kubectl_explain_knows_the_fields() {
    crds();
    for (field, says) in [
        ("study.spec.rounds.maxTrainSteps", "Training steps of every trial of this round."),
        ("study.spec.trial.template.spec.containers.image", "<string>"),
        ("trial.status.objective", "The objective"),
    ] {
        let said = output(&mut kubectl(&["explain", field, "--api-version=studious.dev/v1alpha1"]));
        assert!(said.contains(says), "{field}: {said}");
    }
}
