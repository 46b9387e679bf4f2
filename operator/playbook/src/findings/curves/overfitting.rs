//! Overfitting: the objective worsens while the training loss doesn't.
//!
//! A trial overfits if the end of its objective's curve lies above its lowest run of evaluations by more than chance
//! explains, by more than twice the noise of evaluations in all of its last three evaluations (smoothed over three), and by
//! more than a fiftieth of what training gained. The noise of a curve is drawn towards that of the round's curves, and the
//! mean curve of the best trials is looked at as well: it shows what each of a few short curves only hints at. Where the
//! training loss rises as well, training broke down: that is another finding.

use studious_api::study::Direction;
use studious_rules::{
    curves::{OVERFITTING_IN_BEST, SELECTION_BIAS},
    thresholds::{
        curves::{MANY_OVERFITTING, MATERIAL_RISE, RISE_DEVIATIONS},
        search::FALSE_ALARMS,
    },
};

use super::{
    super::{
        Finding, Severity,
        change::Change,
        exact,
        reading::{Axis, Reading},
        wording::{count, name, number},
    },
    evaluations, leading,
    regularizers::{self, Compared, Effect},
    series::{BinnedCurve, NoiseOfAll, Rise},
};
use crate::{decide::TRAIN_LOSS, record::TrialRecord};

/// How far a trial overfits.
struct Overfit<'a> {
    trial: &'a TrialRecord,
    by: f64,
    from: u64,
    chance: f64,
}

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.concluding() else { return };
    let all: Vec<_> = round.succeeded().collect();
    let curves = RoundCurves::of(reading, &all);
    let leading = leading(reading, round);
    let best = curves.leading_overfits(reading, &leading);
    if !best.is_empty() {
        findings.push(in_best(reading, &leading, &best));
    }
    let is_leading = |trial: &TrialRecord| leading.iter().any(|t| std::ptr::eq(*t, trial));
    let others: Vec<_> = curves.overfits(reading).into_iter().filter(|o| !is_leading(o.trial)).collect();
    // Where all overfit, none is favoured.
    if !others.is_empty() && best.len() + others.len() < all.len() {
        findings.push(bias(reading, &all, best.len(), &others));
    }
}

/// Whether one of the best trials overfits, fitted training set or not.
pub(in crate::findings) fn is_in_best(reading: &Reading<'_>) -> bool {
    reading.concluding().is_some_and(|round| {
        let all: Vec<_> = round.succeeded().collect();
        !RoundCurves::of(reading, &all).leading_overfits(reading, &leading(reading, round)).is_empty()
    })
}

