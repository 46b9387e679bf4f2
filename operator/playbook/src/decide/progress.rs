//! What a trial's lines add up to: enough to decide on, small enough to keep for every running trial.

use std::collections::{BTreeMap, BTreeSet};

use studious_api::{
    TrialSpec,
    study::{Direction, Select},
};
use studious_contract::{Event, Init, Line, MAX_METRICS_PER_LINE, Measurements, TRAIN_LOSS};

use super::series::{Series, is_overtaken};
use crate::{numbers::count, trial};

/// Most evaluations that are kept. Of more, the earlier half goes, but for the best one.
const MAX_EVALUATIONS: usize = 65_536;
/// Most checkpoint fingerprints that are kept: those of the latest steps.
const MAX_CHECKPOINTS: usize = 1024;
/// Most names of labels that are kept: the first in the order of names, so that the order of arrival doesn't matter.
const MAX_LABELS: usize = 16;
/// Longest example of a malformed line's problem, in bytes.
const MAX_EXAMPLE_BYTES: usize = 300;

/// What a trial's lines add up to, over all its attempts. An attempt continues from a checkpoint: what earlier attempts
/// measured beyond it belongs to a run that was lost, and is forgotten, so that a disruption changes no result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Evaluations of host 0: step and objective.
    pub evaluations: Series,
    /// The metrics that the trial's constraints bound.
    pub bounded: BTreeMap<String, Series>,
    /// The last step that host 0 wrote of in the newest attempt in which it measured.
    pub step: Option<u64>,
    /// The last step beyond `maxTrainSteps` at which host 0 measured the objective. Such values are no evaluations.
    pub beyond: Option<u64>,
    /// The step of the first measurements of host 0 in each attempt.
    pub firsts: BTreeMap<u32, u64>,
    /// The non-finite objective or training loss of the lowest step, by attempt and host: metric and step.
    pub non_finite: BTreeMap<(u32, u32), (String, u64)>,
    /// The newest attempt that reported anything.
    pub newest: u32,
    /// What the trainer says about the point in the newest attempt, by host.
    pub infeasible: BTreeMap<u32, String>,
    /// Each host's report of its beginning, by attempt and host.
    pub inits: BTreeMap<(u32, u32), Init>,
    /// Fingerprints of checkpoints by step and attempt.
    pub checkpoints: BTreeMap<(u64, u32), String>,
    /// Hosts that said `done`, by attempt and host.
    pub done: BTreeMap<(u32, u32), Option<u64>>,
    /// Lines that could not be read.
    pub malformed: u64,
    /// The first of them: where, and what was wrong.
    pub malformed_example: Option<String>,
    /// Names of fields of measurements that hold no numbers.
    pub labels: BTreeSet<String>,
    /// The most metrics of one line that were left out because it had too many.
    pub surplus: u64,
    /// Lines, and values of lines, that were dropped because they exceed the ledger's limits.
    pub dropped: (u64, u64),
    /// Latest value of each metric, by host: what Prometheus shows. Each host's newest attempt.
    pub latest: BTreeMap<u32, BTreeMap<String, f64>>,
    /// The attempt of each host's latest values.
    pub latest_attempts: BTreeMap<u32, u32>,
}

impl Progress {
    /// Takes in one line of a host; lines of hosts that the trial doesn't have are ignored. Lines must come in the order
    /// in which the host wrote them; hosts and attempts may interleave at will: a partitioned node may deliver the lines of
    /// an attempt long after the next one has begun.
    pub fn observe(&mut self, spec: &TrialSpec, attempt: u32, host: u32, line: &Line) {
        if host >= spec.hosts {
            return;
        }
        if !matches!(line, Line::Event(Event::Runtime(_) | Event::Other { .. })) {
            self.begin(attempt);
        }
        match line {
            Line::Measurements(m) => self.measure(spec, attempt, host, m),
            Line::Event(Event::Init(init)) => {
                self.inits.insert((attempt, host), init.clone());
            }
            Line::Event(Event::Checkpoint { step, parameters_sha256 }) => {
                if let (0, Some(fingerprint)) = (host, parameters_sha256) {
                    self.checkpoints.insert((*step, attempt), fingerprint.clone());
                    if self.checkpoints.len() > MAX_CHECKPOINTS {
                        self.checkpoints.pop_first();
                    }
                }
            }
            Line::Event(Event::Infeasible { reason }) => {
                if attempt == self.newest {
                    self.infeasible.entry(host).or_insert_with(|| reason.clone());
                }
            }
            Line::Event(Event::Done { step }) => {
                self.done.insert((attempt, host), *step);
            }
            Line::Event(Event::Runtime(_) | Event::Other { .. }) => {}
        }
    }

