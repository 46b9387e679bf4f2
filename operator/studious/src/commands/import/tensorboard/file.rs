//! One event file: its scalars, and what the HParams plugin wrote into it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use prost::Message as _;
use studious_playbook::Millis;

use super::{
    event::{EventRecord, HPARAMS, HParams, STATUS_FAILURE, STATUS_RUNNING, SummaryValue},
    records::{NextRecord, RecordError, Records},
};

/// Most values of one file.
pub(super) const MOST_VALUES: usize = 10_000_000;
/// How long before the start of a session a value may be written and belong to it: loggers write both in one call.
const AT_ONCE: Millis = Millis(1000);

/// How a session ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Status {
    Success,
    Failure,
    Running,
}

/// A value that was written with the hyperparameters: the result as `add_hparams` takes it, or what a logger puts in its
/// place before there is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SessionMetric {
    pub value: f64,
    pub step: u64,
    pub at: Millis,
}

/// A hyperparameter with two values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Contradiction {
    pub name: String,
    pub values: [String; 2],
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum TensorBoardError {
    #[error("{}: {source}", path.display())]
    Record { path: PathBuf, source: RecordError },
    #[error("{}: holds something that is not an event: {source}. Is it TensorBoard's?", path.display())]
    Event { path: PathBuf, source: prost::DecodeError },
    #[error("{}: holds more than {most} {what}. Give fewer", path.display())]
    TooMuch { path: PathBuf, most: usize, what: &'static str },
    #[error(
        "two sessions differ: {} is {} and {} ({}). Give each trial a folder of its own", of.name, of.values[0], of.values[1],
        path.display()
    )]
    Contradiction { path: PathBuf, of: Contradiction },
}

/// What an event file says.
#[derive(Debug, Default)]
pub(super) struct EventFile {
    pub path: PathBuf,
    /// By tag and step.
    pub scalars: BTreeMap<String, BTreeMap<u64, f64>>,
    /// By tag: what was written with the hyperparameters.
    pub metrics: BTreeMap<String, SessionMetric>,
    /// From the HParams plugin; nothing where no session was started.
    pub session: Option<BTreeMap<String, String>>,
    /// Hyperparameters that sessions of this file give two values.
    pub contradiction: Option<Contradiction>,
    /// What the HParams plugin says about its end.
    pub status: Option<Status>,
    /// Of its first and last event.
    pub times: Option<(Millis, Millis)>,
    /// Of the last scalar that is in `scalars`.
    pub last_scalar: Option<Millis>,
    /// Whether it ends within a record.
    pub is_half: bool,
    /// Tags with several values at one step and no other: logged without steps.
    pub without_steps: BTreeSet<String>,
    /// Tags with several values at one of their steps.
    pub repeated: BTreeSet<String>,
    /// Tags with values at steps below 0, which are left out.
    pub negative_steps: BTreeSet<String>,
    values: usize,
}

/// Bookkeeping while a file is read.
#[derive(Default)]
struct FileReading {
    /// Tags of values of other plugins, which say so once.
    others: BTreeSet<String>,
    /// How many values each tag has, and when the last was written.
    counts: BTreeMap<String, (usize, Millis)>,
    /// The unbroken row of values at step 0 that were written last, each of a tag that had none.
    row: Vec<(String, Millis)>,
}

impl EventFile {
    pub(super) fn read(path: &Path) -> Result<Self, TensorBoardError> {
        let wrong = |source: RecordError| TensorBoardError::Record { path: path.to_owned(), source };
        let file = File::open(path).map_err(|error| wrong(error.into()))?;
        let mut records = Records::new(BufReader::new(file));
        let mut one = Self { path: path.to_owned(), ..Self::default() };
        let mut reading = FileReading::default();
        loop {
            match records.next().map_err(wrong)? {
                NextRecord::Record(data) => {
                    let event = EventRecord::decode(data.as_slice())
                        .map_err(|source| TensorBoardError::Event { path: path.to_owned(), source })?;
                    one.event(event, &mut reading)?;
                }
                NextRecord::Passed => {}
                NextRecord::End => break,
                NextRecord::Half => {
                    one.is_half = true;
                    break;
                }
            }
        }
        one.finish(reading);
        Ok(one)
    }

