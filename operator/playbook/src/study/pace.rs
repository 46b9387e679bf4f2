//! How long a study will take from here, by what its trials have taken so far.

use std::time::Duration;

use crate::{Millis, Plan, record::TrialRecord, rounds};

/// Time that trials have taken, and the steps that were planned for them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    time: Duration,
    steps: u64,
}

impl Pace {
    /// Takes in a trial that has ended, whether it trained to the end or not: others will not either.
    pub fn add(&mut self, time: Duration, steps: u64) {
        self.time += time;
        self.steps = self.steps.saturating_add(steps);
    }

    /// The time for so many steps more, with so many trials at once; nothing until a trial has ended.
    #[must_use]
    pub fn time_left(&self, steps: u64, at_once: usize) -> Option<Duration> {
        let share = steps as f64 / self.steps as f64 / at_once.max(1) as f64;
        if self.steps == 0 || self.time.is_zero() {
            return None;
        }
        Duration::try_from_secs_f64(self.time.as_secs_f64() * share).ok()
    }
}

/// Training steps of all rounds.
#[must_use]
pub fn steps_planned(plan: &Plan) -> u64 {
    let steps =
        |round: &String| u64::from(rounds::trials_in(plan, round)).saturating_mul(rounds::max_train_steps(plan, round));
    rounds::names(plan).iter().map(steps).fold(0, u64::saturating_add)
}

/// The time that a study needs from here, of which so many trials run now. `records` hold how far each of those has come.
#[must_use]
pub fn time_left(plan: &Plan, records: &[TrialRecord], running: usize) -> Option<Duration> {
    let (mut pace, mut done) = (Pace::default(), 0_u64);
    for record in records {
        let steps = rounds::max_train_steps(plan, &record.round);
        if record.outcome.phase().has_ended() {
            pace.add(time_of(record), steps);
            done = done.saturating_add(steps);
        } else {
            let last = record.curves.values().filter_map(|curve| curve.last()).map(|(step, _)| *step).max();
            done = done.saturating_add(last.unwrap_or_default().min(steps));
        }
    }
    pace.time_left(steps_planned(plan).saturating_sub(done), running)
}

/// What a trial's attempts took.
fn time_of(record: &TrialRecord) -> Duration {
    let of = |began: Millis, ended: Millis| Duration::from_millis(ended.0.saturating_sub(began.0));
    let spans = record.attempts.iter().filter_map(|span| Some(of(span.started.or(span.queued)?, span.ended?)));
    spans.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{AttemptSpan, Outcome};

    const SPEC: &str = "
goal: How long?
objective: {metric: e, direction: Minimize}
hyperparameters: [{name: x, range: {min: 0, max: 1}}]
rounds: [{name: r, trials: 4, maxTrainSteps: 100}]
evaluation: {everySteps: 10}
trial: {template: {spec: {containers: [{name: t, image: t}]}}}
";

    fn record(outcome: Outcome, seconds: u64, last: u64) -> TrialRecord {
        let span = AttemptSpan {
            number: 1,
            queued: None,
            started: Some(Millis(1000)),
            ended: outcome.phase().has_ended().then_some(Millis(1000 + 1000 * seconds)),
            outcome: None,
            provenance: None,
        };
        TrialRecord {
            round: "r".to_owned(),
            outcome,
            attempts: vec![span],
            curves: [("e".to_owned(), vec![(last, 1.0)])].into(),
            ..TrialRecord::default()
        }
    }

    #[test]
    fn what_is_left_takes_as_long_as_what_has_ended() {
        let plan = Plan::new("s", &serde_yaml::from_str(SPEC).unwrap()).unwrap();
        let ended = record(Outcome::Succeeded { objective: 1.0, step: None }, 60, 100);
        let half = record(Outcome::Pending, 0, 50);
        assert_eq!(time_left(&plan, std::slice::from_ref(&half), 1), None);
        // 250 of 400 steps are left, at 0.6 s each.
        let left = |running| time_left(&plan, &[ended.clone(), half.clone()], running).map(|left| left.as_secs());
        assert_eq!((left(1), left(2), left(0)), (Some(150), Some(75), Some(150)));
    }
}
