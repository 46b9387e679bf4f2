//! What the program writes: evaluations, NaN, lines that can't be read, its beginning.

use studious_api::study::SeedVerification;

use super::{FIX_START, cut_short::cut_short, list, steps};
use crate::{
    contract::TRAIN_LOSS,
    decide::{listed_names, meant_metric},
    preflight::{Check, CheckCode, Observations},
};

/// The Python of a line.
fn python(metric: &str) -> String {
    if metric.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return format!("trial.log(step, {metric}=value)");
    }
    format!("trial.log(step, **{{\"{metric}\": value}})")
}

pub(super) fn evaluates(seen: &Observations<'_>) -> Check {
    let metric = &seen.spec.objective.metric;
    let code = CheckCode::Evaluates;
    let values = seen.whole.by_step(metric);
    let within = values.keys().filter(|step| **step <= steps(seen)).count();
    if within > 0 {
        return Check::passes(code, format!("{within} evaluations of {metric}")).needed_if(true);
    }
    let mut names: Vec<&str> =
        seen.whole.measurements().flat_map(|(_, _, values)| values).map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let write =
        format!("Write {{\"step\": …, \"{metric}\": …}} to metrics.jsonl on host 0; in Python: {}", python(metric));
    let first_due = seen.spec.evaluation.every_steps.min(steps(seen));
    let before_first = cut_short(seen).filter(|_| seen.whole.last_step().unwrap_or_default() < first_due);
    if let Some(cut) = before_first.filter(|_| !seen.whole.lines.is_empty()) {
        let message = format!("{}, and its first evaluation was due at step {first_due}", cut.message);
        return Check::unknown(code, message, cut.fix).needed_if(true);
    }
    let check = match (seen.whole.lines.is_empty(), meant_metric(metric, &names), listed_names(&names)) {
        (true, ..) => Check::unknown(code, "it wrote nothing", FIX_START),
        _ if !values.is_empty() => Check::fails(
            code,
            format!("{metric} was reported beyond maxTrainSteps alone"),
            format!("Evaluate at step {} or before, as trial.json says.", steps(seen)),
        ),
        (_, Some(meant), Some(listed)) => Check::fails(
            code,
            format!("{metric} was never reported; reported were {listed}"),
            format!("Did you mean {meant}? Set spec.objective.metric to it, or rename it in the program."),
        ),
        (_, None, Some(listed)) => {
            Check::fails(code, format!("{metric} was never reported; reported were {listed}"), write + ".")
        }
        (_, _, None) => Check::fails(code, "no metric was reported", write + "."),
    };
    check.needed_if(true)
}

pub(super) fn evaluation_distance(seen: &Observations<'_>) -> Check {
    let code = CheckCode::EvaluationDistance;
    let every = seen.spec.evaluation.every_steps;
    let values = seen.whole.by_step(&seen.spec.objective.metric);
    let until = steps(seen).min(seen.whole.last_step().unwrap_or_default());
    if values.is_empty() {
        return Check::unknown(code, "there were no evaluations", "Fix Evaluates first.");
    }
    let mut expected: Vec<u64> = (1..=until / every).map(|i| i * every).collect();
    if until == steps(seen) && !until.is_multiple_of(every) {
        expected.push(until);
    }
    let missing: Vec<u64> = expected.iter().filter(|step| !values.contains_key(step)).copied().collect();
    let further = values.keys().filter(|step| **step > 0 && **step <= until && !expected.contains(step)).count();
    if !missing.is_empty() {
        return Check::fails(
            code,
            format!("no evaluation at step {}; there were some at step {}", list(&missing), {
                list(&values.keys().copied().collect::<Vec<_>>())
            }),
            format!(
                "Evaluate every {every} steps (evaluation.everySteps of trial.json, STUDIOUS_EVALUATE_EVERY_STEPS) and after the \
                 last step, or set spec.evaluation.everySteps to what the program does."
            ),
        );
    }
    let more = if further > 0 { format!(", and {further} more between") } else { String::new() };
    Check::passes(code, format!("every {every} steps{more}"))
}

