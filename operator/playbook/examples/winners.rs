//! Do winners repeat? Studies of real repeated trainings, their answers held against seeds that they did not see.
//!
//!     cargo run -p studious-playbook --example winners -- TABLES [STUDIES]
//!
//! `bench/winners/tables.py` makes the tables: 30,000 points of eight neural networks, five seeds each. A study has arms of
//! `depth`, each with a few random points, a training each; two other seeds train the best point of every arm again, and the
//! last two judge what was announced. Seeds dressed up as a scientific value show how often there is a winner of nothing.

use std::{collections::BTreeMap, env, error::Error, fs, path::Path};

use studious_api::{HyperparameterValue, Hyperparameters, StudySpec};
use studious_playbook::{
    Plan,
    findings::{Verdict, VerdictKind, checklist, findings, verdict},
    record::{Outcome, TrialRecord},
};

const SEEDS: usize = 5;
/// Seeds that train the best point of each arm again, and as many that judge.
const AGAIN: usize = 2;

/// Error by seed of each point, by its five digits: alpha, batch size, depth, learning rate, width.
type Table = BTreeMap<String, [f64; SEEDS]>;

/// The generator `SplitMix64`.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap_or_default()
    }
}

/// What a study compares.
#[derive(Clone, Copy)]
struct Scenario {
    name: &'static str,
    arms: usize,
    each: usize,
    /// Whether arms are tried at the same points, as those of crossed studies are.
    shared: bool,
    /// Whether arms differ in name only.
    null: bool,
    retrained: bool,
}

#[derive(Default)]
struct Tally {
    studies: usize,
    winners: usize,
    same: usize,
    same_or_tied: usize,
    intervals: usize,
    covered: usize,
    too_good: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().ok_or("usage: winners TABLES [STUDIES]")?;
    let studies: usize = arguments.next().map_or(Ok(2000), |n| n.parse())?;
    let tables = read(Path::new(&folder))?;
    println!("| studies | winners | same | same or tied | too good, in seed deviations | covered |");
    println!("|---|---:|---:|---:|---:|---:|");
    for arms in [2, 3] {
        for each in [10, 20, 40] {
            for (null, shared, retrained) in [
                (false, true, true),
                (false, false, true),
                (false, true, false),
                (true, true, true),
                (true, false, true),
                (true, true, false),
            ] {
                let name = match (null, shared, retrained) {
                    (false, true, true) => "depth, same points, retrained",
                    (false, false, true) => "depth, other points, retrained",
                    (false, _, false) => "depth, same points, not retrained",
                    (true, true, true) => "seeds dressed up, same points, retrained",
                    (true, false, true) => "seeds dressed up, other points, retrained",
                    (true, _, false) => "seeds dressed up, same points, not retrained",
                };
                let scenario = Scenario { name, arms, each, shared, null, retrained };
                let tally = measure(&tables, scenario, studies)?;
                print(scenario, &tally);
            }
        }
    }
    Ok(())
}

fn read(folder: &Path) -> Result<Vec<Table>, Box<dyn Error>> {
    let mut files: Vec<_> = fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    files.sort();
    let mut tables = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "csv")) {
        let mut table = Table::new();
        for line in fs::read_to_string(file)?.lines() {
            let mut cells = line.split(',');
            let digits = cells.next().unwrap_or_default().to_owned();
            let errors: Vec<f64> = cells.map(str::parse).collect::<Result<_, _>>()?;
            table.insert(digits, errors.try_into().map_err(|_| format!("{}: five seeds expected", file.display()))?);
        }
        tables.push(table);
    }
    Ok(tables)
}

fn plan(scenario: Scenario) -> Result<Plan, Box<dyn Error>> {
    let values = ["0", "1", "2"][..scenario.arms].join(", ");
    let digits = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]";
    let lists: String = ["alpha", "batch_size", "learning_rate", "width"]
        .map(|name| format!("  {{\"name\": \"{name}\", \"values\": {digits}}},\n"))
        .concat();
    let retrain = if scenario.retrained { r#""retrain": {"best": 1, "times": 2, "per": "Scientific"},"# } else { "" };
    let yaml = format!(
        r#"{{"goal": "Which depth?", "objective": {{"metric": "validation_error", "direction": "Minimize"}},
        "hyperparameters": [{lists} {{"name": "depth", "role": "Scientific", "values": [{values}]}}],
        "search": {{"algorithm": "Random"}},
        "rounds": [{{"name": "explore", "trials": {}, "maxTrainSteps": 100}}], {retrain}
        "evaluation": {{"everySteps": 10}},
        "trial": {{"template": {{"spec": {{"containers": [{{"name": "t", "image": "i"}}]}}}}}}}}"#,
        scenario.arms * scenario.each
    );
    let spec: StudySpec = serde_json::from_str(&yaml)?;
    Plan::new("s", &spec).map_err(|violations| format!("{violations:?}").into())
}

