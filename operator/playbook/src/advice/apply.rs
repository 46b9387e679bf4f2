//! Satisfies advice in the text of a study: each edit is applied in turn, and what is left is advised again.

use std::collections::BTreeSet;

use studious_api::{
    document::{self, Diagnostic, Document, Unedited},
    spelling,
};
use studious_rules::{Severity, advice::ALL, search::LOW_FEEDBACK_BAYES};
use thiserror::Error;

use super::{Advice, advice};
use crate::findings::Change;

/// Which advice is to be satisfied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AdviceChoice {
    /// All that an edit satisfies.
    All,
    /// That of a rule, by its code.
    Code(&'static str),
}

/// A study's text in which advice is satisfied.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The text.
    pub text: String,
    /// What was changed for which code, in order.
    pub changes: Vec<(&'static str, Change)>,
    /// What was asked and no edit satisfies, with what to do instead.
    pub left: Vec<Diagnostic>,
    /// What an edit would satisfy that can't be written into this text, with why: only where all was asked.
    pub unwritten: Vec<(&'static str, Unedited)>,
    /// The codes that were asked and are not advised against in this study.
    pub silent: Vec<&'static str>,
}

/// Why no advice was applied.
#[derive(Debug, Error)]
pub enum Unapplied {
    /// The study can't be read, or would not be valid.
    #[error("{code}: {cause}")]
    Unedited {
        /// The code whose edit it was.
        code: &'static str,
        /// Why.
        cause: Unedited,
    },
    /// The file holds no valid study.
    #[error("the study is not valid")]
    Invalid(Vec<Diagnostic>),
}

impl AdviceChoice {
    /// What a word on a command line asks.
    ///
    /// # Errors
    /// When it is neither `all` nor a code of advice.
    pub fn named(word: &str) -> Result<Self, String> {
        if word == "all" {
            return Ok(Self::All);
        }
        let codes = || ALL.iter().filter(|rule| rule.severity() < Severity::Problem).map(|rule| rule.code);
        let known = codes().chain([LOW_FEEDBACK_BAYES.code]).find(|code| code.eq_ignore_ascii_case(word));
        known.map(Self::Code).ok_or_else(|| {
            let meant = spelling::nearest(word, codes()).map(|code| format!(" Did you mean {code}?"));
            format!("unknown code of advice.{} `studious validate` prints the code of each", meant.unwrap_or_default())
        })
    }
}

/// Applies the edits that satisfy the wanted advice to the text of a study. Of each hyperparameter or field, a code is
/// satisfied once, so that two rules that pull apart come to an end.
///
/// # Errors
/// When the text is no valid study, or an edit can't be written into it. Then nothing is to be written.
pub fn apply(file: &str, text: &str, wanted: &[AdviceChoice]) -> Result<Applied, Unapplied> {
    let mut text = text.to_owned();
    let mut changes = Vec::new();
    let mut done = BTreeSet::new();
    let mut unwritten = Vec::new();
    loop {
        let document = document::read(file, &text).map_err(Unapplied::Invalid)?;
        let spec = &document.study.spec;
        let all = asked(&document, wanted);
        let next = all.iter().find_map(|one| {
            let about = (one.rule.code, one.hyperparameter.clone().unwrap_or_else(|| one.violation.field.clone()));
            let change = one.change(spec).filter(|_| !done.contains(&about))?;
            Some((about, change))
        });
        let Some((about, change)) = next else {
            let is_silent = |code: &&str| {
                !all.iter().any(|one| one.rule.code == *code) && !changes.iter().any(|(other, _)| other == code)
            };
            let codes = wanted.iter().filter_map(|wanted| match wanted {
                AdviceChoice::Code(code) => Some(*code),
                AdviceChoice::All => None,
            });
            let silent = codes.filter(is_silent).collect();
            let is_told = |code: &str| unwritten.iter().any(|(other, _)| *other == code);
            let left = all.into_iter().filter(|one| !is_told(one.rule.code)).map(|one| one.violation).collect();
            let left = document.locate(left);
            return Ok(Applied { text, changes, left, unwritten, silent });
        };
        let code = about.0;
        match document::with_spec(file, &text, &change.edit.applied(spec)) {
            Ok(edited) => {
                text = edited;
                changes.push((code, change));
            }
            // The others can be written all the same.
            Err(cause) if !wanted.contains(&AdviceChoice::Code(code)) => unwritten.push((code, cause)),
            Err(cause) => return Err(Unapplied::Unedited { code, cause }),
        }
        done.insert(about);
    }
}

/// The wanted advice on a study, in the order in which it is wanted; none that the study waives.
fn asked(document: &Document, wanted: &[AdviceChoice]) -> Vec<Advice> {
    let rank = |one: &Advice| {
        wanted.iter().position(|wanted| *wanted == AdviceChoice::All || *wanted == AdviceChoice::Code(one.rule.code))
    };
    let all = advice(&document.study.spec).into_iter().filter(|one| one.waived.is_none());
    let mut asked: Vec<(usize, Advice)> = all.filter_map(|one| Some((rank(&one)?, one))).collect();
    asked.sort_by_key(|(rank, _)| *rank);
    asked.into_iter().map(|(_, one)| one).collect()
}
