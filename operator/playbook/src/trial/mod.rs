//! One trial: its key, its point, where it stands, why, and what it came to.
//!
//! What is said about trials is decided here and nowhere else: their order, the best one, their counts by phase, the order of
//! rounds, and what retraining showed. The ledger, both backends, status, command line, report and dashboard convert to
//! these types at their boundary, or implement [`Ranked`], and never rank, count or choose on their own.

mod counts;
mod hopeless;
mod key;
mod objective;
mod order;
mod reason;
mod retrained;
mod silent;
mod state;

pub use counts::{count, counts};
pub use hopeless::{hopeless, judged_by_value};
pub use key::{PlannedTrial, TrialKey};
pub use objective::{contradicting, objective_of_curve, selected};
pub use order::{
    Ranked, best, best_of_round, chooses, compare, concluding_round, latest_round, ranked, round_position, satisfies,
    sort_by_round, standing,
};
pub use reason::Reason;
pub use retrained::{Retrained, best_trial, retrained};
pub use silent::{SilentFailures, last_line, silent_failure};
pub use state::TrialState;
