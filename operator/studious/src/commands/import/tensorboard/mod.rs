//! Trials from TensorBoard's event files: a folder for each.

mod event;
mod records;
mod run;
mod sidecar;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use studious_playbook::{
    Plan,
    numbers::count,
    record::{AttemptSpan, Curve, TrialRecord},
};

use super::{
    ImportProblem, Imported, columns, listed,
    options::ImportOptions,
    outcome::{self, State, Told},
    point,
};
use run::{Status, TensorBoardRun, event_files, is_event_file};

/// Most trials.
const MOST_TRIALS: usize = 100_000;

/// Reads the trials of folders: one that holds event files is a trial, one that holds folders with some is several.
pub(super) fn read(sources: &[PathBuf], plan: &Plan, options: &ImportOptions) -> anyhow::Result<Imported> {
    let mut found = Imported::default();
    let mut notes = Notes::default();
    let mut names: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (name, folder, files) in trials(sources)? {
        let place = folder.display().to_string();
        if let Some(other) = names.insert(name.clone(), folder.clone()) {
            let message =
                format!("{} is called {name} too. Give each trial's folder a name of its own", other.display());
            found.problems.push(ImportProblem { place, message });
            continue;
        }
        match trial(&name, &folder, &files, plan, options, &mut notes) {
            Ok(trial) => found.trials.push(trial),
            Err(problems) => found.problems.extend(problems),
        }
    }
    found.notes = notes.sentences();
    Ok(found)
}

/// What was left out.
#[derive(Default)]
struct Notes {
    keys: BTreeSet<String>,
    idle: BTreeMap<String, usize>,
    halves: BTreeSet<String>,
}

impl Notes {
    fn sentences(self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.keys.is_empty() {
            notes.push(format!("keys that are no hyperparameter of the study: {}", listed(&self.keys)));
        }
        for (name, n) in self.idle {
            notes.push(format!(
                "{name} has a value in {} at whose point it doesn't exist; it was left out",
                count(n, "trial")
            ));
        }
        if !self.halves.is_empty() {
            notes.push(format!("half a record at the end was left out of {}", listed(&self.halves)));
        }
        notes
    }
}

/// Name, folder and event files of each trial.
fn trials(sources: &[PathBuf]) -> anyhow::Result<Vec<(String, PathBuf, Vec<PathBuf>)>> {
    let mut trials = Vec::new();
    for source in sources {
        let failed = || format!("can't read {}", source.display());
        let folder = if source.is_dir() {
            source.clone()
        } else {
            std::fs::metadata(source).with_context(failed)?;
            if !is_event_file(source) {
                bail!("{} is not an event file: TensorBoard's have tfevents in their names", source.display());
            }
            source.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
        };
        if source.is_file() {
            trials.push((name_of(&folder)?, folder, vec![source.clone()]));
            continue;
        }
        let all = event_files(&folder).with_context(failed)?;
        if all.is_empty() {
            bail!("{} holds no event files: TensorBoard's have tfevents in their names", folder.display());
        }
        if all.iter().any(|path| path.parent() == Some(&folder)) {
            trials.push((name_of(&folder)?, folder, all));
            continue;
        }
        let mut by_child: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        for path in all {
            let below = path.strip_prefix(&folder).ok().and_then(|below| below.components().next());
            if let Some(child) = below {
                by_child.entry(folder.join(child)).or_default().push(path);
            }
        }
        for (child, files) in by_child {
            trials.push((name_of(&child)?, child, files));
        }
        if trials.len() > MOST_TRIALS {
            bail!("{} holds more than {MOST_TRIALS} trials", source.display());
        }
    }
    Ok(trials)
}

fn name_of(folder: &Path) -> anyhow::Result<String> {
    let whole = folder.canonicalize().with_context(|| format!("can't read {}", folder.display()))?;
    Ok(whole.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned()))
}

