//! A design in plain words, as a terminal shows it: sections of at most 100 columns, each ending with a line break.

use std::fmt::Write as _;

use super::{AllowedPoints, Cost, Design, StepTime, StudyQuestion, Want};
use crate::{
    findings::{
        detectable::{DetectableBoundaries, DetectableDifference, DetectableOverfitting, NOISES},
        wording::{count, list, number, percent, wrap},
    },
    numbers::thousands,
};

/// The column in which what is said begins.
const INDENT: usize = 14;
/// Columns of the text.
const WIDTH: usize = 100 - INDENT;
/// Columns of the names in the table of what is detectable.
const NAMES: usize = 56;
/// Columns of each size of noise.
const CELLS: usize = 14;

impl Design {
    /// What is asked, and what would answer it.
    #[must_use]
    pub fn question_text(&self) -> String {
        let StudyQuestion { kind, asked, answered_by, holds_for, .. } = &self.question;
        let mut text = String::new();
        paragraph(&mut text, "Asks", &format!("{asked} (Goal: {}.)", kind.words()));
        paragraph(&mut text, "Answered by", answered_by);
        if let Some(AllowedPoints { constraints, share }) = &self.allowed {
            let with = if constraints.is_empty() {
                "at which what is derived is a number".to_owned()
            } else {
                format!("with {}", list(constraints))
            };
            paragraph(&mut text, "Tries", &format!("Only points {with}: about {} of the space.", whole(*share)));
        }
        if !holds_for.is_empty() {
            paragraph(&mut text, "Holds for", &format!("{}.", list(holds_for)));
        }
        text
    }

    /// How the trials are split among the three desiderata.
    #[must_use]
    pub fn balance_text(&self) -> String {
        let mut text = "Three things compete for the trials:\n".to_owned();
        for desideratum in &self.balance.desiderata {
            let label = match desideratum.want {
                Want::ScientificValues => "Values",
                Want::Width => "Width",
                Want::Density => "Density",
            };
            paragraph(&mut text, label, &format!("{} {}", desideratum.has, desideratum.more));
            if let Some(shortage) = &desideratum.shortage {
                paragraph(&mut text, "", &format!("A shortage looks like this: {}", lower(shortage)));
            }
        }
        text
    }

    /// What it costs.
    #[must_use]
    pub fn cost_text(&self) -> String {
        let mut text = String::new();
        let cost = &self.cost;
        let Some(step_time) = cost.step_time else {
            let unknown = "Unknown: no step time was measured. Give --measured with a run of the same program, or --step-seconds, \
                           to know hours and accelerator-hours.";
            paragraph(&mut text, "Time", unknown);
            return text;
        };
        paragraph(&mut text, "Time", &time(cost, step_time));
        text
    }

    /// What the findings could see.
    #[must_use]
    pub fn power_text(&self) -> String {
        let mut text = String::new();
        let Some(detectable) = &self.detectable else {
            let why = self.undetermined.as_deref().unwrap_or("nothing is planned");
            paragraph(&mut text, "Power", &format!("Unknown: {why}."));
            return text;
        };
        let has_rows = detectable.difference.is_some() || !detectable.boundaries.hyperparameters.is_empty();
        let seen = format!("What the findings would see in {} of studies like this one", percent(detectable.share));
        if !has_rows {
            text.push_str(&seen);
            text.push(':');
        } else if self.coverage.as_ref().is_some_and(|coverage| !coverage.dimensions.is_empty()) {
            text.push_str(&seen);
            text.push_str(", by the noise of a retraining as a share\nof what the objective changes along a range:\n");
            let _ = writeln!(text, "{}", row("", &NOISES.map(|noise| format!("noise {}", whole(noise)))));
        } else {
            text.push_str(&seen);
            text.push_str(",\nin standard deviations (SD) of a retraining:\n");
        }
        if let Some(difference) = &detectable.difference {
            difference_rows(&mut text, difference);
        }
        boundary_rows(&mut text, &detectable.boundaries);
        text.push('\n');
        if let Some(remedy) = detectable.difference.as_ref().and_then(|difference| difference.remedy.as_ref()) {
            paragraph(&mut text, "Winner", &format!("To name one, {remedy}."));
        }
        if self.coverage.as_ref().is_some_and(|coverage| coverage.by_results > 0) {
            let as_if = "This is of points that are spread evenly. Those chosen by results crowd where it is good, and show \
                         less of the rest.";
            paragraph(&mut text, "Search", as_if);
        }
        boundary_words(&mut text, &detectable.boundaries);
        paragraph(&mut text, "Overfitting", &overfitting(&detectable.overfitting));
        text
    }
}

