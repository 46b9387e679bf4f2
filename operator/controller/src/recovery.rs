//! What happens while the ledger can't be written: nothing is started and nothing is judged, for what trainers measure
//! meanwhile waits with their agents. Once it can be, everything is looked at again.

use std::{sync::Arc, time::Duration};

use kube::runtime::reflector::ObjectRef;
use studious_ledger::Health;
use tokio_util::sync::CancellationToken;

use crate::context::Context;

/// How often a ledger that fails is tried.
const EVERY: Duration = Duration::from_secs(2);

/// Why the ledger can't be written, as a condition has it: a word and a sentence.
pub(crate) fn trouble(health: &Health) -> Option<(String, String)> {
    match health {
        Health::Working => None,
        Health::Failing { cause, message, .. } => Some((
            format!("{cause:?}"),
            format!("measurements can't be taken in, so that nothing is started and nothing is judged: {message}"),
        )),
    }
}

/// Tries a ledger that fails until it works again, until the process is to end.
pub(crate) async fn run(context: Arc<Context>, ending: CancellationToken) {
    let mut was_failing = false;
    while ending.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        let failing = !context.ledger.probe().await.is_working();
        if failing != was_failing {
            look_at_all(&context);
        }
        was_failing = failing;
    }
}

/// Every study says it, and what waited continues.
fn look_at_all(context: &Context) {
    for study in context.caches.studies.state() {
        context.caches.study_queue.push(ObjectRef::from_obj(study.as_ref()));
    }
    for trial in context.caches.trials.state() {
        context.caches.trial_queue.push(ObjectRef::from_obj(trial.as_ref()));
    }
}
