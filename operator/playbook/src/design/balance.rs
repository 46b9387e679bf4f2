//! The three things that compete for a study's trials, and what a shortage of each would look like in its results.
//!
//! Playbook: "Striking a balance between informative and affordable experiments" (requirement R-063).

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;
use studious_api::{
    study::{Algorithm, Hyperparameter, Role, Scale},
    validate,
};
use studious_rules::thresholds::search::TRIALS_PER_DIMENSION;

use super::Coverage;
use crate::{
    Plan,
    findings::wording::{count, list, name, number, percent},
};

/// How a study's trials are split.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Balance {
    /// The playbook's three, in its order. More of one takes more trials, or takes from another.
    pub desiderata: Vec<Desideratum>,
}

/// One of the three.
#[derive(Clone, Debug, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Desideratum {
    /// Which.
    pub want: Want,
    /// How much of it the study has, in a sentence.
    pub has: String,
    /// The number behind that: arms, dimensions of the arm that tunes most, trials per dimension of the arm with fewest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<f64>,
    /// Whether it is below what the rules call enough; missing where no rule says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short: Option<bool>,
    /// What more of it costs.
    pub more: String,
    /// What a shortage would look like in the results; missing where the study wants none of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortage: Option<String>,
}

/// What the playbook wants of a budget.
#[derive(Clone, Copy, Debug, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Want {
    /// Enough different values of the scientific hyperparameters.
    ScientificValues,
    /// A large enough space of the nuisance hyperparameters.
    Width,
    /// A dense enough sampling of that space.
    Density,
}

/// Requirement R-061.
const SAMPLED: &str = " So few trials of each arm say more where the values are drawn together with the other \
                       hyperparameters (spec.search.scientific: Sampled).";
/// Few arms are compared one by one.
const MANY_ARMS: usize = 5;

impl Balance {
    /// The balance of a plan.
    #[must_use]
    pub fn of(plan: &Plan, coverage: Option<&Coverage>) -> Self {
        Self { desiderata: vec![scientific_values(plan, coverage), width(plan, coverage), density(plan, coverage)] }
    }
}

fn scientific_values(plan: &Plan, coverage: Option<&Coverage>) -> Desideratum {
    let scientific: Vec<&Hyperparameter> =
        plan.spec().hyperparameters.iter().filter(|h| h.role == Role::Scientific).collect();
    let arms = coverage.map(|coverage| coverage.arms.len());
    let each = coverage.map_or(0, Coverage::fewest_trials);
    let (has, more) = if scientific.is_empty() {
        (
            "None: the study compares nothing.".to_owned(),
            "Comparing two values takes twice the trials for the same density.".to_owned(),
        )
    } else if scientific.iter().any(|h| h.range.is_some()) {
        let ranges: Vec<String> = scientific.iter().filter(|h| h.range.is_some()).map(|h| name(h)).collect();
        (
            format!("A range of {}, sampled with the other hyperparameters.", list(&ranges)),
            "A wider range takes more trials for the same density.".to_owned(),
        )
    } else {
        let names: Vec<String> = scientific.iter().map(|h| name(h)).collect();
        let arms = arms.unwrap_or_default();
        let left = match each * arms / (arms + 1) {
            0 => String::new(),
            left => format!(", or leaves each arm {left} of its {each}"),
        };
        let more = format!("One more arm takes {}{left}.", more_trials(each));
        let sampled = if would_better_be_sampled(plan, coverage) { SAMPLED } else { "" };
        (format!("{} of {}.", count(arms, "arm"), list(&names)), more + sampled)
    };
    Desideratum {
        want: Want::ScientificValues,
        has,
        amount: arms.map(|arms| arms as f64).filter(|_| !scientific.is_empty()),
        short: None,
        more,
        shortage: (!scientific.is_empty())
            .then(|| "The answer holds for these values only; a better one may not be among them.".to_owned()),
    }
}

/// `1 more trial`, `12 more trials`.
fn more_trials(n: usize) -> String {
    format!("{n} more trial{}", if n == 1 { "" } else { "s" })
}

/// Whether arms are many and have too few trials, in a space that all of them share.
fn would_better_be_sampled(plan: &Plan, coverage: Option<&Coverage>) -> bool {
    let Some(coverage) = coverage.filter(|coverage| coverage.arms.len() >= MANY_ARMS) else { return false };
    let is_shared = plan.spec().hyperparameters.iter().all(|h| h.when.is_none());
    plan.is_crossed() && is_shared && is_short(plan, coverage) == Some(true)
}

/// Whether some arm has fewer trials for each of its dimensions than are enough; nothing where arms tune nothing.
fn is_short(plan: &Plan, coverage: &Coverage) -> Option<bool> {
    let spec = plan.spec();
    let arm = coverage.sparsest().filter(|arm| arm.dimensions > 0)?;
    // Trying every point there is, is enough.
    let all = validate::space_size(spec).and_then(|size| usize::try_from(size).ok());
    let trials: usize = coverage.arms.iter().map(|arm| arm.trials).sum();
    let tries_all = all.is_some_and(|all| trials >= all);
    Some(arm.trials < spec.count(&TRIALS_PER_DIMENSION) * arm.dimensions && !tries_all)
}

/// Whose trials are counted.
fn of_which(coverage: Option<&Coverage>) -> &'static str {
    let arms = coverage.map(|coverage| &coverage.arms[..]).unwrap_or_default();
    match arms {
        [] | [_] => "",
        [first, others @ ..] if others.iter().all(|arm| arm.trials == first.trials) => " of each arm",
        _ => " of the arm that has fewest",
    }
}

