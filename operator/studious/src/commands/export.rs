//! `studious export`: the trials of a study as data.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use clap::{Args, ValueEnum};
use studious_playbook::record::{Outcome, TrialRecord};

use crate::{exit, target::TargetArguments};

const AFTER: &str = "\
jsonl prints one JSON object a line: name, round, hyperparameters, objective and step (or \"infeasible\":true with a \
reason, or \"pending\":true), and curves as [step, value] pairs. csv prints one trial a line without curves.

Examples:
  studious export studious-runs/digits --format csv > digits.csv
  studious export study/digits | jq -r 'select(.objective < 0.05) | .name'
  kubectl study export digits --format csv";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Export {
    #[command(flatten)]
    target: TargetArguments,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// One JSON object a line, with curves
    Jsonl,
    /// One line a trial, without curves
    Csv,
}

impl Export {
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        let study = self.target.load(None).await?;
        if let (Some(why), Format::Jsonl) = (&study.without_curves, self.format) {
            eprintln!("warning: {why}. Curves are left out");
        }
        let records = study.records();
        let names: Vec<&str> = study.plan.spec().hyperparameters.iter().map(|h| h.name.as_str()).collect();
        let result = match self.format {
            Format::Jsonl => jsonl(&records, io::stdout().lock()),
            Format::Csv => csv(&records, &names, io::stdout().lock()),
        };
        match result {
            // `| head` has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(exit::OK),
            other => other.map(|()| exit::OK).map_err(Into::into),
        }
    }
}

fn jsonl(records: &[TrialRecord], out: impl Write) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    for record in records {
        serde_json::to_writer(&mut out, record)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

fn csv(records: &[TrialRecord], names: &[&str], out: impl Write) -> io::Result<()> {
    let mut out = csv::Writer::from_writer(out);
    let mut seen = BTreeSet::new();
    let names: Vec<&str> = names.iter().copied().filter(|name| seen.insert(*name)).collect();
    out.write_record(["name", "round", "outcome", "reason", "objective", "step"].iter().chain(&names))?;
    for record in records {
        let (outcome, reason, objective, step) = match &record.outcome {
            Outcome::Pending => ("pending", "", None, None),
            Outcome::Succeeded { objective, step } => ("succeeded", "", Some(*objective), *step),
            Outcome::Infeasible { reason } => ("infeasible", reason.as_str(), None, None),
            Outcome::Failed { reason } => ("failed", reason.as_str(), None, None),
            Outcome::Stopped { reason } => ("stopped", reason.as_str(), None, None),
        };
        let mut row = vec![
            record.name.clone(),
            record.round.clone(),
            outcome.to_owned(),
            reason.to_owned(),
            objective.map_or_else(String::new, |x| x.to_string()),
            step.map_or_else(String::new, |x| x.to_string()),
        ];
        row.extend(names.iter().map(|n| record.hyperparameters.get(*n).map_or_else(String::new, ToString::to_string)));
        out.write_record(row)?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_has_a_column_for_each_hyperparameter_and_none_invented() {
        let records: Vec<TrialRecord> = [
            r#"{"name":"a","round":"r","hyperparameters":{"opt":"sgd, plain","lr":1e-5},"objective":0.5,"step":10}"#,
            r#"{"name":"b","round":"r","hyperparameters":{"opt":"adam"},"infeasible":true,"reason":"Diverged"}"#,
        ]
        .map(|line| serde_json::from_str(line).unwrap())
        .into();
        let mut out = Vec::new();
        csv(&records, &["opt", "lr", "lr"], &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "name,round,outcome,reason,objective,step,opt,lr\n\
             a,r,succeeded,,0.5,10,\"sgd, plain\",1e-5\n\
             b,r,infeasible,Diverged,,,adam,\n"
        );
    }
}
