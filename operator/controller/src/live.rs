//! What running trials have measured so far, kept in memory: fed by ingest, rebuilt from the ledger after a restart.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use studious_api::{TrialSpec, study::Direction};
use studious_ledger::{Appended, Ledger, LedgerError};
use studious_playbook::decide::{Progress, Trace};

/// The latest value of each metric by host.
pub(crate) type Latest = BTreeMap<u32, BTreeMap<String, f64>>;

/// What is known of one trial.
#[derive(Debug, Default)]
pub(crate) struct LiveTrial {
    /// What its lines add up to; nothing before the ledger was asked.
    progress: Option<Progress>,
    /// Hosts whose agents said that nothing more will come, by attempt.
    drained: BTreeSet<(u32, u32)>,
}

impl LiveTrial {
    /// What its lines add up to: from the ledger the first time.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub(crate) async fn progress(
        &mut self,
        ledger: &Ledger,
        uid: &str,
        spec: &TrialSpec,
    ) -> Result<&mut Progress, LedgerError> {
        if self.progress.is_none() {
            self.progress = Some(ledger.progress(uid, spec).await?);
        }
        Ok(self.progress.get_or_insert_default())
    }

    /// Takes in what the ledger has just taken. Says whether the trial should be looked at.
    pub(crate) fn observe(&mut self, spec: &TrialSpec, attempt: u32, host: u32, appended: &Appended) -> bool {
        // Before the ledger was asked there is nothing to add to: what was appended will be in what it says.
        let Some(progress) = &mut self.progress else { return true };
        let telling = |p: &Progress| {
            (p.non_finite.is_some(), p.infeasible.is_some(), p.inits.len(), p.done.len(), p.checkpoints.len())
        };
        let before = telling(progress);
        for (number, line) in &appended.new {
            match line {
                Ok(line) => progress.observe(spec, attempt, host, line),
                Err(problem) => progress.observe_malformed(host, *number, &problem.to_string()),
            }
        }
        before != telling(progress)
    }

    /// Takes in that nothing more will come from a host. Says whether that is new.
    pub(crate) fn observe_drained(&mut self, attempt: u32, host: u32) -> bool {
        self.drained.insert((attempt, host))
    }

    /// Whether the agent of a host said that nothing more will come.
    pub(crate) fn is_drained(&self, attempt: u32, host: u32) -> bool {
        self.drained.contains(&(attempt, host))
    }

    fn trace(&self, direction: Direction) -> Option<Trace> {
        let progress = self.progress.as_ref()?;
        Some(Trace::new(direction, progress.evaluations.iter().map(|(step, value)| (*step, *value))))
    }

    fn latest(&self) -> Latest {
        self.progress.as_ref().map(|progress| progress.latest.clone()).unwrap_or_default()
    }
}

/// One trial's entry: whoever appends to the ledger holds it meanwhile, so that lines are seen in their order.
pub(crate) type Entry = Arc<tokio::sync::Mutex<LiveTrial>>;

/// All running trials by uid.
#[derive(Debug, Default)]
pub(crate) struct Live(Mutex<HashMap<String, Entry>>);

impl Live {
    /// The entry of a trial that runs.
    pub(crate) fn entry(&self, uid: &str) -> Entry {
        self.lock(|trials| trials.entry(uid.to_owned()).or_default().clone())
    }

    /// Drops the entry of a trial that has ended or is gone.
    pub(crate) fn forget(&self, uid: &str) {
        self.lock(|trials| trials.remove(uid));
    }

    /// The latest value of each metric by trial uid and host, of those that nobody writes to at this moment.
    pub(crate) fn latest(&self) -> HashMap<String, Latest> {
        let entries: Vec<(String, Entry)> = self.lock(|trials| trials.clone().into_iter().collect());
        entries
            .into_iter()
            .filter_map(|(uid, entry)| {
                let latest = entry.try_lock().ok()?.latest();
                Some((uid, latest))
            })
            .collect()
    }

    /// The evaluations of a trial that runs, if they are known and nobody writes to them at this moment.
    pub(crate) fn trace(&self, uid: &str, direction: Direction) -> Option<Trace> {
        let entry = self.lock(|trials| trials.get(uid).cloned())?;
        entry.try_lock().ok()?.trace(direction)
    }

    fn lock<T>(&self, f: impl FnOnce(&mut HashMap<String, Entry>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
