//! The command itself, and the plots of a study by name.

use schemars::JsonSchema;
use serde::Serialize;
use studious_playbook::plots::Plot;

use super::Printable;

/// The command: its version, its license and the source of its guidance.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AboutDocument {
    /// Its version.
    pub version: &'static str,
    /// Its license, as SPDX names it.
    pub license: &'static str,
    /// What the guidance is adapted from.
    pub source: AboutSource,
}

/// A work that guidance is adapted from.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AboutSource {
    /// Its title.
    pub title: &'static str,
    /// Its authors.
    pub authors: Vec<&'static str>,
    /// The year of its publication.
    pub year: u16,
    /// Its version.
    pub version: &'static str,
    /// Where it is.
    pub url: &'static str,
    /// Its license, as SPDX names it.
    pub license: &'static str,
    /// Where that license is.
    pub license_url: &'static str,
    /// That it was changed, and who has not endorsed that.
    pub notice: String,
    /// How to cite it.
    pub bibtex: &'static str,
}

impl Printable for AboutDocument {
    const KIND: &'static str = "About";
}

/// The plots that a study has.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlotsDocument {
    /// The study's name.
    pub study: String,
    /// The plots in the order in which they are shown.
    pub plots: Vec<PlotEntry>,
}

/// A plot.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlotEntry {
    /// What --plot takes.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// What it is drawn from.
    pub subtitle: String,
}

impl Printable for PlotsDocument {
    const KIND: &'static str = "Plots";
}

impl PlotsDocument {
    pub(crate) fn new(study: &str, plots: &[Plot]) -> Self {
        let plots = plots.iter().map(|plot| PlotEntry {
            name: plot.id.clone(),
            title: plot.title.clone(),
            subtitle: plot.subtitle.clone(),
        });
        Self { study: study.to_owned(), plots: plots.collect() }
    }
}
