//! One run: what the event files of a folder say.

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

/// How deep folders are looked into.
const DEEPEST: usize = 8;
/// Most event files of one trial.
const MOST_FILES: usize = 10_000;
/// Most tags of one trial.
const MOST_TAGS: usize = 10_000;
/// Most values of one trial.
const MOST_VALUES: usize = 10_000_000;

/// What the event files of a trial's folder add up to.
#[derive(Debug, Default)]
pub(super) struct TensorBoardRun {
    /// By tag and step.
    pub scalars: BTreeMap<String, BTreeMap<u64, f64>>,
    /// From the HParams plugin.
    pub hyperparameters: BTreeMap<String, String>,
    /// What the HParams plugin says of its end.
    pub status: Option<Status>,
    /// Of its first and last event.
    pub times: Option<(Millis, Millis)>,
    /// Files that end within a record.
    pub halves: BTreeSet<String>,
    values: usize,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Status {
    Success,
    Failure,
    Running,
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
}

impl TensorBoardRun {
    /// Reads event files, given with the folder that each stands in, in the order of their names: a run that was resumed
    /// goes on in another file.
    pub(super) fn read(folder: &Path, files: &[PathBuf]) -> Result<Self, TensorBoardError> {
        let mut run = Self::default();
        for path in files {
            let mut one = Self { values: run.values, ..Self::default() };
            one.file(path)?;
            run.values = one.values;
            // `train/` and `validation/` stand before the tag; what add_hparams writes beside the hyperparameters doesn't.
            let of = path.parent().and_then(|of| of.strip_prefix(folder).ok()).unwrap_or(Path::new(""));
            let is_session = !one.hyperparameters.is_empty();
            let prefix = match of.to_string_lossy() {
                of if of.is_empty() || is_session => String::new(),
                of => format!("{of}/"),
            };
            run.merge(one, &prefix, path)?;
        }
        Ok(run)
    }

