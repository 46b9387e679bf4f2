//! Plots as Vega-Lite specifications: dashboard, report and notebook show the same plot.
//!
//! Each holds its data and a title that says what is seen, in which round, and of how many trials. Colours are those of
//! Okabe and Ito, which colour-blind people tell apart; marks have shapes as well, so that a grey print can be read.
//! Background, text and grid are left to the page (`config`), so that one specification serves light, dark and print.

mod axis;
mod beside;
mod best_steps;
mod both_sets;
mod budget;
mod curves;
mod early;
mod good;
mod gradients;
mod importance;
mod infeasible_map;
mod intervals;
mod isolation;
mod isolation_buckets;
mod isolation_over;
mod overfit_share;
mod overlay;
mod parallel;
mod pareto;
mod scale;
mod steps;
mod style;
mod thin;
mod throughput;
mod timeline;

#[cfg(test)]
mod luck_tests;
#[cfg(test)]
mod tests;

pub use beside::BesideError;
pub use isolation_over::OverError;
pub use overlay::{RunCurve, overlay};
use serde_json::Value;
pub use steps::StepAxis;

use crate::{Plan, findings::reading::Reading, pareto::Second, record::TrialRecord, trial::judged_by_value};

/// A plot of a study.
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

/// The plots that every study gets, along training steps each as wide as any other: see [`plots_along`].
#[must_use]
pub fn plots(plan: &Plan, trials: &[TrialRecord]) -> Vec<Plot> {
    plots_along(plan, trials, StepAxis::Linear)
}

/// The plots that every study gets, in the order in which they are read: the answer (isolation, Pareto), the search space
/// (an axis plot for each hyperparameter, where training fails, what matters), the budget, the training curves of every
/// round, and how the trials ran. One that has nothing to show is left out. The order of `trials` changes nothing.
#[must_use]
pub fn plots_along(plan: &Plan, trials: &[TrialRecord], steps: StepAxis) -> Vec<Plot> {
    let trials = &*judged_by_value(plan.spec(), trials);
    let reading = Reading::new(plan, trials);
    let mut plots = isolation::plots(&reading);
    plots.extend(isolation_buckets::plots(&reading, None));
    plots.extend(pareto::plots(&reading));
    plots.extend(axis::plots(&reading));
    plots.extend(infeasible_map::plot(&reading));
    plots.extend(importance::plot(&reading));
    plots.extend(parallel::plot(&reading));
    plots.extend(budget::plot(&reading));
    plots.extend(curves::plots(&reading, steps));
    plots.extend(best_steps::plot(&reading));
    plots.extend(gradients::plot(&reading));
    plots.extend(overfit_share::plot(&reading));
    plots.extend(throughput::plot(&reading, trials));
    plots.extend(timeline::plot(&reading, trials));
    plots
}

/// Isolation plots of scientific hyperparameters with a range, in so many buckets.
#[must_use]
pub fn isolation_in_buckets(plan: &Plan, trials: &[TrialRecord], buckets: usize) -> Vec<Plot> {
    isolation_buckets::plots(&Reading::new(plan, &judged_by_value(plan.spec(), trials)), Some(buckets))
}

/// Isolation plots in which only the nuisance hyperparameters `over` are optimised away; the others are held, each value or
/// third of a range a series of its own. They have the names of those over all of them.
///
/// # Errors
/// When a name is no nuisance hyperparameter that varies, there is nothing to compare, or too many are held.
pub fn isolation_over(
    plan: &Plan,
    trials: &[TrialRecord],
    over: &[String],
    buckets: Option<usize>,
) -> Result<Vec<Plot>, OverError> {
    isolation_over::plots(&Reading::new(plan, &judged_by_value(plan.spec(), trials)), over, buckets)
}

/// A metric of a few trials, chosen by name, against the step; each curve is named by what sets its trial apart.
///
/// # Errors
/// When a name is unknown, there are too many, or none of them reported the metric.
pub fn beside(
    plan: &Plan,
    trials: &[TrialRecord],
    names: &[String],
    metric: &str,
    steps: StepAxis,
) -> Result<Plot, BesideError> {
    beside::plot(plan, &judged_by_value(plan.spec(), trials), names, metric, steps)
}

/// The objective against a second metric, with the trials that no other beats in both; nothing if no trial that succeeded
/// reported it.
#[must_use]
pub fn pareto(plan: &Plan, trials: &[TrialRecord], second: &Second) -> Option<Plot> {
    pareto::plot(&Reading::new(plan, &judged_by_value(plan.spec(), trials)), second)
}
