//! The paths that repeat, each beside a floor in the same run: `make bench`. Prints ratios; asserts nothing.
//!
//! * points: 10,000 quasi-random points in 20 dimensions, beside writing as many numbers into the same maps.
//! * decide: a study with 1,000 ended trials, beside looking each of them up by its key.

use std::{collections::BTreeMap, hint::black_box, time::Instant};

use studious_api::{
    HyperparameterValue, Hyperparameters, StudySpec,
    study::{Algorithm, Hyperparameter},
    trial::TrialPhase,
};
use studious_playbook::{Millis, Plan, decide::decide, rounds, search::Sequence, space::Space, trial::TrialState};

const STUDY: &str = "
goal: How long does it take to decide?
objective: {metric: error, direction: Minimize}
hyperparameters: [{name: x, range: {min: 0, max: 1}}]
rounds: [{name: explore, trials: 1500, maxTrainSteps: 10}]
parallelism: 4
evaluation: {everySteps: 1}
trial: {template: {spec: {containers: [{name: trainer, image: none}]}}}
";

/// Milliseconds of the fastest of five runs.
fn fastest(mut run: impl FnMut()) -> f64 {
    let once = |run: &mut dyn FnMut()| {
        let begun = Instant::now();
        run();
        begun.elapsed().as_secs_f64() * 1e3
    };
    (0..5).map(|_| once(&mut run)).fold(f64::INFINITY, f64::min)
}

fn report(what: &str, took: f64, floor: f64) {
    println!("{what}: {took:.3} ms, floor {floor:.3} ms, ratio {:.1}", took / floor);
}

fn points() -> Result<(), Box<dyn std::error::Error>> {
    let names: Vec<String> = (0..20).map(|i| format!("x{i}")).collect();
    let hyperparameters = names
        .iter()
        .map(|name| serde_yaml::from_str(&format!("{{name: {name}, range: {{min: 0, max: 1}}}}")))
        .collect::<Result<Vec<Hyperparameter>, _>>()?;
    let space = Space::new(&hyperparameters)?;
    let arm = Hyperparameters::new();
    let took = fastest(|| {
        let sequence = Sequence::new(&space, Algorithm::QuasiRandom, 1, None);
        (0..10_000).for_each(|index| drop(black_box(sequence.point(&space, &arm, index))));
    });
    let floor = fastest(|| {
        for index in 0..10_000_u32 {
            let point: Hyperparameters =
                names.iter().map(|name| (name.clone(), HyperparameterValue::Number(f64::from(index)))).collect();
            drop(black_box(point));
        }
    });
    report("10,000 points in 20 dimensions", took, floor);
    Ok(())
}

fn decisions() -> Result<(), Box<dyn std::error::Error>> {
    let spec: StudySpec = serde_yaml::from_str(STUDY)?;
    let plan = Plan::new("bench", &spec).map_err(|violations| format!("{violations:?}"))?;
    let planned = rounds::points(&plan, "explore", &[]).ok_or("no points")?;
    let trials: Vec<TrialState> = planned[..1000]
        .iter()
        .map(|point| TrialState {
            reason: None,
            step: None,
            key: point.key.clone(),
            hyperparameters: point.hyperparameters.clone(),
            phase: TrialPhase::Succeeded,
            objective: Some(0.5),
            attempt: 1,
            metrics: BTreeMap::new(),
            retry_at: None,
        })
        .collect();
    let took = fastest(|| drop(black_box(decide(&plan, &trials, Millis(0)))));
    let floor = fastest(|| {
        let by_key: BTreeMap<_, _> = trials.iter().map(|trial| (&trial.key, trial)).collect();
        black_box(trials.iter().filter(|trial| by_key.contains_key(&trial.key)).count());
    });
    report("decide with 1,000 ended trials", took, floor);
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    points()?;
    decisions()
}