pub(super) fn finite(seen: &Observations<'_>) -> Check {
    let code = CheckCode::Finite;
    let objective = seen.spec.objective.metric.as_str();
    let wrong = [objective, TRAIN_LOSS].into_iter().find_map(|metric| {
        let first = seen.whole.values(metric).find(|(_, step, value)| !value.is_finite() && *step <= steps(seen));
        first.map(|(_, step, _)| (metric, step))
    });
    let seen_any = [objective, TRAIN_LOSS].iter().any(|metric| seen.whole.values(metric).next().is_some());
    let check = match wrong {
        Some((metric, step)) => Check::fails(
            code,
            format!("{metric} was not finite at step {step}, so the trial was ended"),
            "If training diverges at this point alone, give another: --set learning_rate=VALUE.",
        ),
        None if seen_any => Check::passes(code, "all values of the objective and the training loss are finite"),
        None => Check::unknown(code, "neither the objective nor train_loss was reported", "Fix Evaluates first."),
    };
    check.needed_if(true)
}

pub(super) fn readable(seen: &Observations<'_>) -> Check {
    let code = CheckCode::ReadableLines;
    let lines = &seen.whole.lines;
    let wrong: Vec<_> = lines.iter().enumerate().filter_map(|(i, seen)| Some((i, seen.line.as_ref().err()?))).collect();
    match wrong.first() {
        Some((i, problem)) => Check::fails(
            code,
            format!("{} of {} lines can't be read, the first at line {}: {problem}", wrong.len(), lines.len(), i + 1),
            "Write each line as one JSON object with a line break, at once: json.dumps(line) + \"\\n\".",
        ),
        None if lines.is_empty() => Check::unknown(code, "it wrote nothing", FIX_START),
        None => Check::passes(code, format!("all {} lines can be read", lines.len())),
    }
}

/// Whether it reported seeds that it was not given.
pub(super) fn has_other_seeds(seen: &Observations<'_>) -> bool {
    let differs = |reported: Option<u64>, given: Option<u64>| {
        reported.zip(given).is_some_and(|(reported, given)| reported != given)
    };
    let data = seen.seeds.data.first().copied().map(u64::from);
    let init = u64::from(seen.seeds.init);
    seen.whole.init().is_some_and(|said| differs(said.init_seed, Some(init)) || differs(said.data_seed, data))
}

pub(super) fn reports_init(seen: &Observations<'_>) -> Check {
    let code = CheckCode::ReportsInit;
    let usual = if seen.spec.trial.hosts > 1 { SeedVerification::Required } else { SeedVerification::IfReported };
    let required = seen.spec.seeds.verify.unwrap_or(usual) == SeedVerification::Required;
    let fix = "Write {\"event\": \"init\", \"parameters_sha256\": …, \"init_seed\": …, \"data_seed\": …} before the first step; in \
               Python: trial.init(parameters).";
    let check = match seen.whole.init() {
        None if seen.whole.lines.is_empty() => Check::unknown(code, "it wrote nothing", FIX_START),
        None => Check::fails(code, "there was no event init: its seeds and its parameters are not verified", fix),
        Some(init) => {
            let missing: Vec<&str> = [
                ("parameters_sha256", init.parameters_sha256.is_none()),
                ("init_seed", init.init_seed.is_none()),
                ("data_seed", init.data_seed.is_none()),
            ]
            .into_iter()
            .filter_map(|(name, is_missing)| is_missing.then_some(name))
            .collect();
            if has_other_seeds(seen) {
                let use_given = "Use seeds.init and seeds.data of trial.json (STUDIOUS_SEED_INIT, STUDIOUS_SEED_DATA).";
                Check::fails(code, "it reports other seeds than it was given", use_given).needed_if(true)
            } else if missing.is_empty() {
                Check::passes(code, "seeds and fingerprint were reported, and the seeds are those given")
            } else {
                Check::fails(code, format!("its event init lacks {}", missing.join(", ")), fix)
            }
        }
    };
    let needed = check.needed || required;
    check.needed_if(needed)
}
