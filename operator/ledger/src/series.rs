//! The values of one metric of one stream: taken in with their digest, read back checked against it.

use std::collections::BTreeMap;

use crate::{
    digest::SeriesDigest,
    error::DatabaseError,
    store::{MeasurementColumns, ReadTransaction, SeriesColumns, StreamColumns, WriteTransaction},
};

/// New values of a stream, by metric and step. Of two values at one step the later one counts, but a finite one is not
/// replaced by one that is not.
#[derive(Default)]
pub(crate) struct NewValues(BTreeMap<(i64, u64), Option<f64>>);

impl NewValues {
    /// Takes a value in; nothing stands for NaN.
    pub(crate) fn take(&mut self, metric: i64, step: u64, value: Option<f64>) {
        let slot = self.0.entry((metric, step)).or_insert(value);
        if replaces(value, *slot) {
            *slot = value;
        }
    }

    /// Writes the values and moves the digests of their metrics. `names` has the names of metrics by id.
    pub(crate) async fn write(
        &self,
        write: &mut WriteTransaction,
        stream: &StreamColumns,
        names: &BTreeMap<i64, &str>,
    ) -> Result<(), DatabaseError> {
        let rows: Vec<MeasurementColumns> = self
            .0
            .iter()
            .map(|((metric, step), value)| MeasurementColumns { metric: *metric, step: *step, value: *value })
            .collect();
        if stream.is_checked && !rows.is_empty() {
            let known = write.series(stream.id).await?;
            let mut series = Vec::new();
            for rows in rows.chunk_by(|a, b| a.metric == b.metric) {
                let metric = rows[0].metric;
                let name = names.get(&metric).copied().unwrap_or_default();
                series.push((metric, moved(write, stream.id, name, known.get(&metric), rows).await?));
            }
            write.write_series(stream.id, &series).await?;
        }
        write.insert_measurements(stream.id, &rows).await
    }
}

/// Whether a value takes the place of an earlier one at the same step. The database does the same.
fn replaces(new: Option<f64>, old: Option<f64>) -> bool {
    let is_finite = |value: Option<f64>| value.is_some_and(f64::is_finite);
    is_finite(new) || !is_finite(old)
}

/// What is known of a metric once `rows`, which are in the order of steps, are put in.
async fn moved(
    write: &mut WriteTransaction,
    stream: i64,
    name: &str,
    known: Option<&SeriesColumns>,
    rows: &[MeasurementColumns],
) -> Result<SeriesColumns, DatabaseError> {
    let mut digest = known.map_or_else(|| SeriesDigest::new(name), |known| SeriesDigest::stored(name, known.digest));
    let (first, last) = (rows[0].step, rows[rows.len() - 1].step);
    let there = match known {
        Some(known) if known.last_step >= first => write.values_between(stream, rows[0].metric, (first, last)).await?,
        _ => Vec::new(),
    };
    let there: BTreeMap<u64, Option<f64>> = there.into_iter().collect();
    for row in rows {
        match there.get(&row.step) {
            Some(old) if replaces(row.value, *old) => digest.remove(row.step, *old),
            Some(_) => continue,
            None => {}
        }
        digest.add(row.step, row.value);
    }
    let last_step = known.map_or(last, |known| known.last_step.max(last));
    Ok(SeriesColumns { last_step, digest: digest.sum() })
}

/// A stream whose values are read whole, with what they are checked against.
pub(crate) struct CheckedStream<'a> {
    trial: &'a str,
    attempt: u32,
    host: u32,
    stream: &'a StreamColumns,
    series: BTreeMap<i64, SeriesColumns>,
}

impl<'a> CheckedStream<'a> {
    /// Reads what the values of a stream are checked against.
    pub(crate) async fn open(
        read: &mut ReadTransaction,
        trial: &'a str,
        (attempt, host): (u32, u32),
        stream: &'a StreamColumns,
    ) -> Result<Self, DatabaseError> {
        let series = if stream.is_checked { read.series(stream.id).await? } else { BTreeMap::new() };
        Ok(Self { trial, attempt, host, stream, series })
    }

    /// Hands over the values of one metric by step, but for the value at the step `first`, which comes first.
    ///
    /// # Errors
    /// When the database cannot be read, or the values are not those that were written; some were handed over then.
    pub(crate) async fn values(
        &self,
        read: &mut ReadTransaction,
        (metric, name): (i64, &str),
        first: Option<u64>,
        mut take: impl FnMut(u64, Option<f64>),
    ) -> Result<(), DatabaseError> {
        let mut digest = SeriesDigest::new(name);
        read.values(self.stream.id, metric, first, |step, value| {
            digest.add(step, value);
            take(step, value);
        })
        .await?;
        self.check(metric, name, digest)
    }

    /// Hands over the values of all metrics, by metric and step.
    ///
    /// # Errors
    /// As [`CheckedStream::values`].
    pub(crate) async fn all_values(
        &self,
        read: &mut ReadTransaction,
        names: &BTreeMap<i64, String>,
        mut take: impl FnMut(i64, u64, Option<f64>),
    ) -> Result<(), DatabaseError> {
        let name = |metric: i64| names.get(&metric).map_or("", String::as_str);
        let mut digests: BTreeMap<i64, SeriesDigest> =
            self.series.keys().map(|metric| (*metric, SeriesDigest::new(name(*metric)))).collect();
        read.all_values(self.stream.id, |metric, step, value| {
            digests.entry(metric).or_insert_with(|| SeriesDigest::new(name(metric))).add(step, value);
            take(metric, step, value);
        })
        .await?;
        digests.into_iter().try_for_each(|(metric, digest)| self.check(metric, name(metric), digest))
    }

    fn check(&self, metric: i64, name: &str, digest: SeriesDigest) -> Result<(), DatabaseError> {
        let written = self.series.get(&metric).map_or(0, |series| series.digest);
        if !self.stream.is_checked || written == digest.sum() {
            return Ok(());
        }
        let Self { trial, attempt, host, .. } = self;
        let values = if name.is_empty() { "an unknown metric" } else { name };
        Err(DatabaseError::damaged(format!("the curve of {values} of trial {trial}, attempt {attempt}, host {host}")))
    }
}
