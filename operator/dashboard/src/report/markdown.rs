//! The report as text: Markdown that reads well as it stands and in a pull request. Everything that a user wrote is escaped.

use std::fmt::Write as _;

use studious_playbook::{
    findings::{Answer, Finding, Severity, checklist},
    numbers::{self, number},
    plots,
    record::{Outcome, TrialRecord},
    rounds, trial,
};

use super::{
    Figures, ReportInput, attribution, better, findings::words, retrained, rounds as outlines, trials, verdict,
};

/// Trials that are listed: the best of the last round first.
const MOST_TRIALS: usize = 30;

/// The report as GitHub's Markdown: the checklist, findings, best point, rounds and the best trials.
#[must_use]
pub fn report_markdown(input: &ReportInput<'_>) -> String {
    let trials = trial::judged_by_value(input.plan.spec(), input.trials);
    let expected = trial::judged_by_value(input.plan.spec(), input.expected);
    let input = &ReportInput { trials: &trials, expected: &expected, ..*input };
    let mut text = Text(String::new());
    text.heading(input);
    text.questions(input);
    text.findings(input);
    text.best(input);
    text.rounds(input);
    text.trials(input);
    text.pictures(input);
    let made = escape(input.generated_at);
    let version = env!("CARGO_PKG_VERSION");
    text.line(&format!("---\n\nMade by Studious {version}, {made}. {}", attribution::TEXT));
    text.0
}

struct Text(String);

