//! What a study does next. The whole behavior of a study is decided here and nowhere else: which trials to start and stop,
//! which points to choose, when a round and the study end, what it waits for.
//!
//! [`next`] is pure: what is known of the trials ([`View`]) and the time go in, what is to be done ([`Next`]) comes out.
//! Both backends carry it out and hold no rule of their own. What becomes of one attempt of one trial is
//! [`judged`](crate::decide::judge) beside it.

mod early_ending;
#[cfg(test)]
mod early_ending_simulations;
#[cfg(test)]
mod early_ending_tests;
mod end;
#[cfg(test)]
mod more_trials_tests;
mod next;
#[cfg(test)]
mod next_tests;
pub mod pace;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod suggest_tests;
mod view;

pub use early_ending::{StopTrial, Trace, may_end_early, rungs};
pub use end::{COMMON_FAILURE, GivesUp, StudyEnd, TOO_MANY_FAILED, ended, gives_up};
pub use next::{Next, WaitsFor, next};
pub use view::View;