/// Those of some trials that overfit.
pub(crate) fn overfitting_trials<'a>(reading: &Reading<'_>, trials: &[&'a TrialRecord]) -> Vec<&'a TrialRecord> {
    RoundCurves::of(reading, trials).overfits(reading).into_iter().map(|o| o.trial).collect()
}

/// The objective's curves of trials that are long enough, and what they say together of their noise.
struct RoundCurves<'a> {
    of: Vec<(&'a TrialRecord, BinnedCurve)>,
    noise: NoiseOfAll,
    /// The false alarms that are shared out among what is looked at.
    level: f64,
}

impl<'a> RoundCurves<'a> {
    fn of(reading: &Reading<'_>, trials: &[&'a TrialRecord]) -> Self {
        let direction = reading.direction();
        let curves =
            trials.iter().filter_map(|t| Some((*t, BinnedCurve::of(reading, evaluations(reading, t)?, direction)?)));
        let of: Vec<_> = curves.collect();
        let noise = NoiseOfAll::of(of.iter().map(|(_, series)| series));
        let level = reading.concluding().map_or(0.0, |round| reading.alarm_level(round));
        Self { of, noise, level }
    }

    /// Those that overfit; the false alarms are shared by all that are looked at.
    fn overfits(&self, reading: &Reading<'_>) -> Vec<Overfit<'a>> {
        let limit = self.level / self.of.len().max(1) as f64;
        self.of.iter().filter_map(|(trial, series)| self.overfit(reading, trial, series, limit)).collect()
    }

    /// Those of the leading trials that overfit. One half of the false alarms is shared by the trials, one is for their mean.
    fn leading_overfits(&self, reading: &Reading<'_>, leading: &[&TrialRecord]) -> Vec<Overfit<'a>> {
        let leads = |trial: &TrialRecord| leading.iter().any(|t| std::ptr::eq(*t, trial));
        let looked_at: Vec<_> = self.of.iter().filter(|(trial, _)| leads(trial)).collect();
        let half = 0.5 * self.level;
        let limit = half / looked_at.len().max(1) as f64;
        let mut found: Vec<_> =
            looked_at.iter().filter_map(|(trial, series)| self.overfit(reading, trial, series, limit)).collect();
        for overfit in self.overfits_together(reading, &looked_at, half) {
            if !found.iter().any(|o| std::ptr::eq(o.trial, overfit.trial)) {
                found.push(overfit);
            }
        }
        found
    }

    fn overfit(
        &self,
        reading: &Reading<'_>,
        trial: &'a TrialRecord,
        series: &BinnedCurve,
        limit: f64,
    ) -> Option<Overfit<'a>> {
        let rise = series.rise(&self.noise);
        (rise.chance <= limit && is_overfitting(reading, series, &rise) && !training_breaks_down(reading, trial, limit))
            .then_some(Overfit { trial, by: rise.by, from: rise.from, chance: rise.chance })
    }

    /// Those that overfit from where their mean is lowest, if the mean does.
    fn overfits_together(
        &self,
        reading: &Reading<'_>,
        curves: &[&(&'a TrialRecord, BinnedCurve)],
        limit: f64,
    ) -> Vec<Overfit<'a>> {
        let usual: Vec<_> = curves.iter().map(|(_, series)| series.without_lowest()).collect();
        let Some(mean) = BinnedCurve::mean(&usual) else { return Vec::new() };
        let together = mean.rise(&self.noise.of_mean(usual.len()));
        if together.chance > limit || !is_overfitting(reading, &mean, &together) {
            return Vec::new();
        }
        let overfit = curves.iter().filter_map(|(trial, series)| {
            let rise = series.rise_from(together.start, &self.noise);
            let rises = rise.by > reading.threshold(&RISE_DEVIATIONS) * rise.error;
            (rises && is_material(reading, series, &rise) && !training_breaks_down(reading, trial, limit))
                .then_some(Overfit { trial, by: rise.by, from: rise.from, chance: together.chance })
        });
        overfit.collect()
    }
}

/// Whether a rise stays to the end, beyond noise, and matters.
fn is_overfitting(reading: &Reading<'_>, series: &BinnedCurve, rise: &Rise) -> bool {
    let stays = series.lowest_late() - series.lowest_run() > reading.threshold(&RISE_DEVIATIONS) * rise.noise;
    stays && is_material(reading, series, rise)
}

fn is_material(reading: &Reading<'_>, series: &BinnedCurve, rise: &Rise) -> bool {
    rise.by > reading.threshold(&MATERIAL_RISE) * series.improvement()
}

fn training_breaks_down(reading: &Reading<'_>, trial: &TrialRecord, limit: f64) -> bool {
    let loss = trial.curves.get(TRAIN_LOSS).and_then(|curve| BinnedCurve::of(reading, curve, Direction::Minimize));
    loss.is_some_and(|series| {
        let rise = series.rise(&NoiseOfAll::unknown());
        rise.chance <= limit && is_material(reading, &series, &rise)
    })
}

fn in_best(reading: &Reading<'_>, looked_at: &[&TrialRecord], found: &[Overfit<'_>]) -> Finding {
    let metric = &reading.plan.spec().objective.metric;
    let (severity, tail, change) = judged(reading, looked_at, found);
    let surest = found.iter().map(|o| o.chance).fold(f64::INFINITY, f64::min);
    let first = found.iter().map(|o| o.from).min().unwrap_or(0);
    let worst = found.iter().map(|o| o.by).fold(0.0, f64::max);
    let trials = if found.len() == 1 { "1 of the".to_owned() } else { format!("{} of the", found.len()) };
    // A breakdown of training looks the same.
    let unknown = if found.iter().any(|o| o.trial.curves.contains_key(TRAIN_LOSS)) {
        String::new()
    } else {
        format!(" Without {TRAIN_LOSS} a breakdown of training looks the same: log it.")
    };
    let what = if worse_is_higher(reading) { "rises" } else { "falls" };
    Finding::new(
        &OVERFITTING_IN_BEST,
        format!(
            "{trials} {} whose curves were examined overfit: {metric} {what} by up to {} from its best (from step \
             {first}) to the end. {tail}{unknown}",
            count(looked_at.len(), "best trial"),
            number(worst),
        ),
    )
    .graded(severity)
    .about(found.iter().map(|o| o.trial))
    .with("overfitting", found.len() as f64)
    .with("looked_at", looked_at.len() as f64)
    .with("largest_rise", worst)
    .with("from_step", first as f64)
    .with("chance", surest)
    .suggest(change)
}

/// How much overfitting in the best trials matters, and what to do about it.
fn judged(
    reading: &Reading<'_>,
    looked_at: &[&TrialRecord],
    found: &[Overfit<'_>],
) -> (Severity, String, Option<Change>) {
    let overfit: Vec<_> = found.iter().map(|o| o.trial).collect();
    let compared = Compared::of(reading);
    let effect = compared.as_ref().map(|c| (c.names(), c.effect(looked_at, &overfit)));
    let has_arms = reading.concluding().is_some_and(|round| reading.arms(round).len() > 1);
    let severity = if has_arms { Severity::Problem } else { Severity::Warning };
    let remedy = regularizers::remedy(reading);
    match effect {
        Some((names, Effect::Helps)) => {
            let tail = format!("The study compares {names}, so that is to be expected where there is little of it.");
            (Severity::Info, tail, None)
        }
        Some((names, Effect::Backwards)) => {
            let tail = format!(
                "Only the strongest {names} overfits, where less of it does not: more of it does not help here. See whether \
                 it is applied as it should be, in training and not in evaluation, before you compare."
            );
            (severity, tail, None)
        }
        Some((names, Effect::TooWeak)) => {
            let tail =
                format!("The strongest {names} overfits too. Don't compare yet: run the study again with {remedy}.");
            (severity, tail, regularizers::stronger(reading))
        }
        None if has_arms => {
            let tail = format!(
                "Don't compare yet, and don't prefer a value because it overfits less: run the study again with {remedy}."
            );
            (severity, tail, regularizers::stronger(reading))
        }
        None => (severity, format!("Run it again with {remedy}."), regularizers::stronger(reading)),
    }
}

fn worse_is_higher(reading: &Reading<'_>) -> bool {
    reading.direction() == Direction::Minimize
}

/// Requirement R-078: choosing the best hides overfitting, and favors whatever hampers training.
fn bias(reading: &Reading<'_>, all: &[&TrialRecord], in_best: usize, others: &[Overfit<'_>]) -> Finding {
    let share = (others.len() + in_best) as f64 / all.len() as f64;
    let overfit: Vec<_> = others.iter().map(|o| o.trial).collect();
    let effect = Compared::of(reading).map(|c| (c.names(), c.effect(all, &overfit)));
    let is_expected = matches!(effect, Some((_, Effect::Helps)));
    let is_many = share >= reading.threshold(&MANY_OVERFITTING);
    let severity = if is_many && !is_expected { Severity::Warning } else { Severity::Info };
    let goes_along = along(reading, all, others);
    let along = goes_along.as_ref().map_or_else(String::new, |(axis, upper, _)| {
        let end = if *upper { "higher" } else { "lower" };
        format!(" They are the ones with {end} {}.", name(axis.hyperparameter))
    });
    let advice = match effect {
        Some((names, Effect::Helps)) => {
            format!("The study compares {names}, so that is to be expected where there is little of it.")
        }
        Some((names, Effect::Backwards)) => format!(
            "Only the strongest {names} overfits, so that more of it does not help here; choosing the best passes over such \
             trials."
        ),
        Some((_, Effect::TooWeak)) | None => {
            "Choosing the best passes over trials that overfit, and so favors whatever hampers training, such as too small a \
             learning rate. With stronger regularization others may be the best."
                .to_owned()
        }
    };
    let clean = if in_best == 0 { ", though none of the best does" } else { "" };
    let mut finding = Finding::new(
        &SELECTION_BIAS,
        format!("{} of {} overfit{clean}.{along} {advice}", others.len() + in_best, count(all.len(), "trial")),
    )
    .graded(severity)
    .about(others.iter().map(|o| o.trial))
    .with("overfitting", (others.len() + in_best) as f64)
    .with("trials", all.len() as f64)
    .with("share", share)
    .with("chance", others.iter().map(|o| o.chance).fold(f64::INFINITY, f64::min));
    for axis in reading.axes() {
        for (half, upper) in [("lower", false), ("upper", true)] {
            let there: Vec<_> = all.iter().filter(|t| axis.position(t).is_some_and(|p| (p >= 0.5) == upper)).collect();
            if !there.is_empty() {
                let overfit = there.iter().filter(|t| others.iter().any(|o| std::ptr::eq(o.trial, ***t))).count();
                let share = overfit as f64 / there.len() as f64;
                finding = finding.with(format!("share[{half} half of {}]", name(axis.hyperparameter)), share);
            }
        }
    }
    if let Some((axis, _, chance)) = goes_along {
        finding = finding.of(axis.name()).with("along_chance", chance);
    }
    finding
}

/// The axis with which overfitting goes along, and to which end, if it is by more than noise.
fn along<'a>(reading: &Reading<'a>, all: &[&TrialRecord], others: &[Overfit<'_>]) -> Option<(Axis<'a>, bool, f64)> {
    let axes: Vec<_> = reading.axes().collect();
    let limit = reading.threshold(&FALSE_ALARMS) / (2 * axes.len()).max(1) as f64;
    let mut found: Option<(Axis<'a>, bool, f64)> = None;
    for axis in axes {
        for upper in [false, true] {
            let mut placed: Vec<_> = all
                .iter()
                .filter_map(|t| {
                    let overfits = others.iter().any(|o| std::ptr::eq(o.trial, *t));
                    axis.position(t).map(|p| (if upper { 1.0 - p } else { p }, overfits))
                })
                .collect();
            placed.sort_by(|a, b| a.0.total_cmp(&b.0));
            let ranks: Vec<usize> = (1..).zip(&placed).filter(|(_, (_, overfits))| *overfits).map(|(r, _)| r).collect();
            let chance = exact::rank_sum_at_most(placed.len(), ranks.len(), ranks.iter().sum());
            if chance <= limit && found.as_ref().is_none_or(|(.., c)| chance < *c) {
                found = Some((axis, upper, chance));
            }
        }
    }
    found
}
