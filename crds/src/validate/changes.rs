//! What can't change once a study has trials: they would no longer be comparable.

use super::Violation;
use crate::{
    StudySpec,
    study::{Algorithm, Round, Search},
};

const FIX: &str = "Put it back, or make a new study.";

/// Every change for which a study is refused. `begun` names the rounds that have trials.
///
/// Trials may be added to the last round that has begun, points to the end of the list of a Manual search, rounds after
/// those that have begun, and whatever only says how trials run (parallelism, template, timeouts, failure) may change (but
/// see [`code_changes`]), and so may the studies that an adaptive search learns from: trials that exist keep their points.
#[must_use]
pub fn changes(old: &StudySpec, new: &StudySpec, begun: &[String]) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut compare = |field: &str, same: bool| {
        if !same {
            found.push(changed(field, "can't change once trials have run: they would no longer be comparable"));
        }
    };
    compare("spec.objective", old.objective == new.objective);
    compare("spec.constraints", old.constraints == new.constraints);
    compare("spec.hyperparameters", same_space(old, new));
    compare("spec.hyperparameterConstraints", old.hyperparameter_constraints == new.hyperparameter_constraints);
    compare("spec.search", same_search(&old.search, &new.search));
    compare("spec.schedule", old.schedule == new.schedule);
    compare("spec.seeds", old.seeds.base == new.seeds.base && old.seeds.across_trials == new.seeds.across_trials);
    if !begun.is_empty() {
        compare("spec.evaluation", old.evaluation == new.evaluation);
        compare("spec.trial.hosts", old.trial.hosts == new.trial.hosts);
    }
    let volume = |spec: &StudySpec| spec.checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.volume.is_some());
    if !begun.is_empty() && volume(old) && !volume(new) {
        let rule = "can't be removed once trials have run: later ones that are lost would begin again at step 0";
        found.push(Violation {
            fix: "Put it back, name another claim, or make a new study.".to_owned(),
            ..changed("spec.checkpoint.volume", rule)
        });
    }
    if !new.search.points.starts_with(&old.search.points) {
        let rule = "can't change, move or go once trials have run: points may be added at the end";
        found.push(changed("spec.search.points", rule));
    }
    found.extend(round_changes(old, new, begun));
    if begun.iter().any(|name| name == "retrain") && old.retrain != new.retrain {
        found.push(changed("spec.retrain", "can't change once retraining has begun"));
    }
    found
}

/// What trials execute, as far as the study says: image, command, arguments and environment of the trainer. When trials
/// have ended with a result, later ones would not be comparable with them. What a pod needs to run (resources, nodes,
/// volumes) may change.
#[must_use]
pub fn code_changes(old: &StudySpec, new: &StudySpec) -> Vec<Violation> {
    let trainer = |spec: &StudySpec| {
        spec.trial.template.spec.as_ref().and_then(|pod| pod.containers.first()).cloned().unwrap_or_default()
    };
    let (old, new) = (trainer(old), trainer(new));
    let parts = [
        ("image", old.image == new.image),
        ("command", old.command == new.command),
        ("args", old.args == new.args),
        ("env", old.env == new.env && old.env_from == new.env_from),
    ];
    let field = |part: &str| format!("spec.trial.template.spec.containers[0].{part}");
    let rule = "changed after trials have ended: later trials would not be comparable with them";
    parts.into_iter().filter(|(_, same)| !same).map(|(part, _)| changed(&field(part), rule)).collect()
}

/// Everything but the explanations.
fn same_space(old: &StudySpec, new: &StudySpec) -> bool {
    let plain = |spec: &StudySpec| {
        let mut all = spec.hyperparameters.clone();
        for hyperparameter in &mut all {
            hyperparameter.fixed_because = None;
        }
        all
    };
    plain(old) == plain(new)
}

/// Everything but the listed points, and the studies that later points may learn from.
fn same_search(old: &Search, new: &Search) -> bool {
    let plain = |search: &Search| Search { points: Vec::new(), start_from: Vec::new(), ..search.clone() };
    plain(old) == plain(new)
}

fn round_changes(old: &StudySpec, new: &StudySpec, begun: &[String]) -> Vec<Violation> {
    let mut found = Vec::new();
    let last = old.rounds.iter().rposition(|round| begun.contains(&round.name));
    let retrained = begun.iter().any(|name| name == "retrain");
    for (i, before) in old.rounds.iter().enumerate().take(last.map_or(0, |i| i + 1)) {
        let field = format!("spec.rounds[{i}]");
        let Some(now) = new.rounds.get(i).filter(|now| now.name == before.name) else {
            found.push(changed(&field, &format!("was round {}, which has trials", before.name)));
            continue;
        };
        if now.max_train_steps != before.max_train_steps {
            found.push(changed(
                &format!("{field}.maxTrainSteps"),
                &format!("was {} when trials of the round ran", before.max_train_steps),
            ));
        }
        if now.from != before.from {
            found.push(changed(&format!("{field}.from"), "can't change once trials of the round have run"));
        }
        let (asked, asks) = (trials(old, before), trials(new, now));
        if asks < asked {
            found.push(changed(&format!("{field}.trials"), "can't become fewer once the round has begun"));
        } else if asks != asked && (Some(i) != last || retrained) {
            found.push(changed(
                &format!("{field}.trials"),
                "can't change once a later round has begun: that round's points were taken from the trials there were",
            ));
        }
    }
    found
}

