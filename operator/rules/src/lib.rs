//! The playbook's rules as data: what each finding is called and means, and the number behind every rule of thumb.
//!
//! A [`Rule`] is a conclusion that can be drawn from a study; a [`Threshold`] is a number that rules, advice and plots rest
//! on. Each is one constant, listed where it is defined, and is used by its name everywhere. The [`registry`] says what is known
//! of hyperparameters and optimizers, and finds it by their names: the only logic here. This crate depends on no other crate
//! of the workspace: the API uses it to refuse unknown names in `spec.policy` and step budgets among hyperparameters, the
//! playbook to apply the rules.

pub mod advice;
pub mod curves;
pub mod registry;
mod rule;
pub mod search;
mod sections;
mod threshold;
pub mod thresholds;

pub use rule::{Rule, Severity, all, named};
pub use threshold::{Source, Threshold, Unit};

/// The five questions that are answered before a study's goal is judged (requirement R-065), the first with number 1.
pub const QUESTIONS: [&str; 5] = [
    "Is the search space large enough?",
    "Were enough points of the search space sampled?",
    "What fraction of the trials was infeasible?",
    "Does training have optimization issues?",
    "What do the training curves of the best trials show?",
];
