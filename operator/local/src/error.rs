//! Why a run can't begin or continue.

use std::{
    io,
    path::{Path, PathBuf},
};

use studious_api::validate::Violation;

/// Why a run can't begin or continue. A trial that fails is no error of the run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The study is refused: everything that is wrong with it.
    #[error("the study can't run: {}", list(.0))]
    Invalid(Vec<Violation>),
    /// Another run has the folder.
    #[error(
        "another run is using {}. Wait for it, or give this one another folder with --dir", folder.display()
    )]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder holds trials of a study that differs where it can't.
    #[error("{} holds trials of this study as it was before: {}", folder.display(), list(changes))]
    Changed {
        /// The folder.
        folder: PathBuf,
        /// What has changed.
        changes: Vec<Violation>,
    },
    /// The ledger was lost, and what is left does not say enough to rebuild it.
    #[error(
        "{}: trials/ holds {trials} trials and ledger.sqlite none: the ledger was lost, and the trials' folders have no \
         record.json to rebuild it from. Restore ledger.sqlite from a backup, or run the study in a new folder with --dir; \
         nothing was changed", folder.display()
    )]
    LedgerLost {
        /// The folder.
        folder: PathBuf,
        /// Folders of trials.
        trials: usize,
    },
    /// A trial's folder belongs to another run than the ledger.
    #[error(
        "{} belongs to another run than {}: its checkpoints and measurements are not of this study's trials. Move it away, \
         or put its own ledger back", folder.display(), ledger.display()
    )]
    OtherRun {
        /// The trial's folder.
        folder: PathBuf,
        /// The ledger.
        ledger: PathBuf,
    },
    /// The folder isn't one of a run.
    #[error("{} is not the folder of a run: {reason}", folder.display())]
    NotARun {
        /// The folder.
        folder: PathBuf,
        /// What is missing or wrong.
        reason: String,
    },
    /// A file can't be read or written.
    #[error("can't {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A program can't be started.
    #[error("can't start {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// The ledger can't be read or written.
    #[error(transparent)]
    Ledger(#[from] studious_ledger::LedgerError),
    /// Points were not chosen: this process is ending, or there is a defect.
    #[error("the next points were not chosen: {0}")]
    Suggest(#[from] tokio::task::JoinError),
    /// `trial.json` can't be made.
    #[error(transparent)]
    TrialJson(#[from] studious_contract::TrialJsonError),
}

impl Error {
    pub(crate) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { what, path: path.to_owned(), source }
    }
}

fn list(violations: &[Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
