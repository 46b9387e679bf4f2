//! The outcome of an attempt: it continues, the trial ends, or another attempt follows.

use studious_api::{
    TrialSpec,
    study::{SeedVerification, Select},
    trial::{AttemptOutcome, TrialPhase},
};

use super::{
    PastAttempts,
    progress::Progress,
    reported::{but_similar, no_objective},
    restored::{Hole, LATE_LINES, hole, may_miss_evaluations},
};
use crate::{Millis, trial::Reason};

/// What a backend sees of the processes of an attempt, by host.
#[derive(Clone, Debug, PartialEq)]
pub enum HostState {
    /// Not yet started, with what it waits for if that is known.
    Waiting {
        /// `ImagePullBackOff`, `Unschedulable` …
        reason: Option<String>,
    },
    /// Training.
    Running,
    /// Ended by itself.
    Exited {
        /// Exit code; 128 + n after signal n.
        code: i32,
        /// Killed because memory ran out.
        out_of_memory: bool,
    },
    /// Gone: preempted, evicted, or its node or its runner was lost.
    Lost {
        /// By what.
        reason: String,
    },
}

/// An attempt as a backend sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptView<'a> {
    /// The trial.
    pub spec: &'a TrialSpec,
    /// Number of the attempt, from 1.
    pub number: u32,
    /// What the attempts before it come to.
    pub past: PastAttempts,
    /// Whether a trainer of the study has run before: then its template is good, and what can't start waits.
    pub template_has_run: bool,
    /// Its hosts, in the order of their index.
    pub hosts: &'a [HostState],
    /// What was measured so far, over all attempts.
    pub progress: &'a Progress,
    /// Whether every line that the hosts wrote has arrived: only then is an absent objective absent.
    pub drained: bool,
    /// How long it has been running, in milliseconds.
    pub running_for: Millis,
}

/// What becomes of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It continues.
    Continue,
    /// The trial ends. Processes that still run are stopped.
    End(TrialEnd),
    /// Another attempt follows. Processes that still run are stopped: hosts restart together.
    Retry {
        /// How the attempt ended.
        outcome: AttemptOutcome,
        /// In a sentence.
        message: String,
        /// Beyond which step it is to restore no checkpoint, since evaluations after that step were lost.
        restore_at_most: Option<u64>,
    },
}

/// How a trial ends.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialEnd {
    /// `Succeeded`, `Infeasible`, `Failed` or `Stopped`.
    pub phase: TrialPhase,
    /// In a word; `None` of one that succeeded.
    pub reason: Option<Reason>,
    /// In a sentence, with what to do.
    pub message: String,
    /// The objective and its step, of one that succeeded.
    pub objective: Option<(u64, f64)>,
}

impl TrialEnd {
    /// The end of a trial that is asked to stop, if it is.
    #[must_use]
    pub fn stopped(spec: &TrialSpec) -> Option<Self> {
        let message = spec.stop.clone()?;
        let reason = spec.stop_reason.as_deref().map_or(Reason::Stopped, Reason::from);
        let phase = if reason == Reason::CommonFailure { TrialPhase::Failed } else { TrialPhase::Stopped };
        Some(Self { phase, reason: Some(reason), message, objective: None })
    }

    /// How the attempt ended with which the trial does. One that was lost too often was lost, not failed, and so was one that
    /// the study ended.
    #[must_use]
    pub fn attempt_outcome(&self) -> AttemptOutcome {
        match (self.phase, &self.reason) {
            (TrialPhase::Failed, Some(Reason::DisruptedTooOften | Reason::CommonFailure)) => AttemptOutcome::Disrupted,
            (TrialPhase::Failed, _) => AttemptOutcome::Failed,
            _ => AttemptOutcome::Finished,
        }
    }
}

/// How often in a row a trial may be lost while it trains without coming further: one that is lost more often won't ever
/// end, and every time costs an accelerator's hours.
pub const MAX_DISRUPTIONS: u32 = 20;

/// What a host says while it waits for an image that no patience brings.
const NO_IMAGE: [&str; 2] = ["ErrImageNeverPull", "InvalidImageName"];

/// What a host says once it has waited long enough for an image.
const IMAGE_OVERDUE: &str = "ImageUnavailable";

/// How registries say that an image isn't there, or not for us. A registry that is away says something else, and comes
/// back.
const NOT_THERE: [&str; 6] =
    ["not found", "manifest unknown", "does not exist", "denied", "unauthorized", "authentication required"];

/// What a host says when its trainer can't be started as the template has it.
const NO_START: [&str; 2] = ["CreateContainerConfigError", "CreateContainerError"];

