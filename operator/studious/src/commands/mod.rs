//! One file for each command.

pub(crate) mod about;
pub(crate) mod agent;
pub(crate) mod completions;
pub(crate) mod crds;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod findings;
pub(crate) mod import;
pub(crate) mod keep;
pub(crate) mod operator;
pub(crate) mod plan;
pub(crate) mod plot;
pub(crate) mod policy;
pub(crate) mod preflight;
pub(crate) mod rank;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod sample;
pub(crate) mod schema;
mod service;
pub(crate) mod stop;
pub(crate) mod suggest;
pub(crate) mod top;
pub(crate) mod try_point;
pub(crate) mod ui;
pub(crate) mod validate;
pub(crate) mod wait;
