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

/// R-076, D-18.
pub const RISE_DEVIATIONS: Threshold = real(
    "riseDeviations",
    2.0,
    (0.0, 100.0),
    false,
    "how many standard deviations of its noise a curve must rise above its lowest, or a loss above its beginning",
);
/// Ours: a rise that nobody would mind is no overfitting.
pub const MATERIAL_RISE: Threshold = real(
    "materialRise",
    0.02,
    (0.0, 1.0),
    false,
    "the share of what training gained that is lost again when a trial overfits",
);
///
pub const MANY_OVERFITTING: Threshold = real(
    "manyOverfitting",
    0.2,
    (0.0, 1.0),
    false,
    "the share of overfitting trials from which their absence among the best is a warning",
);
/// R-079, D-25.
pub const LATE_NOISE: Threshold = real(
    "lateNoise",
    0.5,
    (0.0, 100.0),
    false,
    "the late noise, as a share of the difference that is to be shown, from which trials end by luck",
);
/// R-113, D-12.
pub const TINY_RATE: Threshold =
    real("tinyRate", 0.1, (0.0, 1.0), false, "the share of its peak below which a learning rate is tiny");
/// R-113, D-12.
pub const MOSTLY_TINY: Threshold = real(
    "mostlyTiny",
    0.5,
    (0.0, 1.0),
    false,
    "the share of a later round's added steps that run at a tiny learning rate when they are mostly lost",
);
/// R-082, D-29.
pub const LOSS_BEGINNING: Threshold = real(
    "lossBeginning",
    0.1,
    (0.0, 0.9),
    false,
    "the share of the steps after which the training loss is compared with its end",
);
///
pub const PERIOD_EVALUATIONS: Threshold =
    whole("periodEvaluations", 32.0, (32.0, 1024.0), false, "the fewest evaluations in which a period is looked for");
/// D-31.
pub const SKEW_ERRORS: Threshold = real(
    "skewErrors",
    2.0,
    (0.0, 100.0),
    false,
    "how many standard errors the full evaluation may differ from that during training",
);
/// R-154, D-27.
pub const GRADIENT_OUTLIER: Threshold = real(
    "gradientOutlier",
    10.0,
    (1.0, 1e9),
    false,
    "how many times its running median a gradient norm is when it is an outlier",
);
/// N-57.
pub const CLIP_QUANTILE: Threshold =
    real("clipQuantile", 0.9, (0.01, 1.0), true, "the quantile of the gradient norm at which clipping begins");
/// N-58.
pub const CLIPPED_SHARE: Threshold =
    real("clippedShare", 0.5, (0.0, 1.0), true, "the share of clipped updates above which clipping is too hard");
/// R-153, D-28.
pub const JUST_ABOVE: Threshold =
    real("justAbove", 4.0, (1.2, 1000.0), false, "up to how many times the best learning rate counts as just above it");
///
pub const SUDDEN_RISE: Threshold = real(
    "suddenRise",
    0.25,
    (0.01, 100.0),
    false,
    "the share of what training gained by which a training loss rises suddenly",
);
/// early or in the middle of training.
pub const EARLY_INSTABILITY: Threshold =
    real("earlyInstability", 0.1, (0.0, 1.0), false, "the share of training up to which instability is early");
/// R-161, N-53.
pub const LONG_WARMUP: Threshold =
    real("longWarmup", 0.05, (0.0, 1.0), true, "the share of the steps from which warmup asks for more steps");
/// R-118, D-13.
pub const DATA_WAIT: Threshold =
    real("dataWait", 0.1, (0.0, 1.0), false, "the share of a step's time spent waiting for data that is much");
/// Ours.
pub const SLOW_HOST: Threshold =
    real("slowHost", 0.8, (0.0, 1.0), false, "the share of its trial's median host below which a host is slow");
/// Ours.
pub const SLOW_TRIAL: Threshold = real(
    "slowTrial",
    0.7,
    (0.0, 1.0),
    false,
    "the share of the median trial of the same shape below which a trial is slow",
);
///
pub const FEW_EVALUATIONS: Threshold =
    whole("fewEvaluations", 5.0, (1.0, 1000.0), false, "the fewest evaluations that a best step can be chosen among");
///
pub const PERFECT_FIT: Threshold =
    real("perfectFit", 0.02, (0.0, 1.0), false, "the training error up to which a training set is fitted perfectly");

/// All of them.
pub const ALL: &[&Threshold] =
    &[&EARLY_BEST, &LATE_BEST, &CONSISTENTLY, &BEST_FEW, &LATE_SHARE, &END_SHARE, &SATURATED_BEFORE, &SAME_DEVIATIONS];
