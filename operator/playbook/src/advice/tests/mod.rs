//! What is advised against, and in which words, beside what is refused.

mod applying;
mod choosing;
mod codes;
mod doubtful_studies;
mod ending_and_bounds;

/// The study that the tests change: the design's example.
const STUDY: &str = include_str!("../../../../../crds/tests/it/study.yaml");
