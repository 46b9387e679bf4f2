//! What a run prints: regrets by problem, geometric means by kind of problem with their errors, and those beside an earlier
//! run of the same problems and seeds.

use std::{collections::BTreeMap, env, fs};

use crate::{Outcome, Problem};

/// Prints all of it.
pub fn print(title: &str, results: &[(&Problem, Vec<Outcome>)]) {
    let mut kinds: BTreeMap<&str, [Vec<f64>; 3]> = BTreeMap::new();
    let earlier = env::var("AGAINST").map(|file| earlier(&file)).unwrap_or_default();
    let mut paired: Vec<f64> = Vec::new();
    let mut ratios: Vec<(bool, f64)> = Vec::new();
    for (problem, outcomes) in results {
        line(problem, outcomes);
        let theirs = median(outcomes.iter().map(|o| o.quasi_random).collect());
        ratios.push((problem.edged, median(outcomes.iter().map(|o| o.regret).collect()) / theirs));
        let kind = problem.name.split(" #").next().unwrap_or_default();
        let [ours, random, against] = kinds.entry(kind).or_default();
        ours.extend(outcomes.iter().map(|o| (o.regret / o.quasi_random).ln()));
        random.extend(outcomes.iter().map(|o| (o.random / o.quasi_random).ln()));
        if let Some(before) = earlier.get(&problem.name) {
            against.extend(outcomes.iter().zip(before).map(|(now, before)| (now.regret / before).ln()));
        }
    }
    println!("\npaired by seed, geometric means and two standard errors:");
    for (kind, [ours, random, against]) in &kinds {
        print!("{kind:34} to quasi-random {}, random to it {}", mean(ours), mean(random));
        println!(
            "{}",
            if against.is_empty() { String::new() } else { format!(", to the earlier run {}", mean(against)) }
        );
        paired.extend(against);
    }
    if !paired.is_empty() {
        println!("{:34} to the earlier run {}", "all", mean(&paired));
    }
    summary(title, results, &ratios);
}

fn line(problem: &Problem, outcomes: &[Outcome]) {
    let ours = median(outcomes.iter().map(|o| o.regret).collect());
    let theirs = median(outcomes.iter().map(|o| o.quasi_random).collect());
    let share = outcomes.iter().map(|o| o.infeasible).sum::<usize>() as f64
        / outcomes.iter().map(|o| o.suggested).sum::<usize>().max(1) as f64;
    let regrets: Vec<String> = outcomes.iter().map(|o| format!("{:.4e}", o.regret)).collect();
    println!(
        "{:34} ratio {:9.5}  regret {ours:10.3e}  quasi-random {theirs:10.3e}  infeasible {share:.2}  by seed {}",
        problem.name,
        ours / theirs,
        regrets.join(" ")
    );
}

/// The medians by problem, and how long a suggestion took.
fn summary(title: &str, results: &[(&Problem, Vec<Outcome>)], ratios: &[(bool, f64)]) {
    let overall = |keep: &dyn Fn(bool) -> bool| {
        let logs: Vec<f64> = ratios.iter().filter(|(edged, _)| keep(*edged)).map(|(_, r)| r.ln()).collect();
        (logs.iter().sum::<f64>() / logs.len().max(1) as f64).exp()
    };
    let edged = || results.iter().filter(|(problem, _)| problem.edged).flat_map(|(_, outcomes)| outcomes);
    let infeasible = edged().map(|o| o.infeasible).sum::<usize>() as f64;
    let suggested = edged().map(|o| o.suggested).sum::<usize>().max(1) as f64;
    let mut times: Vec<f64> =
        results.iter().flat_map(|(_, outcomes)| outcomes).flat_map(|o| o.milliseconds.iter().copied()).collect();
    times.sort_by(f64::total_cmp);
    let time = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or(f64::NAN);
    println!(
        "{title}: all {:.4}, feasible {:.4}, with an infeasible region {:.4}; infeasible suggestions {:.3}; \
         milliseconds median {:.1} p95 {:.1}",
        overall(&|_| true),
        overall(&|edged| !edged),
        overall(&|edged| edged),
        infeasible / suggested,
        time(50),
        time(95),
    );
}

/// The regrets by seed of a run's output, by problem.
fn earlier(file: &str) -> BTreeMap<String, Vec<f64>> {
    let text = fs::read_to_string(file).expect("AGAINST names the output of an earlier run");
    let of = |line: &str| {
        let (name, _) = line.split_once(" ratio ")?;
        let (_, regrets) = line.split_once("by seed ")?;
        Some((name.trim().to_owned(), regrets.split_whitespace().filter_map(|r| r.parse().ok()).collect()))
    };
    text.lines().filter_map(of).collect()
}

/// The geometric mean of what has these logarithms, and the interval of two standard errors.
fn mean(logs: &[f64]) -> String {
    let n = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / n;
    let variance = logs.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
    let error = 2.0 * (variance / n).sqrt();
    format!("{:.3} ({:.3} to {:.3})", mean.exp(), (mean - error).exp(), (mean + error).exp())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}