/// Exit code of a process that was killed by the kernel, the usual end of one that ran out of memory.
const KILLED: i32 = 137;

/// What becomes of an attempt, from what is seen of it. The first rule that applies decides:
///
/// 1. Seeds or fingerprints that contradict the operator's: Failed, `SeedMismatch`.
/// 2. A non-finite objective or training loss: Infeasible, `Diverged`.
/// 3. The trainer says so: Infeasible, `TrainerReported`.
/// 4. Every host said `done`: Succeeded, if there is an objective.
/// 5. `spec.stop`: Stopped. A result that is there already is worth more than the wish to stop.
/// 6. Every host said `done` or left with exit code 0, and all it wrote has arrived: as 4.
/// 7. Out of memory, or an exit code that the study lists: Infeasible.
/// 8. A lost host: Retry, not charged. 9. Another exit code: Retry, charged.
/// 10. A trainer that can't start: Failed. 11. Evaluations before the checkpoint that it restored were lost: Retry from an
///     earlier one, not charged. 12. Its time is over: Retry, charged.
///
/// A host that said `done` has done its part: how its process ends changes nothing.
#[must_use]
pub fn judge(view: &AttemptView<'_>) -> Verdict {
    let spec = view.spec;
    let progress = view.progress;
    if let Err(message) = verify_seeds(view) {
        return end(TrialPhase::Failed, Reason::SeedMismatch, message);
    }
    if let Some((metric, step)) = progress.non_finite() {
        return end(TrialPhase::Infeasible, Reason::Diverged, format!("{metric} was not finite at step {step}"));
    }
    if let Some(reason) = progress.infeasible() {
        return end(TrialPhase::Infeasible, Reason::TrainerReported, format!("the trainer says: {reason}"));
    }
    if progress.all_done(view.number, spec.hosts) {
        return conclude(view);
    }
    if let Some(stop) = TrialEnd::stopped(spec) {
        return Verdict::End(stop);
    }
    let finished = |(i, host): (u32, &HostState)| {
        matches!(host, HostState::Exited { code: 0, out_of_memory: false }) || is_done(view, i)
    };
    if view.hosts.len() == spec.hosts as usize && (0..).zip(view.hosts).all(finished) {
        // What the trainer wrote last may still be on its way.
        return if view.drained { conclude(view) } else { Verdict::Continue };
    }
    if let Some(verdict) = judge_exits(view).or_else(|| judge_waits(view)).or_else(|| remake_lost(view)) {
        return verdict;
    }
    if let Some(limit) = spec.timeout_seconds.filter(|limit| view.running_for.0 > limit.saturating_mul(1000)) {
        let at = progress.step.map_or_else(|| "no step".to_owned(), |step| format!("step {step}"));
        return charged(
            view,
            Reason::DeadlineExceeded,
            &format!("it had not ended after {limit} s (trial.timeoutSeconds), at {at}"),
        );
    }
    Verdict::Continue
}

fn is_done(view: &AttemptView<'_>, host: u32) -> bool {
    view.progress.done.contains_key(&(view.number, host))
}

/// What hosts that have left before they were done say about the attempt.
fn judge_exits(view: &AttemptView<'_>) -> Option<Verdict> {
    let undone = || (0..).zip(view.hosts).filter(|(i, _)| !is_done(view, *i));
    let exits = || {
        undone().filter_map(|(i, host)| match host {
            HostState::Exited { code, out_of_memory } => Some((i, *code, *out_of_memory)),
            _ => None,
        })
    };
    // The host that failed of itself tells more than those that lost it: an out-of-memory before an exit code, an exit
    // code before a lost host.
    if let Some((host, ..)) = exits().find(|(_, _, out_of_memory)| *out_of_memory) {
        return Some(end(TrialPhase::Infeasible, Reason::OutOfMemory, format!("host {host} ran out of memory")));
    }
    if let Some((host, code, _)) = exits().find(|(_, code, _)| view.spec.failure.infeasible_exit_codes.contains(code)) {
        let message = format!("host {host} left with exit code {code}, which failure.infeasibleExitCodes lists");
        // What it wrote last may say more: NaN, infeasible.
        let ended = end(TrialPhase::Infeasible, Reason::InfeasibleExitCode, message);
        return Some(if view.drained { ended } else { Verdict::Continue });
    }
    // A host that lost its peer also leaves with an exit code; the loss explains both.
    let lost = undone().find_map(|(i, host)| match host {
        HostState::Lost { reason } => Some((i, reason)),
        _ => None,
    });
    if let Some((host, reason)) = lost {
        return Some(disrupted(view, format!("host {host} was lost: {reason}")));
    }
    let (host, code, _) = exits().find(|(_, code, _)| *code != 0)?;
    if !view.drained {
        return Some(Verdict::Continue);
    }
    let killed = if code == KILLED { " (killed, perhaps out of memory)" } else { "" };
    Some(charged(view, Reason::TrainerError, &format!("host {host}'s trainer left with exit code {code}{killed}")))
}

