//! Which trials satisfy the study's constraints, and what that costs.

use studious_api::study::ConstraintStatus;
use studious_rules::search::CONSTRAINT_VIOLATIONS;

use super::{
    Finding, Severity,
    reading::{Reading, RoundTrials},
    wording::{count, list, number},
};
use crate::record::TrialRecord;

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let constraints = &reading.plan.spec().constraints;
    let Some(round) = reading.concluding().filter(|_| !constraints.is_empty()) else { return };
    let trials: Vec<&TrialRecord> = round.succeeded().collect();
    let (satisfied, others): (Vec<&TrialRecord>, Vec<&TrialRecord>) =
        trials.iter().copied().partition(|t| reading.satisfies(t));
    if others.is_empty() {
        return;
    }
    let bounds: Vec<String> = constraints.iter().map(ToString::to_string).collect();
    let unreported: Vec<String> = constraints
        .iter()
        .map(|c| (&c.metric, trials.iter().filter(|t| t.metric(&c.metric).is_none()).count()))
        .filter(|(_, n)| *n > 0)
        .map(|(metric, n)| format!("{} never reported {metric}, which counts as violating it", count(n, "trial")))
        .collect();
    let silent = if unreported.is_empty() { String::new() } else { format!(" {}.", list(&unreported)) };
    let violated = others.iter().filter(|t| matches!(t.standing(constraints), ConstraintStatus::Violated(_))).count();
    let (severity, advice) = if satisfied.is_empty() {
        (
            Severity::Warning,
            format!(
                "None of {} of round {} is known to satisfy {}.{}{silent} There is no best trial: move the search space to \
                 where it is satisfied, or loosen the bound.",
                count(trials.len(), "trial"),
                round.name,
                list(&bounds),
                nearest(reading, round)
            ),
        )
    } else {
        (
            Severity::Info,
            format!(
                "{} of {} of round {} satisfy {}; only they can be the best.{silent}{}",
                satisfied.len(),
                count(trials.len(), "trial"),
                round.name,
                list(&bounds),
                price(reading, &satisfied, &others)
            ),
        )
    };
    let mut finding = Finding::new(&CONSTRAINT_VIOLATIONS, advice)
        .graded(severity)
        .about(others.iter().copied())
        .with("satisfied", satisfied.len() as f64)
        .with("violated", violated as f64)
        .with("unknown", (others.len() - violated) as f64);
    for constraint in constraints {
        let values: Vec<f64> = trials.iter().filter_map(|t| t.metric(&constraint.metric)).collect();
        let (least, most) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(*x), b.max(*x)));
        finding = finding
            .with(format!("least[{}]", constraint.metric), least)
            .with(format!("most[{}]", constraint.metric), most);
    }
    findings.push(finding);
}

/// How near to each bound that all violate the trials come.
fn nearest(reading: &Reading<'_>, round: &RoundTrials<'_>) -> String {
    let mut said = Vec::new();
    for constraint in &reading.plan.spec().constraints {
        let values: Vec<f64> = round.succeeded().filter_map(|t| t.metric(&constraint.metric)).collect();
        if values.is_empty() || values.iter().any(|value| constraint.allows(*value)) {
            continue;
        }
        let beyond = |x: f64| {
            let above = constraint.max.map_or(0.0, |max| x - max);
            let below = constraint.min.map_or(0.0, |min| min - x);
            above.max(below)
        };
        if let Some(value) = values.iter().copied().min_by(|a, b| beyond(*a).total_cmp(&beyond(*b))) {
            said.push(format!("{} came no nearer than {}", constraint.metric, number(value)));
        }
    }
    if said.is_empty() { String::new() } else { format!(" {}.", list(&said)) }
}

