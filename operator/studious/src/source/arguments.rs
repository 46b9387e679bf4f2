//! Where a command takes its trials from: a study that ran, or a study file and trials as data.

use std::path::{Path, PathBuf};

use clap::Args;
use studious_playbook::{
    record::CurveSelection,
    rejudge::{self, By},
};

use super::{LoadedStudy, Target, files};
use crate::{client::ClusterArguments, output::errln};

/// A folder or a study of a cluster, or `--study` and `--trials`.
#[derive(Args, Clone, Debug)]
pub(crate) struct SourceArguments {
    /// A folder made by `studious run`, or study/NAME in the current Kubernetes context
    #[arg(required_unless_present = "study", conflicts_with_all = ["study", "trials"])]
    target: Option<Target>,
    /// The study file of trials that ran anywhere
    #[arg(long, value_name = "FILE", requires = "trials")]
    study: Option<PathBuf>,
    /// The trials of --study, as the JSON lines that `studious export` writes; - reads standard input
    #[arg(long, value_name = "FILE", requires = "study")]
    trials: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterArguments,
    /// Judge the trials by another objective than the study's: a metric that they measured, smaller being better unless
    /// :max is given, or `final` for the study's own metric at the end of training
    #[arg(long, value_name = "METRIC[:min|:max][:best|:final]")]
    by: Option<By>,
}

impl SourceArguments {
    /// The study that ran, if it isn't one of trials as data.
    pub(crate) fn target_mut(&mut self) -> Option<&mut Target> {
        self.target.as_mut()
    }

    /// The objective that is asked for, if it isn't the study's own.
    pub(crate) fn by(&self) -> Option<&By> {
        self.by.as_ref()
    }

    /// The folder, if it is one that `studious run` made.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match &self.target {
            Some(Target::Folder(path)) => Some(path),
            Some(Target::Cluster(_)) | None => None,
        }
    }

    /// The files that are read.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.study.iter().chain(&self.trials).map(PathBuf::as_path)
    }

    /// Reads the study with the curves that are wanted, judged by the objective that was asked for. Nothing when
    /// the study file, the trials or that objective are wrong, which has been said on standard error.
    pub(crate) async fn load(&self, wanted: CurveSelection) -> anyhow::Result<Option<LoadedStudy>> {
        // Another objective's best evaluation may be at any point of a curve.
        let wanted = if self.by.is_some() { CurveSelection::WHOLE } else { wanted };
        let Some(own) = self.load_own(wanted).await? else { return Ok(None) };
        let Some(by) = &self.by else { return Ok(Some(own)) };
        if let Some(why) = rejudge::reservation(&own.plan) {
            errln!("warning: judged by another objective than the study's; {why}");
        }
        Ok(own.judged_by(by))
    }

    /// As [`Self::load`], by the study's own objective.
    pub(crate) async fn load_own(&self, wanted: CurveSelection) -> anyhow::Result<Option<LoadedStudy>> {
        match (&self.target, &self.study, &self.trials) {
            (None, Some(study), Some(trials)) => files::load(study, trials),
            (Some(target), ..) => target.load(&self.cluster, wanted).await.map(Some),
            // The command line asks for one of them.
            (None, ..) => anyhow::bail!("give a folder or study/NAME, or --study and --trials"),
        }
    }
}
