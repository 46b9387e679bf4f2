//! F-075: what is exported comes in again as it was, in every format.

use std::{fs::File, path::Path};

use proptest::prelude::*;
use studious_api::{HyperparameterValue, Hyperparameters};
use studious_playbook::{
    Plan,
    record::{Outcome, TrialRecord},
    trial::Reason,
};

use super::{csv, jsonl, parquet, table};
use crate::{commands::import, trials_file};

/// Names that look like something else, or that a table would cut.
const NAMES: [&str; 16] = [
    " lead",
    "trail ",
    "a,b",
    "a;b",
    "with \"quotes\"",
    "two\nlines",
    "1e-5",
    "007",
    "true",
    "None",
    "nan",
    "\ttab",
    "0,5",
    "-",
    " ",
    "plain",
];

fn plan() -> Plan {
    let names = serde_json::to_string(&NAMES).unwrap();
    let spec = format!(
        "
goal: g
objective: {{metric: error, direction: Minimize}}
constraints: [{{metric: latency_ms, max: 20}}]
hyperparameters:
- {{name: name, values: {names}}}
- {{name: momentum, when: {{name: [plain, None]}}, range: {{min: -1, max: 1}}}}
- {{name: lr, alias: optim.lr, range: {{min: 1.0e-12, max: 10, scale: Log}}}}
- {{name: depth, alias: step, range: {{min: 1, max: 1000, integer: true}}}}
- {{name: decay, values: [0.1, 0.3, 1.0e-7, 0]}}
- {{name: nesterov, values: [true, false]}}
rounds: [{{name: r, trials: 4, maxTrainSteps: 100}}]
evaluation: {{everySteps: 10}}
trial: {{template: {{spec: {{containers: [{{name: t, image: i}}]}}}}}}
"
    );
    Plan::new("s", &serde_yaml::from_str(&spec).unwrap()).unwrap()
}

prop_compose! {
    fn point()(
        name in 0..NAMES.len(),
        momentum in -1.0..=1.0_f64,
        log in -12.0..1.0_f64,
        depth in 1_i64..=1000,
        decay in prop::sample::select(vec![0.1_f64, 0.3, 1e-7, 0.0]),
        nesterov in any::<bool>(),
    ) -> Hyperparameters {
        let mut point: Vec<(&str, HyperparameterValue)> = vec![
            ("name", NAMES[name].into()),
            ("lr", 10_f64.powf(log).clamp(1e-12, 10.0).into()),
            ("depth", depth.into()),
            ("decay", decay.into()),
            ("nesterov", nesterov.into()),
        ];
        if ["plain", "None"].contains(&NAMES[name]) {
            point.push(("momentum", momentum.into()));
        }
        point.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let objective = any::<f64>().prop_filter("an objective is finite", |x| x.is_finite());
    let reason = prop::sample::select(vec!["Diverged", "OutOfMemory", "Pruned", "a, \"b\""]).prop_map(Reason::from);
    prop_oneof![
        (objective, prop::option::of(0..1_u64 << 53))
            .prop_map(|(objective, step)| Outcome::Succeeded { objective, step }),
        reason.clone().prop_map(|reason| Outcome::Infeasible { reason }),
        reason.clone().prop_map(|reason| Outcome::Failed { reason }),
        reason.prop_map(|reason| Outcome::Stopped { reason }),
        Just(Outcome::Pending),
    ]
}

fn trials() -> impl Strategy<Value = Vec<TrialRecord>> {
    let trial = (point(), outcome(), prop::option::of(-1e9..1e9), any::<bool>());
    prop::collection::vec(trial, 1..6).prop_map(|all| {
        let record = |(i, (hyperparameters, outcome, latency, is_of_round)): (usize, _)| TrialRecord {
            name: format!("trial, {i}"),
            round: if is_of_round { "r".to_owned() } else { String::new() },
            hyperparameters,
            outcome,
            metrics: Option::into_iter(latency).map(|latency: f64| ("latency_ms".to_owned(), latency)).collect(),
            ..TrialRecord::default()
        };
        all.into_iter().enumerate().map(record).collect()
    })
}

fn from_table(path: &Path, plan: &Plan) -> Vec<TrialRecord> {
    let (trials, told) = import::of_table(path, plan);
    assert_eq!(told, Vec::<String>::new());
    trials
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn trials_come_in_as_they_went_out(records in trials()) {
        let plan = plan();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let tables = [table::trials(&plan, &records)];
        csv::write(&tables, File::create(path("trials.csv")).unwrap()).unwrap();
        prop_assert_eq!(&from_table(&path("trials.csv"), &plan), &records);
        parquet::write("trials", &tables, File::create(path("trials.parquet")).unwrap()).unwrap();
        prop_assert_eq!(&from_table(&path("trials.parquet"), &plan), &records);
        jsonl(&records, File::create(path("trials.jsonl")).unwrap()).unwrap();
        let read = trials_file::read(&path("trials.jsonl"), &plan).unwrap().unwrap_or_else(|wrong| panic!("{wrong}"));
        prop_assert_eq!(&read, &records);
    }
}
