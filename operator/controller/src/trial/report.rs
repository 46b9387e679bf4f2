//! The status of a trial: what it should say, and when that is worth a write.

use jiff::{SignedDuration, Timestamp};
use studious_api::{
    Trial, TrialStatus,
    trial::{AttemptOutcome, AttemptRecord, MAX_ATTEMPTS, MAX_MACHINES, Provenance, RungStatus, TrialPhase},
};
use studious_playbook::{
    decide::{HostState, Progress, TrialEnd, still_to_restore},
    record::template_code,
    study::Trace,
    trial::Reason,
};

use super::observe::ObservedTrial;
use crate::{
    create::MakeError,
    object::Identified,
    status::{ConditionClaim, seconds, set_condition, set_stalled},
};

/// Field manager of trials' statuses.
pub(super) const MANAGER: &str = "studious-trial";
/// How long an attempt must have been waiting before it is worth a write.
pub(super) const FIRST_WORD: SignedDuration = SignedDuration::from_secs(15);
/// How long it must have been training. Trials that take less go from made to ended.
pub(super) const RUNNING_WORD: SignedDuration = SignedDuration::from_secs(10);
/// How often the progress of a running trial is written.
pub(super) const PROGRESS: SignedDuration = SignedDuration::from_mins(1);
/// Longest message, in characters.
const MAX_MESSAGE: usize = 4096;

/// The status of a trial that has ended.
pub(super) fn ended(
    trial: &Identified<Trial>,
    seen: &ObservedTrial,
    progress: &Progress,
    end: &TrialEnd,
    now: Timestamp,
) -> TrialStatus {
    let mut status = current(trial, seen, progress);
    status.phase = end.phase;
    status.reason = end.reason.as_ref().map(ToString::to_string);
    let mut message = end.message.clone();
    for remark in progress.remarks(&trial.spec) {
        message.push_str("; ");
        message.push_str(&remark);
    }
    status.message = Some(shorten(&message));
    status.objective = end.objective.map(|(_, value)| value);
    status.best_step = end.objective.map(|(step, _)| step);
    status.metrics = end.objective.map(|(step, _)| progress.bounded_at(step)).unwrap_or_default();
    status.completion_time = Some(seconds(now));
    if seen.job_made().is_some() || seen.started().is_some() || progress.step.is_some() {
        let attempt = AttemptEnd { outcome: end.attempt_outcome(), message: &end.message, restore_at_most: None };
        record(&mut status, seen, progress, &attempt, now);
    }
    let reason = end.reason.as_ref().map_or("Succeeded", Reason::as_str);
    let wanted = ConditionClaim { type_: "Ended", holds: Some(true), reason, message: &shorten(&message) };
    set_condition(&mut status.conditions, &wanted, trial.metadata.generation, now);
    set_stalled(&mut status.conditions, None, trial.metadata.generation, now);
    status
}

/// How an attempt ended which another may follow.
#[derive(Clone, Copy)]
pub(super) struct AttemptEnd<'a> {
    pub(super) outcome: AttemptOutcome,
    /// In a sentence.
    pub(super) message: &'a str,
    /// Beyond which step the next attempt restores no checkpoint.
    pub(super) restore_at_most: Option<u64>,
}

/// The status of a trial that waits for another attempt.
pub(super) fn retrying(
    trial: &Identified<Trial>,
    seen: &ObservedTrial,
    progress: &Progress,
    end: &AttemptEnd<'_>,
    now: Timestamp,
) -> TrialStatus {
    let AttemptEnd { outcome, message, .. } = *end;
    let mut status = current(trial, seen, progress);
    let restore_at_most = end.restore_at_most.or(still_to_restore(&seen.past, progress, seen.number));
    status.phase = TrialPhase::Retrying;
    status.reason =
        Some(if outcome == AttemptOutcome::Disrupted { Reason::Disrupted } else { Reason::AttemptFailed }.to_string());
    status.message = Some(shorten(message));
    record(&mut status, seen, progress, &AttemptEnd { restore_at_most, ..*end }, now);
    status
}

/// The status of a trial whose Job was not made.
pub(super) fn not_made(
    trial: &Identified<Trial>,
    seen: &ObservedTrial,
    error: &MakeError,
    now: Timestamp,
) -> TrialStatus {
    let mut status = seen.status.clone();
    let message = shorten(&error.to_string());
    set_stalled(&mut status.conditions, Some((error.word(), &message)), trial.metadata.generation, now);
    status.reason = Some(error.word().to_owned());
    status.message = Some(message);
    status
}

/// The status of a trial that is running. `refused` says why its pods are not made, if that is known.
pub(super) fn under_way(
    trial: &Identified<Trial>,
    seen: &ObservedTrial,
    progress: &Progress,
    refused: Option<&str>,
    now: Timestamp,
) -> TrialStatus {
    let mut status = current(trial, seen, progress);
    let running = seen.hosts.iter().any(|host| host.state == HostState::Running) || seen.started().is_some();
    status.phase = if running { TrialPhase::Running } else { TrialPhase::Pending };
    let waits = seen.waits_for().or(refused).filter(|_| !running);
    status.reason = waits.map(word);
    status.message = waits.map(shorten);
    let why = waits.map(|reason| (word(reason), shorten(reason)));
    let why = why.as_ref().map(|(word, message)| (word.as_str(), message.as_str()));
    set_stalled(&mut status.conditions, why, trial.metadata.generation, now);
    status
}

