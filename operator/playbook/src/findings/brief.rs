//! Findings where there is little room: the conditions and the list in a study's status, and the Events about them.
//!
//! Everything is bounded here in number and length, and depends on the trials alone, so a status says the same whenever
//! it is worked out again.

use std::collections::BTreeSet;

use studious_api::study::FindingSummary;
use studious_rules as rules;

use super::{
    Answer, ArmTuning, Checklist, Finding, Question, Severity, Verdict, checklist, findings, verdict,
    wording::{count, list},
};
use crate::{
    Plan,
    record::{Outcome, TrialRecord},
};

/// The conditions that findings set, the five questions first, in their order.
pub const CONDITIONS: [&str; 7] = [
    "SearchSpaceLargeEnough",
    "SampledEnough",
    "FewInfeasible",
    "OptimizationSound",
    "TrainingCurvesSound",
    "NuisanceTunedEnough",
    "Conclusive",
];
/// Findings that are listed: more than a person reads at once.
const MOST_LISTED: usize = 10;
/// Codes that are announced over the life of a study.
const MOST_ANNOUNCED: usize = 64;
/// Longest advice, message and note, in characters.
const LONGEST: usize = 700;

/// How far a study is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// Trials run; curves weren't looked at.
    RunsWithoutCurves,
    /// Trials run.
    Runs,
    /// It has ended.
    Ended,
}

/// What there is room for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Brief {
    /// The conditions, in the order of [`CONDITIONS`]; without `NuisanceTunedEnough` where a study has no arms to compare.
    pub conditions: Vec<Claim>,
    /// The findings that matter most; those that the study waives come last.
    pub findings: Vec<FindingSummary>,
    /// How many findings there are.
    pub count: usize,
    /// What is worth an Event when it first appears: each code once.
    pub notable: Vec<Announcement>,
    /// The codes of all findings, listed or not.
    codes: BTreeSet<String>,
    /// How many trials have ended.
    ended: usize,
}

impl Brief {
    /// The findings that a status lists, of a study that has announced these codes before: an Event can't be taken back, so
    /// one whose finding is gone is explained for as long as it is.
    #[must_use]
    pub fn listed(&self, announced: &[String]) -> Vec<FindingSummary> {
        let gone = announced.iter().filter(|code| !self.codes.contains(*code)).take(MOST_LISTED);
        let explained = gone.map(|code| FindingSummary {
            code: code.clone(),
            severity: format!("{:?}", Severity::Info),
            hyperparameter: None,
            advice: format!(
                "Announced earlier, and no longer seen: {} have ended by now, and together they do not show it.",
                count(self.ended, "trial")
            ),
        });
        self.findings.iter().cloned().chain(explained).collect()
    }
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// One of [`CONDITIONS`].
    pub type_: &'static str,
    /// Whether it is so; `None` when it is unknown.
    pub holds: Option<bool>,
    /// In a word: `Pass`, `Waived`, `TooLittleToTell`, or the code of the finding that fails it.
    pub reason: String,
    /// In a sentence or two.
    pub message: String,
}

/// A finding that appears.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Announcement {
    /// Its code.
    pub code: String,
    /// What was found and what to do.
    pub note: String,
}

/// Works out the findings of a study and says them in short. `trials` are all trials of the rounds that have begun, those
/// that are still to come as [pending](crate::record::Outcome::Pending) ones.
#[must_use]
pub fn brief(plan: &Plan, trials: &[TrialRecord], stage: Stage) -> Brief {
    let all = findings(plan, trials);
    let answers = checklist(plan, trials, &all);
    let mut conditions: Vec<Claim> = answers.questions.iter().map(|q| of_question(q, &all, stage)).collect();
    conditions.extend(of_arms(&answers.arms));
    let answer = verdict(plan, trials, &answers);
    conditions.push(conclusive(&answers, &answer, &conditions, stage));
    let (open, waived): (Vec<&Finding>, Vec<&Finding>) = all.iter().partition(|f| f.waived.is_none());
    let mut seen = BTreeSet::new();
    let set_aside = |f: &Finding| {
        let question = rules::named(&f.code).and_then(|code| code.question);
        answers.questions.iter().any(|q| Some(q.number) == question && q.answer == Answer::Waived)
    };
    let is_early = stage != Stage::Ended && !is_half_done(trials);
    let is_notable = |f: &Finding| match f.severity {
        Severity::Info => false,
        Severity::Warning => !is_early && !set_aside(f),
        Severity::Problem => !set_aside(f),
    };
    let notable = open.iter().filter(|f| is_notable(f) && seen.insert(f.code.as_str()));
    Brief {
        conditions,
        notable: notable.map(|f| Announcement { code: f.code.clone(), note: shorten(&f.advice) }).collect(),
        findings: open.iter().chain(&waived).take(MOST_LISTED).map(|f| summary(f)).collect(),
        count: all.len(),
        codes: all.iter().map(|f| f.code.clone()).collect(),
        ended: trials.iter().filter(|trial| trial.outcome != Outcome::Pending).count(),
    }
}

