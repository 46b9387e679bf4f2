//! Codes about training curves and hosts.

use super::Code;
use crate::thresholds::{
    curves::{BEST_FEW, CONSISTENTLY, EARLY_BEST, END_SHARE, LATE_BEST, LATE_SHARE, SAME_DEVIATIONS, SATURATED_BEFORE},
    search::FALSE_ALARMS,
};

const CURVES: &str = "Examining the training curves";
const STEPS: &str = "Deciding how long to train when training is not compute-bound";

/// All of them.
pub const ALL: &[Code] = &[
    Code {
        name: "TooManySteps",
        severity: "Warning",
        question: Some(5),
        meaning: "The best evaluation of every trial falls early: the step budget is far too large.",
        section: STEPS,
        thresholds: &[&EARLY_BEST],
    },
    Code {
        name: "TooFewSteps",
        severity: "Info",
        question: Some(5),
        meaning: "The best evaluation consistently falls at the end: longer training may bring more.",
        section: STEPS,
        thresholds: &[&LATE_BEST, &CONSISTENTLY],
    },
    Code {
        name: "StillImproving",
        severity: "Info",
        question: Some(5),
        meaning: "The best trials were still improving at the end: training is bound by compute.",
        section: CURVES,
        thresholds: &[&END_SHARE, &BEST_FEW, &FALSE_ALARMS],
    },
    Code {
        name: "SaturatedEarly",
        severity: "Info",
        question: Some(5),
        meaning: "The best trials had reached their best, within noise, long before the end.",
        section: CURVES,
        thresholds: &[&SATURATED_BEFORE, &SAME_DEVIATIONS, &LATE_SHARE, &BEST_FEW],
    },
];
