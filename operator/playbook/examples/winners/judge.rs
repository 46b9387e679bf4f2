//! Answers, held against seeds that they did not see.

use studious_api::HyperparameterValue;
use studious_playbook::findings::{ArmValue, BestValue, Checklist, Verdict, VerdictKind, verdict};

use super::{
    study::{Chosen, Study},
    tables::SEEDS,
};

/// Deviations smaller than this count as this: results of some points hardly vary.
const LEAST_DEVIATION: f64 = 1e-3;
/// Two points whose other seeds differ by no more than so many deviations of a training are tied.
const TIE: f64 = 1.0;
/// A difference of so many deviations of a training is a clear one, which an answer ought to see.
const CLEAR: f64 = 3.0;

/// What came of the answers of some studies.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Studies.
    pub studies: usize,
    /// Answers that name a winner.
    pub winners: usize,
    /// Of these, those whose arm leads all others with the other seeds too.
    pub same: usize,
    /// Of these, those whose arm leads or is tied.
    pub same_or_tied: usize,
    /// Answers with a value of retrainings: those that name a winner, and best points.
    pub announced: usize,
    /// The sum over them of how much better the mean of retrainings is than the other seeds, in deviations.
    pub mean_too_good: f64,
    /// The same of the value that the answer expects with other seeds.
    pub expected_too_good: f64,
    /// The same of the value that the point was chosen by, over all studies.
    pub chosen_too_good: f64,
    /// Answers with an interval.
    pub intervals: usize,
    /// Intervals that cover the difference, widened for the other seeds, which vary too.
    pub covered: usize,
    /// Studies whose leading arm is ahead clearly, by all seeds of each arm's chosen point.
    pub clear: usize,
    /// Of these, those whose answer names that arm.
    pub clear_named: usize,
    /// Studies whose best arm by the best value, or whose best point, is that with other seeds too.
    pub best_repeats: usize,
    /// Answers that name no winner and say how often to train again.
    pub proposals: usize,
}

/// The answer of a study, from its trials, as it is where no question stands in its way: that is another matter than who leads.
pub fn answer(study: &Study) -> Verdict {
    let nothing_open = Checklist { provisional: false, problems: Vec::new(), questions: Vec::new(), arms: Vec::new() };
    verdict(&study.plan, &study.trials, &nothing_open)
}

fn names_a_winner(answer: &Verdict) -> bool {
    answer.kind == VerdictKind::Winner
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len() as f64;
    values.sum::<f64>() / n
}

impl Chosen {
    /// With the seeds that judge.
    fn judged(&self) -> f64 {
        mean(self.judges.iter().map(|seed| self.errors[*seed]))
    }

    /// With all seeds.
    fn overall(&self) -> f64 {
        mean(self.errors.iter().copied())
    }

    fn variance(&self) -> f64 {
        let mean = self.overall();
        self.errors.iter().map(|error| (error - mean).powi(2)).sum::<f64>() / (SEEDS - 1) as f64
    }

    /// How much better a value is than the seeds that judge, in deviations.
    fn too_good(&self, value: f64) -> f64 {
        (self.judged() - value) / self.variance().sqrt().max(LEAST_DEVIATION)
    }

    /// By how much an interval of retrainings grows for seeds that judge: their mean varies too.
    fn widened(&self, retrainings: usize) -> f64 {
        (1.0 + retrainings.max(1) as f64 / self.judges.len() as f64).sqrt()
    }
}

/// Of a training, from all seeds of two points.
fn deviation(a: &Chosen, b: &Chosen) -> f64 {
    f64::midpoint(a.variance(), b.variance()).sqrt().max(LEAST_DEVIATION)
}

fn is_covered([low, high]: [f64; 2], value: f64, widened: f64) -> bool {
    (value - f64::midpoint(low, high)).abs() <= 0.5 * (high - low) * widened + 1e-12
}

impl Tally {
    /// Adds a study's answer.
    pub fn count(&mut self, study: &Study, answer: &Verdict) {
        self.studies += 1;
        self.best_repeats += usize::from(study.best_repeats);
        self.proposals += usize::from(!names_a_winner(answer) && answer.retrainings_needed.is_some());
        match (&answer.best, &study.chosen[..]) {
            (Some(best), [chosen]) => self.count_point(chosen, best),
            _ => self.count_arms(study, answer),
        }
    }

    fn count_point(&mut self, chosen: &Chosen, best: &BestValue) {
        self.chosen_too_good += chosen.too_good(best.chosen);
        let Some(again) = &best.retrained else { return };
        self.announced += 1;
        self.mean_too_good += chosen.too_good(again.value);
        self.expected_too_good += chosen.too_good(again.value);
        if let Some(interval) = again.interval {
            self.intervals += 1;
            self.covered += usize::from(is_covered(interval, chosen.judged(), chosen.widened(best.retrainings)));
        }
    }

    fn count_arms(&mut self, study: &Study, answer: &Verdict) {
        let place = |arm: &ArmValue| {
            let value = arm.configuration.get(study.scientific)?;
            study.values.iter().position(|known| *value == HyperparameterValue::Integer(i64::from(*known)))
        };
        let order: Vec<&Chosen> = answer.arms.iter().filter_map(place).map(|i| &study.chosen[i]).collect();
        let [first, second, ..] = order[..] else { return };
        self.chosen_too_good += first.too_good(first.error);
        if let Some(interval) = answer.difference.and_then(|d| d.interval) {
            let widened = first.widened(answer.arms[0].retrainings);
            self.intervals += 1;
            self.covered += usize::from(is_covered(interval, second.judged() - first.judged(), widened));
        }
        let is_winner = names_a_winner(answer);
        if is_winner {
            let behind = |other: &Chosen| other.judged() - first.judged();
            self.winners += 1;
            self.same += usize::from(order[1..].iter().all(|other| behind(other) > 0.0));
            self.same_or_tied +=
                usize::from(order[1..].iter().all(|other| behind(other) > -TIE * deviation(first, other)));
            self.announced += 1;
            self.mean_too_good += first.too_good(answer.arms[0].value);
            self.expected_too_good += first.too_good(answer.expected.unwrap_or(answer.arms[0].value));
        }
        let Some(best) = study.chosen.iter().min_by(|a, b| a.overall().total_cmp(&b.overall())) else { return };
        let is_clear = |other: &Chosen| other.overall() - best.overall() >= CLEAR * deviation(best, other);
        if study.chosen.iter().filter(|other| !std::ptr::eq(*other, best)).all(is_clear) {
            self.clear += 1;
            self.clear_named += usize::from(is_winner && std::ptr::eq(first, best));
        }
    }

    /// A part of a whole; nothing of none.
    pub fn share(part: usize, of: usize) -> Option<f64> {
        (of > 0).then(|| part as f64 / of as f64)
    }
}
