//! What a trial's lines add up to: enough to decide on, small enough to keep for every running trial.

use std::collections::BTreeMap;

use studious_api::{
    TrialSpec,
    study::{Direction, Select},
};

use crate::contract::{Event, Init, Line};

/// The metric of the training loss: a non-finite one ends the trial.
pub const TRAIN_LOSS: &str = "train_loss";

/// What a trial's lines add up to, over all its attempts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Evaluations of host 0: step and objective. A later attempt's replace an earlier one's at the same step.
    pub evaluations: BTreeMap<u64, f64>,
    /// The last step that host 0 wrote of.
    pub step: Option<u64>,
    /// The first non-finite objective or training loss: metric and step.
    pub non_finite: Option<(String, u64)>,
    /// What the trainer says of the point.
    pub infeasible: Option<String>,
    /// Each host's report of its beginning, by attempt and host.
    pub inits: BTreeMap<(u32, u32), Init>,
    /// Fingerprints of checkpoints by step.
    pub checkpoints: BTreeMap<u64, String>,
    /// Hosts that said `done`, by attempt and host.
    pub done: BTreeMap<(u32, u32), Option<u64>>,
    /// Lines that could not be read.
    pub malformed: u64,
    /// The first of them: where, and what was wrong.
    pub malformed_example: Option<String>,
    /// Latest value of each metric, by host: what Prometheus shows.
    pub latest: BTreeMap<u32, BTreeMap<String, f64>>,
}

impl Progress {
    /// Takes in one line of a host. Lines must come in the order in which the host wrote them; hosts may interleave.
    pub fn observe(&mut self, spec: &TrialSpec, attempt: u32, host: u32, line: &Line) {
        match line {
            Line::Measurements(m) => {
                if host == 0 {
                    self.step = Some(m.step);
                }
                for (name, value) in &m.values {
                    let judged = (host == 0 && *name == spec.objective.metric) || name == TRAIN_LOSS;
                    if judged && !value.is_finite() && self.non_finite.is_none() {
                        self.non_finite = Some((name.clone(), m.step));
                    }
                    if host == 0 && *name == spec.objective.metric && value.is_finite() {
                        self.evaluations.insert(m.step, *value);
                    }
                    let latest = self.latest.entry(host).or_default();
                    if let Some(slot) = latest.get_mut(name) {
                        *slot = *value;
                    } else if latest.len() < crate::contract::MAX_METRICS_PER_LINE {
                        latest.insert(name.clone(), *value);
                    }
                }
                self.latest.entry(host).or_default().insert("step".to_owned(), m.step as f64);
            }
            Line::Event(Event::Init(init)) => {
                self.inits.insert((attempt, host), init.clone());
            }
            Line::Event(Event::Checkpoint { step, parameters_sha256 }) => {
                if let (0, Some(fingerprint)) = (host, parameters_sha256) {
                    self.checkpoints.insert(*step, fingerprint.clone());
                }
            }
            Line::Event(Event::Infeasible { reason }) => {
                self.infeasible.get_or_insert_with(|| reason.clone());
            }
            Line::Event(Event::Done { step }) => {
                self.done.insert((attempt, host), *step);
            }
            Line::Event(Event::Other(_)) => {}
        }
    }

    /// Takes in a line that can't be read.
    pub fn observe_malformed(&mut self, host: u32, line_number: u64, problem: &str) {
        self.malformed += 1;
        self.malformed_example.get_or_insert_with(|| format!("host {host}, line {}: {problem}", line_number + 1));
    }

    /// Whether every host of an attempt said `done`.
    #[must_use]
    pub fn all_done(&self, attempt: u32, hosts: u32) -> bool {
        (0..hosts).all(|host| self.done.contains_key(&(attempt, host)))
    }

    /// The objective so far with its step, by the study's rule; of equal values the earliest counts.
    #[must_use]
    pub fn objective(&self, direction: Direction, select: Select) -> Option<(u64, f64)> {
        match select {
            Select::Final => self.evaluations.last_key_value().map(|(step, value)| (*step, *value)),
            Select::Best => self.evaluations.iter().fold(None, |best, (step, value)| match best {
                Some((_, b)) if !direction.better(*value, b) => best,
                _ => Some((*step, *value)),
            }),
        }
    }
}
