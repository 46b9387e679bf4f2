//! Thresholds of findings about the search: the space, how well it was sampled, what was infeasible, how arms compare.

use super::{Threshold, real, whole};

/// Chance of a false alarm that a test may have.
pub const FALSE_ALARMS: Threshold = real(
    "falseAlarms",
    0.05,
    (0.000_1, 0.5),
    false,
    "the chance at which a study without any signal may raise a finding that rests on a test",
);
/// R-070, D-06.
pub const EDGE_SHARE: Threshold =
    real("edgeShare", 0.1, (0.01, 0.5), false, "the share of a range, in the scale of the search, that is its edge");
/// R-070, D-06.
pub const EDGE_TRIALS: Threshold =
    whole("edgeTrials", 3.0, (1.0, 20.0), false, "the number of best trials that are looked at for edges");
/// R-072, D-26.
pub const REGION_TRIALS: Threshold = whole(
    "regionTrials",
    3.0,
    (2.0, 1000.0),
    false,
    "the fewest infeasible trials that make a region of infeasible points",
);
/// R-068, D-05.
pub const MANY_INFEASIBLE: Threshold =
    real("manyInfeasible", 0.5, (0.01, 1.0), false, "the share of infeasible trials of an arm that is very large");
/// R-073, D-23.
pub const GOOD_TRIALS: Threshold =
    whole("goodTrials", 3.0, (1.0, 1000.0), false, "the fewest trials of an arm that should be in its good region");
///
pub const GOOD_DEVIATIONS: Threshold = real(
    "goodDeviations",
    2.0,
    (0.1, 10.0),
    false,
    "how many standard deviations of a retraining around the best are the good region",
);
/// R-073; the planner's advice (R-051, D-22) is five.
pub const TRIALS_PER_DIMENSION: Threshold = whole(
    "trialsPerDimension",
    3.0,
    (1.0, 1000.0),
    false,
    "the fewest trials of an arm for each dimension that is tuned in it",
);
///
pub const UNEVEN_CHANCE: Threshold = real(
    "unevenChance",
    0.01,
    (0.000_1, 0.5),
    false,
    "the chance below which the counts of scientific values are not uniform",
);
///
pub const TUNING_BALANCE: Threshold = real(
    "tuningBalance",
    0.5,
    (0.01, 1.0),
    false,
    "the share of the winner's tuning effort below which another arm is under-tuned",
);
/// R-046, D-24.
pub const SATURATED_TAIL: Threshold = real(
    "saturatedTail",
    1.0 / 3.0,
    (0.05, 0.9),
    false,
    "the last share of trials that should still gain more than trial variance",
);
/// R-046 where trial variance is not known.
pub const SATURATED_GAIN: Threshold = real(
    "saturatedGain",
    0.02,
    (0.000_1, 1.0),
    false,
    "the gain of the last trials, as a share of the distance between the median trial and the best, that is nothing where \
     trial variance is not known",
);
/// R-148, D-16.
pub const LOW_FEEDBACK: Threshold = real(
    "lowFeedback",
    0.25,
    (0.01, 1.0),
    false,
    "the share of all trials in flight at once from which on Bayesian search has too little to learn from",
);
///
pub const NOISE_DEVIATIONS: Threshold =
    real("noiseDeviations", 2.0, (0.1, 10.0), false, "how many standard deviations of a difference are within noise");
///
pub const FEW_EXAMPLES: Threshold = whole(
    "fewExamples",
    100.0,
    (1.0, 1e9),
    false,
    "the number of examples of the rarer outcome (most often the wrong ones) below which a rate is told as a count, too",
);

/// All of them.
pub const ALL: &[&Threshold] = &[
    &FALSE_ALARMS,
    &FEW_EXAMPLES,
    &EDGE_SHARE,
    &EDGE_TRIALS,
    &REGION_TRIALS,
    &MANY_INFEASIBLE,
    &GOOD_TRIALS,
    &GOOD_DEVIATIONS,
    &TRIALS_PER_DIMENSION,
    &UNEVEN_CHANCE,
    &TUNING_BALANCE,
    &SATURATED_TAIL,
    &SATURATED_GAIN,
    &LOW_FEEDBACK,
    &NOISE_DEVIATIONS,
];
