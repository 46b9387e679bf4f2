//! How trials that are running stand, before that is worth a write: a trial should cost few, and no reader should see
//! `Pending` of one that trains.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use kube::ResourceExt;
use studious_api::{Trial, TrialStatus, trial::TrialPhase};

/// Trials with the status that they would have by what is seen of them. What is written later replaces it.
#[derive(Debug, Default)]
pub(crate) struct UnderWay(Mutex<HashMap<String, Arc<Trial>>>);

impl UnderWay {
    /// Notes how a trial stands. Says whether its phase is another than was known.
    pub(crate) fn note(&self, trial: &Arc<Trial>, status: &TrialStatus) -> bool {
        let Some(uid) = trial.uid() else { return false };
        let known = self.of(trial.clone());
        if known.status.as_ref() == Some(status) {
            return false;
        }
        let seen = Trial { status: Some(status.clone()), ..trial.as_ref().clone() };
        self.locked(|trials| trials.insert(uid, Arc::new(seen)));
        known.status.as_ref().map_or(TrialPhase::Pending, |status| status.phase) != status.phase
    }

    /// A trial of the cache as it stands. The same one until something changes.
    pub(crate) fn of(&self, trial: Arc<Trial>) -> Arc<Trial> {
        let seen = trial.metadata.uid.as_ref().and_then(|uid| self.locked(|trials| trials.get(uid).cloned()));
        let is_current = |seen: &Arc<Trial>| seen.metadata.resource_version == trial.metadata.resource_version;
        seen.filter(is_current).unwrap_or(trial)
    }

    /// Forgets a trial that has ended or is gone.
    pub(crate) fn forget(&self, uid: &str) {
        self.locked(|trials| trials.remove(uid));
    }

    fn locked<T>(&self, f: impl FnOnce(&mut HashMap<String, Arc<Trial>>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(version: &str, phase: TrialPhase) -> Arc<Trial> {
        let mut trial = crate::trial::jobs_tests::trial(1, "", "spec: {containers: [{name: trainer}]}");
        trial.metadata.resource_version = Some(version.to_owned());
        trial.status = Some(TrialStatus { phase, ..TrialStatus::default() });
        Arc::new(trial)
    }

    #[test]
    fn what_is_seen_stands_until_something_is_written() {
        let under_way = UnderWay::default();
        let pending = trial("1", TrialPhase::Pending);
        let running = TrialStatus { phase: TrialPhase::Running, ..TrialStatus::default() };
        let phase = |trial: Arc<Trial>| under_way.of(trial).status.as_ref().unwrap().phase;
        assert_eq!(phase(pending.clone()), TrialPhase::Pending);
        assert!(under_way.note(&pending, &running), "the phase is news");
        assert!(!under_way.note(&pending, &running), "once");
        assert!(!under_way.note(&pending, &TrialStatus { step: Some(3), ..running.clone() }), "a step is none");
        assert_eq!(phase(pending.clone()), TrialPhase::Running);
        assert!(Arc::ptr_eq(&under_way.of(pending.clone()), &under_way.of(pending.clone())));
        // The cache shows what was written since.
        assert_eq!(phase(trial("2", TrialPhase::Succeeded)), TrialPhase::Succeeded);
        under_way.forget(&pending.uid().unwrap());
        assert_eq!(phase(pending), TrialPhase::Pending);
    }
}
