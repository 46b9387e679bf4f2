//! Trials by two metrics.

use std::fmt::Write as _;

use anyhow::bail;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, TableComponent, presets};
use studious_api::study::Direction;
use studious_playbook::{
    numbers::{number, value},
    pareto::{Pareto, Second, pareto},
    record::TrialRecord,
};

use super::trials::{in_lines, varied};
use crate::source::LoadedStudy;

/// The trials of the round that the answer is drawn from by its objective and a second metric.
///
/// # Errors
/// When no trial that succeeded reported the metric: names those that trials did report.
pub(crate) fn by_both<'a>(
    study: &'a LoadedStudy,
    records: &'a [TrialRecord],
    metric: &str,
    direction: Option<Direction>,
) -> anyhow::Result<(Pareto<'a>, Second)> {
    let objective = &study.plan.spec().objective;
    if metric == objective.metric {
        bail!("{metric} is the objective: name a second metric");
    }
    let second = Second::of(&study.plan, metric, direction);
    let Some(found) = pareto(&study.plan, records, &second) else {
        bail!("no trial has succeeded yet");
    };
    if found.candidates.is_empty() {
        let known: std::collections::BTreeSet<&str> =
            records.iter().flat_map(|r| r.curves.keys().chain(r.metrics.keys())).map(String::as_str).collect();
        let known: Vec<&str> = known.into_iter().filter(|name| *name != objective.metric).collect();
        bail!("no trial of round {} reported {metric}; reported are: {}", found.round, known.join(", "));
    }
    Ok((found, second))
}

/// The same as a table: first the trials that no other beats in both, at most `limit` in all.
///
/// # Errors
/// As [`by_both`].
pub(crate) fn table(
    study: &LoadedStudy,
    metric: &str,
    direction: Option<Direction>,
    limit: usize,
) -> anyhow::Result<String> {
    let records = study.records();
    let objective = &study.plan.spec().objective;
    let (found, second) = by_both(study, &records, metric, direction)?;
    let shown = &found.candidates[..found.candidates.len().min(limit)];
    let columns = varied(study);
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_style(TableComponent::HeaderLines, '─').set_style(TableComponent::MiddleHeaderIntersections, '─');
    let mut header = vec![String::new(), "trial".to_owned(), objective.metric.clone(), metric.to_owned()];
    header.extend(columns.iter().cloned());
    table.set_header(header.iter().map(|name| in_lines(name)));
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    for candidate in shown {
        let mark = if candidate.is_on_front { "◆" } else { "" };
        let violates = if candidate.satisfies { "" } else { " ✗" };
        let mut row = vec![
            Cell::new(mark),
            Cell::new(&candidate.trial.name),
            right(number(candidate.objective)),
            right(format!("{}{violates}", number(candidate.second))),
        ];
        row.extend(columns.iter().map(|name| match candidate.trial.hyperparameters.get(name) {
            Some(v) if v.as_f64().is_some() => right(value(v)),
            Some(v) => Cell::new(value(v)),
            None => Cell::new("·").set_alignment(CellAlignment::Center),
        }));
        table.add_row(row);
    }
    let mut text = table.trim_fmt();
    text.push_str(&notes(study, &found, &second, shown.len()));
    Ok(text)
}

/// What the marks mean and what is left out.
fn notes(study: &LoadedStudy, found: &Pareto<'_>, second: &Second, shown: usize) -> String {
    let better = |direction| if direction == Direction::Minimize { "smaller" } else { "larger" };
    let objective = &study.plan.spec().objective;
    let mut text = format!(
        "\n◆ no trial of round {} is at least as good in both and better in one ({} {}, {} {})",
        found.round,
        better(objective.direction),
        objective.metric,
        better(second.direction),
        second.metric
    );
    if found.candidates.iter().any(|candidate| !candidate.satisfies) {
        let bounds: Vec<String> = study.plan.spec().constraints.iter().map(ToString::to_string).collect();
        let _ = write!(text, "\n✗ violates {}: not the best trial", bounds.join(" or "));
    }
    let mut left_out = Vec::new();
    for (n, what) in [
        (found.candidates.len() - shown, "more trials"),
        (found.infeasible, "infeasible"),
        (found.ended_early, "ended early"),
    ] {
        if n > 0 {
            left_out.push(format!("{n} {what}"));
        }
    }
    if found.unknown > 0 {
        left_out.push(format!("{} that never reported {}", found.unknown, second.metric));
    }
    if !left_out.is_empty() {
        let _ = write!(text, "\nNot shown: {}", left_out.join(", "));
    }
    text
}
