//! Each field is changed where it stands, however it is written, and no other line is.

use super::*;
use crate::{
    HyperparameterValue,
    study::{Algorithm, Range, Role, Scale, Scientific},
};

const HEAD: &str = "apiVersion: studious.dev/v1alpha1\nkind: Study\nmetadata: {name: s}\nspec:\n";
const TAIL: &str = "  evaluation: {everySteps: 5}
  trial: {template: {spec: {containers: [{name: t, image: i, command: [x]}]}}}
";

/// A study whose other fields are written in one way.
fn study(fields: &str) -> String {
    format!("{HEAD}  goal: 'It''s one: why? # no comment'   # the question\n{fields}{TAIL}")
}

fn spec(text: &str) -> StudySpec {
    read("study.yaml", text).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}")).study.spec
}

fn edited(text: &str, change: impl Fn(&mut StudySpec)) -> String {
    let mut to = spec(text);
    change(&mut to);
    let edited = with_spec("study.yaml", text, &to).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(with_spec("study.yaml", &edited, &to).unwrap(), edited, "twice");
    edited
}

fn hold(spec: &mut StudySpec) {
    let h = &mut spec.hyperparameters[1];
    (h.role, h.values, h.value) = (Role::Fixed, None, Some(HyperparameterValue::from(128.0)));
    h.fixed_because = Some("It governs speed: see \"The batch size\".".to_owned());
}

const FLOW: &str = "  objective: {metric: e, direction: Minimize}
  # The space.
  hyperparameters:
  - {name: lr, range: {min: 0.1, max: 1}}  # wide
  - {name: bs, values: [64, 128]}  # sizes
  rounds: [{name: a, trials: 4, maxTrainSteps: 10}]  # one
";

const BLOCK: &str = "  objective:
    metric: e
    direction: Minimize
  hyperparameters:
    - name: lr
      # From an earlier study.
      range:
        min: 0.1   # low
        max: 1
    - name: bs
      values:   # all that fit
        - 64
        - 128
    # The end of the space.
  search:
    seed: 3
  rounds:
    - name: a
      trials: 4  # few
      maxTrainSteps: 10
";

#[test]
fn a_field_in_brackets_is_replaced_added_and_removed_in_its_line() {
    let text = study(FLOW);
    assert_eq!(edited(&text, |spec| spec.rounds[0].trials = Some(8)), text.replace("trials: 4", "trials: 8"));
    let held = "- {name: bs, role: Fixed, value: 128, fixedBecause: \"It governs speed: see \\\"The batch size\\\".\"}  # sizes";
    assert_eq!(edited(&text, hold), text.replace("- {name: bs, values: [64, 128]}  # sizes", held));
    let scale = |spec: &mut StudySpec| {
        spec.hyperparameters[0].range = Some(Range { min: 1e-6, max: 3.0, scale: Scale::Log, integer: false });
    };
    let range = "range: {min: 1.0e-6, max: 3, scale: Log}";
    assert_eq!(edited(&text, scale), text.replace("range: {min: 0.1, max: 1}", range));
}

#[test]
fn a_field_in_lines_is_replaced_added_and_removed_as_a_line() {
    let text = study(BLOCK);
    assert_eq!(edited(&text, |spec| spec.rounds[0].trials = Some(8)), text.replace("trials: 4 ", "trials: 8 "));
    let held = "    - name: bs
      role: Fixed
      value: 128
      fixedBecause: \"It governs speed: see \\\"The batch size\\\".\"
      # all that fit
    # The end";
    let values = "    - name: bs
      values:   # all that fit
        - 64
        - 128
    # The end";
    assert_eq!(edited(&text, hold), text.replace(values, held));
    let scale = |spec: &mut StudySpec| spec.hyperparameters[0].range.as_mut().unwrap().scale = Scale::Log;
    assert_eq!(edited(&text, scale), text.replace("        max: 1\n", "        max: 1\n        scale: Log\n"));
    // What goes leaves its comment.
    let all = |spec: &mut StudySpec| {
        spec.search.seed = 0;
        spec.search.algorithm = Algorithm::Random;
    };
    assert_eq!(edited(&text, all), text.replace("    seed: 3\n", "    algorithm: Random\n    seed: 0\n"));
}

