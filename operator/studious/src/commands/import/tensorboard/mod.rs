//! Trials from TensorBoard's event files: a folder for each.

mod event;
mod file;
mod layout;
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
    rounds,
};

use super::{
    ImportProblem, Imported,
    left_out::NoTrial,
    listed,
    notes::Notes,
    options::ImportOptions,
    outcome::{self, State, Told},
    point,
};
use crate::hyperparameter_names;
use file::{SessionMetric, Status, is_event_file};
use layout::{Layout, TrialFolder};
use run::TensorBoardRun;

/// Most trials.
const MOST_TRIALS: usize = 100_000;

/// Reads the trials of folders: one that holds event files is a trial, one that holds folders with some is several.
pub(super) fn read(sources: &[PathBuf], plan: &Plan, options: &ImportOptions) -> anyhow::Result<Imported> {
    let mut found = Imported::default();
    let mut notes = FolderNotes::default();
    let mut names: BTreeMap<String, PathBuf> = BTreeMap::new();
    for source in sources {
        let layout = layout_of(source, options)?;
        notes.strays.extend(layout.strays);
        for trial in layout.trials {
            let place = trial.folder.display().to_string();
            if let Some(other) = names.insert(trial.name.clone(), trial.folder.clone()) {
                let name = trial.name;
                let message =
                    format!("{} is called {name} too. Give each trial's folder a name of its own", other.display());
                found.left_out.push(NoTrial::Wrong(vec![ImportProblem { place, message }]));
                continue;
            }
            match read_trial(trial, plan, options, &mut notes) {
                Ok(trial) => found.trials.push(trial),
                Err(why) => found.left_out.push(why),
            }
        }
        if found.trials.len() > MOST_TRIALS {
            bail!("{} holds more than {MOST_TRIALS} trials", source.display());
        }
    }
    found.notes = notes.sentences(options);
    Ok(found)
}

/// What was left out, and what looks wrong.
#[derive(Default)]
struct FolderNotes {
    taken: Notes,
    keys: BTreeSet<String>,
    halves: BTreeSet<String>,
    /// Files whose scalars belong to no trial.
    strays: BTreeSet<String>,
    /// Files that stand in place of earlier ones of the same trial.
    replacing: BTreeSet<String>,
    /// Tags that were logged without steps, and in how many trials.
    without_steps: BTreeMap<String, usize>,
    /// Tags that were logged several times at one step, and in how many trials.
    repeated: BTreeMap<String, usize>,
    /// Tags with values at steps below 0, and in how many trials.
    negative_steps: BTreeMap<String, usize>,
    /// Tags whose only value was written before training, and in how many trials.
    placeholders: BTreeMap<String, usize>,
}

impl FolderNotes {
    fn sentences(self, options: &ImportOptions) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.keys.is_empty() {
            notes.push(format!("keys that are no hyperparameter of the study: {}", listed(&self.keys)));
        }
        notes.extend(self.taken.sentences("trial", options.without_objective));
        for (names, told) in [
            (&self.halves, "half a record at the end was left out of"),
            (&self.strays, "scalars beside the folders of the trials belong to none of them, and were left out:"),
            (
                &self.replacing,
                "files whose curves begin no later than those of an earlier file of the same trial, which they replace (give \
                 each run a folder of its own):",
            ),
        ] {
            if !names.is_empty() {
                notes.push(format!("{told} {}", listed(names)));
            }
        }
        for (tag, n) in self.without_steps {
            notes.push(format!(
                "{tag} was logged several times at one step in {}, of which the last counts: log it with global_step",
                count(n, "trial")
            ));
        }
        for (tag, n) in self.repeated {
            let trials = count(n, "trial");
            notes.push(format!("{tag} was logged several times at the same step in {trials}; the last value counts"));
        }
        for (tag, n) in self.negative_steps {
            notes.push(format!("{tag} has values at negative steps in {}, which were left out", count(n, "trial")));
        }
        for (tag, n) in self.placeholders {
            notes.push(format!(
                "{tag} was written with the hyperparameters before training in {} and never again; it was not taken for a \
                 result",
                count(n, "trial")
            ));
        }
        notes
    }
}

