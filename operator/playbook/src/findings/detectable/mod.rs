//! What the findings could see in a study as it is planned: before it costs anything, the smallest difference between arms,
//! the nearest optimum beyond a boundary and the smallest overfitting that they would report.
//!
//! The power of a test can be worked out before its data are there. So results are planted at the very points of the plan,
//! in all its rounds, and read by the code that will read the real ones: whatever it reports in four of five such studies is
//! detectable. This is a sensitivity analysis (the minimum detectable effect at a power of 0.8; Cohen 1988, "Statistical
//! Power Analysis for the Behavioral Sciences"). The planted noise comes from a fixed generator: the same plan has the same
//! power everywhere.
//!
//! What is unknown before a study is its noise, and so everything is said for three sizes of it.

mod boundary;
mod difference;
mod overfitting;
mod planted;

use schemars::JsonSchema;
use serde::Serialize;

pub use self::{
    boundary::{BeyondAtNoise, DetectableBoundaries, DetectableBoundary},
    difference::{DetectableDifference, DifferenceAtNoise},
    overfitting::DetectableOverfitting,
};
use crate::Plan;

/// The share of studies in which what is called detectable is seen.
pub const SEEN: f64 = super::needed::SEEN;
/// Standard deviations of the noise between two trainings of one point, as shares of what the objective changes along the
/// range of a hyperparameter.
pub const NOISES: [f64; 3] = [0.05, 0.1, 0.25];
/// Most trials of a study in which results are planted: of more it would take too long. [`Undetermined`] says so.
const MOST_TRIALS: u32 = 2000;

/// What the findings could see in a study as it is planned.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Detectable {
    /// The share of such studies in which it is seen: 0.8.
    pub share: f64,
    /// Between arms; missing where the study compares none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<DetectableDifference>,
    /// Optima beyond the boundaries of ranges.
    pub boundaries: DetectableBoundaries,
    /// Overfitting of the best trials.
    pub overfitting: DetectableOverfitting,
}

/// Why it is unknown what a study could see.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Undetermined {
    /// Its points are another study's.
    #[error("the points are those of another study, which was not found; give the folder of its run with --runs")]
    AwaitsPoints,
    /// It has no trials.
    #[error("the study has no trials")]
    NoTrials,
    /// It has too many to plant results in.
    #[error("the study has more than 2,000 trials, too many to simulate")]
    TooManyTrials,
}

/// Works it out.
///
/// # Errors
/// When the points are not known yet, or are too many.
pub fn detectable(plan: &Plan) -> Result<Detectable, Undetermined> {
    if plan.awaits_points() {
        return Err(Undetermined::AwaitsPoints);
    }
    match plan.total_trials() {
        0 => return Err(Undetermined::NoTrials),
        n if n > MOST_TRIALS => return Err(Undetermined::TooManyTrials),
        _ => {}
    }
    Ok(Detectable {
        share: SEEN,
        difference: difference::detectable(plan),
        boundaries: boundary::detectable(plan),
        overfitting: overfitting::detectable(plan),
    })
}

/// The least of some ascending sizes that is seen, where what is seen at one is seen at all larger ones.
fn least(sizes: &[f64], is_seen: impl Fn(f64) -> bool) -> Option<f64> {
    let first = sizes.partition_point(|size| !is_seen(*size));
    sizes.get(first).copied()
}

/// Whether something is seen in enough of so many studies. Ends as soon as that is certain.
fn in_enough(studies: usize, mut is_seen: impl FnMut(u64) -> bool) -> bool {
    let (mut seen, mut missed) = (0_usize, 0_usize);
    for study in 0..studies as u64 {
        if is_seen(study) {
            seen += 1;
        } else {
            missed += 1;
        }
        if seen as f64 >= SEEN * studies as f64 {
            return true;
        }
        if missed as f64 > (1.0 - SEEN) * studies as f64 {
            return false;
        }
    }
    false
}

#[cfg(test)]
mod tests;
