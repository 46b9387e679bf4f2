//! Trainers that know nothing but the contract, and go wrong in every way.

use serde_json::Value;

use crate::cluster::{Namespace, output, repository, wait_for};

fn applied(namespace: &Namespace) {
    output(namespace.kubectl(&["apply", "-k"]).arg(repository().join("examples/contract")));
}

fn how(trial: &Value) -> (String, String) {
    let text = |key: &str| trial["status"][key].as_str().unwrap_or_default().to_owned();
    (text("phase"), text("reason"))
}

#[test]
fn every_way_to_go_wrong_is_reported_on_its_own_trial() {
    let namespace = Namespace::new("contract");
    applied(&namespace);
    let study = namespace.wait_for_study("contract", 900);
    assert_eq!(study["status"]["phase"], "Completed", "{study}");
    for trial in namespace.list("trials") {
        let behaviour = trial["spec"]["hyperparameters"]["behaviour"].as_str().unwrap_or_default();
        let (phase, reason) = how(&trial);
        let expected = match behaviour {
            "quadratic"
            | "crash-first-attempt"
            | "crash-after-done"
            | "half-line"
            | "malformed"
            | "long-line"
            | "gigabytes" => ("Succeeded", ""),
            "diverge" => ("Infeasible", "Diverged"),
            "infeasible" => ("Infeasible", "TrainerReported"),
            "infeasible-exit" => ("Infeasible", "InfeasibleExitCode"),
            // Exit code 137 alone says that something killed it, not that memory ran out.
            "crash" | "out-of-memory" => ("Failed", "TrainerError"),
            "hang" => ("Failed", "DeadlineExceeded"),
            "silent" => ("Failed", "NoObjective"),
            "unseeded" => ("Failed", "SeedUnreported"),
            other => panic!("{other}: not in this test"),
        };
        assert_eq!((phase.as_str(), reason.as_str()), expected, "{behaviour}: {}", trial["status"]);
        match behaviour {
            "crash-first-attempt" => assert_eq!(trial["status"]["attempt"], 2, "{}", trial["status"]),
            "half-line" | "malformed" | "long-line" => {
                assert!(trial["status"]["malformedLines"].as_u64() >= Some(1), "{}", trial["status"]);
            }
            _ => {}
        }
    }
}

#[test]
fn a_lost_pod_is_not_charged_and_evaluations_stay_the_same() {
    let namespace = Namespace::new("lost-pod");
    namespace.checkpoint_claim();
    let study = slow_study("lost", 1, 400);
    namespace.apply(&study);
    wait_for("the trial has trained a while", 120, || {
        let trial = namespace.get("trial", "lost-explore-0000")?;
        let pods = namespace.list("pods");
        let running = pods.iter().any(|p| p["status"]["phase"] == "Running");
        (running && trial["status"]["step"].as_u64() >= Some(10)).then_some(())
    });
    // As preemption and eviction do it: the agent has a moment to send what the trainer wrote. (A pod that is deleted by
    // force is out of sight at once while its processes live on: what they measure then is lost, see docs/operate.md.)
    output(&mut namespace.kubectl(&["delete", "pods", "--all", "--grace-period=3"]));
    let study = namespace.wait_for_study("lost", 240);
    assert_eq!(study["status"]["phase"], "Completed", "{study}");
    let trial = namespace.get("trial", "lost-explore-0000").expect("the trial");
    assert_eq!(trial["status"]["attempt"], 2, "{}", trial["status"]);
    assert_eq!(trial["status"]["attempts"][0]["outcome"], "Disrupted", "{}", trial["status"]);
    let exported =
        output(crate::cluster::studious().args(["export", "study/lost", "-n", &namespace.name, "--format", "jsonl"]));
    let record: Value = serde_json::from_str(exported.trim()).expect("one trial");
    let steps: Vec<u64> = record["curves"]["validation_error"]
        .as_array()
        .expect("a curve")
        .iter()
        .filter_map(|p| p[0].as_u64())
        .collect();
    let expected: Vec<u64> = (1..=40).map(|n| n * 10).collect();
    assert_eq!(steps, expected, "evaluated every 10 steps, once each, whatever happened");
}

#[test]
fn a_trainer_that_outgrows_its_memory_is_infeasible() {
    let namespace = Namespace::new("memory");
    namespace.checkpoint_claim();
    let study = slow_study("memory", 1, 40)
        .replace("value: quadratic", "value: memory")
        .replace("          volumeMounts:", "          resources: {limits: {memory: 128Mi}}\n          volumeMounts:");
    namespace.apply(&study);
    namespace.wait_for_study("memory", 120);
    let trial = namespace.get("trial", "memory-explore-0000").expect("the trial");
    assert_eq!(how(&trial), ("Infeasible".to_owned(), "OutOfMemory".to_owned()), "{}", trial["status"]);
    assert_eq!(trial["status"]["attempt"], 1, "a result is not tried again: {}", trial["status"]);
}

/// A study of the quadratic trainer in a config map, slow enough to be watched: 0.1 s a step.
pub fn slow_study(name: &str, trials: u32, steps: u32) -> String {
    let script = std::fs::read_to_string(repository().join("examples/contract/trainer.py")).expect("the trainer");
    let indented = script.lines().map(|line| format!("    {line}\n")).collect::<String>();
    let image = crate::cluster::trainer_image();
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata: {{name: trainer}}
data:
  trainer.py: |
{indented}---
apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {{name: {name}}}
spec:
  goal: Does it come through?
  objective: {{metric: validation_error, direction: Minimize}}
  hyperparameters:
  - {{name: behaviour, role: Fixed, value: quadratic}}
  - {{name: x, range: {{min: -5, max: 5}}}}
  rounds: [{{name: explore, trials: {trials}, maxTrainSteps: {steps}}}]
  parallelism: 2
  evaluation: {{everySteps: 10}}
  checkpoint: {{everySteps: 10, volume: {{persistentVolumeClaim: {{claimName: checkpoints}}}}}}
  trial:
    template:
      spec:
        containers:
        - name: trainer
          image: {image}
          command: [python, /opt/trainer/trainer.py]
          env: [{{name: CONTRACT_SECONDS_PER_STEP, value: \"0.1\"}}]
          volumeMounts: [{{name: trainer, mountPath: /opt/trainer}}]
        volumes: [{{name: trainer, configMap: {{name: trainer}}}}]
"
    )
}
