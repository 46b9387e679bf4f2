//! Rules about training curves and hosts.

use crate::{
    rule::rules,
    thresholds::{
        curves::{
            ABOVE_TRIALS, BEST_FEW, CLIP_QUANTILE, CLIPPED_SHARE, CONSISTENTLY, CURVE_VALUES, DATA_WAIT, EARLY_BEST,
            EARLY_INSTABILITY, END_EVALUATIONS, END_SHARE, FEW_EVALUATIONS, FEW_NORMS, FIRST_WARMUP, FIT_TRIALS,
            GRADIENT_OUTLIER, JUST_ABOVE, LATE_BEST, LATE_NOISE, LATE_SHARE, LATE_TRIALS, LONG_WARMUP, LOSS_BEGINNING,
            MANY_OVERFITTING, MANY_RISING, MATERIAL_RISE, MOSTLY_TINY, NOISE_EVALUATIONS, NORM_WINDOW, PERFECT_FIT,
            PERIOD_EVALUATIONS, REACHED_STEPS, RISE_DEVIATIONS, SAME_DEVIATIONS, SAME_RATE, SATURATED_BEFORE,
            SHAPE_TRIALS, SHARED_PERIOD_EVALUATIONS, SKEW_ERRORS, SKEW_TRIALS, SLOW_HOST, SLOW_TRIAL, STEP_EVALUATIONS,
            STEP_TRIALS, SUDDEN_RISE, TINY_RATE, UNUSUAL_MOVE, WANTED_EVALUATIONS, WARMING_SHARE,
        },
        search::FALSE_ALARMS,
    },
};

