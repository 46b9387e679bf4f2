//! What running trials have measured so far, kept in memory: fed by ingest, rebuilt from the ledger after a restart.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use studious_api::{TrialSpec, study::Direction};
use studious_ledger::{Appended, Cursor, Cursors, Ledger, LedgerError};
use studious_playbook::{decide::Progress, study::Trace};

/// The latest value of each metric by host.
pub(crate) type Latest = BTreeMap<u32, BTreeMap<String, f64>>;

/// What is known of one trial.
#[derive(Debug, Default)]
pub(crate) struct LiveTrial {
    /// What its lines add up to, and the cursors up to which they were seen; nothing before the ledger was asked.
    known: Option<(Progress, Cursors)>,
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
        if self.known.is_none() {
            self.known = Some(ledger.progress_and_cursors(uid, spec).await?);
        }
        Ok(&mut self.known.get_or_insert_default().0)
    }

    /// As [`LiveTrial::progress`], with the lines that other replicas took in: what is decided on.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub(crate) async fn acknowledged(
        &mut self,
        ledger: &Ledger,
        uid: &str,
        spec: &TrialSpec,
    ) -> Result<&mut Progress, LedgerError> {
        if let Some((_, seen)) = &self.known
            && *seen != ledger.cursors(uid).await?
        {
            self.known = None;
        }
        self.progress(ledger, uid, spec).await
    }

    /// Takes in what the ledger has just taken, and whether nothing more will come. Says whether the trial should be
    /// looked at. When lines are missing between what was seen and this, the next question goes to the ledger again.
    pub(crate) fn observe(
        &mut self,
        spec: &TrialSpec,
        (attempt, host): (u32, u32),
        appended: &Appended,
        drained: bool,
    ) -> bool {
        // Before the ledger was asked there is nothing to add to: what was appended will be in what it says.
        let Some((progress, cursors)) = &mut self.known else { return true };
        let cursor = cursors.entry((attempt, host)).or_default();
        if cursor.next_line != appended.first_new() {
            self.known = None;
            return true;
        }
        let newly_drained = drained && !cursor.drained;
        *cursor = Cursor { next_line: appended.next_line, drained: cursor.drained || drained };
        let telling = |p: &Progress| {
            (p.non_finite().is_some(), p.infeasible().is_some(), p.inits.len(), p.done.len(), p.checkpoints.len())
        };
        let before = telling(progress);
        progress.observe_dropped(appended.dropped, appended.dropped_values);
        for (number, line) in &appended.new {
            match line {
                Ok(line) => progress.observe(spec, attempt, host, line),
                Err(problem) => progress.observe_malformed(host, *number, &problem.to_string()),
            }
        }
        newly_drained || before != telling(progress)
    }

    /// Whether the agent of a host said that nothing more will come.
    pub(crate) fn is_drained(&self, attempt: u32, host: u32) -> bool {
        let cursor = self.known.as_ref().and_then(|(_, cursors)| cursors.get(&(attempt, host)));
        cursor.is_some_and(|cursor| cursor.drained)
    }

    fn latest(&self) -> Latest {
        self.known.as_ref().map(|(progress, _)| progress.latest.clone()).unwrap_or_default()
    }
}

/// One trial's entry: the writer to the ledger holds it meanwhile, so that lines are seen in their order.
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

    /// The latest value of each metric by trial uid and host, of those without a writer at this moment.
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

    /// The evaluations of a trial that runs.
    ///
    /// # Errors
    /// When the ledger has to be asked and can't be read.
    pub(crate) async fn trace(
        &self,
        ledger: &Ledger,
        uid: &str,
        spec: &TrialSpec,
        direction: Direction,
    ) -> Result<Trace, LedgerError> {
        let entry = self.entry(uid);
        let mut live = entry.lock().await;
        let progress = live.progress(ledger, uid, spec).await?;
        Ok(Trace::new(direction, progress.evaluations.values.iter().map(|(step, value)| (*step, *value))))
    }

    fn lock<T>(&self, f: impl FnOnce(&mut HashMap<String, Entry>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
