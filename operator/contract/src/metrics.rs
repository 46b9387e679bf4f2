//! Names of metrics: those that have a meaning, and those that decide a trial.

use studious_api::{StudySpec, TrialSpec, study::Direction};

/// The training loss: one that is not finite ends the trial.
pub const TRAIN_LOSS: &str = "train_loss";

/// The error on the training set.
pub const TRAIN_ERROR: &str = "train_error";
/// The norm of the gradient, before clipping.
pub const GRADIENT_NORM: &str = "gradient_norm";
/// The share of updates that were clipped.
pub const CLIPPED_FRACTION: &str = "clipped_fraction";
/// The learning rate of the step.
pub const LEARNING_RATE: &str = "learning_rate";
/// Training examples per second of a host.
pub const EXAMPLES_PER_SECOND: &str = "examples_per_second";
/// The share of a step's time spent waiting for data.
pub const DATA_WAIT_FRACTION: &str = "data_wait_fraction";
/// The shard of the data that a host reads.
pub const SHARD_INDEX: &str = "shard_index";
/// How many shards the data has.
pub const SHARD_COUNT: &str = "shard_count";
/// Before the name of the objective: the full evaluation of the same weights.
pub const OFFLINE: &str = "offline_";

/// How names of metrics of data that isn't trained on begin, before a separator.
const HELD_OUT: [&str; 6] = ["validation", "valid", "val", "eval", "test", "dev"];
/// And of the data that is trained on.
const TRAINED_ON: &str = "train";
/// What stands between the words of a metric's name.
const SEPARATORS: [char; 4] = ['_', '/', '.', '-'];

/// The name of the same metric on the training set: `train_error` of `validation_error`, `train/loss` of `val/loss`. Nothing
/// where the name doesn't say that it is one of held-out data.
#[must_use]
pub fn on_training_set(metric: &str) -> Option<String> {
    without_held_out(metric).map(|rest| format!("{TRAINED_ON}{rest}"))
}

/// `_error` of `validation_error`.
fn without_held_out(metric: &str) -> Option<&str> {
    let rest = |held_out: &&str| metric.strip_prefix(*held_out).filter(|rest| rest.starts_with(SEPARATORS));
    HELD_OUT.iter().find_map(rest)
}

/// Words of names of metrics that are better when they are smaller.
const SMALLER_IS_BETTER: [&str; 18] = [
    "loss",
    "error",
    "err",
    "perplexity",
    "ppl",
    "nll",
    "entropy",
    "mse",
    "rmse",
    "mae",
    "mape",
    "wer",
    "cer",
    "fid",
    "regret",
    "latency",
    "crossentropy",
    "divergence",
];
/// And when they are larger.
const LARGER_IS_BETTER: [&str; 18] = [
    "accuracy",
    "acc",
    "auc",
    "auroc",
    "auprc",
    "f1",
    "bleu",
    "rouge",
    "precision",
    "recall",
    "reward",
    "iou",
    "miou",
    "dice",
    "psnr",
    "ssim",
    "ndcg",
    "throughput",
];

/// Words that turn a metric around, as scikit-learn's `neg_mean_squared_error` does.
const TURNED: [&str; 14] = [
    "neg",
    "negative",
    "negated",
    "minus",
    "inverse",
    "inverted",
    "inv",
    "reciprocal",
    "reduction",
    "decrease",
    "drop",
    "improvement",
    "gain",
    "increase",
];

/// Which way a metric is better, where its name says so: `val_accuracy`, `valLoss`. Nothing where it says neither, or both,
/// or turns it around.
#[must_use]
pub fn usual_direction(metric: &str) -> Option<Direction> {
    let words = words(metric);
    let any = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    if any(&TURNED) {
        return None;
    }
    match (any(&SMALLER_IS_BETTER), any(&LARGER_IS_BETTER)) {
        (true, false) => Some(Direction::Minimize),
        (false, true) => Some(Direction::Maximize),
        _ => None,
    }
}