rules! {
    NOT_COMPUTE_BOUND {
        STEPS_NOT_REACHED: StepsNotReached, Warning, Some(5), [REACHED_STEPS, STEP_TRIALS],
            "Most trials end far from the step budget: the trainer counts something else, or stops by itself.";
        STEPS_BEYOND_BUDGET: StepsBeyondBudget, Warning, Some(5), [STEP_TRIALS],
            "Most trials are evaluated beyond the step budget, where evaluations do not count.";
        TOO_MANY_STEPS: TooManySteps, Warning, Some(5), [EARLY_BEST, REACHED_STEPS, STEP_TRIALS, STEP_EVALUATIONS],
            "The best evaluation of every trial falls early: the step budget is far too large.";
        TOO_FEW_STEPS: TooFewSteps, Info, Some(5),
            [LATE_BEST, CONSISTENTLY, REACHED_STEPS, STEP_TRIALS, STEP_EVALUATIONS, FALSE_ALARMS],
            "The best evaluation consistently falls at the end: longer training may help.";
    }
    CURVES {
        STILL_IMPROVING: StillImproving, Info, Some(5),
            [END_SHARE, END_EVALUATIONS, REACHED_STEPS, BEST_FEW, CURVE_VALUES, FALSE_ALARMS],
            "The best trials were still improving at the end: training is bound by compute.";
        SATURATED_EARLY: SaturatedEarly, Info, Some(5),
            [SATURATED_BEFORE, SAME_DEVIATIONS, REACHED_STEPS, LATE_SHARE, NOISE_EVALUATIONS, BEST_FEW, CURVE_VALUES],
            "The best trials had reached their best, within noise, long before the end.";
        OVERFITTING_IN_BEST: OverfittingInBest, Info | Warning | Problem, Some(5),
            [RISE_DEVIATIONS, MATERIAL_RISE, BEST_FEW, CURVE_VALUES, FALSE_ALARMS],
            "A best trial's objective worsens towards the end while its training loss doesn't.";
        SELECTION_BIAS: SelectionBias, Info | Warning, Some(5),
            [RISE_DEVIATIONS, MATERIAL_RISE, MANY_OVERFITTING, CURVE_VALUES, FALSE_ALARMS],
            "Trials other than the best overfit, so that choosing the best favors whatever hampers training.";
        NOISY_LATE_TRAINING: NoisyLateTraining, Warning, Some(5),
            [LATE_NOISE, LATE_SHARE, LATE_TRIALS, NOISE_EVALUATIONS, TINY_RATE, BEST_FEW],
            "Late evaluations move by as much as the differences that the study is to show.";
        TRAINING_LOSS_RISING: TrainingLossRising, Warning | Problem, Some(4),
            [LOSS_BEGINNING, MANY_RISING, RISE_DEVIATIONS, BEST_FEW, CURVE_VALUES, FALSE_ALARMS],
            "The training loss of a best trial, or of many, ends above its beginning: usually a bug.";
    }
    PERIODIC_EVALUATIONS {
        METRIC_PERIODICITY: MetricPeriodicity, Warning, Some(5),
            [PERIOD_EVALUATIONS, SHARED_PERIOD_EVALUATIONS, BEST_FEW, FALSE_ALARMS],
            "Evaluations rise and fall with a period: data not shuffled, or training and evaluation data overlap.";
    }
    EVALUATION_SETTINGS {
        PERIODIC_OFFLINE_SKEW: PeriodicOfflineSkew, Warning, None, [SKEW_ERRORS, SKEW_TRIALS, FALSE_ALARMS],
            "The evaluation during training disagrees with the full one (metric `offline_<objective>`).";
    }
    CHECKPOINTS {
        EVALUATIONS_TOO_RARE: EvaluationsTooRare, Warning, Some(5), [FEW_EVALUATIONS, WANTED_EVALUATIONS],
            "Too few evaluations to choose a checkpoint by.";
    }
    UNSTABLE {
        INSTABILITY_LIMITS_LR: InstabilityLimitsLr, Warning, Some(4),
            [JUST_ABOVE, SAME_RATE, ABOVE_TRIALS, SUDDEN_RISE, UNUSUAL_MOVE, EARLY_INSTABILITY, FIRST_WARMUP, FALSE_ALARMS],
            "Training breaks down at learning rates just above the best: instability keeps it from better ones.";
        TRAINING_INSTABILITY: TrainingInstability, Warning, Some(4),
            [SUDDEN_RISE, UNUSUAL_MOVE, EARLY_INSTABILITY, BEST_FEW, CURVE_VALUES],
            "The training loss of a best trial rises suddenly.";
        GRADIENT_OUTLIERS: GradientOutliers, Warning, Some(4),
            [GRADIENT_OUTLIER, NORM_WINDOW, FEW_NORMS, CLIP_QUANTILE, BEST_FEW],
            "Gradient norms jump far above their running median, and no clipping is in force: where to clip.";
    }
    CLIPPING {
        CLIP_TOO_HARD: ClipTooHard, Warning, Some(4), [CLIPPED_SHARE, CLIP_QUANTILE, FEW_NORMS, BEST_FEW],
            "Most updates are clipped, which only lowers the learning rate.";
    }
    WARMUP {
        LONG_WARMUP_TAKES_STEPS: LongWarmup, Info, None, [LONG_WARMUP],
            "Warmup takes so much of training that the steps should be raised by it.";
    }
    PIPELINE {
        INPUT_BOUND: InputBound, Warning, None, [DATA_WAIT, WARMING_SHARE], "Trials wait for their data.";
    }
    HOSTS {
        UNEVEN_HOSTS: UnevenHosts, Warning, None, [SLOW_HOST, WARMING_SHARE],
            "A host is slower than the other hosts of its trial.";
    }
    PIPELINE {
        UNEVEN_THROUGHPUT: UnevenThroughput, Info, None, [SLOW_TRIAL, SHAPE_TRIALS, WARMING_SHARE],
            "Trials are slower than others of the same shape.";
    }
    HOSTS {
        SEED_MISMATCH: SeedMismatch, Problem, None, [],
            "Hosts began with different parameters, or read the same data order.";
        SHARD_OVERLAP: ShardOverlap, Problem, None, [], "Hosts read the same shard of the data.";
        CHECKPOINT_VIOLATION: CheckpointViolation, Problem, None, [],
            "Another host than host 0 saved, or a restored checkpoint is not the one that was saved.";
    }
    ROUND_1 {
        REGULARIZATION_UNLIKELY_TO_HELP: RegularizationUnlikelyToHelp, Info, None, [PERFECT_FIT, FIT_TRIALS, BEST_FEW],
            "No trial fits its training set, so regularization can hardly help.";
    }
    COMPUTE_BOUND {
        CONCLUSION_FLIPPED: ConclusionFlipped, Warning, None, [FALSE_ALARMS],
            "Another arm is the best in a longer round, beyond noise.";
    }
    ROUND_2 {
        EXTRA_STEPS_AT_TINY_LR: ExtraStepsAtTinyLr, Warning, None, [TINY_RATE, MOSTLY_TINY],
            "The steps that a longer round adds run mostly at a tiny learning rate.";
    }
}
