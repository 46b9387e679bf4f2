//! One attempt of a study of one trial, watched closely: when each line came, how its host left, how much memory it took.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use studious_api::StudySpec;
use studious_contract::{JudgedMetrics, Line, METRICS_FILE, tail::Tail};
use studious_playbook::preflight::{AttemptSeen, HostExit, RESOLUTION, SeenLine, StopRequest};
use tokio::sync::mpsc;

use crate::{
    Error, Event, Interrupt, Options, RunEnd, RunFolder,
    memory::most_resident,
    process::{OUTPUT_FILE, last_line},
    run,
};

/// Every so many looks memory is looked at.
const MEMORY_EVERY: u32 = 20;

/// When an attempt that is watched is stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StopAt {
    /// Not at all, unless it trains far beyond its last step: then it is asked to end.
    End,
    /// Killed once it has saved a checkpoint, or come halfway if it saves none.
    Checkpoint {
        /// Whether it saves.
        saves: bool,
    },
    /// Asked to end at its first line of measurements.
    Measurement,
}

/// What became of the run of an attempt that was watched.
#[derive(Debug)]
pub struct Observed {
    /// What was seen.
    pub seen: AttemptSeen,
    /// Whether the caller interrupted it.
    pub was_interrupted: bool,
}

/// Runs a study of one trial, as [`run()`] does, and watches the attempt that begins.
///
/// # Errors
/// As [`run()`].
pub async fn observe(
    options: Options,
    stop_at: StopAt,
    interrupts: &mut mpsc::Receiver<Interrupt>,
) -> Result<Observed, Error> {
    let (tell, mut told) = mpsc::unbounded_channel();
    let (press, pressed) = mpsc::channel(4);
    let mut watch = AttemptWatch::new(&options.study.spec, &options.folder);
    let end = run(options, tell, pressed);
    tokio::pin!(end);
    let mut tick = tokio::time::interval(RESOLUTION);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut was_interrupted = false;
    let end: RunEnd = loop {
        tokio::select! {
            biased;
            Some(event) = told.recv() => watch.take(&event),
            end = &mut end => break end?,
            Some(how) = interrupts.recv() => {
                was_interrupted = true;
                // A run that is over needs no request.
                let _ = press.send(how).await;
            }
            _ = tick.tick() => {
                watch.look(false)?;
                if let Some(how) = watch.stop(stop_at) {
                    let _ = press.send(how).await;
                }
            }
        }
    };
    while let Ok(event) = told.try_recv() {
        watch.take(&event);
    }
    watch.look(true)?;
    if matches!(end, RunEnd::Study(_)) {
        watch.came_too_late();
    }
    Ok(Observed { seen: watch.finish(), was_interrupted })
}

struct AttemptWatch {
    folder: RunFolder,
    judged: JudgedMetrics,
    max_train_steps: u64,
    begun: Option<Begun>,
    looks: u32,
    /// The run itself asked it to end.
    asked_by_run: bool,
    seen: AttemptSeen,
}

/// The attempt, once it has begun.
struct Begun {
    at: Instant,
    trial: String,
    directory: PathBuf,
    lines: Tail,
}

impl AttemptWatch {
    fn new(spec: &StudySpec, folder: &RunFolder) -> Self {
        Self {
            folder: folder.clone(),
            judged: JudgedMetrics::of_study(spec),
            max_train_steps: spec.rounds.first().map_or(0, |round| round.max_train_steps),
            begun: None,
            looks: 0,
            asked_by_run: false,
            seen: AttemptSeen::default(),
        }
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::AttemptBegan { trial, attempt } => {
                let directory = self.folder.host(trial, *attempt, 0);
                let lines = Tail::new(directory.join(METRICS_FILE));
                self.begun = Some(Begun { at: Instant::now(), trial: trial.clone(), directory, lines });
            }
            Event::HostLeft { host: 0, code, asked, .. } => {
                let Some(begun) = &self.begun else { return };
                let seconds = begun.at.elapsed().as_secs_f64();
                self.seen.exit.get_or_insert(HostExit { seconds, code: *code });
                if let Some(since) = asked {
                    let seconds = seconds - since.as_secs_f64();
                    self.asked_by_run = self.seen.request.is_none();
                    self.seen.request.get_or_insert(StopRequest::End { seconds, overdue: true });
                }
            }
            _ => {}
        }
    }

    /// Reads what has been written since, and how much memory is used.
    fn look(&mut self, ended: bool) -> Result<(), Error> {
        let Some(begun) = &mut self.begun else { return Ok(()) };
        let seconds = begun.at.elapsed().as_secs_f64();
        loop {
            let batch = begun.lines.read(ended).map_err(|e| Error::io("read", begun.lines.path(), e))?;
            self.seen.lines.extend(batch.lines.iter().map(|line| SeenLine {
                seconds,
                line: Line::parse(line, &self.judged).map_err(|problem| problem.to_string()),
            }));
            if !batch.more {
                break;
            }
        }
        if !ended && self.looks.is_multiple_of(MEMORY_EVERY) {
            self.seen.peak_memory_bytes = self.seen.peak_memory_bytes.max(most_resident(&begun.directory));
        }
        self.looks = self.looks.wrapping_add(1);
        Ok(())
    }

    /// How to stop it now, if it is to be stopped.
    fn stop(&mut self, at: StopAt) -> Option<Interrupt> {
        let begun = self.begun.as_ref().filter(|_| self.seen.request.is_none() && self.seen.exit.is_none())?;
        let seconds = begun.at.elapsed().as_secs_f64();
        let (request, how) = match at {
            StopAt::End if self.seen.overruns(self.max_train_steps) => {
                (StopRequest::End { seconds, overdue: true }, Interrupt::Gently)
            }
            StopAt::Checkpoint { saves } if self.seen.can_be_killed(self.max_train_steps, saves) => {
                (StopRequest::Kill, Interrupt::AtOnce)
            }
            StopAt::Measurement if self.seen.last_step().is_some_and(|step| step < self.max_train_steps) => {
                (StopRequest::End { seconds, overdue: false }, Interrupt::Gently)
            }
            _ => return None,
        };
        self.seen.request = Some(request);
        Some(how)
    }

    /// What was asked of it last changed nothing: it had ended by then.
    fn came_too_late(&mut self) {
        if !self.asked_by_run {
            self.seen.request = None;
        }
    }

    fn finish(mut self) -> AttemptSeen {
        if let Some(begun) = &self.begun {
            self.seen.last_printed = last_line(&begun.directory.join(OUTPUT_FILE));
            self.seen.checkpoint_files = files(&self.folder.trial(&begun.trial).join("checkpoints").join("host-0"));
        }
        self.seen
    }
}

/// Files and folders in a folder.
fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, |entries| entries.flatten().count())
}
