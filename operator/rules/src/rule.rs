//! A conclusion that can be drawn from a study.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Threshold, advice, curves, search};

/// What is known of a finding before it is raised. Its code is part of the API, since studies waive it, status and alerts
/// show it, and scripts match it: a code is never renamed, and never takes another meaning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// The code of its findings, such as `SearchSpaceTooNarrow`.
    pub code: &'static str,
    /// How severe its findings are: the default first, then what they may be instead.
    pub severities: &'static [Severity],
    /// The one of the five questions that it belongs to, 1 to 5. A warning or problem fails that question.
    pub question: Option<u8>,
    /// The playbook's section; empty where a rule is not from there.
    pub section: &'static str,
    /// The thresholds it rests on.
    pub thresholds: &'static [&'static Threshold],
    /// What it means, as a sentence.
    pub meaning: &'static str,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Severity {
    /// Good to know.
    Info,
    /// Conclusions are weaker for it.
    Warning,
    /// Conclusions should not be drawn before it is fixed.
    Problem,
}

impl Rule {
    /// The severity of a finding unless the case is milder or graver.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severities[0]
    }

    /// Whether a study is refused for it before it runs, so that waiving it would change nothing.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.severity() == Severity::Problem && advice::ALL.iter().any(|rule| rule.code == self.code)
    }

    /// `Info or Warning`: every severity that its findings may have.
    #[must_use]
    pub fn severity_words(&self) -> String {
        self.severities.iter().map(|severity| format!("{severity:?}")).collect::<Vec<_>>().join(" or ")
    }
}

/// All rules: those about the search, those about curves and hosts, and those of advice before a study runs.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    search::ALL.iter().chain(curves::ALL).chain(advice::ALL).copied()
}

/// The rule of a code.
#[must_use]
pub fn named(code: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.code == code)
}

/// Defines rules, a constant each, and `ALL`, the list of them: none can be defined without being listed.
macro_rules! rules {
    ($($section:ident {$(
        $constant:ident: $code:ident, $($severity:ident)|+, $question:expr, [$($threshold:ident),*], $meaning:literal;
    )*})*) => {
        $($(
            #[doc = concat!("`", stringify!($code), "`: ", $meaning)]
            pub const $constant: $crate::Rule = $crate::Rule {
                code: stringify!($code),
                severities: &[$($crate::Severity::$severity),+],
                question: $question,
                section: $crate::sections::$section,
                thresholds: &[$(&$threshold),*],
                meaning: $meaning,
            };
        )*)*
        /// All of them.
        pub const ALL: &[&$crate::Rule] = &[$($(&$constant),*),*];
    };
}
pub(crate) use rules;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::thresholds;

    #[test]
    fn codes_are_unique_and_complete() {
        let codes: BTreeSet<_> = all().map(|rule| rule.code).collect();
        assert_eq!(codes.len(), all().count());
        for rule in all() {
            assert!(rule.meaning.ends_with('.'), "{rule:?}");
            assert!(!rule.section.is_empty() || advice::ALL.contains(&rule), "{rule:?}");
            assert!(rule.question.is_none_or(|q| (1..=5).contains(&q)), "{rule:?}");
            assert_eq!(named(rule.code), Some(rule));
        }
    }

    #[test]
    fn every_threshold_serves_a_rule_or_a_plot() {
        for threshold in thresholds::all() {
            let serves = all().any(|rule| rule.thresholds.contains(&threshold));
            assert!(serves || thresholds::plots::ALL.contains(&threshold), "{threshold:?} serves nothing");
        }
    }
}
