//! What becomes of an attempt of a trial, and what its lines add up to.

mod attempt;
#[cfg(test)]
mod judge_tests;
mod progress;
#[cfg(test)]
mod progress_tests;
mod reported;
mod restored;
#[cfg(test)]
mod restored_tests;
mod retry;
mod series;

pub use attempt::{AttemptView, HostState, MAX_DISRUPTIONS, TrialEnd, Verdict, judge};
pub use progress::{Progress, keep_labels};
pub(crate) use reported::{listed_names, meant_metric};
pub use restored::{LATE_LINES, still_to_restore};
pub use retry::{PastAttempt, PastAttempts, next_attempt_at};
pub use series::Series;
pub use studious_contract::TRAIN_LOSS;
