//! Whether the last trials still brought anything.
//!
//! Points of a non-adaptive search have no order that matters, so the gain of the last third is its mean over all orders:
//! what two thirds of the trials would have found, on average, against what all found. An adaptive search has an order.
//! Where an arm is undersampled, more trials would help, and nothing is claimed to be saturated; nor where too few have a
//! result to answer the first two questions.

use studious_rules::{
    search::TUNING_GAINS_SATURATED,
    thresholds::search::{SATURATED_GAIN, SATURATED_TAIL, SATURATED_TRIALS},
};

use super::{
    Finding, budget,
    reading::Reading,
    sampling::{Sampled, comparable_noise, sampled},
    unseen,
    wording::{number, percent},
};

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.exploring() else { return };
    let results: Vec<_> = round.results().collect();
    let sorted = reading.objectives(&results);
    let tail = reading.threshold(&SATURATED_TAIL);
    // A share of a length: small and not negative.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let before = ((1.0 - tail) * results.len() as f64).round() as usize;
    let fewest = reading.count(&SATURATED_TRIALS);
    if results.len() < fewest || sorted.len() < fewest / 2 {
        return;
    }
    let gain = if reading.is_adaptive() {
        // Trials are in the order of their names, which is that of their making.
        reading.ranked(&results[..before]).first().map(|(_, o)| (o - sorted[0]).abs())
    } else {
        budget::expected_best(&sorted, results.len(), before).map(|expected| (expected - sorted[0]).abs())
    };
    let Some(gain) = gain else { return };
    let spread = (sorted[sorted.len() / 2] - sorted[0]).abs();
    let noise = comparable_noise(reading, round);
    let limit = noise.unwrap_or(reading.threshold(&SATURATED_GAIN) * spread);
    let thin = |arm: &Sampled<'_>| arm.poor.is_some() || arm.results < arm.needed;
    if gain > limit || spread == 0.0 || sampled(reading).iter().any(thin) || unseen::wants_trials(reading) {
        return;
    }
    let against = match noise {
        Some(noise) => format!("less than the {} by which trainings of one point vary", number(noise)),
        None => format!(
            "less than {} of the distance between the median trial and the best",
            percent(reading.threshold(&SATURATED_GAIN))
        ),
    };
    findings.push(
        Finding::new(&TUNING_GAINS_SATURATED, format!(
                "The last {} of {} trials of round {} gained {}, {against}. More trials in this space are unlikely to help: change \
                 the space, ask another question, or continue with exploitation.",
                percent(tail),
                results.len(),
                round.name,
                number(gain),
            ),
        )
        .with("gain", gain)
        .with("limit", limit)
        .with("trials", results.len() as f64)
        .with("trials_in_tail", (results.len() - before) as f64),
    );
}
