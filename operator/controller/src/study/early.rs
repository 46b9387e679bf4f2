//! Trials that fall behind: their evaluations come from what is ingested, those of ended trials from the ledger.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt, TryStreamExt};
use kube::ResourceExt;
use studious_api::{Study, Trial, trial::TrialPhase};
use studious_ledger::LedgerError;
use studious_playbook::{
    Plan, TrialKey,
    decide::{self, Action, Trace},
    trial::Reason,
};

use super::observe::Observed;
use crate::context::Context;

/// How often it is asked which trials fall behind, while any run.
pub(super) const AGAIN: Duration = Duration::from_secs(2);
/// How many ended trials' evaluations are read at once.
const AT_ONCE: usize = 8;

/// Whether trials are under way that may be ended early.
pub(super) fn is_asked(plan: &Plan, seen: &Observed) -> bool {
    let may = |round: &str| decide::may_end_early(plan, round);
    seen.states.iter().any(|state| !state.phase.has_ended() && may(&state.key.round))
}

/// The trials that are to be stopped because they fall behind, each with why.
pub(super) async fn stops(
    study: &Study,
    context: &Arc<Context>,
    plan: &Plan,
    seen: &Observed,
) -> Vec<(String, Reason, String)> {
    if !is_asked(plan, seen) {
        return Vec::new();
    }
    let direction = plan.spec().objective.direction;
    let under_way = |trial: &Trial| !phase(trial).has_ended();
    // Only those that trials under way are compared with.
    let rounds: BTreeSet<&str> =
        seen.trials.iter().filter(|trial| under_way(trial)).map(|trial| trial.spec.round.as_str()).collect();
    let is_compared = |trial: &&Arc<Trial>| {
        let round = trial.spec.round.as_str();
        decide::may_end_early(plan, round)
            && rounds.contains(round)
            && !matches!(phase(trial), TrialPhase::Infeasible | TrialPhase::Failed)
    };
    let compared: Vec<&Arc<Trial>> = seen.trials.iter().filter(is_compared).collect();
    let mut traces: HashMap<TrialKey, Arc<Trace>> = HashMap::new();
    for trial in compared.iter().filter(|trial| under_way(trial)) {
        if let Some(trace) = context.live.trace(&trial.uid().unwrap_or_default(), direction) {
            traces.insert(key(trial), Arc::new(trace));
        }
    }
    let ended: Vec<&Arc<Trial>> = compared.into_iter().filter(|trial| !under_way(trial)).collect();
    traces.extend(of_ended(study, context, plan, &ended).await);
    decide::early_ends(plan, &seen.states, &traces)
        .into_iter()
        .filter_map(|action| match action {
            Action::Stop { trial, reason, why } => Some((trial, reason, why)),
            _ => None,
        })
        .collect()
}

/// Evaluations of trials that have ended: from memory, or else from the ledger. Those that can't be read stop nothing.
async fn of_ended(
    study: &Study,
    context: &Arc<Context>,
    plan: &Plan,
    trials: &[&Arc<Trial>],
) -> HashMap<TrialKey, Arc<Trace>> {
    let uid = study.uid().unwrap_or_default();
    let mut traces = context.studies.with(&uid, |memory| memory.traces.clone());
    let mut missing: Vec<String> = trials.iter().map(|trial| trial.uid().unwrap_or_default()).collect();
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
            context.studies.with(&uid, |memory| memory.traces.extend(read));
        }
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(study = study.name_any(), %error, "early ending goes without trials that ended before");
        }
    }
    let of = |trial: &Arc<Trial>| Some((key(trial), traces.get(&trial.uid().unwrap_or_default())?.clone()));
    trials.iter().filter_map(|trial| of(trial)).collect()
}

fn phase(trial: &Trial) -> TrialPhase {
    trial.status.as_ref().map_or(TrialPhase::Pending, |status| status.phase)
}

fn key(trial: &Trial) -> TrialKey {
    TrialKey { round: trial.spec.round.clone(), index: trial.spec.index }
}
