//! Curves of trials, for findings, plots and reports.

use std::collections::{BTreeMap, BTreeSet};

use studious_contract::{Event, JudgedMetrics, Line};
use studious_playbook::decide::Progress;
use studious_playbook::record::{Curve, CurveSelection, HostInit, HostRuntime, SavedCheckpoint, TrialRecord};

use crate::{
    Ledger, LedgerError,
    progress::{line_of, observe_leftovers},
    series::CheckedStream,
    store::{EventKind, ReadTransaction, StreamColumns},
    trials::trials_of,
};

/// Most reports of beginnings and of checkpoints that a record holds: the latest.
const MAX_REPORTS: u32 = 4096;

impl Ledger {
    /// The trials of a study as data, with all that their hosts reported: in the order of rounds, by index within each.
    /// Curves of more points than are wanted are thinned out by [`downsample`].
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn records(&self, study: &str, wanted: CurveSelection) -> Result<Vec<TrialRecord>, LedgerError> {
        let mut read = self.database.read().await?;
        let mut records = Vec::new();
        for trial in trials_of(&mut read, study).await? {
            let spans = trial.state.spans();
            let judged = JudgedMetrics::of(&trial.spec);
            let mut record = TrialRecord {
                name: trial.name,
                round: trial.spec.round,
                hyperparameters: trial.spec.hyperparameters,
                outcome: trial.state.outcome(),
                metrics: trial.state.metrics,
                attempts: spans,
                seeds: Some(trial.spec.seeds),
                ..TrialRecord::default()
            };
            fill(&mut read, &trial.uid, &mut record, (&judged, wanted)).await?;
            records.push(record);
        }
        Ok(records)
    }

    /// Adds to a trial's record what its hosts reported: the curves that are wanted, beginnings, checkpoints. `judged` are
    /// the metrics by which the trial is judged.
    ///
    /// # Errors
    /// When the database can't be read, or holds an event that can't be.
    pub async fn fill(
        &self,
        trial: &str,
        record: &mut TrialRecord,
        judged: &JudgedMetrics,
        wanted: CurveSelection,
    ) -> Result<(), LedgerError> {
        let mut read = self.database.read().await?;
        fill(&mut read, trial, record, (judged, wanted)).await
    }

    /// The curves of one host of a trial by metric, over all attempts. Where an attempt continues, what earlier
    /// ones measured from there on is left out: it belongs to a run that was lost. Values that aren't finite are left out.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn curves(
        &self,
        trial: &str,
        host: u32,
        max_points: Option<usize>,
    ) -> Result<BTreeMap<String, Curve>, LedgerError> {
        let mut read = self.database.read().await?;
        let streams = read.streams(trial).await?;
        let wanted = CurveSelection::all(max_points);
        curves_of(&mut read, trial, &streams, host, (&JudgedMetrics::default(), wanted)).await
    }
}

impl Ledger {
    /// The curve of one metric of one host of a trial, as in [`Ledger::curves`]; empty if it has none.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn curve(&self, trial: &str, host: u32, metric: &str) -> Result<Curve, LedgerError> {
        let mut read = self.database.read().await?;
        let Some(id) = read.metric(trial, metric).await? else { return Ok(Curve::new()) };
        let streams = read.streams(trial).await?;
        let streams = of_host(&mut read, trial, &streams, host).await?;
        curve_of(&mut read, &streams, (id, metric)).await
    }
}

type Streams = BTreeMap<(u32, u32), StreamColumns>;

async fn fill(
    read: &mut ReadTransaction,
    trial: &str,
    record: &mut TrialRecord,
    wanted: (&JudgedMetrics, CurveSelection),
) -> Result<(), LedgerError> {
    let streams = read.streams(trial).await?;
    record.curves = curves_of(read, trial, &streams, 0, wanted).await?;
    record.hosts.clear();
    let others: BTreeSet<u32> = streams.keys().map(|(_, host)| *host).filter(|host| *host > 0).collect();
    for host in others {
        let curves = curves_of(read, trial, &streams, host, wanted).await?;
        record.hosts.insert(host, curves);
    }
    let mut progress = Progress::default();
    observe_leftovers(read, trial, u32::MAX, &streams, &mut progress).await?;
    record.remarks = progress.line_remarks();
    record.inits.clear();
    record.checkpoints.clear();
    for event in read.latest_events(trial, [EventKind::Init, EventKind::Checkpoint], MAX_REPORTS).await? {
        let (attempt, host) = (event.attempt, event.host);
        match line_of(trial, &event)? {
            Line::Event(Event::Init(init)) => record.inits.push(HostInit { attempt, host, init }),
            Line::Event(Event::Checkpoint { step, parameters_sha256 }) => {
                record.checkpoints.push(SavedCheckpoint { attempt, host, step, parameters_sha256 });
            }
            Line::Event(_) | Line::Measurements(_) => {}
        }
    }
    record.runtimes.clear();
    for event in read.last_events(trial, EventKind::Runtime).await? {
        let (attempt, host) = (event.attempt, event.host);
        if let Line::Event(Event::Runtime(runtime)) = line_of(trial, &event)? {
            record.runtimes.push(HostRuntime { attempt, host, runtime });
        }
    }
    record.runtimes.sort_by_key(|runtime| (runtime.attempt, runtime.host));
    // Of hosts that run on the same, the first says it.
    record.runtimes.dedup_by(|later, first| later.attempt == first.attempt && later.runtime == first.runtime);
    Ok(())
}

