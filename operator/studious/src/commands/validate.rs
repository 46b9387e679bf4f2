//! `studious validate`: everything that is wrong with study files.

use std::path::PathBuf;

use clap::Args;

use crate::{exit, output::outln, study_file};

const AFTER: &str = "\
Prints every problem as FILE:LINE:COLUMN, with the field, the rule and the mend, then what the playbook advises \
against. Exit code 0 when every file is valid (warnings included), 2 when one isn't.

Examples:
  studious validate study.yaml
  studious validate studies/*.yaml
  kubectl get study digits -o yaml | studious validate -";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Validate {
    /// Study files; - reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Validate {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let mut code = exit::OK;
        for path in &self.files {
            match study_file::read(path)? {
                Ok(file) => {
                    study_file::tell_warnings(&file.warnings);
                    let warnings = match file.warnings.len() {
                        0 => String::new(),
                        1 => " (1 warning)".to_owned(),
                        n => format!(" ({n} warnings)"),
                    };
                    outln!("{}: {} is valid{warnings}", path.display(), file.document.name)?;
                }
                Err(problems) => {
                    study_file::tell_problems(&problems);
                    code = exit::INVALID;
                }
            }
        }
        Ok(code)
    }
}
