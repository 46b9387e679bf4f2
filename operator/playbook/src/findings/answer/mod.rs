//! The answer to a study's goal, in a sentence or two: which arm is better, by how much and how sure that is; or that there
//! is no winner yet, and what it would take; or that it can't be judged, and which question stands in the way.
//!
//! What is counted, and what is said to be unknown: the noise of training (from retraining, or from points that the study
//! holds more than once), the choice among many trials (the best of them owes part of it to noise, so only what was trained
//! again is announced as its value), and the number of validation examples where results give it away.

mod means;
mod words;

pub(crate) use means::{ComparedMeans, RetrainedMean};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use studious_api::Hyperparameters;

use super::{
    Answer, Checklist,
    chance::student_quantile,
    examples,
    lead::{self, Doubt, Lead, Standing},
    needed,
    noise::{self, Noise},
    reading::Reading,
    wording::wrap,
};
use crate::{
    Plan,
    record::{Outcome, TrialRecord},
    trial::judged_by_value,
};

/// The answer to a study's goal.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct Verdict {
    /// Which kind of answer it is.
    pub kind: VerdictKind,
    /// The answer in a sentence or two.
    pub summary: String,
    /// Whether trials are still to end, or questions are open.
    pub provisional: bool,
    /// The numbers of the questions that fail: why it cannot be judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failing: Vec<u8>,
    /// The numbers of the questions that are unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<u8>,
    /// The codes of problems that speak to none of the questions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// The arms that have a result, the leading one first; empty where there is but one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arms: Vec<ArmValue>,
    /// By how much the first arm is ahead of the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<Estimate>,
    /// What the first arm's value will be with other seeds, on average: it leads by noise as well as merit, so this is a
    /// little worse than the mean of its retrainings. Missing without those.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<f64>,
    /// The best point, of a study without arms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<BestValue>,
    /// The standard deviation between trainings of one point with other seeds; missing where it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    /// How many examples the metric is a share of, where the results give it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub examples: Option<u32>,
    /// How often each arm's best point would have to be trained again to name a winner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrainings_needed: Option<u32>,
}

/// The kinds of answers.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum VerdictKind {
    /// One arm is better than all others, by more than noise explains: the best points of the two in front were trained again.
    Winner,
    /// The arms in front differ by no more than noise may explain, or how large that is is unknown.
    NoWinner,
    /// There are no arms to compare: the best point, and how sure that is.
    BestPoint,
    /// A question fails, a problem stands in the way, or nothing has succeeded.
    CannotJudge,
}

/// How an arm stands.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ArmValue {
    /// The scientific values that its trials share.
    pub configuration: Hyperparameters,
    /// The trial whose point stands for it.
    pub trial: String,
    /// What is compared: the mean of the retrainings, or else the best objective.
    pub value: f64,
    /// The best objective of its trials, which owes part of its value to noise.
    pub best: f64,
    /// Retrainings behind `value`; 0 where it is the best objective.
    pub retrainings: usize,
    /// Trials with a result.
    pub trials: usize,
}

/// A number, with an interval if it has one.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct Estimate {
    /// The number, in units of the objective.
    pub value: f64,
    /// Where the truth is with probability `level`, as far as the noise of training goes; missing where that is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// The probability of the interval, such as 0.95.
    pub level: f64,
}

/// The best point of a study without arms.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct BestValue {
    /// The trial that was chosen.
    pub trial: String,
    /// Its objective, which owes part of its value to noise.
    pub chosen: f64,
    /// Of how many trials with an objective it is the best.
    pub of: usize,
    /// The mean of its retrainings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrained: Option<Estimate>,
    /// How many those are.
    pub retrainings: usize,
}

