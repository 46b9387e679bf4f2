//! Local runs with real processes: trainers in plain shell which know nothing but the contract.

// clippy.toml allows these in tests, and doesn't know helpers of integration tests as such.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod bench;
mod contract;
mod devices;
mod early_ending;
mod going_on;
mod lost;
mod suggesting;
mod trainers;
