//! A rate of few examples told as a count (requirement R-127): 0.005 of 400 examples is two of them.
//!
//! How many examples there are is seen in the results: error rates and accuracies are multiples of one example.

use std::collections::BTreeSet;

use studious_rules::{
    search::FEW_EXAMPLES_OF_OUTCOME,
    thresholds::search::{EXAMPLE_RESULTS, FEW_EXAMPLES},
};

use super::{
    Finding,
    reading::{Reading, RoundTrials},
    wording::number,
};
use crate::record::TrialRecord;

/// More examples than this are told from no others by results with few digits.
const MOST_EXAMPLES: u32 = 20_000;
/// How far a result may be from a whole number of examples: some are written with 32 bits.
const TOLERANCE: f64 = 2e-3;

/// How many examples the objective is a share of, where the results give it away.
pub(super) fn of_results(reading: &Reading<'_>) -> Option<u32> {
    // A loss is no share, whatever numbers it takes.
    if reading.plan.spec().objective.metric.to_ascii_lowercase().contains("loss") {
        return None;
    }
    let all: Vec<f64> =
        reading.rounds.iter().flat_map(RoundTrials::succeeded).filter_map(TrialRecord::objective).collect();
    examples(&all, reading.count(&EXAMPLE_RESULTS))
}

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let metric = reading.plan.spec().objective.metric.as_str();
    let Some(round) = reading.concluding() else { return };
    let Some(examples) = of_results(reading) else { return };
    let n = f64::from(examples);
    let mut best: Vec<(String, f64)> = reading
        .arms(round)
        .iter()
        .filter_map(|arm| Some((arm.label(), reading.ranked(&arm.trials).first()?.1)))
        .collect();
    let direction = reading.direction();
    best.sort_by(|a, b| direction.best_first(a.1, b.1));
    let Some((_, first)) = best.first() else { return };
    let rare = (first.min(1.0 - first) * n).round();
    if rare >= reading.threshold(&FEW_EXAMPLES) {
        return;
    }
    // Of a share of n examples, and of the difference of two; on the same examples the latter is less.
    let deviation = |share: f64| (share * (1.0 - share) / n).sqrt();
    let mut advice = format!(
        "{metric} is a share of {examples} examples, so one of them is {}. The best, {}, is {} of them, give or take {}, two \
         standard deviations of such a share.",
        number(1.0 / n),
        number(*first),
        whole(first * n),
        number(2.0 * deviation(*first) * n),
    );
    let mut finding = Finding::new(&FEW_EXAMPLES_OF_OUTCOME, String::new())
        .with("examples", n)
        .with("best", (first * n).round())
        .with("deviation", deviation(*first) * n);
    if let [(a, first), (b, second), ..] = &best[..] {
        let gap = ((first - second) * n).abs().round();
        let chance = 2.0 * (deviation(*first).powi(2) + deviation(*second).powi(2)).sqrt() * n;
        let words = match (gap == 0.0, gap <= chance) {
            (true, _) => "are the same in that count".to_owned(),
            (_, true) => format!(
                "differ by {}, which the choice of the examples may explain: up to {} for two different sets of them, less on \
                 the same",
                whole(gap),
                number(chance)
            ),
            (_, false) => {
                format!("differ by {}, more than the choice of the examples explains ({})", whole(gap), number(chance))
            }
        };
        advice = format!("{advice} The best of {a} and of {b} {words}.");
        finding = finding.with("difference", gap).with("by_chance", chance);
    }
    finding.advice = advice;
    findings.push(finding);
}

/// A number of examples, as a whole number.
fn whole(x: f64) -> String {
    number(x.round())
}

/// The fewest examples of which all results are whole numbers, if they look like shares at all.
fn examples(results: &[f64], fewest: usize) -> Option<u32> {
    let distinct: BTreeSet<u64> = results.iter().filter(|x| **x > 0.0 && **x < 1.0).map(|x| x.to_bits()).collect();
    let shares: Vec<f64> = distinct.into_iter().map(f64::from_bits).collect();
    if shares.len() < fewest || results.iter().any(|x| !(0.0..=1.0).contains(x)) {
        return None;
    }
    let fits = |n: u32| {
        let whole = |x: f64| x.round() >= 1.0 && (x.round() - x).abs() < TOLERANCE;
        shares.iter().all(|share| whole(share * f64::from(n)) && whole((1.0 - share) * f64::from(n)))
    };
    (2..=MOST_EXAMPLES).find(|n| fits(*n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::simulated::{ARMS, Luck, STUDIES, arms, plan};

    fn raised(trials: &[crate::record::TrialRecord]) -> Option<Finding> {
        crate::findings::findings(&plan(ARMS), trials).into_iter().find(|finding| finding.code == "FewExamples")
    }

    #[test]
    fn examples_are_counted_from_the_results() {
        let mut luck = Luck(3);
        for n in [50_u32, 400, 1_797, 10_000] {
            // As a trainer with 32 bits writes them.
            #[allow(clippy::cast_possible_truncation)]
            let results: Vec<f64> =
                (0..30).map(|_| f64::from((luck.uniform() * f64::from(n)).floor() as f32 / n as f32)).collect();
            assert_eq!(examples(&results, 8), Some(n), "{n}");
        }
        let losses: Vec<f64> = (0..30).map(|_| luck.uniform()).collect();
        assert_eq!(examples(&losses, 8), None);
        assert_eq!(examples(&[0.5, 0.25, 0.75], 8), None);
    }

    #[test]
    fn a_small_difference_of_rates_is_told_as_examples() {
        let share = |x: f64| (x.clamp(0.0, 0.99) * 400.0).round() / 400.0;
        let trials = arms(15, &mut Luck(5), |optimizer, u, _| {
            Some(share(0.03 + 0.005 * f64::from(u8::from(optimizer != "nesterov")) + 0.4 * (u[0] - 0.5).powi(2)))
        });
        let finding = raised(&trials).unwrap();
        assert!((finding.evidence["examples"] - 400.0).abs() < 0.5);
        assert!(finding.evidence["difference"] <= 4.0 && finding.advice.contains("may explain"), "{}", finding.advice);
    }

    #[test]
    fn losses_and_rates_of_many_examples_are_not_counted() {
        let losses = arms(15, &mut Luck(6), |_, u, _| Some(0.3 + (u[0] - 0.5).powi(2)));
        assert_eq!(raised(&losses), None);
        let rates = arms(15, &mut Luck(7), |_, u, _| Some(((0.3 + 0.3 * u[0]) * 1000.0).round() / 1000.0));
        assert_eq!(raised(&rates), None);
    }

    #[test]
    fn what_is_no_share_is_hardly_ever_taken_for_one() {
        let mut luck = Luck(8);
        let taken =
            (0..STUDIES).filter(|_| examples(&(0..8).map(|_| luck.uniform()).collect::<Vec<_>>(), 8).is_some()).count();
        assert!((taken as u64) * 100 <= STUDIES, "{taken} of {STUDIES}");
    }
}
