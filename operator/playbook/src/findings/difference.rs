//! Whether the difference between arms is more than luck.
//!
//! Two kinds of luck (requirement R-087). That of a training: the gap between the two best must be larger than two standard
//! deviations of a difference of retrainings. And that of the search: one arm's best point may be a lucky find. If the
//! arms didn't matter, which trials belong to which would be chance; the best r of both together, those that beat the
//! other arm's best, would all belong to one arm with a chance that is counted exactly.

use studious_api::{
    HyperparameterValue,
    study::{Hyperparameter, Retrain, Role},
};
use studious_rules::{
    search::{DIFFERENCE_WITHIN_NOISE, FEATURE_NOT_HELPING},
    thresholds::search::{FALSE_ALARMS, FEATURE_TRIALS, NOISE_DEVIATIONS, RETRAIN_TIMES},
};

use super::{
    Finding,
    change::Edit,
    exact, noise,
    reading::{Arm, Reading, RoundTrials},
    sampling::comparable_noise,
    wording::{count, list, number, p_value},
};

/// How two arms compare.
struct Comparison {
    gap: f64,
    /// Results of the better arm that beat the best of the other.
    ahead: usize,
    /// The chance of so many, or more, if arms don't matter.
    search_luck: f64,
}

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.concluding() else { return };
    let arms = reading.arms(round);
    if arms.len() < 2 {
        return;
    }
    within_noise(reading, round, &arms, findings);
    features(reading, round, &arms, findings);
}

