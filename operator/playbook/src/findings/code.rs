//! Trials of one study that were trained with different code.

use std::collections::{BTreeMap, BTreeSet};

use studious_rules::search::CODE_CHANGED;

use super::{
    Finding,
    reading::Reading,
    wording::{count, list},
};
use crate::record::{CodePart, CodeParts, TrialRecord};

/// Most trials that are named in a sentence.
const NAMED: usize = 3;
/// Characters of a digest that tell it from others.
const DIGEST_CHARACTERS: usize = 12;

pub(super) fn examine(reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let all = reading.rounds.iter().flat_map(|round| &round.trials).chain(&reading.retrained).copied();
    let compared: Vec<(&TrialRecord, CodeParts)> =
        all.filter(|trial| trial.is_result() || trial.ended_early()).map(|trial| (trial, trial.code())).collect();
    let known = compared.iter().filter(|(_, code)| !code.is_empty()).count();
    let mut differing: Vec<&TrialRecord> = Vec::new();
    let mut said = Vec::new();
    for (part, usual) in usual_values(&compared) {
        let is_other = |code: &CodeParts| code.get(part).is_some_and(|values| values.iter().any(|v| v != usual));
        let others: Vec<&(&TrialRecord, CodeParts)> = compared.iter().filter(|(_, code)| is_other(code)).collect();
        if others.is_empty() {
            continue;
        }
        let values: BTreeSet<&str> =
            others.iter().filter_map(|(_, code)| code.get(part)).flatten().map(String::as_str).collect();
        let values: Vec<&str> = values.into_iter().filter(|value| *value != usual).collect();
        said.push(format!("{part} ({} in {}, {} in the others)", shown(&values), names(&others), short(usual)));
        for (trial, _) in others {
            if !differing.iter().any(|known| std::ptr::eq(*known, *trial)) {
                differing.push(trial);
            }
        }
    }
    if differing.is_empty() {
        return;
    }
    let unknown = compared.len() - known;
    let rest = match unknown {
        0 => String::new(),
        n => format!(" The code of {} is not known.", count(n, "trial")),
    };
    // In the order of the study, whichever part was compared first.
    differing.sort_by(|a, b| a.canonical(b));
    let parts = said.len() as f64;
    findings.push(
        Finding::new(
            &CODE_CHANGED,
            format!(
                "{} of {} ran different code than the others: {} differ{}.{rest} Their results may differ for that reason \
                 and not for their hyperparameters: compare trials of the same code only. Run these points again in a new \
                 study with one version of the code.",
                differing.len(),
                count(known, "trial"),
                list(&said),
                if said.len() == 1 { "s" } else { "" },
            ),
        )
        .about(differing.iter().copied())
        .with("trials", differing.len() as f64)
        .with("known", known as f64)
        .with("unknown", unknown as f64)
        .with("parts", parts),
    );
}

