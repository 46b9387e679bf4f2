//! What a preflight found, as text.

use std::fmt::Write as _;

use studious_playbook::{
    numbers::{number, value},
    preflight::{Check, CheckStatus, PreflightMeasurements},
};

use crate::json::PreflightDocument;

/// Characters of a line.
const WIDTH: usize = 100;
/// Where messages begin.
const INDENT: usize = 31;

/// The checks, what was measured, and whether the program is ready.
pub(crate) fn describe(document: &PreflightDocument) -> String {
    let point = document.hyperparameters.iter().map(|(name, v)| format!("{name} = {}", value(v)));
    let point: Vec<String> = point.collect();
    let mut text = format!("{}: {} steps at {}\n\n", document.study, document.max_train_steps, point.join(", "));
    for check in &document.report.checks {
        describe_check(&mut text, check);
    }
    let _ = writeln!(text, "\nMeasured: {}", measured(&document.report.measured));
    let _ = write!(text, "\n{}", verdict(document));
    text
}

fn describe_check(text: &mut String, check: &Check) {
    let status = match check.status {
        CheckStatus::Passes => "pass",
        CheckStatus::Fails => "FAILS",
        CheckStatus::Unknown => "unknown",
    };
    let head = format!("{status:8} {:21}", format!("{:?}", check.code));
    let optional = if check.needed || check.status == CheckStatus::Passes { "" } else { " (not required)" };
    let _ = writeln!(text, "{head:INDENT$}{}", wrapped(&format!("{}{optional}", check.message)));
    if let Some(fix) = &check.fix {
        let _ = writeln!(text, "{:INDENT$}{}", "", wrapped(&format!("→ {fix}")));
    }
}

/// In lines that begin where messages do.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH - INDENT => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join(&format!("\n{:INDENT$}", ""))
}

fn measured(measured: &PreflightMeasurements) -> String {
    let seconds = |x: f64| format!("{} s", number((x * 10_000.0).round() / 10_000.0));
    let all = [
        ("start-up", measured.startup_seconds.map(seconds)),
        ("a step", measured.seconds_per_step.map(seconds)),
        ("an evaluation", measured.seconds_per_evaluation.map(seconds)),
        ("memory", measured.peak_memory_bytes.map(|bytes| format!("{} MiB", bytes >> 20))),
        ("examples per second", measured.examples_per_second.map(number)),
    ];
    let known: Vec<String> =
        all.iter().filter_map(|(what, value)| value.as_ref().map(|value| format!("{what} {value}"))).collect();
    let unknown: Vec<&str> = all.iter().filter(|(_, value)| value.is_none()).map(|(what, _)| *what).collect();
    let mut text = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
    if !unknown.is_empty() {
        let _ = write!(text, ". Not known: {}", unknown.join(", "));
    }
    text
}

fn verdict(document: &PreflightDocument) -> String {
    let open = |status| {
        let checks = document.report.checks.iter().filter(move |check| check.needed && check.status == status);
        checks.map(|check| format!("{:?}", check.code)).collect::<Vec<_>>()
    };
    if document.report.ready {
        return "Ready: everything that a study needs was seen to work.".to_owned();
    }
    let parts = [("fails", open(CheckStatus::Fails)), ("unknown", open(CheckStatus::Unknown))];
    let parts = parts
        .iter()
        .filter(|(_, codes)| !codes.is_empty())
        .map(|(what, codes)| format!("{what}: {}", codes.join(", ")));
    format!("Not ready. A study needs what {}.", parts.collect::<Vec<_>>().join("; "))
}
