//! The two backends as processes: `studious run` with real trainers, and `studious operator` against a model of the API
//! server with a kubelet that runs the same trainers beside real agents.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod away;
mod chaos;
mod cluster;
mod deletion;
mod disk;
mod doors;
mod kubelet;
mod ledger;
mod local;
mod names;
mod outcome;
mod pods;
mod study;
mod table;
mod waiting;
