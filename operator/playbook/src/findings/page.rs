//! `docs/findings.md`, made from the codes, the thresholds and the measured rates. `UPDATE_DOCS=1 cargo test -p
//! studious-playbook the_findings_page` writes it; without that, the test fails when the page is not what it would write.

use std::{fmt::Write as _, path::PathBuf};

use studious_rules::{QUESTIONS, Rule, Threshold, curves, search, thresholds};

use super::{false_alarms::recorded, number};

const INTRODUCTION: &str = "\
<!-- Made by `UPDATE_DOCS=1 cargo test -p studious-playbook the_findings_page` from the code. Change it there. -->
# Findings

`studious findings` draws conclusions from a study's trials: from a folder made by `studious run`, from `study/NAME` in a
cluster, or from trials that ran anywhere (`--study study.yaml --trials trials.jsonl`, the lines that `studious export`
writes). The same code serves the report, the dashboard and the study's status.

## The five questions

Before the goal is judged, five questions are answered, each **Pass**, **Fail**, **Unknown** or **Waived**, with its reason.
The study's answer is provisional until none is Fail or Unknown. A question fails by a warning or problem among the findings
that speak to it; it is unknown when there is too little to look at (no curves, too few trials).

";

const AFTER_QUESTIONS: &str = "
For each scientific configuration (arm) the checklist also says whether its nuisance hyperparameters are tuned well enough to
compare it: by the edges of its search space, its sampling, and its infeasible trials.

What is knowingly set aside is waived in the study, with a reason that is printed wherever the finding is shown:

```yaml
policy:
  waive:
  - {question: 4, reason: The trainer logs no training loss.}
  - {code: SearchSpaceTooNarrow, hyperparameter: width, reason: Wider models don't fit.}
  thresholds:
    edgeShare: {value: 0.05, reason: The range was chosen with care.}
```

## As data

`--format json` prints `{\"checklist\": {\"provisional\", \"questions\", \"arms\"}, \"findings\": [...]}`. A finding has `code`,
`severity` (`Info`, `Warning`, `Problem`), `hyperparameter` and `trials` where it speaks of some, `evidence` (numbers by name),
`advice`, `section` (of the playbook), and where there is one: `change`, the edit of the study that it suggests
(`{\"path\", \"from\", \"to\"}`; for the next study, since the space of one that exists can't change; an edit of several fields
has the path `spec` and objects of fields), `confidence`
(`OpenQuestion` where the playbook calls it open, `Weak` where an adaptive search may have left parts of the space unexplored)
and `waived`, the reason.

## Codes

False alarms are measured: the largest rate at which 1,000 simulated studies without the signal raise the code, over the given
number of kinds of studies (`operator/playbook/src/findings/false-alarms.tsv` has each). A test holds every rate at 5% at most.
Codes without a rate describe and claim nothing that could be false.

";

const BETWEEN: &str = "
What a study doesn't hold can't be found: that the trainer's code changed since the retraining, say. `StaleVariance` speaks of
points and step budgets only.

## Thresholds

Each is a rule of thumb with a name, the playbook's number where it gives one. `studious policy` lists them; unknown names and
values outside the range are refused.

| name | default | range | unit | from | what it is |
|---|---|---|---|---|---|
";

const END: &str = "
Sections are those of the Deep Learning Tuning Playbook (Godbole, Dahl, Gilmer, Shallue, Nado, 2023,
<https://github.com/google/tuning_playbook>, CC BY 4.0), adapted here; its authors endorse nothing of this.
";

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for (i, question) in QUESTIONS.iter().enumerate() {
        writeln!(page, "{}. {question}", i + 1).unwrap();
    }
    page.push_str(AFTER_QUESTIONS);
    for (title, list) in [("About the search", search::ALL), ("About curves and hosts", curves::ALL)] {
        writeln!(
            page,
            "### {title}\n\n| code | severity | question | what it means | thresholds | false alarms | playbook |"
        )
        .unwrap();
        page.push_str("|---|---|---|---|---|---|---|\n");
        for rule in list {
            page.push_str(&row(rule));
        }
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page.push_str(BETWEEN);
    for Threshold { name, default, least, most, unit, source, meaning, .. } in thresholds::all() {
        let (unit, from) = (unit.word(), source.word());
        let (default, least, most) = (number(*default), number(*least), number(*most));
        writeln!(page, "| `{name}` | {default} | {least} to {most} | {unit} | {from} | {meaning} |").unwrap();
    }
    page.push_str(END);
    page
}

fn row(rule: &Rule) -> String {
    let rates: Vec<f64> = recorded().into_iter().filter(|((c, _), _)| c == rule.code).map(|(_, (_, r))| r).collect();
    let most = rates.iter().copied().fold(0.0, f64::max) * 100.0;
    let measured = if rates.is_empty() { "—".to_owned() } else { format!("{most:.1}% of {}", rates.len()) };
    let thresholds: Vec<_> = rule.thresholds.iter().map(|t| format!("`{}` {}", t.name, number(t.default))).collect();
    let question = rule.question.map_or_else(String::new, |q| q.to_string());
    format!(
        "| `{}` | {} | {question} | {} | {} | {measured} | {} |\n",
        rule.code,
        rule.severity_words(),
        rule.meaning,
        thresholds.join(", "),
        rule.section
    )
}

#[test]
fn the_findings_page_has_a_row_for_every_code() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/findings.md");
    let expected = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, expected).unwrap();
        return;
    }
    let stands = std::fs::read_to_string(path).unwrap_or_default();
    assert!(stands == expected, "docs/findings.md is not up to date: run with UPDATE_DOCS=1");
}
