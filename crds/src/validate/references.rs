//! `$(NAME)` in the template: what is not replaced would reach the trainer as it stands.

use k8s_openapi::api::core::v1::Container;

use super::{
    Violation,
    assignments::{situations, with_ancestors},
    derived,
    printed::{list, short},
};
use crate::{
    StudySpec,
    expansion::{Absent, Reference, references},
    reserved::{
        HOST_VARIABLE, HYPERPARAMETER_PREFIX, TRAINER_VARIABLES, hyperparameter_variable, is_reserved_variable,
    },
    spelling,
    study::Hyperparameter,
};

/// Points without a variable that are named in a message.
const MOST_NAMED: usize = 4;

/// Every reference of a container to a variable that Studious sets, or does not.
pub(super) fn refusals(at: &str, c: &Container, is_trainer: bool, spec: &StudySpec, found: &mut Vec<Violation>) {
    let command = c.command.iter().flatten().enumerate().map(|(i, s)| (format!("{at}.command[{i}]"), s));
    let args = c.args.iter().flatten().enumerate().map(|(i, s)| (format!("{at}.args[{i}]"), s));
    let env = c.env.iter().flatten().enumerate();
    let env = env.filter_map(|(i, e)| e.value.as_ref().map(|v| (format!("{at}.env[{i}].value"), v)));
    for (field, text) in command.chain(args).chain(env) {
        for reference in references(text).filter(|reference| is_reserved_variable(reference.name)) {
            let Some((rule, fix)) = wrong(&reference, is_trainer, spec) else { continue };
            found.push(Violation::new(&field, text, rule, fix));
        }
        let program = field.ends_with(".command[0]");
        if program && is_trainer && references(text).any(|reference| reference.absent == Absent::Word) {
            let rule = "is the program, which can't be left out";
            found.push(Violation::new(&field, text, rule, "Give a default with :-, or name the program itself."));
        }
    }
}

/// The rule that a reference breaks and the way out.
fn wrong(reference: &Reference<'_>, is_trainer: bool, spec: &StudySpec) -> Option<(String, String)> {
    let Reference { written, name, absent } = *reference;
    if !is_trainer {
        let rule = format!("{name} is set for the trainer only, which is the first of containers");
        return (name != HOST_VARIABLE).then(|| (rule, "Give it to the first container.".to_owned()));
    }
    let entries: Vec<&Hyperparameter> =
        spec.hyperparameters.iter().filter(|h| hyperparameter_variable(&h.name) == name).collect();
    if entries.is_empty() && !TRAINER_VARIABLES.iter().any(|(known, _)| *known == name) {
        return Some(unknown(name, spec));
    }
    if let Absent::Default(text) = absent
        && text.contains(['$', '('])
    {
        let rule = format!("the default in {written} must be plain text, without $ and (");
        return Some((rule, "Write the value itself.".to_owned()));
    }
    let lacks = missing(name, &entries, spec).filter(|_| absent == Absent::Literal)?;
    let fix = format!("Write $({name}:-DEFAULT), or $({name}?) to leave the whole word out there.");
    Some((format!("{name} is missing {lacks}, where the trainer would read {written} as it stands"), fix))
}

fn unknown(name: &str, spec: &StudySpec) -> (String, String) {
    let is_hyperparameter = name.starts_with(HYPERPARAMETER_PREFIX);
    let names: Vec<String> = if is_hyperparameter {
        spec.hyperparameters.iter().map(|h| hyperparameter_variable(&h.name)).collect()
    } else {
        TRAINER_VARIABLES.iter().map(|(name, _)| (*name).to_owned()).collect()
    };
    let rule = if is_hyperparameter {
        format!("no hyperparameter of this study is {name}, so it would not be replaced")
    } else {
        format!("no variable of a trainer is {name}, so it would not be replaced")
    };
    let aliased = spec
        .hyperparameters
        .iter()
        .find(|h| h.alias.as_ref().is_some_and(|alias| is_hyperparameter && hyperparameter_variable(alias) == name));
    if let Some(h) = aliased {
        let variable = hyperparameter_variable(&h.name);
        return (rule, format!("Write $({variable}): variables are called by the name, not by the alias."));
    }
    let fix = spelling::did_you_mean(name, names.iter().map(String::as_str)).unwrap_or_else(|| {
        let known = if names.is_empty() { "none".to_owned() } else { list(&names, "and") };
        format!("Known here: {known}. Write $$( for a plain $(.")
    });
    (rule, fix)
}

/// In which trials a variable is missing, as a clause; nothing if it never is.
fn missing(name: &str, entries: &[&Hyperparameter], spec: &StudySpec) -> Option<String> {
    match name {
        "STUDIOUS_COORDINATOR" => {
            return (spec.trial.hosts <= 1).then(|| "in trials of one host".to_owned());
        }
        "STUDIOUS_CHECKPOINT_EVERY_STEPS" => {
            return spec.checkpoint.is_none().then(|| "without spec.checkpoint".to_owned());
        }
        _ if entries.is_empty() => return None,
        _ if entries.iter().any(|h| h.when.is_none() && h.expression.is_none()) => return None,
        _ => {}
    }
    let hs = &spec.hyperparameters;
    let parents = entries.iter().flat_map(|h| derived::parents(hs, h));
    let Some(all) = situations(hs, &with_ancestors(hs, parents)) else {
        return Some(format!("where the conditions of {} do not hold", entries[0].name));
    };
    let without: Vec<String> =
        all.iter().filter(|point| !entries.iter().any(|h| derived::exists(hs, h, point))).map(short).collect();
    let more = without.len().saturating_sub(MOST_NAMED);
    let mut named: Vec<String> = without.into_iter().take(MOST_NAMED).collect();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    (!named.is_empty()).then(|| format!("in trials with {}", list(&named, "and")))
}
