//! Curves of trials, for findings, plots and reports.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use sqlx::SqliteConnection;
use studious_playbook::record::{Curve, TrialRecord};

use crate::{
    Ledger, LedgerError,
    trials::{to_u64, trials_of},
};

impl Ledger {
    /// The trials of a study as data, with the curves of host 0: in the order of rounds, by index within each. With
    /// `max_points` each curve is thinned out by [`downsample`].
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn records(&self, study: &str, max_points: Option<usize>) -> Result<Vec<TrialRecord>, LedgerError> {
        let mut read = self.read().await?;
        let mut records = Vec::new();
        for trial in trials_of(&mut read, study).await? {
            let curves = curves_of(&mut read, &trial.uid, 0, max_points).await?;
            records.push(TrialRecord {
                name: trial.name,
                round: trial.spec.round,
                hyperparameters: trial.spec.hyperparameters,
                outcome: trial.state.outcome(),
                curves,
            });
        }
        Ok(records)
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
        drop(read_points);
        if points.is_empty() {
            continue;
        }
        let curve: Curve = points.into_iter().collect();
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
