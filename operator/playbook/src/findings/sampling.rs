//! Whether enough of the search space was sampled.
//!
//! The playbook: there is no certainty; good points that are rare are a bad sign. An arm is called undersampled when it has
//! too few trials for its dimensions; when fewer than three trials are good, where retraining says what is as good as the
//! best, unless more of them can't change which arm leads: where seeds hardly matter, few trials are ever
//! as good as the best, however many there are; or, where nothing says that, when the best one or two stand apart from the others. "Apart" is a test: the gap
//! behind the best j trials, times j, against the mean of the other gaps among the better half, each times its place. For
//! tails like those of a normal or exponential distribution these products are independent with one exponential
//! distribution (Rényi 1953), so the ratio has an F distribution with 2 and 2m degrees of freedom; bounded tails make it
//! smaller. An arm that tries every point it has, as one that tunes nothing does, can't be sampled better.

use std::collections::HashSet;

use studious_api::{
    HyperparameterValue,
    study::{Direction, Role},
    validate,
};
use studious_rules::{
    search::UNDERSAMPLED,
    thresholds::search::{GAP_TRIALS, GOOD_DEVIATIONS, GOOD_TRIALS, TRIALS_PER_DIMENSION},
};

use super::{
    Confidence, Finding, budget,
    change::{Change, Edit},
    noise,
    reading::{Arm, Reading, RoundTrials},
    wording::{count, list, number, p_value},
};
use crate::{record::TrialRecord, rounds, space::PointIdentity};

/// How well an arm was sampled.
pub(super) struct Sampled<'a> {
    pub(super) arm: Arm<'a>,
    pub(super) results: usize,
    dimensions: usize,
    /// Results that its dimensions need.
    pub(super) needed: usize,
    /// Trials that succeeded, the best first.
    ranked: Vec<(&'a TrialRecord, f64)>,
    /// How many are as good as the best, if that is known.
    pub(super) good: Option<usize>,
    /// What halving the number of trials would have cost, on average.
    pub(super) last_doubling: Option<f64>,
    pub(super) poor: Option<Poor>,
}

/// Why an arm is undersampled.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Poor {
    /// Too few trials for its dimensions.
    Few { needed: usize },
    /// Too few are within the noise of a retraining.
    Rare { within: f64 },
    /// The best `alone` stand apart.
    Apart { alone: usize, gap: f64, chance: f64 },
}

/// Each arm of the exploring round that has a result.
pub(super) fn sampled<'a>(reading: &Reading<'a>) -> Vec<Sampled<'a>> {
    let Some(round) = reading.exploring() else { return Vec::new() };
    let arms = reading.arms(round);
    let limit = reading.alarm_level(round) / arms.len().max(1) as f64;
    let noise = comparable_noise(reading, round);
    let points = validate::space_size(reading.plan.spec()).and_then(|size| usize::try_from(size).ok());
    let points_each = points.map_or(usize::MAX, |points| points / arms.len().max(1));
    // While trials of the round are still to come, their number says nothing.
    let goes_on = round.goes_on();
    let leads = Leads::of(reading, &arms);
    let judge = |arm: Arm<'a>| {
        let ranked = reading.ranked(&arm.trials);
        let results = arm.trials.iter().filter(|t| t.is_result()).count();
        let sorted = reading.objectives(&arm.trials);
        let dimensions = dimensions(reading, &arm);
        // Trying every point there is, is enough.
        let needed = (dimensions * reading.count(&TRIALS_PER_DIMENSION)).min(points_each);
        let within = noise.map(|n| reading.threshold(&GOOD_DEVIATIONS) * n);
        let good = within.map(|w| sorted.iter().filter(|o| (*o - sorted[0]).abs() <= w).count());
        let half = results / 2;
        let last_doubling = budget::expected_best(&sorted, results, half).map(|expected| (expected - sorted[0]).abs());
        let enough = reading.count(&GOOD_TRIALS);
        let tried = distinct(&arm);
        let poor = match (good, within) {
            _ if dimensions == 0 || tried >= points_each => None,
            _ if results < needed && !goes_on => Some(Poor::Few { needed }),
            (Some(good), Some(within)) if good < enough && !leads.is_settled(&arm, last_doubling) => {
                Some(Poor::Rare { within })
            }
            (None, _) => apart(reading, &sorted, limit),
            _ => None,
        };
        Sampled { arm, results, dimensions, needed, ranked, good, last_doubling, poor }
    };
    arms.into_iter().map(judge).filter(|s| s.results > 0).collect()
}

/// Different points of an arm.
fn distinct(arm: &Arm<'_>) -> usize {
    arm.trials.iter().map(|trial| PointIdentity::of(&trial.hyperparameters)).collect::<HashSet<_>>().len()
}

/// How many times the gain of the last doubling all further ones may gain together: each gains less than the one before, by
/// the square root of two or more with up to four dimensions. Of equal arms, one of twenty leads by more.
const FURTHER_GAINS: f64 = 3.0;

/// The best of each arm that has one, by its scientific values.
struct Leads<'a>(Vec<(Vec<(&'a str, &'a HyperparameterValue)>, f64)>);

