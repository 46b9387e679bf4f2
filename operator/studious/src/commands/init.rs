//! `studious init`: a study file from answers, asked in the terminal or given as flags.

mod questions;

use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
};

use clap::Args;
use studious_api::study::{Direction, Hyperparameter};
use studious_playbook::{
    numbers::count,
    outline::{self, StudyDraft},
};
use studious_rules::registry::KnownOptimizer;

use crate::{
    exit,
    output::{errln, out},
    replaced_file, study_file,
};

const AFTER: &str = "\
Asks in the order of the playbook what the flags leave open: the goal, what is scientific, what is nuisance, what is fixed, trials \
and steps, the trainer. Without a terminal it names the flags that are missing, with exit code 2. Of an optimizer that \
`docs/hyperparameters.md` knows, all hyperparameters that you do not name are tuned in their first ranges: fix what your trials do \
not allow. Without --trials it plans as many as are enough. Next: studious plan.

Examples:
  studious init
  studious init study.yaml --goal 'Does mixup help?' --metric validation_error --scientific mixup=true,false \\
    --optimizer momentum --fixed 'batch_size=256: the largest that fits' --steps 2000 --command 'python train.py'
  studious init - --goal 'How good can it get?' --metric accuracy --nuisance lr=1e-4..1e-1:log --steps 500 --command ./train";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct InitCommand {
    /// The file to write; - prints the study
    #[arg(value_name = "FILE", default_value = "study.yaml")]
    file: PathBuf,
    #[command(flatten)]
    answers: Answers,
    /// Write over a file that exists
    #[arg(long)]
    force: bool,
}

/// The answers so far.
#[derive(Args, Clone, Debug, Default)]
struct Answers {
    /// The study's name [default: the name of the file]
    #[arg(long)]
    name: Option<String>,
    /// The question, in a sentence
    #[arg(long)]
    goal: Option<String>,
    /// The metric of the validation set by which trials are judged
    #[arg(long)]
    metric: Option<String>,
    /// Which way it is better [default: as its name says]
    #[arg(long, value_name = "minimize|maximize", value_parser = direction)]
    direction: Option<Direction>,
    /// What is compared, with its values, such as activation=relu,gelu; may be given several times
    #[arg(long, value_name = "NAME=A,B", value_parser = outline::scientific)]
    scientific: Vec<Hyperparameter>,
    /// The optimizer, such as adamw: what it has is tuned unless you name it
    #[arg(long, value_parser = outline::optimizer)]
    optimizer: Option<&'static KnownOptimizer>,
    /// What is tuned, such as lr=1e-4..1e-1:log, width=16..256:log:integer or dropout; may be given several times
    #[arg(long, value_name = "NAME[=MIN..MAX[:log]]", value_parser = outline::nuisance)]
    nuisance: Vec<Hyperparameter>,
    /// What is held, with the reason, such as 'bs=128: larger ones do not fit'; may be given several times
    #[arg(long, value_name = "NAME=VALUE[: WHY]", value_parser = outline::fixed)]
    fixed: Vec<Hyperparameter>,
    /// Trials of the round that explores [default: as many as are enough]
    #[arg(long, value_name = "N")]
    trials: Option<u32>,
    /// Training steps of each trial
    #[arg(long, value_name = "N")]
    steps: Option<u64>,
    /// Trials at once [default: 3]
    #[arg(long, value_name = "N")]
    parallelism: Option<u32>,
    /// The trainer's command
    #[arg(long, value_parser = Words::read)]
    command: Option<Words>,
    /// The trainer's image, for a cluster
    #[arg(long)]
    image: Option<String>,
}

/// The words of a command.
#[derive(Clone, Debug)]
struct Words(Vec<String>);

impl Words {
    fn read(text: &str) -> Result<Self, String> {
        outline::words(text).map(Self)
    }
}

fn direction(word: &str) -> Result<Direction, String> {
    match word.to_ascii_lowercase().as_str() {
        "minimize" => Ok(Direction::Minimize),
        "maximize" => Ok(Direction::Maximize),
        _ => Err("expected minimize or maximize".to_owned()),
    }
}

impl InitCommand {
    pub(crate) fn run(mut self) -> anyhow::Result<u8> {
        let is_printed = self.file == Path::new("-");
        if !is_printed && !self.force && self.file.symlink_metadata().is_ok() {
            errln!("error: {}: exists. Name another file, or write over it with --force", self.file.display());
            return Ok(exit::INVALID);
        }
        let is_asked = !self.answers.missing().is_empty() && io::stdin().is_terminal() && io::stderr().is_terminal();
        if is_asked && !questions::ask(&mut self.answers, &mut io::stdin().lock(), &mut io::stderr())? {
            errln!("error: standard input ended before all was answered. Nothing was written");
            return Ok(exit::INVALID);
        }
        let missing = self.answers.missing();
        let stem = self.file.file_stem().and_then(|stem| stem.to_str()).filter(|_| !is_printed).unwrap_or("study");
        let Some(outline) = self.answers.outline(stem) else {
            errln!(
                "error: missing {}. Give them, or run `studious init` in a terminal, which asks",
                missing.join(", ")
            );
            return Ok(exit::INVALID);
        };
        let made = match outline::outlined(&outline) {
            Ok(made) => made,
            Err(problems) => {
                study_file::tell_problems(&problems);
                return Ok(exit::INVALID);
            }
        };
        if is_printed {
            out!("{}", made.text)?;
        } else {
            replaced_file::create(&self.file, &made.text, self.force)?;
            let name = self.file.display();
            errln!(
                "{name}: wrote {}, {}. Next: studious plan {name}",
                outline.name,
                count(made.trials as usize, "trial")
            );
        }
        study_file::tell_warnings(&made.advised.warnings);
        Ok(exit::OK)
    }
}

impl Answers {
    /// The flags whose answers are missing.
    fn missing(&self) -> Vec<&'static str> {
        let has_space = !self.scientific.is_empty() || !self.nuisance.is_empty() || self.optimizer.is_some();
        let flags = [
            ("--goal", self.goal.is_some()),
            ("--metric", self.metric.is_some()),
            ("--direction", self.metric.is_none() || self.known_direction().is_some()),
            ("--scientific, --optimizer or --nuisance", has_space),
            ("--steps", self.steps.is_some()),
            ("--command", self.command.is_some()),
        ];
        flags.into_iter().filter(|(_, is_there)| !is_there).map(|(flag, _)| flag).collect()
    }

    fn known_direction(&self) -> Option<Direction> {
        self.direction.or_else(|| outline::usual_direction(self.metric.as_deref()?))
    }

    /// All of it, if nothing is missing.
    fn outline(&self, file_stem: &str) -> Option<StudyDraft> {
        if !self.missing().is_empty() {
            return None;
        }
        let hyperparameters = [&self.scientific, &self.nuisance, &self.fixed].into_iter().flatten().cloned().collect();
        Some(StudyDraft {
            name: self.name.clone().unwrap_or_else(|| file_stem.to_ascii_lowercase().replace(['_', '.', ' '], "-")),
            goal: self.goal.clone()?,
            metric: self.metric.clone()?,
            direction: self.known_direction()?,
            optimizer: self.optimizer,
            hyperparameters,
            trials: self.trials,
            steps: self.steps?,
            parallelism: self.parallelism.unwrap_or(outline::PARALLELISM),
            command: self.command.clone()?.0,
            image: self.image.clone(),
        })
    }
}
