//! What ending trials early saves and costs in simulated studies: docs/early-ending.md has the table.

use std::{collections::HashMap, sync::Arc};

use studious_api::{
    study::Direction,
    trial::TrialPhase::{self, Infeasible, Running, Stopped, Succeeded},
};

use super::{Trace, early_ending_tests::early_ends};
use crate::{Plan, TrialKey, findings::simulated::Luck, studies, trial::TrialState};

const TRIALS: usize = 60;
const EVALUATIONS: usize = 50;
/// Standard deviation of an evaluation's noise.
const NOISE: f64 = 0.01;

fn plan(rule: &str) -> Plan {
    studies::plan(&format!(
        "
hyperparameters:
- {{name: learning_rate, range: {{min: 1.0e-4, max: 10, scale: Log}}}}
rounds: [{{name: explore, trials: {TRIALS}, maxTrainSteps: 1000}}]
search: {{earlyEnding: {rule}}}
"
    ))
}

/// How trials learn. Each makes a curve by random numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Family {
    /// Errors fall to a level of their own, each at a pace of its own.
    Ordinary,
    /// As before, and a further fall of its own comes late: curves cross.
    Crossing,
    /// Every trial is as good as any other but for noise.
    Alike,
    /// Trained at a learning rate of its own, which a cosine brings to zero.
    Cosine,
    /// The learning rate falls tenfold after a third, after two thirds and after eight ninths of the steps.
    Steps,
    /// As `Cosine`; a quarter of the trials, those of the largest learning rates, diverge somewhere before two thirds.
    Diverging,
}

/// The learning rate at a share of the steps, as a share of its base.
fn decay(family: Family, share: f64) -> f64 {
    match family {
        Family::Steps => [1.0 / 3.0, 2.0 / 3.0, 8.0 / 9.0].iter().filter(|s| share > **s).map(|_| 0.1).product(),
        _ => f64::midpoint(1.0, (std::f64::consts::PI * share).cos()),
    }
}

impl Family {
    const ALL: [Self; 6] = [Self::Ordinary, Self::Crossing, Self::Alike, Self::Cosine, Self::Steps, Self::Diverging];

    /// The evaluations; one that isn't finite is where it diverges.
    fn curve(self, luck: &mut Luck) -> Vec<f64> {
        match self {
            Self::Ordinary | Self::Crossing | Self::Alike => self.falling(luck),
            Self::Cosine | Self::Steps | Self::Diverging => self.trained(luck),
        }
    }

    fn falling(self, luck: &mut Luck) -> Vec<f64> {
        let level = match self {
            Self::Alike => 0.2,
            _ => 0.05 + 0.5 * luck.uniform().powi(2),
        };
        let pace = 0.08 * (0.5 * luck.normal()).exp();
        let late = if self == Self::Crossing { 0.15 * luck.uniform() } else { 0.0 };
        (1..=EVALUATIONS)
            .map(|i| {
                let share = i as f64 / EVALUATIONS as f64;
                let noise = NOISE * luck.normal();
                level + (0.9 - level) * (-share / pace).exp() + late * (1.0 - share.powi(2)) + noise
            })
            .collect()
    }

    /// As SGD on a noisy quadratic: the distance to the best parameters shrinks by a power of the learning rates so far, and
    /// the noise of the steps keeps the error up in proportion to the learning rate of the moment, until that decays. So a
    /// large rate looks poor for long and may end best. Regularization and the rest of a point set the level it ends at.
    fn trained(self, luck: &mut Luck) -> Vec<f64> {
        let rate_share = luck.uniform();
        let rate = 10_f64.powf(3.0 * rate_share - 1.5);
        let level = 0.05 + 0.4 * luck.uniform().powi(2);
        let jitter = 0.2 * (0.4 * luck.normal()).exp();
        let end = 0.05 + 0.6 * luck.uniform();
        let diverges = self == Self::Diverging && rate_share > 0.75;
        let mut progress = 0.0;
        (1..=EVALUATIONS)
            .map(|i| {
                let share = i as f64 / EVALUATIONS as f64;
                let now = decay(self, share);
                progress += 40.0 * rate * now / EVALUATIONS as f64;
                let bias = (0.9 - level) * (1.0 + progress).powf(-0.7);
                let shaken = jitter * (rate * now / (1.0 + rate * now)).sqrt();
                let value = level + bias + shaken + NOISE * (0.3 + 0.7 * now) * luck.normal();
                if diverges && share > end { f64::NAN } else { value }
            })
            .collect()
    }
}

/// What came of simulated studies.
#[derive(Default)]
struct Simulated {
    /// The share in which the trial that would have been best ran to its end.
    kept: f64,
    /// The share of steps that were not trained, of those that are trained without the rule.
    saved: f64,
    /// How much worse the best that is left is, on average.
    lost: f64,
    /// The share in which it is worse by no more than the noise of an evaluation.
    same: f64,
}

/// How many evaluations a trial comes to when nothing ends it early.
fn length(curve: &[f64]) -> usize {
    curve.iter().position(|value| !value.is_finite()).map_or(curve.len(), |at| at + 1)
}

