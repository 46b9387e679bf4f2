//! `studious plan`: what a study would do, what it could see and what it would cost.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use studious_local::RunFolder;
use studious_playbook::{
    Plan,
    advice::AdviceChoice,
    design::{Design, StepTime},
    record::CurveSelection,
};

use super::{advised_edits, preflight};
use crate::{
    exit,
    json::{self, Format, KeptPreflight, PlanDocument, ValidatedFile},
    output::{errln, out},
    show, source, study_file,
};

const AFTER: &str = "\
Starts nothing. Warnings say what the playbook advises against; `studious validate` prints the same, and --apply writes \
the edit that satisfies one into the file: only the lines concerned change. Step times are those of
--step-seconds, of --measured, of an earlier run of this study among --runs, or of its preflight; without any, hours are unknown.

Examples:
  studious plan examples/digits/study.yaml
  studious plan study.yaml --apply BatchSizeTuned --apply UnequalArms
  studious plan study.yaml --apply all --dry-run
  studious plan study.yaml --points
  studious plan study.yaml --measured studious-runs/pilot
  studious plan study.yaml --step-seconds 0.2-0.3 --format json";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct PlanCommand {
    /// The study file; - reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write the edit that satisfies the advice of this code into the study file, or of all codes that an edit
    /// satisfies; may be given several times
    #[arg(long, value_name = "CODE|all", value_parser = AdviceChoice::named)]
    apply: Vec<AdviceChoice>,
    /// With --apply: print what would change, and write nothing
    #[arg(long, requires = "apply")]
    dry_run: bool,
    /// Print the points too
    #[arg(long, conflicts_with = "apply")]
    points: bool,
    /// Seconds of a training step, or a range of them such as 0.2-0.3
    #[arg(long, value_name = "SECONDS", value_parser = step_seconds, conflicts_with = "measured")]
    step_seconds: Option<StepTime>,
    /// The folder of a run or a preflight of the same program, which says what a training step takes
    #[arg(long, value_name = "FOLDER")]
    measured: Option<PathBuf>,
    /// Where runs are kept: of the study that search.pointsFrom names, and earlier ones of this study
    #[arg(long, value_name = "FOLDER", default_value = "studious-runs")]
    runs: PathBuf,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text, conflicts_with = "apply")]
    format: Format,
}

impl PlanCommand {
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        if !self.apply.is_empty() {
            return advised_edits::write(&self.file, &self.apply, self.dry_run);
        }
        let Some(file) = study_file::read_for(&self.file, self.format)? else { return Ok(exit::INVALID) };
        let Some(plan) = study_file::plan(&file, &self.runs, self.format).await? else { return Ok(exit::INVALID) };
        let design = Design::of(&plan, self.step_time(&plan).await?);
        if self.format.is_json() {
            json::print(&PlanDocument::new(&plan, design, ValidatedFile::from(&file)))?;
        } else {
            out!("{}", show::plan::describe(&plan, &design))?;
            if self.points {
                out!("\n{}", show::plan::points(&plan))?;
            }
        }
        Ok(exit::OK)
    }

    /// What a training step takes, by whatever says so.
    async fn step_time(&self, plan: &Plan) -> anyhow::Result<Option<StepTime>> {
        if let Some(given) = self.step_seconds {
            return Ok(Some(given));
        }
        if let Some(folder) = &self.measured {
            let measured = measured(folder).await?;
            if measured.is_none() {
                errln!(
                    "warning: {}: it has no trial that trained to its end in one attempt, so its step time is unknown",
                    folder.display()
                );
            }
            return Ok(measured);
        }
        let own = self.runs.join(plan.name());
        if RunFolder::new(&own).ledger().exists()
            && let Some(measured) = measured(&own).await?
        {
            return Ok(Some(measured));
        }
        kept(&preflight::folder(&self.runs, plan.name()))
    }
}

/// What a preflight measured that is kept in a folder, if one is.
fn kept(folder: &Path) -> anyhow::Result<Option<StepTime>> {
    let path = preflight::document_file(folder);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("can't read {}", path.display())),
    };
    let kept: KeptPreflight = serde_json::from_str(&text)
        .with_context(|| format!("{} is not what `studious preflight` wrote; run it again", path.display()))?;
    Ok(kept.step_time())
}

/// What trials of a run took, or what a preflight measured.
async fn measured(folder: &Path) -> anyhow::Result<Option<StepTime>> {
    if preflight::document_file(folder).exists() {
        return kept(folder);
    }
    let study = source::load_folder(folder, CurveSelection::WHOLE).await?;
    Ok(StepTime::measured(&study.records()))
}

/// `0.2`, or `0.2-0.3`.
fn step_seconds(text: &str) -> Result<StepTime, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|s| s.is_finite() && *s > 0.0);
    let (fast, slow) = text.split_once('-').unwrap_or((text, text));
    let times = number(fast).zip(number(slow));
    times
        .map(|(fast, slow)| StepTime::given(fast, slow))
        .ok_or_else(|| "expected seconds above 0, such as 0.2 or 0.2-0.3".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_times_are_a_number_or_a_range() {
        assert_eq!(step_seconds("0.2"), Ok(StepTime::given(0.2, 0.2)));
        assert_eq!(step_seconds("0.3-0.2"), Ok(StepTime::given(0.2, 0.3)));
        for wrong in ["", "0", "-1", "a", "0.1-", "inf", "1-2-3"] {
            assert!(step_seconds(wrong).is_err(), "{wrong}");
        }
    }
}