/// A trainer that can't start, and won't. Once a trainer of the study has run, its template is good: then what can't start
/// waits, however long the registry, the quota or the Secret is away.
fn judge_waits(view: &AttemptView<'_>) -> Option<Verdict> {
    if view.template_has_run {
        return None;
    }
    view.hosts.iter().find_map(|host| {
        let HostState::Waiting { reason: Some(reason) } = host else { return None };
        let is_one_of = |words: &[&str]| words.iter().any(|word| reason.starts_with(word));
        let said = reason.to_lowercase();
        let is_gone = reason.starts_with(IMAGE_OVERDUE) && NOT_THERE.iter().any(|words| said.contains(words));
        if is_gone || is_one_of(&NO_IMAGE) {
            let message =
                format!("cannot pull the trainer image: {reason}. Fix the image of spec.trial.template in a new study");
            Some(end(TrialPhase::Failed, Reason::ImageUnavailable, message))
        } else if is_one_of(&NO_START) {
            let message = format!("the trainer cannot start: {reason}. Fix spec.trial.template in a new study");
            Some(end(TrialPhase::Failed, Reason::CannotStart, message))
        } else {
            None
        }
    })
}

/// What becomes of an attempt that has come to its end: it counts, unless evaluations of those before it may be missing.
fn conclude(view: &AttemptView<'_>) -> Verdict {
    if !is_settled(view) && may_miss_evaluations(view.spec, view.progress, view.number) {
        return Verdict::Continue;
    }
    match remake_lost(view) {
        Some(retry) => TrialEnd::stopped(view.spec).map_or(retry, Verdict::End),
        None => finish(view),
    }
}

/// Whether nothing of earlier attempts is to be expected any more: this one has run long enough for what a pod that was
/// deleted by force left on the claim, or its agents have said that they found nothing more there.
fn is_settled(view: &AttemptView<'_>) -> bool {
    let has_left = |host: &HostState| matches!(host, HostState::Exited { .. } | HostState::Lost { .. });
    view.running_for >= LATE_LINES || (view.drained && view.hosts.iter().all(has_left))
}

/// Another attempt, from before evaluations that were lost. Asked once: trainers that don't read `checkpoint.restoreAtMost`
/// continue as they are.
fn remake_lost(view: &AttemptView<'_>) -> Option<Verdict> {
    let hole = hole(view.spec, view.progress).filter(|_| is_settled(view))?;
    if view.past.restore_at_most.is_some_and(|limit| limit <= hole.before) {
        return None;
    }
    Some(Verdict::Retry {
        outcome: AttemptOutcome::Disrupted,
        message: format!(
            "evaluations between steps {} and {} were lost with a pod; the next attempt restores no checkpoint beyond step \
             {}, and makes them again",
            hole.before, hole.restored, hole.before
        ),
        restore_at_most: Some(hole.before),
    })
}

fn finish(view: &AttemptView<'_>) -> Verdict {
    let spec = view.spec;
    let reports = |host: u32| {
        let init = view.progress.inits.get(&(view.number, host));
        init.is_some_and(|init| init.parameters_sha256.is_some() && init.data_seed.is_some())
    };
    if spec.verify == SeedVerification::Required
        && let Some(host) = (0..spec.hosts).find(|host| !reports(*host))
    {
        return end(
            TrialPhase::Failed,
            Reason::SeedUnreported,
            format!(
                "host {host} did not report its parameters' fingerprint and its data seed. Write {{\"event\":\"init\",\
                 \"parameters_sha256\":…,\"init_seed\":…,\"data_seed\":…}} to metrics.jsonl, or set seeds.verify to \
                 IfReported"
            ),
        );
    }
    if spec.objective.select == Select::Best
        && let Some(Hole { before, restored }) = hole(spec, view.progress)
    {
        let message = format!(
            "training continued from a checkpoint of step {restored}, but nothing is known of evaluations between steps \
             {before} and {restored}: they were lost with a pod, and the best one may be among them. The trainer was asked to \
             restore no checkpoint beyond step {before} (checkpoint.restoreAtMost in trial.json), and did not. Make it do so; \
             and give spec.checkpoint.volume a claim, where lines wait for the next attempt"
        );
        return end(TrialPhase::Failed, Reason::EvaluationsLost, message);
    }
    match view.progress.objective(spec.objective.direction, spec.objective.select) {
        Some(objective) => Verdict::End(TrialEnd {
            phase: TrialPhase::Succeeded,
            reason: None,
            message: format!(
                "{} {} at step {}{}",
                spec.objective.metric,
                objective.1,
                objective.0,
                beyond(spec, view.progress, objective.0)
            ),
            objective: Some(objective),
        }),
        None => end(TrialPhase::Failed, Reason::NoObjective, no_objective(spec, view.progress)),
    }
}

