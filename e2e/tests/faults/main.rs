//! One study of 60 trials on the throwaway cluster, while everything that it stands on is killed, cut off or filled, from a
//! seed. `make faults KILLS=100 SEED=7`; `make test` runs it with one fault of each kind.
//!
//! The trainer is deterministic and keeps a log of its own on the claim. Whatever broke, the export must hold each
//! evaluation of the history that counts exactly once, no trial may be lost or trained twice to its end, and records and
//! conclusions must be those of the same study run here, undisturbed, by `studious run`.

// Everything here is a test or serves one: what goes wrong ends it.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, clippy::format_collect, clippy::must_use_candidate)]

#[path = "../e2e/cluster.rs"]
#[allow(dead_code)] // shared with the other target
mod cluster;
mod compare;
mod compare_tests;
mod daemons;
mod draw;
mod inflict;
mod machine;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    cluster::{Namespace, output, repository, studious, trainer_image, wait_for},
    compare::{compare, without_attempts},
    draw::{Draw, Fault, draws},
    inflict::{Cluster, logs},
};

const NAME: &str = "faults";
const TRIALS: usize = 60;
/// Steps between evaluations.
const EVERY: usize = 20;
/// Evaluations of all trials, about.
const EVALUATIONS: f64 = 225.0;
/// Trials that run at once.
const PARALLELISM: f64 = 4.0;
/// The trial that doesn't end before the last fault has come.
const HELD: &str = "faults-confirm-0014";

/// Steps of the trials of a round.
fn steps(round: &str) -> u64 {
    if round == "explore" { 60 } else { 120 }
}

/// A whole number from the environment.
fn number(name: &str, otherwise: u64) -> u64 {
    let text = std::env::var(name).unwrap_or_default();
    if text.is_empty() {
        otherwise
    } else {
        text.parse().unwrap_or_else(|_| panic!("{name}: expected a number: {text}"))
    }
}

/// The study, with what its container needs besides.
fn study(command: &str, container: &str, volumes: &str, claim: &str) -> String {
    format!(
        "apiVersion: studious.dev/v1alpha1
kind: Study
metadata: {{name: {NAME}}}
spec:
  goal: Which arm is best, whatever breaks?
  objective: {{metric: validation_error, direction: Minimize}}
  hyperparameters:
  - {{name: arm, role: Scientific, values: [a, b, c]}}
  - {{name: x, range: {{min: -5, max: 5}}}}
  rounds:
  - {{name: explore, trials: 45, maxTrainSteps: {explore}}}
  - {{name: confirm, trials: 15, maxTrainSteps: {confirm}, from: {{round: explore, best: 5, per: Scientific}}}}
  parallelism: {PARALLELISM}
  evaluation: {{everySteps: {EVERY}}}
  checkpoint: {{everySteps: {EVERY}{claim}}}
  failure: {{attempts: 99}}
  trial:
    template:
      spec:
        containers:
        - name: trainer
          image: {image}
          command: [python3, {command}]
{container}{volumes}",
        explore = steps("explore"),
        confirm = steps("confirm"),
        image = trainer_image(),
    )
}

/// The study as the cluster runs it: the trainer comes in a `ConfigMap`, its logs lie on the checkpoints' claim.
fn on_cluster(seconds_per_evaluation: f64) -> String {
    let script = fs::read_to_string(repository().join("e2e/tests/faults/trainer.py")).expect("the trainer");
    let indented: String = script.lines().map(|line| format!("    {line}\n")).collect();
    let container = format!(
        "          env:
          - {{name: FAULTS_LOG, value: /log}}
          - {{name: FAULTS_HOLD, value: {HELD}}}
          - {{name: FAULTS_SECONDS_PER_EVALUATION, value: \"{seconds_per_evaluation}\"}}
          volumeMounts: [{{name: trainer, mountPath: /opt/trainer}}, {{name: log, mountPath: /log}}]
"
    );
    let volumes = "        volumes:
        - {name: trainer, configMap: {name: trainer}}
        - {name: log, persistentVolumeClaim: {claimName: checkpoints}}
";
    let claim = ", volume: {persistentVolumeClaim: {claimName: checkpoints}}";
    let study = study("/opt/trainer/trainer.py", &container, volumes, claim);
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: trainer}}\ndata:\n  trainer.py: |\n{indented}---\n{study}"
    )
}

/// Records of an export by trial, and the conclusions.
struct Results {
    records: Vec<Value>,
    findings: Value,
}

fn results(target: &str, more: &[&str]) -> Results {
    let exported = output(studious().args(["export", target, "--format", "jsonl"]).args(more));
    let findings = output(studious().args(["findings", target, "--format", "json"]).args(more));
    Results {
        records: exported.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect(),
        findings: serde_json::from_str(&findings).expect("JSON"),
    }
}

/// The same study here, where nothing breaks.
fn undisturbed(folder: &Path) -> Results {
    fs::copy(repository().join("e2e/tests/faults/trainer.py"), folder.join("trainer.py")).expect("the trainer");
    fs::write(folder.join("study.yaml"), study("trainer.py", "", "", "")).expect("the study");
    let mut run = studious();
    run.args(["run", "study.yaml", "--quiet"]).current_dir(folder).env("FAULTS_LOG", folder);
    output(&mut run);
    results(folder.join("studious-runs").join(NAME).to_str().expect("UTF-8"), &[])
}

