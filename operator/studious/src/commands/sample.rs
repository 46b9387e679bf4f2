//! `studious sample`: the points a study would try.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use clap::Args;
use studious_playbook::{Plan, record::TrialRecord, rounds, search};

use crate::{
    exit,
    json::Format,
    output::{self, errln},
    study_file,
};

const AFTER: &str = "\
Prints trials in the order in which they would begin, as JSON lines with \"pending\":true. Rounds that take the best \
points of an earlier one have none yet, and of a Bayesian search only the first points are known: `studious suggest` \
gives the next ones once there are results. The same study gives the same points everywhere and for ever. Points that are \
taken of another study (search.pointsFrom) are those kept in the run's folder, or else those of the other study's run.

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
    /// Where runs are kept, for the study that search.pointsFrom names
    #[arg(long, value_name = "FOLDER", default_value = "studious-runs")]
    runs: PathBuf,
}

impl Sample {
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        let Some(file) = study_file::read_and_tell(&self.study)? else { return Ok(exit::INVALID) };
        let Some(plan) = study_file::plan(&file, &self.runs, Format::Text).await? else { return Ok(exit::INVALID) };
        let points = rounds::names(&plan).into_iter().filter_map(|round| rounds::points(&plan, &round, &[])).flatten();
        let mut printed = 0;
        let mut out = io::BufWriter::new(output::data());
        for point in points.take(self.count.unwrap_or(usize::MAX)) {
            let record = TrialRecord {
                name: plan.trial_name(&point.key),
                round: point.key.round,
                hyperparameters: point.hyperparameters,
                ..TrialRecord::default()
            };
            writeln!(out, "{}", serde_json::to_string(&record)?).map_err(output::failed)?;
            printed += 1;
        }
        out.flush().map_err(output::failed)?;
        self.tell_unknown(&plan, printed);
        Ok(exit::OK)
    }

    /// Says how many points could not be printed, since results choose them.
    fn tell_unknown(&self, plan: &Plan, printed: usize) {
        let adapting = rounds::names(plan).into_iter().filter(|round| search::adapts(plan, round));
        let all: u32 = adapting.map(|round| rounds::trials_in(plan, &round)).sum();
        let all = all as usize;
        let wanted = self.count.unwrap_or(usize::MAX).min(all);
        if wanted > printed {
            let unknown = wanted - printed;
            errln!("{unknown} of {wanted} points depend on results: `studious suggest` gives them as trials end");
        }
    }
}
