use studious_api::{TrialSpec, study::SeedVerification, trial::TrialPhase};

use studious_contract::{JudgedMetrics, Line, Measurements};

use super::{PastAttempts, attempt::*, progress::Progress};
use crate::{Millis, TrialKey, rounds, studies};

/// An attempt of a trial of two hosts, as it is seen.
pub(super) struct Seen {
    pub(super) spec: TrialSpec,
    pub(super) progress: Progress,
    pub(super) hosts: Vec<HostState>,
    pub(super) number: u32,
    pub(super) past: PastAttempts,
    pub(super) template_has_run: bool,
    pub(super) drained: bool,
    pub(super) running_for: u64,
}

pub(super) const LEFT: HostState = HostState::Exited { code: 0, out_of_memory: false };

fn crashed(code: i32) -> HostState {
    HostState::Exited { code, out_of_memory: false }
}

impl Seen {
    pub(super) fn new(hosts: u32) -> Self {
        let plan = studies::plan(&format!(
            "{}\ntrial: {{hosts: {hosts}, timeoutSeconds: 60, template: {{spec: {{containers: [{{name: t, image: t}}]}}}}}}\n\
             failure: {{attempts: 3, infeasibleExitCodes: [3]}}",
            studies::ONE_DIMENSION
        ));
        let key = TrialKey { round: "explore".into(), index: 0 };
        let point = rounds::points(&plan, "explore", &[]).unwrap().into_iter().find(|p| p.key == key).unwrap();
        Self {
            spec: rounds::trial_spec(&plan, &point),
            progress: Progress::default(),
            hosts: vec![HostState::Running; hosts as usize],
            number: 1,
            past: PastAttempts::default(),
            template_has_run: false,
            drained: true,
            running_for: 1000,
        }
    }

    pub(super) fn host(mut self, host: usize, state: HostState) -> Self {
        self.hosts[host] = state;
        self
    }

    pub(super) fn says(mut self, host: u32, line: &str) -> Self {
        let line = Line::parse(line, &JudgedMetrics::of(&self.spec)).unwrap();
        self.progress.observe(&self.spec, self.number, host, &line);
        self
    }

