//! Tests against a real cluster with Studious installed, as a user works with it. `e2e/run.sh` makes the cluster and
//! sets `KUBECONFIG`. The feature `cluster` asks for them: `cargo test` alone touches no cluster.
//!
//! They run one after the other: two cores are all there is, and some of them restart the operator.

// Everything here is a test or serves one: what goes wrong ends it.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, clippy::format_collect, clippy::must_use_candidate)]

mod api_server;
mod chart;
mod cluster;
mod insight;
mod main_job;
mod operator;
mod prometheus;
mod security;
mod trainers;
