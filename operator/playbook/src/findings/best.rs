//! The best trial, and the best of each scientific configuration.

use studious_rules::search::{BEST_PER_ARM, BEST_TRIAL};

use super::{
    Finding, infeasible,
    lead::{Doubt, Lead, Standing, lead},
    noise,
    reading::{Reading, point},
    wording::{count, list, number},
};
use crate::{Plan, record::TrialRecord, trial};

/// The trial that the answer rests on: the best of the last round that has a result; of a study with constraints, of those
/// that satisfy them all. Retraining chooses none.
#[must_use]
pub fn best<'a>(plan: &'a Plan, trials: &'a [TrialRecord]) -> Option<&'a TrialRecord> {
    trial::best(plan.spec(), trials)
}

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.concluding() else { return };
    let objective = &reading.plan.spec().objective;
    let all: Vec<_> = round.trials.clone();
    let ranked = reading.ranked(&all);
    let Some((best, value)) = ranked.first().copied() else { return };
    if !reading.satisfies(best) {
        return;
    }
    let step = match best.outcome {
        crate::record::Outcome::Succeeded { step, .. } => step,
        _ => None,
    };
    let at = step.map_or_else(String::new, |s| format!(" at step {s} of {}", round.steps));
    let name = if best.name.is_empty() { "the best trial".to_owned() } else { best.name.clone() };
    findings.push(
        Finding::new(
            &BEST_TRIAL,
            format!(
                "The best {} of round {} is {}, by {name}{at}: {}.",
                objective.metric,
                round.name,
                number(value),
                point(&best.hyperparameters)
            ),
        )
        .about([best])
        .with("objective", value)
        .with("step", step.map_or(f64::NAN, |s| s as f64))
        .with("max_train_steps", round.steps as f64)
        .with("trials", ranked.len() as f64),
    );
    findings.extend(by_arm(reading, round, &objective.metric));
}

/// The playbook's comparison: each scientific configuration with its nuisance hyperparameters optimised away.
fn by_arm(reading: &Reading<'_>, round: &super::reading::RoundTrials<'_>, metric: &str) -> Option<Finding> {
    let arms = reading.arms(round);
    if arms.len() < 2 {
        return None;
    }
    let direction = reading.direction();
    let mut compared = Vec::new();
    for arm in &arms {
        let ranked = reading.ranked(&arm.trials);
        let bad = arm.trials.iter().filter(|t| infeasible::is_infeasible(t)).count();
        let best = ranked.first().copied().filter(|(trial, _)| reading.satisfies(trial));
        compared.push((arm, best, ranked.len(), bad));
    }
    compared.sort_by(|a, b| match (a.1, b.1) {
        (Some((_, a)), Some((_, b))) => direction.best_first(a, b),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        _ => std::cmp::Ordering::Equal,
    });
    let said: Vec<_> = compared
        .iter()
        .map(|(arm, best, n, bad)| {
            let infeasible = if *bad == 0 { String::new() } else { format!(", {bad} infeasible") };
            match best {
                Some((_, value)) => format!("{} {} ({}{infeasible})", arm.label(), number(*value), count(*n, "trial")),
                None => format!("{} none ({n} succeeded{infeasible})", arm.label()),
            }
        })
        .collect();
    let gap = match (compared.first()?.1, compared.get(1)?.1) {
        (Some((_, a)), Some((_, b))) => Some((a - b).abs()),
        _ => None,
    };
    let known = noise::between_trials(reading);
    let verdict = lead(reading).map_or_else(String::new, |lead| in_front(&lead));
    let mut finding =
        Finding::new(&BEST_PER_ARM, format!("Best {metric} of round {}: {}.{verdict}", round.name, said.join("; ")))
            .about(compared.iter().filter_map(|(_, best, ..)| best.map(|(t, _)| t)))
            .with("gap", gap.unwrap_or(f64::NAN))
            .with("standard_deviation_from_retraining", known.unwrap_or(f64::NAN));
    for (arm, best, n, bad) in &compared {
        finding = finding
            .with(format!("best[{}]", arm.label()), best.map_or(f64::NAN, |(_, v)| v))
            .with(format!("trials[{}]", arm.label()), *n as f64)
            .with(format!("infeasible[{}]", arm.label()), *bad as f64);
    }
    Some(finding)
}

/// What the two best arms' difference is worth.
fn in_front(lead: &Lead<'_>) -> String {
    let gap = number(lead.gap);
    let (first, second) = (lead.first.arm.label(), lead.second.arm.label());
    let noise = match lead.noise {
        Some(noise) => format!("{} times the standard deviation of a retraining", number(lead.gap / noise.deviation)),
        None => "whether that is noise is unknown until the best are trained again with other seeds \
                 (spec.retrain, per: Scientific)"
            .to_owned(),
    };
    if lead.by_means {
        let of = |s: &Standing<'_>| {
            format!("{} {} ({})", s.arm.label(), number(s.value), count(s.retrainings, "retraining"))
        };
        let means = [&lead.first, &lead.second].map(of);
        return format!(" On average of retrainings: {}; they differ by {gap}, {noise}.", list(&means));
    }
    match lead.doubt {
        _ if lead.gap == 0.0 => " The two best are equal.".to_owned(),
        Some(Doubt::WithinNoise { .. }) => format!(
            " The two best differ by {gap}, within the variance of retraining with other seeds: do not call a winner."
        ),
        _ => format!(" The best of {first} and of {second} differ by {gap}: {noise}."),
    }
}
