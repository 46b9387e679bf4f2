//! `studious report`: one self-contained HTML file, the same as data, or as text for a pull request.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use studious_api::study::Select;
use studious_dashboard::ReportInput;
use studious_playbook::{findings, record::CurveSelection};

use crate::{
    exit,
    output::{self, errln, out, outln},
    source::{LoadedStudy, SourceArguments, Target},
};

const AFTER: &str = "\
html is one file that needs nothing else: it can be mailed, and opened without a network. json holds everything that the \
report says: the study, its checklist and findings, the best point, rounds, trials and the specifications of all plots. \
md is text with tables, for a pull request.

Examples:
  studious report studious-runs/digits
  studious report study/digits --out digits.html
  studious report study/digits --format json --out - | jq '.checklist.questions[] | .answer'
  studious report studious-runs/digits --format md --out -
  studious report --study study.yaml --trials trials.jsonl
  kubectl study report digits";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Report {
    #[command(flatten)]
    source: SourceArguments,
    /// How to write it
    #[arg(long, value_enum, default_value_t = ReportFormat::Html)]
    format: ReportFormat,
    /// Write it here, - for standard output [default: report.FORMAT in the folder; NAME-report.FORMAT here for others]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ReportFormat {
    /// One page with plots
    Html,
    /// One JSON object
    Json,
    /// Markdown
    Md,
}

impl ReportFormat {
    fn ending(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Json => "json",
            Self::Md => "md",
        }
    }
}

impl Report {
    /// The study that it looks at.
    pub(crate) fn target_mut(&mut self) -> Option<&mut Target> {
        self.source.target_mut()
    }

    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        // Findings look at whole curves; plots thin them to what a screen shows.
        let Some(study) = self.source.load(CurveSelection::concluded(None)).await? else { return Ok(exit::INVALID) };
        if let Some(why) = &study.without_curves {
            errln!("warning: {why}. The report has no curves");
        }
        let text = made(&study, self.format)?;
        // By another objective it is another report: the study's own stays.
        let objective = &study.plan.spec().objective;
        let by = self.source.by().map_or_else(String::new, |_| {
            let at = if objective.select == Select::Final { "-final" } else { "" };
            format!("-by-{}{at}", objective.metric.replace('/', "-"))
        });
        let ending = self.format.ending();
        let path = self.out.unwrap_or_else(|| match self.source.folder() {
            Some(folder) => folder.join(format!("report{by}.{ending}")),
            None => PathBuf::from(format!("{}-report{by}.{ending}", study.plan.name())),
        });
        output::refuse_overwriting(&path, self.source.files())?;
        if path == Path::new("-") {
            out!("{text}")?;
            return Ok(exit::OK);
        }
        std::fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))?;
        outln!("{}", path.display())?;
        Ok(exit::OK)
    }
}

/// Writes the page of a study.
pub(crate) fn write(study: &LoadedStudy, path: &Path) -> anyhow::Result<()> {
    let html = made(study, ReportFormat::Html)?;
    std::fs::write(path, html).with_context(|| format!("can't write {}", path.display()))
}

fn made(study: &LoadedStudy, format: ReportFormat) -> anyhow::Result<String> {
    let (records, expected) = (study.records(), study.expected());
    let findings = findings::findings(&study.plan, &expected);
    let input = ReportInput {
        plan: &study.plan,
        trials: &records,
        expected: &expected,
        findings: &findings,
        status: &study.status,
        generated_at: &jiff::Zoned::now().strftime("%Y-%m-%d %H:%M %Z").to_string(),
    };
    Ok(match format {
        ReportFormat::Html => studious_dashboard::report(&input)?,
        ReportFormat::Json => serde_json::to_string_pretty(&studious_dashboard::report_data(&input)?)? + "\n",
        ReportFormat::Md => studious_dashboard::report_markdown(&input),
    })
}
