//! `studious validate`: everything that is wrong with study files.

use std::path::PathBuf;

use clap::Args;
use studious_playbook::numbers::count;

use crate::{
    exit,
    json::{self, Format, ValidatedFile, ValidationDocument},
    output::{self, errln, outln},
    study_file::{self, StudyFile},
};

const AFTER: &str = "\
Prints every problem as FILE:LINE:COLUMN, with the field, the rule and the fix, then what the playbook advises \
against, with the code that policy.waive names, and notes: what is good to know, and what is waived. With --format json as fields of one JSON object. Exit code 0 when every file is valid (warnings included), 2 when one isn't.

Examples:
  studious validate study.yaml
  studious validate studies/*.yaml
  studious validate study.yaml --format json | jq '.files[].problems[] | {line, field, fix}'
  kubectl get study digits -o yaml | studious validate -";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Validate {
    /// Study files; - reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How to print what is wrong
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Validate {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let mut validated = Vec::new();
        let mut all_read = true;
        for path in &self.files {
            let name = path.display().to_string();
            let read = match study_file::read(path) {
                Ok(read) => read,
                Err(error) => {
                    let message = output::in_words(&error);
                    if !self.format.is_json() {
                        errln!("error: {message}");
                    }
                    validated.push(ValidatedFile::unreadable(name, message));
                    all_read = false;
                    continue;
                }
            };
            validated.push(match read {
                Ok(file) => {
                    if !self.format.is_json() {
                        tell_valid(&file)?;
                    }
                    ValidatedFile::from(&file)
                }
                Err(problems) => {
                    if !self.format.is_json() {
                        study_file::tell_problems(&problems);
                    }
                    ValidatedFile::invalid(name, &problems)
                }
            });
        }
        let validation = ValidationDocument::new(validated);
        let code = match (all_read, validation.valid) {
            (false, _) => exit::FAILED,
            (true, true) => exit::OK,
            (true, false) => exit::INVALID,
        };
        if self.format.is_json() {
            json::print(&validation)?;
        }
        Ok(code)
    }
}

fn tell_valid(file: &StudyFile) -> anyhow::Result<()> {
    study_file::tell_warnings(&file.warnings);
    study_file::tell_notes(&file.notes);
    let warnings = match file.warnings.len() {
        0 => String::new(),
        n => format!(" ({})", count(n, "warning")),
    };
    outln!("{}: {} is valid{warnings}", file.path.display(), file.document.name)
}
