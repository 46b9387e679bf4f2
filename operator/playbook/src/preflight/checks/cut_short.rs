//! Why the trial came to its end before it had shown all: what it did not show then is unknown, and no fault of the program.

use super::{lines, steps};
use crate::{
    contract::Event,
    preflight::{CheckStatus, Observations},
};

/// Why a trial was cut short.
pub(super) struct CutShort {
    /// In words, about the program.
    pub message: String,
    /// What makes known what it did not show.
    pub fix: &'static str,
    /// Whether it ran out of time, which is a fault of its own.
    pub is_overdue: bool,
}

/// Why the trial ended before its last step; nothing where it trained to it, or left as if it had.
pub(super) fn cut_short(seen: &Observations<'_>) -> Option<CutShort> {
    let whole = &seen.whole;
    if whole.last_step() >= Some(steps(seen)) {
        return None;
    }
    let because = |message: String, fix: &'static str| Some(CutShort { message, fix, is_overdue: false });
    let infeasible = whole.events().find_map(|event| match event {
        Event::Infeasible { reason } => Some(reason),
        _ => None,
    });
    if let Some(reason) = infeasible {
        let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let fix = "Give a point that can be trained: --set NAME=VALUE.";
        return because(format!("it said that the point is infeasible{why}"), fix);
    }
    if !whole.was_interrupted() {
        let exit = whole.exit.filter(|exit| exit.code != 0)?;
        return because(format!("it left with exit code {} before its last step", exit.code), "Fix ExitCode first.");
    }
    if lines::finite(seen).status == CheckStatus::Fails {
        return because("it was ended since its values were not finite".to_owned(), "Fix Finite first.");
    }
    if lines::has_other_seeds(seen) {
        return because("it was ended since it reported other seeds".to_owned(), "Fix ReportsInit first.");
    }
    let message = "it was ended when its time was over".to_owned();
    Some(CutShort { message, fix: "Fix EndsItself first.", is_overdue: true })
}
