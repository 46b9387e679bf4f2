//! Thresholds of findings about training curves and hosts.

use crate::threshold::thresholds;

thresholds! {
    NOT_COMPUTE_BOUND {
        // N-27.
        EARLY_BEST: earlyBest = 0.1, 0.001..=0.9, Share, Playbook, "the share of the step budget in which the best evaluation of every trial falls when there are too many steps";
        LATE_BEST: lateBest = 0.25, 0.001..=0.9, Share, Playbook, "the last share of the step budget in which the best evaluation consistently falls when there are too few steps";
        // R-104, D-21.
        CONSISTENTLY: consistently = 0.8, 0.5..=1.0, Share, Ours, "the share of trials that is called consistently";
        // A trainer that counts epochs where the study counts steps.
        REACHED_STEPS: reachedSteps = 0.5, 0.0..=0.99, Share, Ours, "the share of the step budget beyond which a trial must have been evaluated for its steps to be judged";
        STEP_TRIALS: stepTrials = 5.0, 2.0..=1000.0, Count, Ours, "the fewest trials from whose best steps the step budget is judged";
        STEP_EVALUATIONS: stepEvaluations = 6.0, 2.0..=1000.0, Count, Ours, "the fewest evaluations of a trial whose best step is judged";
    }
    CURVES {
        BEST_FEW: bestFew = 5.0, 1.0..=100.0, Count, Ours, "the number of best trials whose curves are examined";
        CURVE_VALUES: curveValues = 10.0, 10.0..=1000.0, Count, Ours, "the fewest values of a curve that is examined for trends";
        //
        LATE_SHARE: lateShare = 0.2, 0.01..=0.9, Share, Ours, "the last share of the steps that shows late noise";
        NOISE_EVALUATIONS: noiseEvaluations = 4.0, 3.0..=1000.0, Count, Ours, "the fewest late evaluations that show noise";
        // R-080, D-19.
        END_SHARE: endShare = 0.1, 0.01..=0.9, Share, Ours, "the last share of the steps that should no longer improve";
        END_EVALUATIONS: endEvaluations = 5.0, 4.0..=1000.0, Count, Ours, "the fewest last evaluations in which an improvement is looked for";
        // R-081, D-20.
        SATURATED_BEFORE: saturatedBefore = 0.5, 0.01..=0.99, Share, Ours, "the share of the steps before which the final best is reached when training saturates early";
        SAME_DEVIATIONS: sameDeviations = 2.0, 0.1..=10.0, Deviations, Ours, "how many standard deviations of late noise two evaluations may differ and count as the same";
        // R-076, D-18.
        RISE_DEVIATIONS: riseDeviations = 2.0, 0.0..=100.0, Deviations, Ours, "how many standard deviations of its noise a curve must rise above its lowest, or a loss above its beginning";
        // A negligible rise is not overfitting.
        MATERIAL_RISE: materialRise = 0.02, 0.0..=1.0, Share, Ours, "the share of what training gained that is lost again when a trial overfits";
        //
        MANY_OVERFITTING: manyOverfitting = 0.2, 0.0..=1.0, Share, Ours, "the share of overfitting trials from which their absence among the best is a warning";
        // R-079, D-25.
        LATE_NOISE: lateNoise = 0.5, 0.0..=100.0, Ratio, Ours, "the late noise, as a share of the difference that is to be shown, from which the result depends on the last step";
        LATE_TRIALS: lateTrials = 2.0, 1.0..=100.0, Count, Ours, "the fewest trials that show late noise";
        // R-082, D-29.
        LOSS_BEGINNING: lossBeginning = 0.1, 0.0..=0.9, Share, Ours, "the share of the steps after which the training loss is compared with its end";
        MANY_RISING: manyRising = 0.5, 0.0..=1.0, Share, Ours, "the share of trials whose training loss rises from which that is a finding though none of them is among the best";
    }
    ROUND_1 {
        //
        PERFECT_FIT: perfectFit = 0.02, 0.0..=1.0, Share, Ours, "the training error up to which a training set is fitted perfectly";
        FIT_TRIALS: fitTrials = 5.0, 1.0..=1000.0, Count, Ours, "the fewest trials whose training errors show that the training set is not fitted";
    }
    ROUND_2 {
        // R-113, D-12.
        TINY_RATE: tinyRate = 0.1, 0.0..=1.0, Share, Ours, "the share of its peak below which a learning rate is tiny";
        MOSTLY_TINY: mostlyTiny = 0.5, 0.0..=1.0, Share, Ours, "the share of a later round's added steps that run at a tiny learning rate when they are mostly lost";
    }
    PERIODIC_EVALUATIONS {
        //
        PERIOD_EVALUATIONS: periodEvaluations = 32.0, 32.0..=1024.0, Count, Ours, "the fewest evaluations in which a period is looked for";
        SHARED_PERIOD_EVALUATIONS: sharedPeriodEvaluations = 20.0, 20.0..=1024.0, Count, Ours, "the fewest evaluations in which a period is looked for that all trials share";
    }
    EVALUATION_SETTINGS {
        // D-31.
        SKEW_ERRORS: skewErrors = 2.0, 0.0..=100.0, Deviations, Ours, "how many standard errors the full evaluation may differ from that during training";
        SKEW_TRIALS: skewTrials = 3.0, 3.0..=1000.0, Count, Ours, "the fewest trials in which the full evaluation is compared with that during training";
    }
    CHECKPOINTS {
        //
        FEW_EVALUATIONS: fewEvaluations = 5.0, 1.0..=1000.0, Count, Ours, "the fewest evaluations that a best step can be chosen among";
        WANTED_EVALUATIONS: wantedEvaluations = 20.0, 2.0..=10000.0, Count, Ours, "the number of evaluations of a trial that is suggested where there are too few";
    }
    UNSTABLE {
        // R-154, D-27.
        GRADIENT_OUTLIER: gradientOutlier = 10.0, 1.0..=1e9, Ratio, Ours, "how many times its running median a gradient norm is when it is an outlier";
        NORM_WINDOW: normWindow = 50.0, 10.0..=10000.0, Count, Ours, "the number of gradient norms before one whose median is its running median";
        FEW_NORMS: fewNorms = 10.0, 3.0..=10000.0, Count, Ours, "the fewest gradient norms that have a running median, or make a histogram";
        // R-153, D-28.
        JUST_ABOVE: justAbove = 4.0, 1.2..=1000.0, Ratio, Ours, "up to how many times the best learning rate counts as just above it";
        SAME_RATE: sameRate = 1.1, 1.0..=2.0, Ratio, Ours, "up to how many times the best learning rate counts as the same";
        ABOVE_TRIALS: aboveTrials = 3.0, 2.0..=1000.0, Count, Ours, "the fewest trials just above the best learning rate that show instability";
        SUDDEN_RISE: suddenRise = 0.25, 0.01..=100.0, Ratio, Ours, "the share of what training gained by which a training loss rises suddenly";
        UNUSUAL_MOVE: unusualMove = 6.0, 1.0..=1000.0, Deviations, Ours, "how many times the usual move of a training loss a sudden rise is";
        EARLY_INSTABILITY: earlyInstability = 0.1, 0.0..=1.0, Share, Ours, "the share of training up to which instability is early";
    }
    CLIPPING {
        // N-57.
        CLIP_QUANTILE: clipQuantile = 0.9, 0.01..=1.0, Share, Playbook, "the quantile of the gradient norm at which clipping begins";
        // N-58.
        CLIPPED_SHARE: clippedShare = 0.5, 0.0..=1.0, Share, Playbook, "the share of clipped updates above which clipping is too hard";
    }
    WARMUP {
        // R-161, N-53.
        LONG_WARMUP: longWarmup = 0.05, 0.0..=1.0, Share, Playbook, "the share of the steps above which warmup asks for more steps";
        FIRST_WARMUP: firstWarmup = 0.05, 0.0001..=0.5, Share, Ours, "the warmup, as a share of training, that is suggested where there is none";
    }
    PIPELINE {
        // R-118, D-13.
        DATA_WAIT: dataWait = 0.1, 0.0..=1.0, Share, Ours, "the share of a step's time spent waiting for data that is much";
        SLOW_TRIAL: slowTrial = 0.7, 0.0..=1.0, Share, Ours, "the share of the median trial of the same shape below which a trial is slow";
        SHAPE_TRIALS: shapeTrials = 4.0, 2.0..=1000.0, Count, Ours, "the fewest trials of one shape whose speeds are compared";
        WARMING_SHARE: warmingShare = 0.1, 0.0..=0.9, Share, Ours, "the first share of the steps, which compile and fill caches, that speeds leave out";
    }
    HOSTS {
        SLOW_HOST: slowHost = 0.8, 0.0..=1.0, Share, Ours, "the share of its trial's median host below which a host is slow";
    }
}
