//! Whether regularization can help at all.

use studious_rules::{
    curves::REGULARIZATION_UNLIKELY_TO_HELP,
    thresholds::curves::{FIT_TRIALS, PERFECT_FIT},
};

use super::{
    super::{
        Finding,
        reading::Reading,
        wording::{count, list, name, percent},
    },
    best_few, overfitting, regularizers,
};
use crate::contract::metrics::TRAIN_ERROR;

/// Requirement R-115: where the training set can't be fitted, regularization is unlikely to help much.
pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.concluding() else { return };
    let searched: Vec<_> = reading
        .plan
        .spec()
        .hyperparameters
        .iter()
        .filter(|h| h.value.is_none() && regularizers::called(reading, h).is_some())
        .map(name)
        .collect();
    let errors: Vec<f64> =
        round.succeeded().filter_map(|t| t.curves.get(TRAIN_ERROR)?.iter().map(|(_, e)| *e).reduce(f64::min)).collect();
    if searched.is_empty() || errors.len() < reading.count(&FIT_TRIALS) {
        return;
    }
    let least = errors.iter().copied().fold(f64::INFINITY, f64::min);
    // Whatever its training error, what overfits can be regularized.
    if least <= reading.threshold(&PERFECT_FIT) || overfitting::is_in_best(reading) {
        return;
    }
    findings.push(
        Finding::new(&REGULARIZATION_UNLIKELY_TO_HELP, format!(
                "None of {} of round {} fits its training set: the least {TRAIN_ERROR} is {}. Regularization ({}) is \
                 unlikely to help much before training longer, a larger model or a better tuned learning rate does fit it.",
                count(errors.len(), "trial"),
                round.name,
                percent(least),
                list(&searched),
            ),
        )
        .about(best_few(reading, round))
        .with("least_train_error", least)
        .with("trials", errors.len() as f64),
    );
}
