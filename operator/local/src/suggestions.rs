//! Choosing points beside the run: it takes long, and trainers are looked after meanwhile.

use std::sync::Arc;

use studious_playbook::{
    Plan, TrialKey,
    rounds::RoundPoint,
    search::{self, EarlierStudy},
    study::View,
    trial::TrialState,
};
use tokio::task::JoinHandle;

use crate::Error;

/// Points that results choose: at most one search is running.
#[derive(Debug, Default)]
pub(crate) struct Suggestions {
    earlier: Arc<Vec<EarlierStudy>>,
    under_way: Option<JoinHandle<Vec<RoundPoint>>>,
}

impl Suggestions {
    /// Of a study that starts from these.
    pub(crate) fn new(earlier: Vec<EarlierStudy>) -> Self {
        Self { earlier: Arc::new(earlier), under_way: None }
    }

    /// Begins a search, unless one is running.
    pub(crate) fn ask(&mut self, plan: &Plan, keys: Vec<TrialKey>, view: &View) {
        if self.under_way.is_some() {
            return;
        }
        let (plan, earlier) = (plan.clone(), self.earlier.clone());
        let trials: Vec<TrialState> = view.trials().cloned().collect();
        let search = move || search::points_for(&plan, &keys, &trials, &earlier);
        self.under_way = Some(tokio::task::spawn_blocking(search));
    }

    /// Waits until the search that is running has ended, and gives its points; for ever if none is. May be dropped and
    /// called again.
    pub(crate) async fn chosen(&mut self) -> Result<Vec<RoundPoint>, Error> {
        let Some(search) = &mut self.under_way else { return std::future::pending().await };
        let points = search.await;
        self.under_way = None;
        Ok(points?)
    }
}
