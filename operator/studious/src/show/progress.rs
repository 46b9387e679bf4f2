//! How far a run is, while it runs: a bar on a terminal, plain lines elsewhere.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::IsTerminal as _,
    path::Path,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use studious_api::{StudySpec, study::TrialCounts, trial::TrialPhase};
use studious_local::Event;
use studious_playbook::{
    Plan,
    numbers::{count, number},
    rounds,
    trial::{self, Ranked, Reason, TrialState},
};

use super::durations::duration;
use crate::output::{errln, escaped};

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
    spec: StudySpec,
    /// Total training steps of all rounds.
    steps_planned: u64,
    /// Of trials that have ended, whether they trained to the end or not.
    steps_ended: u64,
    /// Of those that were done when this run began.
    steps_before: u64,
    /// Of trials that have ended; of those that run, `running`.
    counts: TrialCounts,
    running: BTreeMap<String, u64>,
    round: String,
    /// The best of those that have ended.
    best: Option<TrialState>,
    /// The last words of a trainer that were shown last: the same are not shown again.
    last_words: Option<String>,
    begun: Instant,
}

impl ProgressDisplay {
    /// Of a run that begins. `before` are trials that earlier runs began.
    pub(crate) fn new(plan: &Plan, style: Style, before: &[TrialState]) -> Self {
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
            spec: plan.spec().clone(),
            steps_planned,
            steps_ended: 0,
            steps_before: 0,
            counts: trial::counts(plan.total_trials(), []),
            running: BTreeMap::new(),
            round: rounds::names(plan).into_iter().next().unwrap_or_default(),
            best: None,
            last_words: None,
            begun: Instant::now(),
        };
        for state in before.iter().filter(|state| state.phase.has_ended()) {
            progress.count_end(state, steps(&state.key.round));
        }
        let begun = before.iter().map(|state| state.key.round.as_str());
        if let Some(round) = trial::latest_round(plan.spec(), begun) {
            round.clone_into(&mut progress.round);
        }
        progress.steps_before = progress.steps_ended;
        progress.draw();
        progress
    }

    /// Takes in what happened.
    pub(crate) fn take(&mut self, event: Event) {
        match event {
            Event::Resumed { ended, interrupted, leftovers } => {
                let mut line = format!("Continuing after {}", count(ended as usize, "ended trial"));
                if interrupted > 0 {
                    let ones = if interrupted == 1 { "one" } else { "ones" };
                    let _ = write!(line, " and {interrupted} interrupted {ones}");
                }
                if leftovers > 0 {
                    let _ = write!(line, " (trainers of the run before were still there and were ended: {leftovers})");
                }
                self.line(&line);
            }
            Event::Rebuilt { trials } => self.line(&format!(
                "The ledger lacked {} or their last measurements: rebuilt from the trials' folders",
                count(trials, "trial")
            )),
            Event::StartsFrom { study, results, trials } => self.line(&format!(
                "The search starts from {study}: of its {trials} trials {results} have results at points of this study's space"
            )),
            Event::RoundBegan { round } => {
                self.line(&format!("Round {round}"));
                self.round = round;
            }
            Event::AttemptBegan { trial, .. } => {
                self.running.insert(trial, 0);
            }
            Event::Measured { trial, step, max_train_steps, .. } => {
                self.running.insert(trial, step.min(max_train_steps));
            }
            Event::HostLeft { .. } => {}
            Event::AttemptEnded { trial, attempt, message, output } => {
                self.running.remove(&trial);
                let last_words = self.last_words(&output);
                self.line(&format!("{trial} attempt {attempt}: {message}; it is tried again{last_words}"));
            }
            Event::TrialEnded { trial, state, message, remarks, max_train_steps, output } => {
                self.running.remove(&trial);
                let better = self.count_end(&state, max_train_steps);
                self.tell_end(&trial, &state, &message, better, &output);
                if state.phase == TrialPhase::Succeeded && !remarks.is_empty() {
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
        self.bar.set_position(u64::from(self.counts.ended()));
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
        for (n, what) in [
            (self.counts.infeasible, "infeasible"),
            (self.counts.stopped, "stopped early"),
            (self.counts.failed, "failed"),
        ] {
            if n > 0 {
                parts.push(format!("{n} {what}"));
            }
        }
        if let Some(best) = self.best.as_ref().and_then(Ranked::objective) {
            parts.push(format!("best {}", number(best)));
        }
        parts.join(" · ")
    }

    /// By the steps trained so far; nothing until the first trial has ended.
    fn time_left(&self) -> Option<Duration> {
        let ended = self.steps_ended - self.steps_before;
        if ended == 0 || self.counts.ended() >= self.counts.total {
            return None;
        }
        let done = ended + self.running.values().sum::<u64>();
        let left = self.steps_planned.saturating_sub(self.steps_before + done);
        Some(self.begun.elapsed().mul_f64(left as f64 / done as f64))
    }

    /// Counts a trial that has ended, and says whether it is the best so far.
    fn count_end(&mut self, state: &TrialState, steps: u64) -> bool {
        trial::count(&mut self.counts, state.phase);
        self.steps_ended = self.steps_ended.saturating_add(steps);
        let best = trial::best(&self.spec, self.best.iter().chain([state]));
        let is_best = best.is_some_and(|best| best.key == state.key);
        if is_best {
            self.best = Some(state.clone());
        }
        is_best
    }

    fn tell_end(&mut self, trial: &str, state: &TrialState, message: &str, better: bool, output: &Path) {
        let reason = state.reason.as_ref().map_or("", Reason::as_str);
        match state.phase {
            TrialPhase::Failed => {
                let last_words = self.last_words(output);
                self.always(&format!("{trial} failed: {reason}: {message}{last_words}"));
            }
            TrialPhase::Succeeded if self.style == Style::Lines || better => {
                let x = state.objective.map_or_else(String::new, number);
                self.line(&format!("{trial} {x}{}", if better { ", the best so far" } else { "" }));
            }
            TrialPhase::Infeasible | TrialPhase::Stopped if self.style == Style::Lines => {
                let word = if state.phase == TrialPhase::Infeasible { "infeasible" } else { "stopped" };
                self.line(&format!("{trial} {word}: {reason}: {message}"));
            }
            _ => {}
        }
    }

    /// What a trainer printed last, and where all of it is; the same line as the one before is not repeated.
    fn last_words(&mut self, output: &Path) -> String {
        let Some(line) = studious_local::last_line(output) else { return String::new() };
        let shown = output.display();
        let is_known = self.last_words.as_ref() == Some(&line);
        let said = if is_known { "the same".to_owned() } else { format!("last: {line}") };
        self.last_words = Some(line);
        format!("\n    it printed {said}\n    all of it: {shown}")
    }

    fn line(&self, text: &str) {
        if self.style != Style::Quiet {
            self.always(text);
        }
    }

    fn always(&self, text: &str) {
        match self.style {
            Style::Bar => self.bar.println(escaped(text)),
            Style::Lines => errln!("[{}/{}] {text}", self.counts.ended(), self.counts.total),
            Style::Quiet => errln!("{text}"),
        }
    }
}
