//! What it would take to name a winner: how many retrainings, of which points.

use studious_api::study::{Per, Retrain, Role};
use studious_rules::thresholds::search::RETRAIN_TIMES;

use super::{
    change::{Change, Edit},
    lead::{Doubt, Lead},
    reading::Reading,
    wording::count,
};

/// Most retrainings of a point that a study takes.
const MOST_TIMES: u32 = 99;
/// Quantiles of the normal distribution: a two-sided test at 5 %, seen in four of five studies.
const SEEN: f64 = 1.960 + 0.842;

/// What to do about a lead that isn't one yet.
pub(super) struct Remedy {
    /// As the end of a sentence: `train the best point of each arm again, 5 times with other seeds`.
    pub(super) words: String,
    /// How often each arm's best point would have to be trained again; `None` where retraining wouldn't tell.
    pub(super) times: Option<u32>,
    /// The change of the study that does so, if it makes any.
    pub(super) change: Option<Change>,
}

/// What would tell whether the leading arm is the winner.
pub(super) fn remedy(reading: &Reading<'_>, lead: &Lead<'_>) -> Remedy {
    let few = u32::try_from(reading.count(&RETRAIN_TIMES)).unwrap_or(MOST_TIMES);
    let times = match lead.doubt {
        // Retraining has said what it can: the points differ. Whether other points would, more trials say.
        Some(Doubt::SearchLuck) if lead.by_means => None,
        _ => match times(lead) {
            Some(times) => Some(times.max(few)).filter(|times| *times <= MOST_TIMES),
            None => Some(few),
        },
    };
    let Some(times) = times else {
        let words = if lead.by_means && lead.doubt == Some(Doubt::SearchLuck) {
            "run more trials of each arm".to_owned()
        } else {
            format!(
                "it would take more than {MOST_TIMES} retrainings of each arm's best point to tell them apart; treat them \
                 as equal, or look for a larger effect"
            )
        };
        return Remedy { words, times, change: None };
    };
    let spec = reading.plan.spec();
    // Arms of a range can't be counted: there, as many points as arms that were seen.
    let per_arm = !spec.hyperparameters.iter().any(|h| h.role == Role::Scientific && h.range.is_some());
    let arms = u32::try_from(2 + lead.others.len()).unwrap_or(100).min(100);
    let asked = spec.retrain.as_ref();
    let wanted = Retrain {
        best: if per_arm { asked.filter(|r| r.per == Per::Scientific).map_or(1, |r| r.best) } else { arms },
        per: if per_arm { Per::Scientific } else { Per::Study },
        times: asked.map_or(times, |retrain| retrain.times.max(times)),
    };
    // Words speak of what the study will do, and it may do that already.
    let words = format!(
        "train the best point of each arm again, {} with other seeds{}",
        count(usize::try_from(wanted.times).unwrap_or(usize::MAX), "time"),
        if lead.doubt == Some(Doubt::SearchLuck) { ", or run more trials" } else { "" }
    );
    Remedy { words, times: Some(wanted.times), change: reading.change(Edit::Retrain(wanted)) }
}

/// Retrainings of each point that would show a difference as large as this one in four of five studies; `None` while the
/// noise is unknown.
fn times(lead: &Lead<'_>) -> Option<u32> {
    let noise = lead.noise?;
    if lead.gap == 0.0 {
        return Some(u32::MAX);
    }
    let times = 2.0 * (SEEN * noise.deviation / lead.gap).powi(2);
    // A whole number from 1 on; a very large one is `u32::MAX`.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Some(times.ceil().max(1.0) as u32)
}
