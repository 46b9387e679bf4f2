//! The five questions that are answered before a study's goal is judged (requirement R-065), and for each arm whether its
//! nuisance hyperparameters are tuned well enough to compare it (requirement R-064).
//!
//! A question fails by a warning or problem that speaks to it and isn't waived. It is unknown when there is too little to
//! look at. The study's answer is provisional until no question fails or is unknown, and no other problem is left.

use std::{collections::BTreeSet, fmt::Write as _};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use studious_api::{Hyperparameters, study::Waiver};
use studious_rules::{
    self as rules, QUESTIONS,
    search::{BASELINE_UNDER_TUNED, MANY_INFEASIBLE_TRIALS, SEARCH_SPACE_TOO_NARROW, UNDERSAMPLED},
    thresholds::{
        curves::{BEST_FEW, CURVE_VALUES, FEW_EVALUATIONS},
        search::GOOD_TRIALS,
    },
};

use super::{
    Finding, Severity,
    boundary::{self, Edges},
    curves, effort,
    infeasible::{self, Share},
    policy::{is_waived, waivers},
    reading::{Arm, Reading},
    sampling::{self, Sampled},
    unseen::{self, Unseen},
    wording::{count, list, number, percent, wrap},
};
use crate::{
    Plan,
    record::{Outcome, TrialRecord},
    trial::judged_by_value,
};

/// The five questions with their answers.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS), ts(optional_fields))]
pub struct Checklist {
    /// Whether the study's answer must wait: some question fails or is unknown, or there is a problem beside them.
    pub provisional: bool,
    /// The codes of problems that speak to none of the questions, such as `SeedMismatch`, and aren't waived.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// The five questions in their order.
    pub questions: Vec<Question>,
    /// For each arm whether it is tuned well enough to compare. One without a configuration where no scientific
    /// hyperparameter has a list of values.
    pub arms: Vec<ArmTuning>,
}

/// One question with its answer.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Question {
    /// 1 to 5.
    pub number: u8,
    /// The question.
    pub question: String,
    /// The answer.
    pub answer: Answer,
    /// Why, in a sentence or two.
    pub reason: String,
    /// The codes of the findings that speak to it.
    pub codes: Vec<String>,
}

/// Whether the nuisance hyperparameters of an arm are tuned well enough to compare it.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct ArmTuning {
    /// The scientific values that its trials share.
    pub configuration: Hyperparameters,
    /// `Pass`: its search space, its sampling and its infeasible trials give no cause for doubt.
    pub nuisance_tuned_enough: Answer,
    /// Why, in a sentence.
    pub reason: String,
    /// The codes of the findings that contradict it.
    pub codes: Vec<String>,
}

/// An answer.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Answer {
    /// Yes: nothing contradicts it.
    Pass,
    /// No.
    Fail,
    /// There is too little to tell.
    Unknown,
    /// Set aside by the study, with a reason.
    Waived,
}

/// Answers the five questions from the findings of [`super::findings`] on the same trials.
#[must_use]
pub fn checklist(plan: &Plan, trials: &[TrialRecord], findings: &[Finding]) -> Checklist {
    let trials = &*judged_by_value(plan.spec(), trials);
    let reading = Reading::new(plan, trials);
    let edges = boundary::edges(&reading);
    let evidence = Evidence {
        unseen: unseen::open(&reading, &edges),
        edges,
        sampled: sampling::sampled(&reading),
        shares: infeasible::shares(&reading),
        reading,
    };
    let questions: Vec<_> = (1..=5).map(|number| evidence.question(number, findings)).collect();
    let problems = problems(findings);
    let provisional = !problems.is_empty() || questions.iter().any(Question::is_open);
    Checklist { provisional, problems, arms: evidence.arms(), questions }
}

/// Problems beside the questions: conclusions should not be drawn before they are fixed either.
fn problems(findings: &[Finding]) -> Vec<String> {
    let beside = |f: &&Finding| {
        f.severity == Severity::Problem
            && f.waived.is_none()
            && rules::named(&f.code).is_none_or(|code| code.question.is_none())
    };
    let codes: BTreeSet<&str> = findings.iter().filter(beside).map(|f| f.code.as_str()).collect();
    codes.into_iter().map(str::to_owned).collect()
}

impl Question {
    /// Whether the study's answer must wait for it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.answer, Answer::Fail | Answer::Unknown)
    }
}

