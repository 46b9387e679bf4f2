//! Where a command takes its trials from: a study that ran, or a study file and trials as data.

use std::path::{Path, PathBuf};

use clap::Args;
use studious_api::trial::TrialPhase;
use studious_playbook::{
    Plan,
    record::{Outcome, TrialRecord},
    rejudge::{self, By},
};

use super::{Loaded, LoadedTrial, Target, TargetArguments};
use crate::{study_file, trials_file};

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
    /// Namespace of study/NAME [default: the context's]
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Context of study/NAME in the kubeconfig [default: the current one]
    #[arg(long, value_name = "CONTEXT")]
    context: Option<String>,
    /// Namespace of the operator, which keeps the curves [default: where its webhook says it is]
    #[arg(long, value_name = "NAMESPACE", env = "STUDIOUS_NAMESPACE")]
    operator_namespace: Option<String>,
    /// Judge the trials by another objective than the study's: a metric that they measured, smaller being better unless
    /// :max is given, or `final` for the study's own metric at the end of training
    #[arg(long, value_name = "METRIC[:min|:max][:best|:final]")]
    by: Option<By>,
}

impl SourceArguments {
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

    /// Reads the study with curves of at most `max_points` points, judged by the objective that was asked for. Nothing when
    /// the study file, the trials or that objective are wrong, which has been said on standard error.
    pub(crate) async fn load(&self, max_points: Option<usize>) -> anyhow::Result<Option<Loaded>> {
        // Another objective's best evaluation may be at any point of a curve.
        let max_points = max_points.filter(|_| self.by.is_none());
        let Some(own) = self.load_own(max_points).await? else { return Ok(None) };
        let Some(by) = &self.by else { return Ok(Some(own)) };
        if let Some(why) = rejudge::reservation(&own.plan) {
            eprintln!("warning: judged by another objective than the study's; {why}");
        }
        Ok(own.judged_by(by))
    }

    /// As [`Self::load`], by the study's own objective.
    pub(crate) async fn load_own(&self, max_points: Option<usize>) -> anyhow::Result<Option<Loaded>> {
        match (&self.target, &self.study, &self.trials) {
            (None, Some(study), Some(trials)) => files(study, trials),
            (target, ..) => {
                let arguments = TargetArguments {
                    target: target.clone().unwrap_or_else(|| Target::Folder(PathBuf::from("."))),
                    namespace: self.namespace.clone(),
                    context: self.context.clone(),
                    operator_namespace: self.operator_namespace.clone(),
                };
                arguments.load(max_points).await.map(Some)
            }
        }
    }
}

/// A study file and its trials.
fn files(study: &Path, trials: &Path) -> anyhow::Result<Option<Loaded>> {
    if study == Path::new("-") && trials == Path::new("-") {
        eprintln!("error: --study and --trials can't both be standard input. Give a file for one of them");
        return Ok(None);
    }
    let Some(file) = study_file::read_and_tell(study)? else { return Ok(None) };
    let Ok(plan) = Plan::new(&file.document.name, &file.document.study.spec).inspect_err(|violations| {
        study_file::tell_violations(&file.path, violations);
    }) else {
        return Ok(None);
    };
    let records = match trials_file::read(trials, &plan)? {
        Ok(records) => records,
        Err(wrong) => {
            eprintln!("{wrong}");
            return Ok(None);
        }
    };
    let status = format!("{} trials were read from {}", records.len(), trials.display());
    let trials = records.into_iter().map(of_record).collect();
    Ok(Some(Loaded { plan, trials, status, without_curves: None }.in_order_of_rounds()))
}

fn of_record(record: TrialRecord) -> LoadedTrial {
    let (phase, message) = match &record.outcome {
        Outcome::Pending => (TrialPhase::Pending, String::new()),
        Outcome::Succeeded { .. } => (TrialPhase::Succeeded, String::new()),
        Outcome::Infeasible { reason } => (TrialPhase::Infeasible, reason.clone()),
        Outcome::Failed { reason } => (TrialPhase::Failed, reason.clone()),
        Outcome::Stopped { reason } => (TrialPhase::Stopped, reason.clone()),
    };
    let attempt = record.attempts.last().map_or(1, |attempt| attempt.number);
    LoadedTrial { record, phase, message, so_far: None, attempt }
}
