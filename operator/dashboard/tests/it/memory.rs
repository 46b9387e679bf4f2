//! A source in memory: one study whose trials the test moves.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use studious_api::{Study, trial::TrialPhase};
use studious_dashboard::{
    Backend, KubernetesEvent, SourceError, StudyKey, StudySource, StudyState, StudySummary, TrialDetail, TrialSummary,
};
use studious_playbook::{
    Millis, Plan,
    contract::Init,
    record::{CurveSelection, HostInit, Outcome, TrialRecord},
    rounds, trial,
};

const STUDY: &str = "
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {name: digits, labels: {team: vision, studious.dev/archived: 'true'}}
spec:
  goal: Which learning rate?
  objective: {metric: validation_error, direction: Minimize}
  hyperparameters:
  - {name: optimizer, role: Scientific, values: [sgd, adam]}
  - {name: learning_rate, range: {min: 0.001, max: 1, scale: Log}}
  rounds: [{name: explore, trials: 4, maxTrainSteps: 100}]
  evaluation: {everySteps: 10}
  parallelism: 4
  trial: {template: {spec: {containers: [{name: trainer, image: trainer}]}}}
";

/// A study of namespace `local`.
#[derive(Clone)]
pub struct Memory(Arc<Held>);

struct Held {
    study: Study,
    plan: Plan,
    changing: Mutex<Changing>,
}

struct Changing {
    version: u64,
    trials: Vec<TrialDetail>,
}

impl Memory {
    /// A study whose four trials wait.
    pub fn new() -> Self {
        Self::of(STUDY)
    }

    /// The same with bounds on its cost, whose points are trained again; its round has a name that sorts after `retrain`.
    pub fn bounded_and_retrained() -> Self {
        let more = "  constraints: [{metric: cost, max: 5}]\n  retrain: {best: 1, times: 2}\n  trial:";
        Self::of(&STUDY.replace("  trial:", more).replace("explore", "verify"))
    }

    fn of(text: &str) -> Self {
        let study: Study = serde_yaml::from_str(text).unwrap();
        let plan = Plan::new("digits", &study.spec).unwrap();
        let points = rounds::points(&plan, &study.spec.rounds[0].name, &[]).unwrap();
        let trials = points.iter().map(|point| {
            let spec = rounds::trial_spec(&plan, point);
            let name = plan.trial_name(&point.key);
            let init = Init {
                parameters_sha256: Some("ab".to_owned()),
                init_seed: Some(1),
                data_seed: Some(2),
                ..Init::default()
            };
            TrialDetail {
                head: TrialSummary {
                    name: name.clone(),
                    round: spec.round.clone(),
                    index: spec.index,
                    max_train_steps: spec.max_train_steps,
                    hyperparameters: spec.hyperparameters.clone(),
                    phase: TrialPhase::Pending,
                    reason: String::new(),
                    message: String::new(),
                    objective: None,
                    best_step: None,
                    metrics: BTreeMap::new(),
                    attempt: 1,
                    disruptions: 0,
                    started: None,
                    ended: None,
                    latest: BTreeMap::new(),
                },
                record: TrialRecord {
                    name,
                    round: spec.round.clone(),
                    hyperparameters: spec.hyperparameters.clone(),
                    seeds: Some(spec.seeds.clone()),
                    inits: vec![HostInit { attempt: 1, host: 0, init }],
                    ..TrialRecord::default()
                },
                attempt_messages: BTreeMap::new(),
                malformed: 0,
                commands: vec![("What it measured".to_owned(), "tail -f metrics.jsonl".to_owned())],
                output: None,
                spec,
            }
        });
        let changing = Mutex::new(Changing { version: 0, trials: trials.collect() });
        Self(Arc::new(Held { study, plan, changing }))
    }

