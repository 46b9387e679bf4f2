//! What commands print for programs: one JSON object each, or one a line, whose `apiVersion` and `kind` say what it is.
//!
//! Within a version fields are added and never taken away or given another meaning. `studious schema` prints the schemas,
//! which `docs/schemas` holds, too.

mod about;
mod findings;
mod pareto;
mod plan;
mod preflight;
mod ranking;
mod run;
mod schema;
mod study;
mod validation;

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;

pub(crate) use about::{AboutDocument, AboutSource, PlotsDocument};
pub(crate) use findings::{FindingsDocument, PolicyDocument};
pub(crate) use pareto::ParetoDocument;
pub(crate) use plan::PlanDocument;
pub(crate) use preflight::{KeptPreflight, PreflightDocument};
pub(crate) use ranking::RankingDocument;
pub(crate) use run::{RunEventDocument, RunStartedDocument};
pub(crate) use schema::{KINDS, schema};
pub(crate) use study::{StudyDocument, TrialsDocument};
pub(crate) use validation::{ValidatedFile, ValidationDocument};

use crate::output::outln;

/// The version of all documents.
pub(crate) const API_VERSION: &str = "cli.studious.dev/v1";

/// For whom a command prints.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// For programs: JSON, as `studious schema` describes it
    Json,
}

impl Format {
    pub(crate) fn is_json(self) -> bool {
        self == Self::Json
    }
}

/// What a command prints for programs.
pub(crate) trait Printable: Serialize + JsonSchema {
    /// Its `kind`.
    const KIND: &'static str;
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Labeled<'a, D> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    document: &'a D,
}

fn labeled<D: Printable>(document: &D) -> Labeled<'_, D> {
    Labeled { api_version: API_VERSION, kind: D::KIND, document }
}

/// A document over several lines.
pub(crate) fn text<D: Printable>(document: &D) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&labeled(document))?)
}

/// Prints a document, over several lines.
pub(crate) fn print<D: Printable>(document: &D) -> anyhow::Result<()> {
    outln!("{}", text(document)?)
}

/// Prints a document on one line, which can be read at once.
pub(crate) fn print_line<D: Printable>(document: &D) -> anyhow::Result<()> {
    outln!("{}", serde_json::to_string(&labeled(document))?)?;
    crate::output::flush()
}