/// The value of each part that most trials have; of several, that of the trial that comes first.
fn usual_values<'a>(compared: &'a [(&TrialRecord, CodeParts)]) -> BTreeMap<&'a CodePart, &'a str> {
    let mut counts: BTreeMap<&CodePart, Vec<(&str, usize)>> = BTreeMap::new();
    for (part, value) in
        compared.iter().flat_map(|(_, code)| code).flat_map(|(part, values)| values.iter().map(move |v| (part, v)))
    {
        let counts = counts.entry(part).or_default();
        match counts.iter_mut().find(|(known, _)| known == value) {
            Some((_, n)) => *n += 1,
            None => counts.push((value, 1)),
        }
    }
    // `max_by_key` would take the last of several.
    let most = |counts: Vec<(&'a str, usize)>| counts.into_iter().rev().max_by_key(|(_, n)| *n).map(|(value, _)| value);
    counts.into_iter().filter_map(|(part, counts)| Some((part, most(counts)?))).collect()
}

/// The first few trials by name.
fn names(trials: &[&(&TrialRecord, CodeParts)]) -> String {
    let named: Vec<&str> =
        trials.iter().map(|(trial, _)| trial.name.as_str()).filter(|name| !name.is_empty()).collect();
    if named.len() < trials.len() || named.len() > NAMED + 1 {
        let first: Vec<&str> = named.into_iter().take(NAMED).collect();
        let more = trials.len() - first.len();
        return if first.is_empty() { count(more, "trial") } else { format!("{} and {more} more", first.join(", ")) };
    }
    list(&named)
}

/// The first few values.
fn shown(values: &[&str]) -> String {
    let mut shown: Vec<String> = values.iter().take(NAMED).map(|value| short(value)).collect();
    if values.len() > NAMED {
        shown.push(format!("{} more", values.len() - NAMED));
    }
    list(&shown)
}

fn short(value: &str) -> String {
    value.strip_prefix("sha256:").unwrap_or(value).chars().take(DIGEST_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::super::simulated::{Luck, ONE, one, plan, raised};
    use crate::{
        findings::findings,
        record::{AttemptSpan, Outcome, TrialRecord},
    };

    /// Ten trials, of which each executed what its line says.
    fn study(provenance: impl Fn(usize) -> String) -> Vec<TrialRecord> {
        let mut trials = one(10, &mut Luck(113), |u, luck| Some((u[0] - 0.5).powi(2) + 0.01 * luck.normal()));
        for (i, trial) in trials.iter_mut().enumerate() {
            trial.name = format!("s-explore-{i:04}");
            let line = format!(r#"{{"number":1,"provenance":{}}}"#, provenance(i));
            trial.attempts = vec![serde_json::from_str::<AttemptSpan>(&line).unwrap()];
        }
        trials
    }

    fn is_silent(trials: &[TrialRecord]) -> bool {
        findings(&plan(ONE), trials).iter().all(|finding| finding.code != "CodeChanged")
    }

    #[test]
    fn trials_of_other_code_are_named_with_what_differs() {
        let trials = study(|i| {
            let (script, commit) =
                if i >= 8 { ("b".repeat(64), "2".repeat(40)) } else { ("a".repeat(64), "1".repeat(40)) };
            format!(r#"{{"code":{{"spec.trial.template":"t","train.py":"{script}"}},"gitCommit":"{commit}"}}"#)
        });
        let found = raised(ONE, &trials, "CodeChanged");
        assert_eq!(found.trials, ["s-explore-0008", "s-explore-0009"]);
        assert!(
            found.advice.starts_with(
                "2 of 10 trials ran different code than the others: train.py (bbbbbbbbbbbb in s-explore-0008 and \
                 s-explore-0009, aaaaaaaaaaaa in the others) and the git commit (222222222222 in s-explore-0008 and \
                 s-explore-0009, 111111111111 in the others) differ. Their results"
            ),
            "{}",
            found.advice
        );
        assert!((found.evidence["parts"] - 2.0).abs() < 1e-9);
        let mut reversed = trials;
        reversed.reverse();
        assert_eq!(raised(ONE, &reversed, "CodeChanged"), found);
    }

    #[test]
    fn each_part_is_seen_alone() {
        for (usual, other, part) in [
            (r#"{"images":["r/t@sha256:1"]}"#, r#"{"images":["r/t@sha256:2"]}"#, "the image"),
            (
                r#"{"code":{"spec.trial.template":"1"}}"#,
                r#"{"code":{"spec.trial.template":"2"}}"#,
                "spec.trial.template",
            ),
            (r#"{"code":{"a.py":"1"}}"#, r#"{"code":{"a.py":"2"}}"#, "a.py"),
            (r#"{"gitCommit":"1"}"#, r#"{"gitCommit":"2"}"#, "the git commit"),
            (
                r#"{"uncommittedChanges":false}"#,
                r#"{"uncommittedChanges":true,"gitDiffSha256":"2"}"#,
                "uncommitted changes",
            ),
            (r#"{"sourcesSha256":"1"}"#, r#"{"sourcesSha256":"2"}"#, "the files in git"),
        ] {
            let trials = study(|i| if i == 3 { other } else { usual }.to_owned());
            let found = raised(ONE, &trials, "CodeChanged");
            assert_eq!(found.trials, ["s-explore-0003"], "{part}");
            assert!(found.advice.contains(part), "{}", found.advice);
        }
    }

    #[test]
    fn another_version_of_a_package_is_other_code() {
        let mut trials = study(|_| "{}".to_owned());
        for (i, trial) in trials.iter_mut().enumerate() {
            let version = if i == 9 { "0.7.0" } else { "0.6.0" };
            let line = format!(
                r#"{{"attempt":1,"host":0,"python":"3.12.3","packages":{{"jax":"{version}"}},"device":"d{i}"}}"#
            );
            trial.runtimes = vec![serde_json::from_str(&line).unwrap()];
        }
        let found = raised(ONE, &trials, "CodeChanged");
        assert_eq!(found.trials, ["s-explore-0009"]);
        assert!(
            found.advice.contains("jax (0.7.0 in s-explore-0009, 0.6.0 in the others) differs."),
            "{}",
            found.advice
        );
    }

    #[test]
    fn hosts_and_attempts_of_one_trial_that_differ_are_told() {
        let mixed = study(|i| {
            if i == 0 { r#"{"images":["t@sha256:1","t@sha256:2"]}"# } else { r#"{"images":["t@sha256:1"]}"# }.to_owned()
        });
        assert_eq!(raised(ONE, &mixed, "CodeChanged").trials, ["s-explore-0000"]);
    }

    #[test]
    fn nothing_is_said_where_nothing_is_known_or_nothing_differs() {
        assert!(is_silent(&study(|_| "{}".to_owned())));
        assert!(is_silent(&study(
            |_| r#"{"code":{"train.py":"a"},"gitCommit":"1","uncommittedChanges":false}"#.to_owned()
        )));
        // Unknown is not the same, and not another.
        let half = study(|i| if i < 5 { "{}" } else { r#"{"gitCommit":"1"}"# }.to_owned());
        assert!(is_silent(&half));
        let apart = study(|i| if i < 5 { r#"{"code":{"train.py":"a"}}"# } else { r#"{"gitCommit":"1"}"# }.to_owned());
        assert!(is_silent(&apart));
        // Where it ran is no code.
        assert!(is_silent(&study(|i| format!(r#"{{"machines":["m{i}"],"devices":["{i}"],"command":["{i}"]}}"#))));
    }

    #[test]
    fn what_is_not_known_is_counted_and_what_is_no_result_is_left_out() {
        let mut trials = study(|i| match i {
            0 | 1 => "{}".to_owned(),
            i => format!(r#"{{"gitCommit":"{}"}}"#, u8::from(i > 7)),
        });
        trials[9].outcome = Outcome::Failed { reason: "TrainerError".into() };
        let found = raised(ONE, &trials, "CodeChanged");
        assert_eq!(found.trials, ["s-explore-0008"]);
        assert!(
            found.advice.starts_with("1 of 7 trials ran")
                && found.advice.contains("The code of 2 trials is not known."),
            "{}",
            found.advice
        );
        trials[8].outcome = Outcome::Pending;
        assert!(is_silent(&trials));
    }
}
