//! Studies as users write them: what is refused and in which words, and the generated CRDs.

mod good_studies;
mod manifests;
mod policies;
mod wrong_studies;

/// The study that the tests change: the design's example, less what this version refuses.
pub(crate) const STUDY: &str = include_str!("study.yaml");
