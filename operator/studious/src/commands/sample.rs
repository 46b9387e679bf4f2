//! `studious sample`: the points a study would try.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use clap::Args;
use studious_playbook::{Plan, record::TrialRecord, rounds};

use crate::{exit, study_file};

const AFTER: &str = "\
Prints trials in the order in which they would begin, as JSON lines with \"pending\":true. Rounds that take the best \
points of an earlier one have none yet. The same study gives the same points everywhere and for ever.

Examples:
  studious sample --study study.yaml --count 5
  studious sample --study study.yaml --count 100 | jq .hyperparameters.learning_rate";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Sample {
    /// The study file
    #[arg(long, value_name = "FILE")]
    study: PathBuf,
    /// Print at most this many points [default: all that are planned]
    #[arg(long, value_name = "N")]
    count: Option<usize>,
}

impl Sample {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let Some(file) = study_file::read_and_tell(&self.study)? else { return Ok(exit::INVALID) };
        let Ok(plan) = Plan::new(&file.document.name, &file.document.study.spec).inspect_err(|violations| {
            study_file::tell_violations(&file.path, violations);
        }) else {
            return Ok(exit::INVALID);
        };
        let points = rounds::names(&plan).into_iter().filter_map(|round| rounds::points(&plan, &round, &[])).flatten();
        let mut out = io::BufWriter::new(io::stdout().lock());
        for point in points.take(self.count.unwrap_or(usize::MAX)) {
            let record = TrialRecord {
                name: plan.trial_name(&point.key),
                round: point.key.round,
                hyperparameters: point.hyperparameters,
                ..TrialRecord::default()
            };
            match writeln!(out, "{}", serde_json::to_string(&record)?) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(exit::OK),
                other => other?,
            }
        }
        out.flush()?;
        Ok(exit::OK)
    }
}
