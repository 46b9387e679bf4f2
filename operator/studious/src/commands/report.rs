//! `studious report`: one self-contained HTML file.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use studious_dashboard::ReportInput;
use studious_playbook::findings;

use crate::{
    exit,
    target::{Loaded, TargetArguments},
};

const AFTER: &str = "\
The report is one file that needs nothing else: it can be mailed, and opened without a network.

Examples:
  studious report studious-runs/digits
  studious report study/digits --out digits.html
  kubectl study report digits";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Report {
    #[command(flatten)]
    target: TargetArguments,
    /// Write it here [default: report.html in the folder; NAME-report.html for a study in a cluster]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Report {
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        // Findings look at whole curves; plots thin them to what a screen shows.
        let study = self.target.load(None).await?;
        if let Some(why) = &study.without_curves {
            eprintln!("warning: {why}. The report has no curves");
        }
        let path = self.out.clone().unwrap_or_else(|| self.target.default_report());
        write(&study, &path)?;
        println!("{}", path.display());
        Ok(exit::OK)
    }
}

/// Writes the report of a study.
pub(crate) fn write(study: &Loaded, path: &Path) -> anyhow::Result<()> {
    let records = study.records();
    let findings = findings::findings(&study.plan, &records);
    let html = studious_dashboard::report(&ReportInput {
        plan: &study.plan,
        trials: &records,
        findings: &findings,
        status: &study.status,
        generated_at: &jiff::Zoned::now().strftime("%Y-%m-%d %H:%M %Z").to_string(),
    })?;
    std::fs::write(path, html).with_context(|| format!("can't write {}", path.display()))
}
