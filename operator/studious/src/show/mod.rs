//! How things are shown: numbers, tables, progress.

pub(crate) mod best;
pub(crate) mod durations;
pub(crate) mod pareto;
pub(crate) mod progress;
pub(crate) mod rank;
pub(crate) mod trials;