impl FolderNotes {
    /// What a trial that was read gives to know.
    fn note(&mut self, run: &TensorBoardRun, idle: Vec<String>, settled: Vec<String>, filled: Vec<String>) {
        Notes::tally(&mut self.taken.idle, idle);
        Notes::tally(&mut self.taken.settled, settled);
        Notes::tally(&mut self.taken.filled, filled);
        Notes::tally(&mut self.without_steps, run.without_steps.iter().cloned());
        Notes::tally(&mut self.repeated, run.repeated.iter().cloned());
        Notes::tally(&mut self.negative_steps, run.negative_steps.iter().cloned());
        Notes::tally(&mut self.placeholders, run.placeholders.iter().cloned());
        self.halves.extend(run.halves.iter().cloned());
        self.replacing.extend(run.replacing.iter().cloned());
    }
}

/// The trials of a folder, or the one of a file.
fn layout_of(source: &Path, options: &ImportOptions) -> anyhow::Result<Layout> {
    let failed = || format!("can't read {}", source.display());
    if !std::fs::metadata(source).with_context(failed)?.is_dir() {
        if !is_event_file(source) {
            bail!("{} is not an event file: TensorBoard's have tfevents in their names", source.display());
        }
        let folder = source.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let trial = layout::of_file(folder.to_owned(), name_of(folder)?, source);
        return Ok(Layout { trials: vec![trial], ..Layout::default() });
    }
    let layout = layout::of(source, &name_of(source)?, options.sidecar.as_deref()).with_context(failed)?;
    if layout.trials.is_empty() {
        bail!("{} holds no event files: TensorBoard's have tfevents in their names", source.display());
    }
    Ok(layout)
}

fn name_of(folder: &Path) -> anyhow::Result<String> {
    let whole = folder.canonicalize().with_context(|| format!("can't read {}", folder.display()))?;
    Ok(whole.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned()))
}

/// The hyperparameters of a run, as text, and where they stand.
fn hyperparameters(
    folder: &Path,
    run: &TensorBoardRun,
    options: &ImportOptions,
) -> Result<(String, BTreeMap<String, String>), String> {
    if !run.hyperparameters.is_empty() && options.sidecar.is_none() {
        return Ok((folder.display().to_string(), run.hyperparameters.clone()));
    }
    let found = sidecar::read(folder, options.sidecar.as_deref())?;
    Ok(found.map_or_else(
        || (folder.display().to_string(), BTreeMap::new()),
        |(path, values)| (path.display().to_string(), values),
    ))
}

