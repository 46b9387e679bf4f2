//! What was held fixed limits what may be concluded.

use studious_api::study::Role;
use studious_rules::search::FIXED_CAVEAT;

use super::{Finding, reading::Reading};

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    // Before there are results, there is nothing to limit.
    if reading.rounds.iter().all(|round| round.results().next().is_none()) {
        return;
    }
    for hyperparameter in reading.plan.spec().hyperparameters.iter().filter(|h| h.role == Role::Fixed) {
        let Some(value) = &hyperparameter.value else { continue };
        let because = hyperparameter
            .fixed_because
            .as_ref()
            .map_or_else(String::new, |why| format!(" ({})", why.trim_end_matches('.')));
        findings.push(
            Finding::new(
                &FIXED_CAVEAT,
                format!(
                    "{} was held at {value}{because}. What this study finds may not hold at other values.",
                    hyperparameter.name
                ),
            )
            .of(&hyperparameter.name)
            .with("value", value.as_f64().unwrap_or(f64::NAN)),
        );
    }
}
