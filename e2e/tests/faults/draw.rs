//! Which faults come, in which order, drawn from a seed.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

/// A fault: something that breaks, as it does in clusters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Fault {
    /// SIGKILL to a trainer.
    Trainer,
    /// SIGKILL to an agent, whose trainer goes on.
    Agent,
    /// A pod is deleted with a grace of 3 s, as preemption and eviction do it.
    Preemption,
    /// A pod is deleted by force, without a grace.
    ForcedDeletion,
    /// SIGKILL to the operator; the kubelet starts it again.
    Operator,
    /// The operator's pod is deleted by force; another follows.
    OperatorPod,
    /// SIGSTOP to the operator, and SIGCONT some seconds later.
    OperatorStalls,
    /// SIGKILL to the API server.
    ApiServer,
    /// SIGKILL to etcd.
    Etcd,
    /// SIGKILL to the kubelet.
    Kubelet,
    /// SIGKILL to containerd.
    Containerd,
    /// SIGKILL to the controller manager, which makes the pods of Jobs.
    ControllerManager,
    /// SIGKILL to the kubelet and to every process of every pod, the operator's included: the node is started again.
    Node,
    /// Connections of pods to the operator are reset.
    ConnectionsReset,
    /// Packets between pods and the operator are dropped.
    PacketsDropped,
    /// Packets between pods, the operator's included, and the API server are dropped.
    ApiServerUnreachable,
    /// The file system of the ledger is full.
    DiskFull,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Trainer,
        Self::Agent,
        Self::Preemption,
        Self::ForcedDeletion,
        Self::Operator,
        Self::OperatorPod,
        Self::OperatorStalls,
        Self::ApiServer,
        Self::Etcd,
        Self::Kubelet,
        Self::Containerd,
        Self::ControllerManager,
        Self::Node,
        Self::ConnectionsReset,
        Self::PacketsDropped,
        Self::ApiServerUnreachable,
        Self::DiskFull,
    ];

    /// Those that hit a pod of a trial, and are drawn twice as often.
    const OF_TRIALS: [Self; 4] = [Self::Trainer, Self::Agent, Self::Preemption, Self::ForcedDeletion];
}

/// One fault of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    /// What breaks.
    pub fault: Fault,
    /// Time without a fault before it.
    pub pause: Duration,
    /// For how long what breaks stays broken, where that can be chosen.
    pub lasts: Duration,
    /// Chooses among pods: the one at this number modulo how many there are.
    pub target: usize,
}

/// `kills` faults. Every kind comes once before any comes again (those of trials twice), and the longest outage is
/// `longest`.
pub fn draws(seed: u64, kills: usize, longest: Duration) -> Vec<Draw> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut all = Vec::with_capacity(kills);
    while all.len() < kills {
        let mut kinds: Vec<Fault> = Fault::ALL.to_vec();
        if kills > kinds.len() {
            kinds.extend(Fault::OF_TRIALS);
        }
        kinds.shuffle(&mut rng);
        for fault in kinds.into_iter().take(kills - all.len()) {
            let lasts = longest.mul_f64(rng.random_range(0.2..1.0));
            let pause = Duration::from_millis(rng.random_range(200..2500));
            all.push(Draw { fault, pause, lasts, target: rng.random_range(0..1000) });
        }
    }
    all
}

#[test]
fn draws_repeat_and_hold_every_fault() {
    let longest = Duration::from_secs(8);
    let hundred = draws(7, 100, longest);
    assert_eq!(hundred, draws(7, 100, longest));
    assert_ne!(hundred, draws(8, 100, longest));
    assert_eq!(hundred.len(), 100);
    for fault in Fault::ALL {
        let short = draws(7, Fault::ALL.len(), longest);
        assert_eq!(short.iter().filter(|draw| draw.fault == fault).count(), 1, "{fault:?}");
        assert!(hundred.iter().filter(|draw| draw.fault == fault).count() >= 4, "{fault:?}");
    }
    assert!(hundred.iter().all(|draw| draw.lasts <= longest));
}
