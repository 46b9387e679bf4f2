//! The means of retrainings that the answer is drawn from, each with its interval, as plots show them.

use super::{
    super::{
        lead,
        noise::{self, Noise},
        reading::{Arm, Reading},
    },
    Estimate, of_mean,
};
use crate::record::TrialRecord;

/// The mean of the retrainings of a point.
pub(crate) struct RetrainedMean<'a> {
    /// The arm whose best point it is; nothing in a study without arms.
    pub(crate) arm: Option<Arm<'a>>,
    /// One of the retrainings.
    pub(crate) trial: &'a TrialRecord,
    /// The mean, and where the truth is.
    pub(crate) mean: Estimate,
    /// How many retrainings it is the mean of.
    pub(crate) retrainings: usize,
}

/// What the answer compares, where it rests on retrainings.
pub(crate) struct ComparedMeans<'a> {
    /// The leading arm first; one of a study without arms.
    pub(crate) means: Vec<RetrainedMean<'a>>,
    /// By how much the first arm is ahead of the second, where both were trained again.
    pub(crate) difference: Option<Estimate>,
}

impl<'a> Reading<'a> {
    /// The means of retrainings behind the study's answer; nothing where it rests on none.
    pub(crate) fn compared_means(&self) -> Option<ComparedMeans<'a>> {
        let round = self.concluding()?;
        let noise = noise::at_budget_of(self, round);
        if self.arms(round).len() < 2 {
            return self.mean_of_best(noise).map(|mean| ComparedMeans { means: vec![mean], difference: None });
        }
        let lead = lead::lead(self)?;
        let difference = lead.by_means.then(|| lead.difference(self));
        let standings = [lead.first, lead.second].into_iter().chain(lead.others).filter(|s| s.retrainings > 0);
        let means: Vec<RetrainedMean<'a>> = standings
            .map(|s| RetrainedMean {
                mean: of_mean(self, noise, s.value, s.retrainings),
                arm: Some(s.arm),
                trial: s.trial,
                retrainings: s.retrainings,
            })
            .collect();
        (!means.is_empty()).then_some(ComparedMeans { means, difference })
    }

    fn mean_of_best(&self, noise: Option<Noise>) -> Option<RetrainedMean<'a>> {
        let round = self.concluding()?;
        let (best, _) = self.ranked(&round.trials).first().copied()?;
        let again = noise::repeats_of(self, best)?;
        let retrainings = again.values.len();
        Some(RetrainedMean {
            arm: None,
            trial: again.trials.first()?,
            mean: of_mean(self, noise, again.mean(), retrainings),
            retrainings,
        })
    }
}
