//! The starts of the program: one to its end, and one that is killed, resumed, asked to end and resumed.

use std::path::Path;

use anyhow::anyhow;
use studious_api::{Study, yaml};
use studious_local::{Devices, Error, Interrupt, Observed, Options, RunFolder, StopAt, observe};
use studious_playbook::{
    Plan,
    preflight::{AttemptSeen, Observations},
    rounds,
};
use tokio::sync::mpsc;

use crate::{
    commands::run::local::{keeper, listen, working_directory},
    output::errln,
};

/// The short trials of a program.
pub(super) struct Stages<'a> {
    /// The study of the short trial.
    pub study: &'a Study,
    /// The file whose folder the program starts in.
    pub file: &'a Path,
    /// Where the trials are kept.
    pub folder: &'a Path,
    /// What may be used of this machine.
    pub devices: Devices,
}

/// What was seen of each start.
pub(super) struct SeenStarts {
    whole: AttemptSeen,
    killed: Option<AttemptSeen>,
    resumed: Option<AttemptSeen>,
    again: Option<AttemptSeen>,
}

impl Stages<'_> {
    /// Carries out all that make sense after what was seen before; nothing if a person interrupts them.
    pub(super) async fn carry_out(&self) -> Result<Option<SeenStarts>, Error> {
        let (press, mut interrupts) = mpsc::channel(4);
        let listener = tokio::spawn(listen(press));
        let seen = self.all(&mut interrupts).await;
        listener.abort();
        seen
    }

    async fn all(&self, interrupts: &mut mpsc::Receiver<Interrupt>) -> Result<Option<SeenStarts>, Error> {
        let folder = RunFolder::new(self.folder.join("whole"));
        folder.set_aside()?;
        errln!("1 of 2: a short trial to its end, in {}", folder.root().display());
        let Some(whole) = self.one(&folder, StopAt::End, interrupts).await? else { return Ok(None) };
        let mut seen = SeenStarts { whole, killed: None, resumed: None, again: None };
        if !seen.whole.ended_well() {
            return Ok(Some(seen));
        }
        let folder = RunFolder::new(self.folder.join("interrupted"));
        folder.set_aside()?;
        errln!("2 of 2: the same trial, killed, resumed, asked to end and resumed, in {}", folder.root().display());
        let at_checkpoint = StopAt::Checkpoint { saves: seen.whole.saves() };
        let Some(killed) = self.one(&folder, at_checkpoint, interrupts).await? else { return Ok(None) };
        let was_killed = killed.was_interrupted();
        seen.killed = Some(killed);
        if was_killed {
            let Some(resumed) = self.one(&folder, StopAt::Measurement, interrupts).await? else { return Ok(None) };
            let was_asked = resumed.was_interrupted();
            seen.resumed = Some(resumed);
            if was_asked {
                let Some(again) = self.one(&folder, StopAt::End, interrupts).await? else { return Ok(None) };
                seen.again = Some(again);
            }
        }
        Ok(Some(seen))
    }

    async fn one(
        &self,
        folder: &RunFolder,
        stop_at: StopAt,
        interrupts: &mut mpsc::Receiver<Interrupt>,
    ) -> Result<Option<AttemptSeen>, Error> {
        let options = Options {
            study: self.study.clone(),
            text: yaml::to_string(self.study).unwrap_or_default(),
            folder: folder.clone(),
            working_directory: working_directory(self.file),
            study_file: self.file.file_name().map(Into::into),
            parallelism: None,
            retry_failed: false,
            allow_changes: false,
            devices: self.devices.clone(),
            keeper: keeper(folder),
        };
        let Observed { seen, was_interrupted } = observe(options, stop_at, interrupts).await?;
        Ok((!was_interrupted).then_some(seen))
    }
}

/// What was seen with what the trial was given.
pub(super) fn observations(study: &Study, round_steps: u64, seen: SeenStarts) -> anyhow::Result<Observations<'_>> {
    let name = study.metadata.name.as_deref().unwrap_or_default();
    let plan = Plan::new(name, &study.spec).map_err(|wrong| anyhow!("{name}: {} refusals", wrong.len()))?;
    let round = study.spec.rounds.first().map_or("", |round| round.name.as_str());
    let point = rounds::points(&plan, round, &[]).and_then(|points| points.into_iter().next());
    let point = point.ok_or_else(|| anyhow!("{name} has no point"))?;
    let SeenStarts { whole, killed, resumed, again } = seen;
    let seeds = rounds::trial_spec(&plan, &point).seeds;
    Ok(Observations { spec: &study.spec, seeds, round_steps, whole, killed, resumed, again })
}