/// Trains a study: the phase in which each trial ended, and how many evaluations it had.
fn train(plan: &Plan, curves: &[Vec<f64>], parallel: usize, luck: &mut Luck) -> Vec<(TrialPhase, usize)> {
    let points = plan.fresh().of("explore").unwrap();
    let mut come = vec![0_usize; curves.len()];
    let mut states: Vec<TrialState> = Vec::new();
    let mut traces: HashMap<TrialKey, Arc<Trace>> = HashMap::new();
    while states.len() < curves.len() || states.iter().any(|s| !s.phase.has_ended()) {
        while states.len() < curves.len() && states.iter().filter(|s| !s.phase.has_ended()).count() < parallel {
            let point = &points[states.len()];
            let created = TrialState::created(point.key.clone(), point.hyperparameters.clone());
            traces.insert(created.key.clone(), Arc::default());
            states.push(TrialState { phase: Running, attempt: 1, ..created });
        }
        for (i, state) in states.iter_mut().enumerate().filter(|(_, s)| !s.phase.has_ended()) {
            // Not all as fast as each other.
            if luck.uniform() < 0.2 {
                continue;
            }
            come[i] += 1;
            let seen = (1..).map(|k| k * 20).zip(curves[i][..come[i]].iter().copied());
            traces.insert(state.key.clone(), Arc::new(Trace::new(Direction::Minimize, seen)));
            if !curves[i][come[i] - 1].is_finite() {
                state.phase = Infeasible;
            } else if come[i] == curves[i].len() {
                state.phase = Succeeded;
            }
        }
        for stop in early_ends(plan, &states, &traces) {
            if let Some(state) = states.iter_mut().find(|s| s.key == stop.key) {
                state.phase = Stopped;
            }
        }
    }
    states.iter().map(|state| state.phase).zip(come).collect()
}

fn simulate(rule: &str, family: Family, parallel: usize, studies: u64) -> Simulated {
    let plan = plan(rule);
    let mut sum = Simulated::default();
    for seed in 0..studies {
        let mut luck = Luck(1000 * seed + 17);
        let curves: Vec<Vec<f64>> = (0..TRIALS).map(|_| family.curve(&mut luck)).collect();
        let ended = train(&plan, &curves, parallel, &mut luck);
        let best = |i: usize| {
            let is_whole = length(&curves[i]) == EVALUATIONS && curves[i].iter().all(|value| value.is_finite());
            if is_whole { curves[i].iter().copied().fold(f64::INFINITY, f64::min) } else { f64::INFINITY }
        };
        let first = (0..TRIALS).min_by(|a, b| best(*a).total_cmp(&best(*b))).unwrap();
        let succeeded = (0..TRIALS).filter(|i| ended[*i].0 == Succeeded);
        let left = succeeded.map(best).fold(f64::INFINITY, f64::min);
        let whole: usize = curves.iter().map(|curve| length(curve)).sum();
        sum.kept += f64::from(u8::from(ended[first].0 == Succeeded));
        sum.lost += left - best(first);
        sum.same += f64::from(u8::from(left - best(first) <= NOISE));
        sum.saved += 1.0 - ended.iter().map(|(_, come)| come).sum::<usize>() as f64 / whole as f64;
    }
    let n = studies as f64;
    Simulated { kept: sum.kept / n, saved: sum.saved / n, lost: sum.lost / n, same: sum.same / n }
}

/// A rule, and whether it is held to what docs/early-ending.md promises of the defaults.
const RULES: [(&str, bool); 5] = [
    ("{rule: Median}", true),
    ("{rule: SuccessiveHalving}", true),
    ("{rule: Median, fromStep: 200}", false),
    ("{rule: Median, fromStep: 50}", false),
    ("{rule: SuccessiveHalving, fromStep: 250}", false),
];

/// `STUDIOUS_SIMULATED_STUDIES=40` makes the table of docs/early-ending.md. Other runs simulate the defaults alone.
#[test]
fn the_defaults_keep_the_best_trial_and_save_steps() {
    let wanted: Option<u64> = std::env::var("STUDIOUS_SIMULATED_STUDIES").ok().map(|n| n.parse().unwrap());
    let studies = wanted.unwrap_or(10);
    println!("| rule | curves | at once | best kept | best within noise | best is worse by | steps saved |");
    for (rule, is_default) in RULES.into_iter().filter(|(_, is_default)| *is_default || wanted.is_some()) {
        let mut all = Vec::new();
        for (family, parallel) in Family::ALL.into_iter().flat_map(|family| [(family, 4), (family, TRIALS)]) {
            let Simulated { kept, saved, lost, same } = simulate(rule, family, parallel, studies);
            let [kept_percent, same_percent, saved_percent] = [kept, same, saved].map(|share| 100.0 * share);
            println!(
                "| `{rule}` | {family:?} | {parallel} | {kept_percent:.1}% | {same_percent:.1}% | {lost:.4} | {saved_percent:.0}% |"
            );
            if family != Family::Alike {
                all.push(kept);
                assert!(!is_default || saved >= 0.15, "{rule} {family:?} {parallel}: {saved}");
            }
        }
        let kept = all.iter().sum::<f64>() / all.len() as f64;
        assert!(!is_default || kept >= 0.97, "{rule}: {kept}");
    }
}