/// Whether anything is compared.
fn has_arms(coverage: Option<&Coverage>) -> bool {
    coverage.is_some_and(|coverage| coverage.arms.len() > 1)
}

fn width(plan: &Plan, coverage: Option<&Coverage>) -> Desideratum {
    let tuned: Vec<&Hyperparameter> = plan.spec().hyperparameters.iter().filter(|h| h.role == Role::Nuisance).collect();
    let fixed: Vec<&str> =
        plan.spec().hyperparameters.iter().filter(|h| h.role == Role::Fixed).map(|h| h.name.as_str()).collect();
    let extents: Vec<String> = tuned.iter().map(|h| format!("{} {}", name(h), extent(h))).collect();
    let mut has = match &extents[..] {
        [] => "No nuisance hyperparameter is tuned.".to_owned(),
        extents => format!("Tunes {}.", list(extents)),
    };
    if !fixed.is_empty() {
        let _ = write!(has, " Fixed: {}.", list(&fixed));
    }
    let dimensions = coverage.and_then(|coverage| coverage.arms.iter().map(|arm| arm.dimensions).max());
    Desideratum {
        want: Want::Width,
        has,
        amount: dimensions.map(|dimensions| dimensions as f64),
        short: None,
        more: match plan.spec().search.algorithm {
            // Their points are those that are listed, or all there are.
            Algorithm::Grid => "One more nuisance hyperparameter takes the trials times its values.".to_owned(),
            _ => format!(
                "One more nuisance hyperparameter takes {}{}; a range twice as wide takes twice the trials for the same \
                 density.",
                more_trials(plan.spec().count(&TRIALS_PER_DIMENSION)),
                if has_arms(coverage) { " in each arm" } else { "" }
            ),
        },
        shortage: (!tuned.is_empty()).then(|| {
            let arms =
                if has_arms(coverage) { "; an arm whose best values lie beyond it looks worse than it is" } else { "" };
            format!("Best trials cluster at a boundary (SearchSpaceTooNarrow){arms}.")
        }),
    }
}

/// `over 4 decades`: how wide a search of a hyperparameter is.
fn extent(h: &Hyperparameter) -> String {
    match (&h.range, &h.values) {
        (Some(range), _) => {
            let decades = match range.scale {
                Scale::Linear => return format!("from {} to {}", number(range.min), number(range.max)),
                Scale::Log => (range.max / range.min).log10(),
                Scale::ReverseLog => ((1.0 - range.min) / (1.0 - range.max)).log10(),
            };
            let of = if range.scale == Scale::ReverseLog { " of 1 - x" } else { "" };
            let decades = number((10.0 * decades).round() / 10.0);
            format!("over {decades} decade{}{of}", if decades == "1" { "" } else { "s" })
        }
        (None, Some(values)) => format!("({})", count(values.len(), "value")),
        (None, None) => String::new(),
    }
}

fn density(plan: &Plan, coverage: Option<&Coverage>) -> Desideratum {
    let (enough, short) =
        (plan.spec().count(&TRIALS_PER_DIMENSION), coverage.and_then(|coverage| is_short(plan, coverage)));
    let sparsest = coverage.and_then(Coverage::sparsest).filter(|arm| arm.dimensions > 0);
    let per_dimension = sparsest.map(|arm| arm.trials as f64 / arm.dimensions as f64);
    let gap = coverage.and_then(|coverage| {
        let gaps = coverage.dimensions.iter().filter_map(|d| Some((d, d.largest_gap?)));
        gaps.max_by(|a, b| a.1.share.total_cmp(&b.1.share))
    });
    let mut has = match (sparsest, per_dimension) {
        (Some(arm), Some(each)) => format!(
            "{}{} for {}: {} per dimension{}.",
            count(arm.trials, "trial"),
            of_which(coverage),
            count(arm.dimensions, "dimension"),
            number((10.0 * each).round() / 10.0),
            if short == Some(true) { format!(", too few: at least {enough}") } else { String::new() }
        ),
        _ if coverage.is_none() => "Unknown until the points are known.".to_owned(),
        _ => "Nothing is sampled.".to_owned(),
    };
    if let Some((dimension, gap)) = gap {
        let _ = write!(
            has,
            " Largest gap{}: {} of {}, from {} to {}.",
            coverage
                .filter(|coverage| coverage.by_results > 0)
                .map_or_else(String::new, |coverage| { format!(" of the {} known points", coverage.known) }),
            percent(gap.share),
            dimension.hyperparameter,
            number(gap.from),
            number(gap.to)
        );
    }
    let more = match gap {
        Some(_) if !plan.space().constraints().is_empty() => {
            "Twice the trials halve the gaps of one dimension, except those that the constraints leave.".to_owned()
        }
        Some(_) => "Twice the trials halve the gaps of one dimension.".to_owned(),
        None => String::new(),
    };
    Desideratum {
        want: Want::Density,
        has,
        amount: per_dimension,
        short,
        more,
        shortage: sparsest.map(|_| {
            if has_arms(coverage) {
                "One or two trials of an arm stand apart from the others (Undersampled), and an arm may win by the chance of \
                 its points (DifferenceWithinNoise)."
                    .to_owned()
            } else {
                "One or two trials stand apart from the others (Undersampled).".to_owned()
            }
        }),
    }
}
