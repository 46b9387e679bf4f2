use std::fmt::Write;

use studious_api::{document, study::Scale};

use crate::STUDY;

#[test]
fn the_design_s_example_is_accepted() {
    let document = document::read("study.yaml", STUDY).unwrap();
    assert_eq!(document.name, "digits-momentum");
    assert_eq!(document.namespace, None);
    assert_eq!(document.study.spec.rounds.len(), 2);
}

#[test]
fn the_digits_example_is_accepted() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/digits/study.yaml");
    let text = std::fs::read_to_string(file).unwrap();
    let document = document::read("study.yaml", &text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(document.name, "digits-momentum");
}

#[test]
fn the_grid_and_the_listed_example_are_accepted_as_they_stand() {
    for (example, text) in [
        ("grid", include_str!("../../../examples/digits/grid/study.yaml")),
        ("listed", include_str!("../../../examples/digits/listed/study.yaml")),
        ("early-ending", include_str!("../../../examples/digits/early-ending/study.yaml")),
    ] {
        let document = document::read("study.yaml", text).unwrap_or_else(|problems| panic!("{problems:#?}"));
        assert_eq!(document.name, format!("digits-{example}"));
    }
}

#[test]
fn other_documents_of_the_file_are_left_alone() {
    let text =
        format!("apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: checkpoints}}\n---\n{STUDY}---\n");
    assert_eq!(document::read("study.yaml", &text).unwrap().name, "digits-momentum");
}

#[test]
fn anchors_and_merge_keys_mean_what_they_mean_to_kubectl() {
    let text = STUDY
        .replace("range: {min: 1.0e-4, max: 10, scale: Log}", "range: &wide {min: 1.0e-4, max: 10, scale: Log}")
        .replace("range: {min: 0.001, max: 0.5, scale: Log}", "range: {<<: *wide, max: 0.5}");
    let study = document::read("study.yaml", &text).unwrap().study;
    let range = study.spec.hyperparameters[2].range.as_ref().unwrap();
    assert_eq!((range.min, range.max, range.scale), (1e-4, 0.5, Scale::Log));
}

/// What `kubectl get study -o yaml` writes can be read again.
#[test]
fn what_the_api_server_adds_is_no_obstacle() {
    let text = STUDY.replace(
        "  name: digits-momentum\n",
        "  name: digits-momentum\n  namespace: team-a\n  uid: 0b1e\n  resourceVersion: \"7\"\n  generation: 1\n",
    ) + "status: {phase: Running}\n";
    assert_eq!(document::read("study.yaml", &text).unwrap().namespace.as_deref(), Some("team-a"));
}

#[test]
fn conditions_may_tell_namesakes_apart() {
    // each optimizer with hyperparameters of its own, one name in two ranges.
    let text = STUDY
        .replace("[sgd, momentum, nesterov]", "[nesterov, adam]")
        .replace(
            "  - {name: learning_rate, role: Nuisance, range: {min: 1.0e-4, max: 10, scale: Log}}\n",
            concat!(
                "  - {name: learning_rate, when: {optimizer: [nesterov]}, range: {min: 1.0e-2, max: 10, scale: Log}}\n",
                "  - {name: learning_rate, when: {optimizer: [adam]}, range: {min: 1.0e-5, max: 1.0e-1, scale: Log}}\n",
            ),
        )
        .replace("when: {optimizer: [momentum, nesterov]}", "when: {optimizer: [nesterov]}")
        .replace("trials: 45", "trials: 40")
        .replace("trials: 9,", "");
    document::read("study.yaml", &text).unwrap_or_else(|problems| panic!("{problems:#?}"));
}

/// A file that grows without end when its aliases are replaced is refused before it does.
#[test]
fn an_alias_bomb_is_refused_at_once() {
    let mut text = "a: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let alias = format!("*a{}", i - 1);
        writeln!(text, "b{i}: &a{i} [{}]", [alias.as_str(); 9].join(", ")).unwrap();
    }
    let problems = document::read("study.yaml", &text).unwrap_err();
    assert!(problems[0].message.contains("once aliases are replaced"), "{problems:?}");
}

#[test]
fn files_that_are_no_studies_are_refused_in_plain_words() {
    for (text, message) in [
        ("", "study.yaml:1:1: is empty"),
        ("# nothing\n", "study.yaml:1:1: is empty"),
        ("just words", "study.yaml:1:1: must be a mapping"),
        ("- a\n- b\n", "study.yaml:1:1: must be a mapping"),
        ("a: *b\n", "study.yaml:1:4: is not YAML"),
        ("a: &a [*a]\n", "study.yaml:1:8: refers to an anchor that contains itself"),
        ("{", "study.yaml:2:1: is not YAML"),
        ("\u{0}", "study.yaml:1:1: "),
    ] {
        let problems = document::read("study.yaml", text).unwrap_err();
        assert!(problems[0].to_string().starts_with(message), "{text:?}: {}", problems[0]);
    }
    let two = format!("{STUDY}---\n{STUDY}");
    let problems = document::read("study.yaml", &two).unwrap_err();
    assert!(problems[0].to_string().contains("is another Study; the file holds 2"), "{problems:?}");
    let large = " ".repeat(document::LARGEST_FILE + 1);
    assert!(document::read("study.yaml", &large).unwrap_err()[0].message.contains("at most"));
    let deep = "[".repeat(5000);
    assert!(document::read("study.yaml", &deep).is_err());
    let deep = format!("a: {}", "{a: ".repeat(200));
    assert!(document::read("study.yaml", &deep).unwrap_err()[0].message.contains("nested more than"));
}

/// F-114, F-115: every variable of a trainer may be named, those that some trials lack with a word of what to do then, and
/// what the template itself sets is its own business.
#[test]
fn variables_that_a_trainer_has_may_be_named() {
    let names = studious_api::reserved::TRAINER_VARIABLES.iter().map(|(name, _)| format!("--x=$({name})"));
    let others =
        ["$(HP_WIDTH)", "$(HP_ONE_MINUS_MOMENTUM?)", "$(HP_ONE_MINUS_MOMENTUM:-0)", "$$(HP_X)", "$(MINE)", "$(date)"];
    let words: Vec<String> = names.chain(others.map(str::to_owned)).map(|word| format!("{word:?}")).collect();
    let text = STUDY.replace("[python, -m, studious_trainer.digits]", &format!("[python, {}]", words.join(", ")));
    document::read("study.yaml", &text).unwrap_or_else(|problems| panic!("{problems:#?}"));
}
