//! The command as its users call it.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod aliases;
mod applying;
mod background;
mod bench;
mod concluding;
mod figures;
mod importing;
mod importing_tools;
mod installing;
mod looking;
mod one_best;
mod piping;
mod planning;
mod preflight;
mod programs;
mod provenance;
mod running;
mod schema;
mod starting;
mod suggesting;
mod trying;