fn difference_rows(text: &mut String, difference: &DetectableDifference) {
    type Size = fn(&crate::findings::detectable::DifferenceAtNoise) -> Option<f64>;
    let sizes: [(&str, Size); 2] =
        [("arms differ by: a winner is named", |at| at.winner), ("arms differ by: a lead is reported", |at| at.lead)];
    for (label, size) in sizes {
        let is_lead = label.ends_with("reported");
        if is_lead && difference.by_noise.iter().all(|at| at.lead.is_none()) {
            continue;
        }
        let cells = difference.by_noise.iter().map(|at| match (size(at), at.noise) {
            (None, _) if is_lead && at.winner.is_some() => String::new(),
            (None, _) => "none".to_owned(),
            (Some(deviations), Some(noise)) => format!("{} ({} SD)", whole(deviations * noise), number(deviations)),
            (Some(deviations), None) => format!("{} SD", number(deviations)),
        });
        let _ = writeln!(text, "{}", row(label, &cells.collect::<Vec<_>>()));
    }
}

fn boundary_rows(text: &mut String, boundaries: &DetectableBoundaries) {
    for boundary in &boundaries.hyperparameters {
        let cells = boundary.by_noise.iter().map(|at| match at.beyond {
            None => "none".to_owned(),
            Some(0.0) => "at it".to_owned(),
            Some(beyond) => format!("{} beyond", percent(beyond)),
        });
        let _ = writeln!(
            text,
            "{}",
            row(&format!("optimum beyond {}", boundary.hyperparameter), &cells.collect::<Vec<_>>())
        );
    }
}

fn boundary_words(text: &mut String, boundaries: &DetectableBoundaries) {
    let Some(needed) = boundaries.trials_needed else { return };
    let said = match &boundaries.unseen[..] {
        [] => format!("Arms have too few trials to look at boundaries: give each {needed}."),
        [first, second, _, rest @ ..] => format!("{first} {second} So do {} more.", rest.len() + 1),
        few => few.join(" "),
    };
    paragraph(
        text,
        "Boundaries",
        &format!("{said} Question 1 (is the search space large enough?) would stay unknown."),
    );
}

fn overfitting(overfitting: &DetectableOverfitting) -> String {
    let evaluations = count(usize::try_from(overfitting.evaluations).unwrap_or(usize::MAX), "evaluation");
    match overfitting.climb {
        Some(climb) => format!(
            "With {evaluations} of each trial, overfitting is reported from a climb of {} of the fall before it (noise of \
             an evaluation: 2% of that fall).",
            whole(climb)
        ),
        None if overfitting.evaluations < overfitting.evaluations_needed => format!(
            "None would be seen: {evaluations} of each trial of round {} are too few. Evaluate at least {} times \
             (evaluation.everySteps).",
            overfitting.round, overfitting.evaluations_needed
        ),
        None => format!("With {evaluations} of each trial, none would be seen."),
    }
}

/// A share in percent, without a decimal that is 0.
fn whole(share: f64) -> String {
    percent(share).replace(".0%", "%")
}

fn row(label: &str, cells: &[String]) -> String {
    let mut line = format!(" {label:<NAMES$}");
    for cell in cells {
        let _ = write!(line, "{cell:>CELLS$}");
    }
    line.trim_end().to_owned()
}

fn time(cost: &Cost, step_time: StepTime) -> String {
    let of = match step_time.trials {
        0 => "as given".to_owned(),
        n => format!("measured on {}", count(n, "trial")),
    };
    let step = range([step_time.fast, step_time.slow], |s| format!("{} s", number(s)));
    let mut said = format!("A step takes {step} ({of}).");
    if let Some(seconds) = cost.seconds {
        let _ = write!(said, " The study takes {}", range(seconds, duration));
        let _ = write!(said, " with {} at once", count(cost.parallelism as usize, "trial"));
        if let Some(first) = cost.first_result_seconds {
            let _ = write!(said, ", its first result {}", range(first, duration));
        }
        said.push('.');
    }
    match (&cost.accelerators, cost.accelerator_hours, cost.host_hours) {
        (Some(accelerators), Some(hours), _) => {
            let each = format!("{} of {} each", thousands(u64::from(accelerators.per_trial)), accelerators.resource);
            let _ = write!(said, " {} accelerator-hours (trials occupy {each}).", range(hours, hours_of));
        }
        (_, _, Some(hours)) => {
            let _ = write!(said, " {} host-hours; the template asks for no accelerator.", range(hours, hours_of));
        }
        _ => {}
    }
    said
}

/// `2 h` or `2 h to 3 h`.
fn range([low, high]: [f64; 2], words: impl Fn(f64) -> String) -> String {
    let (low, high) = (words(low), words(high));
    if low == high { low } else { format!("{low} to {high}") }
}

fn hours_of(hours: f64) -> String {
    if hours >= 100.0 { number(hours.round()) } else { number((hours * 100.0).round() / 100.0) }
}

/// Two units at most.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 60.0 => format!("{} s", number((10.0 * s).round() / 10.0)),
        s if s < 3600.0 => format!("{} min", number((s / 60.0).round())),
        s if s < 86_400.0 => format!("{} h", number((s / 360.0).round() / 10.0)),
        s => format!("{} d", number((s / 8640.0).round() / 10.0)),
    }
}

fn paragraph(text: &mut String, label: &str, said: &str) {
    for (i, line) in wrap(said, WIDTH).into_iter().enumerate() {
        let label = if i == 0 { label } else { "" };
        let _ = writeln!(text, " {label:<width$}{line}", width = INDENT - 1);
    }
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
