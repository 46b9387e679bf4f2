//! Brings the parts together, and takes them apart in order.

use std::{
    future::Future,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::StreamExt;
use kube::{
    Client,
    runtime::{Controller, controller, reflector::ObjectRef},
};
use studious_api::{Study, Trial};
use studious_ledger::{Ledger, LedgerError};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    authority::{self, Authority},
    caches::Caches,
    context::{Clock, Context},
    election::Election,
    events::Events,
    grace,
    identity::Keys,
    live::Live,
    memory::Memories,
    metrics::Metrics,
    options::Options,
    reconcile, recovery,
    server::{self, Shared},
    study, sweep, trial,
    trial::jobs::AgentSettings,
};

/// How long reconciles running may take once the process is to end.
const GRACE: Duration = Duration::from_secs(10);

/// Why the operator ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// No API server.
    #[error("no Kubernetes API server is available: {0}")]
    Client(Box<kube::Error>),
    /// Neither in a pod nor with a kubeconfig.
    #[error("there is neither a pod's service account nor a kubeconfig: {0}")]
    Config(#[from] kube::config::InferConfigError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The CA that agents are handed.
    #[error("the CA certificate {path}, which agents are to trust, can't be read: {source}")]
    Ca {
        /// The file.
        path: String,
        /// What is wrong.
        source: std::io::Error,
    },
    /// What is served.
    #[error("{0}")]
    Serve(String),
    /// A watch ended, which it never should.
    #[error("the caches were not filled: a watch has ended")]
    Caches,
    /// A metric.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Runs the operator until `stop` is ready.
///
/// # Errors
/// When a part can't begin, or when serving fails.
pub async fn run(options: Options, stop: impl Future<Output = ()> + Send) -> Result<(), RunError> {
    // kube and the server would each choose a provider of cryptography; once chosen, it stays.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::try_from(kube::Config::infer().await?).map_err(|error| RunError::Client(Box::new(error)))?;
    // Boxed: all that the operator does is a large future.
    Box::pin(run_with(client, options, stop)).await
}

async fn run_with(client: Client, options: Options, stop: impl Future<Output = ()> + Send) -> Result<(), RunError> {
    let authority = Authority::read(&options.ca_certificate)
        .await
        .map_err(|source| RunError::Ca { path: options.ca_certificate.display().to_string(), source })?;
    let ledger = Ledger::open_with(&options.ledger, options.ledger_limits).await?;
    let tasks = TaskTracker::new();
    let live = Arc::new(Live::default());
    let studies = Arc::new(Memories::<study::StudyMemory>::default());
    let trials = Arc::new(Memories::<trial::TrialMemory>::default());
    let forget = {
        let (live, studies, trials) = (live.clone(), studies.clone(), trials.clone());
        move |uid: &str| {
            live.forget(uid);
            studies.forget(uid);
            trials.forget(uid);
        }
    };
    let caches = Caches::watch(&client, options.watch_namespace.as_deref(), &tasks, forget);
    let context = Arc::new(Context {
        events: Events::new(client.clone(), &options.identity),
        caches,
        ledger: ledger.clone(),
        live,
        metrics: Metrics::new()?,
        clock: Clock::of_the_machine(),
        failures: Memories::default(),
        client,
    });
    let reconcilers = Reconcilers {
        studies: Arc::new(study::StudyReconciler {
            context: context.clone(),
            memories: studies,
            suggesting: Semaphore::new(spare_cores()),
            finding: Semaphore::new(1),
        }),
        trials: Arc::new(trial::TrialReconciler {
            context: context.clone(),
            memories: trials,
            agent: AgentSettings {
                image: options.agent_image.clone(),
                image_pull_policy: options.agent_image_pull_policy.clone(),
                ingest_url: options.ingest_url.clone(),
                authority: Arc::new(authority),
                serves_metrics: options.agent_metrics,
                drain: options.agent_drain,
            },
        }),
    };

    let keys = Keys::kept_in(options.ledger.with_file_name("api-server-keys.json"));
    let shared = Arc::new(Shared::new(context.clone(), options.trusted_proxies.clone(), keys));
    let ending = CancellationToken::new();
    let mut serving = std::pin::pin!(server::serve(&options, shared.clone(), ending.clone()));
    tasks.spawn(recovery::run(context.clone(), ending.clone()));
    let mut leading = std::pin::pin!(lead(&options, &reconcilers, &shared, ending.clone()));
    let result = tokio::select! {
        () = stop => Ok(()),
        served = &mut serving => Err(served.err().map_or_else(
            || RunError::Serve("serving has ended".to_owned()),
            |error| RunError::Serve(error.to_string()),
        )),
        led = &mut leading => led,
    };
    tracing::info!("ending");
    ending.cancel();
    if result.is_ok() {
        // The reconciles that are running end, the Lease is given back, and requests are answered.
        let ended = async { tokio::join!(&mut leading, &mut serving) };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            tracing::warn!("work in flight did not finish in {} s; it will be repeated", GRACE.as_secs());
        }
    }
    ledger.close().await;
    result
}