#[test]
fn a_mapping_that_is_missing_is_added_behind_its_neighbor() {
    for fields in [FLOW, BLOCK] {
        let text = study(fields);
        let with = edited(&text, |spec| spec.parallelism = 3);
        assert_eq!(with, text.replace("  evaluation", "  parallelism: 3\n  evaluation"));
    }
    let text = study(FLOW);
    let with = edited(&text, |spec| spec.search.scientific = Scientific::Sampled);
    assert_eq!(with, text.replace("  rounds:", "  search: {scientific: Sampled}\n  rounds:"));
}

#[test]
fn what_goes_leaves_its_comment_and_an_empty_mapping() {
    let rule = "  search:
    # Poor trials end early.
    earlyEnding: {rule: Median}  # to save hours
  parallelism: 2
";
    let text = study(&format!("{FLOW}{rule}"));
    let with = edited(&text, |spec| spec.search.early_ending = None);
    let search = "  search:
    # Poor trials end early.
    {}  # to save hours
";
    assert_eq!(with, text.replace(&rule[..rule.len() - "  parallelism: 2\n".len()], search));
    let two = rule.replace("  parallelism", "    seed: 1\n  parallelism");
    let text = study(&format!("{FLOW}{two}"));
    let with = edited(&text, |spec| spec.search.early_ending = None);
    assert_eq!(with, text.replace("    earlyEnding: {rule: Median}  # to save", "    # to save"));
    let flow = study(&format!("{FLOW}  search: {{earlyEnding: {{rule: Median}}, seed: 1}}  # chosen\n"));
    let with = edited(&flow, |spec| spec.search.early_ending = None);
    assert_eq!(with, flow.replace("{earlyEnding: {rule: Median}, seed: 1}", "{seed: 1}"));
    let only = flow.replace(", seed: 1", "");
    let with = edited(&only, |spec| spec.search.early_ending = None);
    assert_eq!(with, only.replace("{earlyEnding: {rule: Median}}", "{}"));
}

#[test]
fn other_documents_breaks_and_marks_are_left_alone() {
    let two = format!("# A claim.\nkind: ConfigMap\ndata: {{rounds: x}}\n---\n{}---\nkind: Other\n", study(BLOCK));
    let with = edited(&two, |spec| spec.rounds[0].trials = Some(8));
    assert_eq!(with, two.replace("trials: 4 ", "trials: 8 "));
    let windows = study(BLOCK).replace('\n', "\r\n");
    let with = edited(&windows, |spec| spec.parallelism = 3);
    assert_eq!(with, windows.replace("  evaluation", "  parallelism: 3\r\n  evaluation"));
    let marked = format!("\u{feff}{}", study(FLOW));
    let with = edited(&marked, |spec| spec.rounds[0].trials = Some(8));
    assert_eq!(with, marked.replace("trials: 4", "trials: 8"));
}

#[test]
fn values_over_several_lines_are_not_cut() {
    let long = study(BLOCK).replace(
        "  goal: 'It''s one: why? # no comment'   # the question\n",
        "  goal: >\n    Is it\n\n    one?\n  # Said at length.\n  description: one\n    and two\n",
    );
    let with = edited(&long, |spec| spec.phase = Some(crate::study::Phase::Exploitation));
    assert_eq!(spec(&with).goal, "Is it\none?\n");
    assert!(with.contains("    and two\n"), "{with}");
    let with = edited(&long, |spec| spec.description = None);
    assert_eq!(with, long.replace("  description: one\n    and two\n", ""));
    let with = edited(&long, |spec| spec.goal = "Is it?".to_owned());
    assert_eq!(with, long.replace(">\n    Is it\n\n    one?\n", "\"Is it?\"\n"));
}

