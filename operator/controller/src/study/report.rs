//! The status of a study: what it should say, and when that is worth a write.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use studious_api::{
    Study, StudyStatus, Trial,
    study::{BestTrial, GeneratorStatus, StudyPhase, TrialCounts},
    validate::Violation,
};
use studious_playbook::{
    Plan,
    findings::{Brief, CONDITIONS, Claim},
    rounds::TooLate,
    search,
    study::{GivesUp, StudyEnd, View, gives_up},
    trial,
};

use super::observe::ObservedStudy;
use crate::{
    create::MakeError,
    object::Identified,
    status::{ConditionClaim, is_stalled, seconds, set_condition, set_stalled},
};

/// Field manager of studies' statuses.
pub(super) const MANAGER: &str = "studious-study";
/// Writes of one study's status are at least this far apart.
const APART: SignedDuration = SignedDuration::from_secs(1);
/// Writes that only say how many trials wait, run and have ended are at least this far apart, so that they are right within
/// two seconds, while there is no more than one write of the study for each two trials that have begun: a trial must cost few.
const COUNTS_APART: SignedDuration = SignedDuration::from_millis(1500);
/// Beyond that, writes that say that more trials have ended are at least this far apart.
const ENDS_APART: SignedDuration = SignedDuration::from_secs(10);
/// Beyond that, writes that only say how many trials wait and run are at least this far apart.
const RARE_COUNTS_APART: SignedDuration = SignedDuration::from_secs(30);

/// The status of a study that is refused.
pub(super) fn refused(
    study: &Identified<Study>,
    seen: &ObservedStudy,
    violations: &[Violation],
    now: Timestamp,
) -> StudyStatus {
    let mut status = seen.status.clone();
    let generation = study.metadata.generation;
    status.observed_generation = generation;
    status.phase = StudyPhase::Invalid;
    let message = violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for wanted in [
        ConditionClaim { type_: "Accepted", holds: Some(false), reason: "Invalid", message: &message },
        ConditionClaim { type_: "Progressing", holds: Some(false), reason: "Invalid", message: "nothing is started" },
    ] {
        set_condition(&mut status.conditions, &wanted, generation, now);
    }
    status
}

/// The status of a study that was accepted and can't begin yet.
pub(super) fn waiting(
    study: &Identified<Study>,
    plan: &Plan,
    seen: &ObservedStudy,
    why: &str,
    now: Timestamp,
) -> StudyStatus {
    let mut status = accepted(study, plan, seen, &Tally::of(plan, &View::default()), (None, &[]), None, now);
    let wanted = ConditionClaim { type_: "Progressing", holds: Some(false), reason: "WaitsForStudy", message: why };
    set_condition(&mut status.conditions, &wanted, study.metadata.generation, now);
    status
}

/// The status of a study whose trials can't be made.
pub(super) fn stalled(
    study: &Identified<Study>,
    seen: &ObservedStudy,
    error: &MakeError,
    now: Timestamp,
) -> StudyStatus {
    let mut status = seen.status.clone();
    let message = error.to_string();
    set_stalled(&mut status.conditions, Some((error.word(), &message)), study.metadata.generation, now);
    status
}

/// Why a study is accepted of which not all is done.
pub(super) const TOO_LATE: &str = "TrialsAddedTooLate";

