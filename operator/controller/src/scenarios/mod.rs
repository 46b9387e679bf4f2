//! Reconciles against an API server that a test plays: which requests must come, in which order.

pub(crate) mod studies;
mod trials;
mod world;