/// The answer to a study's goal, from its trials and the five questions about them, of [`super::checklist`].
#[must_use]
pub fn verdict(plan: &Plan, trials: &[TrialRecord], checklist: &Checklist) -> Verdict {
    let trials = &*judged_by_value(plan.spec(), trials);
    let reading = Reading::new(plan, trials);
    let of = |answer: Answer| -> Vec<u8> {
        checklist.questions.iter().filter(|q| q.answer == answer).map(|q| q.number).collect()
    };
    let (failing, unknown) = (of(Answer::Fail), of(Answer::Unknown));
    let pending = trials.iter().filter(|trial| trial.outcome == Outcome::Pending).count();
    // Trials that are not there yet have not ended either.
    let all = if pending == 0 { trials.len() } else { trials.len().max(plan.total_trials() as usize) };
    let mut verdict = Verdict {
        kind: VerdictKind::CannotJudge,
        summary: String::new(),
        provisional: pending > 0 || checklist.provisional,
        failing,
        unknown,
        problems: checklist.problems.clone(),
        arms: Vec::new(),
        difference: None,
        expected: None,
        best: None,
        noise: reading.concluding().and_then(|round| noise::at_budget_of(&reading, round)).map(|noise| noise.deviation),
        examples: examples::of_results(&reading),
        retrainings_needed: None,
    };
    let said = match (lead::lead(&reading), reading.concluding()) {
        (Some(lead), _) => Some(compared(&reading, &lead, &mut verdict)),
        (None, Some(round)) if reading.arms(round).len() > 1 => {
            Some(words::nothing_to_compare(&reading, &reading.arms(round)))
        }
        _ => best_point(&reading, &mut verdict),
    };
    let has_result = said.is_some();
    let said = said.unwrap_or_else(|| words::no_result(&reading));
    if has_result && (!verdict.failing.is_empty() || !verdict.problems.is_empty()) {
        verdict.kind = VerdictKind::CannotJudge;
    }
    verdict.summary = words::summary(&verdict, checklist, &said, has_result, (all, trials.len() - pending));
    verdict
}

impl Verdict {
    /// The answer in plain words, as a terminal shows it.
    #[must_use]
    pub fn text(&self) -> String {
        const WIDTH: usize = 96;
        let lines = wrap(&self.summary, WIDTH);
        format!("Answer: {}\n", lines.join("\n        "))
    }
}

/// Of a study with arms.
fn compared(reading: &Reading<'_>, lead: &Lead<'_>, verdict: &mut Verdict) -> String {
    verdict.kind = if lead.is_winner() { VerdictKind::Winner } else { VerdictKind::NoWinner };
    verdict.difference = Some(lead.difference(reading));
    verdict.arms = [&lead.first, &lead.second].into_iter().chain(&lead.others).map(arm_value).collect();
    let remedy = needed::remedy(reading, lead);
    verdict.retrainings_needed = remedy.times.filter(|_| !lead.is_winner());
    verdict.expected = lead.expected(reading.direction());
    match lead.doubt {
        None if lead.is_winner() => words::winner(reading, lead, verdict),
        None => words::not_repeated(lead, &remedy),
        Some(doubt) => words::no_winner(lead, doubt, &remedy),
    }
}

fn arm_value(standing: &Standing<'_>) -> ArmValue {
    let configuration = &standing.arm.configuration;
    ArmValue {
        configuration: configuration.iter().map(|(name, value)| ((*name).to_owned(), (*value).clone())).collect(),
        trial: standing.trial.name.clone(),
        value: standing.value,
        best: standing.best,
        retrainings: standing.retrainings,
        trials: standing.results,
    }
}

/// The mean of so many trainings of a point, with its interval where the noise is known.
fn of_mean(reading: &Reading<'_>, noise: Option<Noise>, mean: f64, trainings: usize) -> Estimate {
    let level = level(reading);
    let half = noise.map(|Noise { deviation, freedom, .. }| {
        student_quantile(0.5 * (1.0 - level), freedom) * deviation / (trainings as f64).sqrt()
    });
    Estimate { value: mean, interval: half.map(|half| [mean - half, mean + half]), level }
}

/// The probability of intervals.
fn level(reading: &Reading<'_>) -> f64 {
    1.0 - reading.threshold(&studious_rules::thresholds::search::FALSE_ALARMS)
}

impl Lead<'_> {
    /// By how much the first arm is ahead, with its interval where means are compared whose noise is known.
    fn difference(&self, reading: &Reading<'_>) -> Estimate {
        let interval = self.half_width.map(|half| [self.gap - half, self.gap + half]);
        Estimate { value: self.gap, interval, level: level(reading) }
    }
}

/// Of a study without arms.
fn best_point(reading: &Reading<'_>, verdict: &mut Verdict) -> Option<String> {
    let round = reading.concluding()?;
    let ranked = reading.ranked(&round.trials);
    let (trial, chosen) = ranked.first().copied().filter(|(trial, _)| reading.satisfies(trial))?;
    let noise = noise::at_budget_of(reading, round);
    let again = noise::repeats_of(reading, trial);
    let retrained = again.as_ref().map(|again| of_mean(reading, noise, again.mean(), again.values.len()));
    verdict.kind = VerdictKind::BestPoint;
    let best = BestValue {
        trial: trial.name.clone(),
        chosen,
        of: ranked.len(),
        retrained,
        retrainings: again.map_or(0, |again| again.values.len()),
    };
    let said = words::best_point(reading, &best, verdict);
    verdict.best = Some(best);
    Some(said)
}

#[cfg(test)]
mod tests;
