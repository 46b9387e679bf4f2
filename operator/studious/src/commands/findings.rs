//! `studious findings`: what can be concluded.

use clap::Args;
use studious_playbook::{findings, record::CurveSelection};

use crate::{
    exit,
    json::{self, FindingsDocument, Format},
    output::{errln, outln},
    source::{SourceArguments, Target},
};

const AFTER: &str = "\
First comes the answer to the study's goal: which arm is better, by how much and how sure that is; or that there is no \
winner yet, and what it would take; or that it cannot be judged, and why. Five questions are answered before that: is the search space large enough, was it sampled enough, \
what was infeasible, does training have issues, what do the curves of the best trials show. Then come the findings. \
`studious policy` lists the codes and thresholds behind them; spec.policy.waive sets a question or a code aside.

With --study and --trials they are drawn from trials that ran anywhere, a JSON line each: {\"hyperparameters\":{…},\
\"objective\":0.3}, or \"infeasible\":true in place of the objective, with \"curves\" if there are some.

Examples:
  studious findings studious-runs/digits
  studious findings study/digits --format json | jq '.verdict.summary'
  studious findings --study study.yaml --trials trials.jsonl
  kubectl study findings digits";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Findings {
    #[command(flatten)]
    source: SourceArguments,
    /// How to print them. JSON has the verdict, the checklist with the five questions, and the findings, each with code,
    /// severity, evidence, advice, section and the change to the study that it suggests
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Findings {
    /// The study that it looks at.
    pub(crate) fn target_mut(&mut self) -> Option<&mut Target> {
        self.source.target_mut()
    }

    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        let Some(study) = self.source.load(CurveSelection::concluded(None)).await? else { return Ok(exit::INVALID) };
        if let Some(why) = &study.without_curves {
            errln!("warning: {why}. Findings that need curves are left out");
        }
        let records = study.expected();
        let findings = findings::findings(&study.plan, &records);
        let checklist = findings::checklist(&study.plan, &records, &findings);
        let verdict = findings::verdict(&study.plan, &records, &checklist);
        match self.format {
            Format::Text => {
                outln!("{}\n", verdict.text().trim_end())?;
                outln!("{}\n", checklist.text().trim_end())?;
                outln!("{}", findings::text(&findings).trim_end())?;
            }
            Format::Json => json::print(&FindingsDocument { verdict, checklist, findings })?,
        }
        Ok(exit::OK)
    }
}
