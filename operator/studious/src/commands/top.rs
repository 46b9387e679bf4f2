//! `studious top`: the trials of a study.

use clap::Args;

use crate::{exit, show, target::TargetArguments};

const AFTER: &str = "\
Trials of the latest round come first: rounds train for different numbers of steps, so their results don't compare.

Examples:
  studious top studious-runs/digits
  studious top study/digits -n team-a --limit 5
  kubectl study top digits";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Top {
    #[command(flatten)]
    target: TargetArguments,
    /// Show this many trials; 0 shows all
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
}

impl Top {
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        let study = self.target.load(Some(8)).await?;
        println!("{}\n{}\n", study.plan.spec().goal, study.status);
        if study.trials.is_empty() {
            println!("No trial has begun.");
            return Ok(exit::OK);
        }
        println!("{}", show::trials::table(&study, if self.limit == 0 { usize::MAX } else { self.limit }));
        if let Some(failures) = show::trials::failures(&study) {
            print!("\n{failures}");
        }
        if let Some(best) = show::best::best(&study) {
            print!("\n{best}");
        }
        Ok(exit::OK)
    }
}
