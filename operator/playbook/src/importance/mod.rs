//! Which hyperparameters matter: how much worse the objective is predicted once one of them is shuffled.
//!
//! A random forest predicts the rank of a trial's objective from its point; shuffling one hyperparameter among the trials
//! that a tree hasn't seen, and looking how much worse it predicts, says what the hyperparameter is worth (Breiman 2001,
//! "Random forests"). Ranks, because a few terrible trials would otherwise be all that is explained. Infeasible trials have
//! no objective and take no part: the infeasible map shows what they depend on. The spread is that over forests grown on
//! random four fifths of the trials: with few trials it is wide, as it should be.

mod forest;

use studious_rules::thresholds::plots::IMPORTANCE_TRIALS;

use crate::{
    Plan,
    findings::{
        reading::{Reading, Varied},
        wording::name,
    },
    record::TrialRecord,
    search::Generator,
    trial::judged_by_value,
};

/// Forests, and trees of each.
const FORESTS: usize = 20;
const TREES: usize = 24;
/// The share of the trials that each forest is grown on.
const SHARE: f64 = 0.8;
/// More trials than this are thinned evenly: the order of importance is settled by then.
const MOST: usize = 400;

/// What a hyperparameter is worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    /// Its name, with its condition.
    pub hyperparameter: String,
    /// The share of the variance of ranks that shuffling it costs, the mean over forests. 0: none; near 1: all of it.
    pub mean: f64,
    /// The same in the tenth lowest and the tenth highest percent of forests.
    pub low: f64,
    /// See `low`.
    pub high: f64,
    /// Trials that it was worked out from.
    pub trials: usize,
}

/// The importance of every hyperparameter that varies in the round that explored, the most important first; nothing where
/// fewer than [`IMPORTANCE_TRIALS`] succeeded. Deterministic.
#[must_use]
pub fn importance(plan: &Plan, trials: &[TrialRecord]) -> Vec<Importance> {
    of(&Reading::new(plan, &judged_by_value(plan.spec(), trials)))
}

pub(crate) fn of(reading: &Reading<'_>) -> Vec<Importance> {
    let Some(round) = reading.exploring() else { return Vec::new() };
    let ranked = reading.ranked(&round.trials);
    if ranked.len() < reading.count(&IMPORTANCE_TRIALS) {
        return Vec::new();
    }
    let n = ranked.len().min(MOST);
    let kept: Vec<&TrialRecord> = (0..n).map(|i| ranked[i * ranked.len() / n].0).collect();
    let columns: Vec<Varied<'_>> = reading.varied().filter(|v| varies(*v, &kept)).collect();
    let rows: Vec<Vec<f64>> = kept.iter().map(|t| columns.iter().map(|c| place(*c, t)).collect()).collect();
    let ranks: Vec<f64> = (0..n).map(|i| i as f64 / (n - 1) as f64).collect();
    let mut costs: Vec<Vec<f64>> = vec![Vec::new(); columns.len()];
    for number in 0..FORESTS {
        let mut random = Generator::new(crate::seeds::derive_u64(0, "importance", &[number as u64]));
        // Below the number of trials.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let size = (n as f64 * SHARE).round() as usize;
        let mut chosen: Vec<usize> =
            random.permutation(n as u64).into_iter().take(size).filter_map(|i| usize::try_from(i).ok()).collect();
        chosen.sort_unstable();
        let sub_rows: Vec<Vec<f64>> = chosen.iter().map(|i| rows[*i].clone()).collect();
        let targets: Vec<f64> = chosen.iter().map(|i| ranks[*i]).collect();
        let variance = variance(&targets);
        let table = forest::Table { rows: &sub_rows, targets: &targets };
        for (all, cost) in costs.iter_mut().zip(forest::permutation_costs(table, TREES, &mut random)) {
            // Shuffling doubles the error of what only it explains.
            all.push(cost / (2.0 * variance));
        }
    }
    let mut found: Vec<Importance> = columns
        .iter()
        .zip(&mut costs)
        .map(|(column, costs)| {
            costs.sort_by(f64::total_cmp);
            let tenth = FORESTS / 10;
            Importance {
                hyperparameter: name(column.hyperparameter),
                mean: costs.iter().sum::<f64>() / FORESTS as f64,
                low: costs[tenth],
                high: costs[FORESTS - 1 - tenth],
                trials: ranked.len(),
            }
        })
        .collect();
    // Stable: of equals, the one that is declared first.
    found.sort_by(|a, b| b.mean.total_cmp(&a.mean));
    found
}

fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / values.len().max(1) as f64
}

/// Its place in the search scale; of one that isn't active a place beside all others, so that a tree can tell.
fn place(column: Varied<'_>, trial: &TrialRecord) -> f64 {
    column.value(trial).and_then(|value| column.unit_of(value)).unwrap_or(-1.0)
}

fn varies(column: Varied<'_>, trials: &[&TrialRecord]) -> bool {
    let Some(first) = trials.first() else { return false };
    let h = column.hyperparameter;
    let many = h.range.is_some() || h.values.as_ref().is_some_and(|v| v.len() > 1);
    let at = place(column, first);
    many && trials.iter().any(|t| (place(column, t) - at).abs() > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{record::Outcome, studies};

    /// `weight` of what `x` explains, against what `y` does; `z` explains nothing.
    fn found(n: usize, weight: f64) -> Vec<Importance> {
        let plan = studies::plan(
            "
hyperparameters:
- {name: x, range: {min: 1.0e-4, max: 1, scale: Log}}
- {name: y, range: {min: 0, max: 1}}
- {name: z, range: {min: 0, max: 1}}
rounds: [{name: explore, trials: 100, maxTrainSteps: 100}]
",
        );
        let points = crate::rounds::points(&plan, "explore", &[]).unwrap();
        let trials: Vec<TrialRecord> = points
            .into_iter()
            .take(n)
            .map(|point| {
                let at = |name: &str| point.hyperparameters[name].as_f64().unwrap();
                let objective = weight * (libm::log10(at("x")) + 2.0).powi(2) + (1.0 - weight) * at("y");
                TrialRecord {
                    name: plan.trial_name(&point.key),
                    round: "explore".to_owned(),
                    hyperparameters: point.hyperparameters,
                    outcome: Outcome::Succeeded { objective, step: Some(100) },
                    ..TrialRecord::default()
                }
            })
            .collect();
        importance(&plan, &trials)
    }

    #[test]
    fn what_matters_comes_first_and_what_does_not_is_near_zero() {
        let found = found(100, 0.7);
        let names: Vec<&str> = found.iter().map(|i| i.hyperparameter.as_str()).collect();
        assert_eq!(names[0], "x");
        assert!(found[0].mean > 0.5 && found[0].low > found[1].high, "{found:?}");
        let z = found.iter().find(|i| i.hyperparameter == "z").unwrap();
        assert!(z.mean.abs() < 0.05 && z.low <= 0.02, "{z:?}");
        assert!(found.iter().all(|i| i.low <= i.mean && i.mean <= i.high));
    }

    #[test]
    fn few_trials_explain_nothing() {
        assert!(found(15, 0.7).is_empty());
        let (few, many) = (found(20, 0.7), found(100, 0.7));
        assert!(few[0].high - few[0].low > many[0].high - many[0].low, "the spread narrows: {few:?} {many:?}");
    }
}
