//! A study as processes of this machine: no cluster, no server, no account.
//!
//! [`run`] carries out what [`studious_playbook::decide`] says, as the controller does on Kubernetes: the same points
//! under the same names, the same retries, the same ends. Everything is kept in a [`RunFolder`], so a run that is
//! interrupted or killed continues where it was. The crate prints nothing: it tells [`Event`]s.

mod attempt;
mod code;
mod devices;
mod earlier;
mod error;
mod evaluations;
mod event;
mod folder;
mod git;
mod leftovers;
mod memory;
mod observe;
mod points;
mod process;
mod record;
mod run;
mod runner;
mod suggestions;
mod trainer;
mod trial;
mod unchanged;

pub use devices::{Devices, Shares, VISIBLE_DEVICES};
pub use earlier::earlier_studies;
pub use error::Error;
pub use event::Event;
pub use folder::RunFolder;
pub use leftovers::{KeeperCommand, end_leftovers, keep};
pub use observe::{Observed, StopAt, observe};
pub use points::taken_points;
pub use process::{MAX_OUTPUT_BYTES, last_line};
pub use run::{Interrupt, Options, RunEnd, run, succeeded};
pub use runner::RunProcess;
pub use trainer::{notes, refusals};
