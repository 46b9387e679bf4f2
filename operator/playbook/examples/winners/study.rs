//! Studies of a table: arms of one hyperparameter, some points of each with a training each, the best of each arm trained
//! again with other seeds, and the seeds that are left to judge the answer by.

use std::error::Error;

use studious_api::{HyperparameterValue, Hyperparameters, StudySpec};
use studious_playbook::{
    Plan,
    record::{Outcome, TrialRecord},
};

use super::tables::{DIGITS, Digits, SEEDS, Table};

const NAMES: [&str; DIGITS] = ["alpha", "batch_size", "depth", "learning_rate", "width"];
/// Of arms that differ in name only.
const LABEL: &str = "label";

/// The generator `SplitMix64`.
pub struct Dice(pub u64);

impl Dice {
    /// A whole number below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap_or_default()
    }

    fn shuffle<T>(&mut self, values: &mut [T]) {
        for i in (1..values.len()).rev() {
            values.swap(i, self.below(i + 1));
        }
    }
}

/// What tells arms apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arms {
    /// There is but one.
    One,
    /// Values of one of the table's hyperparameters.
    Real,
    /// Nothing: every trial has a seed of its own.
    Names,
    /// The seed that their trials are trained with.
    Seeds,
}

/// A kind of study.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// What tells arms apart.
    pub kind: Arms,
    /// Fewest and most arms.
    pub arms: [usize; 2],
    /// Fewest and most points of each arm.
    pub each: [usize; 2],
    /// Whether arms are tried at the same points, as those of crossed studies are.
    pub shared: bool,
    /// Whether all trials that explore are trained with one seed.
    pub one_seed: bool,
    /// Retrainings of the best point of each arm.
    pub times: usize,
}

/// The best trial of an arm.
pub struct Chosen {
    /// Of its point, by seed.
    pub errors: [f64; SEEDS],
    /// What it had when it was chosen.
    pub error: f64,
    /// The seeds that neither chose it nor trained it again.
    pub judges: Vec<usize>,
}

/// A study that has ended.
pub struct Study {
    /// Its plan.
    pub plan: Plan,
    /// Its trials.
    pub trials: Vec<TrialRecord>,
    /// The scientific hyperparameter.
    pub scientific: &'static str,
    /// Its value in each arm.
    pub values: Vec<u8>,
    /// The best of each arm.
    pub chosen: Vec<Chosen>,
    /// Whether the best arm by the best value, or the best point of one arm, is the same with another seed in each trial.
    pub best_repeats: bool,
}

/// A trial that explores.
#[derive(Clone, Copy)]
struct Tried {
    arm: usize,
    at: Digits,
    seed: usize,
    error: f64,
    /// With another seed.
    repeated: f64,
}

/// A study of a scenario, drawn from a table.
pub fn draw(table: &Table, scenario: Scenario, dice: &mut Dice) -> Result<Study, Box<dyn Error>> {
    let mut between = |[fewest, most]: [usize; 2]| fewest + dice.below(most - fewest + 1);
    let (arms, each) = (between(scenario.arms), between(scenario.each));
    let digit = axis(table, scenario.kind, arms, dice);
    let mut values: Vec<u8> = match digit {
        Some(digit) => table.levels[digit].clone(),
        None => (0..u8::try_from(SEEDS.max(arms))?).collect(),
    };
    dice.shuffle(&mut values);
    values.truncate(arms);
    let tried = explore(table, scenario, &values, each, digit, dice)?;
    let record = |round: &str, i: usize, arm: usize, at: Digits, error: f64| {
        let label = (scenario.kind != Arms::One && digit.is_none()).then(|| values[arm]);
        trial(round, i, label, at, error)
    };
    let mut trials: Vec<TrialRecord> =
        tried.iter().enumerate().map(|(i, t)| record("explore", i, t.arm, t.at, t.error)).collect();
    let mut chosen = Vec::new();
    let explored = trials.len();
    for arm in 0..arms {
        let best = least(tried.iter().filter(|t| t.arm == arm), |t| t.error).ok_or("an arm has no points")?;
        let errors = table.errors(best.at).ok_or("a point is not in the table")?;
        let mut judges: Vec<usize> = (0..SEEDS).filter(|other| *other != best.seed).collect();
        dice.shuffle(&mut judges);
        for seed in judges.split_off(judges.len() - scenario.times) {
            trials.push(record("retrain", trials.len() - explored, arm, best.at, errors[seed]));
        }
        chosen.push(Chosen { errors, error: best.error, judges });
    }
    let (best, again) = (least(tried.iter(), |t| t.error), least(tried.iter(), |t| t.repeated));
    let is_same = |(a, b): (&Tried, &Tried)| if scenario.kind == Arms::One { a.at == b.at } else { a.arm == b.arm };
    Ok(Study {
        plan: plan(table, scenario, digit, &values, each)?,
        trials,
        scientific: digit.map_or(LABEL, |digit| NAMES[digit]),
        values,
        chosen,
        best_repeats: best.zip(again).is_some_and(is_same),
    })
}

