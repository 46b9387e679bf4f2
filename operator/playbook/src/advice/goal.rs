//! Advice on the goal: one narrow question a study ("Choosing the goal for the next round of experiments", R-047).

use studious_api::{
    StudySpec,
    study::{Algorithm, Hyperparameter, Phase, Role},
    validate::{Violation, counted},
};
use studious_rules::{advice::GOAL_TOO_BROAD, thresholds::advice::SCIENTIFIC_AT_ONCE};

use super::AdviceList;
use crate::findings::wording::list;

/// What only exploits asks no question.
pub(super) fn advise(spec: &StudySpec, found: &mut AdviceList) {
    if spec.phase == Some(Phase::Exploitation) {
        return;
    }
    let compared: Vec<&str> = scientific(spec).collect();
    let asked = questions(&spec.goal);
    // Where one thing is compared, they are parts of one question: whether it helps, and how strong it should be.
    if asked > 1 && compared.len() != 1 {
        found.push(
            Violation::new(
                "spec.goal",
                &spec.goal,
                format!("asks {}: their effects can't be told apart in one study", counted(asked as u64, "question")),
                "Ask one, and give each other question a study of its own.",
            )
            .of(&GOAL_TOO_BROAD),
        );
        return;
    }
    let most = spec.count(&SCIENTIFIC_AT_ONCE);
    if compared.len() > most && spec.search.algorithm != Algorithm::Manual {
        found.push(
            Violation::new(
                "spec.hyperparameters",
                &(),
                format!(
                    "{} of them are Scientific ({}): the effects of so many can hardly be told apart, and every combination \
                     has to be tuned",
                    compared.len(),
                    list(&compared)
                ),
                format!("Keep {most} or fewer Scientific, and make the others Nuisance or Fixed in this study."),
            )
            .of(&GOAL_TOO_BROAD),
        );
    }
}

/// Scientific hyperparameters that vary for themselves: not those that exist for some values of another.
fn scientific(spec: &StudySpec) -> impl Iterator<Item = &str> {
    let is_scientific = |h: &&Hyperparameter| h.role == Role::Scientific && h.varies() && h.when.is_none();
    spec.hyperparameters.iter().filter(is_scientific).map(|h| h.name.as_str())
}

/// How many sentences of a text are questions: words that a question mark ends, before a space or the end.
fn questions(text: &str) -> usize {
    let sentences = text.split_inclusive('?').filter(|sentence| sentence.ends_with('?'));
    let mut rest = text;
    let mut number = 0;
    for sentence in sentences {
        rest = &rest[sentence.len()..];
        let ends = rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || matches!(c, '"' | ')' | '?'));
        let holds_words = sentence.chars().any(char::is_alphanumeric);
        number += usize::from(ends && holds_words);
    }
    number
}