/// Inflicts all faults while the study runs; what each hit, and how many seconds it took.
fn inflict_all(cluster: &Cluster, draws: &[Draw]) -> BTreeMap<Fault, Vec<f64>> {
    let mut took: BTreeMap<Fault, Vec<f64>> = BTreeMap::new();
    let start = Instant::now();
    for (number, draw) in draws.iter().enumerate() {
        thread::sleep(draw.pause);
        let begin = Instant::now();
        let hit = loop {
            if let Some(hit) = cluster.inflict(draw) {
                break hit;
            }
            assert!(begin.elapsed() < Duration::from_mins(6), "{draw:?}: nothing to hit in 6 minutes");
            thread::sleep(Duration::from_millis(300));
        };
        let (at, seconds) = (start.elapsed().as_secs_f64(), begin.elapsed().as_secs_f64());
        println!("{at:6.1} s  {:>3}  {:?}: {hit} ({seconds:.1} s)", number + 1, draw.fault);
        took.entry(draw.fault).or_default().push(seconds);
    }
    took
}

/// Waits until the study has ended.
fn wait_for_end(namespace: &Namespace) -> Value {
    wait_for("the study ends", 600, || {
        let study = namespace.get("study", NAME)?;
        matches!(study["status"]["phase"].as_str(), Some("Completed" | "Failed" | "Invalid")).then_some(study)
    })
}

/// What differs between the disturbed and the undisturbed study.
fn differences(disturbed: &Results, undisturbed: &Results) -> Vec<String> {
    let mut different = Vec::new();
    let by_name = |results: &Results| -> BTreeMap<String, Value> {
        let name = |record: &Value| record["name"].as_str().unwrap_or_default().to_owned();
        results.records.iter().map(|record| (name(record), without_attempts(record))).collect()
    };
    let (mut left, right) = (by_name(disturbed), by_name(undisturbed));
    for (name, expected) in right {
        match left.remove(&name) {
            Some(record) if record == expected => {}
            other => different.push(format!("{name}: {other:?}, undisturbed: {expected}")),
        }
    }
    different.extend(left.keys().map(|name| format!("{name}: is not in the undisturbed study")));
    if disturbed.findings != undisturbed.findings {
        different.push(format!("findings: {:#}\nundisturbed: {:#}", disturbed.findings, undisturbed.findings));
    }
    different
}

#[test]
fn results_survive_kills_cuts_and_full_disks() {
    let (seed, kills) = (number("SEED", 1), number("KILLS", Fault::ALL.len() as u64));
    let kills = usize::try_from(kills).expect("kills");
    let is_short = kills <= Fault::ALL.len();
    let draws = draws(seed, kills, Duration::from_secs(if is_short { 3 } else { 8 }));
    // Long enough that faults come all along the study, not only at its end: a fault takes so many seconds, with its pause,
    // and the study 50 even if its trainers take no time.
    let seconds_per_fault = if is_short { 3.0 } else { 5.5 };
    #[allow(clippy::cast_precision_loss)] // kills are few
    let seconds = (kills as f64 * seconds_per_fault - 50.0).max(28.0);
    let pace = seconds * PARALLELISM / EVALUATIONS;
    println!("SEED={seed} KILLS={kills}, {pace:.2} s an evaluation");

    let namespace = Namespace::new(NAME);
    namespace.checkpoint_claim();
    let here = tempfile::tempdir().expect("a folder");
    fs::write(here.path().join("go"), "").expect("a file");
    let folder = here.path().to_owned();
    let undisturbed = thread::spawn(move || undisturbed(&folder));
    let cluster = Cluster::with_small_ledger(&namespace.name);
    let undisturbed = undisturbed.join().expect("the undisturbed study");

    let claim = PathBuf::from(std::env::var("STUDIOUS_E2E_VOLUMES").expect("set")).join(&namespace.name);
    let start = Instant::now();
    namespace.apply(&on_cluster(pace));
    let took = inflict_all(&cluster, &draws);
    fs::write(claim.join("go"), "").expect("a file on the claim");
    let study = wait_for_end(&namespace);
    let seconds = start.elapsed().as_secs_f64();

    let disturbed = results(&format!("study/{NAME}"), &["-n", &namespace.name]);
    let mut compared = compare(&logs(&claim), &disturbed.records, steps, EVERY);
    compared.wrong.extend(differences(&disturbed, &undisturbed));
    if study["status"]["phase"] != "Completed" || study["status"]["trials"]["succeeded"].is_null() {
        compared.wrong.push(format!("the study: {}", study["status"]));
    }
    let best = disturbed
        .records
        .iter()
        .filter(|record| record["round"] == "confirm")
        .min_by(|a, b| {
            a["objective"].as_f64().unwrap_or(f64::MAX).total_cmp(&b["objective"].as_f64().unwrap_or(f64::MAX))
        })
        .expect("trials");
    if study["status"]["best"]["trial"] != best["name"] || disturbed.records.len() != TRIALS {
        compared.wrong.push(format!("{} records, best {}: {best}", disturbed.records.len(), study["status"]["best"]));
    }

    println!(
        "SEED={seed} KILLS={kills}: {seconds:.0} s; {} attempts of {TRIALS} trials, {} of them sent back to an earlier \
         checkpoint; {} evaluations compared, {} made again; {} wrong",
        compared.attempts,
        compared.sent_back,
        compared.evaluations,
        compared.repeated,
        compared.wrong.len()
    );
    for (fault, took) in took {
        println!("{:>3} x {fault:?}", took.len());
    }
    assert!(compared.wrong.is_empty(), "SEED={seed} KILLS={kills}:\n{}", compared.wrong.join("\n"));
}
