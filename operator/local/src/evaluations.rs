//! A trial's evaluations as early ending reads them, worked out again only when there are new ones.

use std::sync::Arc;

use studious_api::study::Direction;
use studious_playbook::{decide::Progress, study::Trace};

/// What was worked out last, and from what.
#[derive(Debug, Default)]
pub(crate) struct Evaluations {
    of: Option<Known>,
    trace: Arc<Trace>,
}

/// What tells whether evaluations are new.
#[derive(Debug, PartialEq)]
struct Known {
    /// How many attempts evaluated, and from where the latest did.
    resumed: (usize, Option<u64>),
    count: usize,
    last: Option<u64>,
}

impl Evaluations {
    /// The evaluations of a trial that has come so far.
    pub(crate) fn trace(&mut self, direction: Direction, progress: &Progress) -> Arc<Trace> {
        let evaluations = &progress.evaluations.values;
        let now = Some(Known {
            resumed: progress.evaluations.resumed(),
            count: evaluations.len(),
            last: evaluations.last_key_value().map(|(step, _)| *step),
        });
        if self.of != now {
            self.trace = Arc::new(Trace::new(direction, evaluations.iter().map(|(step, value)| (*step, *value))));
            self.of = now;
        }
        self.trace.clone()
    }
}
