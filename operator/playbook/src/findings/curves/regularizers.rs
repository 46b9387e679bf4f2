//! The hyperparameters that regularize: what a study could do against overfitting, and where overfitting is to be expected.

use studious_api::{
    HyperparameterValue,
    study::{Hyperparameter, Role},
};

use studious_rules::registry::{DROPOUT, HyperparameterCategory, LABEL_SMOOTHING, WEIGHT_DECAY};

use super::super::{
    change::{Change, Edit},
    reading::{Axis, Reading},
    wording::{list, name},
};
use crate::{first_range::first_range, record::TrialRecord};

/// Values that turn a technique off, as lists name them.
const OFF: [&str; 4] = ["none", "off", "no", "false"];

/// The regularizers that a study compares (requirement R-077): overfitting is to be expected where they are weak.
pub(super) struct Compared<'a> {
    regularizers: Vec<(&'a Hyperparameter, Option<Axis<'a>>)>,
}

/// What overfitting says about the regularization that a study compares.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Effect {
    /// Only trials with less than the strongest overfit, as is to be expected.
    Helps,
    /// Those with the strongest overfit, and others do as well.
    TooWeak,
    /// Only those with the strongest overfit.
    Backwards,
}

impl<'a> Compared<'a> {
    /// Nothing where the study compares no regularization.
    pub(super) fn of(reading: &Reading<'a>) -> Option<Self> {
        let scientific = reading.varied().filter(|v| v.hyperparameter.role == Role::Scientific);
        let regularizers: Vec<_> = scientific
            .filter(|v| called(reading, v.hyperparameter).is_some())
            .map(|v| (v.hyperparameter, v.axis()))
            .collect();
        (!regularizers.is_empty()).then_some(Self { regularizers })
    }

    pub(super) fn names(&self) -> String {
        list(&self.regularizers.iter().map(|(h, _)| name(h)).collect::<Vec<_>>())
    }

    /// Whether a trial has the strongest value of each: of a list the largest, of a range one in the upper half.
    pub(super) fn is_strongest(&self, trial: &TrialRecord) -> bool {
        self.regularizers.iter().all(|(h, axis)| match (axis, &h.values) {
            (Some(axis), _) => axis.position(trial).is_some_and(|place| place >= 0.5),
            (None, Some(values)) => trial.hyperparameters.get(&h.name).is_some_and(|value| is_largest(value, values)),
            (None, None) => false,
        })
    }

    /// What it says that some of the trials that were looked at overfit.
    pub(super) fn effect(&self, looked_at: &[&TrialRecord], overfit: &[&TrialRecord]) -> Effect {
        let strong: Vec<_> = overfit.iter().filter(|t| self.is_strongest(t)).collect();
        let values = |t: &TrialRecord| -> Vec<Option<HyperparameterValue>> {
            self.regularizers.iter().map(|(h, _)| t.hyperparameters.get(&h.name).cloned()).collect()
        };
        // Values without an order, such as two kinds of augmentation, are equally strong: one that helps is enough.
        let lists = self.regularizers.iter().all(|(_, axis)| axis.is_none());
        let helps =
            looked_at.iter().any(|t| lists && self.is_strongest(t) && !strong.iter().any(|s| values(s) == values(t)));
        if strong.is_empty() || helps {
            Effect::Helps
        } else if strong.len() == overfit.len() {
            Effect::Backwards
        } else {
            Effect::TooWeak
        }
    }
}

/// Whether no value of a list is stronger: a larger number, `true` over `false`, anything over `none`.
fn is_largest(value: &HyperparameterValue, values: &[HyperparameterValue]) -> bool {
    let strength = |value: &HyperparameterValue| match value {
        HyperparameterValue::Bool(on) => f64::from(u8::from(*on)),
        HyperparameterValue::Text(text) => f64::from(u8::from(!OFF.contains(&text.to_ascii_lowercase().as_str()))),
        number => number.as_f64().unwrap_or(0.0),
    };
    values.iter().all(|other| strength(other) <= strength(value))
}

/// A range for a regularizer that is held, or a wider one for one that is tuned.
pub(super) fn stronger(reading: &Reading<'_>) -> Option<Change> {
    let held = regularizers(reading).find(|h| h.value.is_some());
    if let Some(h) = held
        && let Some(range) = reading.plan.known(&h.name).and_then(|known| known.range).map(first_range)
    {
        return reading.change(Edit::Tune { hyperparameter: reading.index(h), range });
    }
    let (h, range) = regularizers(reading).find_map(|h| Some((h, h.range.as_ref()?)))?;
    // Shares that are dropped or smoothed stay well below 1.
    let is_share = reading.plan.known(&h.name).is_some_and(|known| known.range.is_none_or(|r| r.scale == "Linear"));
    let most = if is_share { 0.8 } else { f64::INFINITY };
    let to = (2.0 * range.max).min(most);
    // What the study has widened and no trial has tried yet is wide enough.
    let all = reading.rounds.iter().flat_map(|round| &round.trials);
    let tried = all.filter_map(|t| t.hyperparameters.get(&h.name)?.as_f64()).fold(f64::NEG_INFINITY, f64::max);
    let is_tried = tried >= range.max - 0.5 * (range.max - range.min).abs();
    (to > range.max && is_tried)
        .then(|| reading.change(Edit::Boundary { hyperparameter: reading.index(h), upper: true, to }))?
}

/// What to add or to tune, by what the study has.
pub(super) fn remedy(reading: &Reading<'_>) -> String {
    let tuned: Vec<_> = regularizers(reading).filter(|h| h.value.is_none()).map(name).collect();
    let held: Vec<_> = regularizers(reading).filter(|h| h.value.is_some()).map(name).collect();
    let missing: Vec<&str> = [DROPOUT.called, LABEL_SMOOTHING.called, WEIGHT_DECAY.called]
        .into_iter()
        .filter(|technique| !regularizers(reading).any(|h| called(reading, h) == Some(technique)))
        .collect();
    let mut parts = Vec::new();
    if !held.is_empty() {
        parts.push(format!("{} tuned as nuisance instead of held", list(&held)));
    }
    if !tuned.is_empty() {
        parts.push(format!("stronger values of {} in reach", list(&tuned)));
    }
    if !missing.is_empty() {
        parts.push(format!("{} added as nuisance", list(&missing)));
    }
    list(&parts)
}

fn regularizers<'a>(reading: &Reading<'a>) -> impl Iterator<Item = &'a Hyperparameter> {
    reading.plan.spec().hyperparameters.iter().filter(|h| called(reading, h).is_some())
}

/// What a hyperparameter is called if it regularizes.
pub(super) fn called(reading: &Reading<'_>, hyperparameter: &Hyperparameter) -> Option<&'static str> {
    let known = reading.plan.known(&hyperparameter.name)?;
    (known.category == HyperparameterCategory::Regularization).then_some(known.called)
}
