//! What can be concluded from a study, and the rules behind it.

use schemars::JsonSchema;
use serde::Serialize;
use studious_playbook::findings::{Checklist, Finding, Verdict};
use studious_rules::{self as rules, QUESTIONS, thresholds};

use super::Printable;

/// The answer to a study's goal, the five questions before it, and the findings.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FindingsDocument {
    /// The answer: which arm is better and how sure that is, or why it can't be said.
    pub verdict: Verdict,
    /// The five questions that are answered before it.
    pub checklist: Checklist,
    /// The findings, in the order in which they are shown.
    pub findings: Vec<Finding>,
}

impl Printable for FindingsDocument {
    const KIND: &'static str = "Findings";
}

/// The codes of findings and the thresholds behind them.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PolicyDocument {
    /// The five questions in their order.
    questions: Vec<&'static str>,
    /// The thresholds.
    thresholds: Vec<ThresholdEntry>,
    /// The codes of findings.
    codes: Vec<CodeEntry>,
}

/// A threshold that a study can set.
#[derive(Debug, JsonSchema, Serialize)]
struct ThresholdEntry {
    name: &'static str,
    default: f64,
    /// The least value that it takes.
    min: f64,
    /// The largest.
    max: f64,
    integer: bool,
    unit: &'static str,
    /// Whether the playbook gives it or we chose it.
    source: &'static str,
    /// The playbook's section.
    section: &'static str,
    meaning: &'static str,
}

/// A code of findings.
#[derive(Debug, JsonSchema, Serialize)]
struct CodeEntry {
    code: &'static str,
    severity: String,
    /// The number of the question that it speaks to.
    question: Option<u8>,
    meaning: &'static str,
    /// The playbook's section.
    section: &'static str,
    /// The names of its thresholds.
    thresholds: Vec<&'static str>,
}

impl Printable for PolicyDocument {
    const KIND: &'static str = "Policy";
}

impl PolicyDocument {
    pub(crate) fn new() -> Self {
        let thresholds = thresholds::all().map(|t| ThresholdEntry {
            name: t.name,
            default: t.default,
            min: t.least,
            max: t.most,
            integer: t.is_whole(),
            unit: t.unit.word(),
            source: t.source.word(),
            section: t.section,
            meaning: t.meaning,
        });
        let codes = rules::all().map(|rule| CodeEntry {
            code: rule.code,
            severity: rule.severity_words(),
            question: rule.question,
            meaning: rule.meaning,
            section: rule.section,
            thresholds: rule.thresholds.iter().map(|t| t.name).collect(),
        });
        Self { questions: QUESTIONS.to_vec(), thresholds: thresholds.collect(), codes: codes.collect() }
    }
}
