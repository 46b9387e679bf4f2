//! What can't change between two runs of one folder: its trials would no longer be comparable.

use studious_api::{
    Study,
    validate::{self, Violation},
};

const FIX: &str = "Put it back, or run the changed study in another folder with --dir.";

const FIX_CODE: &str = "Put it back, run the changed study in another folder with --dir, or accept trials of different \
                         code with --allow-changes.";

/// Changes of what trials execute, for which a run is refused once trials have results.
pub(crate) fn code_changes(before: &Study, now: &Study) -> Vec<Violation> {
    let mut found = validate::code_changes(&before.spec, &now.spec);
    for violation in &mut found {
        FIX_CODE.clone_into(&mut violation.fix);
    }
    found
}

/// Every change for which a run is refused. `begun` names the rounds that have trials.
pub(crate) fn forbidden_changes(before: &Study, now: &Study, begun: &[String]) -> Vec<Violation> {
    let mut found = Vec::new();
    if before.metadata.name != now.metadata.name {
        found.push(Violation {
            field: "metadata.name".to_owned(),
            value: String::new(),
            rule: "the folder holds trials of another study".to_owned(),
            fix: String::new(),
            code: None,
        });
    }
    found.extend(validate::changes(&before.spec, &now.spec, begun));
    for violation in &mut found {
        FIX.clone_into(&mut violation.fix);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_told_with_the_way_out_of_a_folder() {
        let study = |name: &str, seed: u32| -> Study {
            serde_yaml::from_str(&format!(
                "
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {{name: {name}}}
spec:
  goal: g
  objective: {{metric: e, direction: Minimize}}
  hyperparameters: [{{name: lr, range: {{min: 0.1, max: 1}}}}]
  search: {{seed: {seed}}}
  rounds: [{{name: a, trials: 4, maxTrainSteps: 10}}]
  evaluation: {{everySteps: 5}}
  trial: {{template: {{spec: {{containers: [{{name: t, command: [x]}}]}}}}}}
"
            ))
            .unwrap()
        };
        let found = forbidden_changes(&study("s", 1), &study("t", 2), &["a".to_owned()]);
        let fields: Vec<_> = found.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["metadata.name", "spec.search"]);
        assert!(found.iter().all(|v| v.fix.contains("--dir")));
        assert_eq!(forbidden_changes(&study("s", 1), &study("s", 1), &["a".to_owned()]), []);
    }
}