impl<'a> Leads<'a> {
    fn of(reading: &Reading<'a>, arms: &[Arm<'a>]) -> Self {
        let best = |arm: &Arm<'a>| Some((arm.configuration.clone(), *reading.objectives(&arm.trials).first()?));
        let mut bests: Vec<_> = arms.iter().filter_map(best).collect();
        bests.sort_by(|a, b| a.1.total_cmp(&b.1));
        if reading.direction() == Direction::Maximize {
            bests.reverse();
        }
        Self(bests)
    }

    /// Whether more of an arm's trials would change no lead: all they may gain is less than what lies between the arm and the
    /// leading one, or between that one and the next.
    fn is_settled(&self, arm: &Arm<'_>, last_doubling: Option<f64>) -> bool {
        let [(first, best), (_, second), ..] = &self.0[..] else { return false };
        let own = self.0.iter().find(|(configuration, _)| *configuration == arm.configuration);
        let (Some((_, own)), Some(gain)) = (own, last_doubling) else { return false };
        let lead = if *first == arm.configuration { second - best } else { own - best };
        FURTHER_GAINS * gain < lead.abs()
    }
}

/// The noise of a retraining, where it has the step budget of the round: that of other budgets is another.
pub(super) fn comparable_noise(reading: &Reading<'_>, round: &RoundTrials<'_>) -> Option<f64> {
    noise::at_budget_of(reading, round).map(|noise| noise.deviation)
}

/// What is as good as the best of its arm, in the exploring round: within the noise of a retraining.
pub(crate) struct GoodRegions<'a> {
    /// The standard deviation between trainings of one point with other seeds.
    pub(crate) deviation: f64,
    /// How far from its best an objective is still good.
    pub(crate) within: f64,
    /// Whether longer retrainings say so, as of the round's last step.
    pub(crate) of_beginnings: bool,
    /// Of each arm.
    pub(crate) arms: Vec<Good<'a>>,
}

/// What is as good as the best of an arm.
pub(crate) struct Good<'a> {
    pub(crate) arm: Arm<'a>,
    /// The best objective of the arm.
    pub(crate) best: f64,
    /// The worst that counts as good.
    pub(crate) limit: f64,
    /// How many of the arm's trials are good.
    pub(crate) trials: usize,
}

impl<'a> Reading<'a> {
    /// The good region of each arm of the exploring round; nothing while no retraining says how far trainings with the
    /// round's step budget differ by chance.
    pub(crate) fn good_regions(&self) -> Option<GoodRegions<'a>> {
        let noise = noise::at_budget_of(self, self.exploring()?)?;
        let within = self.threshold(&GOOD_DEVIATIONS) * noise.deviation;
        let sign = if self.direction() == Direction::Minimize { 1.0 } else { -1.0 };
        let good = sampled(self).into_iter().filter_map(|s| {
            let best = *self.objectives(&s.arm.trials).first()?;
            Some(Good { trials: s.good?, arm: s.arm, best, limit: best + sign * within })
        });
        Some(GoodRegions {
            deviation: noise.deviation,
            within,
            of_beginnings: noise.of_beginnings,
            arms: good.collect(),
        })
    }

    /// Why there is no good region although points were trained again, and what would tell; nothing where there is one, or
    /// nothing was trained again.
    pub(crate) fn why_no_good_region(&self) -> Option<String> {
        let round = self.exploring()?;
        let steps = rounds::max_train_steps(self.plan, rounds::RETRAIN);
        let retrained = self.retrained.iter().any(|trial| trial.objective().is_some());
        if !retrained || steps == round.steps || noise::at_budget_of(self, round).is_some() {
            return None;
        }
        Some(format!(
            "How far two trainings of {} steps differ by seed is unknown: the retrained ones had {steps}. Retraining in a \
             study that ends with round {} tells.",
            round.steps, round.name,
        ))
    }
}

/// Dimensions that are tuned within an arm.
fn dimensions(reading: &Reading<'_>, arm: &Arm<'_>) -> usize {
    let is_tuned = |h: &studious_api::study::Hyperparameter| {
        h.range.is_some() || (h.role == Role::Nuisance && h.values.as_ref().is_some_and(|v| v.len() > 1))
    };
    let mut names: Vec<&str> = reading
        .varied()
        .filter(|v| is_tuned(v.hyperparameter) && arm.trials.iter().any(|t| v.value(t).is_some()))
        .map(|v| v.hyperparameter.name.as_str())
        .collect();
    // One name under two conditions is one dimension of a trial.
    names.sort_unstable();
    names.dedup();
    names.len()
}

