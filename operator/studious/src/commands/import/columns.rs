//! Which column of a table is what, by the names that Studious and others give them.

use std::collections::{BTreeMap, BTreeSet};

use studious_playbook::Plan;

use super::{ImportProblem, options::ImportOptions, sheet::Sheet};
use crate::hyperparameter_names;

/// Names of columns, each with who writes it so.
const NAMES: [&str; 7] = ["name", "trial", "Name", "trial_id", "run_id", "trial_name", "number"];
const STEPS: [&str; 4] = ["step", "best_step", "training_iteration", "_step"];
const STATES: [&str; 4] = ["outcome", "state", "State", "status"];
const REASONS: [&str; 2] = ["reason", "infeasible_reason"];

/// The columns that are read.
#[derive(Debug)]
pub(super) struct Columns {
    pub name: Option<usize>,
    pub round: Option<usize>,
    pub objective: Option<usize>,
    pub step: Option<usize>,
    pub state: Option<usize>,
    pub reason: Option<usize>,
    /// By hyperparameter.
    pub hyperparameters: BTreeMap<String, usize>,
    /// By metric that a constraint bounds.
    pub metrics: BTreeMap<String, usize>,
    /// Those that are not read.
    pub unread: BTreeSet<String>,
}

/// Finds the columns of a table.
pub(super) fn find(sheet: &Sheet, plan: &Plan, options: &ImportOptions) -> Result<Columns, Vec<ImportProblem>> {
    let spec = plan.spec();
    let mut search = ColumnSearch { sheet, taken: BTreeMap::new(), problems: Vec::new() };
    let mut hyperparameters = BTreeMap::new();
    for spellings in hyperparameter_names::spellings(&spec.hyperparameters) {
        let name = &spellings.name;
        let given = options.hyperparameters.get(name).map(String::as_str);
        let columns: Vec<&str> = spellings.columns().collect();
        if let Some(at) = search.one(&format!("hyperparameter {name}"), given, "--map", &columns) {
            hyperparameters.insert(name.clone(), at);
        }
    }
    let mut metrics = BTreeMap::new();
    for metric in spec.constraints.iter().map(|c| c.metric.as_str()).collect::<BTreeSet<_>>() {
        let given = options.metrics.get(metric).map(String::as_str);
        let at = search.one(&format!("metric {metric}"), given, "--metric", &[&format!("metrics.{metric}"), metric]);
        if let Some(at) = at {
            metrics.insert(metric.to_owned(), at);
        }
    }
    let metric = &spec.objective.metric;
    let given = options.metrics.get(metric).map(String::as_str);
    let prefixed = format!("metrics.{metric}");
    let objective = search.one("the objective", given, "--objective", &["objective", metric, &prefixed, "value"]);
    let name = search.first("the name", options.name.as_deref(), "--name", &NAMES);
    let round = search.first("the round", None, "--round", &["round"]);
    let step = search.first("the step", options.step.as_deref(), "--step", &STEPS);
    let state = search.first("the state", options.state.as_deref(), "--state", &STATES);
    let reason = search.first("the reason", options.reason.as_deref(), "--reason", &REASONS);
    let unread = sheet.heads.iter().enumerate().filter(|(i, head)| !search.taken.contains_key(i) && !head.is_empty());
    let unread = unread.map(|(_, head)| head.clone()).collect();
    if search.problems.is_empty() {
        Ok(Columns { name, round, objective, step, state, reason, hyperparameters, metrics, unread })
    } else {
        Err(search.problems)
    }
}

struct ColumnSearch<'a> {
    sheet: &'a Sheet,
    /// What each column that is read is.
    taken: BTreeMap<usize, String>,
    problems: Vec<ImportProblem>,
}

impl ColumnSearch<'_> {
    fn at(&self, head: &str) -> Option<usize> {
        self.sheet.heads.iter().position(|other| other == head)
    }

    /// The column that is given, or the only one of these that there is.
    fn one(&mut self, what: &str, given: Option<&str>, option: &str, spellings: &[&str]) -> Option<usize> {
        if given.is_none() {
            let there: Vec<&str> = spellings.iter().copied().filter(|head| self.at(head).is_some()).collect();
            let free = there.iter().filter(|head| self.at(head).is_some_and(|at| !self.taken.contains_key(&at)));
            if free.count() > 1 {
                self.tell(format!("{what} may be {}. Say which with {option}", there.join(" or ")));
                return None;
            }
        }
        self.first(what, given, option, spellings)
    }

    /// The column that is given, or the first of these that there is.
    fn first(&mut self, what: &str, given: Option<&str>, option: &str, spellings: &[&str]) -> Option<usize> {
        let at = match given {
            None => spellings.iter().filter_map(|head| self.at(head)).find(|at| !self.taken.contains_key(at))?,
            Some(head) => {
                let Some(at) = self.at(head) else {
                    let heads = self.sheet.heads.iter().cloned().collect();
                    self.tell(format!("{option}: there is no column {head}. Columns are {}", super::listed(&heads)));
                    return None;
                };
                at
            }
        };
        if let Some(other) = self.taken.insert(at, what.to_owned()) {
            self.tell(format!("column {} is both {other} and {what}. Say what it is", self.sheet.heads[at]));
            return None;
        }
        Some(at)
    }

    fn tell(&mut self, message: String) {
        self.problems.push(ImportProblem { place: self.sheet.heading(), message });
    }
}
