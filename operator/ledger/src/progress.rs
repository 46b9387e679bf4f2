//! What a trial's lines add up to, from the tables.

use std::collections::BTreeMap;

use studious_api::TrialSpec;
use studious_contract::{JudgedMetrics, Line, Measurements};
use studious_playbook::decide::{Progress, keep_labels};

use crate::{
    Cursors, Ledger, LedgerError,
    series::CheckedStream,
    store::{EventColumns, EventKind, ReadTransaction, StreamColumns},
    streams::cursors_of,
};

/// Most checkpoints that a progress is rebuilt from: those of the latest steps.
const CHECKPOINTS: u32 = 1024;

impl Ledger {
    /// What the lines of a trial add up to: equal to having observed them as they came.
    ///
    /// # Errors
    /// When the database can't be read. A trial without lines, or unknown, has an empty progress.
    pub async fn progress(&self, trial: &str, spec: &TrialSpec) -> Result<Progress, LedgerError> {
        Ok(self.progress_and_cursors(trial, spec).await?.0)
    }

    /// As [`Ledger::progress`], with how far each host had come at that moment: what an observer needs to continue from
    /// there, and to notice when it has missed lines.
    ///
    /// # Errors
    /// As [`Ledger::progress`].
    pub async fn progress_and_cursors(
        &self,
        trial: &str,
        spec: &TrialSpec,
    ) -> Result<(Progress, Cursors), LedgerError> {
        let mut read = self.database.read().await?;
        let mut progress = Progress::default();
        let streams = read.streams(trial).await?;
        observe_streams(&streams, spec.hosts, &mut progress);
        observe_values(&mut read, trial, spec, &streams, &mut progress).await?;
        observe_events(&mut read, trial, spec, &mut progress).await?;

        let mut by_host: BTreeMap<u32, BTreeMap<String, f64>> = BTreeMap::new();
        progress.latest_attempts.clear();
        for ((attempt, host), metric, value) in read.latest(trial).await? {
            if host < spec.hosts {
                progress.latest_attempts.insert(host, attempt);
                by_host.entry(host).or_default().insert(metric, value.unwrap_or(f64::NAN));
            }
        }
        // Steps were written from whole numbers below 2^53.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let step = by_host.get(&0).and_then(|metrics| metrics.get("step")).map(|step| *step as u64);
        progress.step = step;
        progress.latest = by_host;

        observe_leftovers(&mut read, trial, spec.hosts, &streams, &mut progress).await?;
        Ok((progress, cursors_of(&streams)))
    }
}

/// Observes which attempts have reported, from which step, and what was not finite in them.
fn observe_streams(streams: &BTreeMap<(u32, u32), StreamColumns>, hosts: u32, progress: &mut Progress) {
    for (key, stream) in streams.iter().filter(|((_, host), _)| *host < hosts) {
        if stream.kept_lines > 0 {
            progress.begin(key.0);
        }
        if let (0, Some(step)) = (key.1, stream.first_step) {
            progress.firsts.insert(key.0, step);
        }
        progress.non_finite.extend(stream.non_finite.clone().map(|found| (*key, found)));
    }
}

/// Observes what of a trial's lines is no measurement and no event.
pub(crate) async fn observe_leftovers(
    read: &mut ReadTransaction,
    trial: &str,
    hosts: u32,
    streams: &BTreeMap<(u32, u32), StreamColumns>,
    progress: &mut Progress,
) -> Result<(), LedgerError> {
    if let Some((_, host, line, problem)) = read.malformed(trial).await?.first() {
        progress.observe_malformed(*host, *line, problem);
    }
    progress.malformed = streams.values().map(|stream| stream.malformed).sum();
    for (_, stream) in streams.iter().filter(|((_, host), _)| *host < hosts) {
        keep_labels(&mut progress.labels, &stream.labels);
        progress.surplus = progress.surplus.max(stream.surplus);
        progress.observe_dropped(stream.dropped, stream.dropped_values);
    }
    Ok(())
}

/// Observes the objective and the metrics that constraints bound, each in the order of steps, but for the objective's
/// first value in an attempt: it says where the attempt resumed.
async fn observe_values(
    read: &mut ReadTransaction,
    trial: &str,
    spec: &TrialSpec,
    streams: &BTreeMap<(u32, u32), StreamColumns>,
    progress: &mut Progress,
) -> Result<(), LedgerError> {
    let objective = (&spec.objective.metric, true);
    let bounded = spec.constraints.iter().map(|constraint| (&constraint.metric, false));
    let mut checked = Vec::new();
    for (key, stream) in streams.iter().filter(|((_, host), _)| *host == 0) {
        checked.push((key.0, stream.first_evaluation, CheckedStream::open(read, trial, *key, stream).await?));
    }
    for (metric, as_resumed) in std::iter::once(objective).chain(bounded) {
        let Some(id) = read.metric(trial, metric).await? else { continue };
        let mut line = Measurements::new(0, vec![(metric.clone(), 0.0)]);
        for (attempt, first_evaluation, stream) in &checked {
            let take = |step, value: Option<f64>| {
                if let Some(value) = value.filter(|value| value.is_finite()) {
                    line.step = step;
                    line.values[0].1 = value;
                    progress.observe(spec, *attempt, 0, &Line::Measurements(line.clone()));
                }
            };
            stream.values(read, (id, metric), first_evaluation.filter(|_| as_resumed), take).await?;
        }
    }
    Ok(())
}

/// Observes the events that decide something: of each host the latest of a kind, for that is what a progress keeps.
async fn observe_events(
    read: &mut ReadTransaction,
    trial: &str,
    spec: &TrialSpec,
    progress: &mut Progress,
) -> Result<(), LedgerError> {
    let mut events = read.last_events(trial, EventKind::Init).await?;
    events.extend(read.last_events(trial, EventKind::Done).await?);
    events.extend(read.first_events(trial, EventKind::Infeasible).await?);
    events.extend(read.checkpoints(trial, CHECKPOINTS).await?);
    for event in events {
        progress.observe(spec, event.attempt, event.host, &line_of(trial, &event)?);
    }
    Ok(())
}

/// Reads an event back.
pub(crate) fn line_of(trial: &str, event: &EventColumns) -> Result<Line, LedgerError> {
    Line::parse(&event.json, &JudgedMetrics::default()).map_err(|problem| LedgerError::Corrupt {
        what: "event",
        object: trial.to_owned(),
        problem: problem.to_string(),
    })
}
