//! What hyperparameters are called: names, which become variables, and aliases, which programs have of their own.

use std::collections::BTreeMap;

use studious_rules::{
    advice::MAX_TRAIN_STEPS_TUNED,
    registry::{self, STEP_BUDGET},
};

use super::Violation;
use crate::{StudySpec, reserved::hyperparameter_variable, spelling, study::Hyperparameter};

/// Longest name.
const LONGEST_NAME: usize = 63;
/// Longest alias.
const LONGEST_ALIAS: usize = 128;
/// What aliases hold besides letters and digits.
const ALIAS_MARKS: &str = "_.-/:[]";

pub(super) fn refusals(spec: &StudySpec) -> Vec<Violation> {
    let mut found = Vec::new();
    for (i, h) in spec.hyperparameters.iter().enumerate() {
        let at = format!("spec.hyperparameters[{i}]");
        name(h, &at, spec, &mut found);
        alias(i, &at, spec, &mut found);
    }
    environment(spec, &mut found);
    found
}

/// The way out where a word names no hyperparameter: the name whose alias it is, or the one that is probably meant.
pub(super) fn meant<'a>(word: &str, among: impl Iterator<Item = &'a Hyperparameter> + Clone) -> Option<String> {
    if let Some(h) = among.clone().find(|h| h.alias.as_deref() == Some(word)) {
        return Some(format!("{word} is the alias of {0}: write {0}.", h.name));
    }
    spelling::did_you_mean(word, among.map(|h| h.name.as_str()))
}

fn name(h: &Hyperparameter, at: &str, spec: &StudySpec, found: &mut Vec<Violation>) {
    let field = format!("{at}.name");
    if is_step_budget(&h.name) {
        found.push(step_budget(field, &h.name));
    } else if !is_identifier(&h.name) {
        let rule = "must be 1 to 63 letters, digits and '_', no digit first";
        found.push(Violation::new(field, &h.name, rule, identifier_and_alias(h, spec)));
    }
}

fn is_identifier(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_alias(alias: &str) -> bool {
    alias.len() <= LONGEST_ALIAS
        && alias.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && alias.chars().all(|c| c.is_ascii_alphanumeric() || ALIAS_MARKS.contains(c))
}

/// `optim.lr` as the edit that makes it one of a study: `name: optim_lr, alias: optim.lr`.
fn identifier_and_alias(h: &Hyperparameter, spec: &StudySpec) -> String {
    let bare = h.name.trim_start_matches(['-', '+', '.', '/']);
    let plain: String = bare.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let plain = if plain.starts_with(|c: char| c.is_ascii_digit()) { format!("_{plain}") } else { plain };
    let is_free = |name: &str| {
        let variable = hyperparameter_variable(name);
        spec.hyperparameters
            .iter()
            .all(|other| other.name == h.name || hyperparameter_variable(&other.name) != variable)
    };
    let free = std::iter::once(plain.clone()).chain((2..10).map(|n| format!("{plain}_{n}"))).find(|name| is_free(name));
    match free.filter(|name| is_identifier(name) && is_alias(bare)) {
        Some(name) => {
            let variable = hyperparameter_variable(&name);
            format!("Write name: {name}, alias: {bare}. Commands get its value as $({variable}).")
        }
        None => "Name it by such a word; alias says what the program calls it.".to_owned(),
    }
}

fn alias(i: usize, at: &str, spec: &StudySpec, found: &mut Vec<Violation>) {
    let h = &spec.hyperparameters[i];
    let field = format!("{at}.alias");
    let Some(alias) = &h.alias else { return };
    if is_step_budget(alias) && !counts_something_else(&h.name, alias) {
        found.push(step_budget(field, alias));
        return;
    }
    if !is_alias(alias) {
        let rule = "must be 1 to 128 letters, digits and any of _ . - / : [ ], a letter, a digit or '_' first";
        let fix = "Write what the program calls it, such as optim.lr.";
        found.push(Violation::new(field, alias, rule, fix));
        return;
    }
    let all = || spec.hyperparameters.iter().enumerate();
    if let Some((other, _)) = all().find(|(_, other)| other.name == *alias && other.name != h.name) {
        let rule = format!("is the name of hyperparameters[{other}]: a column called {alias} could be either");
        found.push(Violation::new(field, alias, rule, "Choose another alias, or rename that hyperparameter."));
        return;
    }
    if let Some((first, other)) = all().take(i).find(|(_, other)| other.alias == h.alias && other.name != h.name) {
        let rule = format!("is also the alias of {}, hyperparameters[{first}]", other.name);
        found.push(Violation::new(field, alias, rule, "Give each hyperparameter an alias of its own."));
        return;
    }
    // Of one name under several conditions there is one column, and one argument of the program.
    if let Some((other, first)) = all().find(|(_, other)| other.name == h.name && other.alias != h.alias)
        && (other < i || first.alias.is_none())
    {
        let has = first.alias.as_ref().map_or_else(|| "none".to_owned(), |alias| format!("the alias {alias}"));
        let rule = format!("{} has {has} at hyperparameters[{other}]: one name has one alias", h.name);
        found.push(Violation::new(field, alias, rule, "Give both the same alias, or rename one."));
    }
}

pub(super) fn step_budget(field: String, word: &str) -> Violation {
    // longer training wins by being longer.
    let fix = "Remove it and set spec.rounds[].maxTrainSteps; compare training lengths with a study for each. If it counts \
               something else, call it what it counts, such as name: rollout_length, alias: n_steps.";
    let rule = "can't be a hyperparameter: all trials of a round train for the round's maxTrainSteps, or they could not be \
                compared";
    Violation::new(field, &word, rule, fix).of(&MAX_TRAIN_STEPS_TUNED)
}

/// Whether a word is that of a step budget, or the last part of one with several, such as `runner.max_epochs`.
fn is_step_budget(word: &str) -> bool {
    let last = word.rsplit(['.', '/', ':']).next().unwrap_or(word);
    [word, last].iter().any(|word| registry::is_known(word, &STEP_BUDGET))
}

/// Whether a name says what an alias counts that may be many things: `n_steps` of reinforcement learning is the length of a
/// rollout, `n_epochs` the passes over it. What can only be a step budget, such as `max_steps`, says so by whatever name.
fn counts_something_else(name: &str, alias: &str) -> bool {
    const MANY_THINGS: [&str; 6] = ["steps", "numsteps", "nsteps", "numepochs", "nepochs", "iterations"];
    let plain: String = alias.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    !is_step_budget(name) && MANY_THINGS.contains(&plain.as_str())
}

/// `lr` and `LR` would both be `HP_LR`.
fn environment(spec: &StudySpec, found: &mut Vec<Violation>) {
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    for (i, h) in spec.hyperparameters.iter().enumerate() {
        let variable = hyperparameter_variable(&h.name);
        let earlier = *first.entry(variable.clone()).or_insert(&h.name);
        if earlier != h.name {
            found.push(Violation::new(
                format!("spec.hyperparameters[{i}].name"),
                &h.name,
                format!("and {earlier} would both be {variable} in the trainer's environment"),
                "Rename one of them.",
            ));
        }
    }
}
