//! Curves of trials, for findings, plots and reports.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use sqlx::SqliteConnection;
use studious_playbook::{
    contract::{Event, Line},
    record::{Curve, HostInit, SavedCheckpoint, TrialRecord},
};

use crate::{
    Ledger, LedgerError,
    trials::{to_u64, trials_of},
};

/// Most reports of beginnings and of checkpoints that a record holds: the latest.
const MAX_REPORTS: usize = 4096;

impl Ledger {
    /// The trials of a study as data, with all that their hosts reported: in the order of rounds, by index within each.
    /// With `max_points` each curve is thinned out by [`downsample`].
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn records(&self, study: &str, max_points: Option<usize>) -> Result<Vec<TrialRecord>, LedgerError> {
        let mut read = self.read().await?;
        let mut records = Vec::new();
        for trial in trials_of(&mut read, study).await? {
            let spans = trial.state.spans();
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
            fill(&mut read, &trial.uid, &mut record, max_points).await?;
            records.push(record);
        }
        Ok(records)
    }

    /// Adds to a trial's record what its hosts reported: curves, beginnings, checkpoints.
    ///
    /// # Errors
    /// When the database can't be read, or holds an event that can't be.
    pub async fn fill(
        &self,
        trial: &str,
        record: &mut TrialRecord,
        max_points: Option<usize>,
    ) -> Result<(), LedgerError> {
        let mut read = self.read().await?;
        fill(&mut read, trial, record, max_points).await
    }

    /// The curves of one host of a trial by metric, over all attempts. Where an attempt goes on, what earlier
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
        let mut read = self.read().await?;
        Ok(curves_of(&mut read, trial, host, max_points).await?)
    }
}

impl Ledger {
    /// The curve of one metric of one host of a trial, as in [`Ledger::curves`]; empty if it has none.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn curve(&self, trial: &str, host: u32, metric: &str) -> Result<Curve, LedgerError> {
        let mut read = self.read().await?;
        let id: Option<i64> = sqlx::query_scalar("SELECT id FROM metrics WHERE trial = ? AND name = ?")
            .bind(trial)
            .bind(metric)
            .fetch_optional(&mut *read)
            .await?;
        match id {
            Some(id) => Ok(curve_of(&mut read, trial, host, id).await?),
            None => Ok(Curve::new()),
        }
    }
}

async fn fill(
    connection: &mut SqliteConnection,
    trial: &str,
    record: &mut TrialRecord,
    max_points: Option<usize>,
) -> Result<(), LedgerError> {
    record.curves = curves_of(connection, trial, 0, max_points).await?;
    let others: Vec<u32> =
        sqlx::query_scalar("SELECT DISTINCT host FROM streams WHERE trial = ? AND host > 0 ORDER BY host")
            .bind(trial)
            .fetch_all(&mut *connection)
            .await?;
    record.hosts.clear();
    for host in others {
        let curves = curves_of(connection, trial, host, max_points).await?;
        record.hosts.insert(host, curves);
    }
    let mut events: Vec<(u32, u32, String)> = sqlx::query_as(
        "SELECT s.attempt, s.host, e.json FROM streams s JOIN events e ON e.stream = s.id
         WHERE s.trial = ? ORDER BY e.id DESC LIMIT ?",
    )
    .bind(trial)
    .bind(i64::try_from(MAX_REPORTS).unwrap_or(i64::MAX))
    .fetch_all(&mut *connection)
    .await?;
    events.reverse();
    record.inits.clear();
    record.checkpoints.clear();
    for (attempt, host, text) in events {
        let line = Line::parse(&text).map_err(|problem| LedgerError::Corrupt {
            what: "event",
            object: trial.to_owned(),
            problem: problem.to_string(),
        })?;
        match line {
            Line::Event(Event::Init(init)) => record.inits.push(HostInit { attempt, host, init }),
            Line::Event(Event::Checkpoint { step, parameters_sha256 }) => {
                record.checkpoints.push(SavedCheckpoint { attempt, host, step, parameters_sha256 });
            }
            Line::Event(_) | Line::Measurements(_) => {}
        }
    }
    Ok(())
}

async fn curves_of(
    connection: &mut SqliteConnection,
    trial: &str,
    host: u32,
    max_points: Option<usize>,
) -> Result<BTreeMap<String, Curve>, sqlx::Error> {
    let metrics: Vec<(i64, String)> =
        sqlx::query_as("SELECT id, name FROM metrics WHERE trial = ?").bind(trial).fetch_all(&mut *connection).await?;
    let mut curves = BTreeMap::new();
    for (metric, name) in metrics {
        // One metric at a time: what is in memory is one curve.
        let curve = curve_of(connection, trial, host, metric).await?;
        if curve.is_empty() {
            continue;
        }
        curves.insert(
            name,
            match max_points {
                Some(max) => downsample(&curve, max),
                None => curve,
            },
        );
    }
    Ok(curves)
}

async fn curve_of(
    connection: &mut SqliteConnection,
    trial: &str,
    host: u32,
    metric: i64,
) -> Result<Curve, sqlx::Error> {
    let mut points: BTreeMap<u64, f64> = BTreeMap::new();
    let mut read_points = sqlx::query_as::<_, (u32, i64, Option<f64>)>(
        "SELECT s.attempt, m.step, m.value FROM streams s JOIN measurements m ON m.stream = s.id AND m.metric = ?
         WHERE s.trial = ? AND s.host = ? ORDER BY s.attempt, m.step",
    )
    .bind(metric)
    .bind(trial)
    .bind(host)
    .fetch(&mut *connection);
    let mut latest = 0;
    while let Some((attempt, step, value)) = read_points.try_next().await? {
        let Some(value) = value.filter(|v| v.is_finite()) else { continue };
        if attempt > latest {
            points.split_off(&to_u64(step));
            latest = attempt;
        }
        points.insert(to_u64(step), value);
    }
    Ok(points.into_iter().collect())
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
