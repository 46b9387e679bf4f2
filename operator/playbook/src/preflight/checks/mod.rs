//! Each check, in the order in which they are shown.

mod cut_short;
mod ending;
mod lines;
mod resuming;

use super::{Check, Observations};

/// All checks.
pub(super) fn all(seen: &Observations<'_>) -> Vec<Check> {
    vec![
        ending::starts(seen),
        lines::evaluates(seen),
        lines::evaluation_distance(seen),
        lines::finite(seen),
        lines::readable(seen),
        ending::obeys_max_train_steps(seen),
        ending::ends_itself(seen),
        ending::exit_code(seen),
        ending::says_done(seen),
        lines::reports_init(seen),
        resuming::saves_checkpoints(seen),
        resuming::resumes(seen),
        resuming::restores_what_it_saved(seen),
        ending::ends_on_request(seen),
        resuming::repeats(seen),
        resuming::resumes_exactly(seen),
    ]
}

/// Steps of the short trial.
fn steps(seen: &Observations<'_>) -> u64 {
    seen.spec.rounds.first().map_or(0, |round| round.max_train_steps)
}

/// What makes a check known that a failed start hides.
const FIX_START: &str = "Fix Starts first.";

/// ` 50, 100 and 2 more`.
fn list(steps: &[u64]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<String> = steps.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = if steps.len() > SHOWN { format!(" and {} more", steps.len() - SHOWN) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// A time as it is shown.
fn seconds(x: f64) -> String {
    format!("{} s", crate::numbers::number((x * 1000.0).round() / 1000.0))
}
