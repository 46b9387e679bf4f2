use studious_api::document;

use crate::STUDY;

#[test]
fn the_design_s_example_is_accepted_without_warnings() {
    let document = document::read("study.yaml", STUDY).unwrap();
    assert_eq!(document.name, "digits-momentum");
    assert_eq!(document.namespace, None);
    assert_eq!(document.study.spec.rounds.len(), 2);
    assert_eq!(document.warnings, []);
}

#[test]
fn the_digits_example_is_accepted() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/digits/study.yaml");
    let text = std::fs::read_to_string(file).unwrap();
    let document = document::read("study.yaml", &text).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(document.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
}
