//! What to do next. The whole behaviour of a study is decided here and nowhere else.

mod attempt;
#[cfg(test)]
mod decide_tests;
mod early_ending;
#[cfg(test)]
mod early_ending_tests;
#[cfg(test)]
mod judge_tests;
#[cfg(test)]
mod more_trials_tests;
mod progress;
mod reported;
mod study;
#[cfg(test)]
mod suggest_tests;

pub use attempt::{AttemptView, HostState, MAX_DISRUPTIONS, TrialEnd, Verdict, judge, retry_at};
pub use early_ending::{Trace, early_ends, may_end_early};
pub use progress::{Progress, Series, keep_labels};
pub use studious_contract::TRAIN_LOSS;
pub use study::{Action, StudyEnd, count_outcomes, decide, decide_with, jitter};
