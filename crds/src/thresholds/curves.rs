//! Thresholds of findings about training curves and hosts.

use super::{Threshold, real, whole};

/// N-27: always in the first tenth.
pub const EARLY_BEST: Threshold = real(
    "earlyBest",
    0.10,
    (0.001, 0.9),
    true,
    "the share of the step budget in which the best evaluation of every trial falls when there are too many steps",
);
/// Consistently in the last quarter.
pub const LATE_BEST: Threshold = real(
    "lateBest",
    0.25,
    (0.001, 0.9),
    true,
    "the last share of the step budget in which the best evaluation consistently falls when there are too few steps",
);
/// R-104, D-21.
pub const CONSISTENTLY: Threshold =
    real("consistently", 0.8, (0.5, 1.0), false, "the share of trials that is called consistently");
/// How many of the best trials are "the best few".
pub const BEST_FEW: Threshold =
    whole("bestFew", 5.0, (1.0, 100.0), false, "the number of best trials whose curves are examined");
///
pub const LATE_SHARE: Threshold =
    real("lateShare", 0.2, (0.01, 0.9), false, "the last share of the steps that shows late noise");
/// R-080, D-19.
pub const END_SHARE: Threshold =
    real("endShare", 0.1, (0.01, 0.9), false, "the last share of the steps that should no longer improve");
/// R-081, D-20.
pub const SATURATED_BEFORE: Threshold = real(
    "saturatedBefore",
    0.5,
    (0.01, 0.99),
    false,
    "the share of the steps before which the final best is reached when training saturates early",
);
/// R-081, D-20.
pub const SAME_DEVIATIONS: Threshold = real(
    "sameDeviations",
    2.0,
    (0.1, 10.0),
    false,
    "how many standard deviations of late noise two evaluations may differ and count as the same",
);

/// All of them.
pub const ALL: &[&Threshold] = &[
    &EARLY_BEST,
    &LATE_BEST,
    &CONSISTENTLY,
    &BEST_FEW,
    &LATE_SHARE,
    &END_SHARE,
    &SATURATED_BEFORE,
    &SAME_DEVIATIONS,
];