    /// An attempt has reported something. What earlier ones said about the point is outdated.
    pub fn begin(&mut self, attempt: u32) {
        if attempt > self.newest {
            self.newest = attempt;
            self.infeasible.clear();
        }
    }

    fn measure(&mut self, spec: &TrialSpec, attempt: u32, host: u32, m: &Measurements) {
        let within = m.step <= spec.max_train_steps;
        if host == 0 {
            self.firsts.entry(attempt).or_insert(m.step);
        }
        for (name, value) in &m.values {
            let is_objective = host == 0 && *name == spec.objective.metric;
            if !value.is_finite() {
                if within && (is_objective || name == TRAIN_LOSS) {
                    self.observe_non_finite((attempt, host), name, m.step);
                }
                continue;
            }
            match (is_objective, within) {
                (true, true) => self.evaluate(spec, attempt, m.step, *value),
                (true, false) => self.beyond = self.beyond.max(Some(m.step)),
                (false, _) => {}
            }
            if host == 0 && spec.constraints.iter().any(|constraint| constraint.metric == *name) {
                let series = self.bounded.entry(name.clone()).or_default();
                series.observe(attempt, m.step, *value);
                if series.values.len() > MAX_EVALUATIONS {
                    let odd: Vec<u64> = series.values.keys().skip(1).step_by(2).copied().collect();
                    for step in odd {
                        series.forget(step);
                    }
                }
            }
        }
        keep_labels(&mut self.labels, &m.left_out.labels);
        self.surplus = self.surplus.max(m.left_out.surplus);
        self.show(attempt, host, m);
    }

    /// Takes in that a metric that decides the trial was not finite.
    fn observe_non_finite(&mut self, (attempt, host): (u32, u32), metric: &str, step: u64) {
        let found = self.non_finite.get(&(attempt, host));
        if found.is_none_or(|(_, lowest)| step < *lowest) {
            self.non_finite.insert((attempt, host), (metric.to_owned(), step));
        }
    }

    fn show(&mut self, attempt: u32, host: u32, m: &Measurements) {
        let shown = self.latest_attempts.entry(host).or_insert(attempt);
        if attempt < *shown {
            return;
        }
        let latest = self.latest.entry(host).or_default();
        if attempt > *shown {
            *shown = attempt;
            latest.clear();
        }
        if host == 0 {
            self.step = Some(m.step);
        }
        for (name, value) in &m.values {
            if let Some(slot) = latest.get_mut(name) {
                *slot = *value;
            } else if latest.len() < MAX_METRICS_PER_LINE {
                latest.insert(name.clone(), *value);
            }
        }
        latest.insert("step".to_owned(), m.step as f64);
    }

    fn evaluate(&mut self, spec: &TrialSpec, attempt: u32, step: u64, value: f64) {
        self.evaluations.observe(attempt, step, value);
        if self.evaluations.values.len() > MAX_EVALUATIONS {
            let best = self.objective(spec.objective.direction, Select::Best).map(|(step, _)| step);
            let earlier: Vec<u64> = self.evaluations.values.keys().take(MAX_EVALUATIONS / 2).copied().collect();
            for step in earlier.into_iter().filter(|step| Some(*step) != best) {
                self.evaluations.forget(step);
            }
        }
    }

    /// The first non-finite objective or training loss: metric and step. That of an earlier attempt counts if its step lies
    /// before the first step of every later attempt of host 0: otherwise it belongs to a run that was lost.
    #[must_use]
    pub fn non_finite(&self) -> Option<(&str, u64)> {
        let counts =
            self.non_finite.iter().filter(|((attempt, _), (_, step))| !is_overtaken(&self.firsts, *attempt, *step));
        counts.map(|(_, (metric, step))| (metric.as_str(), *step)).min_by_key(|(_, step)| *step)
    }

    /// What the trainer says about the point, in the newest attempt.
    #[must_use]
    pub fn infeasible(&self) -> Option<&str> {
        self.infeasible.first_key_value().map(|(_, reason)| reason.as_str())
    }

