//! What can't change between two runs of one folder: its trials would no longer be comparable.

use studious_api::{Study, StudySpec, study::Round, validate::Violation};

const MEND: &str = "Put it back, or run the changed study in a folder of its own with --dir.";

/// Every change for which a run is refused. `begun` names the rounds that have trials.
///
/// Trials may be added to the last round that has begun, rounds may be added after it, and whatever only says how trials
/// run (parallelism, template, timeouts, failure) may change.
pub(crate) fn forbidden_changes(before: &Study, now: &Study, begun: &[String]) -> Vec<Violation> {
    let mut found = Vec::new();
    let (old, new) = (&before.spec, &now.spec);
    if before.metadata.name != now.metadata.name {
        found.push(changed("metadata.name", "the folder holds trials of another study"));
    }
    let mut compare = |field: &str, same: bool| {
        if !same {
            found.push(changed(field, "can't change once trials have run: they would no longer be comparable"));
        }
    };
    compare("spec.objective", old.objective == new.objective);
    compare("spec.hyperparameters", same_space(old, new));
    compare("spec.search", old.search == new.search);
    compare("spec.schedule", old.schedule == new.schedule);
    compare("spec.seeds", old.seeds.base == new.seeds.base && old.seeds.across_trials == new.seeds.across_trials);
    compare("spec.evaluation", old.evaluation == new.evaluation);
    compare("spec.trial.hosts", old.trial.hosts == new.trial.hosts);
    found.extend(round_changes(&old.rounds, &new.rounds, begun));
    if begun.iter().any(|name| name == "retrain") && old.retrain != new.retrain {
        found.push(changed("spec.retrain", "can't change once retraining has begun"));
    }
    found
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

fn round_changes(old: &[Round], new: &[Round], begun: &[String]) -> Vec<Violation> {
    let mut found = Vec::new();
    let last = old.iter().rposition(|round| begun.contains(&round.name));
    let retrained = begun.iter().any(|name| name == "retrain");
    for (i, before) in old.iter().enumerate().take(last.map_or(0, |i| i + 1)) {
        let field = format!("spec.rounds[{i}]");
        let Some(now) = new.get(i).filter(|now| now.name == before.name) else {
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
        if now.trials < before.trials {
            found.push(changed(&format!("{field}.trials"), "can't become fewer once the round has begun"));
        } else if now.trials != before.trials && (Some(i) != last || retrained) {
            found.push(changed(
                &format!("{field}.trials"),
                "can't change once a later round has begun: that round's points were taken from the trials there were",
            ));
        }
    }
    found
}

fn changed(field: &str, rule: &str) -> Violation {
    Violation { field: field.to_owned(), value: String::new(), rule: rule.to_owned(), mend: MEND.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STUDY: &str = "
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {name: s}
spec:
  goal: g
  objective: {metric: e, direction: Minimize}
  hyperparameters:
  - {name: lr, range: {min: 0.1, max: 1}}
  rounds:
  - {name: a, trials: 4, maxTrainSteps: 10}
  - {name: b, trials: 2, maxTrainSteps: 20, from: {round: a, best: 2}}
  evaluation: {everySteps: 5}
  trial: {template: {spec: {containers: [{name: t, command: [x]}]}}}
";

    fn fields(from: &str, to: &str, begun: &[&str]) -> Vec<String> {
        let read = |text: &str| serde_yaml::from_str::<Study>(text).unwrap();
        let begun: Vec<String> = begun.iter().map(|s| (*s).to_owned()).collect();
        assert!(STUDY.contains(from), "{from}");
        forbidden_changes(&read(STUDY), &read(&STUDY.replace(from, to)), &begun).into_iter().map(|v| v.field).collect()
    }

    #[test]
    fn what_only_says_how_trials_run_may_change() {
        for (from, to) in [
            ("goal: g", "goal: h\n  parallelism: 9"),
            ("command: [x]", "command: [y]"),
            ("evaluation:", "failure: {attempts: 1}\n  evaluation:"),
            ("trials: 4", "trials: 8"),
            ("max: 1}", "max: 1}, fixedBecause: no time"),
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
            ("goal: g", "goal: g\n  search: {seed: 2}", &["a"], "spec.search"),
            ("goal: g", "goal: g\n  seeds: {base: 2}", &["a"], "spec.seeds"),
            ("name: s", "name: other", &["a"], "metadata.name"),
            ("maxTrainSteps: 10", "maxTrainSteps: 11", &["a"], "spec.rounds[0].maxTrainSteps"),
            ("trials: 4", "trials: 3", &["a"], "spec.rounds[0].trials"),
            ("trials: 4", "trials: 8", &["a", "b"], "spec.rounds[0].trials"),
            ("name: a", "name: z", &["a"], "spec.rounds[0]"),
        ] {
            let to = if from == "name: a" { "name: z" } else { to };
            assert!(fields(from, to, begun).contains(&field.to_owned()), "{to}");
        }
    }
}
