//! `studious explain`: what a field of a study says.

use clap::Args;
use studious_api::reference;

use crate::{
    exit,
    output::{errln, out},
};

const AFTER: &str = "\
docs/study.md is generated from this and has all fields.

Examples:
  studious explain
  studious explain spec.rounds
  studious explain hyperparameters.range.scale";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Explain {
    /// The field, as errors name it
    #[arg(default_value = "spec", value_name = "FIELD")]
    field: String,
    /// Print the page of all fields, as Markdown
    #[arg(long)]
    page: bool,
}

impl Explain {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        if self.page {
            out!("{}", reference::page())?;
            return Ok(exit::OK);
        }
        match reference::field(&self.field) {
            Ok(field) => {
                out!("{}", reference::shown(field))?;
                Ok(exit::OK)
            }
            Err(wrong) => {
                errln!("error: {wrong}");
                Ok(exit::INVALID)
            }
        }
    }
}
