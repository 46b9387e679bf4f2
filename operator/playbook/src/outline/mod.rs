//! From answers to a study: what a person answers becomes a commented text that validates, in the order of the playbook.
//!
//! Playbook: "Choosing the goal for the next round of experiments", "Designing the next round of experiments". First the goal,
//! then what is scientific, then what is nuisance, and what trials don't allow to tune is fixed (requirement R-049). Pure:
//! answers go in, a text comes out.

mod answer;
#[cfg(test)]
mod tests;
mod text;

use studious_api::{
    document::Diagnostic,
    study::{Direction, Hyperparameter, Role},
};
use studious_rules::registry::{self, KnownOptimizer, OPTIMIZER, hyperparameters};

pub use self::answer::{fixed, nuisance, scientific, words};
use crate::{
    advice::{self, Advised},
    findings::Edit,
    first_range::first_range,
};

/// Trials at once unless said: as many as the playbook's approach supposes.
pub const PARALLELISM: u32 = 3;

/// A study as a person describes it.
#[derive(Clone, Debug)]
pub struct StudyDraft {
    /// Its name.
    pub name: String,
    /// The question, in a sentence.
    pub goal: String,
    /// The metric by which trials are judged.
    pub metric: String,
    /// Which way it is better.
    pub direction: Direction,
    /// The optimizer, if the registry knows it: what it has and the study does not mention is tuned.
    pub optimizer: Option<&'static KnownOptimizer>,
    /// Scientific, nuisance and fixed hyperparameters.
    pub hyperparameters: Vec<Hyperparameter>,
    /// Trials of the round that explores; as many as are enough unless said.
    pub trials: Option<u32>,
    /// Training steps of each.
    pub steps: u64,
    /// Trials at once.
    pub parallelism: u32,
    /// The trainer's command.
    pub command: Vec<String>,
    /// The trainer's image, for a cluster.
    pub image: Option<String>,
}

/// A study that was made of answers.
#[derive(Debug)]
pub struct Outlined {
    /// The text of its file.
    pub text: String,
    /// What stands in it, and what the playbook advises against.
    pub advised: Advised,
    /// Its trials.
    pub trials: u32,
}

/// The optimizer that a person names.
///
/// # Errors
/// When the registry does not know it: with the names of those that it knows.
pub fn optimizer(word: &str) -> Result<&'static KnownOptimizer, String> {
    registry::optimizer_named(word).ok_or_else(|| {
        let names: Vec<&str> = registry::optimizers().map(|optimizer| optimizer.name).collect();
        format!(
            "unknown optimizer; expected one of {}. Leave it out and name what it has with --nuisance",
            names.join(", ")
        )
    })
}

/// Which way a metric of that name is usually better, if its name says so.
#[must_use]
pub fn usual_direction(metric: &str) -> Option<Direction> {
    studious_contract::metrics::usual_direction(metric)
}

/// What an optimizer has and hyperparameters do not mention, each as a nuisance in the first range of the registry.
#[must_use]
pub fn proposed(optimizer: &KnownOptimizer, mentioned: &[Hyperparameter]) -> Vec<Hyperparameter> {
    let names: Vec<&str> = mentioned.iter().map(Hyperparameter::program_name).collect();
    let known: Vec<&str> = registry::known_together(&names, true).into_iter().flatten().map(|known| known.id).collect();
    let missing = optimizer.hyperparameters.iter().filter(|id| !known.contains(*id));
    missing
        .filter_map(|id| {
            let range = hyperparameters().find(|known| known.id == *id)?.range?;
            Some(Hyperparameter { range: Some(first_range(range)), ..Hyperparameter::named(id, Role::Nuisance) })
        })
        .collect()
}

/// Makes the study of the answers.
///
/// # Errors
/// Everything for which the study is refused.
pub fn outlined(outline: &StudyDraft) -> Result<Outlined, Vec<Diagnostic>> {
    let hyperparameters = all(outline);
    let Some(trials) = outline.trials else {
        let trials = enough(outline, &hyperparameters)?;
        return written(outline, &hyperparameters, trials, true);
    };
    written(outline, &hyperparameters, trials, false)
}

/// What validation reports about a hyperparameter beside others, as soon as it is answered; nothing where it is sound.
#[must_use]
pub fn refusal(h: &Hyperparameter, others: &[Hyperparameter]) -> Option<String> {
    let draft = StudyDraft {
        name: "study".to_owned(),
        goal: "Which is best?".to_owned(),
        metric: "error".to_owned(),
        direction: Direction::Minimize,
        optimizer: None,
        hyperparameters: others.iter().chain([h]).cloned().collect(),
        trials: Some(1000),
        steps: 1000,
        parallelism: PARALLELISM,
        command: vec!["train".to_owned()],
        image: None,
    };
    let problems = outlined(&draft).err()?;
    problems.into_iter().find_map(|problem| match problem.violation {
        Some(v) if v.field.starts_with("spec.hyperparameters[") => {
            let value = if v.value.is_empty() { String::new() } else { format!("{} ", v.value) };
            Some(format!("{value}{}. {}", v.rule, v.fix).trim_end().to_owned())
        }
        // Others are about what is not asked yet.
        Some(_) => None,
        None => Some(problem.message),
    })
}

fn written(
    outline: &StudyDraft,
    all: &[Hyperparameter],
    trials: u32,
    is_enough: bool,
) -> Result<Outlined, Vec<Diagnostic>> {
    let text = text::of(outline, all, trials, is_enough);
    let advised = advice::read(&format!("{}.yaml", outline.name), &text)?;
    Ok(Outlined { text, advised, trials })
}

/// Scientific ones first, then nuisance ones with those of the optimizer, then fixed ones.
fn all(outline: &StudyDraft) -> Vec<Hyperparameter> {
    let mut all = outline.hyperparameters.clone();
    if let Some(optimizer) = outline.optimizer {
        all.extend(proposed(optimizer, &outline.hyperparameters));
        if !all.iter().any(|h| registry::is_known(&h.name, &OPTIMIZER)) {
            let mut held = Hyperparameter::named(OPTIMIZER.id, Role::Fixed);
            held.value = Some(optimizer.name.to_lowercase().as_str().into());
            held.fixed_because = Some("Which optimizer is best is a question of its own.".to_owned());
            all.push(held);
        }
    }
    all.sort_by_key(|h| h.role);
    all
}

/// The trials that the advice on a study with few asks for: shared out equally, and enough for all dimensions.
fn enough(outline: &StudyDraft, all: &[Hyperparameter]) -> Result<u32, Vec<Diagnostic>> {
    let mut arms = all.iter().filter(|h| h.role == Role::Scientific).filter_map(|h| h.values.as_ref().map(Vec::len));
    let arms = arms.try_fold(1_u32, |product, n| product.checked_mul(u32::try_from(n).ok()?)).unwrap_or(u32::MAX);
    let mut trials = arms;
    loop {
        let Outlined { advised, .. } = written(outline, all, trials, true)?;
        let spec = &advised.document.study.spec;
        let more = advised.advice.iter().filter_map(|one| one.change(spec)).filter_map(|change| match change.edit {
            Edit::Trials { to, .. } => Some(to),
            _ => None,
        });
        match more.max().filter(|more| *more > trials) {
            Some(more) => trials = more,
            None => return Ok(trials),
        }
    }
}
