//! The question of a study, and what would answer it.
//!
//! Playbook: "Choosing the goal for the next round of experiments".

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;
use studious_api::{
    HyperparameterValue,
    study::{Direction, Hyperparameter, Per, Role},
};

use crate::{
    Plan,
    findings::{
        is_off, lead,
        wording::{count, list, name},
    },
};

/// What a study asks, and what would answer it.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StudyQuestion {
    /// The goal, as the study words it.
    pub goal: String,
    /// Its kind, by the roles of the hyperparameters.
    pub kind: QuestionKind,
    /// What the study as it is planned asks, in a sentence.
    pub asked: String,
    /// What would answer it, in a sentence or two.
    pub answered_by: String,
    /// What is held fixed, and so limits the answer: `batch_size = 128`, with the reason where the study gives one.
    pub holds_for: Vec<String>,
}

/// The kinds of goals that the playbook names (requirement R-047).
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub enum QuestionKind {
    /// Try a potential improvement: a scientific hyperparameter turns something on and off.
    TryImprovement,
    /// Understand the impact of a hyperparameter: a scientific hyperparameter has values to compare, or a range.
    UnderstandHyperparameter,
    /// Maximize the metric: nothing is scientific.
    MaximizeObjective,
}

impl StudyQuestion {
    /// The question of a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let spec = plan.spec();
        let of_role =
            |role: Role| -> Vec<&Hyperparameter> { spec.hyperparameters.iter().filter(|h| h.role == role).collect() };
        let (scientific, nuisance) = (of_role(Role::Scientific), of_role(Role::Nuisance));
        let kind = if scientific.is_empty() {
            QuestionKind::MaximizeObjective
        } else if scientific.iter().any(|h| h.values.iter().flatten().any(is_off)) {
            QuestionKind::TryImprovement
        } else {
            QuestionKind::UnderstandHyperparameter
        };
        let fixed = of_role(Role::Fixed).into_iter().filter_map(|h| {
            let because =
                h.fixed_because.as_ref().map_or_else(String::new, |why| format!(" ({})", why.trim_end_matches('.')));
            Some(format!("{} = {}{because}", name(h), h.value.as_ref()?))
        });
        Self {
            goal: spec.goal.clone(),
            kind,
            asked: asked(plan, kind, &scientific, &nuisance),
            answered_by: answered_by(plan, &scientific),
            holds_for: fixed.collect(),
        }
    }
}

impl QuestionKind {
    /// As the playbook words it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::TryImprovement => "try a potential improvement",
            Self::UnderstandHyperparameter => "understand the impact of a hyperparameter",
            Self::MaximizeObjective => "maximize the objective",
        }
    }
}

fn asked(plan: &Plan, kind: QuestionKind, scientific: &[&Hyperparameter], nuisance: &[&Hyperparameter]) -> String {
    let objective = &plan.spec().objective;
    let best = match objective.direction {
        Direction::Minimize => "lowest",
        Direction::Maximize => "highest",
    };
    let mut tuned: Vec<&str> = nuisance.iter().map(|h| h.name.as_str()).collect();
    let mut seen = BTreeSet::new();
    tuned.retain(|name| seen.insert(*name));
    let own = if tuned.is_empty() { String::new() } else { format!(", each with its own best {}", list(&tuned)) };
    let of: Vec<String> = scientific.iter().map(|h| with_values(h)).collect();
    match kind {
        QuestionKind::TryImprovement => {
            let on = scientific.iter().find(|h| h.values.iter().flatten().any(is_off));
            let switch = on.map_or_else(String::new, |h| without(h));
            let others: Vec<String> = scientific
                .iter()
                .filter(|h| !on.is_some_and(|on| std::ptr::eq(*on, **h)))
                .map(|h| with_values(h))
                .collect();
            let beside = if others.is_empty() { String::new() } else { format!(", for {}", list(&others)) };
            format!("Is {} better with {switch}{beside}{own}?", objective.metric)
        }
        QuestionKind::UnderstandHyperparameter => {
            format!("What does {} change in {}{own}?", list(&of), objective.metric)
        }
        QuestionKind::MaximizeObjective => format!("Which {} have the {best} {}?", values_of(&tuned), objective.metric),
    }
}

fn values_of(names: &[&str]) -> String {
    match names {
        [] => "points".to_owned(),
        names => format!("values of {}", list(names)),
    }
}

/// `dropout on than with false`: a switch and what it is compared with.
fn without(h: &Hyperparameter) -> String {
    let values = || h.values.iter().flatten();
    let on: Vec<String> = values().filter(|v| !is_off(v)).map(ToString::to_string).collect();
    let off = values().find(|v| is_off(v)).map_or_else(String::new, ToString::to_string);
    let on = match &on[..] {
        [one] => one.clone(),
        more => format!("any of {}", list(more)),
    };
    format!("{} = {on} than with {off}", name(h))
}

fn with_values(h: &Hyperparameter) -> String {
    let values: Vec<String> = h.values.iter().flatten().map(HyperparameterValue::to_string).collect();
    match (&h.range, &values[..]) {
        (Some(range), _) => format!("{} ({} to {})", name(h), range.min, range.max),
        (None, values) => format!("{} ({})", name(h), list(values)),
    }
}

fn answered_by(plan: &Plan, scientific: &[&Hyperparameter]) -> String {
    let spec = plan.spec();
    let is_compared = scientific.iter().any(|h| h.values.is_some());
    match (scientific.is_empty(), &spec.retrain) {
        (true, Some(retrain)) => format!(
            "The best point, and the mean of its {} retrainings with an interval, once the five questions pass.",
            retrain.times
        ),
        (true, None) => {
            "The best point. How good it is with other seeds stays unknown, because nothing is trained again \
                         (spec.retrain)."
                .to_owned()
        }
        (false, _) if !is_compared => "A curve: the best objective along the range (the isolation plot). No winner is \
                                       named, because a range has no arms; list values to compare them."
            .to_owned(),
        (false, Some(retrain)) if retrain.times < lead::FEWEST_RETRAININGS || retrain.per == Per::Study => format!(
            "A lead: the arm whose best point is better on average than every other arm's by more than noise. A winner is \
             named only where the best points of two arms are each trained again {} times or more; this study trains {} \
             again (spec.retrain).",
            lead::FEWEST_RETRAININGS,
            match retrain.per {
                Per::Study => "the best of all arms".to_owned(),
                Per::Scientific => count(retrain.times as usize, "time"),
            }
        ),
        (false, Some(_)) => "A winner: the arm whose best point, trained again with other seeds, is better on average \
                             than every other arm's by more than noise, once the five questions pass."
            .to_owned(),
        (false, None) => "A lead: the arm whose best trials are better than every other arm's by more than noise. A \
                          winner is named only where the best points are trained again (spec.retrain)."
            .to_owned(),
    }
}