    fn event(&mut self, event: EventRecord, reading: &mut FileReading) -> Result<(), TensorBoardError> {
        let mut at = Millis(0);
        if event.wall_time.is_finite() && event.wall_time > 0.0 {
            // Milliseconds until the year 10,000, and not negative.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let now = Millis((event.wall_time * 1000.0).min(2.5e14) as u64);
            at = now;
            self.times = Some(self.times.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        }
        for value in event.summary.into_iter().flat_map(|summary| summary.value) {
            if let Some(plugin) = value.metadata.as_ref().and_then(|metadata| metadata.plugin_data.as_ref()) {
                if plugin.plugin_name == HPARAMS {
                    let session = HParams::decode(plugin.content.as_slice())
                        .map_err(|source| TensorBoardError::Event { path: self.path.clone(), source })?;
                    self.session(session, at, reading);
                    reading.others.insert(value.tag);
                    continue;
                }
                if !["", "scalars"].contains(&plugin.plugin_name.as_str()) {
                    reading.others.insert(value.tag);
                    continue;
                }
            }
            self.scalar(value, event.step, at, reading)?;
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        value: SummaryValue,
        step: i64,
        at: Millis,
        reading: &mut FileReading,
    ) -> Result<(), TensorBoardError> {
        let Some(scalar) = value.scalar().filter(|_| !reading.others.contains(&value.tag)) else { return Ok(()) };
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(TensorBoardError::TooMuch { path: self.path.clone(), most: MOST_VALUES, what: "values" });
        }
        let Ok(step) = u64::try_from(step) else {
            self.negative_steps.insert(value.tag);
            return Ok(());
        };
        let (count, last) = reading.counts.entry(value.tag.clone()).or_default();
        *count += 1;
        *last = at;
        if step == 0 && *count == 1 {
            reading.row.push((value.tag.clone(), at));
        } else {
            reading.row.clear();
        }
        self.scalars.entry(value.tag).or_default().insert(step, scalar);
        Ok(())
    }

    fn session(&mut self, session: HParams, at: Millis, reading: &mut FileReading) {
        if let Some(start) = session.session_start {
            // A logger that takes metrics with the hyperparameters writes them first.
            for (tag, written) in std::mem::take(&mut reading.row) {
                if at.0.saturating_sub(written.0) <= AT_ONCE.0
                    && let Some(value) = self.scalars.remove(&tag).and_then(|values| values.get(&0).copied())
                {
                    self.metrics.insert(tag.clone(), SessionMetric { value, step: 0, at: written });
                    reading.counts.remove(&tag);
                }
            }
            let known = self.session.get_or_insert_default();
            let values = start.hparams.into_iter().filter_map(|(name, value)| Some((name, value.shown()?)));
            self.contradiction = self.contradiction.take().or(add(known, values));
        }
        if let Some(end) = session.session_end {
            self.status = Some(match end.status {
                STATUS_FAILURE => Status::Failure,
                STATUS_RUNNING => Status::Running,
                _ => Status::Success,
            });
        }
    }

    fn finish(&mut self, reading: FileReading) {
        let counts = reading.counts;
        let count = |tag: &String| counts.get(tag).map_or(0, |(count, _)| *count);
        // What add_hparams writes is a file of its own: the hyperparameters, and each metric once.
        if self.session.is_some() && self.scalars.keys().all(|tag| count(tag) == 1) {
            for (tag, values) in std::mem::take(&mut self.scalars) {
                let at = counts.get(&tag).map_or(Millis(0), |(_, at)| *at);
                if let Some((step, value)) = values.into_iter().next() {
                    self.metrics.insert(tag, SessionMetric { value, step, at });
                }
            }
        }
        let several = self.scalars.iter().filter(|(tag, values)| count(tag) > values.len());
        let (without, repeated) = several.partition::<Vec<_>, _>(|(_, values)| values.len() == 1);
        let tags = |of: Vec<(&String, _)>| of.into_iter().map(|(tag, _)| tag.clone()).collect();
        (self.without_steps, self.repeated) = (tags(without), tags(repeated));
        self.last_scalar = self.scalars.keys().filter_map(|tag| counts.get(tag)).map(|(_, at)| *at).max();
    }
}

/// Adds values of hyperparameters to those that are known. Says the first that is known with another value.
pub(super) fn add(
    known: &mut BTreeMap<String, String>,
    values: impl IntoIterator<Item = (String, String)>,
) -> Option<Contradiction> {
    let mut found = None;
    for (name, value) in values {
        match known.get(&name) {
            Some(other) if *other != value => {
                found = found.or_else(|| Some(Contradiction { name, values: [other.clone(), value] }));
            }
            _ => _ = known.insert(name, value),
        }
    }
    found
}

/// Whether a file is one of TensorBoard's.
pub(super) fn is_event_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains("tfevents"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::{
        super::{
            event::{Metadata, PluginData, Summary},
            records::tests::record,
        },
        *,
    };

    pub(in super::super) fn events(values: &[(i64, &str, f32)]) -> Vec<u8> {
        let one = |(step, tag, value): &(i64, &str, f32)| {
            let value = SummaryValue { tag: (*tag).to_owned(), simple_value: Some(*value), ..SummaryValue::default() };
            EventRecord { wall_time: 1.5, step: *step, summary: Some(Summary { value: vec![value] }) }
        };
        values.iter().flat_map(|value| record(&one(value).encode_to_vec())).collect()
    }

    #[test]
    fn what_other_plugins_write_is_no_scalar() {
        let value = |plugin: &str| SummaryValue {
            tag: "x".to_owned(),
            simple_value: Some(1.0),
            metadata: Some(Metadata {
                plugin_data: Some(PluginData { plugin_name: plugin.to_owned(), content: Vec::new() }),
            }),
            ..SummaryValue::default()
        };
        for (plugin, count) in [("scalars", 1), ("histograms", 0), ("", 1)] {
            let mut file = EventFile::default();
            let event = EventRecord { summary: Some(Summary { value: vec![value(plugin)] }), ..EventRecord::default() };
            file.event(event, &mut FileReading::default()).unwrap();
            assert_eq!(file.scalars.len(), count, "{plugin}");
        }
    }

    #[test]
    fn a_hyperparameter_has_one_value() {
        let mut known = BTreeMap::from([("lr".to_owned(), "0.1".to_owned())]);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(add(&mut known, [pair("lr", "0.1"), pair("width", "16")]), None);
        let found = add(&mut known, [pair("lr", "0.2")]).unwrap();
        assert_eq!((found.name.as_str(), found.values), ("lr", ["0.1".to_owned(), "0.2".to_owned()]));
    }
}
