//! `studious findings`: what can be concluded.

use clap::{Args, ValueEnum};
use studious_playbook::findings;

use crate::{exit, target::TargetArguments};

const AFTER: &str = "\
Examples:
  studious findings studious-runs/digits
  studious findings study/digits --format json | jq '.[].code'
  kubectl study findings digits";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Findings {
    #[command(flatten)]
    target: TargetArguments,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// In plain words
    Text,
    /// A JSON array with code, severity, evidence, advice and the playbook's section
    Json,
}

impl Findings {
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        let study = self.target.load(None).await?;
        if let Some(why) = &study.without_curves {
            eprintln!("warning: {why}. Findings that need curves are left out");
        }
        let findings = findings::findings(&study.plan, &study.records());
        match self.format {
            Format::Text => println!("{}", findings::text(&findings).trim_end()),
            Format::Json => println!("{}", serde_json::to_string_pretty(&findings)?),
        }
        Ok(exit::OK)
    }
}
