//! Advice on the trials of each scientific configuration.

use studious_api::{
    Hyperparameters, StudySpec,
    study::{Hyperparameter, Role, Scientific},
    validate::{self, Violation, can_be_active, counted, scientific_configurations, short},
};
use studious_rules::{
    advice::{TOO_MANY_NUISANCE, UNEQUAL_ARMS},
    thresholds::search::TRIALS_PER_DIMENSION,
};

use super::{AdviceList, adam};
use crate::findings::{Edit, wording::list};

/// Trials of each scientific configuration: equal (R-060) and enough for its nuisance dimensions (R-051, "Striking a
/// balance between informative and affordable experiments").
pub(super) fn advise(spec: &StudySpec, found: &mut AdviceList) {
    let crossed = spec.search.scientific == Scientific::Crossed;
    let configurations = configurations(spec);
    if configurations.is_empty() {
        return;
    }
    let arms = configurations.len();
    for (i, round) in spec.rounds.iter().enumerate() {
        let (Some(trials), None) = (round.trials.map(|n| n as usize), &round.from) else { continue };
        let field = format!("spec.rounds[{i}].trials");
        if trials < arms {
            continue;
        }
        if !trials.is_multiple_of(arms) {
            let (below, above) = (trials / arms * arms, trials.div_ceil(arms) * arms);
            found.push_with(Violation::new(
                &field,
                &trials,
                format!(
                    "don't share out equally among {arms} scientific configurations, which makes the comparison unfair"
                ),
                format!("Give {below} or {above}."),
            ).of(&UNEQUAL_ARMS), trials_edit(i, above));
        }
        // What is to be fixed of Adam's for want of trials is another advice.
        let searched = |c: &Hyperparameters| -> Vec<&str> {
            let excess = adam::excess(spec, c, trials / arms);
            let all = dimensions(spec, c, crossed);
            all.into_iter().filter(|name| !excess.iter().any(|h| h.name == *name)).collect()
        };
        let widest = configurations.iter().map(|c| (searched(c), c)).max_by_key(|(names, _)| names.len());
        if let Some((names, configuration)) = &widest {
            // Who tries every point there is tries enough.
            let each_needs = spec.count(&TRIALS_PER_DIMENSION);
            let enough = each_needs * names.len() * arms;
            let all = validate::space_size(spec).and_then(|size| usize::try_from(size).ok());
            let (each, needed) = (trials / arms, all.map_or(enough, |all| all.min(enough)));
            if each * arms < needed {
                let whose = if arms > 1 {
                    format!("{} for {}", counted(each as u64, "trial"), short(configuration))
                } else {
                    "they".to_owned()
                };
                found.push_with(
                    Violation::new(
                        field,
                        &trials,
                        format!(
                            "{whose} tune {} ({}) poorly: fewer than {each_needs} for each",
                            counted(names.len() as u64, "dimension"),
                            list(names)
                        ),
                        format!("Give {}, or fix those that matter least.", counted(needed as u64, "trial")),
                    )
                    .of(&TOO_MANY_NUISANCE),
                    trials_edit(i, needed),
                );
            }
        }
    }
}

fn trials_edit(round: usize, trials: usize) -> Option<Edit> {
    Some(Edit::Trials { round, to: u32::try_from(trials).ok()? })
}

/// The configurations that have trials of their own: one without scientific values where nothing is crossed; none where they
/// can't be listed.
pub(super) fn configurations(spec: &StudySpec) -> Vec<Hyperparameters> {
    match spec.search.scientific {
        Scientific::Crossed => {
            scientific_configurations(&spec.hyperparameters, &spec.comparisons()).unwrap_or_default()
        }
        Scientific::Sampled => vec![Hyperparameters::new()],
    }
}

/// The most trials that a configuration has of its own in one round.
pub(super) fn trials_of_each(spec: &StudySpec) -> Option<usize> {
    let arms = configurations(spec).len();
    let fresh = spec.rounds.iter().filter(|round| round.from.is_none()).filter_map(|round| round.trials).max()?;
    (fresh as usize).checked_div(arms)
}

/// Names of what is searched within a scientific configuration.
pub(super) fn dimensions<'a>(spec: &'a StudySpec, configuration: &Hyperparameters, crossed: bool) -> Vec<&'a str> {
    let searched = |h: &Hyperparameter| h.role == Role::Nuisance || (!crossed && h.role == Role::Scientific);
    // A condition on another nuisance hyperparameter can hold; one on a scientific that this configuration lacks can't.
    let lacks = |h: &Hyperparameter| {
        crossed
            && h.when.iter().flatten().any(|(parent, _)| {
                !configuration.contains_key(parent)
                    && spec.hyperparameters.iter().filter(|p| p.name == *parent).all(|p| p.role == Role::Scientific)
            })
    };
    let mut names: Vec<&str> = spec
        .hyperparameters
        .iter()
        .filter(|h| searched(h) && h.varies() && can_be_active(h, configuration) && !lacks(h))
        .map(|h| h.name.as_str())
        .collect();
    names.dedup();
    names
}
