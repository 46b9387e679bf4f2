//! Reconciles against an API server that a test plays: which requests must come, in which order.

mod studies;
mod trials;
mod world;