/// The findings that appear for the first time, of a study that has announced these codes before. One that went and came
/// back is no news.
#[must_use]
pub fn appeared(brief: &Brief, announced: &[String]) -> Vec<Announcement> {
    let room = MOST_ANNOUNCED.saturating_sub(announced.len());
    brief.notable.iter().filter(|finding| !announced.contains(&finding.code)).take(room).cloned().collect()
}

/// Whether half of the trials have ended. Before that warnings aren't announced, although the status lists them: they are
/// looked for again and again, what the first trials seem to show often passes, and an Event can't be taken back.
fn is_half_done(trials: &[TrialRecord]) -> bool {
    let ended = trials.iter().filter(|trial| trial.outcome != Outcome::Pending).count();
    2 * ended >= trials.len()
}

fn summary(finding: &Finding) -> FindingSummary {
    FindingSummary {
        code: finding.code.clone(),
        severity: format!("{:?}", finding.severity),
        hyperparameter: finding.hyperparameter.clone(),
        advice: match &finding.waived {
            Some(reason) => shorten(&format!("Waived: {reason}")),
            None => shorten(&finding.advice),
        },
    }
}

fn of_question(question: &Question, findings: &[Finding], stage: Stage) -> Claim {
    let type_ = CONDITIONS[usize::from(question.number).saturating_sub(1).min(4)];
    let claim = |holds, reason: &str, message: &str| Claim {
        type_,
        holds,
        reason: reason.to_owned(),
        message: shorten(message),
    };
    match question.answer {
        Answer::Pass => claim(Some(true), "Pass", &question.reason),
        Answer::Waived => claim(Some(true), "Waived", &question.reason),
        Answer::Unknown if stage == Stage::RunsWithoutCurves && question.number >= 4 => claim(
            None,
            "TrialsRun",
            "Training curves of so many trials are looked at once the study has ended; its page in the dashboard looks now.",
        ),
        Answer::Unknown => claim(None, "TooLittleToTell", &question.reason),
        Answer::Fail => {
            let fails = |f: &&Finding| {
                f.severity != Severity::Info
                    && f.waived.is_none()
                    && rules::named(&f.code).is_some_and(|code| code.question == Some(question.number))
            };
            claim(Some(false), findings.iter().find(fails).map_or("Fail", |f| &f.code), &question.reason)
        }
    }
}

/// Whether every arm is tuned well enough to compare it; nothing where there is but one.
fn of_arms(arms: &[ArmTuning]) -> Option<Claim> {
    if arms.iter().all(|arm| arm.configuration.is_empty()) {
        return None;
    }
    let with = |answer: Answer| arms.iter().filter(move |arm| arm.nuisance_tuned_enough == answer);
    let (holds, reason, told) = if let Some(first) = with(Answer::Fail).next() {
        (Some(false), first.codes.first().map_or("Fail", |code| code), Answer::Fail)
    } else if with(Answer::Unknown).next().is_some() {
        (None, "TooLittleToTell", Answer::Unknown)
    } else if with(Answer::Waived).next().is_some() {
        (Some(true), "Waived", Answer::Waived)
    } else {
        (Some(true), "Pass", Answer::Pass)
    };
    let arm = |arm: &ArmTuning| {
        let values: Vec<String> = arm.configuration.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        format!("{}: {}", list(&values), arm.reason)
    };
    let message = match told {
        Answer::Pass => format!("{} are tuned well enough to compare them.", count(arms.len(), "arm")),
        told => with(told).map(arm).collect::<Vec<_>>().join(" "),
    };
    Some(Claim { type_: CONDITIONS[5], holds, reason: reason.to_owned(), message: shorten(&message) })
}