impl Text {
    /// A paragraph, or the lines of a table. Writing to a String can't fail.
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.0, "{text}");
    }

    fn paragraph(&mut self, text: &str) {
        let _ = writeln!(self.0, "{text}\n");
    }

    /// A table; columns of numbers stand right.
    fn table(&mut self, heads: &[(String, bool)], rows: &[Vec<String>]) {
        let joined = |cells: Vec<&str>| format!("| {} |", cells.join(" | "));
        self.line(&joined(heads.iter().map(|(head, _)| head.as_str()).collect()));
        self.line(&joined(heads.iter().map(|(_, right)| if *right { "---:" } else { "---" }).collect()));
        for row in rows {
            self.line(&joined(row.iter().map(String::as_str).collect()));
        }
        self.line("");
    }

    fn heading(&mut self, input: &ReportInput<'_>) {
        let spec = input.plan.spec();
        self.paragraph(&format!("# {}", escape(&spec.goal)));
        self.paragraph(&format!("**{}**", escape(&verdict::of(input).summary)));
        self.paragraph(&format!("Study {}. {}", code(input.plan.name()), escape(input.status)));
        if let Some(description) = &spec.description {
            self.paragraph(&escape(description));
        }
        let figures = Figures::of(input);
        let best = figures.best.map_or_else(|| "–".to_owned(), number);
        let metric = code(&spec.objective.metric);
        self.table(
            &[
                (format!("Best {metric}"), true),
                ("Trials".into(), true),
                ("Infeasible".into(), true),
                ("Fix first".into(), true),
            ],
            &[vec![
                format!("**{best}** ({})", better(spec.objective.direction)),
                format!("{} of {}", figures.ended, input.plan.total_trials()),
                figures.infeasible.to_string(),
                format!("{}, {}", counted(figures.problems, "problem"), counted(figures.warnings, "warning")),
            ]],
        );
    }

    fn questions(&mut self, input: &ReportInput<'_>) {
        self.paragraph("## Findings");
        if input.findings.is_empty() {
            self.paragraph("No conclusions yet: no trial has ended.");
            return;
        }
        let checklist = checklist(input.plan, input.expected, input.findings);
        self.paragraph(if checklist.provisional {
            "The answer is provisional: not all five checks pass."
        } else {
            "All five checks pass or are waived."
        });
        let rows: Vec<_> = checklist
            .questions
            .iter()
            .map(|question| {
                let answer = match question.answer {
                    Answer::Pass => "✓ Pass",
                    Answer::Fail => "✕ Fail",
                    Answer::Unknown => "? Unknown",
                    Answer::Waived => "– Waived",
                };
                vec![answer.to_owned(), escape(&question.question), escape(&question.reason)]
            })
            .collect();
        self.table(&[("Answer".into(), false), ("Question".into(), false), ("Why".into(), false)], &rows);
    }

    fn findings(&mut self, input: &ReportInput<'_>) {
        for finding in input.findings {
            self.finding(finding);
        }
    }

    fn finding(&mut self, finding: &Finding) {
        let severity = match finding.severity {
            Severity::Info => "Info",
            Severity::Warning => "Warning",
            Severity::Problem => "Problem",
        };
        let aside = if finding.waived.is_some() { "Waived: " } else { "" };
        let of = finding.hyperparameter.as_ref().map_or_else(String::new, |name| format!(", {}", code(name)));
        self.paragraph(&format!("### {aside}{severity}: {}{of}", words(&finding.code)));
        self.paragraph(&escape(&finding.advice));
        if let Some(confidence) = finding.confidence {
            self.paragraph(confidence.words());
        }
        if let Some(why) = &finding.waived {
            self.paragraph(&format!("Waived by the study: {}", escape(why)));
        }
        if let Some(change) = &finding.change {
            self.paragraph(&format!("In the next study: {}", code(&change.to_string())));
        }
        let numbers: Vec<String> = finding
            .evidence
            .iter()
            .map(|(name, value)| format!("{} {}", escape(&name.replace('_', " ")), number(*value)))
            .collect();
        let mut said = Vec::new();
        if !numbers.is_empty() {
            said.push(format!("Evidence: {}.", numbers.join("; ")));
        }
        if !finding.trials.is_empty() {
            let trials: Vec<String> = finding.trials.iter().map(|name| code(name)).collect();
            said.push(format!("Trials: {}.", trials.join(", ")));
        }
        said.push(format!("Code {}; playbook: “{}”.", code(&finding.code), escape(&finding.section)));
        self.paragraph(&said.join(" "));
    }

    fn best(&mut self, input: &ReportInput<'_>) {
        self.paragraph("## Best point");
        let (plan, spec) = (input.plan, input.plan.spec());
        let Some(trial) = trial::best(spec, input.trials) else {
            self.paragraph(if input.trials.iter().any(|t| t.objective().is_some()) {
                "No trial that succeeded is known to satisfy the study's constraints."
            } else {
                "No trial has succeeded yet."
            });
            return;
        };
        let mut said = format!("{} reached a {} of", code(&trial.name), code(&spec.objective.metric));
        if let Outcome::Succeeded { objective, step } = trial.outcome {
            let _ = write!(said, " **{}**", number(objective));
            if let Some(step) = step {
                let _ = write!(said, " at step {step}");
            }
        }
        for constraint in &spec.constraints {
            if let Some(value) = trial.metric(&constraint.metric) {
                let _ = write!(said, ", with {} {}", code(&constraint.metric), number(value));
            }
        }
        let _ = write!(said, ", the best of round {}.", escape(&trial.round));
        self.paragraph(&said);
        if let Some(again) = retrained(plan, input.trials) {
            self.paragraph(&format!("Retrained with other seeds: **{again}**."));
        }
        let rows: Vec<_> = trial
            .hyperparameters
            .iter()
            .map(|(name, value)| vec![code(name), escape(&numbers::value(value))])
            .collect();
        self.table(&[("Hyperparameter".into(), false), ("Value".into(), true)], &rows);
    }

    fn rounds(&mut self, input: &ReportInput<'_>) {
        self.paragraph("## Rounds");
        let has_stopped = input.trials.iter().any(|t| matches!(t.outcome, Outcome::Stopped { .. }));
        let mut heads: Vec<(String, bool)> = vec![("Round".into(), false), ("Steps".into(), true)];
        heads.push(("Points".into(), false));
        heads.extend(["Planned", "Succeeded", "Infeasible", "Failed"].map(|head| (head.to_owned(), true)));
        if has_stopped {
            heads.push(("Stopped".into(), true));
        }
        heads.push((format!("Best {}", code(&input.plan.spec().objective.metric)), true));
        let rows: Vec<_> = rounds::names(input.plan)
            .iter()
            .map(|name| {
                let round = outlines::outline(input.plan, input.trials, name);
                let mut row = vec![escape(name), round.max_train_steps.to_string(), escape(&round.points)];
                row.extend([round.planned.to_string(), round.succeeded.to_string(), round.infeasible.to_string()]);
                row.push(round.failed.to_string());
                if has_stopped {
                    row.push(round.stopped.to_string());
                }
                row.push(round.best.map_or_else(|| "–".to_owned(), number));
                row
            })
            .collect();
        self.table(&heads, &rows);
    }

    fn trials(&mut self, input: &ReportInput<'_>) {
        let plan = input.plan;
        self.paragraph("## Trials");
        if input.trials.is_empty() {
            self.paragraph("No trial has been started yet.");
            return;
        }
        let columns = trials::columns(plan);
        let mut heads: Vec<(String, bool)> = vec![("Trial".into(), false), ("Round".into(), false)];
        heads.extend(columns.iter().map(|name| (code(name), trials::is_number(plan, name))));
        heads.extend([(code(&plan.spec().objective.metric), true), ("Step".into(), true), ("Outcome".into(), false)]);
        let sorted = trials::sorted(plan, input.trials);
        let rows: Vec<_> = sorted.iter().take(MOST_TRIALS).map(|trial| row(&columns, trial)).collect();
        self.table(&heads, &rows);
        if let Some(more @ 1..) = sorted.len().checked_sub(MOST_TRIALS) {
            self.paragraph(&format!("… and {more} more, which `studious export` has."));
        }
    }

    fn pictures(&mut self, input: &ReportInput<'_>) {
        let plots = plots::plots(input.plan, input.trials);
        if plots.is_empty() {
            return;
        }
        self.paragraph("## Plots");
        self.paragraph("`studious plot` draws them as SVG or PNG files:");
        for plot in plots {
            self.line(&format!("- {}: {} ({})", code(&plot.id), escape(&plot.title), escape(&plot.subtitle)));
        }
        self.line("");
    }
}

