//! Rules about the search: the space, how well it was sampled, what was infeasible, how arms compare.

use crate::{
    rule::rules,
    thresholds::{
        curves::{BEST_FEW, FIRST_WARMUP},
        search::{
            BEST_SHARE, BOUNDARY_POWER, BOUNDARY_TRIALS, CHANCE_GAIN, EDGE_SHARE, EDGE_TRIALS, EFFORT_DIFFERENCE,
            EXAMPLE_RESULTS, EXPECTED_TRIALS, FALSE_ALARMS, FEATURE_TRIALS, FEW_EXAMPLES, FEW_VALUES, GAP_TRIALS,
            GOOD_DEVIATIONS, GOOD_TRIALS, HOPELESS_DEVIATIONS, HOPELESS_DISTANCE, LOW_FEEDBACK, MANY_INFEASIBLE,
            MOST_BEST, NOISE_DEVIATIONS, PILE_SHARE, PILE_WIDTH, PURE_REGION, RANGE_PARTS, REGION_SHARE, REGION_TRIALS,
            RETRAIN_TIMES, SATURATED_GAIN, SATURATED_TAIL, SATURATED_TRIALS, TRIALS_PER_DIMENSION, TUNING_BALANCE,
            UNEVEN_CHANCE, WIDEN_BY,
        },
    },
};

rules! {
    BOUNDARIES {
        SEARCH_SPACE_TOO_NARROW: SearchSpaceTooNarrow, Warning, Some(1),
            [EDGE_SHARE, EDGE_TRIALS, BOUNDARY_TRIALS, BOUNDARY_POWER, FEW_VALUES, BEST_SHARE, MOST_BEST, WIDEN_BY, FALSE_ALARMS],
            "The best trials cluster at a boundary of a hyperparameter's range or list, or the objective still improves towards it: better values may lie beyond.";
        LEARNING_RATE_STABILITY_EDGE: LearningRateStabilityEdge, Warning, Some(4),
            [EDGE_SHARE, EDGE_TRIALS, BOUNDARY_TRIALS, REGION_TRIALS, FIRST_WARMUP, FALSE_ALARMS],
            "The best trials lie right below the learning rate above which all are infeasible: instability may be what keeps higher rates out.";
        FEASIBILITY_EDGE: FeasibilityEdge, Warning, Some(4),
            [EDGE_SHARE, EDGE_TRIALS, BOUNDARY_TRIALS, REGION_TRIALS, FALSE_ALARMS],
            "The best trials lie right at the value of a hyperparameter beyond which all are infeasible.";
    }
    SAMPLING {
        UNDERSAMPLED: Undersampled, Warning, Some(2),
            [TRIALS_PER_DIMENSION, GOOD_TRIALS, GOOD_DEVIATIONS, GAP_TRIALS, FALSE_ALARMS],
            "An arm was sampled so thinly that more trials would likely find a better best.";
    }
    INSIGHT {
        MANY_INFEASIBLE_TRIALS: ManyInfeasible, Warning, Some(3),
            [MANY_INFEASIBLE, REGION_TRIALS, REGION_SHARE, PURE_REGION, BEST_FEW, HOPELESS_DEVIATIONS, HOPELESS_DISTANCE, CHANCE_GAIN, PILE_SHARE, PILE_WIDTH, FALSE_ALARMS],
            "A very large share of an arm's trials was infeasible: a bad search space, or a bug.";
        INFEASIBLE_FRACTION: InfeasibleFraction, Info, Some(3),
            [MANY_INFEASIBLE, REGION_TRIALS, REGION_SHARE, PURE_REGION, HOPELESS_DEVIATIONS, HOPELESS_DISTANCE, CHANCE_GAIN, PILE_SHARE, PILE_WIDTH, FALSE_ALARMS],
            "Some trials were infeasible, and where.";
    }
    STUDIES {
        SCIENTIFIC_NOT_UNIFORM: ScientificNotUniform, Warning, Some(2), [UNEVEN_CHANCE, EXPECTED_TRIALS, RANGE_PARTS],
            "In a Sampled study some scientific values got more trials than others, beyond noise.";
    }
    ISOLATION {
        BASELINE_UNDER_TUNED: BaselineUnderTuned, Warning, Some(2), [TUNING_BALANCE, EFFORT_DIFFERENCE, FALSE_ALARMS],
            "An arm that seems worse was tuned with much less effort than the one that seems best.";
        UNEQUAL_TUNING: UnequalTuning, Info, Some(2), [TUNING_BALANCE, EFFORT_DIFFERENCE, FALSE_ALARMS],
            "The arm that seems best was tuned with much less effort than others: it may be better still.";
    }
    QUASI_RANDOM {
        LOW_FEEDBACK_BAYES: LowFeedbackBayes, Warning, None, [LOW_FEEDBACK],
            "So many trials of a Bayesian search run at once that it has little to learn from.";
    }
    EXPLORATION {
        TUNING_GAINS_SATURATED: TuningGainsSaturated, Info, None, [SATURATED_TAIL, SATURATED_GAIN, SATURATED_TRIALS],
            "The last trials gained less than noise alone would: tuning further hardly helps.";
    }
    SAMPLING {
        ENDED_EARLY: EndedEarly, Info, Some(2), [],
            "A rule ended some trials early: they are neither successes nor infeasible.";
    }
    INSIGHT {
        CONSTRAINT_VIOLATIONS: ConstraintViolations, Info | Warning, None, [],
            "Some trials violate the study's constraints, or never reported what is bounded; if all do, there is no best.";
        CODE_CHANGED: CodeChanged, Warning, None, [],
            "Trials of the study were trained with different code: their results may differ for that and not for their points.";
        BEST_TRIAL: BestTrial, Info, None, [], "The best trial.";
    }
    ISOLATION {
        BEST_PER_ARM: BestPerArm, Info, None, [NOISE_DEVIATIONS],
            "The best of each scientific configuration, its nuisance hyperparameters optimized away.";
    }
    SAMPLE {
        FEW_EXAMPLES_OF_OUTCOME: FewExamples, Info, None, [FEW_EXAMPLES, EXAMPLE_RESULTS],
            "The objective is a share of examples, few of which are of the rarer outcome: what the best results and their difference are as counts.";
    }
    ADOPTING {
        DIFFERENCE_WITHIN_NOISE: DifferenceWithinNoise, Warning, None, [NOISE_DEVIATIONS, RETRAIN_TIMES, FALSE_ALARMS],
            "No winner: the two best arms differ by less than the noise.";
    }
    EXPLORATION {
        FEATURE_NOT_HELPING: FeatureNotHelping, Info, None, [NOISE_DEVIATIONS, FEATURE_TRIALS, FALSE_ALARMS],
            "A feature is not better than doing without it, both tuned: a candidate for removal.";
    }
    ADOPTING {
        TRIAL_VARIANCE: TrialVariance, Info | Warning, None, [],
            "How much the same point varies when trained again with other seeds; a warning where it can't always be trained.";
        STALE_VARIANCE: StaleVariance, Warning, None, [],
            "The retraining that measures the noise is of another point or step budget than the answer.";
    }
    ROLES {
        FIXED_CAVEAT: FixedCaveat, Info, None, [], "A hyperparameter was held: conclusions hold for that value only.";
    }
}
