//! Whether the difference between arms is more than noise: what [`lead`](super::lead) finds, as a finding, and features that
//! are not better than doing without them.

use studious_api::{
    HyperparameterValue,
    study::{Hyperparameter, Role},
};
use studious_rules::{
    search::{DIFFERENCE_WITHIN_NOISE, FEATURE_NOT_HELPING},
    thresholds::search::{FEATURE_TRIALS, NOISE_DEVIATIONS},
};

use super::{
    Finding,
    change::Edit,
    lead::{self, Doubt, Standing, lead},
    needed, noise,
    reading::{Arm, Reading, RoundTrials},
    sampling::comparable_noise,
    wording::{count, list, number, p_value},
};

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(round) = reading.concluding() else { return };
    let arms = reading.arms(round);
    if arms.len() < 2 {
        return;
    }
    within_noise(reading, findings);
    features(reading, round, &arms, findings);
}

fn within_noise(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let Some(lead) = lead(reading) else { return };
    let Some(doubt) = lead.doubt else { return };
    let (first, second) = (lead.first.arm.label(), lead.second.arm.label());
    let gap = number(lead.gap);
    let fact = if lead.by_means && doubt != Doubt::NotRetrained {
        let of = |s: &Standing<'_>| match s.retrainings {
            0 => format!("{} (one training)", number(s.value)),
            n => format!("{} ({})", number(s.value), count(n, "retraining")),
        };
        format!(
            "Trained again with other seeds, {first} has {} on average and {second} {}: a difference of {gap}",
            of(&lead.first),
            of(&lead.second)
        )
    } else {
        format!("The best of {first} and of {second} differ by {gap}")
    };
    let why = match doubt {
        Doubt::WithinNoise { within } if lead.by_means => {
            format!("within the {} by which such means of equal points may differ", number(within))
        }
        Doubt::WithinNoise { within } => {
            format!("within the {} by which two trainings of one point may differ", number(within))
        }
        Doubt::SearchLuck => format!(
            "and only {} of the former beat the best of the latter ({})",
            count(lead.ahead, "trial"),
            p_value(lead.search_luck)
        ),
        Doubt::NoiseUnknown => {
            "and how far two trainings of one point differ with this step budget is unknown".to_owned()
        }
        Doubt::NotRetrained => format!(
            "and {second}, trained once, has a better value than {first} on average of {}",
            count(lead.first.retrainings, "retraining")
        ),
    };
    let remedy = needed::remedy(reading, &lead);
    let finding =
        Finding::new(&DIFFERENCE_WITHIN_NOISE, format!("{fact}, {why}. Don't call a winner: {}.", remedy.words))
            .with("gap", lead.gap)
            .with("trials_ahead", lead.ahead as f64)
            .with("chance", lead.search_luck)
            .with("retrainings", lead.first.retrainings.min(lead.second.retrainings) as f64)
            .with(
                "within",
                match doubt {
                    Doubt::WithinNoise { within } => within,
                    _ => f64::NAN,
                },
            )
            .suggest(remedy.change);
    findings.push(finding);
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
        let best = |arm: &Arm<'_>| lead::value(reading, arm);
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
pub(crate) fn is_off(value: &HyperparameterValue) -> bool {
    match value {
        HyperparameterValue::Bool(on) => !on,
        HyperparameterValue::Integer(n) => *n == 0,
        HyperparameterValue::Number(x) => *x == 0.0,
        HyperparameterValue::Text(text) => {
            ["none", "off", "no", "false", "disabled", "without"].iter().any(|off| text.eq_ignore_ascii_case(off))
        }
    }
}
