//! What the fourth question rests on when no finding fails it: how many curves were looked at.

use studious_rules::thresholds::curves::{CURVE_VALUES, FEW_NORMS};

use super::{
    super::{
        reading::Reading,
        wording::{count, list},
    },
    best_few,
    training_loss::Losses,
};
use crate::{contract::metrics::GRADIENT_NORM, decide::TRAIN_LOSS};

/// Why training has no optimization issues, or why that is unknown: a loss that isn't reported is not one that falls.
pub(in crate::findings) fn sound(reading: &Reading<'_>) -> Result<String, String> {
    let Some(round) = reading.concluding() else {
        return Err("No trial succeeded.".to_owned());
    };
    let Losses { looked_at, best: with_loss, rising } = Losses::of(reading, round);
    let best = best_few(reading, round);
    let fewest = reading.count(&CURVE_VALUES);
    if 2 * with_loss < best.len().max(1) {
        let of = format!("of round {}", round.name);
        let who = match (with_loss, best.len()) {
            (_, 1) => format!("The best trial {of} has not"),
            (0, n) => format!("None of the best {n} trials {of} has"),
            (few, n) => format!("Only {few} of the best {n} trials {of} have"),
        };
        return Err(format!(
            "{who} reported {TRAIN_LOSS} at least {fewest} times; without it optimization issues cannot be seen."
        ));
    }
    let norms = reading.count(&FEW_NORMS);
    let with_norms = best.iter().filter(|t| t.curves.get(GRADIENT_NORM).is_some_and(|c| c.len() >= norms)).count();
    let mut calm = vec![format!("{TRAIN_LOSS} of the best {}", count(with_loss, "trial"))];
    if with_norms > 0 {
        calm.push(format!("{GRADIENT_NORM} of the best {with_norms}"));
    }
    Ok(format!(
        "{TRAIN_LOSS} rises in {} of {}; nothing unstable is seen in {}.",
        if rising.is_empty() { "none".to_owned() } else { rising.len().to_string() },
        count(looked_at, "trial"),
        list(&calm),
    ))
}
