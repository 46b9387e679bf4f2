//! How far a run is, while it runs: a bar on a terminal, plain lines elsewhere.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::IsTerminal as _,
    path::Path,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use studious_api::{study::Direction, trial::TrialPhase};
use studious_local::Event;
use studious_playbook::{
    Plan,
    numbers::{count, number},
    rounds,
};

use super::durations::duration;

/// How a run is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Style {
    /// A bar, with a line for what deserves one.
    Bar,
    /// A line for each trial that ends.
    Lines,
    /// Nothing but what went wrong.
    Quiet,
}

impl Style {
    /// What suits standard error.
    pub(crate) fn choose(quiet: bool, no_progress: bool) -> Self {
        match (quiet, no_progress) {
            (true, _) => Self::Quiet,
            (false, false) if std::io::stderr().is_terminal() => Self::Bar,
            (false, _) => Self::Lines,
        }
    }
}

/// Follows a run and shows it on standard error.
pub(crate) struct ProgressDisplay {
    style: Style,
    bar: ProgressBar,
    direction: Direction,
    /// Total training steps of all rounds.
    steps_planned: u64,
    /// Of trials that have ended, whether they trained to the end or not.
    steps_ended: u64,
    /// Of those that were done when this run began.
    steps_before: u64,
    trials_planned: u32,
    ended: u32,
    infeasible: u32,
    stopped: u32,
    failed: u32,
    running: BTreeMap<String, u64>,
    round: String,
    best: Option<(f64, String)>,
    begun: Instant,
}

impl ProgressDisplay {
    /// Of a run that begins. `before` are trials that ended in earlier runs: round, phase and the
    /// objective of those that satisfy the study's constraints.
    pub(crate) fn new(plan: &Plan, style: Style, before: &[(String, String, TrialPhase, Option<f64>)]) -> Self {
        let steps = |round: &str| rounds::max_train_steps(plan, round);
        let steps_planned = rounds::names(plan)
            .iter()
            .map(|round| u64::from(rounds::trials_in(plan, round)).saturating_mul(steps(round)))
            .fold(0, u64::saturating_add);
        let target =
            if style == Style::Bar { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(u64::from(plan.total_trials())), target);
        bar.set_style(
            ProgressStyle::with_template("{prefix} {bar:16} {pos}/{len} {wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("━╸─"),
        );
        let mut progress = Self {
            style,
            bar,
            direction: plan.spec().objective.direction,
            steps_planned,
            steps_ended: 0,
            steps_before: 0,
            trials_planned: plan.total_trials(),
            ended: 0,
            infeasible: 0,
            stopped: 0,
            failed: 0,
            running: BTreeMap::new(),
            round: rounds::names(plan).into_iter().next().unwrap_or_default(),
            best: None,
            begun: Instant::now(),
        };
        for (trial, round, phase, objective) in before {
            if phase.has_ended() {
                progress.count_end(trial, round, *phase, *objective, steps(round));
            }
            progress.round.clone_from(round);
        }
        progress.steps_before = progress.steps_ended;
        progress.draw();
        progress
    }

    /// Takes in what happened.
    pub(crate) fn take(&mut self, event: Event) {
        match event {
            Event::Resumed { ended, interrupted, leftovers } => {
                let mut line = format!("Going on after {}", count(ended as usize, "ended trial"));
                if interrupted > 0 {
                    let ones = if interrupted == 1 { "one" } else { "ones" };
                    let _ = write!(line, " and {interrupted} interrupted {ones}");
                }
                if leftovers > 0 {
                    let _ = write!(line, " (trainers of the run before were still there and were ended: {leftovers})");
                }
                self.line(&line);
            }
            Event::StartsFrom { study, results, trials } => self.line(&format!(
                "The search starts from {study}: of its {trials} trials {results} have results at points of this study's space"
            )),
            Event::RoundBegan { round } => {
                self.line(&format!("Round {round}"));
                self.best = None;
                self.round = round;
            }
            Event::AttemptBegan { trial, .. } => {
                self.running.insert(trial, 0);
            }
            Event::Measured { trial, step, max_train_steps, .. } => {
                self.running.insert(trial, step.min(max_train_steps));
            }
            Event::AttemptEnded { trial, attempt, message, output } => {
                self.running.remove(&trial);
                self.line(&format!("{trial} attempt {attempt}: {message}; it is tried again{}", last_words(&output)));
            }
            Event::TrialEnded {
                trial,
                phase,
                reason,
                message,
                objective,
                satisfies,
                remarks,
                max_train_steps,
                output,
            } => {
                self.running.remove(&trial);
                // One that violates a constraint is not the best, however good it is.
                let candidate = objective.filter(|_| satisfies);
                let better =
                    candidate.is_some_and(|x| self.best.as_ref().is_none_or(|(b, _)| self.direction.better(x, *b)));
                self.count_end(&trial, &self.round.clone(), phase, candidate, max_train_steps);
                self.tell_end(&trial, phase, &reason, &message, objective, better, &output);
                if phase == TrialPhase::Succeeded && !remarks.is_empty() {
                    self.line(&format!("{trial}: {}", remarks.join("; ")));
                }
            }
            Event::Stopping { running } => {
                self.line(&format!("Stopping {}; Ctrl-C again kills", count(running, "trial")));
            }
        }
        self.draw();
    }

    /// Draws the bar again: time has passed.
    pub(crate) fn draw(&self) {
        if self.style != Style::Bar {
            return;
        }
        self.bar.set_prefix(self.round.clone());
        self.bar.set_position(u64::from(self.ended));
        self.bar.set_message(self.message());
        self.bar.tick();
    }

    /// Clears the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn message(&self) -> String {
        let mut parts = Vec::new();
        if let Some(left) = self.time_left() {
            parts.push(format!("{} left", duration(left)));
        }
        parts.push(format!("{} running", self.running.len()));
        if self.infeasible > 0 {
            parts.push(format!("{} infeasible", self.infeasible));
        }
        if self.stopped > 0 {
            parts.push(format!("{} stopped early", self.stopped));
        }
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        if let Some((best, _)) = &self.best {
            parts.push(format!("best {}", number(*best)));
        }
        parts.join(" · ")
    }

