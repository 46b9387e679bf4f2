//! A trial's evaluations as early ending reads them, worked out again only when there are new ones.

use std::sync::Arc;

use studious_api::study::Direction;
use studious_playbook::{decide::Progress, study::Trace};

/// What was worked out last, and from what.
#[derive(Debug, Default)]
pub(crate) struct Evaluations {
    /// How many attempts evaluated and from where the latest did, how many there were, the last of them.
    of: Option<((usize, Option<u64>), usize, Option<u64>)>,
    trace: Arc<Trace>,
}

impl Evaluations {
    /// The evaluations of a trial that has come so far.
    pub(crate) fn trace(&mut self, direction: Direction, progress: &Progress) -> Arc<Trace> {
        let evaluations = &progress.evaluations.values;
        let now =
            (progress.evaluations.resumed(), evaluations.len(), evaluations.last_key_value().map(|(step, _)| *step));
        if self.of != Some(now) {
            self.trace = Arc::new(Trace::new(direction, evaluations.iter().map(|(step, value)| (*step, *value))));
            self.of = Some(now);
        }
        self.trace.clone()
    }
}
