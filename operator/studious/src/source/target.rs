//! A study that ran, as a command line names it: a folder made by `studious run`, or a study of a Kubernetes context.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;
use studious_dashboard::StudyState;
use studious_local::RunFolder;
use studious_playbook::record::CurveSelection;

use super::{LoadedStudy, cluster, folder};
use crate::client::{ClusterArguments, ClusterClient};

/// Which study a command looks at.
#[derive(Args, Clone, Debug)]
pub(crate) struct TargetArguments {
    /// A folder made by `studious run`, or study/NAME in the current Kubernetes context
    target: Target,
    #[command(flatten)]
    cluster: ClusterArguments,
}

/// Where a study is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Target {
    /// A folder made by `studious run`.
    Folder(PathBuf),
    /// A study in a cluster.
    Cluster(String),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some(("study" | "studies" | "studies.studious.dev", name)) if !name.contains('/') => {
                if name.is_empty() {
                    return Err("the name is missing: study/NAME".to_owned());
                }
                Ok(Self::Cluster(name.to_owned()))
            }
            _ if text.is_empty() => Err("give a folder, or study/NAME".to_owned()),
            _ => Ok(Self::Folder(PathBuf::from(text))),
        }
    }
}

impl Target {
    /// Takes a bare name, which isn't a path, for a study of the current context.
    pub(crate) fn resolve_bare_name(&mut self) {
        if let Self::Folder(path) = self
            && let Some(name) = path.to_str().filter(|name| !name.contains('/'))
        {
            *self = Self::Cluster(name.to_owned());
        }
    }

    /// Reads the study with the curves that are wanted.
    pub(super) async fn load(&self, at: &ClusterArguments, wanted: CurveSelection) -> anyhow::Result<LoadedStudy> {
        match self {
            Self::Folder(path) => folder::load(path, wanted).await,
            Self::Cluster(name) => cluster::load(at, name, wanted).await,
        }
    }
}

impl TargetArguments {
    /// The study.
    pub(crate) fn target_mut(&mut self) -> &mut Target {
        &mut self.target
    }

    /// The folder of a run, if it is one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match &self.target {
            Target::Folder(path) => Some(path),
            Target::Cluster(_) => None,
        }
    }

    /// Whether it is a study of a cluster.
    pub(crate) fn is_of_cluster(&self) -> bool {
        matches!(self.target, Target::Cluster(_))
    }

    /// Whether the study may come further without anyone doing anything.
    pub(crate) async fn may_change(&self) -> anyhow::Result<bool> {
        match &self.target {
            Target::Folder(path) => Ok(RunFolder::new(path).is_running()),
            Target::Cluster(name) => {
                let study = ClusterClient::connect(&self.cluster).await?.study(name).await?;
                Ok(!study.status.is_some_and(|status| StudyState::from(status.phase).is_settled()))
            }
        }
    }

    /// Starts no further trials of a study of a cluster.
    pub(crate) async fn suspend(&self) -> anyhow::Result<()> {
        match &self.target {
            Target::Folder(_) => Ok(()),
            Target::Cluster(name) => ClusterClient::connect(&self.cluster).await?.suspend(name).await,
        }
    }

    /// Reads the study with the curves that are wanted.
    pub(crate) async fn load(&self, wanted: CurveSelection) -> anyhow::Result<LoadedStudy> {
        self.target.load(&self.cluster, wanted).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_studies() {
        assert_eq!("study/digits".parse(), Ok(Target::Cluster("digits".to_owned())));
        assert_eq!("studious-runs/digits".parse(), Ok(Target::Folder("studious-runs/digits".into())));
        assert_eq!("./study/digits".parse(), Ok(Target::Folder("./study/digits".into())));
        assert_eq!("digits".parse(), Ok(Target::Folder("digits".into())));
        assert!("study/".parse::<Target>().is_err());
    }
}
