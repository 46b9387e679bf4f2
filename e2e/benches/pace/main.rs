//! How much a trial costs beside its training, against floors in the same run: 60 trials of `sleep 3`, four at a time, as
//! bare Jobs whose successor is made once the Job is Complete, once its pod has Succeeded, and as trials of a study with and
//! without a `done` line. The four take turns. `make bench-cluster` prints the ratios.
#![allow(missing_docs)]
// It ends where something is amiss.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

mod floor;
mod study;
mod timeline;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ObjectMeta, PostParams},
};

use floor::Successor;
use timeline::{Timeline, median};

/// Trials at a time.
const PARALLEL: usize = 4;
/// How long a trainer sleeps, in seconds.
const SLEEP: u32 = 3;

/// Who carries trials out.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Carrier {
    /// Bare Jobs; the next is made after this.
    Bare(Successor),
    /// A study, whose trainers say `done` or don't.
    Study { says_done: bool },
}

impl Carrier {
    const ALL: [Self; 4] = [
        Self::Bare(Successor::OfCompleteJob),
        Self::Bare(Successor::OfSucceededPod),
        Self::Study { says_done: false },
        Self::Study { says_done: true },
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Bare(Successor::OfCompleteJob) => "bare Jobs, next after Complete",
            Self::Bare(Successor::OfSucceededPod) => "bare Jobs, next after the pod Succeeded",
            Self::Study { says_done: false } => "a study, without a done line",
            Self::Study { says_done: true } => "a study, with a done line",
        }
    }
}

/// What one carrier came to.
#[derive(Default)]
struct Tally {
    wall: Duration,
    starts: Vec<f64>,
    successions: Vec<f64>,
    operator_seconds: f64,
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn trainer_image() -> String {
    std::env::var("STUDIOUS_TRAINER_IMAGE").unwrap_or_else(|_| "localhost/studious-trainer:dev".to_owned())
}

/// What a trainer does: it says when it began, sleeps, and reports if it is a trial of a study.
fn script(says_done: bool, reports: bool) -> String {
    let mut script = format!("date +%s.%N > /dev/termination-log; sleep {SLEEP}");
    if reports {
        script += r#"; echo '{"step":10,"err":0.1}' >> "$STUDIOUS_TRIAL_DIR/metrics.jsonl""#;
    }
    if says_done {
        script += r#"; echo '{"event":"done","step":10}' >> "$STUDIOUS_TRIAL_DIR/metrics.jsonl""#;
    }
    script
}

#[tokio::main]
async fn main() {
    let (trials, turns) = (number("TRIALS", 60), number("TURNS", 3));
    let per_turn = trials.div_ceil(turns);
    let client = Client::try_default().await.expect("a cluster in the current context");
    let mut tallies: BTreeMap<Carrier, Tally> = BTreeMap::new();
    for turn in 0..turns {
        for place in 0..Carrier::ALL.len() {
            // Another begins each turn.
            let carrier = Carrier::ALL[(place + turn) % Carrier::ALL.len()];
            let tally = tallies.entry(carrier).or_default();
            run(&client, carrier, per_turn, tally).await;
            println!("turn {}: {}: {:.1} s so far", turn + 1, carrier.name(), tally.wall.as_secs_f64());
        }
    }
    print(&tallies, per_turn * turns);
}

async fn run(client: &Client, carrier: Carrier, trials: usize, tally: &mut Tally) {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = Namespace {
        metadata: ObjectMeta { generate_name: Some("pace-".to_owned()), ..ObjectMeta::default() },
        ..Namespace::default()
    };
    let namespace = namespaces.create(&PostParams::default(), &namespace).await.unwrap().name_any();
    wait_for_service_account(client, &namespace).await;
    let before = study::operator_seconds(client).await;
    let timeline = Timeline::watch(client, &namespace);
    let begun = Instant::now();
    match carrier {
        Carrier::Bare(successor) => floor::run(client, &namespace, trials, successor, &timeline).await,
        Carrier::Study { says_done } => study::run(client, &namespace, trials, says_done).await,
    }
    tally.wall += begun.elapsed();
    tally.operator_seconds += study::operator_seconds(client).await - before;
    tally.starts.extend(timeline.starts());
    tally.successions.extend(timeline.successions(PARALLEL));
    namespaces.delete(&namespace, &DeleteParams::default()).await.unwrap();
    // Its pods must not run beside the next.
    while namespaces.get_opt(&namespace).await.unwrap().is_some() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Pods can't be made before the controller manager has made it.
async fn wait_for_service_account(client: &Client, namespace: &str) {
    let accounts: Api<k8s_openapi::api::core::v1::ServiceAccount> = Api::namespaced(client.clone(), namespace);
    while accounts.get_opt("default").await.unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn print(tallies: &BTreeMap<Carrier, Tally>, trials: usize) {
    println!("\n{trials} trials of `sleep {SLEEP}`, {PARALLEL} at a time:");
    let floor = |successor| tallies[&Carrier::Bare(successor)].wall.as_secs_f64();
    let floors = [floor(Successor::OfCompleteJob), floor(Successor::OfSucceededPod)];
    println!(
        "{:<42} {:>7} {:>11} {:>11} {:>12} {:>12} {:>9}",
        "", "wall", "/ Complete", "/ Succeeded", "to trainer*", "to next**", "CPU***"
    );
    for (carrier, tally) in tallies {
        let wall = tally.wall.as_secs_f64();
        println!(
            "{:<42} {wall:>5.1} s {:>11.3} {:>11.3} {:>10.2} s {:>10.2} s {:>6.1} ms",
            carrier.name(),
            wall / floors[0],
            wall / floors[1],
            median(&tally.starts),
            median(&tally.successions),
            1000.0 * tally.operator_seconds / f64::from(u32::try_from(trials).unwrap()),
        );
    }
    println!(
        "*   from the pod's creation to the trainer's first command, median\n\
         **  from the kubelet's word that a trainer has ended to the next Job's creation, median\n\
         *** of the operator's process, per trial; with bare Jobs it is idle"
    );
}
