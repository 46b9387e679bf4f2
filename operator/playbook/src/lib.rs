//! The science of a study: which points to try, how a round follows another, what an attempt's end means, what may be
//! concluded. Pure: no I/O, no clock, no global state, no randomness but the study's seed.
//!
//! ```text
//! space → search → rounds → study → findings → plots
//! ```
//!
//! The heart is [`study::next`]: what is known of a study's trials goes in, what is to be done comes out. Both backends,
//! processes of a laptop and Jobs of a cluster, carry out the same, so a study means the same on both.

pub mod advice;
pub mod decide;
pub mod design;
pub mod findings;
mod first_range;
pub mod importance;
pub mod numbers;
pub mod one_point;
pub mod outline;
pub mod pareto;
mod plan;
pub mod plots;
pub mod preflight;
pub mod record;
pub mod rejudge;
pub mod rounds;
pub mod schedule;
pub mod search;
pub mod seeds;
pub mod space;
#[cfg(test)]
mod studies;
pub mod study;
pub mod trial;

pub use studious_contract as contract;

pub use plan::Plan;
pub use trial::{PlannedTrial, TrialKey};

/// Milliseconds since the epoch: the clock is an argument.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd, serde::Deserialize, serde::Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Millis(pub u64);