    /// As a right trainer reports it.
    pub(super) fn init(self, host: u32, fingerprint: &str) -> Self {
        let (init, data) = (self.spec.seeds.init, self.spec.seeds.data[host as usize]);
        self.says(
            host,
            &format!(r#"{{"event":"init","parameters_sha256":"{fingerprint}","init_seed":{init},"data_seed":{data}}}"#),
        )
    }

    pub(super) fn well(self) -> Self {
        let hosts = self.spec.hosts;
        (0..hosts).fold(self, |seen, host| seen.init(host, "ab")).says(0, r#"{"step":50,"validation_error":0.3}"#)
    }

    pub(super) fn judged(&self) -> Verdict {
        judge(&AttemptView {
            spec: &self.spec,
            number: self.number,
            past: self.past,
            template_has_run: self.template_has_run,
            hosts: &self.hosts,
            progress: &self.progress,
            drained: self.drained,
            running_for: Millis(self.running_for),
        })
    }

    #[track_caller]
    pub(super) fn ends(&self, phase: TrialPhase, reason: &str) -> String {
        match self.judged() {
            Verdict::End(end) => {
                assert_eq!(
                    (end.phase, end.reason.as_ref().map_or("", |reason| reason.as_str())),
                    (phase, reason),
                    "{}",
                    end.message
                );
                assert_eq!(end.objective.is_some(), phase == TrialPhase::Succeeded);
                end.message
            }
            verdict => panic!("{verdict:?}"),
        }
    }

    #[track_caller]
    pub(super) fn retries(&self, outcome: AttemptOutcome) -> String {
        match self.judged() {
            Verdict::Retry { outcome: found, message, .. } => {
                assert_eq!(found, outcome, "{message}");
                message
            }
            verdict => panic!("{verdict:?}"),
        }
    }
}

use studious_api::trial::AttemptOutcome;

pub(super) const DONE: &str = r#"{"event":"done","step":50}"#;

#[test]
fn all_hosts_done_is_the_end_whatever_their_processes_do() {
    let seen = Seen::new(2).well().says(0, DONE);
    assert_eq!(seen.judged(), Verdict::Continue);
    let seen = seen.says(1, DONE);
    assert_eq!(seen.ends(TrialPhase::Succeeded, ""), "validation_error 0.3 at step 50");
    for host in [crashed(1), crashed(3), HostState::Lost { reason: "drain".into() }] {
        let seen = Seen::new(2).well().says(0, DONE).says(1, DONE).host(1, host);
        seen.ends(TrialPhase::Succeeded, "");
    }
}

#[test]
fn exit_code_0_is_as_good_as_done_once_all_lines_are_there() {
    let mut seen = Seen::new(2).well().host(0, LEFT).host(1, LEFT);
    seen.ends(TrialPhase::Succeeded, "");
    seen.drained = false;
    assert_eq!(seen.judged(), Verdict::Continue);
    // One said it, the other left.
    Seen::new(2).well().says(0, DONE).host(1, LEFT).ends(TrialPhase::Succeeded, "");
    // Not all of them are seen yet.
    let mut seen = Seen::new(2).well();
    seen.hosts = vec![LEFT];
    assert_eq!(seen.judged(), Verdict::Continue);
    seen.hosts = vec![];
    assert_eq!(seen.judged(), Verdict::Continue);
}

#[test]
fn a_host_that_is_done_may_go() {
    let gone = HostState::Lost { reason: "its pod was deleted".into() };
    assert_eq!(Seen::new(2).well().says(1, DONE).host(1, gone).judged(), Verdict::Continue);
    assert_eq!(Seen::new(2).well().says(1, DONE).host(1, crashed(1)).judged(), Verdict::Continue);
}

#[test]
fn what_is_not_finite_ends_it_at_once() {
    for line in [
        r#"{"step":7,"validation_error":NaN}"#,
        r#"{"step":7,"validation_error":-Infinity}"#,
        r#"{"step":7,"train_loss":Infinity}"#,
    ] {
        let mut seen = Seen::new(2).well().says(0, line);
        seen.drained = false;
        let message = seen.ends(TrialPhase::Infeasible, "Diverged");
        assert!(message.ends_with("was not finite at step 7"), "{message}");
    }
    // Whatever else: another host's training loss counts, its evaluations and other metrics don't.
    Seen::new(2).well().says(1, r#"{"step":7,"train_loss":NaN}"#).ends(TrialPhase::Infeasible, "Diverged");
    assert_eq!(Seen::new(2).well().says(1, r#"{"step":7,"validation_error":NaN}"#).judged(), Verdict::Continue);
    assert_eq!(Seen::new(2).well().says(0, r#"{"step":7,"gradient_norm":NaN}"#).judged(), Verdict::Continue);
    // The crash that follows changes nothing.
    Seen::new(1)
        .well()
        .says(0, r#"{"step":7,"train_loss":NaN}"#)
        .host(0, crashed(1))
        .ends(TrialPhase::Infeasible, "Diverged");
}

#[test]
fn points_that_cannot_be_trained_are_infeasible() {
    let message = Seen::new(1)
        .says(0, r#"{"event":"infeasible","reason":"width 3"}"#)
        .ends(TrialPhase::Infeasible, "TrainerReported");
    assert_eq!(message, "the trainer says: width 3");
    let memory = HostState::Exited { code: 137, out_of_memory: true };
    let lost = HostState::Lost { reason: "peer".into() };
    // The cause, not those that lost their peer.
    let message = Seen::new(2).host(0, lost.clone()).host(1, memory).ends(TrialPhase::Infeasible, "OutOfMemory");
    assert!(message.starts_with("host 1"), "{message}");
    let mut seen = Seen::new(2).host(0, lost).host(1, crashed(3));
    seen.ends(TrialPhase::Infeasible, "InfeasibleExitCode");
    seen.drained = false;
    assert_eq!(seen.judged(), Verdict::Continue);
}

#[test]
fn a_crash_is_charged_and_the_last_one_fails() {
    let mut seen = Seen::new(2).host(1, crashed(1));
    assert_eq!(seen.retries(AttemptOutcome::Failed), "TrainerError: host 1's trainer left with exit code 1");
    seen.past.failed = 1;
    seen.retries(AttemptOutcome::Failed);
    seen.past.failed = 2;
    let message = seen.ends(TrialPhase::Failed, "TrainerError");
    assert!(message.contains("attempt 3 of 3"), "{message}");
    seen.drained = false;
    assert_eq!(seen.judged(), Verdict::Continue);
    let message = Seen::new(1).host(0, crashed(137)).retries(AttemptOutcome::Failed);
    assert!(message.contains("memory"), "{message}");
}

#[test]
fn a_lost_host_is_not_charged() {
    let lost = HostState::Lost { reason: "PreemptionByScheduler".into() };
    let mut seen = Seen::new(2).host(0, lost).host(1, crashed(1));
    seen.past.failed = 2;
    assert_eq!(seen.retries(AttemptOutcome::Disrupted), "host 0 was lost: PreemptionByScheduler");
    seen.past.lost_training = MAX_DISRUPTIONS - 1;
    seen.retries(AttemptOutcome::Disrupted);
    seen.past.lost_training = MAX_DISRUPTIONS;
    seen.ends(TrialPhase::Failed, "DisruptedTooOften");
}

#[test]
fn hosts_begin_alike_and_shuffle_differently() {
    let message = Seen::new(2).init(0, "ab").init(1, "cd").ends(TrialPhase::Failed, "SeedMismatch");
    assert!(message.contains("ab") && message.contains("cd"), "{message}");
    // Host 1 with host 0's data.
    let seen = Seen::new(2).init(0, "ab");
    let (own, other) = (seen.spec.seeds.data[1], seen.spec.seeds.data[0]);
    let message = seen
        .says(1, &format!(r#"{{"event":"init","parameters_sha256":"ab","data_seed":{other}}}"#))
        .ends(TrialPhase::Failed, "SeedMismatch");
    assert!(
        message.contains(&own.to_string()) && message.contains(&format!("{other}, which is host 0's")),
        "{message}"
    );
    let message = Seen::new(1).says(0, r#"{"event":"init","init_seed":12}"#).ends(TrialPhase::Failed, "SeedMismatch");
    assert!(message.contains("seed 12"), "{message}");
    // Even when the result is there, and even when a stop is asked.
    let mut seen = Seen::new(2).init(0, "ab").init(1, "cd").says(0, DONE).says(1, DONE);
    seen.spec.stop = Some("enough".into());
    seen.ends(TrialPhase::Failed, "SeedMismatch");
    seen.spec.verify = SeedVerification::Never;
    seen.ends(TrialPhase::Failed, "NoObjective");
}

#[test]
fn what_is_restored_is_what_was_saved() {
    let saved = |restored: &str| {
        let mut seen =
            Seen::new(1).init(0, "ab").says(0, r#"{"event":"checkpoint","step":100,"parameters_sha256":"cd"}"#);
        seen.number = 2;
        let data = seen.spec.seeds.data[0];
        seen.says(
            0,
            &format!(r#"{{"event":"init","parameters_sha256":"{restored}","data_seed":{data},"restored_step":100}}"#),
        )
    };
    assert_eq!(saved("cd").judged(), Verdict::Continue);
    let message = saved("ef").ends(TrialPhase::Failed, "SeedMismatch");
    assert!(message.contains("ef") && message.contains("cd") && message.contains("step 100"), "{message}");
}

#[test]
fn required_reports_are_required_before_a_result_counts() {
    let mut seen =
        Seen::new(2).init(0, "ab").says(0, r#"{"step":50,"validation_error":0.3}"#).says(0, DONE).says(1, DONE);
    assert_eq!(seen.spec.verify, SeedVerification::Required);
    let message = seen.ends(TrialPhase::Failed, "SeedUnreported");
    assert!(message.starts_with("host 1"), "{message}");
    seen.spec.verify = SeedVerification::IfReported;
    seen.ends(TrialPhase::Succeeded, "");
    // A report without what is to be compared is none.
    let mut seen =
        Seen::new(1).says(0, r#"{"event":"init"}"#).says(0, r#"{"step":5,"validation_error":0.3}"#).says(0, DONE);
    seen.ends(TrialPhase::Succeeded, "");
    seen.spec.verify = SeedVerification::Required;
    seen.ends(TrialPhase::Failed, "SeedUnreported");
    // An earlier attempt's report is not this one's.
    let mut seen = Seen::new(1).well();
    seen.spec.verify = SeedVerification::Required;
    seen.number = 2;
    seen.says(0, DONE).ends(TrialPhase::Failed, "SeedUnreported");
}

#[test]
fn no_objective_is_no_result() {
    let seen = Seen::new(1).says(0, r#"{"step":50,"train_loss":0.3}"#).host(0, LEFT);
    let message = seen.ends(TrialPhase::Failed, "NoObjective");
    assert!(message.contains("validation_error"), "{message}");
}

#[test]
fn time_is_over_after_timeout_seconds() {
    let mut seen = Seen::new(1).well();
    seen.running_for = 60_000;
    assert_eq!(seen.judged(), Verdict::Continue);
    seen.running_for = 60_001;
    let message = seen.retries(AttemptOutcome::Failed);
    assert_eq!(message, "DeadlineExceeded: it had not ended after 60 s (trial.timeoutSeconds), at step 50");
    seen.past.failed = 2;
    seen.ends(TrialPhase::Failed, "DeadlineExceeded");
    seen.spec.timeout_seconds = None;
    assert_eq!(seen.judged(), Verdict::Continue);
}

#[test]
fn what_cannot_start_fails_and_what_can_is_waited_for() {
    let waits = |reason: &str| Seen::new(2).host(1, HostState::Waiting { reason: Some(reason.into()) });
    waits("ErrImageNeverPull: no").ends(TrialPhase::Failed, "ImageUnavailable");
    waits("ImageUnavailable: registry/x:1: not found").ends(TrialPhase::Failed, "ImageUnavailable");
    waits("CreateContainerError: no such file").ends(TrialPhase::Failed, "CannotStart");
    let away = "ImageUnavailable: dial tcp 10.0.0.1:443: connect: connection refused";
    for reason in ["Unschedulable: 0/3 nodes", "ImagePullBackOff", "Queued", "ContainerCreating", away] {
        assert_eq!(waits(reason).judged(), Verdict::Continue);
    }
    // Once one has run, the template is good.
    for reason in ["ErrImageNeverPull: no", "ImageUnavailable: not found", "CreateContainerConfigError: no Secret"] {
        let mut seen = waits(reason);
        seen.template_has_run = true;
        assert_eq!(seen.judged(), Verdict::Continue);
    }
}

#[test]
fn a_stop_ends_what_has_no_result_yet() {
    let mut seen = Seen::new(1).well();
    seen.spec.stop = Some("the study stops".into());
    assert_eq!(seen.ends(TrialPhase::Stopped, "Stopped"), "the study stops");
    seen.hosts = vec![crashed(1)];
    seen.ends(TrialPhase::Stopped, "Stopped");
    seen.says(0, DONE).ends(TrialPhase::Succeeded, "");
}

#[test]
fn the_last_attempt_tells_the_result() {
    let evaluates =
        |seen: Seen, step: u64, value: f64| seen.says(0, &format!(r#"{{"step":{step},"validation_error":{value}}}"#));
    let mut first = Seen::new(1);
    first.spec.max_train_steps = 300;
    // 150 and 200 were lost; the second attempt continues from 100 and comes out elsewhere.
    let seen = [(50, 0.5), (100, 0.4), (150, 0.1), (200, 0.3)].into_iter().fold(first, |s, (t, v)| evaluates(s, t, v));
    let mut seen = seen;
    seen.number = 2;
    let mut seen = [(150, 0.35), (200, 0.38)].into_iter().fold(seen, |s, (t, v)| evaluates(s, t, v));
    let expected: Vec<(u64, f64)> = vec![(50, 0.5), (100, 0.4), (150, 0.35), (200, 0.38)];
    assert_eq!(seen.progress.evaluations.values.clone().into_iter().collect::<Vec<_>>(), expected);
    // A late line of the first attempt.
    seen.number = 1;
    let seen = evaluates(evaluates(seen, 250, 0.01), 75, 0.45);
    assert_eq!(seen.progress.evaluations.values.len(), 5);
    assert_eq!(seen.progress.objective(seen.spec.objective.direction, seen.spec.objective.select), Some((150, 0.35)));
}

#[test]
fn progress_is_bounded() {
    let mut seen = Seen::new(1).says(0, r#"{"step":0,"validation_error":0.01}"#);
    seen.spec.max_train_steps = 100_000;
    for step in 1..70_000_u64 {
        let values = vec![("validation_error".into(), 0.5), (format!("m{step}"), 1.0)];
        let line = Line::Measurements(Measurements::new(step, values));
        seen.progress.observe(&seen.spec, 1, 0, &line);
    }
    for step in 0..5000 {
        seen = seen.says(0, &format!(r#"{{"event":"checkpoint","step":{step},"parameters_sha256":"ab"}}"#));
    }
    assert!((32_000..=65_536).contains(&seen.progress.evaluations.values.len()));
    assert_eq!(seen.progress.evaluations.values.first_key_value(), Some((&0, &0.01)));
    assert_eq!(seen.progress.checkpoints.len(), 1024);
    assert!(seen.progress.latest[&0].len() <= 257);
    let seen = seen.says(1, r#"{"step":1,"train_loss":NaN}"#);
    assert_eq!(seen.progress.non_finite(), None, "the trial has no host 1");
}

/// F-011: an attempt finds the checkpoint that the latest attempt saved, whenever an earlier one's lines arrive.
#[test]
fn a_late_checkpoint_of_a_lost_attempt_is_not_what_was_restored() {
    let saved = |seen: Seen, fingerprint: &str| {
        seen.says(0, &format!(r#"{{"event":"checkpoint","step":500,"parameters_sha256":"{fingerprint}"}}"#))
    };
    let mut seen = Seen::new(1);
    seen.number = 2;
    let mut seen = saved(seen, "second");
    seen.number = 1;
    let mut seen = saved(seen, "first");
    seen.number = 3;
    let restored =
        |fingerprint| format!(r#"{{"event":"init","parameters_sha256":"{fingerprint}","restored_step":500}}"#);
    let seen = seen.says(0, &restored("second"));
    assert_eq!(seen.judged(), Verdict::Continue);
    seen.says(0, &restored("first")).ends(TrialPhase::Failed, "SeedMismatch");
}

/// F-010: a trainer that ignores its budget wins nothing, and says nothing of the point beyond it.
#[test]
fn beyond_the_budget_nothing_counts() {
    let budget = Seen::new(1).spec.max_train_steps;
    let beyond = budget + 1;
    let seen = Seen::new(1)
        .says(0, &format!(r#"{{"step":{budget},"validation_error":0.3}}"#))
        .says(0, &format!(r#"{{"step":{beyond},"validation_error":0.1}}"#))
        .says(0, &format!(r#"{{"step":{beyond},"validation_error":NaN,"train_loss":NaN}}"#));
    assert_eq!(seen.progress.objective(seen.spec.objective.direction, seen.spec.objective.select), Some((budget, 0.3)));
    assert_eq!((seen.progress.beyond, seen.progress.non_finite()), (Some(beyond), None));
    assert!(seen.progress.remarks(&seen.spec)[0].contains("do not count"));
}
