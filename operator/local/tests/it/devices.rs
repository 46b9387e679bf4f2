//! Trials that share the accelerators of a machine (F-085). No device is needed: what counts is what trainers are told.

use std::{collections::BTreeSet, sync::Arc};

use studious_local::{Devices, Error};

use crate::bench::{Bench, lines, study};

/// Each trial says which devices it has while it runs, and which others have at that time.
const SCRIPT: &str = r#"
    echo "$CUDA_VISIBLE_DEVICES" >> seen
    for d in $(echo "$CUDA_VISIBLE_DEVICES" | tr , ' '); do mkdir in-use-$d || echo "$d" >> twice; done
    sleep 0.2
    for d in $(echo "$CUDA_VISIBLE_DEVICES" | tr , ' '); do rmdir in-use-$d; done
    echo '{"step":100,"error":0.5}' >> $STUDIOUS_TRIAL_DIR/metrics.jsonl"#;
const ROUNDS: &str = "  rounds: [{name: r, trials: 6, maxTrainSteps: 100}]\n  parallelism: 6";

fn named(names: &[&str]) -> Devices {
    Devices::named(names.iter().map(|name| (*name).to_owned()))
}

#[tokio::test]
async fn each_trial_has_devices_of_its_own_and_as_many_run_as_have_some() {
    for (devices, limit, shares) in [
        (&["0", "1", "2"][..], None, &["0", "1", "2"][..]),
        (&["0", "1", "2", "3", "4"], Some("2"), &["0,1", "2,3"]),
        (&["GPU-a"], Some("1"), &["GPU-a"]),
    ] {
        let bench = Bench::new();
        let mut study = study(SCRIPT, ROUNDS);
        if let Some(limit) = limit {
            let containers = &mut Arc::make_mut(&mut study.spec.trial.template).spec.as_mut().unwrap().containers;
            containers[0].resources =
                Some(serde_yaml::from_str(&format!("limits: {{nvidia.com/gpu: '{limit}'}}")).unwrap());
        }
        let mut options = bench.options(&study);
        options.devices = named(devices);
        bench.try_run(options).await.unwrap();
        let seen = lines(&bench.file("seen"));
        assert_eq!(seen.len(), 6, "{seen:?}");
        let different: BTreeSet<&str> = seen.iter().map(String::as_str).collect();
        assert_eq!(different.into_iter().collect::<Vec<_>>(), shares, "{limit:?}");
        assert_eq!(lines(&bench.file("twice")), [""; 0], "{limit:?}");
    }
}

#[tokio::test]
async fn trials_that_need_more_devices_than_there_are_are_refused() {
    let bench = Bench::new();
    let mut options = bench.options(&study(SCRIPT, "  rounds: [{name: r, trials: 1, maxTrainSteps: 100}]"));
    options.study.spec.trial.hosts = 2;
    options.devices = named(&["0"]);
    let Err(Error::Invalid(refused)) = bench.try_run(options).await else { panic!("it must be refused") };
    assert!(
        refused[0].to_string().contains("a trial needs 1 for each of 2 hosts, 2 in all, and there is 1 device"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn without_devices_nothing_is_set() {
    let bench = Bench::new();
    let script = "echo ${CUDA_VISIBLE_DEVICES-unset} >> seen; echo '{\"step\":100,\"error\":0.5}' >> $STUDIOUS_TRIAL_DIR/metrics.jsonl";
    bench.run(&study(script, "  rounds: [{name: r, trials: 1, maxTrainSteps: 100}]")).await;
    assert_eq!(
        lines(&bench.file("seen")),
        [std::env::var("CUDA_VISIBLE_DEVICES").unwrap_or_else(|_| "unset".to_owned())]
    );
}
