//! The nearest optimum beyond the boundary of a range that would be seen.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    super::{
        boundary::{self, Edges, Pair},
        edges::Points,
        power::{self, BeyondBoundary},
        reading::Reading,
        unseen,
        wording::count,
    },
    NOISES, SEEN, least,
    planted::{self, Landscape},
};
use crate::{Plan, search::Generator};

/// How far beyond a boundary optima are planted, as shares of the range.
const BEYOND: [f64; 5] = [0.0, 0.1, 0.25, 0.5, 1.0];

/// Optima beyond boundaries.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DetectableBoundaries {
    /// The exploring round that shows them; missing where no round explores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round: Option<String>,
    /// By hyperparameter with a range or a list of numbers, in the order of the study.
    pub hyperparameters: Vec<DetectableBoundary>,
    /// What the first question, whether the search space is large enough, would stay unknown for, a sentence each.
    pub unseen: Vec<String>,
    /// The fewest trials of an arm that would show an optimum a quarter of a range beyond a boundary, where some arm would
    /// leave that question unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trials_needed: Option<usize>,
}

/// One hyperparameter, in the arm and at the end where least is seen.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DetectableBoundary {
    /// Its name, with its condition.
    pub hyperparameter: String,
    /// By noise, ascending.
    pub by_noise: Vec<BeyondAtNoise>,
}

/// What is seen with noise of one size.
#[derive(Clone, Copy, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BeyondAtNoise {
    /// The standard deviation of the noise, as a share of what the objective changes along the range.
    pub noise: f64,
    /// How far beyond the boundary an optimum is seen, as a share of the range: 0 is at the boundary itself; missing where
    /// not even one a whole range beyond is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beyond: Option<f64>,
}

pub(super) fn detectable(plan: &Plan) -> DetectableBoundaries {
    let trials = planted::study(plan, |_| 0.0);
    let arms = planted::arms(plan, &trials);
    let landscape = Landscape::draw(plan, &arms, &mut Generator::new(0));
    // Something must vary for a boundary to be looked for.
    let trials = planted::study(plan, |point| landscape.at(point).1);
    let reading = Reading::new(plan, &trials);
    let edges = boundary::edges(&reading);
    let Some(round) = reading.exploring() else {
        return DetectableBoundaries {
            round: None,
            hyperparameters: Vec::new(),
            unseen: Vec::new(),
            trials_needed: None,
        };
    };
    let mut known = NearestSeen::default();
    let hyperparameters = reading.axes().map(|axis| {
        let of_axis = |pair: &&Pair<'_>| std::ptr::eq(pair.axis.hyperparameter, axis.hyperparameter);
        let pairs: Vec<_> = edges.looked_at.iter().filter(of_axis).collect();
        // An arm with too few trials to be looked at shows none.
        let is_hidden = edges.too_few.iter().any(|arm| arm.trials.iter().any(|trial| axis.value(trial).is_some()));
        let beyond = |noise| if is_hidden { None } else { known.farthest(&edges, &pairs, noise) };
        let by_noise = NOISES.map(beyond).into_iter().zip(NOISES);
        let by_noise: Vec<_> = by_noise.map(|(beyond, noise)| BeyondAtNoise { noise, beyond }).collect();
        DetectableBoundary { hyperparameter: super::super::wording::name(axis.hyperparameter), by_noise }
    });
    let hyperparameters: Vec<_> = hyperparameters.collect();
    let compared = reading.arms(round).len();
    let few =
        edges.too_few.iter().filter(|arm| compared > 1 && edges.too_few.len() < compared && !arm.label().is_empty());
    let few = few.map(|arm| {
        let trials = count(arm.trials.len(), "trial");
        format!("{trials} with {} are too few to look at boundaries.", arm.label())
    });
    let mut open: Vec<String> = few.collect();
    open.extend(unseen::open(&reading, &edges).iter().map(unseen::Unseen::reason));
    open.dedup();
    let wants_trials = !hyperparameters.is_empty() && (!open.is_empty() || !edges.too_few.is_empty());
    let trials_needed = wants_trials.then(|| unseen::trials_needed(&reading, &edges, compared));
    DetectableBoundaries { round: Some(round.name.to_owned()), hyperparameters, unseen: open, trials_needed }
}

/// What was worked out: arms of a crossed study share their points.
#[derive(Default)]
struct NearestSeen(BTreeMap<(Vec<u64>, u64), Option<f64>>);

impl NearestSeen {
    /// Of the arms and ends of a hyperparameter, that where an optimum must lie farthest to be seen; nothing where one can't
    /// be seen in some, or none was looked at.
    fn farthest(&mut self, edges: &Edges<'_>, pairs: &[&Pair<'_>], noise: f64) -> Option<f64> {
        let ends = pairs.iter().flat_map(|pair| [false, true].map(|upper| pair.points(upper, 0.0)));
        ends.map(|points| self.nearest(edges, &points, noise)).reduce(|a, b| Some(a?.max(b?)))?
    }

    fn nearest(&mut self, edges: &Edges<'_>, points: &Points, noise: f64) -> Option<f64> {
        let columns = std::iter::once(&points.distances).chain(&points.others).chain(&points.categories);
        let key = (columns.flatten().map(|x| x.to_bits()).collect(), noise.to_bits());
        *self.0.entry(key).or_insert_with(|| {
            least(&BEYOND, |beyond| {
                power::of_planted(&edges.limits, points, edges.limit, BeyondBoundary { beyond, noise }) >= SEEN
            })
        })
    }
}