fn trial(
    name: &str,
    folder: &Path,
    files: &[PathBuf],
    plan: &Plan,
    options: &ImportOptions,
    notes: &mut Notes,
) -> Result<TrialRecord, Vec<ImportProblem>> {
    let place = folder.display().to_string();
    let wrong = |message: String| vec![ImportProblem { place: place.clone(), message }];
    let run = TensorBoardRun::read(folder, files).map_err(|error| wrong(error.to_string()))?;
    notes.halves.extend(run.halves.iter().cloned());
    let (from, given) = if run.hyperparameters.is_empty() || options.sidecar.is_some() {
        match sidecar::read(folder, options.sidecar.as_deref()).map_err(&wrong)? {
            Some((path, values)) => (path.display().to_string(), values),
            None => {
                return Err(wrong(
                    "there are no hyperparameters: neither the HParams plugin's nor a file beside the events (hparams.yaml, \
                     hparams.json, params.json, config.yaml, config.json). Name one with --sidecar"
                        .to_owned(),
                ));
            }
        }
    } else {
        (place.clone(), run.hyperparameters.clone())
    };
    let values = chosen(plan, options, &given, notes);
    let (hyperparameters, idle) = point::point(plan, &values).map_err(|violations| {
        let keys = listed(&given.keys().cloned().collect());
        let told = violations.into_iter().map(|violation| ImportProblem {
            place: from.clone(),
            message: format!("{violation} Keys are {keys}; --map HYPERPARAMETER=KEY names another."),
        });
        told.collect::<Vec<_>>()
    })?;
    for name in idle {
        *notes.idle.entry(name).or_default() += 1;
    }
    let (curves, told) = curves(plan, options, &run).map_err(wrong)?;
    let state = run.status.map(|status| match status {
        Status::Success => State::Succeeded,
        Status::Failure => State::Failed,
        Status::Running => State::Pending,
    });
    // What diverged is a result, whatever became of its process.
    let state = if told == Told::NonFinite { None } else { state };
    let Some(outcome) = outcome::outcome(state, told, "", options.without_objective) else {
        let metric = &plan.spec().objective.metric;
        let tags = listed(&run.scalars.keys().cloned().collect());
        return Err(wrong(format!(
            "no tag is the objective ({metric}). Tags are {tags}; --objective TAG names it, and --without-objective says \
             what a trial without one is"
        )));
    };
    let attempts = run.times.map(|(started, ended)| AttemptSpan {
        number: 1,
        queued: None,
        started: Some(started),
        ended: (state != Some(State::Pending)).then_some(ended),
        outcome: None,
    });
    Ok(TrialRecord {
        name: name.to_owned(),
        round: options.round.clone().unwrap_or_default(),
        hyperparameters,
        outcome,
        curves,
        attempts: attempts.into_iter().collect(),
        ..TrialRecord::default()
    })
}

/// The values of the study's hyperparameters, by the names that they are given or may have.
fn chosen(
    plan: &Plan,
    options: &ImportOptions,
    given: &BTreeMap<String, String>,
    notes: &mut Notes,
) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let mut read = BTreeSet::new();
    for name in plan.spec().hyperparameters.iter().map(|h| h.name.as_str()).collect::<BTreeSet<_>>() {
        let key = if let Some(key) = options.hyperparameters.get(name) {
            Some(key.clone())
        } else {
            let [prefixed @ .., bare] = columns::spellings(name);
            // Weights & Biases writes a mapping with the value in it.
            let mut keys = vec![bare.clone(), format!("{bare}.value")];
            keys.extend(prefixed);
            keys.into_iter().find(|key| given.contains_key(key))
        };
        if let Some((key, value)) = key.and_then(|key| Some((key.clone(), given.get(&key)?.clone()))) {
            values.insert(name.to_owned(), value);
            read.insert(key);
        }
    }
    notes.keys.extend(given.keys().filter(|key| !read.contains(*key)).cloned());
    values
}

/// The curves by metric, and the objective. What is not finite is left out of curves, and decides.
fn curves(
    plan: &Plan,
    options: &ImportOptions,
    run: &TensorBoardRun,
) -> Result<(BTreeMap<String, Curve>, Told), String> {
    let metric_of: BTreeMap<&str, &str> =
        options.metrics.iter().map(|(metric, tag)| (tag.as_str(), metric.as_str())).collect();
    let mut curves: BTreeMap<String, Curve> = BTreeMap::new();
    let mut is_non_finite = false;
    for (tag, values) in &run.scalars {
        let metric = metric_of.get(tag.as_str()).copied().unwrap_or(tag);
        if metric == tag && options.metrics.contains_key(metric) {
            return Err(format!("there is a tag {metric} beside the one that --metric or --objective names for it"));
        }
        is_non_finite |= outcome::decides(plan, metric) && values.values().any(|value| !value.is_finite());
        let curve = values.iter().filter(|(_, value)| value.is_finite()).map(|(step, value)| (*step, *value));
        curves.insert(metric.to_owned(), curve.collect());
    }
    let told = match curves.get(&plan.spec().objective.metric) {
        _ if is_non_finite => Told::NonFinite,
        Some(curve) => outcome::of_curve(plan, options.round.as_deref().unwrap_or_default(), curve),
        None => Told::Nothing,
    };
    Ok((curves, told))
}