    fn changing(&self) -> MutexGuard<'_, Changing> {
        self.0.changing.lock().unwrap()
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut TrialDetail)) {
        let mut changing = self.changing();
        changing.version += 1;
        change(&mut changing.trials[index]);
    }

    /// One more evaluation of a trial.
    pub fn measure(&self, index: usize, step: u64, value: f64) {
        self.change(index, |trial| {
            trial.record.curves.entry("validation_error".to_owned()).or_default().push((step, value));
            trial.head.latest.extend([("step".to_owned(), step as f64), ("validation_error".to_owned(), value)]);
        });
    }

    /// A trial that reached an objective at step 50.
    pub fn succeed(&self, index: usize, objective: f64) {
        self.measure(index, 40, objective + 0.1);
        self.measure(index, 50, objective);
        self.change(index, |trial| {
            trial.record.outcome = Outcome::Succeeded { objective, step: Some(50) };
            trial.head.phase = TrialPhase::Succeeded;
            (trial.head.objective, trial.head.best_step) = (Some(objective), Some(50));
        });
    }

    /// A trial that is infeasible, whatever it measured before.
    pub fn diverge(&self, index: usize, objective: f64) {
        self.change(index, |trial| {
            trial.record.outcome = Outcome::Infeasible { reason: "Diverged".into() };
            trial.head.phase = TrialPhase::Infeasible;
            "Diverged".clone_into(&mut trial.head.reason);
            trial.head.objective = Some(objective);
        });
    }

    /// Only the first trials are made yet.
    pub fn make_only(&self, count: usize) {
        let mut changing = self.changing();
        changing.version += 1;
        changing.trials.truncate(count);
    }

    /// What a trial cost at the step of its objective.
    pub fn cost(&self, index: usize, cost: f64) {
        self.change(index, |trial| {
            trial.head.metrics.insert("cost".to_owned(), cost);
        });
    }

    /// One more trial: another training of a trial's point.
    pub fn retrain(&self, of: usize) {
        let mut changing = self.changing();
        let mut trial = changing.trials[of].clone();
        trial.head.index = u32::try_from(changing.trials.iter().filter(|t| t.head.round == "retrain").count()).unwrap();
        trial.head.name = format!("digits-retrain-{:04}", trial.head.index);
        "retrain".clone_into(&mut trial.head.round);
        changing.trials.push(trial);
    }

    fn is_it(key: &StudyKey) -> bool {
        (key.namespace.as_str(), key.name.as_str()) == ("local", "digits")
    }
}

impl StudySource for Memory {
    fn backend(&self) -> Backend {
        Backend::Local
    }

    async fn studies(&self) -> Result<Vec<StudySummary>, SourceError> {
        let study = &self.0.study;
        let phases = self.changing().trials.iter().map(|trial| trial.head.phase).collect::<Vec<_>>();
        let counts = trial::counts(self.0.plan.total_trials(), phases);
        Ok(vec![StudySummary {
            key: StudyKey { namespace: "local".to_owned(), name: "digits".to_owned() },
            study_name: "digits".to_owned(),
            spec: Arc::new(study.spec.clone()),
            labels: study.metadata.labels.clone().unwrap(),
            standing: StudyState::Running,
            message: "some trials have ended".to_owned(),
            round: Some("explore".to_owned()),
            counts,
            best: None,
            created: Some(Millis(1_000)),
            changed: None,
        }])
    }

    async fn study(&self, key: &StudyKey) -> Result<Option<StudySummary>, SourceError> {
        Ok(self.studies().await?.pop().filter(|_| Self::is_it(key)))
    }

    async fn version(&self, key: &StudyKey) -> Result<Option<String>, SourceError> {
        Ok(Self::is_it(key).then(|| self.changing().version.to_string()))
    }

    async fn trials(&self, _: &StudyKey) -> Result<Vec<TrialSummary>, SourceError> {
        Ok(self.changing().trials.iter().map(|trial| trial.head.clone()).collect())
    }

    async fn records(&self, _: &StudyKey, _: CurveSelection) -> Result<Vec<TrialRecord>, SourceError> {
        Ok(self.changing().trials.iter().map(|trial| trial.record.clone()).collect())
    }

    async fn trial(&self, _: &StudyKey, name: &str, _: usize) -> Result<Option<TrialDetail>, SourceError> {
        Ok(self.changing().trials.iter().find(|trial| trial.head.name == name).cloned())
    }

    async fn events(&self, _: &StudyKey, _: &str) -> Result<Vec<KubernetesEvent>, SourceError> {
        Ok(Vec::new())
    }
}