/// What the answers rest on.
struct Evidence<'a> {
    reading: Reading<'a>,
    edges: Edges<'a>,
    unseen: Vec<Unseen<'a>>,
    sampled: Vec<Sampled<'a>>,
    shares: Vec<Share<'a>>,
}

impl Evidence<'_> {
    fn question(&self, number: u8, findings: &[Finding]) -> Question {
        let speaks = |f: &&Finding| rules::named(&f.code).is_some_and(|c| c.question == Some(number));
        let about: Vec<_> = findings.iter().filter(speaks).collect();
        let (grave, light): (Vec<&Finding>, Vec<&Finding>) =
            about.iter().copied().partition(|f| f.severity != Severity::Info);
        let (waived, failing): (Vec<&Finding>, Vec<&Finding>) = grave.into_iter().partition(|f| f.waived.is_some());
        let (answer, reason) = if let Some(first) = failing.first() {
            let others = match failing.len() - 1 {
                0 => String::new(),
                n => format!(" ({} more)", count(n, "finding")),
            };
            (Answer::Fail, format!("{}{others}", first_sentence(&first.advice)))
        } else {
            match self.otherwise(number, &light) {
                Err(unknown) => (Answer::Unknown, unknown),
                Ok(pass) => match waived.first().and_then(|f| f.waived.clone()) {
                    Some(reason) => (Answer::Waived, reason),
                    None => (Answer::Pass, pass),
                },
            }
        };
        let set_aside = waivers(self.reading.plan.spec()).iter().find(|w| w.question == Some(number));
        let (answer, reason) = match (answer, set_aside) {
            (Answer::Fail | Answer::Unknown, Some(Waiver { reason, .. })) => (Answer::Waived, reason.clone()),
            (answer, _) => (answer, reason),
        };
        let mut seen = BTreeSet::new();
        let codes = about.iter().map(|f| f.code.clone()).filter(|code| seen.insert(code.clone())).collect();
        let question = QUESTIONS[usize::from(number) - 1].to_owned();
        Question { number, question, answer, reason, codes }
    }

    /// The answer when no finding fails the question: why it passes, or why it is unknown.
    fn otherwise(&self, number: u8, light: &[&Finding]) -> Result<String, String> {
        match number {
            1 => self.space(),
            2 => self.sampling(),
            3 => self.infeasible(),
            4 => curves::sound_optimization(&self.reading),
            _ => self.curves(light),
        }
    }

    fn space(&self) -> Result<String, String> {
        let Edges { looked_at, too_few, .. } = &self.edges;
        if self.reading.axes().next().is_none() {
            return Ok("No hyperparameter has a range or a list of numbers whose ends could be too near.".to_owned());
        }
        if !too_few.is_empty() || looked_at.is_empty() {
            let arms: Vec<_> = too_few.iter().map(Arm::label).filter(|label| !label.is_empty()).collect();
            let needed = unseen::trials_needed(&self.reading, &self.edges, self.shares.len().max(1));
            let needs = format!("it takes {} that succeeded to look for edges", count(needed, "trial"));
            let whose = if arms.is_empty() { String::new() } else { format!("{}: ", list(&arms)) };
            return Err(if whose.is_empty() { capitalised(&format!("{needs}.")) } else { format!("{whose}{needs}.") });
        }
        if let Some(first) = self.unseen.first() {
            return Err(first.words());
        }
        let looked_at = looked_at.len();
        Ok(format!(
            "The best trials cluster at no boundary: {} checked.",
            if looked_at == 1 {
                "one hyperparameter".to_owned()
            } else {
                format!("{looked_at} pairs of arm and hyperparameter")
            }
        ))
    }

    fn sampling(&self) -> Result<String, String> {
        let Some(round) = self.reading.exploring() else {
            return Err("No trial has a result.".to_owned());
        };
        let pending = round.trials.iter().filter(|t| t.outcome == Outcome::Pending).count();
        let few = self.sampled.iter().filter(|s| s.results < s.needed).min_by_key(|s| s.results);
        if let Some(few) = few.filter(|_| pending > 0) {
            let whose = few.arm.label();
            let with = if whose.is_empty() { String::new() } else { format!(" with {whose}") };
            let have = |n: usize| if n == 1 { "has" } else { "have" };
            return Err(format!(
                "{} of round {} {} not ended; {}{with} {} a result.",
                count(pending, "trial"),
                round.name,
                have(pending),
                few.results,
                have(few.results)
            ));
        }
        let Some(fewest) = self.sampled.iter().min_by_key(|s| s.results) else {
            return Err("No trial succeeded.".to_owned());
        };
        let each = if self.sampled.len() > 1 { " in every arm" } else { "" };
        let good = match fewest.good {
            None => String::new(),
            Some(good) if good < self.reading.count(&GOOD_TRIALS) => {
                " Few are as good as the best, but more trials would not change which arm leads.".to_owned()
            }
            Some(good) => format!(" {good} of them are as good as the best."),
        };
        let half = match fewest.last_doubling {
            None => String::new(),
            Some(0.0) => " Half of them would have found one as good.".to_owned(),
            Some(gain) => {
                format!(" Half of them would have found a best that is worse by {} on average.", number(gain))
            }
        };
        Ok(format!("At least {} with a result{each}.{good}{half}", count(fewest.results, "trial")))
    }

    fn infeasible(&self) -> Result<String, String> {
        let results: usize = self.shares.iter().map(|s| s.results).sum();
        let infeasible: usize = self.shares.iter().map(|s| s.infeasible).sum();
        if results == 0 {
            return Err("No trial has a result.".to_owned());
        }
        let share = |s: &Share<'_>| s.infeasible as f64 / s.results.max(1) as f64;
        let most = self.shares.iter().max_by(|a, b| share(a).total_cmp(&share(b)));
        let of_arm = match most.filter(|_| self.shares.len() > 1 && infeasible > 0) {
            Some(most) => format!(", at most {} with {}", percent(share(most)), most.arm.label()),
            None => String::new(),
        };
        let all = percent(infeasible as f64 / results as f64);
        Ok(format!("{infeasible} of {} ({all}){of_arm}.", count(results, "trial")))
    }

    fn curves(&self, light: &[&Finding]) -> Result<String, String> {
        let metric = &self.reading.plan.spec().objective.metric;
        let Some(round) = self.reading.concluding() else {
            return Err("No trial succeeded.".to_owned());
        };
        let best: Vec<_> = self
            .reading
            .ranked(&round.trials)
            .into_iter()
            .take(self.reading.count(&BEST_FEW))
            .map(|(t, _)| t)
            .collect();
        // As many as overfitting is looked for in: fewer show nothing that could contradict the result.
        let needed = self.reading.count(&FEW_EVALUATIONS).max(self.reading.count(&CURVE_VALUES));
        let evaluated = |t: &&TrialRecord| curves::evaluations(&self.reading, t).map_or(0, <[_]>::len);
        let with_curves = best.iter().filter(|t| evaluated(t) >= needed).count();
        if with_curves == 0 {
            let most = best.iter().map(evaluated).max().unwrap_or(0);
            let each = match most {
                0 => format!("have a curve of {metric}"),
                most => format!("have more than {} of {metric}", count(most, "evaluation")),
            };
            return Err(format!(
                "None of the best {} of round {} {each}; {needed} evaluations each would show overfitting.",
                count(best.len(), "trial"),
                round.name,
            ));
        }
        let looked_at = format!("{} of the best {} have curves", with_curves, count(best.len(), "trial"));
        Ok(match light.first() {
            Some(first) => first_sentence(&first.advice),
            None => format!("{looked_at}, which show nothing that contradicts the result."),
        })
    }

    fn arms(&self) -> Vec<ArmTuning> {
        let spec = self.reading.plan.spec();
        let is_waived = |code: &str, hyperparameter: Option<&str>| is_waived(spec, code, hyperparameter);
        let under_tuned = effort::under_tuned(&self.reading);
        self.shares
            .iter()
            .map(|share| {
                let label = share.arm.label();
                let mut against: Vec<(&str, Option<&str>, String)> = Vec::new();
                for edge in self.edges.seen.iter().filter(|e| e.arm.label() == label) {
                    let (side, name) = (if edge.upper { "upper" } else { "lower" }, edge.axis.name());
                    let said = format!("its best trials cluster at the {side} boundary of {name}");
                    against.push((edge.rule(&self.reading).code, Some(name), said));
                }
                let sampled = self.sampled.iter().find(|s| s.arm.label() == label);
                if let Some(poor) = sampled.filter(|s| s.poor.is_some()) {
                    let said = format!("it is sampled thinly with {}", count(poor.results, "result"));
                    against.push((UNDERSAMPLED.code, None, said));
                }
                if let Some((_, points)) = under_tuned.iter().find(|(arm, _)| *arm == label) {
                    let said = format!("it was tuned with only {}", count(*points, "different point"));
                    against.push((BASELINE_UNDER_TUNED.code, None, said));
                }
                if share.is_large {
                    let said = format!("{} of {} were infeasible", share.infeasible, count(share.results, "result"));
                    against.push((MANY_INFEASIBLE_TRIALS.code, None, said));
                }
                let (waived, open): (Vec<_>, Vec<_>) = against.into_iter().partition(|(c, h, _)| is_waived(c, *h));
                let (answer, reason) = if !open.is_empty() {
                    let said: Vec<_> = open.iter().map(|(.., said)| said.as_str()).collect();
                    (Answer::Fail, capitalised(&list(&said)))
                } else if share.results == 0 {
                    (Answer::Unknown, "No trial has a result".to_owned())
                } else if self.edges.too_few.iter().any(|arm| arm.label() == label)
                    && !is_waived(SEARCH_SPACE_TOO_NARROW.code, None)
                {
                    let has = count(share.results, "result");
                    (
                        Answer::Unknown,
                        format!("{has}, and too few that succeeded to look for edges of the search space"),
                    )
                } else if let Some(unseen) = self.unseen.iter().find(|u| u.arm.label() == label) {
                    (Answer::Unknown, unseen.words().trim_end_matches('.').to_owned())
                } else if !waived.is_empty() {
                    let said: Vec<_> = waived.iter().map(|(.., said)| said.as_str()).collect();
                    (Answer::Waived, format!("Waived: {}", list(&said)))
                } else {
                    let has = count(share.results, "result");
                    (Answer::Pass, format!("{has}; no edge, gap or region contradicts it"))
                };
                let codes: BTreeSet<String> = open.iter().chain(&waived).map(|(c, ..)| (*c).to_owned()).collect();
                ArmTuning {
                    configuration: share
                        .arm
                        .configuration
                        .iter()
                        .map(|(name, value)| ((*name).to_owned(), (*value).clone()))
                        .collect(),
                    nuisance_tuned_enough: answer,
                    reason: format!("{reason}."),
                    codes: codes.into_iter().collect(),
                }
            })
            .collect()
    }
}

