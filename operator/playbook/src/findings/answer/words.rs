//! The answer in words.

use studious_rules::thresholds::search::RETRAIN_TIMES;

use super::{BestValue, Doubt, Lead, Reading, Standing, Verdict, VerdictKind};
use crate::findings::{
    Answer, Checklist, first_sentence,
    needed::Remedy,
    reading::Arm,
    wording::{count, list, number, p_value, percent},
};

/// `validation_error 0.0148 against 0.0241, a difference of 0.0093 (95% interval 0.002 to 0.0166, …)`.
pub(super) fn winner(reading: &Reading<'_>, lead: &Lead<'_>, verdict: &Verdict) -> String {
    let (first, second) = (&lead.first, &lead.second);
    let metric = &reading.plan.spec().objective.metric;
    let other =
        if lead.others.is_empty() { second.arm.label() } else { format!("{}, the next best", second.arm.label()) };
    let values = format!("{metric} {} against {}", number(first.value), number(second.value));
    let interval = verdict.difference.as_ref().and_then(|difference| Some((difference.interval?, difference.level)));
    let interval = interval.map_or_else(String::new, |([low, high], level)| {
        format!("{} interval {} to {}; ", percent(level), number(low), number(high))
    });
    let expected = verdict.expected.map_or_else(String::new, |expected| {
        format!(" Chosen for being ahead, expect {} of it with other seeds.", number(expected))
    });
    format!(
        "{} is better than {other}: {values}, a difference of {} ({interval}means of {}).{expected}{}",
        first.arm.label(),
        number(lead.gap),
        retrainings(first, second),
        examples(lead, verdict)
    )
}

/// `No winner yet: … leads … by their best trials, which the noise of the search does not explain, but …`.
pub(super) fn not_repeated(lead: &Lead<'_>, remedy: &Remedy) -> String {
    let (first, second) = (lead.first.arm.label(), lead.second.arm.label());
    let gap = number(lead.gap);
    let trained = if lead.by_means && !lead.has_enough_retrainings() {
        "fewer than three retrainings of each say too little of the noise of training"
    } else if lead.by_means {
        "their retrainings do not differ at all, so the noise of training is unknown (check that the trainer uses its seeds)"
    } else if lead.noise.is_some() {
        "each was selected for noise as well as merit, and its best point was not retrained"
    } else {
        "each point was trained once, so how large the difference is with other seeds is unknown"
    };
    let of = if lead.by_means { "on average of their retrainings" } else { "by their best trials" };
    format!(
        "No winner yet: {first} leads {second} by {gap} {of} ({} of its trials beat the best of the latter, {}), but {trained}. \
         To tell, {}.",
        lead.ahead,
        p_value(lead.search_luck),
        remedy.words
    )
}

/// What the number of validation examples leaves open.
fn examples(lead: &Lead<'_>, verdict: &Verdict) -> String {
    let Some(examples) = verdict.examples else { return String::new() };
    let variance = |share: f64| share * (1.0 - share) / f64::from(examples);
    let two = 2.0 * (variance(lead.first.value) + variance(lead.second.value)).max(0.0).sqrt();
    if lead.gap > two {
        return String::new();
    }
    format!(
        " On another validation set the order may differ: two sets of {examples} examples alone explain a difference of up \
         to {}.",
        number(two)
    )
}

fn retrainings(a: &Standing<'_>, b: &Standing<'_>) -> String {
    if a.retrainings == b.retrainings {
        format!("{} each", count(a.retrainings, "retraining"))
    } else {
        format!("{} and {}", a.retrainings, count(b.retrainings, "retraining"))
    }
}

/// `No winner yet: … To tell, …`.
pub(super) fn no_winner(lead: &Lead<'_>, doubt: Doubt, remedy: &Remedy) -> String {
    let (first, second) = (lead.first.arm.label(), lead.second.arm.label());
    let gap = number(lead.gap);
    let of = if lead.by_means { "on average of their retrainings" } else { "by their best trials" };
    let why = match doubt {
        _ if lead.gap == 0.0 => format!("{first} and {second} are equal {of}"),
        Doubt::WithinNoise { within } => {
            format!("{first} leads {second} by {gap} {of}, within the noise of {}", number(within))
        }
        Doubt::SearchLuck => format!(
            "{first} leads {second} by {gap} {of}, but only {} of it beat the best of {second} ({}), which the noise of the \
             search explains",
            count(lead.ahead, "trial"),
            p_value(lead.search_luck)
        ),
        Doubt::NoiseUnknown => {
            format!("{first} leads {second} by {gap} {of}, and how far two trainings of one point differ is unknown")
        }
        Doubt::NotRetrained => format!(
            "{second}, trained once, has a better value than {first} on average of {}",
            count(lead.first.retrainings, "retraining")
        ),
    };
    format!("No winner yet: {why}. To tell, {}.", remedy.words)
}

