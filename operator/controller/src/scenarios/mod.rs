//! Reconciles against an API server that a test plays: which requests must come, in which order.

mod clock_jumps;
mod concluding;
mod dashboard;
mod ending_early;
mod logs;
mod owners;
pub(crate) mod studies;
mod suggesting;
mod trials;
mod world;