    /// By the steps trained so far; nothing until the first trial has ended.
    fn time_left(&self) -> Option<Duration> {
        let ended = self.steps_ended - self.steps_before;
        if ended == 0 || self.ended >= self.trials_planned {
            return None;
        }
        let done = ended + self.running.values().sum::<u64>();
        let left = self.steps_planned.saturating_sub(self.steps_before + done);
        Some(self.begun.elapsed().mul_f64(left as f64 / done as f64))
    }

    fn count_end(&mut self, trial: &str, round: &str, phase: TrialPhase, objective: Option<f64>, steps: u64) {
        self.ended += 1;
        self.steps_ended = self.steps_ended.saturating_add(steps);
        match phase {
            TrialPhase::Infeasible => self.infeasible += 1,
            TrialPhase::Failed => self.failed += 1,
            TrialPhase::Stopped => self.stopped += 1,
            _ => {}
        }
        if let Some(x) = objective {
            if round != self.round {
                self.best = None;
                round.clone_into(&mut self.round);
            }
            if self.best.as_ref().is_none_or(|(b, _)| self.direction.better(x, *b)) {
                self.best = Some((x, trial.to_owned()));
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn tell_end(
        &self,
        trial: &str,
        phase: TrialPhase,
        reason: &str,
        message: &str,
        objective: Option<f64>,
        better: bool,
        output: &Path,
    ) {
        match phase {
            TrialPhase::Failed => {
                self.always(&format!("{trial} failed: {reason}: {message}{}", last_words(output)));
            }
            TrialPhase::Succeeded if self.style == Style::Lines || better => {
                let x = objective.map_or_else(String::new, number);
                self.line(&format!("{trial} {x}{}", if better { ", the best so far" } else { "" }));
            }
            TrialPhase::Infeasible | TrialPhase::Stopped if self.style == Style::Lines => {
                let word = if phase == TrialPhase::Infeasible { "infeasible" } else { "stopped" };
                self.line(&format!("{trial} {word}: {reason}: {message}"));
            }
            _ => {}
        }
    }

    fn line(&self, text: &str) {
        if self.style != Style::Quiet {
            self.always(text);
        }
    }

    fn always(&self, text: &str) {
        match self.style {
            Style::Bar => self.bar.println(text),
            Style::Lines => eprintln!("[{}/{}] {text}", self.ended, self.trials_planned),
            Style::Quiet => eprintln!("{text}"),
        }
    }
}

/// What a trainer printed last, and where all of it is.
fn last_words(output: &Path) -> String {
    let shown = output.display();
    match studious_local::last_line(output) {
        Some(line) => format!("\n    it printed last: {line}\n    all of it: {shown}"),
        None => String::new(),
    }
}