/// The constraints that a trial violates at the step of its objective: `; violates latency_ms <= 20 (25)`.
fn beyond(spec: &TrialSpec, progress: &Progress, step: u64) -> String {
    let values = progress.bounded_at(step);
    let said = spec.constraints.iter().filter_map(|constraint| match values.get(&constraint.metric) {
        Some(value) if constraint.allows(*value) => None,
        Some(value) => Some(format!("; violates {constraint} ({value})")),
        None => {
            let similar = but_similar(&constraint.metric, progress);
            Some(format!("; never reported {}{similar}, so it can't be the best: {constraint}", constraint.metric))
        }
    });
    said.collect()
}

/// Playbook: "Considerations for multi-host pipelines". The same initialisation on every host, different data.
fn verify_seeds(view: &AttemptView<'_>) -> Result<(), String> {
    let spec = view.spec;
    if spec.verify == SeedVerification::Never {
        return Ok(());
    }
    let inits = (0..spec.hosts).filter_map(|host| Some((host, view.progress.inits.get(&(view.number, host))?)));
    let mut first: Option<(u32, &str, Option<u64>)> = None;
    for (host, init) in inits {
        if let Some(seed) = init.init_seed.filter(|seed| *seed != u64::from(spec.seeds.init)) {
            return Err(format!("host {host} initialised with seed {seed}, not with seeds.init {}", spec.seeds.init));
        }
        let given = spec.seeds.data.get(host as usize).copied().unwrap_or_default();
        if let Some(seed) = init.data_seed.filter(|seed| *seed != u64::from(given)) {
            let others = spec.seeds.data.iter().position(|s| u64::from(*s) == seed);
            let whose = others.map_or_else(String::new, |other| format!(", which is host {other}'s"));
            return Err(format!(
                "host {host} shuffles with data seed {seed}{whose}, not with its own {given} (seeds.data)"
            ));
        }
        let Some(fingerprint) = init.parameters_sha256.as_deref() else { continue };
        match first {
            Some((other, expected, step)) if expected != fingerprint && step != init.restored_step => {
                let began =
                    |step: Option<u64>| step.map_or("began anew".to_owned(), |step| format!("restored step {step}"));
                return Err(format!(
                    "host {other} {} and host {host} {}; all hosts must restore the same checkpoint: let them agree on it \
                     before host 0 saves another",
                    began(step),
                    began(init.restored_step)
                ));
            }
            Some((other, expected, _)) if expected != fingerprint => {
                return Err(format!(
                    "host {other} begins with parameters {expected} and host {host} with {fingerprint}; all hosts must \
                     initialise alike from seeds.init"
                ));
            }
            Some(_) => {}
            None => first = Some((host, fingerprint, init.restored_step)),
        }
        if let Some(step) = init.restored_step
            && let Some(saved) = view.progress.checkpoint(step, view.number)
            && saved != fingerprint
        {
            return Err(format!(
                "host {host} restored parameters {fingerprint} at step {step}; the checkpoint of that step was {saved}"
            ));
        }
    }
    Ok(())
}

fn charged(view: &AttemptView<'_>, reason: Reason, what: &str) -> Verdict {
    let tries = view.past.failed + 1;
    if tries >= view.spec.failure.attempts {
        return end(
            TrialPhase::Failed,
            reason,
            format!("{what}; that was attempt {tries} of {} (failure.attempts)", view.spec.failure.attempts),
        );
    }
    Verdict::Retry { outcome: AttemptOutcome::Failed, message: format!("{reason}: {what}"), restore_at_most: None }
}

fn disrupted(view: &AttemptView<'_>, what: String) -> Verdict {
    let lost = view.past.lost_training;
    if lost >= MAX_DISRUPTIONS {
        return end(
            TrialPhase::Failed,
            Reason::DisruptedTooOften,
            format!(
                "{what}; it was lost {lost} times before without coming further. Save checkpoints more often, or schedule \
                 its pods on nodes that are preempted less often"
            ),
        );
    }
    Verdict::Retry { outcome: AttemptOutcome::Disrupted, message: what, restore_at_most: None }
}

fn end(phase: TrialPhase, reason: Reason, message: String) -> Verdict {
    Verdict::End(TrialEnd { phase, reason: Some(reason), message, objective: None })
}
