//! One run: what the event files of a trial add up to.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use studious_playbook::Millis;

use super::file::{EventFile, MOST_VALUES, SessionMetric, Status, TensorBoardError, add};

/// Most tags of one trial.
const MOST_TAGS: usize = 10_000;

/// What the event files of a trial add up to.
#[derive(Debug, Default)]
pub(super) struct TensorBoardRun {
    /// By tag and step.
    pub scalars: BTreeMap<String, BTreeMap<u64, f64>>,
    /// By tag: what was written with the hyperparameters, where no curve has the tag.
    pub metrics: BTreeMap<String, SessionMetric>,
    /// Tags of metrics that were written with the hyperparameters before anything was measured, and never again.
    pub placeholders: BTreeSet<String>,
    /// From the HParams plugin.
    pub hyperparameters: BTreeMap<String, String>,
    /// What the HParams plugin says about its end.
    pub status: Option<Status>,
    /// Of its first and last event.
    pub times: Option<(Millis, Millis)>,
    /// Files that end within a record.
    pub halves: BTreeSet<String>,
    /// Tags that were logged without steps.
    pub without_steps: BTreeSet<String>,
    /// Tags with several values at one step in one file.
    pub repeated: BTreeSet<String>,
    /// Tags with values at steps below 0, which are left out.
    pub negative_steps: BTreeSet<String>,
    /// Files whose curves stand in place of those of earlier ones, which began as early.
    pub replacing: BTreeSet<String>,
    values: usize,
}

impl TensorBoardRun {
    /// Adds up event files below a folder, in their order: a run that was resumed continues in another file.
    pub(super) fn of(folder: &Path, files: Vec<EventFile>) -> Result<Self, TensorBoardError> {
        let mut run = Self::default();
        let last_scalar = files.iter().filter_map(|file| file.last_scalar).max();
        let mut written: BTreeMap<String, SessionMetric> = BTreeMap::new();
        for file in files {
            if let Some(of) = &file.contradiction {
                return Err(TensorBoardError::Contradiction { path: file.path, of: of.clone() });
            }
            // The latest counts.
            for (tag, metric) in &file.metrics {
                if written.get(tag).is_none_or(|earlier| earlier.at <= metric.at) {
                    written.insert(tag.clone(), *metric);
                }
            }
            // `train/` and `validation/` stand before the tag; what add_hparams writes beside the hyperparameters doesn't.
            let of = file.path.parent().and_then(|of| of.strip_prefix(folder).ok()).unwrap_or(Path::new(""));
            let prefix = match of.to_string_lossy() {
                of if of.is_empty() || file.session.is_some() => String::new(),
                of => format!("{of}/"),
            };
            run.add(file, &prefix)?;
        }
        for (tag, metric) in written {
            if run.scalars.contains_key(&tag) {
                continue;
            }
            // What stands at no step, and was followed by what the run measured, is not its result.
            if metric.step == 0 && last_scalar.is_some_and(|last| metric.at < last) {
                run.placeholders.insert(tag);
            } else {
                run.metrics.insert(tag, metric);
            }
        }
        Ok(run)
    }

    fn add(&mut self, file: EventFile, prefix: &str) -> Result<(), TensorBoardError> {
        let path = file.path;
        let shown = || path.display().to_string();
        for (tag, values) in file.scalars {
            self.values += values.len();
            let all = self.scalars.entry(format!("{prefix}{tag}")).or_default();
            // It was resumed there: what was measured beyond belongs to a run that was lost.
            if let Some((first, _)) = values.first_key_value() {
                if all.first_key_value().is_some_and(|(earlier, _)| first <= earlier) {
                    self.replacing.insert(shown());
                }
                all.split_off(first);
            }
            all.extend(values);
        }
        for (most, count, what) in [(MOST_TAGS, self.scalars.len(), "tags"), (MOST_VALUES, self.values, "values")] {
            if count > most {
                return Err(TensorBoardError::TooMuch { path, most, what });
            }
        }
        if let Some(of) = add(&mut self.hyperparameters, file.session.into_iter().flatten()) {
            return Err(TensorBoardError::Contradiction { path, of });
        }
        self.status = file.status.or(self.status);
        if file.is_half {
            self.halves.insert(shown());
        }
        for (all, tags) in [
            (&mut self.without_steps, file.without_steps),
            (&mut self.repeated, file.repeated),
            (&mut self.negative_steps, file.negative_steps),
        ] {
            all.extend(tags.into_iter().map(|tag| format!("{prefix}{tag}")));
        }
        self.times = match (self.times, file.times) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (one, other) => one.or(other),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::file::tests::events, *};

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
        let files = ["events.out.tfevents.1", "events.out.tfevents.2", "train/events.out.tfevents.1"];
        let read = || files.iter().map(|name| EventFile::read(&path(name)).unwrap()).collect();
        let run = TensorBoardRun::of(folder.path(), read()).unwrap();
        let curve: Vec<_> = run.scalars["loss"].iter().map(|(step, value)| (*step, *value)).collect();
        assert_eq!(curve, [(1, 3.0), (2, 2.5), (3, 1.5)]);
        assert_eq!(run.scalars["train/loss"].len(), 1);
        assert_eq!(run.times, Some((Millis(1500), Millis(1500))));
        assert!(run.halves.iter().next().unwrap().ends_with("tfevents.2"));
        assert_eq!(run.replacing.len(), 0);
        // One that begins anew stands in place of the first, and that is said.
        std::fs::write(path("events.out.tfevents.2"), events(&[(1, "loss", 4.0)])).unwrap();
        let run = TensorBoardRun::of(folder.path(), read()).unwrap();
        assert_eq!(run.scalars["loss"].len(), 1);
        assert!(run.replacing.iter().next().unwrap().ends_with("tfevents.2"));
    }
}
