//! `studious keep`: waits until its run is gone, then ends the run's trainers. Started by `studious run`.

use std::path::PathBuf;

use clap::Args;
use studious_local::RunFolder;

use crate::exit;

#[derive(Args, Debug)]
pub(crate) struct Keep {
    /// The run's folder
    folder: PathBuf,
}

impl Keep {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        studious_local::keep(&RunFolder::new(self.folder))?;
        Ok(exit::OK)
    }
}
