//! Trials that were added to a round after a later one had begun.
//!
//! Validation refuses that, since the later round took its points from the trials there were. But the validator may not
//! know yet that it has begun: what was asked a moment too late is not done, and that is said.

use std::fmt;

use studious_api::{study::Round, validate};

use super::{PointSource, names};
use crate::Plan;

/// A study as it continues.
#[derive(Clone, Debug)]
pub struct Settled {
    /// Its plan, in which rounds before the last that has begun ask no more than what they ran.
    pub plan: Plan,
    /// What isn't done.
    pub late: Vec<TooLate>,
}

/// Trials that are not run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TooLate {
    /// Where the round stands in `spec.rounds`.
    pub place: usize,
    /// Its name.
    pub round: String,
    /// The trials that it had when the later round began.
    pub ran: u32,
    /// The trials that are asked now.
    pub asked: u32,
    /// The round that has begun.
    pub later: String,
}

/// A plan without the trials that came too late; `None` when there are none. `last_index` gives the highest index of the
/// trials of a round, if it has any.
#[must_use]
pub fn settled(plan: &Plan, last_index: impl Fn(&str) -> Option<u32>) -> Option<Settled> {
    let names = names(plan);
    let begun = |round: &str| last_index(round).is_some();
    let last = names.iter().rposition(|round| begun(round)).filter(|last| *last > 0)?;
    // An index that has no point counts as well.
    let up_to = |index: Option<u32>| index.map_or(0, |index| index.saturating_add(1));
    let ran = |round: &str| up_to(last_index(round));
    let asked = |round: &str| up_to(plan.fresh().of(round).and_then(|points| points.last()).map(|p| p.key.index));
    let is_late = |(place, round): (usize, &Round)| {
        // A round before that has no trial at all took none of its own: it had no points.
        let is_fresh = PointSource::of(plan, &round.name) == Some(PointSource::Fresh) && begun(&round.name);
        let (ran, asked) = (ran(&round.name), asked(&round.name));
        (is_fresh && asked > ran).then(|| TooLate {
            place,
            round: round.name.clone(),
            ran,
            asked,
            later: names[last].clone(),
        })
    };
    let late: Vec<TooLate> = plan.spec().rounds.iter().take(last).enumerate().filter_map(is_late).collect();
    if late.is_empty() {
        return None;
    }
    let mut spec = plan.spec().clone();
    for TooLate { place, ran, .. } in &late {
        spec.rounds[*place].trials = Some(*ran);
    }
    // It was valid before they were added.
    Plan::new(plan.name(), &spec).ok().map(|plan| Settled { plan, late })
}

impl fmt::Display for TooLate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, round, ran, asked, later } = self;
        let rule = format!(
            "round {later} had begun, whose points come from the {ran} trials that round {round} had then: the {} added \
             ones don't run",
            asked - ran
        );
        let field = format!("spec.rounds[{place}].trials");
        let fix = "Run them as a new study.".to_owned();
        validate::Violation { field, value: asked.to_string(), rule, fix, code: None }.fmt(f)
    }
}
