//! Plots as Vega-Lite specifications: dashboard, report and notebook show the same picture.
//!
//! Each holds its data and a title that says what is seen, in which round, and of how many trials. Colours are those of
//! Okabe and Ito, which colour-blind people tell apart; marks have shapes as well, so that a grey print can be read.
//! Background, text and grid are left to the page (`config`), so that one specification serves light, dark and print.

mod axis;
mod curves;
mod isolation;
mod overlay;
mod pareto;
mod scale;
mod style;
mod thin;

#[cfg(test)]
mod tests;

pub use overlay::{Run, overlay};
use serde_json::Value;

use crate::{Plan, findings::reading::Reading, pareto::Second, record::TrialRecord};

/// A picture of a study.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// Stable name, such as `axis-learning_rate`; a file name.
    pub id: String,
    /// What is seen, in a line.
    pub title: String,
    /// What it is drawn from: the round, the number of trials.
    pub subtitle: String,
    /// A Vega-Lite 6 specification with its data inside.
    pub specification: Value,
}

/// The plots that every study gets: the best of each scientific configuration, the objective against each metric that a
/// constraint bounds, an axis plot per varied hyperparameter, and training curves of every round. The order of `trials` changes nothing.
#[must_use]
pub fn plots(plan: &Plan, trials: &[TrialRecord]) -> Vec<Plot> {
    let reading = Reading::new(plan, trials);
    let mut plots = isolation::plots(&reading);
    plots.extend(pareto::plots(&reading));
    plots.extend(axis::plots(&reading));
    plots.extend(curves::plots(&reading));
    plots
}

/// The objective against a second metric, with the trials that no other beats in both; nothing if no trial that succeeded
/// reported it.
#[must_use]
pub fn pareto(plan: &Plan, trials: &[TrialRecord], second: &Second) -> Option<Plot> {
    pareto::plot(&Reading::new(plan, trials), second)
}