/// The streams of a host in the order of attempts.
async fn of_host<'a>(
    read: &mut ReadTransaction,
    trial: &'a str,
    streams: &'a Streams,
    host: u32,
) -> Result<Vec<CheckedStream<'a>>, LedgerError> {
    let mut checked = Vec::new();
    for (key, stream) in streams.iter().filter(|((_, of), _)| *of == host) {
        checked.push(CheckedStream::open(read, trial, *key, stream).await?);
    }
    Ok(checked)
}

/// The curves of a host by metric. What is in memory beside them is one curve.
async fn curves_of(
    read: &mut ReadTransaction,
    trial: &str,
    streams: &Streams,
    host: u32,
    (judged, wanted): (&JudgedMetrics, CurveSelection),
) -> Result<BTreeMap<String, Curve>, LedgerError> {
    let names = read.metric_names(trial).await?;
    let chosen: BTreeMap<i64, &str> =
        names.iter().filter(|(_, name)| wanted.has(name, judged)).map(|(id, name)| (*id, name.as_str())).collect();
    let streams = of_host(read, trial, streams, host).await?;
    let mut curves = BTreeMap::new();
    let mut keep = |metric: i64, curve: Curve| {
        if let (false, Some(name)) = (curve.is_empty(), chosen.get(&metric)) {
            let curve = if let Some(max) = wanted.max_points { downsample(&curve, max) } else { curve };
            curves.insert((*name).to_owned(), curve);
        }
    };
    if let ([stream], true) = (&streams[..], chosen.len() == names.len()) {
        // One attempt: all metrics in one query, for their rows come one metric after the other.
        let (mut current, mut curve) = (0, Curve::new());
        let all = |metric, step, value: Option<f64>| {
            if metric != current {
                keep(current, std::mem::take(&mut curve));
                current = metric;
            }
            curve.extend(value.filter(|value| value.is_finite()).map(|value| (step, value)));
        };
        stream.all_values(read, &names, all).await?;
        keep(current, curve);
    } else {
        for (metric, name) in &chosen {
            keep(*metric, curve_of(read, &streams, (*metric, name)).await?);
        }
    }
    Ok(curves)
}

/// One curve over the streams of a host. Where an attempt resumed, what earlier ones measured from there on goes.
async fn curve_of(
    read: &mut ReadTransaction,
    streams: &[CheckedStream<'_>],
    metric: (i64, &str),
) -> Result<Curve, LedgerError> {
    let mut curve = Curve::new();
    for stream in streams {
        let mut is_first = true;
        let take = |step, value: Option<f64>| {
            let Some(value) = value.filter(|value| value.is_finite()) else { return };
            if std::mem::take(&mut is_first) {
                curve.truncate(curve.partition_point(|(earlier, _)| *earlier < step));
            }
            curve.push((step, value));
        };
        stream.values(read, metric, None, take).await?;
    }
    Ok(curve)
}

/// Thins a curve out to at most `max_points` (at least 4 are kept): of each stretch of steps the least and the greatest
/// value stay, so that no extreme is lost, and the first and the last point.
#[must_use]
pub fn downsample(curve: &[(u64, f64)], max_points: usize) -> Curve {
    let max = max_points.max(4);
    let [first, middle @ .., last] = curve else {
        return curve.to_vec();
    };
    if curve.len() <= max {
        return curve.to_vec();
    }
    let buckets = (max - 2) / 2;
    let mut thinned = Vec::with_capacity(max);
    thinned.push(*first);
    for bucket in 0..buckets {
        let stretch = &middle[middle.len() * bucket / buckets..middle.len() * (bucket + 1) / buckets];
        let lowest = stretch.iter().min_by(|a, b| a.1.total_cmp(&b.1));
        let highest = stretch.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        if let (Some(a), Some(b)) = (lowest, highest) {
            thinned.push(if a.0 <= b.0 { *a } else { *b });
            if a.0 != b.0 {
                thinned.push(if a.0 <= b.0 { *b } else { *a });
            }
        }
    }
    thinned.push(*last);
    thinned
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn downsampling_keeps_extremes_ends_and_order(
            values in proptest::collection::vec(-1e6_f64..1e6, 0..400), max in 0_usize..60,
        ) {
            let curve: Curve = values.iter().enumerate().map(|(i, v)| (i as u64 * 3, *v)).collect();
            let thin = downsample(&curve, max);
            prop_assert!(thin.len() <= max.max(4));
            prop_assert!(thin.windows(2).all(|w| w[0].0 < w[1].0));
            prop_assert_eq!(thin.first(), curve.first());
            prop_assert_eq!(thin.last(), curve.last());
            let extremes = |c: &Curve| {
                let values = || c.iter().map(|p| p.1);
                (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
            };
            prop_assert_eq!(extremes(&thin), extremes(&curve));
        }
    }
}
