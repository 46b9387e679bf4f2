//! Rows of studies that are gone leave the ledger, a while after their studies.
//!
//! Nothing waits for it: a study can be deleted while the operator is away, or for good. The while is for a cluster whose
//! state is put back: studies that return find their measurements.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::context::Context;

/// How often rows are looked at.
const EVERY: Duration = Duration::from_mins(5);
/// How long a study must be known to be gone.
const GRACE: SignedDuration = SignedDuration::from_hours(1);

/// Since when studies with rows are known to be gone, by uid.
#[derive(Debug, Default)]
struct Missing(HashMap<String, Timestamp>);

impl Missing {
    /// The studies whose rows may go, of those that have rows.
    fn long_gone(&mut self, rows: &[String], there: &HashSet<String>, now: Timestamp) -> Vec<String> {
        self.0.retain(|uid, _| rows.contains(uid) && !there.contains(uid));
        let missing = rows.iter().filter(|uid| !there.contains(*uid));
        missing
            .filter(|uid| now.duration_since(*self.0.entry((*uid).clone()).or_insert(now)) >= GRACE)
            .cloned()
            .collect()
    }
}

/// Sweeps until the process is to end. `namespace` is the one that is watched, if it isn't all.
pub(crate) async fn run(context: Arc<Context>, namespace: Option<String>, ending: CancellationToken) {
    let mut missing = Missing::default();
    while ending.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        let rows = match context.ledger.studies().await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, "rows of deleted studies stay in the ledger for now");
                continue;
            }
        };
        let ours = rows.iter().filter(|row| namespace.as_ref().is_none_or(|namespace| row.namespace == *namespace));
        let uids: Vec<String> = ours.map(|row| row.uid.clone()).collect();
        let there = context.caches.studies.state().iter().filter_map(|study| study.metadata.uid.clone()).collect();
        for uid in missing.long_gone(&uids, &there, context.clock.now()) {
            match context.ledger.delete_study(&uid).await {
                Ok(_) => tracing::info!(uid, "the measurements of a deleted study have left the ledger"),
                Err(error) => tracing::warn!(uid, %error, "the measurements of a deleted study stay for now"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_an_hour_after_their_study_and_stay_if_it_returns() {
        let at = |minute: i64| Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap();
        let rows = ["a".to_owned(), "b".to_owned()];
        let there = |uids: &[&str]| uids.iter().map(|uid| (*uid).to_owned()).collect::<HashSet<String>>();
        let mut missing = Missing::default();
        assert!(missing.long_gone(&rows, &there(&["a"]), at(0)).is_empty());
        assert!(missing.long_gone(&rows, &there(&["a"]), at(59)).is_empty());
        assert_eq!(missing.long_gone(&rows, &there(&["a"]), at(60)), ["b"]);
        // It came back, and went again.
        assert!(missing.long_gone(&rows, &there(&["a", "b"]), at(61)).is_empty());
        assert!(missing.long_gone(&rows, &there(&["a"]), at(62)).is_empty());
        assert!(missing.long_gone(&rows, &there(&["a"]), at(120)).is_empty());
    }
}