impl Answer {
    /// As a terminal shows it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::Unknown => "unknown",
            Self::Waived => "waived",
        }
    }
}

impl Checklist {
    /// The questions in plain words, as a terminal shows them.
    #[must_use]
    pub fn text(&self) -> String {
        const WIDTH: usize = 96;
        let passed = self.questions.iter().filter(|q| q.answer == Answer::Pass).count();
        let mut text = String::new();
        let judged = match (self.provisional, &self.problems[..]) {
            (false, _) => "the study's answer can be judged".to_owned(),
            (true, []) => "the study's answer is provisional until no question fails or is unknown".to_owned(),
            (true, problems) => {
                format!("the study's answer is provisional, since there is a problem: {}", list(problems))
            }
        };
        // Writing to a String can't fail.
        let _ = writeln!(text, "{passed} of {} questions pass: {judged}.", self.questions.len());
        for question in &self.questions {
            let _ = writeln!(text, "{:<7}  {}. {}", question.answer.word(), question.number, question.question);
            for line in wrap(&question.reason, WIDTH) {
                let _ = writeln!(text, "            {line}");
            }
        }
        if self.arms.len() > 1 {
            let _ = writeln!(text, "Are the nuisance hyperparameters of each arm tuned well enough to compare it?");
            for arm in &self.arms {
                let of: Vec<_> = arm.configuration.iter().map(|(name, value)| format!("{name} = {value}")).collect();
                let _ = writeln!(text, "{:<7}  {}: {}", arm.nuisance_tuned_enough.word(), list(&of), arm.reason);
            }
        }
        text
    }
}

/// Up to the first full stop that ends a sentence.
pub(super) fn first_sentence(text: &str) -> String {
    let begins = |c: char| c.is_uppercase() || c.is_ascii_digit();
    let end = text.match_indices(". ").find(|(i, _)| text[i + 2..].starts_with(begins));
    end.map_or(text, |(i, _)| &text[..=i]).to_owned()
}

fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}
