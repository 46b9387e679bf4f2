//! What is known of the cluster: watches that feed stores, an index by study and trial, and queues of what to reconcile.

mod departed;
mod index;
mod queue;
mod readable;
mod under_way;
mod watch;

use std::{fmt::Debug, hash::Hash, sync::Arc};

use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{Container, Pod, PodSpec},
};
use kube::{
    Client, Resource, ResourceExt,
    runtime::reflector::{ObjectRef, Store, store},
};
use studious_api::{Study, Trial, labels};
use tokio_util::task::TaskTracker;

pub(crate) use departed::{AttemptOf, Departed};
pub(crate) use index::Index;
pub(crate) use queue::Queue;
pub(crate) use under_way::UnderWay;

use crate::object::{Identified, Identity, is_controlled_by};

/// Everything that is known of the cluster.
pub(crate) struct Caches {
    /// All studies.
    pub(crate) studies: Store<Study>,
    /// All trials.
    pub(crate) trials: Store<Trial>,
    /// Jobs of trials, without their spec.
    pub(crate) jobs: Store<Job>,
    /// Pods of trials, with no more of their spec than the names of containers.
    pub(crate) pods: Store<Pod>,
    /// Names of trials by study.
    pub(crate) trials_of: Arc<Index>,
    /// Names of pods by trial.
    pub(crate) pods_of: Arc<Index>,
    /// What is gone and may still be asked for.
    pub(crate) departed: Arc<Departed>,
    /// How trials stand that are running.
    pub(crate) under_way: Arc<UnderWay>,
    /// Studies to reconcile.
    pub(crate) study_queue: Arc<Queue<Study>>,
    /// Trials to reconcile.
    pub(crate) trial_queue: Arc<Queue<Trial>>,
}

impl Caches {
    /// Begins to watch. `on_deleted` is called for every trial and study that is gone, by uid.
    pub(crate) fn watch(
        client: &Client,
        namespace: Option<&str>,
        tasks: &TaskTracker,
        on_deleted: impl Fn(&str) + Clone + Send + Sync + 'static,
    ) -> Self {
        let (studies, study_writer) = store();
        let (trials, trial_writer) = store();
        let (jobs, job_writer) = store();
        let (pods, pod_writer) = store();
        let caches = Self {
            studies,
            trials,
            jobs,
            pods,
            trials_of: Arc::default(),
            pods_of: Arc::default(),
            departed: Arc::default(),
            under_way: Arc::default(),
            study_queue: Arc::default(),
            trial_queue: Arc::default(),
        };

        let (departed, under_way) = (caches.departed.clone(), caches.under_way.clone());
        let on_deleted = move |uid: &str| {
            departed.left(uid);
            under_way.forget(uid);
            on_deleted(uid);
        };
        let queue = caches.study_queue.clone();
        let forget = on_deleted.clone();
        tasks.spawn(watch::run(watch::api::<Study>(client, namespace), None, study_writer, strip, move |seen| {
            if let (watch::Seen::Deleted(_), Some(uid)) = (seen, &seen.object().metadata.uid) {
                forget(uid);
            }
            queue.push(ObjectRef::from_obj(seen.object()));
        }));

        let (index, queue, studies) =
            (caches.trials_of.clone(), caches.trial_queue.clone(), caches.study_queue.clone());
        tasks.spawn(watch::run(watch::api::<Trial>(client, namespace), None, trial_writer, strip, move |seen| {
            let trial = seen.object();
            let namespace = trial.namespace().unwrap_or_default();
            index.observe(&namespace, &trial.spec.study, &trial.name_any(), seen.is_there());
            if !seen.is_there()
                && let Some(uid) = &trial.metadata.uid
            {
                on_deleted(uid);
            }
            queue.push(ObjectRef::from_obj(trial));
            studies.push(ObjectRef::new(&trial.spec.study).within(&namespace));
        }));

        let queue = caches.trial_queue.clone();
        let (departed, pods_of, pods) = (caches.departed.clone(), caches.pods_of.clone(), caches.pods.clone());
        let strip_job = |job: &mut Job| {
            strip(job);
            job.spec = None;
        };
        tasks.spawn(watch::run(
            watch::api::<Job>(client, namespace),
            Some(labels::TRIAL),
            job_writer,
            strip_job,
            move |seen| {
                if let watch::Seen::Deleted(job) = seen {
                    departed.job_left(job, |attempt, uid| has_pods(&pods_of, &pods, attempt, uid));
                }
                push_trial(&queue, seen.object());
            },
        ));

        let (index, queue) = (caches.pods_of.clone(), caches.trial_queue.clone());
        tasks.spawn(watch::run(
            watch::api::<Pod>(client, namespace),
            Some(labels::TRIAL),
            pod_writer,
            strip_pod,
            move |seen| {
                let pod = seen.object();
                if let Some(trial) = pod.labels().get(labels::TRIAL) {
                    index.observe(&pod.namespace().unwrap_or_default(), trial, &pod.name_any(), seen.is_there());
                }
                push_trial(&queue, pod);
            },
        ));
        caches
    }

    /// Waits until everything that was there at the beginning is known.
    pub(crate) async fn synced(&self) -> bool {
        let (studies, trials, jobs, pods) = tokio::join!(
            self.studies.wait_until_ready(),
            self.trials.wait_until_ready(),
            self.jobs.wait_until_ready(),
            self.pods.wait_until_ready()
        );
        studies.is_ok() && trials.is_ok() && jobs.is_ok() && pods.is_ok()
    }