/// `Best point: trial s-explore-0003, …`.
pub(super) fn best_point(reading: &Reading<'_>, best: &BestValue, verdict: &Verdict) -> String {
    let metric = &reading.plan.spec().objective.metric;
    let name = if best.trial.is_empty() { "the best trial".to_owned() } else { format!("trial {}", best.trial) };
    let of = format!("the best of {}", count(best.of, "trial"));
    let chosen = number(best.chosen);
    if let Some(again) = &best.retrained {
        let sure = match again.interval {
            Some([low, high]) => format!("{} interval {} to {}", percent(again.level), number(low), number(high)),
            None => "how far retrainings differ is unknown".to_owned(),
        };
        return format!(
            "Best point: that of {name}, with {metric} {} on average of {} ({sure}); it was chosen with {chosen}, {of}.",
            number(again.value),
            count(best.retrainings, "retraining")
        );
    }
    let noise = match verdict.noise {
        Some(noise) => format!("two trainings of one point differ by {} (standard deviation)", number(noise)),
        None => "the noise of training is unknown".to_owned(),
    };
    format!(
        "Best point: that of {name}, with {metric} {chosen}, {of}. Selected for noise as well as merit, it is likely worse when \
         trained again, and {noise}: spec.retrain: {{best: 1, times: {}}} tells.",
        reading.count(&RETRAIN_TIMES)
    )
}

/// Only one arm has a result that counts.
pub(super) fn nothing_to_compare(reading: &Reading<'_>, arms: &[Arm<'_>]) -> String {
    let has_result =
        |arm: &&Arm<'_>| reading.ranked(&arm.trials).first().is_some_and(|(trial, _)| reading.satisfies(trial));
    let (with, without): (Vec<&Arm<'_>>, Vec<&Arm<'_>>) = arms.iter().partition(has_result);
    if with.is_empty() {
        return no_result(reading);
    }
    let labels: Vec<String> = without.iter().map(|arm| arm.label()).collect();
    let has = if labels.len() == 1 { "has" } else { "have" };
    let counts =
        if reading.plan.spec().constraints.is_empty() { "" } else { " and is known to satisfy the constraints" };
    format!("No comparison yet: {} {has} no trial that succeeded{counts}.", list(&labels))
}

/// Nothing has succeeded, or nothing that counts.
pub(super) fn no_result(reading: &Reading<'_>) -> String {
    if reading.concluding().is_none() {
        return "No answer yet: no trial has succeeded.".to_owned();
    }
    let bounds: Vec<String> = reading.plan.spec().constraints.iter().map(ToString::to_string).collect();
    format!("No answer: no trial that succeeded is known to satisfy {}.", list(&bounds))
}

/// What stands in the way, what is said so far, and what is open.
pub(super) fn summary(
    verdict: &Verdict,
    checklist: &Checklist,
    said: &str,
    has_result: bool,
    (trials, ended): (usize, usize),
) -> String {
    let running =
        if ended == trials { String::new() } else { format!("So far ({ended} of {} ended): ", count(trials, "trial")) };
    if !has_result {
        return format!("{running}{said}");
    }
    if verdict.kind == VerdictKind::CannotJudge && !(verdict.failing.is_empty() && verdict.problems.is_empty()) {
        return format!("{running}Cannot be judged yet: {} {said}", in_the_way(verdict, checklist));
    }
    let open = match &verdict.unknown[..] {
        [] => String::new(),
        unknown => {
            let numbers: Vec<String> = unknown.iter().map(ToString::to_string).collect();
            let (s, is) = if unknown.len() == 1 { ("", "is") } else { ("s", "are") };
            format!(" Provisional: question{s} {} {is} unknown.", list(&numbers))
        }
    };
    format!("{running}{said}{open}")
}

/// `question 1 fails (is the search space large enough?): the best trials …`.
fn in_the_way(verdict: &Verdict, checklist: &Checklist) -> String {
    let failing: Vec<_> = checklist.questions.iter().filter(|q| q.answer == Answer::Fail).collect();
    let Some(first) = failing.first() else {
        return format!("there is a problem, {}.", list(&verdict.problems));
    };
    let others: Vec<String> = failing.iter().skip(1).map(|q| q.number.to_string()).collect();
    let more = match others.len() {
        0 => String::new(),
        1 => format!(" Question {} fails too.", others[0]),
        _ => format!(" Questions {} fail too.", list(&others)),
    };
    format!("question {} fails. {}{more}", first.number, first_sentence(&first.reason))
}