    fn merge(&mut self, other: Self, prefix: &str, path: &Path) -> Result<(), TensorBoardError> {
        for (tag, values) in other.scalars {
            let all = self.scalars.entry(format!("{prefix}{tag}")).or_default();
            // It was resumed there: what was measured beyond belongs to a run that was lost.
            if let Some((first, _)) = values.first_key_value() {
                all.split_off(first);
            }
            all.extend(values);
        }
        if self.scalars.len() > MOST_TAGS {
            return Err(TensorBoardError::TooMuch { path: path.to_owned(), most: MOST_TAGS, what: "tags" });
        }
        self.hyperparameters.extend(other.hyperparameters);
        self.status = other.status.or(self.status);
        self.halves.extend(other.halves);
        self.times = match (self.times, other.times) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<(), TensorBoardError> {
        let wrong = |source: RecordError| TensorBoardError::Record { path: path.to_owned(), source };
        let file = File::open(path).map_err(|error| wrong(error.into()))?;
        let mut records = Records::new(BufReader::new(file));
        // Values of other plugins, which say so once.
        let mut others = BTreeSet::new();
        loop {
            match records.next().map_err(wrong)? {
                NextRecord::Record(data) => {
                    let event = EventRecord::decode(data.as_slice())
                        .map_err(|source| TensorBoardError::Event { path: path.to_owned(), source })?;
                    self.event(event, path, &mut others)?;
                }
                NextRecord::Passed => {}
                NextRecord::End => return Ok(()),
                NextRecord::Half => {
                    self.halves.insert(path.display().to_string());
                    return Ok(());
                }
            }
        }
    }

    fn event(
        &mut self,
        event: EventRecord,
        path: &Path,
        others: &mut BTreeSet<String>,
    ) -> Result<(), TensorBoardError> {
        if event.wall_time.is_finite() && event.wall_time > 0.0 {
            // Milliseconds until the year 10,000, and not negative.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let at = Millis((event.wall_time * 1000.0).min(2.5e14) as u64);
            self.times = Some(self.times.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        }
        let step = u64::try_from(event.step).unwrap_or_default();
        for value in event.summary.into_iter().flat_map(|summary| summary.value) {
            if let Some(plugin) = value.metadata.as_ref().and_then(|metadata| metadata.plugin_data.as_ref()) {
                if plugin.plugin_name == HPARAMS {
                    let session = HParams::decode(plugin.content.as_slice())
                        .map_err(|source| TensorBoardError::Event { path: path.to_owned(), source })?;
                    self.session(session);
                    others.insert(value.tag);
                    continue;
                }
                if !["", "scalars"].contains(&plugin.plugin_name.as_str()) {
                    others.insert(value.tag);
                    continue;
                }
            }
            self.scalar(value, step, path, others)?;
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        value: SummaryValue,
        step: u64,
        path: &Path,
        others: &BTreeSet<String>,
    ) -> Result<(), TensorBoardError> {
        let Some(scalar) = value.scalar().filter(|_| !others.contains(&value.tag)) else { return Ok(()) };
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(TensorBoardError::TooMuch { path: path.to_owned(), most: MOST_VALUES, what: "values" });
        }
        self.scalars.entry(value.tag).or_default().insert(step, scalar);
        Ok(())
    }

    fn session(&mut self, session: HParams) {
        let values = session.session_start.into_iter().flat_map(|start| start.hparams);
        self.hyperparameters.extend(values.filter_map(|(name, value)| Some((name, value.shown()?))));
        if let Some(end) = session.session_end {
            self.status = Some(match end.status {
                STATUS_FAILURE => Status::Failure,
                STATUS_RUNNING => Status::Running,
                _ => Status::Success,
            });
        }
    }
}

/// Whether a file is one of TensorBoard's.
pub(super) fn is_event_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains("tfevents"))
}

/// The event files of a folder and of those in it, sorted by their names. Links are not followed.
pub(super) fn event_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() && depth < DEEPEST {
                folders.push((entry.path(), depth + 1));
            } else if kind.is_file() && is_event_file(&entry.path()) {
                files.push(entry.path());
            }
        }
        if files.len() > MOST_FILES {
            return Err(std::io::Error::other(format!(
                "{} holds more than {MOST_FILES} event files",
                folder.display()
            )));
        }
    }
    // Their names begin with the second in which they were begun.
    files.sort_by(|a, b| (a.parent(), a.file_name()).cmp(&(b.parent(), b.file_name())));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            event::{Metadata, PluginData, Summary},
            records::tests::record,
        },
        *,
    };

    fn events(values: &[(i64, &str, f32)]) -> Vec<u8> {
        let one = |(step, tag, value): &(i64, &str, f32)| {
            let value = SummaryValue { tag: (*tag).to_owned(), simple_value: Some(*value), ..SummaryValue::default() };
            EventRecord { wall_time: 1.5, step: *step, summary: Some(Summary { value: vec![value] }) }
        };
        values.iter().flat_map(|value| record(&one(value).encode_to_vec())).collect()
    }

    #[test]
    fn a_run_that_was_resumed_goes_on_from_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("train")).unwrap();
        std::fs::write(path("events.out.tfevents.1"), events(&[(1, "loss", 3.0), (2, "loss", 2.0), (9, "loss", 9.0)]))
            .unwrap();
        let mut second = events(&[(2, "loss", 2.5), (3, "loss", 1.5)]);
        second.extend([1, 2, 3]);
        std::fs::write(path("events.out.tfevents.2"), second).unwrap();
        std::fs::write(path("train/events.out.tfevents.1"), events(&[(1, "loss", 0.5)])).unwrap();
        std::fs::write(path("notes.txt"), "no events").unwrap();
        let files = event_files(folder.path()).unwrap();
        let run = TensorBoardRun::read(folder.path(), &files).unwrap();
        let curve: Vec<_> = run.scalars["loss"].iter().map(|(step, value)| (*step, *value)).collect();
        assert_eq!(curve, [(1, 3.0), (2, 2.5), (3, 1.5)]);
        assert_eq!(run.scalars["train/loss"].len(), 1);
        assert_eq!(run.times, Some((Millis(1500), Millis(1500))));
        assert!(run.halves.iter().next().unwrap().ends_with("tfevents.2"));
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
            let mut run = TensorBoardRun::default();
            let event = EventRecord { summary: Some(Summary { value: vec![value(plugin)] }), ..EventRecord::default() };
            run.event(event, Path::new("f"), &mut BTreeSet::new()).unwrap();
            assert_eq!(run.scalars.len(), count, "{plugin}");
        }
    }
}