/// Whether the study's goal can be judged, and the answer to it.
fn conclusive(answers: &Checklist, answer: &Verdict, conditions: &[Claim], stage: Stage) -> Claim {
    let open: Vec<&str> =
        answers.questions.iter().zip(conditions).filter(|(q, _)| q.is_open()).map(|(_, claim)| claim.type_).collect();
    let (holds, reason, why) = if stage != Stage::Ended {
        (false, "TrialsRun", String::new())
    } else if !answers.provisional {
        (true, "NothingOpen", String::new())
    } else if open.is_empty() {
        (false, "Provisional", String::new())
    } else {
        let open = format!(" {} of the five questions fail or are unknown: {}.", open.len(), list(&open));
        (false, "Provisional", open)
    };
    let message = format!("{}{why}", answer.summary);
    Claim { type_: CONDITIONS[6], holds: Some(holds), reason: reason.to_owned(), message: shorten(&message) }
}

/// Cut after a word.
fn shorten(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let cut: String = text.chars().take(LONGEST - 2).collect();
    let end = cut.rfind(char::is_whitespace).unwrap_or(cut.len());
    format!("{} …", cut[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::simulated::{ARMS, Luck, ONE, arms, bowl, one, plan};

    fn claim<'a>(brief: &'a Brief, type_: &str) -> &'a Claim {
        brief.conditions.iter().find(|claim| claim.type_ == type_).unwrap()
    }

    #[test]
    fn every_question_is_a_condition_from_the_beginning() {
        let brief = brief(&plan(ONE), &[], Stage::Runs);
        let types: Vec<&str> = brief.conditions.iter().map(|claim| claim.type_).collect();
        assert_eq!(types, [&CONDITIONS[..5], &CONDITIONS[6..]].concat(), "no arms: nothing to compare");
        assert!(brief.conditions[..5].iter().all(|claim| claim.holds.is_none()));
        assert_eq!(claim(&brief, "Conclusive").reason, "TrialsRun");
    }

    #[test]
    fn a_failing_question_names_its_finding_and_the_answer_is_provisional() {
        let mut luck = Luck(50);
        // The best trials crowd the upper end.
        let trials = one(30, &mut luck, |u, luck| Some(1.0 - u[0] + 0.01 * luck.normal()));
        let brief = brief(&plan(ONE), &trials, Stage::Ended);
        let space = claim(&brief, "SearchSpaceLargeEnough");
        assert_eq!((space.holds, space.reason.as_str()), (Some(false), "SearchSpaceTooNarrow"), "{space:?}");
        let infeasible = claim(&brief, "FewInfeasible");
        assert_eq!((infeasible.holds, infeasible.reason.as_str()), (Some(true), "Pass"));
        let conclusive = claim(&brief, "Conclusive");
        assert_eq!((conclusive.holds, conclusive.reason.as_str()), (Some(false), "Provisional"));
        assert!(conclusive.message.contains("SearchSpaceLargeEnough"), "{conclusive:?}");
        let narrow = brief.findings.iter().find(|f| f.code == "SearchSpaceTooNarrow").unwrap();
        assert_eq!(narrow.hyperparameter.as_deref(), Some("learning_rate"));
    }

    #[test]
    fn what_is_waived_passes_and_says_so() {
        let mut luck = Luck(50);
        let trials = one(30, &mut luck, |u, luck| Some(1.0 - u[0] + 0.01 * luck.normal()));
        let by = |what: &str| {
            let waives = format!("{ONE}policy: {{waive: [{{{what}, reason: no larger rate is wanted}}]}}\n");
            brief(&plan(&waives), &trials, Stage::Ended)
        };
        let question = by("question: 1");
        assert_eq!(claim(&question, "SearchSpaceLargeEnough").reason, "Waived");
        assert!(question.notable.iter().all(|f| f.code != "SearchSpaceTooNarrow"), "{:?}", question.notable);
        let brief = by("code: SearchSpaceTooNarrow");
        let space = claim(&brief, "SearchSpaceLargeEnough");
        assert_eq!((space.holds, space.reason.as_str()), (Some(true), "Waived"));
        assert_eq!(space.message, "no larger rate is wanted");
        assert!(brief.notable.iter().all(|f| f.code != "SearchSpaceTooNarrow"), "{:?}", brief.notable);
        let last = brief.findings.last().unwrap();
        assert_eq!(
            (last.code.as_str(), last.advice.as_str()),
            ("SearchSpaceTooNarrow", "Waived: no larger rate is wanted")
        );
    }

    #[test]
    fn arms_have_a_condition_which_names_those_that_are_not_tuned() {
        let mut luck = Luck(7);
        let trials = arms(20, &mut luck, |_, u, luck| Some(bowl(u, 0.5, luck)));
        let brief = brief(&plan(ARMS), &trials, Stage::Ended);
        assert!(claim(&brief, "NuisanceTunedEnough").holds.is_some(), "{brief:?}");
    }

    #[test]
    fn each_code_is_announced_once() {
        let mut luck = Luck(50);
        let trials = one(30, &mut luck, |u, luck| Some(1.0 - u[0] + 0.01 * luck.normal()));
        let brief = brief(&plan(ONE), &trials, Stage::Ended);
        let first = appeared(&brief, &[]);
        assert!(first.iter().any(|f| f.code == "SearchSpaceTooNarrow"), "{first:?}");
        let announced: Vec<String> = first.into_iter().map(|f| f.code).collect();
        assert_eq!(appeared(&brief, &announced), []);
        let full: Vec<String> = (0..MOST_ANNOUNCED).map(|i| format!("Code{i}")).collect();
        assert_eq!(appeared(&brief, &full), [], "bounded over the life of a study");
    }

    #[test]
    fn what_was_announced_and_is_gone_is_explained() {
        let trials = one(30, &mut Luck(50), |u, luck| Some(1.0 - u[0] + 0.01 * luck.normal()));
        let brief = brief(&plan(ONE), &trials, Stage::Ended);
        let announced = ["SearchSpaceTooNarrow".to_owned(), "ManyInfeasible".to_owned()];
        let listed = brief.listed(&announced);
        assert_eq!(listed.len(), brief.findings.len() + 1, "what is still found explains itself");
        let gone = listed.last().unwrap();
        assert_eq!((gone.code.as_str(), gone.severity.as_str()), ("ManyInfeasible", "Info"));
        assert!(gone.advice.contains("no longer seen: 30 trials have ended"), "{}", gone.advice);
        assert_eq!(brief.listed(&[]), brief.findings);
    }

    #[test]
    fn what_the_first_trials_seem_to_show_is_not_announced() {
        let study = plan(ONE);
        let trials = |ended: usize| {
            let mut trials = one(12, &mut Luck(5), |_, _| None);
            let pending = one(12, &mut Luck(6), |_, _| None);
            let pending =
                pending.into_iter().skip(ended.min(12)).map(|t| TrialRecord { outcome: Outcome::Pending, ..t });
            trials.truncate(ended);
            trials.extend(pending);
            trials
        };
        let (early, later) = (brief(&study, &trials(5), Stage::Runs), brief(&study, &trials(6), Stage::Runs));
        let lists = |brief: &Brief| brief.findings.iter().any(|finding| finding.code == "ManyInfeasible");
        assert!(lists(&early) && early.notable.is_empty(), "{:?}", early.notable);
        assert_eq!(later.notable[0].code, "ManyInfeasible");
    }

    #[test]
    fn while_trials_are_to_come_their_number_is_not_held_against_the_study() {
        let mut luck = Luck(3);
        let mut trials = one(4, &mut luck, |u, luck| Some(bowl(u, 0.5, luck)));
        trials.extend(
            one(4, &mut luck, |_, _| None).into_iter().map(|trial| TrialRecord { outcome: Outcome::Pending, ..trial }),
        );
        let brief = brief(&plan(ONE), &trials, Stage::RunsWithoutCurves);
        assert_eq!(claim(&brief, "SampledEnough").reason, "TooLittleToTell");
        assert_eq!(claim(&brief, "TrainingCurvesSound").reason, "TrialsRun");
        assert_eq!(brief.notable, []);
    }

    #[test]
    fn long_advice_is_cut_after_a_word() {
        let long = "word ".repeat(400);
        let cut = shorten(&long);
        assert!(cut.chars().count() <= LONGEST && cut.ends_with("word …"), "{cut}");
    }
}