fn read_trial(
    trial: TrialFolder,
    plan: &Plan,
    options: &ImportOptions,
    notes: &mut FolderNotes,
) -> Result<TrialRecord, NoTrial> {
    let TrialFolder { name, folder, files, damage } = trial;
    let place = folder.display().to_string();
    let problem = |message: String| ImportProblem { place: place.clone(), message };
    let wrong = |message: String| NoTrial::Wrong(vec![problem(message)]);
    if let Some(error) = damage {
        return Err(wrong(error.to_string()));
    }
    let run = TensorBoardRun::of(&folder, files).map_err(|error| wrong(error.to_string()))?;
    let (from, given) = hyperparameters(&folder, &run, options).map_err(&wrong)?;
    if given.is_empty() {
        let message = "there are no hyperparameters: neither the HParams plugin's nor a file beside the events \
                       (hparams.yaml, hparams.json, params.json, config.yaml, config.json). Name one with --sidecar";
        return Err(NoTrial::Incomplete(name, vec![problem(message.to_owned())]));
    }
    let values = chosen(plan, options, &given, notes);
    let (curves, metrics, told) = curves(plan, options, &run).map_err(&wrong)?;
    let state = run.status.map(|status| match status {
        Status::Success => State::Succeeded,
        Status::Failure => State::Failed,
        Status::Running => State::Pending,
    });
    let read = point::point(plan, &values, &options.empty).map_err(|violations| {
        let is_without_result = told == Told::Nothing || matches!(state, Some(State::Failed | State::Pending));
        let is_harmless = point::lacks_some(&violations) && is_without_result;
        let keys = listed(&given.keys().cloned().collect());
        let told = violations.into_iter().map(|violation| ImportProblem {
            place: from.clone(),
            message: format!("{violation} Keys are {keys}; --map HYPERPARAMETER=KEY names another."),
        });
        if is_harmless { NoTrial::Incomplete(name.clone(), told.collect()) } else { NoTrial::Wrong(told.collect()) }
    })?;
    // What diverged is a result, whatever became of its process.
    let state = if told == Told::NonFinite { None } else { state };
    let Some(outcome) = outcome::outcome(state, told, "", options.without_objective) else {
        return Err(NoTrial::Endless(name, problem(without_objective(plan, options, &run, &curves))));
    };
    notes.note(&run, read.idle, read.settled, read.filled);
    notes.taken.without_objective += usize::from(state == Some(State::Succeeded) && told == Told::Nothing);
    let attempts = run.times.map(|(started, ended)| AttemptSpan {
        number: 1,
        queued: None,
        started: Some(started),
        ended: (state != Some(State::Pending)).then_some(ended),
        outcome: None,
        provenance: None,
    });
    Ok(TrialRecord {
        name,
        round: options.round.clone().unwrap_or_default(),
        hyperparameters: read.whole,
        outcome,
        curves,
        metrics,
        attempts: attempts.into_iter().collect(),
        ..TrialRecord::default()
    })
}

/// Why a run has no objective.
fn without_objective(
    plan: &Plan,
    options: &ImportOptions,
    run: &TensorBoardRun,
    curves: &BTreeMap<String, Curve>,
) -> String {
    let metric = &plan.spec().objective.metric;
    let Some(curve) = curves.get(metric) else {
        let tags = listed(&run.scalars.keys().chain(run.metrics.keys()).cloned().collect());
        return format!(
            "no tag is the objective ({metric}). Tags are {tags}; --objective TAG names it, and --without-objective says \
             what a trial without one is"
        );
    };
    let Some((first, _)) = curve.first() else {
        return format!("{metric} has no value at step {} or later (--from-step)", options.from_step);
    };
    let budget = rounds::max_train_steps(plan, options.round.as_deref().unwrap_or_default());
    format!(
        "{metric} has no value at or before step {budget} (maxTrainSteps): its first is at step {first}. Is the step counted \
         in examples? Raise maxTrainSteps of the study, or name another round with --round"
    )
}

/// The values of the study's hyperparameters, by the names that they are given or may have.
fn chosen(
    plan: &Plan,
    options: &ImportOptions,
    given: &BTreeMap<String, String>,
    notes: &mut FolderNotes,
) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let mut read = BTreeSet::new();
    for spellings in hyperparameter_names::spellings(&plan.spec().hyperparameters) {
        let name = spellings.name.as_str();
        let key = match options.hyperparameters.get(name) {
            Some(key) => Some(key.clone()),
            None => spellings.keys().find(|key| given.contains_key(key)),
        };
        if let Some((key, value)) = key.and_then(|key| Some((key.clone(), given.get(&key)?.clone()))) {
            values.insert(name.to_owned(), value);
            read.insert(key);
        }
    }
    notes.keys.extend(given.keys().filter(|key| !read.contains(*key)).cloned());
    values
}

type Measured = (BTreeMap<String, Curve>, BTreeMap<String, f64>, Told);