/// Whether the best one, two … fewer than `enough` trials stand apart from the others.
fn apart(reading: &Reading<'_>, sorted: &[f64], limit: f64) -> Option<Poor> {
    let enough = reading.count(&GOOD_TRIALS);
    if sorted.len() < reading.count(&GAP_TRIALS) {
        return None;
    }
    let half = sorted.len() / 2;
    let gap = |j: usize| (sorted[j] - sorted[j - 1]).abs();
    let scaled: Vec<f64> = (1..=half).map(|j| j as f64 * gap(j)).collect();
    let all: f64 = scaled.iter().sum();
    let tried = enough.saturating_sub(1).min(half.saturating_sub(1));
    (1..=tried).rev().find_map(|alone| {
        let others = (all - scaled[alone - 1]) / (half - 1) as f64;
        let ratio = scaled[alone - 1] / others;
        // The survival function of F with 2 and 2m degrees of freedom, for each of those tried.
        let m = (half - 1) as f64;
        let chance = tried as f64 * libm::exp(-m * libm::log1p(ratio / m));
        (others > 0.0 && chance <= limit).then(|| Poor::Apart { alone, gap: gap(alone), chance })
    })
}

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let sampled = sampled(reading);
    let poor: Vec<_> = sampled.iter().filter_map(|s| Some((s, s.poor?))).collect();
    let Some((worst, why)) = poor.first().copied() else { return };
    let labels: Vec<_> = poor.iter().map(|(s, _)| s.arm.label()).filter(|l| !l.is_empty()).collect();
    let with = if labels.is_empty() { String::new() } else { format!(" with {}", list(&labels)) };
    let first = match worst.arm.label() {
        label if labels.len() > 1 => format!(" (here {label})"),
        _ => String::new(),
    };
    let results = count(worst.results, "trial");
    let seen = match why {
        Poor::Few { needed } => format!(
            "{results}{with}{first} {} few for {}: {} a dimension would be {needed}.",
            if worst.results == 1 { "is" } else { "are" },
            count(worst.dimensions, "dimension"),
            reading.count(&TRIALS_PER_DIMENSION),
        ),
        Poor::Rare { within } => format!(
            "Only {} of {results}{with}{first} came within {} of the best, {} times the seed standard deviation.",
            worst.good.unwrap_or_default(),
            number(within),
            number(reading.threshold(&GOOD_DEVIATIONS)),
        ),
        Poor::Apart { alone, gap, chance } => format!(
            "The best {} of {results}{with}{first} stand apart from the others by {} ({}).",
            count(alone, "trial"),
            number(gap),
            p_value(chance),
        ),
    };
    let doubling = worst.last_doubling.map_or_else(String::new, |gain| {
        format!(" Half the trials would have found a best that is worse by {} on average.", number(gain))
    });
    let unknown = reading.why_no_good_region().map_or_else(String::new, |why| format!(" {why}"));
    let mut finding = Finding::new(
        &UNDERSAMPLED,
        format!(
            "{seen}{doubling}{unknown} Better points may have been missed: run more trials if you can afford them. How many are \
             enough is a matter of judgement."
        ),
    )
    .about(poor.iter().flat_map(|(s, _)| s.ranked.iter().take(3).map(|(t, _)| *t)))
    .with("trials", worst.results as f64)
    .with("dimensions", worst.dimensions as f64)
    .with("good_trials", worst.good.map_or(f64::NAN, |g| g as f64))
    .with("gain_of_last_doubling", worst.last_doubling.unwrap_or(f64::NAN));
    finding = match why {
        Poor::Few { needed } => finding.with("trials_needed", needed as f64),
        Poor::Rare { within } => finding.with("within", within),
        Poor::Apart { alone, gap, chance } => {
            finding.with("alone", alone as f64).with("gap", gap).with("chance", chance)
        }
    };
    for (s, _) in &poor {
        if !s.arm.configuration.is_empty() {
            finding = finding.with(format!("trials[{}]", s.arm.label()), s.results as f64);
        }
    }
    finding = best_by_size(reading, worst, finding);
    finding.change = more(reading, why);
    finding.confidence = Some(Confidence::of_open_question(reading));
    findings.push(finding);
}

/// The median best of a quarter, half and all of the trials, as evidence.
fn best_by_size(reading: &Reading<'_>, worst: &Sampled<'_>, mut finding: Finding) -> Finding {
    let sorted = reading.objectives(&worst.arm.trials);
    for k in [worst.results / 4, worst.results / 2, worst.results] {
        if k > 0 {
            let [_, low, median, high, _] = budget::best_of(&sorted, worst.results, k).quantiles;
            let key = |what: &str| format!("best_of_{k}.{what}");
            finding = finding
                .with(key("quartile_1"), low.unwrap_or(f64::NAN))
                .with(key("median"), median.unwrap_or(f64::NAN))
                .with(key("quartile_3"), high.unwrap_or(f64::NAN));
        }
    }
    finding
}

/// As many trials as the dimensions of every arm need; else twice those that ran. What is planned already counts.
fn more(reading: &Reading<'_>, why: Poor) -> Option<Change> {
    let round = reading.exploring()?;
    let planned = reading.plan.spec().rounds.iter().find(|r| r.name == round.name)?.trials?;
    let wanted = match why {
        Poor::Few { needed } => needed * reading.arms(round).len(),
        _ => 2 * round.trials.len(),
    };
    let to = u32::try_from(wanted).unwrap_or(u32::MAX).min(9999);
    (to > planned).then(|| reading.change(Edit::Trials { round: reading.round_index(round.name), to }))?
}
