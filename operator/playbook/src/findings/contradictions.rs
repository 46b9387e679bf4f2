//! Findings that contradict each other: no planted study, and no real one, may raise both. Each pair is settled where it
//! arises, by what its examiners ask of the trials; here they are listed, and every study that a test plants is held to them.

use super::{Answer, Checklist, Finding};

/// Two codes of which at most one can be true.
struct Contradiction {
    one: &'static str,
    other: &'static str,
    /// Of what both must speak to contradict each other.
    of: About,
    why: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum About {
    /// The study: they never stand together.
    Study,
    /// A trial that both name.
    Trial,
    /// A hyperparameter and a trial that both name.
    Hyperparameter,
}

const fn of_study(one: &'static str, other: &'static str, why: &'static str) -> Contradiction {
    Contradiction { one, other, of: About::Study, why }
}

const fn of_trial(one: &'static str, other: &'static str, why: &'static str) -> Contradiction {
    Contradiction { one, other, of: About::Trial, why }
}

const STEPS: &str = "the step budget is too large or too small, not both";
const COUNTED: &str = "nothing is known of the step budget while trainers count something else";

const PAIRS: &[Contradiction] = &[
    of_study(
        "NoisyLateTraining",
        "SaturatedEarly",
        "what is the best within noise may differ by all that counts, where noise is as large as that",
    ),
    of_study("Undersampled", "TuningGainsSaturated", "more trials would help, or would not"),
    of_study("TooManySteps", "TooFewSteps", STEPS),
    of_study("TooManySteps", "StillImproving", STEPS),
    of_study("SaturatedEarly", "TooFewSteps", STEPS),
    of_study("SaturatedEarly", "StillImproving", STEPS),
    of_study("StepsNotReached", "TooManySteps", COUNTED),
    of_study("StepsNotReached", "TooFewSteps", COUNTED),
    of_study("StepsNotReached", "StillImproving", COUNTED),
    of_study("StepsNotReached", "SaturatedEarly", COUNTED),
    of_study("BaselineUnderTuned", "UnequalTuning", "the arm that seems best had more tuning, or less"),
    of_study("InfeasibleFraction", "ManyInfeasible", "the share is very large, or it is not"),
    of_study(
        "RegularizationUnlikelyToHelp",
        "OverfittingInBest",
        "one says that regularization can hardly help, the other asks for it",
    ),
    of_trial("OverfittingInBest", "TrainingLossRising", "training breaks down, or continues and overfits"),
    of_trial("GradientOutliers", "ClipTooHard", "gradients are not clipped, or clipped too hard"),
    Contradiction {
        one: "SearchSpaceTooNarrow",
        other: "LearningRateStabilityEdge",
        of: About::Hyperparameter,
        why: "the range ends too early, or reaches into what cannot be trained",
    },
    Contradiction {
        one: "SearchSpaceTooNarrow",
        other: "FeasibilityEdge",
        of: About::Hyperparameter,
        why: "the range ends too early, or reaches into what cannot be trained",
    },
];

/// A code that answers a question which is unknown.
const ANSWERED: &[(&str, u8, &str)] = &[
    ("TuningGainsSaturated", 1, "more trials would not help, and it takes more of them to tell"),
    ("TuningGainsSaturated", 2, "more trials would not help, and it takes more of them to tell"),
];

impl Contradiction {
    fn is_between(&self, a: &Finding, b: &Finding) -> bool {
        let share_trial = || a.trials.iter().any(|trial| b.trials.contains(trial));
        (a.code == self.one && b.code == self.other)
            && match self.of {
                About::Study => true,
                About::Trial => share_trial(),
                About::Hyperparameter => a.hyperparameter == b.hyperparameter && share_trial(),
            }
    }
}

/// The pairs that contradict each other, in words.
fn contradictions(found: &[Finding], checklist: Option<&Checklist>) -> Vec<String> {
    let between = PAIRS.iter().filter_map(|pair| {
        let both = found.iter().any(|a| found.iter().any(|b| pair.is_between(a, b)));
        both.then(|| format!("{} beside {}: {}", pair.one, pair.other, pair.why))
    });
    let unknown = |number: u8| {
        let mut questions = checklist.iter().flat_map(|checklist| &checklist.questions);
        questions.any(|question| question.number == number && question.answer == Answer::Unknown)
    };
    let answered =
        ANSWERED.iter().filter(|(code, number, _)| unknown(*number) && found.iter().any(|f| f.code == *code));
    between
        .chain(answered.map(|(code, number, why)| format!("{code}, and question {number} is unknown: {why}")))
        .collect()
}

/// What every planted study is held to.
#[track_caller]
pub(super) fn none_in(found: &[Finding], checklist: Option<&Checklist>) {
    let all = contradictions(found, checklist);
    assert!(all.is_empty(), "{all:#?}");
}

#[test]
fn every_code_of_a_pair_exists_and_a_pair_is_seen() {
    let codes = PAIRS.iter().flat_map(|pair| [pair.one, pair.other]).chain(ANSWERED.iter().map(|(code, ..)| *code));
    for code in codes {
        assert!(studious_rules::named(code).is_some(), "{code}");
    }
    let finding = |code: &str, trial: &str| {
        let mut finding = Finding::new(studious_rules::named(code).unwrap(), String::new()).of("learning_rate");
        finding.trials = vec![trial.to_owned()];
        finding
    };
    for pair in PAIRS {
        let both = |trial: &str| contradictions(&[finding(pair.other, "a"), finding(pair.one, trial)], None).len();
        assert_eq!(both("a"), 1, "{} beside {}", pair.one, pair.other);
        assert_eq!(both("b") == 1, pair.of == About::Study, "{} beside {}", pair.one, pair.other);
    }
}