/// Whether the status of a trial that is running is worth a write now; if not, when it should be looked at again.
pub(super) fn is_due(
    before: &TrialStatus,
    next: &TrialStatus,
    (job_made, started): (Option<Timestamp>, Option<Timestamp>),
    written_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Option<SignedDuration>> {
    // Messages of the scheduler change with every other pod; the word in front of them doesn't.
    let telling = |s: &TrialStatus| (s.phase, s.reason.clone(), s.attempt);
    let left = |since: Timestamp, wait: SignedDuration| {
        let left = wait - now.duration_since(since);
        left.is_positive().then_some(left)
    };
    if before == next {
        return Err(None);
    }
    if telling(before) != telling(next) {
        let due = match next.phase {
            TrialPhase::Running => started.map(|at| (at, RUNNING_WORD)),
            _ => job_made.map(|at| (at, FIRST_WORD)),
        };
        let Some((since, wait)) = due else { return Err(None) };
        return left(since, wait).map_or(Ok(()), |left| Err(Some(left)));
    }
    written_at.and_then(|at| left(at, PROGRESS)).map_or(Ok(()), |left| Err(Some(left)))
}

fn current(trial: &Identified<Trial>, seen: &ObservedTrial, progress: &Progress) -> TrialStatus {
    let spec = &trial.spec;
    let mut status = seen.status.clone();
    let objective = progress.objective(spec.objective.direction, spec.objective.select);
    status.observed_generation = trial.metadata.generation;
    status.objective = objective.map(|(_, value)| value);
    status.best_step = objective.map(|(step, _)| step);
    status.metrics = objective.map(|(step, _)| progress.bounded_at(step)).unwrap_or_default();
    status.step = progress.step.or(status.step);
    let known = status.provenance.take().filter(|_| status.attempt == Some(seen.number));
    status.provenance = provenance(trial, seen, known.unwrap_or_default());
    status.attempt = Some(seen.number);
    status.rungs = rungs(trial, seen, progress);
    status.malformed_lines = (progress.malformed > 0).then_some(progress.malformed);
    let init = progress.inits.get(&(seen.number, 0));
    status.parameters_sha256 = init.and_then(|init| init.parameters_sha256.clone()).or(status.parameters_sha256);
    status.start_time = status.start_time.or_else(|| seen.started().map(seconds));
    status
}

/// What the current attempt executes, and on which nodes: what is seen of its pods now, and what was known of it, for pods
/// vanish.
fn provenance(trial: &Identified<Trial>, seen: &ObservedTrial, known: Provenance) -> Option<Provenance> {
    fn add<'a>(known: &mut Vec<String>, seen: impl Iterator<Item = &'a String>) {
        for value in seen {
            if known.len() < MAX_MACHINES && !known.contains(value) {
                known.push(value.clone());
            }
        }
    }
    let mut provenance = Provenance { code: template_code(&trial.spec).into_iter().collect(), ..known };
    add(&mut provenance.images, seen.hosts.iter().filter_map(|host| host.image.as_ref()));
    add(&mut provenance.machines, seen.hosts.iter().filter_map(|host| host.node.as_ref()));
    provenance.known()
}

/// Evaluations at the rungs of early ending: those that are known now, and those from before what is known, which were
/// lost with the ledger.
fn rungs(trial: &Identified<Trial>, seen: &ObservedTrial, progress: &Progress) -> Vec<RungStatus> {
    let evaluations = progress.evaluations.values.iter().map(|(step, value)| (*step, *value));
    let direction = trial.spec.objective.direction;
    Trace::new(direction, evaluations).with_rungs(direction, &seen.status.rungs).at_rungs(&seen.rungs)
}

fn record(status: &mut TrialStatus, seen: &ObservedTrial, progress: &Progress, end: &AttemptEnd<'_>, now: Timestamp) {
    let AttemptEnd { outcome, message, restore_at_most } = *end;
    let number = seen.number;
    status.attempts.retain(|attempt| attempt.number != number);
    status.attempts.push(AttemptRecord {
        number,
        outcome,
        message: shorten(message),
        queued_time: seen.job_made().map(seconds),
        start_time: seen.started().map(seconds),
        end_time: Some(seconds(now)),
        step: status.step,
        restore_at_most,
        silent_failure: seen.silent_failure(progress).filter(|_| outcome == AttemptOutcome::Failed),
        provenance: status.provenance.take(),
    });
    if outcome == AttemptOutcome::Disrupted {
        status.disruptions += 1;
    }
    let surplus = status.attempts.len().saturating_sub(MAX_ATTEMPTS);
    status.attempts.drain(..surplus);
}

fn shorten(message: &str) -> String {
    message.chars().take(MAX_MESSAGE).collect()
}

/// The word in front of a reason: `ImagePullBackOff (studious-agent): …`.
fn word(reason: &str) -> String {
    // A condition's reason is one word of letters.
    let word = reason.split([' ', ':']).next().unwrap_or_default();
    word.chars().filter(char::is_ascii_alphanumeric).collect()
}