fn row(columns: &[&str], trial: &TrialRecord) -> Vec<String> {
    let (outcome, objective, step) = match &trial.outcome {
        Outcome::Pending => ("pending".to_owned(), None, None),
        Outcome::Succeeded { objective, step } => ("succeeded".to_owned(), Some(*objective), *step),
        Outcome::Infeasible { reason } => (with_reason("infeasible", reason.as_str()), None, None),
        Outcome::Failed { reason } => (with_reason("failed", reason.as_str()), None, None),
        Outcome::Stopped { reason } => (with_reason("stopped", reason.as_str()), None, None),
    };
    let missing = || "–".to_owned();
    let mut row = vec![code(&trial.name), escape(&trial.round)];
    row.extend(
        columns
            .iter()
            .map(|name| trial.hyperparameters.get(*name).map_or_else(missing, |v| escape(&numbers::value(v)))),
    );
    row.extend([objective.map_or_else(missing, number), step.map_or_else(missing, |step| step.to_string()), outcome]);
    row
}

fn with_reason(outcome: &str, reason: &str) -> String {
    if reason.is_empty() { outcome.to_owned() } else { format!("{outcome}: {}", escape(reason)) }
}

fn counted(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

/// A name as code; one that code can't hold as text.
fn code(name: &str) -> String {
    if name.is_empty() {
        "–".to_owned()
    } else if name.contains(['`', '|', '\n', '\r']) {
        escape(name)
    } else {
        format!("`{name}`")
    }
}

/// Text that is only text: on one line, nothing of it markup, and no link or mention made of it.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let after = characters.peek().copied().unwrap_or(' ');
        match c {
            '\n' | '\r' => escaped.push(' '),
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            // A space of no width after it: no user is notified.
            '@' => escaped.push_str("@\u{200b}"),
            // Inside of a word it is no emphasis.
            '_' if before.is_alphanumeric() && after.is_alphanumeric() => escaped.push(c),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' => {
                escaped.push('\\');
                escaped.push(c);
            }
            // The beginning of a heading, a list or a quotation.
            '#' | '>' | '+' | '-' if escaped.trim().is_empty() && (after == ' ' || after == c) => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
        before = c;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{code, escape};

    #[test]
    fn text_of_users_is_text() {
        for (text, meant) in [
            ("learning_rate < 0.1", "learning_rate &lt; 0.1"),
            ("a|b *c* _d_ [e](f) `g`", "a\\|b \\*c\\* \\_d\\_ \\[e\\](f) \\`g\\`"),
            ("# no heading\n- no list", "\\# no heading - no list"),
            ("<script>&@all", "&lt;script>&amp;@\u{200b}all"),
        ] {
            assert_eq!(escape(text), meant);
        }
        assert_eq!(code("learning_rate"), "`learning_rate`");
        assert_eq!(code("a`b|c"), "a\\`b\\|c");
    }
}