/// What the bounds cost: how much better the best of those that violate them is.
fn price(reading: &Reading<'_>, satisfied: &[&TrialRecord], others: &[&TrialRecord]) -> String {
    let best = |trials: &[&TrialRecord]| {
        let objectives = trials.iter().filter_map(|t| t.objective());
        objectives.reduce(|a, b| if reading.direction().better(b, a) { b } else { a })
    };
    match (best(satisfied), best(others)) {
        (Some(within), Some(beyond)) if reading.direction().better(beyond, within) => format!(
            " The best that doesn't has a {} of {}, in place of {}: that is what the bounds cost.",
            reading.plan.spec().objective.metric,
            number(beyond),
            number(within)
        ),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{best, findings};
    use crate::{record::TrialRecord, studies};

    const BOUNDED: &str = "
hyperparameters: [{name: learning_rate, range: {min: 1.0e-4, max: 10, scale: Log}}]
rounds:
- {name: explore, trials: 6, maxTrainSteps: 100}
- {name: confirm, trials: 2, maxTrainSteps: 300}
constraints: [{metric: latency_ms, max: 20}, {metric: recall, min: 0.9}]
";

    fn trials(lines: &[(&str, &str)]) -> Vec<TrialRecord> {
        lines
            .iter()
            .enumerate()
            .map(|(i, (round, rest))| {
                let line = format!(
                    r#"{{"name":"t{i}","round":"{round}","hyperparameters":{{"learning_rate":0.1{i}}},"step":50,{rest}}}"#
                );
                serde_json::from_str(&line).unwrap()
            })
            .collect()
    }

    #[test]
    fn a_violating_trial_is_a_result_and_not_the_best() {
        let plan = studies::plan(BOUNDED);
        let trials = trials(&[
            ("explore", r#""objective":0.1,"metrics":{"latency_ms":25,"recall":0.95}"#),
            ("explore", r#""objective":0.2,"metrics":{"recall":0.95}"#),
            ("explore", r#""objective":0.3,"metrics":{"latency_ms":20,"recall":0.9}"#),
            // By the curve: what counts is the value at step 50.
            ("explore", r#""objective":0.25,"curves":{"latency_ms":[[10,9],[40,19],[60,30]],"recall":[[40,0.95]]}"#),
            // A later round, of which none satisfies the bounds.
            ("confirm", r#""objective":0.01,"metrics":{"latency_ms":25,"recall":0.95}"#),
        ]);
        assert_eq!(best(&plan, &trials).unwrap().name, "t3");
        let found = findings(&plan, &trials);
        let finding = found.iter().find(|f| f.code == "ConstraintViolations").unwrap();
        assert_eq!(
            finding.advice,
            "2 of 4 trials of round explore satisfy latency_ms <= 20 and recall >= 0.9; only they can be the best. 1 trial \
             never reported latency_ms, which counts as violating it. The best that doesn't has a validation_error of 0.1, \
             in place of 0.25: that is what the bounds cost."
        );
        assert_eq!(finding.trials, ["t0", "t1"]);
        assert_eq!((finding.evidence["satisfied"], finding.evidence["unknown"]), (2.0, 1.0));
    }

    #[test]
    fn where_none_satisfies_the_bounds_there_is_no_best() {
        let plan = studies::plan(BOUNDED);
        let trials = trials(&[
            ("explore", r#""objective":0.1,"metrics":{"latency_ms":25,"recall":0.95}"#),
            ("explore", r#""objective":0.2,"metrics":{"latency_ms":21.5,"recall":0.95}"#),
        ]);
        assert_eq!(best(&plan, &trials), None);
        let found = findings(&plan, &trials);
        assert!(!found.iter().any(|f| f.code == "BestTrial"));
        assert_eq!(
            found.iter().find(|f| f.code == "ConstraintViolations").unwrap().advice,
            "None of 2 trials of round explore is known to satisfy latency_ms <= 20 and recall >= 0.9. latency_ms came no \
             nearer than 21.5. There is no best trial: move the search space to where it is satisfied, or loosen the bound."
        );
    }
}
