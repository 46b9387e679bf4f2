//! A study of one point, made from a study and values that are given by hand.
//!
//! Playbook: "Choosing the initial configuration". The trial-and-error runs that lead to a baseline are trials like any other
//! (`studious try`, [`by_hand`]).

mod by_hand;
mod setting;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use studious_api::{
    HyperparameterValue, Hyperparameters, Study, StudySpec, spelling,
    study::{Algorithm, Failure, Hyperparameter, Policy, Role, Round, Scale, Search, name_of},
    validate::{Violation, domain_in_words, settled, short},
};

pub use self::{
    by_hand::{by_hand, name_of_try},
    setting::Setting,
};
use crate::{
    numbers::value,
    space::{Dimension, Space},
};

/// A study of one point.
#[derive(Clone, Debug, PartialEq)]
pub struct OnePointStudy {
    /// The study.
    pub study: Study,
    /// Where its point is outside the space of the study it was made from, a sentence each.
    pub warnings: Vec<String>,
}

/// What a hyperparameter gets that is not given and has more than one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unnamed<'a> {
    /// Nothing: it must be given.
    Refused,
    /// Its value at this point, or the middle of its range where it doesn't exist there.
    At(&'a Hyperparameters),
}

/// A point with the hyperparameters that exist at it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct GivenPoint {
    /// Those that exist, without conditions; a range or list that lacks the value is extended by it.
    hyperparameters: Vec<Hyperparameter>,
    values: Hyperparameters,
    /// The study's constraints between hyperparameters that hold at it.
    constraints: Vec<String>,
    /// Where it is outside the space, a sentence each.
    pub(crate) warnings: Vec<String>,
}

impl GivenPoint {
    /// The point that settings say in the space of a valid study.
    ///
    /// # Errors
    /// Every setting whose hyperparameter is unknown, doesn't exist at this point or is given twice, or whose value is of the
    /// wrong kind; every hyperparameter that has no value.
    pub(crate) fn new(spec: &StudySpec, settings: &[Setting], unnamed: Unnamed<'_>) -> Result<Self, Vec<Violation>> {
        let hyperparameters = &spec.hyperparameters;
        let mut found = Vec::new();
        let given = by_name(hyperparameters, settings, &mut found);
        let space = Space::constrained(hyperparameters, &spec.comparisons()).map_err(|error| {
            vec![Violation::new("spec.hyperparameters", &(), error.to_string(), "Fix its range, values or condition.")]
        })?;
        let mut point = Self::default();
        let mut chosen = BTreeSet::new();
        for &i in space.subjects_first() {
            let (h, dimension) = (&hyperparameters[i], &space.dimensions()[i]);
            if point.values.contains_key(&h.name) || !dimension.exists_at(&point.values) {
                continue;
            }
            let given = given.get(h.name.as_str()).copied();
            let value = match (dimension.derived(&point.values), given) {
                (Some(_), Some(setting)) => Err(derived(h, setting)),
                (Some(value), None) => Ok(value),
                (None, given) => value_of(h, dimension, given, unnamed),
            };
            match value {
                Ok(value) => {
                    point.warnings.extend(outside(h, &value));
                    point.values.insert(h.name.clone(), value);
                    chosen.insert(i);
                }
                Err(violation) => found.push(violation),
            }
        }
        // Without what it depends on it is unknown whether it exists.
        if found.is_empty() {
            let absent = given.values().filter(|setting| {
                name_of(hyperparameters, &setting.name).is_some_and(|name| !point.values.contains_key(name))
            });
            found.extend(absent.map(|setting| inactive(hyperparameters, setting)));
        }
        if !found.is_empty() {
            return Err(found);
        }
        let all = hyperparameters.iter().enumerate().filter(|(i, _)| chosen.contains(i));
        point.hyperparameters = all.map(|(_, h)| extended(h, &point.values[&h.name])).collect();
        for constraint in space.constraints() {
            match constraint.holds(&point.values) {
                Some(true) => point.constraints.push(constraint.to_string()),
                Some(false) => point.warnings.push(format!("the point violates the study's constraint {constraint}")),
                // It names what doesn't exist there.
                None => {}
            }
        }
        Ok(point)
    }

    /// A study that trains this point and no other, for one round. What chooses, ends or repeats trials of the study it is made
    /// from does not apply to one trial.
    pub(crate) fn study_of(&self, spec: &StudySpec, goal: String, round: Round) -> StudySpec {
        let thresholds = spec.policy.as_ref().map(|policy| policy.thresholds.clone()).unwrap_or_default();
        StudySpec {
            goal,
            hyperparameters: self.hyperparameters.clone(),
            hyperparameter_constraints: self.constraints.clone(),
            search: Search {
                algorithm: Algorithm::Manual,
                scientific: spec.search.scientific,
                seed: spec.search.seed,
                points: vec![self.values.clone()],
                ..Search::default()
            },
            rounds: vec![round],
            retrain: None,
            parallelism: 1,
            failure: Failure { max_failed_trials: 0, ..spec.failure.clone() },
            suspend: false,
            policy: (!thresholds.is_empty()).then(|| Policy { thresholds, ..Policy::default() }),
            ..spec.clone()
        }
    }
}

/// The name of a study that is made from another, with one round. The other's name is cut where both would be too long.
pub(crate) fn name_with(study: &str, suffix: &str, round: &str) -> String {
    /// Characters that the names of a study and of a round may have together.
    const LONGEST_NAMES: usize = 49;
    let begins: String = study.chars().take(LONGEST_NAMES - round.len() - suffix.len()).collect();
    format!("{}{suffix}", begins.trim_end_matches('-'))
}