/// Trials that were added too late, in words.
pub(super) fn late_trials(late: &[TooLate]) -> String {
    late.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Whether a status says that trials were added too late.
pub(super) fn tells_of_late_trials(status: &StudyStatus) -> bool {
    status.conditions.iter().any(|c| c.type_ == "Accepted" && c.reason == TOO_LATE)
}

/// The status of a study that was accepted. Without `found` it tells the
/// findings that it told before.
pub(super) fn accepted(
    study: &Identified<Study>,
    plan: &Plan,
    seen: &ObservedStudy,
    tally: &Tally,
    (end, late): (Option<&StudyEnd>, &[TooLate]),
    found: Option<&Brief>,
    now: Timestamp,
) -> StudyStatus {
    let mut status = seen.status.clone();
    let generation = study.metadata.generation;
    let counts = tally.counts;
    let ended = counts.ended();
    status.observed_generation = generation;
    status.phase = match end {
        Some(end) => end.phase,
        None if study.spec.suspend => StudyPhase::Paused,
        None if tally.is_empty() => StudyPhase::Pending,
        None => StudyPhase::Running,
    };
    status.round.clone_from(&tally.round);
    status.done = Some(format!("{ended}/{}", counts.total));
    status.trials = counts;
    status.best.clone_from(&tally.best);
    status.generator = Some(GeneratorStatus { name: search::generator(plan).to_owned(), seed: study.spec.search.seed });
    if status.start_time.is_none() && !tally.is_empty() {
        status.start_time = Some(seconds(now));
    }
    if end.is_none() {
        status.completion_time = None;
    } else if status.completion_time.is_none() {
        status.completion_time = Some(seconds(now));
    }

    let message = end.map_or("", |end| end.message.as_str());
    let (progressing, word, what) = match (end, &tally.gives_up) {
        (Some(end), _) => (false, end.reason, message),
        // Running trials finish.
        (None, Some(why)) => (false, why.reason, why.message.as_str()),
        (None, None) if study.spec.suspend => {
            (false, "Suspended", "spec.suspend is true: no further trials are started")
        }
        (None, None) => (true, "TrialsRun", "trials run"),
    };
    let (word_of_all, all_of_it) = match late {
        [] => ("Valid", "the study can run".to_owned()),
        late => (TOO_LATE, late_trials(late)),
    };
    for wanted in [
        ConditionClaim { type_: "Accepted", holds: Some(true), reason: word_of_all, message: &all_of_it },
        ConditionClaim { type_: "Progressing", holds: Some(progressing), reason: word, message: what },
        ConditionClaim {
            type_: "Complete",
            holds: Some(end.is_some_and(|end| end.phase == StudyPhase::Completed)),
            reason: end.map_or("NotYet", |end| end.reason),
            message,
        },
    ] {
        set_condition(&mut status.conditions, &wanted, generation, now);
    }
    set_ledger(&mut status.conditions, seen.ledger.as_ref(), generation, now);
    let stalled = stalled_trials(seen).filter(|_| end.is_none());
    let why = stalled.as_ref().map(|(reason, message)| (reason.as_str(), message.as_str()));
    set_stalled(&mut status.conditions, why, generation, now);
    if let Some(found) = found {
        status.findings = found.listed(&status.announced);
        status.findings_count = Some(i64::try_from(found.count).unwrap_or(i64::MAX));
        for Claim { type_, holds, reason, message } in &found.conditions {
            // What is not known yet is no condition, until the study has ended.
            let is_told = status.conditions.iter().any(|condition| condition.type_ == *type_);
            if holds.is_none() && end.is_none() && !is_told {
                continue;
            }
            let wanted = ConditionClaim { type_, holds: *holds, reason, message };
            set_condition(&mut status.conditions, &wanted, generation, now);
        }
    }
    status
}

/// Sets the condition `LedgerAvailable`. While all is well there is none.
fn set_ledger(
    conditions: &mut Vec<Condition>,
    trouble: Option<&(String, String)>,
    generation: Option<i64>,
    now: Timestamp,
) {
    const TYPE: &str = "LedgerAvailable";
    let claim = match trouble {
        Some((reason, message)) => ConditionClaim { type_: TYPE, holds: Some(false), reason, message },
        None if conditions.iter().all(|condition| condition.type_ != TYPE) => return,
        None => {
            let message = "measurements are taken in again";
            ConditionClaim { type_: TYPE, holds: Some(true), reason: "Recovered", message }
        }
    };
    set_condition(conditions, &claim, generation, now);
}

/// What trials that can't start wait for: the word of the first, and in a sentence how many there are.
fn stalled_trials(seen: &ObservedStudy) -> Option<(String, String)> {
    let of = |trial: &Identified<Trial>| {
        let status = trial.status.as_ref().filter(|status| !status.phase.has_ended())?;
        is_stalled(&status.conditions).map(|condition| (trial.id.name.clone(), condition.clone()))
    };
    let mut stalled: Vec<_> = seen.trials.iter().filter_map(of).collect();
    stalled.sort_by(|a, b| a.0.cmp(&b.0));
    let (name, condition) = stalled.first()?;
    let others = match stalled.len() {
        1 => String::new(),
        n => format!(", and {} more", n - 1),
    };
    Some((condition.reason.clone(), format!("can't start: {name}{others}. {}", condition.message)))
}

/// What the status says about a study's trials: counts, not lists.
pub(super) struct Tally {
    counts: TrialCounts,
    best: Option<BestTrial>,
    /// The round that runs, or ran last.
    round: Option<String>,
    /// Why nothing more is started, of a study that gives up.
    gives_up: Option<GivesUp>,
}

impl Tally {
    /// Of all trials, those included that were made just now.
    pub(super) fn of(plan: &Plan, view: &View) -> Self {
        let spec = plan.spec();
        let latest = trial::latest_round(spec, view.trials().map(|trial| trial.key.round.as_str()));
        Self {
            counts: trial::counts(plan.total_trials(), view.trials().map(|trial| trial.phase)),
            best: trial::best_trial(plan, view.trials()),
            round: latest.map(str::to_owned),
            gives_up: gives_up(plan, view),
        }
    }

    /// Whether no trial was made.
    pub(super) fn is_empty(&self) -> bool {
        self.round.is_none()
    }
}

/// Whether a status is worth a write now; if not, when it should be looked at again.
pub(super) fn is_due(
    before: &StudyStatus,
    next: &StudyStatus,
    written: Option<(Timestamp, u32)>,
    now: Timestamp,
) -> Result<(), Option<SignedDuration>> {
    if before == next {
        return Err(None);
    }
    // What the trials show changes as often as trials end.
    let conditions = |s: &StudyStatus| -> Vec<_> {
        let told = s.conditions.iter().filter(|c| !CONDITIONS.contains(&c.type_.as_str()));
        told.map(|c| (c.type_.clone(), c.status.clone(), c.reason.clone(), c.message.clone())).collect()
    };
    let telling =
        |s: &StudyStatus| (s.observed_generation, s.phase, s.round.clone(), s.completion_time.clone(), conditions(s));
    // Of a study that has ended little changes: findings that took their time are reported at once.
    let apart = if telling(before) != telling(next) || next.completion_time.is_some() {
        APART
    } else if written.is_none_or(|(_, writes)| 2 * writes <= next.trials.ended() + next.trials.running + 2) {
        COUNTS_APART
    } else if before.done != next.done {
        ENDS_APART
    } else {
        RARE_COUNTS_APART
    };
    let left = written.map_or(SignedDuration::ZERO, |(at, _)| apart - now.duration_since(at));
    if left.is_positive() { Err(Some(left)) } else { Ok(()) }
}
