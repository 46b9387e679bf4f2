//! `studious wait`: until a study has ended.

use std::time::{Duration, Instant};

use clap::Args;
use studious_playbook::record::CurveSelection;

use crate::{
    exit,
    json::{self, Format, StudyDocument},
    output::{self, errln, outln},
    show,
    source::{Target, TargetArguments},
};

const AFTER: &str = "\
A study of a folder has ended when nothing runs in it any more, one of a cluster when its phase is Completed, Failed or \
Invalid.

Exit codes: 0 it is complete; 1 it failed, or could not be read; 2 it is not valid; 124 it had not ended after --timeout; \
130 its run was interrupted, and resumes when it is run again.

Examples:
  studious run study.yaml --detach && studious wait studious-runs/digits
  studious wait study/digits --timeout 3600 --format json | jq .verdict.kind";

/// Between looks at a folder, which cost nothing.
const OFTEN: Duration = Duration::from_millis(200);
/// Between looks at a cluster.
const SELDOM: Duration = Duration::from_secs(3);

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Wait {
    #[command(flatten)]
    target: TargetArguments,
    /// Wait for so many seconds at most [default: as long as it takes]
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// How to print where the study stands then
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Wait {
    /// The study that it waits for.
    pub(crate) fn target_mut(&mut self) -> &mut Target {
        self.target.target_mut()
    }

    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        let begun = Instant::now();
        let timeout = self.timeout.map(Duration::from_secs);
        let usual = if self.target.is_of_cluster() { SELDOM } else { OFTEN };
        let mut failures = 0;
        loop {
            let pause = match self.target.may_change().await {
                Ok(false) => break,
                Ok(true) => {
                    failures = 0;
                    usual
                }
                Err(error) => {
                    failures += 1;
                    let Some(pause) = retry_after(&error, failures) else { return Err(error) };
                    errln!("{}; asked again in {:.1} s", output::in_words(&error), pause.as_secs_f64());
                    pause
                }
            };
            let left = timeout.map_or(pause, |timeout| timeout.saturating_sub(begun.elapsed()).min(pause));
            if left.is_zero() {
                errln!("It has not ended after {} s", begun.elapsed().as_secs());
                if failures == 0 {
                    show_standing(&self.target, self.format).await?;
                }
                return Ok(exit::TIMED_OUT);
            }
            tokio::time::sleep(left).await;
        }
        show_standing(&self.target, self.format).await
    }
}

/// How long to wait after an API server that did not answer; nothing for errors that need a fix.
fn retry_after(error: &anyhow::Error, failures: u32) -> Option<Duration> {
    let of_client = error.chain().find_map(|cause| cause.downcast_ref::<kube::Error>())?;
    studious_controller::retry_after(of_client, failures)
}

/// Prints where a study stands, with its answer; returns the exit code that says the same.
pub(super) async fn show_standing(target: &TargetArguments, format: Format) -> anyhow::Result<u8> {
    let study = target.load(CurveSelection::concluded(None)).await?;
    let document = StudyDocument::new(&study);
    if format.is_json() {
        json::print(&document)?;
    } else {
        outln!("{}: {}", study.plan.name(), show::standing(&study))?;
        if let Some(verdict) = &document.verdict {
            outln!("{}", verdict.text().trim_end())?;
        }
    }
    Ok(study.state.map_or(exit::OK, exit::of))
}
