//! The status of a trial: what it should say, and when that is worth a write.

use jiff::{SignedDuration, Timestamp};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;
use studious_api::{
    Trial, TrialStatus,
    trial::{AttemptOutcome, AttemptRecord, TrialPhase},
};
use studious_playbook::{
    decide::{HostState, Progress, TrialEnd},
    trial::Reason,
};

use super::observe::Observed;
use crate::{
    fault::{Category, Fault, of_client},
    status::{Wanted, seconds, set_condition},
};

/// Field manager of all that is written for trials.
pub(super) const MANAGER: &str = "studious-trial";
/// How long an attempt must have been under way before it is worth a write. Trials that take less go from made to ended.
pub(super) const FIRST_WORD: SignedDuration = SignedDuration::from_secs(15);
/// How often the progress of a running trial is written.
pub(super) const PROGRESS: SignedDuration = SignedDuration::from_mins(1);
/// How many ended attempts are listed.
const MAX_RECORDS: usize = 20;
/// Longest message, in characters.
const MAX_MESSAGE: usize = 4096;

/// Why a status wasn't written.
#[derive(Debug, thiserror::Error)]
#[error("the status of trial {name} was not taken: {source}")]
pub(crate) struct StatusError {
    name: String,
    source: kube::Error,
}

impl Fault for StatusError {
    fn category(&self) -> Category {
        of_client(&self.source)
    }
}

/// The status of a trial that has ended.
pub(super) fn ended(
    trial: &Trial,
    seen: &Observed,
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
        record(&mut status, seen, end.attempt_outcome(), &end.message, now);
    }
    let reason = end.reason.as_ref().map_or("Succeeded", Reason::as_str);
    let wanted = Wanted { type_: "Ended", holds: Some(true), reason, message: &shorten(&message) };
    set_condition(&mut status.conditions, &wanted, trial.metadata.generation, now);
    status
}

/// The status of a trial that waits for another attempt.
pub(super) fn retrying(
    trial: &Trial,
    seen: &Observed,
    progress: &Progress,
    (outcome, message): (AttemptOutcome, &str),
    now: Timestamp,
) -> TrialStatus {
    let mut status = current(trial, seen, progress);
    status.phase = TrialPhase::Retrying;
    status.reason =
        Some(if outcome == AttemptOutcome::Disrupted { Reason::Disrupted } else { Reason::AttemptFailed }.to_string());
    status.message = Some(shorten(message));
    record(&mut status, seen, outcome, message, now);
    status
}

/// The status of a trial that is under way.
pub(super) fn under_way(trial: &Trial, seen: &Observed, progress: &Progress) -> TrialStatus {
    let mut status = current(trial, seen, progress);
    let running = seen.hosts.iter().any(|host| host.state == HostState::Running) || seen.started().is_some();
    status.phase = if running { TrialPhase::Running } else { TrialPhase::Pending };
    let waits = seen.hosts.iter().find_map(|host| match &host.state {
        HostState::Waiting { reason: Some(reason) } => Some(reason),
        _ => None,
    });
    status.reason = waits.filter(|_| !running).map(|reason| word(reason));
    status.message = waits.filter(|_| !running).map(|reason| shorten(reason));
    status
}

/// Whether the status of a trial that is under way is worth a write now; if not, when it should be looked at again.
pub(super) fn is_due(
    before: &TrialStatus,
    next: &TrialStatus,
    job_made: Option<Timestamp>,
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
        let Some(made) = job_made else { return Err(None) };
        return left(made, FIRST_WORD).map_or(Ok(()), |left| Err(Some(left)));
    }
    written_at.and_then(|at| left(at, PROGRESS)).map_or(Ok(()), |left| Err(Some(left)))
}

/// Writes a status. Returns the version that the API server gave to it.
///
/// # Errors
/// When the API server doesn't take it.
pub(super) async fn write(
    client: &kube::Client,
    trial: &Trial,
    status: &TrialStatus,
) -> Result<Option<String>, StatusError> {
    let name = trial.name_any();
    let api: Api<Trial> = Api::namespaced(client.clone(), &trial.namespace().unwrap_or_default());
    let patch = json!({
        "apiVersion": format!("{}/{}", studious_api::GROUP, studious_api::VERSION),
        "kind": "Trial",
        // With its uid: a trial of the same name that was made since is another trial.
        "metadata": { "name": name, "uid": trial.uid() },
        "status": status,
    });
    let params = PatchParams::apply(MANAGER).force();
    match api.patch_status(&name, &params, &Patch::Apply(&patch)).await {
        Ok(written) => Ok(written.metadata.resource_version),
        Err(source) => Err(StatusError { name, source }),
    }
}

fn current(trial: &Trial, seen: &Observed, progress: &Progress) -> TrialStatus {
    let spec = &trial.spec;
    let mut status = seen.status.clone();
    let objective = progress.objective(spec.objective.direction, spec.objective.select);
    status.observed_generation = trial.metadata.generation;
    status.objective = objective.map(|(_, value)| value);
    status.best_step = objective.map(|(step, _)| step);
    status.metrics = objective.map(|(step, _)| progress.bounded_at(step)).unwrap_or_default();
    status.step = progress.step.or(status.step);
    status.attempt = Some(seen.number);
    status.malformed_lines = (progress.malformed > 0).then_some(progress.malformed);
    let init = progress.inits.get(&(seen.number, 0));
    status.parameters_sha256 = init.and_then(|init| init.parameters_sha256.clone()).or(status.parameters_sha256);
    status.start_time = status.start_time.or_else(|| seen.started().map(seconds));
    status
}

fn record(status: &mut TrialStatus, seen: &Observed, outcome: AttemptOutcome, message: &str, now: Timestamp) {
    let number = seen.number;
    status.attempts.retain(|attempt| attempt.number != number);
    status.attempts.push(AttemptRecord {
        number,
        outcome,
        message: shorten(message),
        queued_time: seen.job_made().map(seconds),
        start_time: seen.started().map(seconds),
        end_time: Some(seconds(now)),
    });
    if outcome == AttemptOutcome::Disrupted {
        status.disruptions += 1;
    }
    let surplus = status.attempts.len().saturating_sub(MAX_RECORDS);
    status.attempts.drain(..surplus);
}

fn shorten(message: &str) -> String {
    message.chars().take(MAX_MESSAGE).collect()
}

/// The word in front of a reason: `ImagePullBackOff (studious-agent): …`.
fn word(reason: &str) -> String {
    reason.split([' ', ':']).next().unwrap_or_default().to_owned()
}
