//! How things are shown: numbers, tables, progress.

pub(crate) mod best;
pub(crate) mod durations;
pub(crate) mod pareto;
pub(crate) mod plan;
pub(crate) mod preflight;
pub(crate) mod progress;
pub(crate) mod rank;
pub(crate) mod trials;
pub(crate) mod tries;

use crate::source::LoadedStudy;

/// Where a study stands: in a sentence, with what runs and how long it still takes.
pub(crate) fn standing(study: &LoadedStudy) -> String {
    let running = match study.running() {
        0 => String::new(),
        n => format!(", {n} running"),
    };
    let left = study.time_left().map_or_else(String::new, |left| format!(", about {} left", durations::duration(left)));
    format!("{}{running}{left}", study.status)
}
