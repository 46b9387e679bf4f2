//! What a command looks at: a folder made by `studious run`, a study of a Kubernetes context, or a study file with trials
//! as data. And what the dashboard looks at: folders of runs.

mod arguments;
mod cluster;
mod files;
mod folder;
mod loaded;
mod runs;
mod target;
mod tries;

pub(crate) use arguments::SourceArguments;
pub(crate) use folder::load as load_folder;
pub(crate) use loaded::{LoadedStudy, LoadedTrial};
pub(crate) use runs::RunFolders;
pub(crate) use target::{Target, TargetArguments};
pub(crate) use tries::load as tries;

#[cfg(test)]
mod runs_tests;
