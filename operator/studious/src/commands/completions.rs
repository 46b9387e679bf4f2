//! `studious completions`, `studious man`: what shells and `man` know of the command line, made from the command line itself.

use std::{io::Write as _, path::PathBuf};

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::{arguments::Arguments, exit, output};

const AFTER: &str = "\
Examples:
  source <(studious completions bash)
  studious completions zsh > ~/.zfunc/_studious
  studious completions fish > ~/.config/fish/completions/studious.fish";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "studious", &mut script);
        output::data().write_all(&script).map_err(output::failed)?;
        Ok(exit::OK)
    }
}

#[derive(Args, Debug)]
pub(crate) struct Man {
    /// Write one page for each command into this folder
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Man {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let folder = self.out.display();
        std::fs::create_dir_all(&self.out).with_context(|| format!("cannot create {folder}"))?;
        clap_mangen::generate_to(Arguments::command(), &self.out)
            .with_context(|| format!("cannot write the pages to {folder}"))?;
        Ok(exit::OK)
    }
}
