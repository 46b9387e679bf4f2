//! Local runs with real processes: trainers in plain shell which know nothing but the contract.

mod bench;
mod going_on;
mod trainers;