fn least<'a>(tried: impl Iterator<Item = &'a Tried>, value: impl Fn(&Tried) -> f64) -> Option<&'a Tried> {
    tried.min_by(|a, b| value(a).total_cmp(&value(b)))
}

/// A training of each point of each arm.
fn explore(
    table: &Table,
    scenario: Scenario,
    values: &[u8],
    each: usize,
    digit: Option<usize>,
    dice: &mut Dice,
) -> Result<Vec<Tried>, Box<dyn Error>> {
    let common = distinct(table, digit, each, dice);
    let one_seed = dice.below(SEEDS);
    let mut tried = Vec::new();
    for (arm, value) in values.iter().enumerate() {
        let own = if scenario.shared { common.clone() } else { distinct(table, digit, each, dice) };
        for mut at in own {
            if let Some(digit) = digit {
                at[digit] = *value;
            }
            let errors = table.errors(at).ok_or("a point is not in the table")?;
            let seed = match scenario.kind {
                Arms::Seeds => usize::from(*value),
                _ if scenario.one_seed => one_seed,
                _ => dice.below(SEEDS),
            };
            let other = (seed + 1 + dice.below(SEEDS - 1)) % SEEDS;
            tried.push(Tried { arm, at, seed, error: errors[seed], repeated: errors[other] });
        }
    }
    Ok(tried)
}

/// Random points that differ in more than the digit that tells arms apart.
fn distinct(table: &Table, digit: Option<usize>, n: usize, dice: &mut Dice) -> Vec<Digits> {
    let is_one_of = |point: &&Digits| digit.is_none_or(|digit| point[digit] == table.levels[digit][0]);
    let mut left: Vec<Digits> = table.points.iter().filter(is_one_of).copied().collect();
    (0..n.min(left.len())).map(|_| left.swap_remove(dice.below(left.len()))).collect()
}

/// The digit that tells arms apart: one with enough values; nothing of arms that differ in no hyperparameter.
fn axis(table: &Table, kind: Arms, arms: usize, dice: &mut Dice) -> Option<usize> {
    let enough: Vec<usize> = (0..DIGITS).filter(|digit| table.levels[*digit].len() >= arms).collect();
    (kind == Arms::Real && !enough.is_empty()).then(|| enough[dice.below(enough.len())])
}

fn plan(
    table: &Table,
    scenario: Scenario,
    digit: Option<usize>,
    values: &[u8],
    each: usize,
) -> Result<Plan, Box<dyn Error>> {
    let listed =
        |name: &str, role: &str, values: &[u8]| serde_json::json!({"name": name, "role": role, "values": values});
    let mut hyperparameters: Vec<_> = (0..DIGITS)
        .filter(|other| digit != Some(*other))
        .map(|other| listed(NAMES[other], "Nuisance", &table.levels[other]))
        .collect();
    if scenario.kind != Arms::One {
        hyperparameters.push(listed(digit.map_or(LABEL, |digit| NAMES[digit]), "Scientific", values));
    }
    let mut spec = serde_json::json!({
        "goal": "Which value is best?",
        "objective": {"metric": "validation_error", "direction": "Minimize"},
        "hyperparameters": hyperparameters,
        "search": {"algorithm": "Random"},
        "rounds": [{"name": "explore", "trials": values.len() * each, "maxTrainSteps": 100}],
        "evaluation": {"everySteps": 10},
        "trial": {"template": {"spec": {"containers": [{"name": "t", "image": "i"}]}}},
    });
    if scenario.times > 0 {
        let per = if scenario.kind == Arms::One { "Study" } else { "Scientific" };
        spec["retrain"] = serde_json::json!({"best": 1, "times": scenario.times, "per": per});
    }
    let spec: StudySpec = serde_json::from_value(spec)?;
    Plan::new("s", &spec).map_err(|violations| format!("{violations:?}").into())
}

fn trial(round: &str, index: usize, label: Option<u8>, at: Digits, objective: f64) -> TrialRecord {
    let number = |digit: u8| HyperparameterValue::Integer(i64::from(digit));
    let mut hyperparameters: Hyperparameters =
        NAMES.iter().zip(at).map(|(name, digit)| ((*name).to_owned(), number(digit))).collect();
    if let Some(label) = label {
        hyperparameters.insert(LABEL.to_owned(), number(label));
    }
    TrialRecord {
        name: format!("s-{round}-{index:04}"),
        round: round.to_owned(),
        hyperparameters,
        outcome: Outcome::Succeeded { objective, step: Some(100) },
        ..TrialRecord::default()
    }
}
