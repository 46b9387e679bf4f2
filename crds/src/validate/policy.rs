//! Thresholds that differ from the default, and what is waived: each by a name that exists, each with a reason.

use studious_rules::{self as rules, QUESTIONS, Rule, thresholds};

use super::{Violation, called, printed::counted};
use crate::{StudySpec, spelling::nearest};

pub(super) fn refusals(spec: &StudySpec) -> Vec<Violation> {
    let Some(policy) = &spec.policy else { return Vec::new() };
    let mut found = Vec::new();
    for (name, given) in &policy.thresholds {
        let field = format!("spec.policy.thresholds.{name}");
        let Some(threshold) = thresholds::named(name) else {
            let fix = nearest(name, thresholds::all().map(|t| t.name)).map_or_else(
                || "`studious policy` lists the thresholds.".to_owned(),
                |near| format!("Did you mean {near}? `studious policy` lists the thresholds."),
            );
            found.push(Violation::new(field, name, "unknown threshold", fix));
            continue;
        };
        let value = given.value;
        let (least, most) = (threshold.least, threshold.most);
        if !(least..=most).contains(&value) {
            found.push(Violation::new(
                format!("{field}.value"),
                &value,
                format!("must be between {least} and {most}"),
                format!("It is {}; {} by default.", threshold.meaning, threshold.default),
            ));
        } else if threshold.is_whole() && value.fract() != 0.0 {
            found.push(Violation::new(
                format!("{field}.value"),
                &value,
                "must be a whole number",
                format!("It is {}; {} by default.", threshold.meaning, threshold.default),
            ));
        }
        reason(&format!("{field}.reason"), &given.reason, &mut found);
    }
    for (i, waiver) in policy.waive.iter().enumerate() {
        let field = format!("spec.policy.waive[{i}]");
        match (waiver.question, &waiver.code) {
            (Some(_), Some(_)) | (None, None) => found.push(Violation::new(
                &field,
                waiver,
                "must name either a question or a code",
                "Give question: 1 to 5, or the code of a finding, such as code: SearchSpaceTooNarrow.",
            )),
            (None, Some(code)) if rules::named(code).is_none() => {
                let all: Vec<_> = rules::all().map(|rule| rule.code).collect();
                let fix = nearest(code, all.iter().copied()).map_or_else(
                    || format!("There are {}: see docs/findings.md.", counted(all.len() as u64, "code")),
                    |near| format!("Did you mean {near}?"),
                );
                found.push(Violation::new(format!("{field}.code"), code, "unknown code of a finding", fix));
            }
            (None, Some(code)) if rules::named(code).is_some_and(Rule::is_refusal) => found.push(Violation::new(
                format!("{field}.code"),
                code,
                "can't be waived: the study is refused for it",
                "Fix what is refused, and remove the waiver.",
            )),
            (Some(question), None) if !(1..=5).contains(&question) => found.push(Violation::new(
                format!("{field}.question"),
                &question,
                "must be between 1 and 5",
                QUESTIONS.iter().zip(1..).map(|(q, n)| format!("{n} {q}")).collect::<Vec<_>>().join(" "),
            )),
            _ => {}
        }
        if let Some(name) = &waiver.hyperparameter {
            if waiver.code.is_none() {
                found.push(Violation::new(
                    format!("{field}.hyperparameter"),
                    name,
                    "goes with code: a question is waived as a whole",
                    "Remove it, or name the code of a finding.",
                ));
            } else if !spec.hyperparameters.iter().any(|h| h.name == *name) {
                let fix = called::meant(name, spec.hyperparameters.iter())
                    .unwrap_or_else(|| "Name one of the study.".to_owned());
                let field = format!("{field}.hyperparameter");
                found.push(Violation::new(field, name, "is not a hyperparameter of this study", fix));
            }
        }
        reason(&format!("{field}.reason"), &waiver.reason, &mut found);
    }
    found
}

fn reason(field: &str, reason: &String, found: &mut Vec<Violation>) {
    if reason.trim().is_empty() {
        found.push(Violation::new(
            field,
            reason,
            "must say something: it is printed with what it changes",
            "Say why, in a sentence.",
        ));
    }
}
