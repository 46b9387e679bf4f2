//! A running attempt: its hosts, what they have written, what becomes of it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use studious_contract::{METRICS_FILE, SharedTrial, tail::Tail};
use studious_ledger::{Ledger, TrialRow};
use studious_playbook::{
    Millis,
    decide::{self, AttemptView, HostState, PastAttempts, Progress, Verdict},
    trial::silent_failure,
};
use tokio::sync::mpsc;

use crate::{
    Error, RunFolder,
    devices::DeviceLease,
    process::{Exit, HostId, HostProcess, OUTPUT_FILE, last_line},
    trainer,
};

/// A running attempt.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub number: u32,
    pub begun: Instant,
    hosts: Vec<Host>,
    /// What becomes of it, once its processes have left.
    ending: Option<Verdict>,
    /// When processes that were asked to leave are killed.
    patience: Option<Instant>,
    /// When processes that said they were done, and haven't left since, are asked to.
    linger: Option<Instant>,
    /// The devices that its hosts have to themselves while it lives.
    _devices: Option<DeviceLease>,
}

/// What the processes of an attempt are started with.
pub(crate) struct HostContext<'a> {
    pub working_directory: &'a Path,
    pub exits: &'a mpsc::UnboundedSender<(HostId, Exit)>,
    pub devices: Option<DeviceLease>,
}

#[derive(Debug)]
struct Host {
    process: Option<HostProcess>,
    state: HostState,
    lines: Tail,
    /// It has left and every line it wrote has been read.
    drained: bool,
    /// When it was first asked to leave: its exit code says nothing.
    asked: Option<Instant>,
    /// Its metrics changed after it had left.
    left_a_writer: bool,
}

/// How long a trainer may tidy up after it said `done`.
const LINGER: Duration = Duration::from_secs(5);

/// Why a host is lost whose run was stopped.
const RUN_STOPPED: &str = "the run was stopped";
/// Why a host is lost whose run was killed.
const RUN_KILLED: &str = "studious itself was killed";

impl Attempt {
    /// What all hosts of an attempt share.
    pub(crate) fn shared(row: &TrialRow, number: u32) -> Result<SharedTrial, Error> {
        let spec = &row.spec;
        let coordinator = if spec.hosts > 1 { Some(format!("127.0.0.1:{}", free_port()?)) } else { None };
        Ok(SharedTrial::new(&row.name, spec, number, row.state.past().restore_at_most, coordinator))
    }

    /// Starts every host. A host that can't be started waits with the reason, and `decide` ends the trial for it.
    pub(crate) fn start(
        folder: &RunFolder,
        row: &TrialRow,
        shared: &SharedTrial,
        HostContext { working_directory, exits, devices }: HostContext<'_>,
    ) -> Result<Self, Error> {
        let (spec, number) = (&row.spec, row.state.attempt);
        let mut prepared = Vec::new();
        for host in 0..spec.hosts {
            let trial_json = shared.clone().for_host(host)?;
            prepared.push(folder.prepare(&row.name, number, host, &trial_json)?);
        }
        let mut hosts = Vec::new();
        for (host, directory) in (0..).zip(&prepared) {
            let id = HostId { trial: row.name.clone(), attempt: number, host };
            let started = trainer::command(&spec.template, shared, directory, host)
                .ok_or_else(|| "the template has no command".to_owned())
                .and_then(|mut command| {
                    if let Some(devices) = &devices {
                        devices.tell(host, &mut command.environment);
                    }
                    HostProcess::start(&command, directory, working_directory, exits.clone(), id)
                        .map_err(|error| error.to_string())
                });
            let (process, state) = match started {
                Ok(process) => (Some(process), HostState::Running),
                Err(why) => (None, HostState::Waiting { reason: Some(format!("CreateContainerError: {why}")) }),
            };
            hosts.push(Host {
                process,
                state,
                lines: Tail::new(directory.join(METRICS_FILE)),
                drained: false,
                asked: None,
                left_a_writer: false,
            });
        }
        Ok(Self { number, begun: Instant::now(), hosts, ending: None, patience: None, linger: None, _devices: devices })
    }

    /// An attempt of a run that was killed, to be judged by what it has written.
    pub(crate) async fn orphan(folder: &RunFolder, ledger: &Ledger, row: &TrialRow) -> Result<Self, Error> {
        let number = row.state.attempt;
        let mut hosts = Vec::new();
        for host in 0..row.spec.hosts {
            let next_line = ledger.next_line(&row.uid, number, host).await?;
            hosts.push(Host {
                process: None,
                state: HostState::Lost { reason: RUN_KILLED.to_owned() },
                lines: Tail::starting_at(folder.host(&row.name, number, host).join(METRICS_FILE), next_line),
                drained: false,
                asked: None,
                left_a_writer: false,
            });
        }
        Ok(Self { number, begun: Instant::now(), hosts, ending: None, patience: None, linger: None, _devices: None })
    }

    /// Takes in that a host has left.
    pub(crate) fn exited(&mut self, host: u32, exit: Exit, out_of_memory: bool) {
        if let Some(host) = self.hosts.get_mut(host as usize) {
            if let Some(process) = &mut host.process {
                process.forget();
            }
            host.process = None;
            if let Some(written) = exit.written {
                host.lines.end_at(written);
            }
            host.state = if host.asked.is_some() {
                HostState::Lost { reason: RUN_STOPPED.to_owned() }
            } else {
                HostState::Exited { code: exit.code, out_of_memory }
            };
        }
    }

