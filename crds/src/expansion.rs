//! `$(NAME)` in a container's command, args and env: read once for validation, local runs and Jobs alike.
//!
//! `$(NAME)` and `$$` mean what they mean in a pod. Kubernetes has no word for a variable that may be missing; a trainer's
//! variables are missing where their hyperparameter does not exist, so for them there are two more:
//!
//! - `$(NAME:-TEXT)` is `TEXT` where the variable is missing;
//! - a word, or a variable of `env`, that holds `$(NAME?)` is left out where it is.
//!
//! [`Variables::settle`] writes both as Kubernetes knows them, for one trial, before anything is started.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Container;

use crate::reserved::is_reserved_variable;

/// A part of a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Piece<'a> {
    /// Stands for itself.
    Text(&'a str),
    /// `$$`, which is one `$`.
    Dollar,
    /// `$(…)`.
    Reference(Reference<'a>),
}

/// `$(…)`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reference<'a> {
    /// As it is written.
    pub written: &'a str,
    /// The variable, without what follows its name.
    pub name: &'a str,
    /// What stands for a variable that is missing.
    pub absent: Absent<'a>,
}

/// What stands for a variable that is missing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Absent<'a> {
    /// The reference, as it is written: nothing else is said.
    Literal,
    /// A text.
    Default(&'a str),
    /// Nothing, and the whole word is left out.
    Word,
}

/// The parts of a text, in order.
pub fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let dollar = rest.find('$').unwrap_or(rest.len());
        let (piece, after) = if dollar > 0 {
            (Piece::Text(&rest[..dollar]), &rest[dollar..])
        } else if let Some(after) = rest.strip_prefix("$$") {
            (Piece::Dollar, after)
        } else if let Some(close) = rest.strip_prefix("$(").and(rest.find(')')) {
            (Piece::Reference(Reference::of(&rest[..=close])), &rest[close + 1..])
        } else if rest.is_empty() {
            return None;
        } else {
            (Piece::Text(&rest[..1]), &rest[1..])
        };
        rest = after;
        Some(piece)
    })
}

/// The references of a text, in order.
pub fn references(text: &str) -> impl Iterator<Item = Reference<'_>> {
    pieces(text).filter_map(|piece| match piece {
        Piece::Reference(reference) => Some(reference),
        Piece::Text(_) | Piece::Dollar => None,
    })
}

impl<'a> Reference<'a> {
    /// Of `$(…)`. Only variables that Studious sets have the two forms that Kubernetes lacks.
    fn of(written: &'a str) -> Self {
        let inner = &written[2..written.len() - 1];
        let (name, absent) = match inner.split_once(":-") {
            Some((name, text)) => (name, Absent::Default(text)),
            None => inner.strip_suffix('?').map_or((inner, Absent::Literal), |name| (name, Absent::Word)),
        };
        if is_reserved_variable(name) {
            Self { written, name, absent }
        } else {
            Self { written, name: inner, absent: Absent::Literal }
        }
    }
}

/// The variables that a trial's trainer has.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Variables(BTreeSet<String>);

impl<S: Into<String>> FromIterator<S> for Variables {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        Self(names.into_iter().map(Into::into).collect())
    }
}

impl Variables {
    /// Writes a container's command, args and env as Kubernetes knows them: `$(NAME:-TEXT)` becomes `$(NAME)` or `TEXT`, and
    /// what holds `$(NAME?)` stays with `$(NAME)` or is left out.
    pub fn settle(&self, container: &mut Container) {
        for words in [&mut container.command, &mut container.args].into_iter().flatten() {
            *words = words.iter().filter_map(|word| self.word(word)).collect();
        }
        if let Some(env) = &mut container.env {
            env.retain_mut(|variable| match &variable.value {
                Some(value) => {
                    let settled = self.word(value);
                    let is_kept = settled.is_some();
                    variable.value = settled;
                    is_kept
                }
                None => true,
            });
        }
    }

    /// A word as Kubernetes knows it; nothing if it is left out.
    fn word(&self, text: &str) -> Option<String> {
        let mut word = String::with_capacity(text.len());
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => word.push_str(text),
                Piece::Dollar => word.push_str("$$"),
                Piece::Reference(reference) => word.push_str(&self.reference(&reference)?),
            }
        }
        Some(word)
    }

    /// A reference as Kubernetes knows it; nothing if the word that holds it is left out.
    fn reference(&self, Reference { written, name, absent }: &Reference<'_>) -> Option<String> {
        match absent {
            Absent::Literal => Some((*written).to_owned()),
            _ if self.0.contains(*name) => Some(format!("$({name})")),
            Absent::Default(text) => Some((*text).to_owned()),
            Absent::Word => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        references(text).map(|reference| reference.name).collect()
    }

    #[test]
    fn references_are_found_as_kubernetes_expands_them() {
        assert_eq!(names("--lr=$(HP_LR) $$(HP_NOT) $HOME $(B)"), ["HP_LR", "B"]);
        assert_eq!(names("$(unclosed $"), [""; 0]);
        assert_eq!(names("$$$(A)$(A:-b)$(A?)"), ["A", "A:-b", "A?"]);
        assert_eq!(names("$(HP_A:-b)$(STUDIOUS_ROUND?)ü$()"), ["HP_A", "STUDIOUS_ROUND", ""]);
        for text in ["grüße $(A) $", "$$(A)$", "$(", "$($(A))", "", "a$$b"] {
            let again: String = pieces(text)
                .map(|piece| match piece {
                    Piece::Text(text) => text,
                    Piece::Dollar => "$$",
                    Piece::Reference(reference) => reference.written,
                })
                .collect();
            assert_eq!(again, text);
        }
    }

    /// F-114: what a trial lacks is left out or has its default, and what it has stays for Kubernetes to expand.
    #[test]
    fn what_is_missing_is_left_out_or_has_its_default() {
        let container: Container = serde_json::from_value(serde_json::json!({
            "name": "t",
            "command": ["train", "--lr=$(HP_LR:-1)"],
            "args": ["--momentum=$(HP_MOMENTUM?)", "--beta=$(HP_BETA:-0.9)", "$$(HP_BETA?)", "$(MINE?)", "$(HP_BETA)"],
            "env": [
                {"name": "A", "value": "$(HP_MOMENTUM?)"},
                {"name": "B", "value": "$(HP_LR?)/$(HP_BETA:-)"},
                {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            ],
        }))
        .unwrap();
        let mut settled = container.clone();
        Variables::from_iter(["HP_LR"]).settle(&mut settled);
        assert_eq!(settled.command.unwrap(), ["train", "--lr=$(HP_LR)"]);
        assert_eq!(settled.args.unwrap(), ["--beta=0.9", "$$(HP_BETA?)", "$(MINE?)", "$(HP_BETA)"]);
        let env: Vec<_> = settled.env.unwrap().into_iter().map(|variable| (variable.name, variable.value)).collect();
        assert_eq!(env, [("B".to_owned(), Some("$(HP_LR)/".to_owned())), ("C".to_owned(), None)]);

        let mut all = container;
        Variables::from_iter(["HP_LR", "HP_MOMENTUM", "HP_BETA"]).settle(&mut all);
        assert_eq!(
            all.args.unwrap(),
            ["--momentum=$(HP_MOMENTUM)", "--beta=$(HP_BETA)", "$$(HP_BETA?)", "$(MINE?)", "$(HP_BETA)"]
        );
    }
}
