//! What it would take to name a winner: how many retrainings, of which points.

use studious_api::study::{Per, Retrain, Role};
use studious_rules::thresholds::search::{FALSE_ALARMS, RETRAIN_TIMES};

use super::{
    chance::student_quantile,
    change::{Change, Edit},
    lead::{Doubt, Lead},
    reading::Reading,
    wording::{count, number},
};

/// Most retrainings of a point that a study takes.
const MOST_TIMES: u32 = 99;
/// Fewest that say anything of the noise.
const FEWEST_TIMES: u32 = 2;
/// The share of studies that show the difference.
pub(super) const SEEN: f64 = 0.8;

/// What to do about a lead that isn't one yet.
pub(super) struct Remedy {
    /// As the end of a sentence: `train the best point of each arm again, 5 times with other seeds`.
    pub(super) words: String,
    /// How often each arm's best point would have to be trained again; `None` where retraining wouldn't tell.
    pub(super) times: Option<u32>,
    /// The change of the study that does so, if it makes any.
    pub(super) change: Option<Change>,
}

/// How many retrainings to aim for.
struct Aim {
    times: u32,
    /// The difference that they show, where it is not the one that is seen: that is too small to be shown.
    shows: Option<f64>,
}

/// What would tell whether the leading arm is the winner.
pub(super) fn remedy(reading: &Reading<'_>, lead: &Lead<'_>) -> Remedy {
    let Some(aim) = aim(reading, lead) else {
        let words = if lead.by_means && lead.doubt == Some(Doubt::SearchLuck) {
            "run more trials of each arm".to_owned()
        } else {
            format!(
                "it would take more than {MOST_TIMES} retrainings of each arm's best point to tell them apart; treat them \
                 as equal, or look for a larger effect"
            )
        };
        return Remedy { words, times: None, change: None };
    };
    let spec = reading.plan.spec();
    // Arms of a range can't be counted: there, as many points as arms that were seen.
    let per_arm = !spec.hyperparameters.iter().any(|h| h.role == Role::Scientific && h.range.is_some());
    let arms = u32::try_from(2 + lead.others.len()).unwrap_or(100).min(100);
    let asked = spec.retrain.as_ref();
    let wanted = Retrain {
        best: if per_arm { asked.filter(|r| r.per == Per::Scientific).map_or(1, |r| r.best) } else { arms },
        per: if per_arm { Per::Scientific } else { Per::Study },
        times: asked.map_or(aim.times, |retrain| retrain.times.max(aim.times)),
    };
    // Words speak of what the study will do, and it may do that already.
    let times = count(usize::try_from(wanted.times).unwrap_or(usize::MAX), "time");
    let more = match aim.shows {
        Some(shows) => format!(
            ", which shows a difference of {}, the largest that the means allow (one as small as the present one takes \
             more than {MOST_TIMES})",
            number(shows)
        ),
        None if lead.doubt == Some(Doubt::SearchLuck) => ", or run more trials".to_owned(),
        None => String::new(),
    };
    let words = format!("train the best point of each arm again, {times} with other seeds{more}");
    Remedy { words, times: Some(wanted.times), change: reading.change(Edit::Retrain(wanted)) }
}

/// How many retrainings would tell; nothing where no number would.
fn aim(reading: &Reading<'_>, lead: &Lead<'_>) -> Option<Aim> {
    // Retraining has said what it can: the points differ. Whether other points would, more trials say.
    if lead.by_means && lead.doubt == Some(Doubt::SearchLuck) {
        return None;
    }
    let few = u32::try_from(reading.count(&RETRAIN_TIMES)).unwrap_or(MOST_TIMES);
    let Some(noise) = lead.noise else { return Some(Aim { times: few, shows: None }) };
    let alpha = reading.threshold(&FALSE_ALARMS);
    let showing = |gap: f64| {
        let times = (FEWEST_TIMES..=MOST_TIMES).find(|times| shown_by(*times, alpha) * noise.deviation <= gap)?;
        Some(times.max(few))
    };
    if let Some(times) = showing(lead.gap) {
        return Some(Aim { times, shows: None });
    }
    // A small difference between few means does not say that the arms are equal: the truth may be as large as this.
    let largest = lead.gap + lead.half_width?;
    let done = lead.first.retrainings.min(lead.second.retrainings);
    let times = showing(largest).filter(|times| usize::try_from(*times).is_ok_and(|times| times > done))?;
    Some(Aim { times, shows: Some(largest) })
}

/// The smallest difference between two points, in standard deviations of a training, that so many retrainings of each show in
/// four of five studies, tested on both sides at `alpha`: by Student's t, since the noise is estimated from the same trainings.
pub(super) fn shown_by(times: u32, alpha: f64) -> f64 {
    let freedom = 2.0 * f64::from(times - 1);
    (student_quantile(0.5 * alpha, freedom) + student_quantile(1.0 - SEEN, freedom)) * (2.0 / f64::from(times)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::simulated::Luck;

    /// Studies of two arms that differ by what so many retrainings are said to show.
    #[test]
    fn so_many_retrainings_show_the_difference_in_four_of_five_studies() {
        let mut luck = Luck(17);
        for times in [3, 5, 9, 20] {
            let gap = shown_by(times, 0.05);
            let n = f64::from(times);
            let seen = (0..2000).filter(|_| {
                let mut arm = |mean: f64| {
                    let values: Vec<f64> = (0..times).map(|_| mean + luck.normal()).collect();
                    let average = values.iter().sum::<f64>() / n;
                    (average, values.iter().map(|value| (value - average).powi(2)).sum::<f64>())
                };
                let ((a, of_a), (b, of_b)) = (arm(0.0), arm(gap));
                let deviation = ((of_a + of_b) / (2.0 * (n - 1.0))).sqrt();
                b - a > student_quantile(0.025, 2.0 * (n - 1.0)) * deviation * (2.0 / n).sqrt()
            });
            let share = seen.count() as f64 / 2000.0;
            assert!((0.77..=0.85).contains(&share), "{times}: {share}");
        }
    }

    #[test]
    fn smaller_differences_take_more_retrainings() {
        let shown: Vec<f64> = (FEWEST_TIMES..=MOST_TIMES).map(|times| shown_by(times, 0.05)).collect();
        assert!(shown.is_sorted_by(|a, b| a > b));
        assert!((0.39..0.41).contains(&shown[shown.len() - 1]), "99 show 0.4 deviations: {:?}", shown.last());
    }
}
