//! The `studious` command: run a study here, look at it anywhere, operate a cluster. Called as `kubectl-study` it is a
//! kubectl plugin: `kubectl study report NAME`.

// They panic without a reader: see `output`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod client;
mod commands;
mod hyperparameter_names;
mod json;
mod output;
mod replaced_file;
mod show;
mod source;
mod study_file;
mod trial_line;
mod trials_file;

use std::process::ExitCode;

use output::errln;

/// A quarter of the operator's time went into the C library's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit codes of every command, as `--help` documents them.
mod exit {
    /// All went well.
    pub(crate) const OK: u8 = 0;
    /// The study failed, or the command did.
    pub(crate) const FAILED: u8 = 1;
    /// The study or the command line is wrong; nothing was started.
    pub(crate) const INVALID: u8 = 2;
    /// What was waited for did not happen in time.
    pub(crate) const TIMED_OUT: u8 = 124;
    /// Interrupted; continues when it is run again.
    pub(crate) const INTERRUPTED: u8 = 130;

    /// Of a study that has been waited for.
    pub(crate) fn of(state: studious_dashboard::StudyState) -> u8 {
        use studious_dashboard::StudyState::{Completed, Failed, Interrupted, Invalid, Paused, Pending, Running};
        match state {
            Completed => OK,
            Failed => FAILED,
            Invalid => INVALID,
            Interrupted => INTERRUPTED,
            Pending | Running | Paused => TIMED_OUT,
        }
    }
}

fn main() -> ExitCode {
    let arguments = arguments::parse(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            errln!("error: can't start the runtime: {error}");
            return ExitCode::from(exit::FAILED);
        }
    };
    let ended = runtime.block_on(arguments.command.run());
    let code = match ended.and_then(|code| output::unless_closed(output::flush()).map(|()| code)) {
        Ok(code) => code,
        Err(error) if error.is::<output::Closed>() => exit::OK,
        Err(error) => {
            errln!("error: {}", output::in_words(&error));
            exit::FAILED
        }
    };
    // What still reads a pipe must not hold the process.
    runtime.shutdown_background();
    ExitCode::from(code)
}