/// The words of a name in lower case: `val_Loss`, `valLoss` and `val/loss` have two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    words
}

/// Metrics that findings, plots and gauges read, whatever the study: they are never left out of a line with too many metrics,
/// and conclusions read no others. A metric that a finding is to read stands here, or it gets no curve.
const WITH_A_MEANING: [&str; 9] = [
    TRAIN_LOSS,
    TRAIN_ERROR,
    GRADIENT_NORM,
    CLIPPED_FRACTION,
    LEARNING_RATE,
    EXAMPLES_PER_SECOND,
    DATA_WAIT_FRACTION,
    SHARD_INDEX,
    SHARD_COUNT,
];

/// The metrics by which a trial is judged. A line is read with respect to them: `null` for one that must be finite is a
/// value that isn't, and they are kept however many others the line has.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct JudgedMetrics {
    /// The metric of the objective; empty where it isn't known.
    pub objective: String,
    /// The metrics that constraints bound.
    pub bounded: Vec<String>,
}

impl JudgedMetrics {
    /// Those of a trial.
    #[must_use]
    pub fn of(spec: &TrialSpec) -> Self {
        Self {
            objective: spec.objective.metric.clone(),
            bounded: spec.constraints.iter().map(|constraint| constraint.metric.clone()).collect(),
        }
    }

    /// Those of a study.
    #[must_use]
    pub fn of_study(spec: &StudySpec) -> Self {
        Self {
            objective: spec.objective.metric.clone(),
            bounded: spec.constraints.iter().map(|constraint| constraint.metric.clone()).collect(),
        }
    }

    /// Whether a value of this metric that is not finite says that the training diverged.
    #[must_use]
    pub fn must_be_finite(&self, metric: &str) -> bool {
        metric == TRAIN_LOSS || metric == self.objective
    }

    /// Whether findings, plots or gauges of every study read this metric. It is never left out of a line with too many, and
    /// conclusions need no other.
    #[must_use]
    pub fn is_concluded_from(&self, metric: &str) -> bool {
        metric == self.objective
            || WITH_A_MEANING.contains(&metric)
            || self.bounded.iter().any(|bounded| bounded == metric)
            || metric.strip_prefix(OFFLINE).is_some_and(|objective| objective == self.objective)
            || without_held_out(&self.objective).is_some_and(|rest| metric.strip_prefix(TRAINED_ON) == Some(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F-083.
    #[test]
    fn names_say_which_way_is_better() {
        use Direction::{Maximize, Minimize};
        for (metric, direction) in [
            ("val_accuracy", Some(Maximize)),
            ("val/Acc", Some(Maximize)),
            ("valLoss", Some(Minimize)),
            ("validation_error", Some(Minimize)),
            ("eval.f1", Some(Maximize)),
            ("err", Some(Minimize)),
            ("accuracy_loss", None),
            ("neg_mean_squared_error", None),
            ("val/neg_loss", None),
            ("lossReduction", None),
            ("inverse_loss", None),
            ("accelerator", None),
            ("lossless_ratio", None),
            ("score", None),
            ("", None),
        ] {
            assert_eq!(usual_direction(metric), direction, "{metric}");
        }
    }

    #[test]
    fn the_objective_on_the_training_set_has_a_name() {
        assert_eq!(on_training_set("validation_error").as_deref(), Some("train_error"));
        assert_eq!(on_training_set("val/loss").as_deref(), Some("train/loss"));
        assert_eq!(on_training_set("value_error"), None);
        assert_eq!(on_training_set("train_loss"), None);
        let judged = JudgedMetrics { objective: "val.accuracy".to_owned(), bounded: Vec::new() };
        assert!(judged.is_concluded_from("train.accuracy"));
        assert!(!judged.is_concluded_from("train.accuracy_top5"));
    }
}
