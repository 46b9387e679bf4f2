//! Where to begin to search a hyperparameter that the registry knows.

use studious_api::study::{Range, Scale};
use studious_rules::registry::UsualRange;

/// The range of the registry as a study has it.
#[must_use]
pub fn first_range(range: UsualRange) -> Range {
    let scale = match range.scale {
        "Log" => Scale::Log,
        "ReverseLog" => Scale::ReverseLog,
        _ => Scale::Linear,
    };
    Range { min: range.min, max: range.max, scale, integer: false }
}