fn within_noise(reading: &Reading<'_>, round: &RoundTrials<'_>, arms: &[Arm<'_>], findings: &mut Vec<Finding>) {
    let mut ranked: Vec<_> =
        arms.iter().filter_map(|arm| Some((arm, reading.ranked(&arm.trials).first()?.1))).collect();
    let direction = reading.direction();
    ranked.sort_by(|a, b| direction.best_first(a.1, b.1));
    let [(first, _), (second, _), ..] = ranked[..] else { return };
    let Some(compared) = compare(reading, first, second) else { return };
    let noise = comparable_noise(reading, round);
    let training_luck = noise.map(|n| reading.threshold(&NOISE_DEVIATIONS) * n * std::f64::consts::SQRT_2);
    let alpha = reading.threshold(&FALSE_ALARMS);
    let why = match training_luck {
        Some(luck) if compared.gap <= luck => {
            format!("no more than the {} by which two trainings of one point may differ", number(luck))
        }
        // Of points that an earlier round chose, which are few and the best, the search's luck can't be seen.
        _ if round.explores && compared.search_luck > alpha => format!(
            "and only {} of the former beat the best of the latter ({})",
            count(compared.ahead, "trial"),
            p_value(compared.search_luck)
        ),
        _ => return,
    };
    let mut finding = Finding::new(&DIFFERENCE_WITHIN_NOISE, format!(
            "The best of {} and of {} differ by {}, {why}. Don't call a winner: run more trials, or train the best of each \
             again with other seeds.",
            first.label(),
            second.label(),
            number(compared.gap),
        ),
    )
    .with("gap", compared.gap)
    .with("trials_ahead", compared.ahead as f64)
    .with("chance", compared.search_luck)
    .with("within", training_luck.unwrap_or(f64::NAN));
    if reading.plan.spec().retrain.is_none() {
        let whole = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let retrain = Retrain { best: whole(arms.len().min(100)), times: whole(reading.count(&RETRAIN_TIMES)) };
        finding = finding.suggest(reading.change(Edit::Retrain(retrain)));
    }
    findings.push(finding);
}

/// Compares the better of two arms with the other.
fn compare(reading: &Reading<'_>, better: &Arm<'_>, other: &Arm<'_>) -> Option<Comparison> {
    let (a, b) = (reading.objectives(&better.trials), reading.objectives(&other.trials));
    let (best, against) = (*a.first()?, *b.first()?);
    let results = |arm: &Arm<'_>| arm.trials.iter().filter(|t| t.is_result()).count();
    let ahead = a.iter().filter(|o| reading.direction().better(**o, against)).count();
    let (n, m) = (results(better), results(other));
    let search_luck =
        if ahead == 0 { 1.0 } else { exact::all_marked(n + m, n, ahead) + exact::all_marked(n + m, m, ahead) };
    Some(Comparison { gap: (best - against).abs(), ahead, search_luck: search_luck.min(1.0) })
}

/// Features that are not better than doing without them.
fn features(reading: &Reading<'_>, round: &RoundTrials<'_>, arms: &[Arm<'_>], findings: &mut Vec<Finding>) {
    let luck = comparable_noise(reading, round)
        .or_else(|| noise::between_trials(reading))
        .map_or(0.0, |n| reading.threshold(&NOISE_DEVIATIONS) * n * std::f64::consts::SQRT_2);
    for varied in reading.varied().filter(|v| v.hyperparameter.role == Role::Scientific) {
        let h = varied.hyperparameter;
        let Some(values) = &h.values else { continue };
        let Some(off) = values.iter().find(|v| is_off(v)) else { continue };
        let useless: Vec<_> =
            values.iter().filter(|on| *on != off && brings_nothing(reading, arms, h, on, off, luck)).collect();
        if useless.is_empty() {
            continue;
        }
        let said: Vec<_> = useless.iter().map(|v| format!("{} = {v}", h.name)).collect();
        let rest: Vec<_> = values.iter().filter(|v| !useless.contains(v)).cloned().collect();
        findings.push(
            Finding::new(&FEATURE_NOT_HELPING, format!(
                    "{} is not better than {} = {off}, each with its nuisance hyperparameters tuned. Consider leaving it \
                     out: what doesn't help only adds complexity.",
                    list(&said),
                    h.name
                ),
            )
            .of(&h.name)
            .with("values_without_gain", useless.len() as f64)
            .with("within", luck)
            .suggest(reading.change(Edit::Values { hyperparameter: reading.index(h), to: rest })),
        );
    }
}

/// Whether in every pair of arms that differ in this value only the best with it is no better than the best without.
fn brings_nothing(
    reading: &Reading<'_>,
    arms: &[Arm<'_>],
    h: &Hyperparameter,
    on: &HyperparameterValue,
    off: &HyperparameterValue,
    luck: f64,
) -> bool {
    let with = |arm: &Arm<'_>, value| arm.configuration.iter().any(|(n, v)| *n == h.name && *v == value);
    let others = |arm: &Arm<'_>| -> Vec<_> {
        arm.configuration.iter().filter(|(n, _)| *n != h.name).map(|(n, v)| ((*n).to_owned(), (*v).clone())).collect()
    };
    let mut pairs = 0;
    for arm in arms.iter().filter(|arm| with(arm, on)) {
        let Some(base) = arms.iter().find(|b| with(b, off) && others(b) == others(arm)) else { continue };
        let results = |arm: &Arm<'_>| arm.trials.iter().filter(|t| t.is_result()).count();
        let best = |arm: &Arm<'_>| reading.ranked(&arm.trials).first().map(|(_, o)| *o);
        if results(arm).min(results(base)) < reading.count(&FEATURE_TRIALS) {
            return false;
        }
        let (Some(feature), Some(without)) = (best(arm), best(base)) else { return false };
        if reading.direction().better(feature, without) && (feature - without).abs() > luck {
            return false;
        }
        pairs += 1;
    }
    pairs > 0
}

/// Whether a value says that a feature is off.
fn is_off(value: &HyperparameterValue) -> bool {
    match value {
        HyperparameterValue::Bool(on) => !on,
        HyperparameterValue::Integer(n) => *n == 0,
        HyperparameterValue::Number(x) => *x == 0.0,
        HyperparameterValue::Text(text) => {
            ["none", "off", "no", "false", "disabled", "without"].iter().any(|off| text.eq_ignore_ascii_case(off))
        }
    }
}