fn trial(round: &str, index: usize, arm: usize, digits: &str, objective: f64) -> TrialRecord {
    let at =
        |i: usize| digits[i..=i].parse::<i64>().map_or(HyperparameterValue::Integer(0), HyperparameterValue::Integer);
    let depth = HyperparameterValue::Integer(i64::try_from(arm).unwrap_or_default());
    let point = Hyperparameters::from([
        ("alpha".to_owned(), at(0)),
        ("batch_size".to_owned(), at(1)),
        ("depth".to_owned(), depth),
        ("learning_rate".to_owned(), at(3)),
        ("width".to_owned(), at(4)),
    ]);
    TrialRecord {
        name: format!("s-{round}-{index:04}"),
        round: round.to_owned(),
        hyperparameters: point,
        outcome: Outcome::Succeeded { objective, step: Some(100) },
        ..TrialRecord::default()
    }
}

fn measure(tables: &[Table], scenario: Scenario, studies: usize) -> Result<Tally, Box<dyn Error>> {
    let plan = plan(scenario)?;
    let mut tally = Tally { studies, ..Tally::default() };
    for number in 0..studies {
        let table = &tables[number % tables.len()];
        let mut dice = Dice(number as u64 * 7919 + 1);
        one(&plan, table, scenario, &mut dice, &mut tally);
    }
    Ok(tally)
}

/// The best trial of an arm: its point's errors, and the seeds that it was not chosen by.
struct Chosen {
    errors: [f64; SEEDS],
    judges: Vec<usize>,
}

fn one(plan: &Plan, table: &Table, scenario: Scenario, dice: &mut Dice, tally: &mut Tally) {
    let points: Vec<&String> = table.keys().collect();
    let shared: Vec<&String> = (0..scenario.each).map(|_| points[dice.below(points.len())]).collect();
    let mut trials = Vec::new();
    let mut chosen: Vec<Chosen> = Vec::new();
    for arm in 0..scenario.arms {
        let mut best: Option<(f64, String, usize)> = None;
        for common in &shared {
            let drawn = if scenario.shared { common.as_str() } else { points[dice.below(points.len())].as_str() };
            let digits = if scenario.null { drawn.to_owned() } else { format!("{}{arm}{}", &drawn[..2], &drawn[3..]) };
            let seed = dice.below(SEEDS);
            let error = table[&digits][seed];
            trials.push(trial("explore", trials.len(), arm, &digits, error));
            if best.as_ref().is_none_or(|(least, ..)| error < *least) {
                best = Some((error, digits, seed));
            }
        }
        let Some((_, digits, seed)) = best else { continue };
        let mut others: Vec<usize> = (0..SEEDS).filter(|other| *other != seed).collect();
        for i in (1..others.len()).rev() {
            others.swap(i, dice.below(i + 1));
        }
        let judges = others.split_off(AGAIN);
        let errors = table[&digits];
        if scenario.retrained {
            for other in others {
                trials.push(trial("retrain", trials.len(), arm, &digits, errors[other]));
            }
        }
        chosen.push(Chosen { errors, judges });
    }
    let found = findings(plan, &trials);
    let answer = verdict(plan, &trials, &checklist(plan, &trials, &found));
    judge(&answer, &chosen, tally);
}

fn judge(answer: &Verdict, chosen: &[Chosen], tally: &mut Tally) {
    let of = |i: usize| {
        let depth = answer.arms.get(i)?.configuration.get("depth")?.as_f64()?;
        // A small whole number.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        chosen.get(depth as usize)
    };
    let (Some(first), Some(second)) = (of(0), of(1)) else { return };
    let mean = |c: &Chosen| c.judges.iter().map(|seed| c.errors[*seed]).sum::<f64>() / c.judges.len() as f64;
    // Of all seeds of both points: by what the announcement is measured.
    let squares: f64 = [first, second].map(|c| spread(&c.errors).powi(2)).iter().sum();
    let deviation = (squares / 2.0).sqrt().max(1e-4);
    let gap = mean(second) - mean(first);
    if let Some((interval, difference)) = answer.difference.and_then(|d| Some((d.interval?, d.value))) {
        // Means of as many other seeds vary as much as those of the interval.
        let half = (interval[1] - difference) * std::f64::consts::SQRT_2;
        tally.intervals += 1;
        tally.covered += usize::from((gap - difference).abs() <= half);
    }
    // What question stands in the way is another matter than who is in front.
    let is_winner = answer.kind == VerdictKind::Winner
        || (answer.kind == VerdictKind::CannotJudge && answer.retrainings_needed.is_none());
    if is_winner {
        tally.winners += 1;
        tally.same += usize::from(gap > 0.0);
        tally.same_or_tied += usize::from(gap > -2.0 * deviation);
        tally.too_good += (mean(first) - answer.arms[0].value) / deviation;
    }
}

fn spread(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64).sqrt()
}

fn print(scenario: Scenario, tally: &Tally) {
    let share =
        |n: usize, of: usize| if of == 0 { "–".to_owned() } else { format!("{:.1}%", 100.0 * n as f64 / of as f64) };
    let too_good =
        if tally.winners == 0 { "–".to_owned() } else { format!("{:+.2}", tally.too_good / tally.winners as f64) };
    println!(
        "| {} arms of {}: {} | {} | {} | {} | {too_good} | {} |",
        scenario.arms,
        scenario.each,
        scenario.name,
        share(tally.winners, tally.studies),
        share(tally.same, tally.winners),
        share(tally.same_or_tied, tally.winners),
        share(tally.covered, tally.intervals),
    );
}
