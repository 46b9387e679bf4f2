//! What changes from one round to the next: which arm is best, and how much of the added steps are worth anything.

use studious_rules::{
    curves::{CONCLUSION_FLIPPED, EXTRA_STEPS_AT_TINY_LR},
    thresholds::curves::{MOSTLY_TINY, TINY_RATE},
};

use super::{
    super::{
        Confidence, Finding, exact,
        reading::{Arm, Reading, RoundTrials},
        wording::{number, percent},
    },
    best_few,
};
use crate::{
    contract::metrics::LEARNING_RATE,
    record::{Curve, TrialRecord},
};

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    for pair in reading.rounds.windows(2) {
        let [earlier, later] = pair else { continue };
        findings.extend(flipped(reading, earlier, later));
        findings.extend(tiny_rates(reading, earlier, later));
    }
}

/// The arm whose best trial is the best of the round.
fn winner<'a>(reading: &Reading<'a>, round: &RoundTrials<'a>) -> Option<Arm<'a>> {
    let (best, _) = reading.ranked(&round.trials).first().copied()?;
    reading.arms(round).into_iter().find(|arm| arm.trials.iter().any(|t| std::ptr::eq(*t, best)))
}

/// Requirement R-112: the conclusion of a short round may not hold for longer training. It has flipped if another arm is
/// the best and its trials lie so far before those of the earlier winner that chance doesn't explain it (Wilcoxon's
/// rank-sum test, counted exactly).
fn flipped(reading: &Reading<'_>, earlier: &RoundTrials<'_>, later: &RoundTrials<'_>) -> Option<Finding> {
    let (before, after) = (winner(reading, earlier)?, winner(reading, later)?);
    if before.configuration == after.configuration {
        return None;
    }
    let arms = reading.arms(later);
    let old = arms.iter().find(|arm| arm.configuration == before.configuration)?;
    let both: Vec<_> = after.trials.iter().chain(&old.trials).copied().collect();
    let ranked = reading.ranked(&both);
    let ranks: Vec<usize> = (1..)
        .zip(&ranked)
        .filter(|(_, (t, _))| after.trials.iter().any(|o| std::ptr::eq(*o, *t)))
        .map(|(rank, _)| rank)
        .collect();
    let chance = exact::rank_sum_at_most(ranked.len(), ranks.len(), ranks.iter().sum());
    if chance > reading.alarm_level(later) || ranks.len() == ranked.len() {
        return None;
    }
    let best = |trials: &[&TrialRecord]| {
        let values = trials.iter().filter_map(|t| t.objective());
        values.reduce(|a, b| if reading.direction().better(b, a) { b } else { a })
    };
    let (new_best, old_best) = (best(&after.trials)?, best(&old.trials)?);
    let finding = Finding::new(
        &CONCLUSION_FLIPPED,
        format!(
            "In round {} ({} steps) {} was best; in round {} ({} steps) {} is, {} against {}. What short training shows \
             doesn't hold for long training here: rest conclusions on the longer round.",
            earlier.name,
            earlier.steps,
            before.label(),
            later.name,
            later.steps,
            after.label(),
            number(new_best),
            number(old_best),
        ),
    );
    Some(
        finding
            .about(ranked.iter().map(|(t, _)| *t))
            .with("chance", chance)
            .with("best", new_best)
            .with("best_of_earlier_winner", old_best)
            .with("steps", later.steps as f64)
            .with("earlier_steps", earlier.steps as f64),
    )
}

/// Requirement R-113: steps that are added where the learning rate is tiny do little.
fn tiny_rates(reading: &Reading<'_>, earlier: &RoundTrials<'_>, later: &RoundTrials<'_>) -> Option<Finding> {
    let added = later.steps.checked_sub(earlier.steps).filter(|added| *added > 0)?;
    let tiny = reading.threshold(&TINY_RATE);
    let rates = |round: &RoundTrials<'_>| {
        best_few(reading, round).first().and_then(|t| tiny_share(t.curves.get(LEARNING_RATE)?, tiny))
    };
    let (before, after) = (rates(earlier)?, rates(later)?);
    let at_tiny = after * later.steps as f64 - before * earlier.steps as f64;
    let share = at_tiny / added as f64;
    (share > reading.threshold(&MOSTLY_TINY)).then(|| {
        let mut finding = Finding::new(
            &EXTRA_STEPS_AT_TINY_LR,
            format!(
                "{} of the {added} steps that round {} adds to round {} run at less than {} of the peak learning rate. \
                 The playbook's suggestion, which it marks as speculation, is to spend them at the high rate: keep the decay \
                 as long as it was and extend the constant part before it.",
                percent(share.min(1.0)),
                later.name,
                earlier.name,
                percent(tiny),
            ),
        );
        finding.confidence = Some(Confidence::of_open_question(reading));
        finding
            .with("share", share)
            .with("added_steps", added as f64)
            .with("tiny_share", after)
            .with("tiny_share_before", before)
    })
}

/// The share of training after its peak that runs at a tiny learning rate.
fn tiny_share(rates: &Curve, tiny: f64) -> Option<f64> {
    let peak = rates.iter().map(|(_, rate)| *rate).fold(0.0, f64::max);
    let top = rates.iter().position(|(_, rate)| *rate >= peak)?;
    let low = rates.iter().skip(top).filter(|(_, rate)| *rate < tiny * peak).count();
    (peak > 0.0 && rates.len() >= 10).then(|| low as f64 / rates.len() as f64)
}