#[test]
fn what_can_not_be_changed_safely_is_refused() {
    let alias = study(FLOW)
        .replace("  - {name: bs, values: [64, 128]}  # sizes\n", "  - {name: bs, range: *r}\n")
        .replace("range: {min", "range: &r {min");
    let mut to = spec(&alias);
    to.hyperparameters[1].range.as_mut().unwrap().max = 5.0;
    assert!(
        matches!(with_spec("s", &alias, &to), Err(Unedited::Layout(field)) if field == "spec.hyperparameters[1].range.max")
    );
    let mut to = spec(&study(FLOW));
    to.rounds[0].trials = Some(0);
    assert!(matches!(with_spec("s", &study(FLOW), &to), Err(Unedited::WouldBeInvalid(_))));
    assert!(matches!(with_spec("s", "kind: Study", &to), Err(Unedited::Invalid(_))));
}

#[test]
fn comments_of_what_goes_stay() {
    let commented = BLOCK.replace(
        "        - 64\n        - 128\n",
        "        - 64   # fits\n        # 96 ran out of memory\n        - 128\t# largest\n",
    );
    let text = study(&commented);
    let with = edited(&text, hold);
    for comment in ["# all that fit", "# fits", "# 96 ran out of memory", "# largest", "# The end of the space."] {
        assert!(with.contains(comment), "{comment}\n{with}");
    }
    // Where they have no place, the edit is refused.
    let flow = study(&FLOW.replace(
        "- {name: bs, values: [64, 128]}",
        "- {name: bs, # how many\n     role: Nuisance, # tuned\n     values: [64, 128]}",
    ));
    let mut to = spec(&flow);
    hold(&mut to);
    match with_spec("s", &flow, &to) {
        Ok(text) => assert!(text.contains("# how many") && text.contains("# tuned"), "{text}"),
        Err(Unedited::Comment(_, comment)) => assert!(comment.starts_with("# "), "{comment}"),
        Err(other) => panic!("{other}"),
    }
    let tab = study(&format!("{FLOW}  parallelism: 1\t# only one GPU here\n"));
    assert_eq!(edited(&tab, |spec| spec.parallelism = 3), tab.replace("parallelism: 1\t", "parallelism: 3\t"));
}

#[test]
fn a_comment_begins_outside_of_quotes() {
    let of = |line: &'static str| place::comment_of_line(line).map(|(_, comment)| comment);
    assert_eq!(of("a: 1 # b "), Some("# b"));
    assert_eq!(of("# b"), Some("# b"));
    assert_eq!(of("a: 1\t# b"), Some("# b"));
    assert_eq!(of("a: 'It''s # no' # b"), Some("# b"));
    assert_eq!(of(r#"a: "x \" # no" # b"#), Some("# b"));
    assert_eq!(of("[\"# no\", it's] # it's"), Some("# it's"));
    assert_eq!((of("a: b#c"), of("a: '# no'"), of("")), (None, None, None));
}

#[test]
fn json_stays_json() {
    let value: serde_json::Value = serde_yaml::from_str(&study(FLOW)).unwrap();
    for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
        let with = edited(&text, |spec| {
            hold(spec);
            spec.rounds[0].trials = Some(8);
            spec.objective.direction = crate::study::Direction::Maximize;
        });
        let read: serde_json::Value = serde_json::from_str(&with).unwrap_or_else(|error| panic!("{error}: {with}"));
        assert_eq!(read["spec"]["hyperparameters"][1]["role"], "Fixed");
    }
}

#[test]
fn words_and_numbers_are_written_as_they_are_read() {
    for text in ["plain", "a b", "yes", "1", "1e3", "a: b", "# a", "null", "true", "", "x ", "it's \"so\"\nand", "µ"] {
        assert_eq!(yaml::from_str::<Value>(&flow::word(text, ValueStyle::Yaml)).unwrap(), Value::from(text), "{text}");
        let goal = study(FLOW).replace("'It''s one: why? # no comment'", &flow::word(text, ValueStyle::Yaml));
        if let Ok(read) = read("s", &goal) {
            assert_eq!(read.study.spec.goal, text);
        }
    }
    let number = |x: f64| flow::written(&Value::from(x), ValueStyle::Yaml);
    assert_eq!([1e-6, 0.5, 3.0, 1.5e300, -2e20].map(number), ["1.0e-6", "0.5", "3", "1.5e300", "-2.0e20"]);
}