    /// One object of a store.
    pub(crate) fn get<K>(store: &Store<K>, namespace: &str, name: &str) -> Option<Arc<K>>
    where
        K: Resource<DynamicType = ()> + Clone + 'static,
        K::DynamicType: Eq + Hash + Clone + Debug,
    {
        store.get(&ObjectRef::new(name).within(namespace))
    }

    /// The trials that a study controls, as they stand, in no order.
    pub(crate) fn trials_of(&self, study: &Identity) -> Vec<Identified<Trial>> {
        let names = self.trials_of.names(&study.namespace, &study.name);
        let trials = names.iter().filter_map(|name| Self::get(&self.trials, &study.namespace, name));
        let controlled = trials.filter(|trial| is_controlled_by(trial.as_ref(), &study.uid));
        controlled.map(|trial| self.under_way.of(trial)).filter_map(Identified::of).collect()
    }

    /// All pods that carry a trial's label, in no order.
    pub(crate) fn pods_of(&self, namespace: &str, trial: &str) -> Vec<Arc<Pod>> {
        let names = self.pods_of.names(namespace, trial);
        names.iter().filter_map(|name| Self::get(&self.pods, namespace, name)).collect()
    }
}

/// Whether the cache shows a pod of a Job.
fn has_pods(pods_of: &Index, pods: &Store<Pod>, attempt: &AttemptOf, job_uid: &str) -> bool {
    let names = pods_of.names(&attempt.namespace, &attempt.trial);
    let mut of_trial = names.iter().filter_map(|name| Caches::get(pods, &attempt.namespace, name));
    of_trial.any(|pod| is_controlled_by(pod.as_ref(), job_uid))
}

fn push_trial<K: ResourceExt>(queue: &Queue<Trial>, object: &K) {
    if let Some(trial) = object.labels().get(labels::TRIAL) {
        queue.push(ObjectRef::new(trial).within(&object.namespace().unwrap_or_default()));
    }
}

/// Drops what nothing here reads and what makes up half of an object.
fn strip<K: Resource>(object: &mut K) {
    object.meta_mut().managed_fields = None;
    if let Some(annotations) = &mut object.meta_mut().annotations {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

/// Of a pod's spec the names of its containers are read: the first is the trainer.
fn strip_pod(pod: &mut Pod) {
    strip(pod);
    pod.metadata.annotations = None;
    pod.spec = pod.spec.take().map(|spec| PodSpec {
        containers: spec
            .containers
            .into_iter()
            .map(|container| Container { name: container.name, ..Container::default() })
            .collect(),
        node_name: spec.node_name,
        ..PodSpec::default()
    });
}

#[cfg(test)]
pub(crate) mod fixed {
    //! Caches that show what a test says.

    use kube::runtime::{reflector::store::Writer, watcher::Event};

    use super::*;

    /// The writing ends of all stores.
    pub(crate) struct Writers {
        pub(crate) studies: Writer<Study>,
        pub(crate) trials: Writer<Trial>,
        pub(crate) jobs: Writer<Job>,
        pub(crate) pods: Writer<Pod>,
        departed: Arc<Departed>,
        trials_of: Arc<Index>,
        pods_of: Arc<Index>,
    }

    pub(crate) fn caches() -> (Caches, Writers) {
        let ((studies, study_writer), (trials, trial_writer)) = (store(), store());
        let ((jobs, job_writer), (pods, pod_writer)) = (store(), store());
        let caches = Caches {
            studies,
            trials,
            jobs,
            pods,
            trials_of: Arc::default(),
            pods_of: Arc::default(),
            departed: Arc::default(),
            under_way: Arc::default(),
            study_queue: Arc::default(),
            trial_queue: Arc::default(),
        };
        let writers = Writers {
            studies: study_writer,
            trials: trial_writer,
            jobs: job_writer,
            pods: pod_writer,
            departed: caches.departed.clone(),
            trials_of: caches.trials_of.clone(),
            pods_of: caches.pods_of.clone(),
        };
        (caches, writers)
    }

    impl Writers {
        pub(crate) fn study(&mut self, study: &Study) {
            self.studies.apply_watcher_event(&Event::Apply(study.clone()));
        }

        pub(crate) fn trial(&mut self, trial: &Trial) {
            self.trials_of.observe(&trial.namespace().unwrap(), &trial.spec.study, &trial.name_any(), true);
            self.trials.apply_watcher_event(&Event::Apply(trial.clone()));
        }

        pub(crate) fn job(&mut self, job: &Job) {
            self.jobs.apply_watcher_event(&Event::Apply(job.clone()));
        }

        pub(crate) fn job_deleted(&mut self, name: &str) {
            let job = Caches::get(&self.jobs.as_reader(), "team-a", name).unwrap();
            self.jobs.apply_watcher_event(&Event::Delete(job.as_ref().clone()));
            self.departed.job_left(&job, |_, _| true);
        }

        pub(crate) fn trial_deleted(&mut self, name: &str) {
            let trial = Caches::get(&self.trials.as_reader(), "team-a", name).unwrap();
            self.trials.apply_watcher_event(&Event::Delete(trial.as_ref().clone()));
        }

        pub(crate) fn pod(&mut self, pod: &Pod) {
            let trial = pod.labels()[labels::TRIAL].clone();
            self.pods_of.observe(&pod.namespace().unwrap(), &trial, &pod.name_any(), true);
            self.pods.apply_watcher_event(&Event::Apply(pod.clone()));
        }
    }
}
