//! `studious plan`: what a study would do.

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;
use comfy_table::{Cell, CellAlignment, Table, presets};
use studious_api::{
    study::{Algorithm, Hyperparameter, Per, Role},
    validate,
};
use studious_playbook::{
    Plan,
    numbers::{count, number, thousands, value},
    rounds, search,
};

use crate::{
    exit,
    json::{self, Format, PlanDocument},
    output::out,
    study_file,
};

const AFTER: &str = "\
Starts nothing. Warnings say what the playbook advises against; `studious validate` prints the same.

Example:
  studious plan examples/digits/study.yaml";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct PlanCommand {
    /// The study file; - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where runs are kept, for the study that search.pointsFrom names
    #[arg(long, value_name = "FOLDER", default_value = "studious-runs")]
    runs: PathBuf,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl PlanCommand {
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        let Some(file) = study_file::read_for(&self.file, self.format)? else { return Ok(exit::INVALID) };
        let Some(plan) = study_file::plan(&file, &self.runs, self.format).await? else { return Ok(exit::INVALID) };
        if self.format.is_json() {
            json::print(&PlanDocument::new(&file.path.display().to_string(), &plan, &file.warnings))?;
        } else {
            out!("{}", describe(&plan))?;
        }
        Ok(exit::OK)
    }
}

/// The plan in words.
pub(crate) fn describe(plan: &Plan) -> String {
    let spec = plan.spec();
    let mut text = format!("{}: {}\n\n", plan.name(), spec.goal);

    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["round", "trials", "steps each", "steps in all", "points"]);
    let mut all = 0_u64;
    for round in rounds::names(plan) {
        let trials = u64::from(rounds::trials_in(plan, &round));
        let steps = rounds::max_train_steps(plan, &round);
        all = all.saturating_add(trials.saturating_mul(steps));
        table.add_row([
            Cell::new(&round),
            right(thousands(trials)),
            right(thousands(steps)),
            right(thousands(trials.saturating_mul(steps))),
            Cell::new(source(plan, &round)),
        ]);
    }
    table.add_row([
        Cell::new("all"),
        right(thousands(u64::from(plan.total_trials()))),
        Cell::new(""),
        right(thousands(all)),
        Cell::new(""),
    ]);
    text.push_str(&table.trim_fmt());

    let arms = plan.arms().map_or(1, <[_]>::len);
    let hosts = match spec.trial.hosts {
        1 => String::new(),
        n => format!(", {n} hosts each"),
    };
    let _ = write!(text, "\n\n{} at once{hosts}", count(spec.parallelism as usize, "trial"));
    if plan.is_crossed() {
        let _ = write!(text, ", {} that share the trials evenly", count(arms, "arm"));
    }
    if let Some(shortfall) = plan.shortfall() {
        let _ = write!(text, "\n{}", upper(&shortfall.to_string()));
    }
    let _ = write!(
        text,
        "\n{} {}: {}\n\n",
        match spec.objective.direction {
            studious_api::study::Direction::Minimize => "Minimizes",
            studious_api::study::Direction::Maximize => "Maximizes",
        },
        spec.objective.metric,
        match spec.objective.select {
            studious_api::study::Select::Best => "the best evaluation of a trial counts",
            studious_api::study::Select::Final => "the last evaluation of a trial counts",
        },
    );

    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["hyperparameter", "role", "values", "only with"]);
    for hyperparameter in &spec.hyperparameters {
        table.add_row([
            hyperparameter.name.clone(),
            match hyperparameter.role {
                Role::Scientific => "scientific",
                Role::Nuisance => "nuisance",
                Role::Fixed => "fixed",
            }
            .to_owned(),
            values(hyperparameter),
            condition(hyperparameter),
        ]);
    }
    text.push_str(&table.trim_fmt());
    text.push('\n');
    text
}

fn upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn source(plan: &Plan, round: &str) -> String {
    let spec = plan.spec();
    let Some(declared) = spec.rounds.iter().find(|r| r.name == round) else {
        return spec.retrain.as_ref().map_or_else(String::new, |retrain| {
            format!(
                "the best {}{} of the last round, {} each with other seeds",
                retrain.best,
                of_each(retrain.per),
                count(retrain.times as usize, "time")
            )
        });
    };
    match declared.from.as_ref().and_then(|from| Some((from, from.best?))) {
        Some((from, best)) => {
            format!("the best {best}{} of {}", of_each(from.per), from.round)
        }
        None if search::adapts(plan, round) => {
            let starts: Vec<&str> = spec.search.start_from.iter().map(|start| start.study.as_str()).collect();
            let first = rounds::points(plan, round, &[]).map_or(0, |points| points.len());
            match (first, starts.is_empty()) {
                (0, true) => format!("{:?}, by results", spec.search.algorithm),
                (0, false) => format!("{:?}, by results, those of {} too", spec.search.algorithm, starts.join(", ")),
                (first, _) => format!("{:?}, from trial {} on by results", spec.search.algorithm, first + 1),
            }
        }
        None => match (spec.search.algorithm, validate::space_size(spec)) {
            (Algorithm::Grid, Some(size)) => format!("Grid, which has {} points", thousands(size)),
            (Algorithm::Manual, None) => "Manual, of another study".to_owned(),
            (Algorithm::Manual, Some(size)) => {
                format!("Manual, {} listed", count(usize::try_from(size).unwrap_or(usize::MAX), "point"))
            }
            (algorithm, _) => format!("{algorithm:?}"),
        },
    }
}

fn of_each(per: Per) -> &'static str {
    match per {
        Per::Study => "",
        Per::Scientific => " of each arm",
    }
}

fn values(hyperparameter: &Hyperparameter) -> String {
    if let Some(range) = &hyperparameter.range {
        let scale = match range.scale {
            studious_api::study::Scale::Linear => "",
            studious_api::study::Scale::Log => ", log",
            studious_api::study::Scale::ReverseLog => ", log of 1 - x",
        };
        let integer = if range.integer { ", whole" } else { "" };
        return format!("{} to {}{scale}{integer}", number(range.min), number(range.max));
    }
    let list: Vec<String> = hyperparameter.values.iter().flatten().chain(&hyperparameter.value).map(value).collect();
    list.join(", ")
}

fn condition(hyperparameter: &Hyperparameter) -> String {
    let parts = hyperparameter
        .when
        .iter()
        .flatten()
        .map(|(name, values)| format!("{name} {}", values.iter().map(value).collect::<Vec<_>>().join(" or ")));
    parts.collect::<Vec<_>>().join(", ")
}
