//! `studious stop`: the run of a folder, or further trials of a study on a cluster.

use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use studious_local::{Interrupt, RunFolder};

use super::wait::show_standing;
use crate::{
    exit,
    json::Format,
    output::errln,
    source::{Target, TargetArguments},
};

const AFTER: &str = "\
The run of a folder is stopped as Ctrl-C stops it, and `studious run` resumes it. Trainers have the time to end that the \
template's terminationGracePeriodSeconds gives; --now kills them. It returns when the run has left, also if none was there.

On a cluster spec.suspend is set: running trials finish, and no others start until it is false again.

Exit codes: 0 it has stopped; 1 it could not be stopped.

Examples:
  studious stop studious-runs/digits
  studious stop study/digits -n team-a";

/// How long a run whose process can't be found has to leave: it may be ending already.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Stop {
    #[command(flatten)]
    target: TargetArguments,
    /// Kill trainers instead of waiting for them to end
    #[arg(long)]
    now: bool,
    /// How to print where the study stands then
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Stop {
    /// The study that it stops.
    pub(crate) fn target_mut(&mut self) -> &mut Target {
        self.target.target_mut()
    }

    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        match self.target.folder() {
            Some(path) => stop_run(&RunFolder::new(path), self.now).await?,
            None if self.now => bail!("--now: trials of a cluster run to their end. Delete the study to end them"),
            None => {
                self.target.suspend().await?;
                errln!("No further trials start. To resume, set spec.suspend to false");
            }
        }
        show_standing(&self.target, self.format).await?;
        Ok(exit::OK)
    }
}

/// Asks a run to stop, and waits until it has left.
async fn stop_run(folder: &RunFolder, now: bool) -> anyhow::Result<()> {
    let how = if now { Interrupt::AtOnce } else { Interrupt::Gently };
    let begun = Instant::now();
    let mut asked = false;
    while folder.is_running() {
        if !asked {
            asked = folder.ask_to_stop(how)?;
        }
        if !asked && begun.elapsed() > PATIENCE {
            bail!(
                "{}: a run has the folder, and its process is not one of yours on this machine. Stop it where it was started",
                folder.root().display()
            );
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
