//! Trials that fall behind: their evaluations come from what is ingested, those of ended trials from the ledger.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::{StreamExt, TryStreamExt};
use studious_api::{
    Study, Trial,
    trial::{RungStatus, TrialPhase},
};
use studious_ledger::LedgerError;
use studious_playbook::{
    Plan, TrialKey,
    study::{self, Trace},
};

use super::{StudyReconciler, observe::ObservedStudy};
use crate::object::Identified;

/// How often it is asked which trials fall behind, while any run.
pub(super) const AGAIN: Duration = Duration::from_secs(2);
/// How many ended trials' evaluations are read at once.
const AT_ONCE: usize = 8;

/// Whether trials are running that may be ended early.
pub(super) fn is_asked(plan: &Plan, seen: &ObservedStudy) -> bool {
    seen.trials.iter().any(|trial| !phase(trial).has_ended() && study::may_end_early(plan, &trial.spec.round))
}

/// What is known of the evaluations of trials that may be ended early, or that those are compared with. Of a trial whose
/// evaluations can't be read they are not known, and nothing is decided on them.
pub(super) async fn evaluations(
    study: &Identified<Study>,
    context: &StudyReconciler,
    plan: &Plan,
    seen: &ObservedStudy,
) -> Vec<(TrialKey, Option<Arc<Trace>>)> {
    if !is_asked(plan, seen) {
        return Vec::new();
    }
    let direction = plan.spec().objective.direction;
    let under_way = |trial: &Trial| !phase(trial).has_ended();
    // Only those that trials running are compared with.
    let rounds: BTreeSet<&str> =
        seen.trials.iter().filter(|trial| under_way(trial)).map(|trial| trial.spec.round.as_str()).collect();
    let is_compared = |trial: &&Identified<Trial>| {
        let round = trial.spec.round.as_str();
        study::may_end_early(plan, round)
            && rounds.contains(round)
            && !matches!(phase(trial), TrialPhase::Infeasible | TrialPhase::Failed)
    };
    let compared: Vec<&Identified<Trial>> = seen.trials.iter().filter(is_compared).collect();
    let mut known = Vec::new();
    for trial in compared.iter().filter(|trial| under_way(trial)) {
        let trace = match context.live.trace(&context.ledger, &trial.id.uid, &trial.spec, direction).await {
            // After the ledger was lost its status knows more.
            Ok(trace) => Some(Arc::new(trace.with_rungs(direction, rungs(trial)))),
            Err(error) => {
                tracing::warn!(trial = trial.id.name, %error, "its evaluations are not known: nothing is ended early");
                None
            }
        };
        known.push((TrialKey::of(&trial.spec), trace));
    }
    let ended: Vec<&Identified<Trial>> = compared.into_iter().filter(|trial| !under_way(trial)).collect();
    known.extend(of_ended(study, context, plan, &ended).await);
    known
}

/// Evaluations of trials that have ended: from memory, or else from the ledger.
async fn of_ended(
    study: &Identified<Study>,
    context: &StudyReconciler,
    plan: &Plan,
    trials: &[&Identified<Trial>],
) -> Vec<(TrialKey, Option<Arc<Trace>>)> {
    let uid = &study.id.uid;
    let mut traces = context.memories.with(uid, |memory| memory.traces.clone());
    let mut missing: Vec<String> = trials.iter().map(|trial| trial.id.uid.clone()).collect();
    missing.retain(|id| !traces.contains_key(id));
    let objective = &plan.spec().objective;
    let read = futures::stream::iter(missing)
        .map(|id| async move {
            let curve = context.ledger.curve(&id, 0, &objective.metric).await?;
            Ok::<_, LedgerError>((id, Arc::new(Trace::new(objective.direction, curve))))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await;
    match read {
        Ok(read) if !read.is_empty() => {
            traces.extend(read.iter().cloned());
            context.memories.with(uid, |memory| memory.traces.extend(read));
        }
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(study = study.id.name, %error, "the evaluations of trials that ended before are not known: nothing is ended early");
        }
    }
    // A trial that trained, of which the ledger has no evaluation: they are lost, not none. What its status keeps is enough
    // to compare others with it at the rungs.
    let of = |trial: &Identified<Trial>| {
        let trace = traces.get(&trial.id.uid)?;
        let has_trained = trial.status.as_ref().is_some_and(|status| status.step.is_some());
        match rungs(trial) {
            [] if trace.is_empty() && has_trained => None,
            kept @ [first, ..] if trace.first_step().is_none_or(|known| first.step < known) => {
                Some(Arc::new(Trace::clone(trace).with_rungs(objective.direction, kept)))
            }
            _ => Some(trace.clone()),
        }
    };
    trials.iter().map(|trial| (TrialKey::of(&trial.spec), of(trial))).collect()
}

/// What a trial's status keeps of its evaluations.
fn rungs(trial: &Trial) -> &[RungStatus] {
    trial.status.as_ref().map_or(&[], |status| &status.rungs)
}

fn phase(trial: &Trial) -> TrialPhase {
    trial.status.as_ref().map_or(TrialPhase::Pending, |status| status.phase)
}
