//! Advice on the objective.

use studious_api::{StudySpec, study::Direction, validate::Violation};
use studious_contract::metrics::usual_direction;
use studious_rules::advice::DIRECTION_AGAINST_METRIC;

use super::AdviceList;
use crate::findings::Edit;

/// A direction against the metric's name makes the worst trial the best one, and nothing else would say so.
pub(super) fn advise(spec: &StudySpec, found: &mut AdviceList) {
    let objective = &spec.objective;
    let Some(usual) = usual_direction(&objective.metric).filter(|usual| *usual != objective.direction) else { return };
    let better = match usual {
        Direction::Minimize => "smaller",
        Direction::Maximize => "larger",
    };
    found.push_with(
        Violation::new(
            "spec.objective.direction",
            &objective.direction,
            format!("{} is usually better when it is {better}", objective.metric),
            format!("Set direction: {usual:?}, unless {} is meant to be as bad as can be.", objective.metric),
        )
        .of(&DIRECTION_AGAINST_METRIC),
        [Edit::Direction(usual)],
    );
}
