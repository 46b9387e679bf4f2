//! Codes about the search: the space, how well it was sampled, what was infeasible, how arms compare.

use super::Code;
use crate::thresholds::search::{
    EDGE_SHARE, EDGE_TRIALS, FALSE_ALARMS, FEW_EXAMPLES, GOOD_DEVIATIONS, GOOD_TRIALS, LOW_FEEDBACK, MANY_INFEASIBLE,
    NOISE_DEVIATIONS, REGION_TRIALS, SATURATED_GAIN, SATURATED_TAIL, TRIALS_PER_DIMENSION, TUNING_BALANCE,
    UNEVEN_CHANCE,
};

const BOUNDARIES: &str = "Identifying bad search space boundaries";
const SAMPLING: &str = "Not sampling enough points in the search space";
const INSIGHT: &str = "Extracting insight from experimental results";
const ISOLATION: &str = "Detecting whether a change is useful with isolation plots";
const ROLES: &str = "Identifying scientific, nuisance, and fixed hyperparameters";
const SAMPLE: &str = "Choosing a sample for periodic evaluation";
const ADOPTING: &str = "Determining whether to adopt a training pipeline change or hyperparameter configuration";

/// All of them, in the order of the playbook's questions.
pub const ALL: &[Code] = &[
    Code {
        name: "SearchSpaceTooNarrow",
        severity: "Warning",
        question: Some(1),
        meaning: "The best trials crowd an edge of a hyperparameter's range or list: better values may lie beyond.",
        section: BOUNDARIES,
        thresholds: &[&EDGE_SHARE, &EDGE_TRIALS, &FALSE_ALARMS],
    },
    Code {
        name: "LearningRateStabilityEdge",
        severity: "Warning",
        question: Some(4),
        meaning: "The best trials lie right below the learning rate above which all are infeasible: instability may be \
                  what keeps higher rates out.",
        section: BOUNDARIES,
        thresholds: &[&EDGE_SHARE, &EDGE_TRIALS, &REGION_TRIALS, &FALSE_ALARMS],
    },
    Code {
        name: "FeasibilityEdge",
        severity: "Warning",
        question: Some(4),
        meaning: "The best trials lie right at the value of a hyperparameter beyond which all are infeasible.",
        section: BOUNDARIES,
        thresholds: &[&EDGE_SHARE, &EDGE_TRIALS, &REGION_TRIALS, &FALSE_ALARMS],
    },
    Code {
        name: "Undersampled",
        severity: "Warning",
        question: Some(2),
        meaning: "An arm was sampled so thinly that more trials would likely find a better best.",
        section: SAMPLING,
        thresholds: &[&TRIALS_PER_DIMENSION, &GOOD_TRIALS, &GOOD_DEVIATIONS, &FALSE_ALARMS],
    },
    Code {
        name: "ManyInfeasible",
        severity: "Warning",
        question: Some(3),
        meaning: "A very large share of an arm's trials was infeasible: a bad search space, or a bug.",
        section: INSIGHT,
        thresholds: &[&MANY_INFEASIBLE, &REGION_TRIALS, &FALSE_ALARMS],
    },
    Code {
        name: "InfeasibleFraction",
        severity: "Info",
        question: Some(3),
        meaning: "Some trials were infeasible, and where.",
        section: INSIGHT,
        thresholds: &[&MANY_INFEASIBLE, &REGION_TRIALS, &FALSE_ALARMS],
    },
    Code {
        name: "ScientificNotUniform",
        severity: "Warning",
        question: Some(2),
        meaning: "In a Sampled study some scientific values got more trials than others, beyond chance.",
        section: "Creating a set of studies",
        thresholds: &[&UNEVEN_CHANCE],
    },
    Code {
        name: "BaselineUnderTuned",
        severity: "Warning",
        question: Some(2),
        meaning: "An arm that seems worse was tuned with much less effort than the one that seems best.",
        section: ISOLATION,
        thresholds: &[&TUNING_BALANCE, &FALSE_ALARMS],
    },
    Code {
        name: "UnequalTuning",
        severity: "Info",
        question: Some(2),
        meaning: "The arm that seems best was tuned with much less effort than others: it may be better still.",
        section: ISOLATION,
        thresholds: &[&TUNING_BALANCE, &FALSE_ALARMS],
    },
    Code {
        name: "LowFeedbackBayes",
        severity: "Warning",
        question: None,
        meaning: "So many trials of a Bayesian search run at once that it has little to learn from.",
        section: "Why use quasi-random search instead of more sophisticated black box optimization algorithms during the \
                  exploration phase of tuning?",
        thresholds: &[&LOW_FEEDBACK],
    },
    Code {
        name: "TuningGainsSaturated",
        severity: "Info",
        question: None,
        meaning: "The last trials gained less than luck alone would: tuning further brings little.",
        section: "Exploration vs exploitation",
        thresholds: &[&SATURATED_TAIL, &SATURATED_GAIN],
    },
    Code {
        name: "EndedEarly",
        severity: "Info",
        question: Some(2),
        meaning: "A rule ended some trials early: they are neither successes nor infeasible.",
        section: SAMPLING,
        thresholds: &[],
    },
    Code {
        name: "ConstraintViolations",
        severity: "Info or Warning",
        question: None,
        meaning: "Some trials violate the study's constraints, or never reported what is bounded; if all do, there is no best.",
        section: INSIGHT,
        thresholds: &[],
    },
    Code {
        name: "BestTrial",
        severity: "Info",
        question: None,
        meaning: "The best trial.",
        section: INSIGHT,
        thresholds: &[],
    },
    Code {
        name: "BestPerArm",
        severity: "Info",
        question: None,
        meaning: "The best of each scientific configuration, its nuisance hyperparameters optimised away.",
        section: ISOLATION,
        thresholds: &[],
    },
    Code {
        name: "FewExamples",
        severity: "Info",
        question: None,
        meaning: "The objective is a share of examples, few of which are of the rarer outcome: what the best results and \
                  their difference are as counts.",
        section: SAMPLE,
        thresholds: &[&FEW_EXAMPLES],
    },
    Code {
        name: "DifferenceWithinNoise",
        severity: "Warning",
        question: None,
        meaning: "The two best arms differ by no more than luck explains: there is no winner.",
        section: ADOPTING,
        thresholds: &[&NOISE_DEVIATIONS, &FALSE_ALARMS],
    },
    Code {
        name: "FeatureNotHelping",
        severity: "Info",
        question: None,
        meaning: "A feature is not better than doing without it, both tuned: a candidate for removal.",
        section: "Exploration vs exploitation",
        thresholds: &[&NOISE_DEVIATIONS, &FALSE_ALARMS],
    },
    Code {
        name: "TrialVariance",
        severity: "Info or Warning",
        question: None,
        meaning: "How much the same point varies when trained again with other seeds; a warning where it can't always be trained.",
        section: ADOPTING,
        thresholds: &[],
    },
    Code {
        name: "StaleVariance",
        severity: "Warning",
        question: None,
        meaning: "The retraining that says how much is luck is of another point or step budget than the answer.",
        section: ADOPTING,
        thresholds: &[],
    },
    Code {
        name: "FixedCaveat",
        severity: "Info",
        question: None,
        meaning: "A hyperparameter was held: conclusions hold for that value only.",
        section: ROLES,
        thresholds: &[],
    },
];
