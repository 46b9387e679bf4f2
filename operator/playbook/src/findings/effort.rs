//! Whether the arms that are compared were tuned with the same effort.
//!
//! Effort is the number of different points with a result, and no more than the number of different learning rates: ten
//! trainings at one learning rate tuned nothing. An arm that seems worse but had less than half of the winner's effort may
//! only be under-tuned. In a `Sampled` study counts differ by chance, so there chance must not explain it.

use std::collections::BTreeSet;

use studious_api::study::Scientific;
use studious_rules::{
    search::{BASELINE_UNDER_TUNED, UNEQUAL_TUNING},
    thresholds::search::{EFFORT_DIFFERENCE, TUNING_BALANCE},
};

use super::{
    Finding,
    boundary::is_learning_rate,
    change::{Change, Edit},
    exact,
    reading::{Arm, Reading, RoundTrials},
    wording::{count, list},
};
use crate::space::PointIdentity;

/// The arms of the exploring round with their effort, and which of them seems best.
struct Efforts<'a> {
    arms: Vec<(Arm<'a>, usize)>,
    winner: usize,
}

impl<'a> Efforts<'a> {
    /// Nothing where there is one arm, or no result.
    fn of(reading: &Reading<'a>) -> Option<Self> {
        let arms = reading.arms(reading.exploring()?);
        let (winner, _) = arms
            .iter()
            .enumerate()
            .filter_map(|(i, arm)| Some((i, reading.ranked(&arm.trials).first()?.1)))
            .reduce(|a, b| if reading.direction().better(b.1, a.1) { b } else { a })
            .filter(|_| arms.len() > 1)?;
        let arms =
            arms.into_iter().map(|arm| (effort(reading, &arm), arm)).map(|(effort, arm)| (arm, effort)).collect();
        Some(Self { arms, winner })
    }

    /// The effort of the arm that seems best.
    fn most(&self) -> usize {
        self.arms[self.winner].1
    }

    /// Arms that seem worse and may only be under-tuned.
    fn under(&self, reading: &Reading<'_>) -> Vec<&(Arm<'a>, usize)> {
        let (count, most) = (self.arms.len(), self.most());
        let others = self.arms.iter().enumerate().filter(|(i, _)| *i != self.winner);
        others.map(|(_, arm)| arm).filter(|(_, effort)| is_less(reading, count, *effort, most)).collect()
    }
}

/// Labels of the arms that `BaselineUnderTuned` names, with their different points.
pub(super) fn under_tuned(reading: &Reading<'_>) -> Vec<(String, usize)> {
    let efforts = Efforts::of(reading);
    let under = efforts.iter().flat_map(|efforts| efforts.under(reading));
    under.map(|(arm, effort)| (arm.label(), *effort)).collect()
}

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.exploring() else { return };
    let Some(all) = Efforts::of(reading) else { return };
    let (efforts, most, under) = (&all.arms, all.most(), all.under(reading));
    let (winner, _) = &efforts[all.winner];
    let evidence = |mut finding: Finding| {
        for (arm, effort) in efforts {
            finding = finding.with(format!("points[{}]", arm.label()), *effort as f64);
        }
        finding
    };
    if let Some((_, least)) = under.iter().min_by_key(|(_, e)| *e) {
        let labels: Vec<_> = under.iter().map(|(arm, _)| arm.label()).collect();
        let mut finding = evidence(Finding::new(
            &BASELINE_UNDER_TUNED,
            format!(
                "{} had {} against {} of {}, which seems best: the difference may be one of tuning. Tune every arm at \
                 least as well before comparing: the same number of points, with the learning rate tuned in each.",
                list(&labels),
                count(*least, "different point"),
                most,
                winner.label(),
            ),
        ));
        finding.change = balanced(reading, round, efforts.len(), most);
        findings.push(finding);
        return;
    }
    let better_off: Vec<_> = efforts.iter().filter(|(_, e)| is_less(reading, efforts.len(), most, *e)).collect();
    if !better_off.is_empty() {
        let labels: Vec<_> = better_off.iter().map(|(arm, _)| arm.label()).collect();
        findings.push(evidence(Finding::new(
            &UNEQUAL_TUNING,
            format!(
                "{} seems best with {}, far fewer than {} had: with the same tuning its lead could only grow.",
                winner.label(),
                count(most, "different point"),
                list(&labels),
            ),
        )));
    }
}

/// Whether one effort is so much less than another that the two don't compare.
fn is_less(reading: &Reading<'_>, arms: usize, less: usize, more: usize) -> bool {
    let unbalanced = (less as f64) < reading.threshold(&TUNING_BALANCE) * more as f64
        && less + reading.count(&EFFORT_DIFFERENCE) <= more;
    let by_luck = || {
        let level = reading.exploring().map_or(0.0, |round| reading.alarm_level(round));
        let limit = level / (arms - 1).max(1) as f64;
        reading.plan.spec().search.scientific == Scientific::Sampled
            && exact::successes_at_least(less + more, more, 0.5) > limit
    };
    unbalanced && !by_luck()
}

/// Different points with a result, or different learning rates if they are fewer.
fn effort(reading: &Reading<'_>, arm: &Arm<'_>) -> usize {
    let results = || arm.trials.iter().copied().filter(|t| t.is_result());
    let points: BTreeSet<_> = results().map(|t| PointIdentity::of(&t.hyperparameters)).collect();
    let mut effort = points.len();
    for axis in reading.axes().filter(|axis| is_learning_rate(reading, *axis)) {
        let rates: BTreeSet<u64> = results().filter_map(|t| axis.value(t)).map(f64::to_bits).collect();
        // Of lists and grids a learning rate is tried again with other values of the others: that is tuning too.
        let (ends, several) = (axis.ends(), rates.len() >= 3);
        if !rates.is_empty() && !several && ends.0 < ends.1 {
            effort = effort.min(rates.len());
        }
    }
    effort
}

/// As many trials for each arm as the best tuned has.
fn balanced(reading: &Reading<'_>, round: &RoundTrials<'_>, arms: usize, most: usize) -> Option<Change> {
    let planned = reading.plan.spec().rounds.iter().find(|r| r.name == round.name)?.trials?;
    let to = u32::try_from(arms * most).ok()?.min(9999);
    (to > planned).then(|| reading.change(Edit::Trials { round: reading.round_index(round.name), to }))?
}
