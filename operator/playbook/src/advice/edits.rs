//! What is advised against, each with the edits that would satisfy it, and edits that several rules share.
//!
//! An edit is only what a study file can say for itself. What a person has to decide, such as which of two questions to ask,
//! and what a trainer must know, such as the name of a new hyperparameter, is none.

use studious_api::{
    HyperparameterValue, StudySpec,
    study::{Hyperparameter, Range, Scale},
    validate::{self, Violation},
};

use super::Advice;
use crate::{
    findings::{Change, Edit},
    first_range::first_range,
};

/// What is advised against, as it is found.
#[derive(Default)]
pub(super) struct AdviceList {
    pub(super) found: Vec<(Violation, Vec<Edit>)>,
}

impl AdviceList {
    /// Adds what no edit satisfies.
    pub(super) fn push(&mut self, violation: Violation) {
        self.found.push((violation, Vec::new()));
    }

    /// Adds what any of these edits may satisfy, the best first.
    pub(super) fn push_with(&mut self, violation: Violation, edits: impl IntoIterator<Item = Edit>) {
        self.found.push((violation, edits.into_iter().collect()));
    }
}

impl Advice {
    /// The edit that satisfies it, as a change of this study: the first that leaves the study valid and the advice unsaid.
    /// Nothing where no edit does; then [`Violation::fix`] says what to do instead.
    #[must_use]
    pub fn change(&self, spec: &StudySpec) -> Option<Change> {
        let satisfies = |edit: &&Edit| {
            let edited = edit.applied(spec);
            validate::refusals("study", &edited).is_empty()
                && !super::advice(&edited).iter().any(|other| other.is_as(self))
        };
        self.edits.iter().find(satisfies).and_then(|edit| Change::of(spec, edit.clone()))
    }

    /// Whether it is the same advice on the same thing.
    #[must_use]
    pub fn is_as(&self, other: &Self) -> bool {
        self.rule.code == other.rule.code
            && self.hyperparameter == other.hyperparameter
            && (self.hyperparameter.is_some() || self.violation.field == other.violation.field)
    }
}

/// Tunes a hyperparameter that is held, where the registry begins to search it, around the value that it is held at.
pub(super) fn tune(spec: &StudySpec, i: usize) -> Option<Edit> {
    let (h, known) = (spec.hyperparameters.get(i)?, spec.known().get(i).copied().flatten()?);
    let range = around(first_range(known.range?), h.value.as_ref()?.as_f64()?)?;
    Some(Edit::Tune { hyperparameter: i, range })
}

/// The range, widened so that it holds a value well within.
fn around(mut range: Range, value: f64) -> Option<Range> {
    if range.scale == Scale::Log && value > 0.0 {
        if value <= range.min {
            range.min = value / 10.0;
        }
        if value >= range.max {
            range.max = value * 10.0;
        }
    }
    (range.min..=range.max).contains(&value).then_some(range)
}

/// Holds a hyperparameter at the largest number that it was searched at.
pub(super) fn hold_at_largest(h: &Hyperparameter, i: usize, because: &str) -> Option<Edit> {
    let at = if let Some(range) = &h.range {
        HyperparameterValue::from(range.max)
    } else {
        let numbers = h.listed().filter_map(|value| Some((value, value.as_f64()?)));
        numbers.max_by(|a, b| a.1.total_cmp(&b.1))?.0.clone()
    };
    Some(Edit::Hold { hyperparameter: i, at, because: Some(because.to_owned()) })
}
