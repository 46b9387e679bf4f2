//! Whether a Bayesian search learns enough between its suggestions.

use studious_rules::{search::LOW_FEEDBACK_BAYES, thresholds::search::LOW_FEEDBACK};

use super::{Edit, Finding, reading::Reading, wording::percent};
use crate::numbers::count;

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let spec = reading.plan.spec();
    let trials: u32 = spec.rounds.iter().filter(|r| r.from.is_none()).filter_map(|r| r.trials).sum();
    let limit = reading.threshold(&LOW_FEEDBACK);
    let share = f64::from(spec.parallelism) / f64::from(trials.max(1));
    if !reading.is_adaptive() || reading.rounds.is_empty() || spec.parallelism <= 1 || share < limit {
        return;
    }
    // A share of a number of trials: small and not negative.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let fewer = ((limit * f64::from(trials)).ceil() as u32).saturating_sub(1).max(1);
    let mut finding = Finding::new(
        &LOW_FEEDBACK_BAYES,
        format!(
            "{} of {} run at once ({}): most points are suggested before there is anything to learn from. Run \
             fewer at once, or use QuasiRandom search, which is as good there and easier to read.",
            spec.parallelism.min(trials),
            count(trials as usize, "trial"),
            percent(share.min(1.0))
        ),
    )
    .with("parallelism", f64::from(spec.parallelism))
    .with("trials", f64::from(trials))
    .with("share", share);
    if fewer < spec.parallelism {
        finding = finding.suggest(reading.change(Edit::Parallelism(fewer)));
    }
    findings.push(finding);
}