/// The curves by metric, what is known without a curve, and the objective. What is not finite is left out, and decides.
fn curves(plan: &Plan, options: &ImportOptions, run: &TensorBoardRun) -> Result<Measured, String> {
    let metric_of: BTreeMap<&str, &str> =
        options.metrics.iter().map(|(metric, tag)| (tag.as_str(), metric.as_str())).collect();
    let mut curves: BTreeMap<String, Curve> = BTreeMap::new();
    let mut metrics = BTreeMap::new();
    let mut is_non_finite = false;
    let name_of = |tag: &str| {
        let metric = metric_of.get(tag).copied().unwrap_or(tag).to_owned();
        if metric == tag && options.metrics.contains_key(tag) && options.metrics[tag] != tag {
            return Err(format!("there is a tag {metric} beside the one that --metric or --objective names for it"));
        }
        Ok(metric)
    };
    for (tag, values) in &run.scalars {
        let metric = name_of(tag)?;
        let values = || values.range(options.from_step..).map(|(step, value)| (*step, *value));
        is_non_finite |= outcome::decides(plan, &metric) && values().any(|(_, value)| !value.is_finite());
        curves.insert(metric, values().filter(|(_, value)| value.is_finite()).collect::<Curve>());
    }
    let mut summary = Told::Nothing;
    for (tag, SessionMetric { value, step, .. }) in &run.metrics {
        let metric = name_of(tag)?;
        is_non_finite |= outcome::decides(plan, &metric) && !value.is_finite();
        if metric == plan.spec().objective.metric {
            // add_hparams writes step 0 where it is given none.
            summary = Told::Finite(*value, Some(*step).filter(|step| *step > 0));
        } else if value.is_finite() {
            metrics.insert(metric, *value);
        }
    }
    let told = match curves.get(&plan.spec().objective.metric) {
        _ if is_non_finite => Told::NonFinite,
        Some(curve) => outcome::of_curve(plan, options.round.as_deref().unwrap_or_default(), curve),
        None => summary,
    };
    Ok((curves, metrics, told))
}

#[cfg(test)]
mod tests {
    use super::{file::tests::events, *};

    fn read_of(values: &[(i64, &str, f32)]) -> Imported {
        let spec = studious_api::yaml::from_str(
            "
goal: g
objective: {metric: loss, direction: Minimize}
hyperparameters: [{name: lr, range: {min: 0.01, max: 1, scale: Log}}]
rounds: [{name: r, trials: 4, maxTrainSteps: 100}]
evaluation: {everySteps: 10}
trial: {template: {spec: {containers: [{name: t, image: i}]}}}
",
        );
        let plan = Plan::new("s", &spec.unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("events.out.tfevents.1"), events(values)).unwrap();
        std::fs::write(folder.path().join("hparams.yaml"), "lr: 0.1").unwrap();
        read(&[folder.path().to_owned()], &plan, &ImportOptions::default()).unwrap()
    }

    /// Values at negative steps were those of step 0, and of two at one step the earlier was dropped without a word.
    #[test]
    fn what_is_left_out_of_a_curve_is_noted() {
        let found = read_of(&[(-1, "loss", 0.125), (10, "loss", 0.75), (10, "loss", 0.5), (20, "loss", 0.25)]);
        assert_eq!(found.trials[0].curves["loss"], [(10, 0.5), (20, 0.25)]);
        let notes = found.notes.join("; ");
        assert!(notes.contains("loss was logged several times at the same step in 1 trial; the last value"), "{notes}");
        assert!(notes.contains("loss has values at negative steps in 1 trial, which were left out"), "{notes}");
        let found = read_of(&[(10, "loss", 0.5), (20, "loss", 0.25)]);
        assert_eq!(found.notes, Vec::<String>::new());
    }

    #[test]
    fn a_curve_beyond_the_budget_is_named_as_one() {
        let found = read_of(&[(1000, "loss", 0.5)]);
        let errors = found.left_out.errors(false, false);
        let told = "loss has no value at or before step 100 (maxTrainSteps): its first is at step 1000";
        assert!(errors.len() == 1 && errors[0].message.contains(told), "{errors:?}");
        let found = read_of(&[(10, "accuracy", 0.5)]);
        assert!(found.left_out.errors(false, false)[0].message.contains("no tag is the objective (loss)"));
    }
}
