//! What this version can't do yet. A field that is silently ignored misleads, so a study that uses one is refused.

use serde::Serialize;

use super::Violation;
use crate::{
    StudySpec,
    study::{Advance, ProblemKind},
};

/// Fields that are refused, with the one value that is not, where there is one.
pub(crate) const NOT_YET: [(&str, Option<&str>); 6] = [
    ("spec.rounds[].advance", Some("Automatic")),
    ("spec.rounds[].from.shrinkToBest", None),
    ("spec.baseline", None),
    ("spec.project", None),
    ("spec.problemKind", Some("Supervised")),
    ("spec.trial.queue", None),
];

pub(super) fn refusals(spec: &StudySpec) -> Vec<Violation> {
    let mut found = Vec::new();
    for (i, round) in spec.rounds.iter().enumerate() {
        if round.advance != Advance::Automatic {
            let fix = "remove it: the next round begins when every trial of this one has ended";
            found.push(not_yet(format!("spec.rounds[{i}].advance"), &round.advance, fix));
        }
        if let Some(share) = round.from.as_ref().and_then(|f| f.shrink_to_best) {
            let fix = "remove it, and take points of the earlier round with best";
            found.push(not_yet(format!("spec.rounds[{i}].from.shrinkToBest"), &share, fix));
        }
    }
    if spec.baseline.is_some() {
        found.push(not_yet("spec.baseline", &spec.baseline, "remove it, and compare the reports of both studies"));
    }
    if spec.project.is_some() {
        found.push(not_yet("spec.project", &spec.project, "remove it; labels on the study can group studies"));
    }
    if spec.problem_kind.is_some_and(|kind| kind != ProblemKind::Supervised) {
        found.push(not_yet(
            "spec.problemKind",
            &spec.problem_kind,
            "remove it: findings are those of supervised learning",
        ));
    }
    if spec.trial.queue.is_some() {
        found.push(not_yet("spec.trial.queue", &spec.trial.queue, "remove it: Jobs start without a queue"));
    }
    found
}

fn not_yet(field: impl Into<String>, value: &impl Serialize, fix: &str) -> Violation {
    let (first, rest) = fix.split_at(1);
    Violation::new(field, value, "is not in this version", format!("{}{rest}.", first.to_uppercase()))
}