/// How many trials a round asks. Without a number those of a grid or list are all, more than any number; those taken of
/// another round follow from it.
fn trials(spec: &StudySpec, round: &Round) -> Option<u32> {
    let all = round.from.is_none() && matches!(spec.search.algorithm, Algorithm::Grid | Algorithm::Manual);
    round.trials.or_else(|| all.then_some(u32::MAX))
}

fn changed(field: &str, rule: &str) -> Violation {
    Violation { field: field.to_owned(), value: String::new(), rule: rule.to_owned(), fix: FIX.to_owned(), code: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Study;

    const VOLUME: &str = ", volume: {persistentVolumeClaim: {claimName: c}}";
    const STUDY: &str = "
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {name: s}
spec:
  goal: g
  objective: {metric: e, direction: Minimize}
  hyperparameters:
  - {name: lr, range: {min: 0.1, max: 1}}
  search: {algorithm: Manual, points: [{lr: 0.2}, {lr: 0.3}]}
  rounds:
  - {name: a, trials: 4, maxTrainSteps: 10}
  - {name: b, trials: 2, maxTrainSteps: 20, from: {round: a, best: 2}}
  evaluation: {everySteps: 5}
  checkpoint: {everySteps: 5, volume: {persistentVolumeClaim: {claimName: c}}}
  trial: {template: {spec: {containers: [{name: t, command: [x]}]}}}
";

    fn fields(from: &str, to: &str, begun: &[&str]) -> Vec<String> {
        let read = |text: &str| serde_yaml::from_str::<Study>(text).unwrap().spec;
        let begun: Vec<String> = begun.iter().map(|s| (*s).to_owned()).collect();
        assert!(STUDY.contains(from), "{from}");
        changes(&read(STUDY), &read(&STUDY.replace(from, to)), &begun).into_iter().map(|v| v.field).collect()
    }

    #[test]
    fn what_trials_execute_is_compared_and_what_a_pod_needs_is_not() {
        let read = |text: &str| serde_yaml::from_str::<Study>(text).unwrap().spec;
        let fields = |to: &str| -> Vec<String> {
            let new = STUDY.replace("command: [x]", to);
            code_changes(&read(STUDY), &read(&new)).into_iter().map(|v| v.field).collect()
        };
        let field = |part: &str| format!("spec.trial.template.spec.containers[0].{part}");
        assert_eq!(fields("command: [y]"), [field("command")]);
        assert_eq!(fields("command: [x], args: [z], image: i"), [field("image"), field("args")]);
        assert_eq!(fields("command: [x], env: [{name: A, value: b}]"), [field("env")]);
        assert_eq!(fields("command: [x], resources: {limits: {cpu: 1}}"), [""; 0]);
    }

    #[test]
    fn what_only_says_how_trials_run_may_change() {
        for (from, to) in [
            ("goal: g", "goal: h\n  parallelism: 9"),
            ("command: [x]", "command: [y]"),
            ("evaluation:", "failure: {attempts: 1}\n  evaluation:"),
            ("trials: 4", "trials: 8"),
            ("trials: 4, ", ""),
            ("{lr: 0.3}", "{lr: 0.3}, {lr: 0.4}"),
            ("max: 1}", "max: 1}, fixedBecause: no time"),
            ("claimName: c", "claimName: d"),
            ("from: {round: a, best: 2}}", "from: {round: a, best: 2}}\n  - {name: c, trials: 1, maxTrainSteps: 30}"),
        ] {
            assert_eq!(fields(from, to, &["a"]), [""; 0], "{to}");
        }
    }

    #[test]
    fn what_makes_trials_incomparable_is_refused() {
        for (from, to, begun, field) in [
            ("max: 1}", "max: 2}", &["a"][..], "spec.hyperparameters"),
            ("metric: e", "metric: f", &["a"], "spec.objective"),
            ("algorithm: Manual", "algorithm: Manual, seed: 2", &["a"], "spec.search"),
            ("{lr: 0.2}, {lr: 0.3}", "{lr: 0.3}, {lr: 0.2}", &["a"], "spec.search.points"),
            ("{lr: 0.2}, {lr: 0.3}", "{lr: 0.2}", &["a"], "spec.search.points"),
            ("goal: g", "goal: g\n  seeds: {base: 2}", &["a"], "spec.seeds"),
            ("maxTrainSteps: 10", "maxTrainSteps: 11", &["a"], "spec.rounds[0].maxTrainSteps"),
            ("trials: 4", "trials: 3", &["a"], "spec.rounds[0].trials"),
            ("trials: 4", "trials: 8", &["a", "b"], "spec.rounds[0].trials"),
            ("trials: 4", "trials: 8", &["a", "retrain"], "spec.rounds[0].trials"),
            ("name: a", "name: z", &["a"], "spec.rounds[0]"),
            (VOLUME, "", &["a"], "spec.checkpoint.volume"),
        ] {
            assert!(fields(from, to, begun).contains(&field.to_owned()), "{to}");
        }
    }
}