    /// Takes in a line that can't be read.
    pub fn observe_malformed(&mut self, host: u32, line_number: u64, problem: &str) {
        self.malformed += 1;
        self.malformed_example.get_or_insert_with(|| {
            let cut = problem.floor_char_boundary(MAX_EXAMPLE_BYTES);
            format!("host {host}, line {}: {}", line_number + 1, &problem[..cut])
        });
    }

    /// Takes in that lines, and values of other lines, were dropped because they exceed the ledger's limits.
    pub fn observe_dropped(&mut self, lines: u64, values: u64) {
        self.dropped.0 += lines;
        self.dropped.1 += values;
    }

    /// The fingerprint of the checkpoint of a step that an attempt finds: that of the latest attempt up to this one which
    /// saved it.
    #[must_use]
    pub fn checkpoint(&self, step: u64, attempt: u32) -> Option<&str> {
        self.checkpoints.range((step, 0)..=(step, attempt)).next_back().map(|(_, fingerprint)| fingerprint.as_str())
    }

    /// What a reader of the result should know of the lines, a sentence each: what could not be read, what was left out, what
    /// does not count.
    #[must_use]
    pub fn remarks(&self, spec: &TrialSpec) -> Vec<String> {
        let mut remarks = self.line_remarks();
        if let Some(step) = self.beyond {
            let budget = spec.max_train_steps;
            remarks.push(format!("evaluations beyond maxTrainSteps {budget}, up to step {step}, do not count"));
        }
        remarks
    }

    /// As [`Progress::remarks`], as far as the lines alone tell.
    #[must_use]
    pub fn line_remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if let Some(example) = &self.malformed_example {
            let lines = if self.malformed == 1 { "1 line".to_owned() } else { format!("{} lines", self.malformed) };
            remarks.push(format!("{lines} of metrics.jsonl could not be read; {example}"));
        }
        if !self.labels.is_empty() {
            let names: Vec<&str> = self.labels.iter().map(String::as_str).collect();
            remarks.push(format!("fields without numbers are left out: {}", names.join(", ")));
        }
        if self.surplus > 0 {
            remarks.push(format!(
                "lines have up to {} metrics more than the {MAX_METRICS_PER_LINE} that are read",
                self.surplus
            ));
        }
        let (lines, values) = self.dropped;
        let number = |n: u64, what| count(usize::try_from(n).unwrap_or(usize::MAX), what);
        if lines > 0 {
            remarks.push(format!(
                "{} exceed the ledger's quota and were dropped; the objective and events were kept",
                number(lines, "line")
            ));
        }
        if values > 0 {
            remarks.push(format!(
                "{} of further metrics were dropped: the trial has more names of metrics than the ledger keeps. Give each \
                 quantity one name, and its step in step; what decides the trial was kept",
                number(values, "value")
            ));
        }
        remarks
    }

    /// Whether nothing was ever written: no line, not even one that could not be read.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        *self == Self::default()
    }

    /// Whether every host of an attempt said `done`.
    #[must_use]
    pub fn all_done(&self, attempt: u32, hosts: u32) -> bool {
        (0..hosts).all(|host| self.done.contains_key(&(attempt, host)))
    }

    /// The metrics that constraints bound, each by its latest value up to a step. One that was not reported by then is
    /// missing.
    #[must_use]
    pub fn bounded_at(&self, step: u64) -> BTreeMap<String, f64> {
        self.bounded.iter().filter_map(|(name, series)| Some((name.clone(), series.up_to(step)?))).collect()
    }

    /// The objective so far with its step: see [`trial::selected`].
    #[must_use]
    pub fn objective(&self, direction: Direction, select: Select) -> Option<(u64, f64)> {
        trial::selected(self.evaluations.values.iter().map(|(step, value)| (*step, *value)), direction, select)
    }
}

/// Adds names of labels to those that are known, as far as they are kept.
pub fn keep_labels<'a>(known: &mut BTreeSet<String>, labels: impl IntoIterator<Item = &'a String>) {
    for label in labels {
        if known.contains(label) || (known.len() >= MAX_LABELS && known.last().is_some_and(|last| last < label)) {
            continue;
        }
        known.insert(label.clone());
        if known.len() > MAX_LABELS {
            known.pop_last();
        }
    }
}
