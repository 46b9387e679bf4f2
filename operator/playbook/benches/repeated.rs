//! The paths that repeat, each beside a floor in the same run: `make bench`. Prints ratios; asserts nothing.
//!
//! * points: 10,000 quasi-random points in 20 dimensions, beside writing as many numbers into the same maps.
//! * next: an event of a study with 1,000 and with 10,000 ended trials, beside copying the state of one.

use std::{hint::black_box, time::Instant};

use studious_api::{
    HyperparameterValue, Hyperparameters, StudySpec,
    study::{Algorithm, Hyperparameter},
    trial::TrialPhase,
};
use studious_playbook::{
    Millis, Plan,
    rounds::{self, RoundPoint},
    search::Sequence,
    space::Space,
    study::{View, next},
    trial::TrialState,
};

const STUDY: &str = "
goal: How long does it take to decide?
objective: {metric: error, direction: Minimize}
hyperparameters: [{name: x, range: {min: 0, max: 1}}]
rounds: [{name: explore, trials: 9999, maxTrainSteps: 10}]
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
    let ended = |point: &RoundPoint| TrialState {
        phase: TrialPhase::Succeeded,
        objective: Some(0.5),
        attempt: 1,
        ..TrialState::created(point.key.clone(), point.hyperparameters.clone())
    };
    for many in [1_000, 10_000] {
        let trials: Vec<TrialState> = planned.iter().take(many).map(ended).collect();
        let mut view = View::of(&plan, trials.iter().cloned());
        let mut worse = false;
        // An event: one trial has changed, and it is asked what is next.
        let took = fastest(|| {
            worse = !worse;
            let objective = Some(if worse { 0.6 } else { 0.5 });
            view.put(&plan, TrialState { objective, ..trials[many / 2].clone() });
            drop(black_box(next(&plan, &mut view, Millis(0))));
        });
        let floor = fastest(|| drop(black_box(trials[many / 2].clone())));
        report(&format!("an event among {many} ended trials, beside a copy of one"), took, floor);
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    points()?;
    decisions()
}
