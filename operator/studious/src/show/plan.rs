//! A plan in words.

use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use studious_api::{
    study::{Algorithm, Constraint, Hyperparameter, Per, Role},
    validate,
};
use studious_playbook::{
    Plan,
    design::{Design, DimensionCoverage},
    numbers::{count, number, thousands, value},
    rounds, search,
};

/// Columns that a plan takes at most.
const COLUMNS: u16 = 100;

/// The plan in words.
pub(crate) fn describe(plan: &Plan, design: &Design) -> String {
    let sections = [
        format!("{}: {}\n", plan.name(), plan.spec().goal),
        design.question_text(),
        format!("{}\n", rounds_table(plan)),
        format!("{}{}", running(plan, design), design.cost_text()),
        format!("{}\n", hyperparameters_table(plan, design)),
        design.balance_text(),
        design.power_text(),
    ];
    sections.join("\n")
}

/// The points that are known before any result, a trial a line.
pub(crate) fn points(plan: &Plan) -> String {
    let mut names: Vec<&str> = plan.spec().hyperparameters.iter().map(|h| h.name.as_str()).collect();
    let mut seen = std::collections::HashSet::new();
    names.retain(|name| seen.insert(*name));
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(std::iter::once("trial").chain(names.iter().copied()));
    let known = rounds::names(plan).into_iter().filter_map(|round| rounds::points(plan, &round, &[]));
    for point in known.flatten() {
        let values = names.iter().map(|name| point.hyperparameters.get(*name).map_or_else(String::new, value));
        table.add_row(std::iter::once(plan.trial_name(&point.key)).chain(values));
    }
    format!("{}\n", table.trim_fmt())
}

fn rounds_table(plan: &Plan) -> String {
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
    table.trim_fmt()
}

/// How its trials run, and what is optimized.
fn running(plan: &Plan, design: &Design) -> String {
    let spec = plan.spec();
    let arms = plan.arms().map_or(1, <[_]>::len);
    let hosts = match spec.trial.hosts {
        1 => String::new(),
        n => format!(", {n} hosts each"),
    };
    let mut text = format!("{} at once{hosts}", count(spec.parallelism as usize, "trial"));
    if plan.is_crossed() && arms > 1 {
        let trials = design.coverage.iter().flat_map(|coverage| coverage.arms.iter().map(|arm| arm.trials));
        let (fewest, most) = (trials.clone().min().unwrap_or_default(), trials.max().unwrap_or_default());
        let _ = match most - fewest {
            0 | 1 => write!(text, ", {} that share the trials evenly", count(arms, "arm")),
            _ => write!(text, ", {} of {fewest} to {most} trials: not all have points enough", count(arms, "arm")),
        };
    }
    if let Some(shortfall) = plan.shortfall() {
        let _ = write!(text, "\n{}", upper(&shortfall.to_string()));
    }
    let _ = write!(
        text,
        "\n{} {}: {}\n",
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
    for Constraint { metric, min, max } in &spec.constraints {
        let bounds = [("at least", min), ("at most", max)];
        let bounds = bounds.into_iter().filter_map(|(word, bound)| Some(format!("{word} {}", number((*bound)?))));
        let _ =
            writeln!(text, "A trial can be the best only with {metric} {}", bounds.collect::<Vec<_>>().join(" and "));
    }
    if let Some(rule) = &spec.search.early_ending {
        let _ = writeln!(
            text,
            "Poor trials end early ({:?}): steps and hours are at most these, and power is that of trials that don't",
            rule.rule
        );
    }
    text
}

/// What is searched, and how much of it the arm sees that sees least.
fn hyperparameters_table(plan: &Plan, design: &Design) -> String {
    let mut table = Table::new();
    let coverage = design.coverage.as_ref();
    // Of several rounds with points of their own, it is the largest.
    let several = plan.spec().rounds.iter().filter(|round| round.from.is_none()).count() > 1;
    let tried_in = match coverage.filter(|_| several) {
        Some(coverage) => format!("tried in {}", coverage.round),
        None => "tried".to_owned(),
    };
    let header = ["hyperparameter", "role", "values", &tried_in, "largest gap", "only with"];
    table.load_preset(presets::NOTHING).set_header(header);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(COLUMNS);
    for (i, hyperparameter) in plan.spec().hyperparameters.iter().enumerate() {
        let covered = coverage.and_then(|coverage| coverage.dimensions.iter().find(|dimension| dimension.index == i));
        table.add_row([
            hyperparameter.name.clone(),
            match hyperparameter.role {
                Role::Scientific => "scientific",
                Role::Nuisance => "nuisance",
                Role::Fixed => "fixed",
                Role::Derived => "derived",
            }
            .to_owned(),
            values(hyperparameter),
            covered.map_or_else(String::new, tried),
            covered.map_or_else(String::new, gap),
            condition(hyperparameter),
        ]);
    }
    table.trim_fmt()
}

/// `15`, or `9 of 12`.
fn tried(covered: &DimensionCoverage) -> String {
    covered
        .of
        .map_or_else(|| covered.values.to_string(), |of| format!("{} of {}", covered.values, thousands(of as u64)))
}

/// `12%: 0.01 to 0.05`.
fn gap(covered: &DimensionCoverage) -> String {
    covered.largest_gap.map_or_else(String::new, |gap| {
        let share = if gap.share < 0.005 { "<1%".to_owned() } else { format!("{:.0}%", 100.0 * gap.share) };
        format!("{share}: {} to {}", number(gap.from), number(gap.to))
    })
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
                "the best {}{}, {} each with other seeds",
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
    if let Some(expression) = &hyperparameter.expression {
        return format!("= {expression}");
    }
    let list: Vec<String> = hyperparameter.values.iter().flatten().chain(&hyperparameter.value).map(value).collect();
    lines(&list)
}

/// A list, in lines that leave room for the other columns.
fn lines(list: &[String]) -> String {
    const WIDTH: usize = 36;
    let mut lines = String::new();
    let mut width = 0;
    for (i, item) in list.iter().enumerate() {
        let separator = match (i, width + item.chars().count() + 2 > WIDTH) {
            (0, _) => "",
            (_, true) => ",\n",
            (_, false) => ", ",
        };
        width = if separator == ",\n" { 0 } else { width + separator.len() } + item.chars().count();
        lines.push_str(separator);
        lines.push_str(item);
    }
    lines
}

fn condition(hyperparameter: &Hyperparameter) -> String {
    let parts = hyperparameter.when.iter().flatten().map(|(name, allowed)| format!("{name} {}", allowed.words()));
    parts.collect::<Vec<_>>().join(", ")
}