/// The settings by the names of hyperparameters.
fn by_name<'a>(
    hyperparameters: &'a [Hyperparameter],
    settings: &'a [Setting],
    found: &mut Vec<Violation>,
) -> BTreeMap<&'a str, &'a Setting> {
    let mut given: BTreeMap<&str, &Setting> = BTreeMap::new();
    for setting in settings {
        let Some(name) = name_of(hyperparameters, &setting.name) else {
            let known = hyperparameters.iter().flat_map(|h| [Some(h.name.as_str()), h.alias.as_deref()]).flatten();
            let fix = match spelling::nearest(&setting.name, known) {
                Some(meant) => format!("Did you mean {meant}?"),
                None => format!("The study has {}.", names(hyperparameters)),
            };
            found.push(setting.violation("is not a hyperparameter of this study", fix));
            continue;
        };
        if let Some(first) = given.insert(name, setting) {
            let rule = format!("{name} is given twice, first as {}", first.text);
            found.push(setting.violation(rule, "Give it once."));
        }
    }
    given
}

fn names(hyperparameters: &[Hyperparameter]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for h in hyperparameters {
        if !names.contains(&h.name.as_str()) {
            names.push(&h.name);
        }
    }
    names.join(", ")
}

/// The value that a hyperparameter gets at the point.
fn value_of(
    h: &Hyperparameter,
    dimension: &Dimension,
    given: Option<&Setting>,
    unnamed: Unnamed<'_>,
) -> Result<HyperparameterValue, Violation> {
    if let Some(setting) = given {
        return Ok(settled(h, &setting.read(h)?));
    }
    if !h.varies() {
        return Ok(dimension.value_at(0.5));
    }
    match unnamed {
        Unnamed::Refused => Err(missing(h, dimension)),
        Unnamed::At(point) => {
            let known = point.get(&h.name).filter(|value| dimension.to_unit(value).is_some());
            Ok(known.cloned().unwrap_or_else(|| dimension.value_at(0.5)))
        }
    }
}

/// That a value was set for what is worked out.
fn derived(h: &Hyperparameter, setting: &Setting) -> Violation {
    let expression = h.expression.as_deref().unwrap_or_default();
    setting.violation(format!("{} is Derived: it is {expression}", h.name), "Set what it is worked out from.")
}

fn missing(h: &Hyperparameter, dimension: &Dimension) -> Violation {
    let middle = dimension.value_at(0.5);
    let round = middle.as_f64().map(rounded).map(HyperparameterValue::from);
    let example = round.filter(|x| dimension.to_unit(x).is_some()).unwrap_or(middle);
    Violation::new(
        format!("--set {}", h.name),
        &(),
        "is missing, and the study has more than one value for it",
        format!("Give {}, such as --set {}={}.", domain_in_words(h), h.name, value(&example)),
    )
}

/// One digit is enough for an example.
fn rounded(x: f64) -> f64 {
    format!("{x:.0e}").parse().unwrap_or(x)
}

/// That a value is not one of the study's, if it isn't.
fn outside(h: &Hyperparameter, at: &HyperparameterValue) -> Option<String> {
    let (name, given) = (&h.name, value(at));
    if let Some(fixed) = &h.value {
        return (fixed != at).then(|| format!("{name} = {given} replaces the study's Fixed value {}", value(fixed)));
    }
    if let Some(values) = &h.values {
        let words: Vec<String> = values.iter().map(value).collect();
        let meant = at.as_text().and_then(|text| spelling::nearest(text, words.iter().map(String::as_str)));
        let meant = meant.map_or_else(String::new, |word| format!(". Did you mean {word}?"));
        return (!values.contains(at))
            .then(|| format!("{name} = {given} is not among the study's values {}{meant}", words.join(", ")));
    }
    let range = h.range.as_ref()?;
    at.as_f64().filter(|x| !(range.min..=range.max).contains(x)).map(|_| {
        let (min, max) = (value(&range.min.into()), value(&range.max.into()));
        format!("{name} = {given} is outside the study's range from {min} to {max}")
    })
}

/// The hyperparameter as the one of a study in which it has a value and always exists.
fn extended(h: &Hyperparameter, at: &HyperparameterValue) -> Hyperparameter {
    let mut own = Hyperparameter { when: None, ..h.clone() };
    if own.value.as_ref().is_some_and(|fixed| fixed != at) {
        own.fixed_because = None;
    }
    if own.role == Role::Fixed || own.value.is_some() {
        own.value = Some(at.clone());
        own.values = None;
    }
    if let Some(values) = own.values.as_mut().filter(|values| !values.contains(at)) {
        values.push(at.clone());
    }
    if let (Some(range), Some(x)) = (&mut own.range, at.as_f64()) {
        range.min = range.min.min(x);
        range.max = range.max.max(x);
        // A scale that can't hold the value.
        if !range.scale.holds(range.min, range.max) {
            range.scale = Scale::Linear;
        }
    }
    own
}

fn inactive(hyperparameters: &[Hyperparameter], setting: &Setting) -> Violation {
    let name = name_of(hyperparameters, &setting.name).unwrap_or(&setting.name);
    if let Some(expression) = hyperparameters.iter().find(|h| h.name == *name).and_then(|h| h.expression.as_ref()) {
        return setting.violation(
            format!("doesn't exist at this point: it is {expression}, of which not all exists"),
            "Remove it, or change what that depends on.",
        );
    }
    let conditions: Vec<String> = hyperparameters.iter().filter(|h| h.name == name).map(|h| short(&h.when)).collect();
    setting.violation(
        format!("doesn't exist at this point: {name} exists only when {}", conditions.join(" or ")),
        "Remove it, or change what it depends on.",
    )
}
