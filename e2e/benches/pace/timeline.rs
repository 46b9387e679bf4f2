//! What happens to pods and Jobs in one namespace, and when it is known.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::{Api, Client, ResourceExt, runtime::watcher};
use tokio::{sync::Notify, task::AbortHandle};

/// Seconds since 1970.
type Seconds = f64;

/// What was seen, with the moment at which the watch told it.
#[derive(Default)]
struct Seen {
    /// When each pod was first seen.
    created: BTreeMap<String, Seconds>,
    /// When each trainer says that it began.
    began: BTreeMap<String, Seconds>,
    /// When each trainer was first seen as ended.
    ended: BTreeMap<String, Seconds>,
    succeeded: BTreeSet<String>,
    /// When each Job was first seen.
    jobs: BTreeMap<String, Seconds>,
    complete: BTreeSet<String>,
}

/// What happens in a namespace from now on.
pub(crate) struct Timeline {
    seen: Arc<Mutex<Seen>>,
    news: Arc<Notify>,
    watches: [AbortHandle; 2],
}

impl Timeline {
    /// Watches pods and Jobs.
    pub(crate) fn watch(client: &Client, namespace: &str) -> Self {
        let (seen, news) = (Arc::new(Mutex::new(Seen::default())), Arc::new(Notify::new()));
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let jobs: Api<Job> = Api::namespaced(client.clone(), namespace);
        let of_pods = follow(pods, seen.clone(), news.clone(), Seen::pod);
        let of_jobs = follow(jobs, seen.clone(), news.clone(), Seen::job);
        Self { seen, news, watches: [of_pods, of_jobs] }
    }

    /// Waits for the next thing to happen.
    pub(crate) async fn changed(&self) {
        self.news.notified().await;
    }

    /// How many Jobs are Complete.
    pub(crate) fn complete_jobs(&self) -> usize {
        lock(&self.seen).complete.len()
    }

    /// How many pods have Succeeded.
    pub(crate) fn succeeded_pods(&self) -> usize {
        lock(&self.seen).succeeded.len()
    }

    /// Seconds from each pod's creation to its trainer's first command.
    pub(crate) fn starts(&self) -> Vec<Seconds> {
        let seen = lock(&self.seen);
        seen.began.iter().filter_map(|(pod, began)| Some(began - seen.created.get(pod)?)).collect()
    }

    /// Seconds from each trainer's known end to the creation of the Job that took its place. The first ends make room for
    /// the first Jobs that weren't made at once.
    pub(crate) fn successions(&self, parallel: usize) -> Vec<Seconds> {
        let seen = lock(&self.seen);
        let sorted = |times: &BTreeMap<String, Seconds>| {
            let mut times: Vec<Seconds> = times.values().copied().collect();
            times.sort_by(f64::total_cmp);
            times
        };
        let (ended, jobs) = (sorted(&seen.ended), sorted(&seen.jobs));
        ended.into_iter().zip(jobs.into_iter().skip(parallel)).map(|(ended, made)| made - ended).collect()
    }
}

impl Drop for Timeline {
    fn drop(&mut self) {
        self.watches.iter().for_each(AbortHandle::abort);
    }
}

impl Seen {
    fn pod(&mut self, pod: &Pod, now: Seconds) {
        let name = pod.name_any();
        self.created.entry(name.clone()).or_insert(now);
        let status = pod.status.as_ref();
        let trainer = status.and_then(|s| s.container_statuses.as_ref()?.iter().find(|c| c.name == "trainer"));
        if let Some(terminated) = trainer.and_then(|trainer| trainer.state.as_ref()?.terminated.as_ref()) {
            self.ended.entry(name.clone()).or_insert(now);
            if let Some(began) = terminated.message.as_deref().and_then(|message| message.trim().parse().ok()) {
                self.began.insert(name.clone(), began);
            }
        }
        if status.and_then(|status| status.phase.as_deref()) == Some("Succeeded") {
            self.succeeded.insert(name);
        }
    }

    fn job(&mut self, job: &Job, now: Seconds) {
        self.jobs.entry(job.name_any()).or_insert(now);
        let conditions = job.status.as_ref().and_then(|status| status.conditions.as_ref());
        if conditions.into_iter().flatten().any(|c| c.type_ == "Complete" && c.status == "True") {
            self.complete.insert(job.name_any());
        }
    }
}

fn follow<K>(api: Api<K>, seen: Arc<Mutex<Seen>>, news: Arc<Notify>, note: fn(&mut Seen, &K, Seconds)) -> AbortHandle
where
    K: kube::Resource + Clone + serde::de::DeserializeOwned + std::fmt::Debug + Send + 'static,
{
    let events = async move {
        let mut events = watcher(api, watcher::Config::default()).boxed();
        while let Some(event) = events.try_next().await.expect("the watch goes on") {
            if let watcher::Event::Apply(object) | watcher::Event::InitApply(object) = event {
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
                note(&mut lock(&seen), &object, now.as_secs_f64());
                news.notify_one();
            }
        }
    };
    tokio::spawn(events).abort_handle()
}

/// The middle one; NaN of none.
pub(crate) fn median(values: &[Seconds]) -> Seconds {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