    /// How long ago a host was asked to leave, if it was.
    pub(crate) fn asked_since(&self, host: u32) -> Option<Duration> {
        self.hosts.get(host as usize)?.asked.map(|asked| asked.elapsed())
    }

    /// Reads what the hosts have written since, into the ledger and the progress. Says whether there is more to read.
    pub(crate) async fn read(
        &mut self,
        ledger: &Ledger,
        row: &TrialRow,
        progress: &mut Progress,
    ) -> Result<bool, Error> {
        let mut more = false;
        for (index, host) in (0_u32..).zip(&mut self.hosts) {
            if host.drained {
                continue;
            }
            let ended = host.process.is_none();
            let batch = host.lines.read(ended).map_err(|e| Error::io("read", host.lines.path(), e))?;
            if !batch.lines.is_empty() {
                let taken = ledger.append(&row.uid, self.number, index, batch.first_line, &batch.lines).await?;
                progress.observe_dropped(taken.dropped, taken.dropped_values);
                for (number, line) in &taken.new {
                    match line {
                        Ok(line) => progress.observe(&row.spec, self.number, index, line),
                        Err(problem) => progress.observe_malformed(index, *number, &problem.to_string()),
                    }
                }
            }
            more |= batch.more;
            host.drained = ended && !batch.more;
            host.left_a_writer |= host.drained && host.lines.has_changed_since_its_end();
        }
        Ok(more)
    }

    /// What becomes of it, by the playbook's rules.
    pub(crate) fn judge(&self, row: &TrialRow, progress: &Progress) -> Verdict {
        let states: Vec<HostState> = self.hosts.iter().map(|host| host.state.clone()).collect();
        decide::judge(&AttemptView {
            spec: &row.spec,
            number: self.number,
            // Here a host is lost because the run was stopped or killed, which says nothing of the trial.
            past: PastAttempts { lost: 0, lost_training: 0, ..row.state.past() },
            // A program that can't be started says so at once, by its exit code.
            template_has_run: false,
            hosts: &states,
            progress,
            // Of the hosts that have left: what the others will write yet is not waited for.
            drained: self.hosts.iter().all(|host| host.drained || host.process.is_some()),
            running_for: Millis(u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)),
        })
    }

    /// What it says, of an attempt that failed before the trial wrote a line of metrics.
    pub(crate) fn silent_failure(&self, folder: &RunFolder, trial: &str, progress: &Progress) -> Option<String> {
        let exits = (0_u32..).zip(&self.hosts).filter_map(|(index, host)| match host.state {
            HostState::Exited { code, .. } if code != 0 => Some((index, code)),
            _ => None,
        });
        let (host, code) = exits.into_iter().next().filter(|_| progress.is_blank())?;
        silent_failure(code, &last_line(&folder.host(trial, self.number, host).join(OUTPUT_FILE))?)
    }

    /// Asks its processes to leave; after `grace` they are killed.
    pub(crate) fn stop(&mut self, grace: Duration) {
        for host in &mut self.hosts {
            if let Some(process) = &host.process {
                host.asked.get_or_insert_with(Instant::now);
                process.terminate();
            }
        }
        self.patience.get_or_insert_with(|| Instant::now() + grace);
    }

    /// Lets its processes leave by themselves for a while.
    pub(crate) fn let_linger(&mut self) {
        self.linger.get_or_insert_with(|| Instant::now() + LINGER);
    }

    /// Asks processes to leave that have lingered too long.
    pub(crate) fn end_lingering(&mut self, grace: Duration) {
        if self.patience.is_none() && self.linger.is_some_and(|until| until <= Instant::now()) {
            self.stop(grace);
        }
    }

    /// An exit code that contradicts what the trainer said, of an attempt that succeeded.
    pub(crate) fn contradiction(&self) -> Option<String> {
        self.hosts.iter().enumerate().find_map(|(index, host)| match host.state {
            HostState::Exited { code, .. } if code != 0 => {
                Some(format!("host {index} said done, then left with exit code {code}"))
            }
            _ => None,
        })
    }

    /// Hosts whose metrics changed after their trainer had left: another process wrote, which counts for nothing.
    pub(crate) fn late_writers(&self) -> Option<String> {
        let index = self.hosts.iter().position(|host| host.left_a_writer)?;
        Some(format!(
            "lines written after host {index}'s trainer had left do not count: a process it started outlived it"
        ))
    }

    /// Kills its processes, if they have been asked to leave long enough ago or `now` is given.
    pub(crate) fn lose_patience(&mut self, now: bool) {
        if now || self.patience.is_some_and(|until| until <= Instant::now()) {
            for host in &mut self.hosts {
                if let Some(process) = &host.process {
                    host.asked.get_or_insert_with(Instant::now);
                    process.kill();
                }
            }
            // A process that can't be killed at once (it waits for a disk) is killed again later.
            self.patience = Some(Instant::now() + Duration::from_secs(1));
        }
    }

    /// Keeps what becomes of it until its processes have left.
    pub(crate) fn end_with(&mut self, verdict: Verdict) {
        self.ending.get_or_insert(verdict);
    }

    /// Whether it has been judged.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// The verdict, once all processes have left and every line has been read.
    pub(crate) fn verdict(&self) -> Option<&Verdict> {
        self.ending.as_ref().filter(|_| self.has_left())
    }

    /// Whether all processes have left and every line has been read.
    pub(crate) fn has_left(&self) -> bool {
        self.hosts.iter().all(|host| host.process.is_none() && host.drained)
    }
}

/// A port that is free now, for host 0 to listen at.
fn free_port() -> Result<u16, Error> {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|source| Error::Start { program: "a listener on 127.0.0.1".to_owned(), source })
}
