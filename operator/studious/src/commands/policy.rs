//! `studious policy`: the codes of findings and the thresholds behind them.

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use studious_rules::{self as rules, thresholds};

use crate::{
    exit,
    json::{self, Format, PolicyDocument},
    output::outln,
};

const AFTER: &str = "\
Each threshold can be set in a study, with the reason why it fits better than the default:

  policy:
    thresholds:
      edgeShare: {value: 0.05, reason: The range was chosen with care.}
    waive:
    - {question: 4, reason: The trainer logs no training loss.}
    - {code: SearchSpaceTooNarrow, hyperparameter: width, reason: Wider models do not fit.}

Examples:
  studious policy
  studious policy --codes
  studious policy --format json | jq '.thresholds[] | {name, default}'";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct PolicyCommand {
    /// List the codes of findings in place of the thresholds
    #[arg(long)]
    codes: bool,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl PolicyCommand {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        match self.format {
            Format::Text if self.codes => outln!("{}", of_codes())?,
            Format::Text => outln!("{}", of_thresholds())?,
            Format::Json => json::print(&PolicyDocument::new())?,
        }
        Ok(exit::OK)
    }
}

fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(head.to_vec());
    table
}

fn of_thresholds() -> Table {
    let mut table = table(&["Threshold", "Default", "Unit", "From", "Meaning"]);
    for threshold in thresholds::all() {
        let default = studious_playbook::numbers::number(threshold.default);
        let (unit, from) = (threshold.unit.word(), threshold.source.word());
        table.add_row([threshold.name, &default, unit, from, threshold.meaning]);
    }
    table
}

fn of_codes() -> Table {
    let mut table = table(&["Code", "Severity", "Question", "Meaning"]);
    for rule in rules::all() {
        let question = rule.question.map_or_else(String::new, |q| q.to_string());
        table.add_row([rule.code, &rule.severity_words(), &question, rule.meaning]);
    }
    table
}
