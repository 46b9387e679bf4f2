//! Trials that a rule ended early, and what that means for everything else that is said.

use std::collections::BTreeMap;

use studious_rules::search::ENDED_EARLY;

use super::{
    Finding,
    reading::Reading,
    wording::{count, list, percent},
};
use crate::record::{Outcome, TrialRecord};

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    for round in &reading.rounds {
        let stopped: Vec<&TrialRecord> = round.trials.iter().copied().filter(|t| t.ended_early()).collect();
        if stopped.is_empty() {
            continue;
        }
        let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
        for trial in &stopped {
            if let Outcome::Stopped { reason } = &trial.outcome {
                *rules.entry(reason.as_str()).or_default() += 1;
            }
        }
        let said: Vec<String> = rules.iter().map(|(rule, n)| format!("{n} by {rule}")).collect();
        // As far as curves tell: the steps that were not trained.
        let metric = &reading.plan.spec().objective.metric;
        let last = |t: &TrialRecord| t.curves.get(metric).and_then(|c| c.last()).map(|(step, _)| *step as f64);
        let trained: Option<Vec<f64>> = stopped.iter().map(|t| last(t)).collect();
        let saved = trained.filter(|_| round.steps > 0).map(|steps| {
            let planned = round.steps as f64 * round.trials.len() as f64;
            steps.iter().map(|step| (round.steps as f64 - step).max(0.0)).sum::<f64>() / planned
        });
        let spared =
            saved.map_or_else(String::new, |share| format!(", which saved {} of the round's steps", percent(share)));
        let mut finding = Finding::new(&ENDED_EARLY, format!(
                "{} of {} of round {} were ended early ({}){spared}. They are neither successes nor infeasible: a best \
                 among them would not be known, and how many trials are as good as the best is counted without them. The \
                 playbook prefers that trials run to their end.",
                stopped.len(),
                count(round.trials.len(), "trial"),
                round.name,
                list(&said)
            ),
        )
        .about(stopped.iter().copied())
        .with("stopped", stopped.len() as f64)
        .with("trials", round.trials.len() as f64)
        .with("steps_saved", saved.unwrap_or(f64::NAN));
        for (rule, n) in rules {
            finding = finding.with(format!("stopped[{rule}]"), n as f64);
        }
        findings.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use super::super::findings;
    use crate::{record::TrialRecord, studies};

    #[test]
    fn ended_trials_are_counted_by_rule_and_are_neither_results_nor_infeasible() {
        let plan = studies::plan(studies::ONE_DIMENSION);
        let line = |i: usize, rest: &str| -> TrialRecord {
            serde_json::from_str(&format!(r#"{{"name":"t{i}","hyperparameters":{{"learning_rate":0.1{i}}},{rest}}}"#))
                .unwrap()
        };
        let stopped = r#""stopped":true,"reason":"MedianRule","curves":{"validation_error":[[20,0.9],[40,0.9]]}"#;
        let mut trials = vec![
            line(0, r#""objective":0.3"#),
            line(1, r#""infeasible":true,"reason":"Diverged""#),
            line(2, stopped),
            line(3, stopped),
            // Stopped because the study gave up: another matter.
            line(4, r#""stopped":true,"reason":"Stopped""#),
        ];
        let found = findings(&plan, &trials);
        let finding = found.iter().find(|f| f.code == "EndedEarly").unwrap();
        assert!(
            finding
                .advice
                .starts_with("2 of 5 trials of round explore were ended early (2 by MedianRule), which saved 24% of"),
            "{}",
            finding.advice
        );
        // 1 of 4, not 1 of 2.
        let infeasible = found.iter().find(|f| f.code == "InfeasibleFraction").unwrap();
        assert!((infeasible.evidence["fraction"] - 0.25).abs() < 1e-9);
        // As another tool's pruner ended them.
        let pruned = r#""stopped":true,"reason":"Pruned""#;
        trials.retain(|t| !t.ended_early());
        trials.extend([line(5, pruned), line(6, pruned)]);
        let found = findings(&plan, &trials);
        let infeasible = found.iter().find(|f| f.code == "InfeasibleFraction").unwrap();
        assert!((infeasible.evidence["fraction"] - 0.25).abs() < 1e-9);
        assert!(found.iter().any(|f| f.code == "EndedEarly" && f.advice.contains("2 by Pruned")));
        trials.retain(|t| !t.ended_early());
        assert!(!findings(&plan, &trials).iter().any(|f| f.code == "EndedEarly"));
    }
}
