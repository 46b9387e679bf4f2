//! What a trial reported in place of a metric that was expected of it.

use studious_api::{TrialSpec, spelling};

use super::progress::Progress;

/// Most names of metrics in a message.
const MAX_NAMES: usize = 8;

/// Why there is no value of the objective, and what to do about it.
pub(super) fn no_objective(spec: &TrialSpec, progress: &Progress) -> String {
    let metric = &spec.objective.metric;
    let instead = if let Some(step) = progress.beyond {
        let budget = spec.max_train_steps;
        format!(
            " up to maxTrainSteps {budget}; it evaluated beyond, up to step {step}. Evaluate at step {budget} or before, as \
             trial.json says"
        )
    } else if progress.labels.contains(metric) {
        format!("; the values of {metric} were not numbers. Write them without quotes")
    } else if let Some((host, _)) =
        progress.latest.iter().find(|(host, metrics)| **host > 0 && metrics.contains_key(metric))
    {
        format!("; host {host} reported it, and only host 0's counts. Evaluate on host 0")
    } else {
        let reported = listed(progress).unwrap_or_else(|| "no metric".to_owned());
        let advice = meant(metric, progress).map_or_else(
            || format!("Write {{\"step\":…,\"{metric}\":…}} to metrics.jsonl on host 0"),
            |name| format!("Did you mean {name}? Set spec.objective.metric to it, or rename it in the trainer"),
        );
        format!("; it reported {reported}. {advice}")
    };
    format!("the trainer ended without a value of {metric}{instead}")
}

/// ` (did you mean val/latency_ms?)` for a metric that was never reported; empty where nothing is similar.
pub(super) fn but_similar(metric: &str, progress: &Progress) -> String {
    meant(metric, progress).map_or_else(String::new, |name| format!(" (did you mean {name}?)"))
}

/// The metrics that host 0 reported, without the step.
fn reported(progress: &Progress) -> impl Iterator<Item = &str> {
    progress.latest.get(&0).into_iter().flat_map(|metrics| metrics.keys()).map(String::as_str).filter(|n| *n != "step")
}

fn listed(progress: &Progress) -> Option<String> {
    listed_names(&reported(progress).collect::<Vec<_>>())
}

/// Names of metrics in a message, at most a few; nothing where there are none.
pub(crate) fn listed_names(names: &[&str]) -> Option<String> {
    match names {
        [] => None,
        [one] => Some((*one).to_owned()),
        many if many.len() > MAX_NAMES => Some(format!("{} and others", many[..MAX_NAMES].join(", "))),
        [first @ .., last] => Some(format!("{} and {last}", first.join(", "))),
    }
}

/// The reported metric that was probably meant: of the same name under a prefix such as `val/`, or of a similar one.
fn meant<'a>(metric: &str, progress: &'a Progress) -> Option<&'a str> {
    meant_metric(metric, &reported(progress).collect::<Vec<_>>())
}

/// As [`meant`], among these names.
pub(crate) fn meant_metric<'a>(metric: &str, reported: &[&'a str]) -> Option<&'a str> {
    let reported = || reported.iter().copied();
    let last = |name: &str| name.rsplit(['/', '.', ':']).next().unwrap_or_default().to_lowercase();
    let wanted = last(metric);
    reported()
        .find(|name| last(name) == wanted)
        .or_else(|| spelling::nearest(metric, reported()))
        .or_else(|| reported().find(|name| contains(name, &wanted) || contains(&wanted, &last(name))))
}

/// Whether a name has another one as one of its words: `validation_err` and `err`.
fn contains(name: &str, word: &str) -> bool {
    let name = name.to_lowercase();
    [format!("_{word}"), format!("/{word}")].iter().any(|end| name.ends_with(end.as_str()))
}
