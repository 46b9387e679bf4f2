//! The smallest difference between two arms that would be called one.

use schemars::JsonSchema;
use serde::Serialize;
use studious_rules::search::BASELINE_UNDER_TUNED;

use super::{
    super::{
        Finding, Severity,
        change::Change,
        effort,
        lead::{self, Lead},
        needed, policy,
        power::normal,
        reading::Reading,
        sampling,
    },
    NOISES, in_enough, least,
    planted::{self, Landscape},
};
use crate::{Plan, search::Generator};

/// Differences that are tried, in standard deviations of the noise.
const DIFFERENCES: [f64; 14] = [0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 20.0];
/// Planted studies of one difference; of large studies fewer, so that all have this many trials at most.
const STUDIES: usize = 60;
const MOST_PLANTED: usize = 3500;
const FEWEST_STUDIES: usize = 20;

/// What to do where the second question fails, whatever the difference.
const MORE_TRIALS: &str = "run more trials of each arm: question 2 (were enough points of the search space sampled?) fails, and nothing is named \
     until it passes";
const LIKE_THE_BEST: &str = "tune the other arms as well, their learning rate for one: question 2 (were enough points of the search space sampled?) \
     fails for an arm that tunes much less than the best, and nothing is named until it passes";

/// The smallest difference between the best arm, each arm with its best values, and all others that are equal.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DetectableDifference {
    /// The arms that are compared.
    pub arms: usize,
    /// By noise, ascending.
    pub by_noise: Vec<DifferenceAtNoise>,
    /// What would let the study name a winner, as the findings say it, where it can name none at some noise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The change of the study that does so, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
}

/// What is seen with noise of one size.
#[derive(Clone, Copy, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DifferenceAtNoise {
    /// The standard deviation between two trainings of one point with other seeds, as a share of what the objective changes
    /// along the first range that an arm tunes; missing where arms tune nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    /// The difference from which the better arm is named the winner, in standard deviations of that noise; missing where
    /// none of those tried, up to 20, is enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub winner: Option<f64>,
    /// The difference from which the better arm is said to lead by more than noise, a weaker statement that names no
    /// winner; worked out where there is no winner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<f64>,
}

/// What the answer is to call the better arm.
#[derive(Clone, Copy)]
enum Called {
    Winner,
    Lead,
}

pub(super) fn detectable(plan: &Plan) -> Option<DetectableDifference> {
    let planted = PlantedArms::of(plan)?;
    let by_noise: Vec<_> = planted.noises().into_iter().map(|noise| planted.at(noise)).collect();
    let largest = DIFFERENCES[DIFFERENCES.len() - 1];
    let no_winner = by_noise.iter().find(|at| at.winner.is_none());
    let remedy = no_winner.and_then(|at| planted.remedy(at.noise.unwrap_or(1.0), largest));
    let (remedy, change) = remedy.map_or((None, None), |remedy| (Some(remedy.words), remedy.change));
    Some(DetectableDifference { arms: planted.arms.len(), by_noise, remedy, change })
}

/// The finding by which the second question fails, if one does. The others do not depend on the size of a difference: the
/// first passes or is unknown where the best values lie inside, and planted trials have no curves.
fn fails_sampling(reading: &Reading<'_>) -> Option<Finding> {
    let mut findings = Vec::new();
    sampling::examine(reading, &mut findings);
    effort::examine(reading, &mut findings);
    let spec = reading.plan.spec();
    findings
        .into_iter()
        .find(|f| f.severity > Severity::Info && !policy::is_waived(spec, &f.code, f.hyperparameter.as_deref()))
}

/// The plan with its arms.
struct PlantedArms<'a> {
    plan: &'a Plan,
    arms: std::collections::HashMap<crate::space::PointIdentity, usize>,
    /// Whether arms tune anything.
    tunes: bool,
    studies: usize,
}

impl<'a> PlantedArms<'a> {
    fn of(plan: &'a Plan) -> Option<Self> {
        let trials = planted::study(plan, |_| 0.0);
        let arms = planted::arms(plan, &trials);
        let landscape = Landscape::draw(plan, &arms, &mut Generator::new(0));
        let tunes = trials.iter().any(|trial| landscape.at(&trial.hyperparameters).1 > 0.0);
        let studies = (MOST_PLANTED / trials.len().max(1)).clamp(FEWEST_STUDIES, STUDIES);
        (arms.len() > 1).then_some(Self { plan, arms, tunes, studies })
    }

    fn noises(&self) -> Vec<Option<f64>> {
        if self.tunes { NOISES.map(Some).to_vec() } else { vec![None] }
    }

    fn at(&self, noise: Option<f64>) -> DifferenceAtNoise {
        let deviation = noise.unwrap_or(1.0);
        let smallest = |called| {
            least(&DIFFERENCES, |difference| in_enough(self.studies, |s| self.sees(called, s, deviation, difference)))
        };
        let winner = smallest(Called::Winner);
        let lead = if winner.is_none() { smallest(Called::Lead) } else { None };
        DifferenceAtNoise { noise, winner, lead }
    }

    fn sees(&self, called: Called, study: u64, deviation: f64, difference: f64) -> bool {
        let better = usize::try_from(study).unwrap_or_default() % self.arms.len();
        self.read(study, deviation, difference, |reading, lead, arm| {
            let is_right = arm(lead) == better;
            is_right
                && match called {
                    Called::Winner => lead.is_winner() && fails_sampling(reading).is_none(),
                    Called::Lead => lead.doubt.is_none(),
                }
        })
        .unwrap_or_default()
    }

    /// What it would take, in a study whose arms differ by so much.
    fn remedy(&self, deviation: f64, difference: f64) -> Option<needed::Remedy> {
        // The first that names none: which arm is the better one may matter.
        let unnamed =
            (0..self.studies as u64).find(|study| !self.sees(Called::Winner, *study, deviation, difference))?;
        self.read(unnamed, deviation, difference, |reading, lead, _| {
            match fails_sampling(reading).filter(|_| lead.is_winner()) {
                // Not how often points are trained again, but how many there are.
                Some(finding) => {
                    let words = if finding.code == BASELINE_UNDER_TUNED.code { LIKE_THE_BEST } else { MORE_TRIALS };
                    needed::Remedy { words: words.to_owned(), times: None, change: finding.change }
                }
                None => needed::remedy(reading, lead),
            }
        })
    }

    /// Plants a study, and reads which arm leads.
    fn read<T>(
        &self,
        study: u64,
        deviation: f64,
        difference: f64,
        of: impl FnOnce(&Reading<'_>, &Lead<'_>, &dyn Fn(&Lead<'_>) -> usize) -> T,
    ) -> Option<T> {
        let mut generator = Generator::new(study.wrapping_mul(7919).wrapping_add(1));
        let landscape = Landscape::draw(self.plan, &self.arms, &mut generator);
        let better = usize::try_from(study).unwrap_or_default() % self.arms.len();
        let trials = planted::study(self.plan, |point| {
            let (arm, loss) = landscape.at(point);
            let ahead = if arm == better { difference * deviation } else { 0.0 };
            loss - ahead + deviation * normal(&mut generator)
        });
        let reading = Reading::new(self.plan, &trials);
        let lead = lead::lead(&reading)?;
        Some(of(&reading, &lead, &|lead: &Lead<'_>| landscape.at(&lead.first.trial.hyperparameters).0))
    }
}