/// What looks at studies and at trials.
struct Reconcilers {
    studies: Arc<study::StudyReconciler>,
    trials: Arc<trial::TrialReconciler>,
}

/// All cores but one, which answers requests.
fn spare_cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1))
}

/// Waits for the caches, then reconciles whenever it has the Lease, until the process is to end. Without the Lease, or the
/// API server that would renew it, only the controllers stop.
async fn lead(
    options: &Options,
    reconcilers: &Reconcilers,
    shared: &Shared,
    ending: CancellationToken,
) -> Result<(), RunError> {
    let context = &shared.context;
    match ending.run_until_cancelled(context.caches.synced()).await {
        None => return Ok(()),
        Some(false) => return Err(RunError::Caches),
        Some(true) => {}
    }
    shared.is_ready.store(true, Ordering::Release);
    tracing::info!(
        studies = context.caches.studies.len(),
        trials = context.caches.trials.len(),
        jobs = context.caches.jobs.len(),
        pods = context.caches.pods.len(),
        "the caches are filled"
    );
    let mut election = Election::new(context.client.clone(), &options.namespace, &options.lease, &options.identity);
    loop {
        if ending.run_until_cancelled(election.won()).await.is_none() {
            return Ok(());
        }
        begin_term(context, reconcilers, election.others_led());
        let sweeping = sweep::run(context.clone(), options.watch_namespace.clone(), ending.clone());
        let working = async { tokio::join!(controllers(reconcilers, options.concurrency, ending.clone()), sweeping) };
        let lost = tokio::select! {
            lost = election.lost() => lost,
            // Only when the process is to end.
            _ = working => break,
        };
        // Dropped with the controllers: reconciles in flight, which a new leader does again.
        context.metrics.follows();
        tracing::warn!(error = %lost, "stopped reconciling; standing for election again");
    }
    election.release().await;
    Ok(())
}

/// Everything is reconciled again, by what the cluster shows where another replica may have led meanwhile.
fn begin_term(context: &Context, reconcilers: &Reconcilers, others_led: bool) {
    context.metrics.leads();
    if others_led {
        reconcilers.studies.memories.clear();
        reconcilers.trials.memories.clear();
    }
    for study in context.caches.studies.state() {
        context.caches.study_queue.push(ObjectRef::from_obj(study.as_ref()));
    }
    for trial in context.caches.trials.state() {
        context.caches.trial_queue.push(ObjectRef::from_obj(trial.as_ref()));
    }
}

/// Both controllers and what goes with them, until the process is to end and what is running has ended.
async fn controllers(reconcilers: &Reconcilers, concurrency: u16, ending: CancellationToken) {
    let Reconcilers { studies, trials } = reconcilers;
    let config = controller::Config::default().concurrency(concurrency.max(1));
    let of_studies = Controller::<Study>::for_stream(futures::stream::pending(), studies.caches.studies.clone())
        .with_config(config.clone())
        .reconcile_on(studies.caches.study_queue.clone().stream())
        .graceful_shutdown_on(ending.clone().cancelled_owned())
        .run(reconcile::reconcile, reconcile::error_policy, studies.clone())
        .for_each(|outcome| async move { tell(outcome.err()) });
    let of_trials = Controller::<Trial>::for_stream(futures::stream::pending(), trials.caches.trials.clone())
        .with_config(config)
        .reconcile_on(trials.caches.trial_queue.clone().stream())
        .graceful_shutdown_on(ending.clone().cancelled_owned())
        .run(reconcile::reconcile, reconcile::error_policy, trials.clone())
        .for_each(|outcome| async move { tell(outcome.err()) });
    let (context, agent) = (&trials.context, &trials.agent);
    let authorities = authority::publish(context, &agent.authority, &ending);
    tokio::join!(of_studies, of_trials, authorities, grace::enforce(context, agent.drain, &ending));
}

/// Errors of reconciles are reported by their policies; an object that is gone needs no reconcile.
fn tell<R: std::error::Error + 'static, Q: std::error::Error + 'static>(error: Option<controller::Error<R, Q>>) {
    match error {
        None | Some(controller::Error::ObjectNotFound(_) | controller::Error::ReconcilerFailed(..)) => {}
        Some(error) => tracing::error!(%error, "the controller"),
    }
}
