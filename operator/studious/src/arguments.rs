//! The command line.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use crate::commands;

const AFTER: &str = "\
Exit codes: 0 all went well; 1 the study failed, or the command did; 2 the study or the command line is wrong, and \
nothing was started; 130 interrupted.

Guidance is adapted from the Deep Learning Tuning Playbook (Godbole, Dahl, Gilmer, Shallue, Nado; 2023; CC BY 4.0): \
see `studious about`.";

/// Runs deep-learning tuning studies the way the Deep Learning Tuning Playbook says.
#[derive(Debug, Parser)]
#[command(name = "studious", version, after_help = AFTER, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a study as processes of this machine
    Run(commands::run::Run),
    /// Say everything that is wrong with study files
    Validate(commands::validate::Validate),
    /// Say what a study would do: rounds, arms, trials, steps
    Plan(commands::plan::PlanCommand),
    /// Print the points a study would try, as JSON lines
    Sample(commands::sample::Sample),
    /// Print the next points of a study, from trials that ran anywhere
    Suggest(commands::suggest::Suggest),
    /// Show the trials of a study, the best first
    Top(commands::top::Top),
    /// Show the trials of a study by another objective
    Rank(commands::rank::Rank),
    /// Say what can be concluded from a study
    Findings(commands::findings::Findings),
    /// List the thresholds and codes behind findings
    Policy(commands::policy::Policy),
    /// Write the report of a study: a page, data, or text
    Report(commands::report::Report),
    /// Show studies in a browser, live as they run
    Ui(commands::ui::Ui),
    /// Draw the pictures of a study as SVG or PNG files
    Plot(commands::plot::PlotCommand),
    /// Print the trials of a study as data
    Export(commands::export::Export),
    /// Read trials that ran elsewhere: CSV files, TensorBoard's event files
    Import(commands::import::Import),
    /// Carry studies out on the cluster this runs in (the chart starts it)
    Operator(commands::operator::Operator),
    /// Serve one host of a trial as its sidecar (the operator starts it)
    Agent(commands::agent::Agent),
    /// Print the CRDs, Study and Trial
    Crds(commands::crds::Crds),
    /// Name the sources and their licences
    About(commands::about::About),
    /// The keeper of a local run: ends trainers whose run was killed
    #[command(hide = true)]
    Keep(commands::keep::Keep),
}

impl Command {
    /// Runs the command; its result is an exit code.
    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::Run(command) => Box::pin(command.run()).await,
            Self::Validate(command) => command.run(),
            Self::Plan(command) => command.run().await,
            Self::Sample(command) => command.run().await,
            Self::Suggest(command) => command.run().await,
            Self::Top(command) => command.run().await,
            Self::Rank(command) => command.run().await,
            Self::Findings(command) => command.run().await,
            Self::Policy(command) => command.run(),
            Self::Report(command) => command.run().await,
            Self::Ui(command) => command.run().await,
            Self::Plot(command) => command.run().await,
            Self::Export(command) => command.run().await,
            Self::Import(command) => command.run().await,
            Self::Operator(command) => command.run().await,
            Self::Agent(command) => command.run().await,
            Self::Crds(command) => command.run(),
            Self::About(command) => Ok(command.run()),
            Self::Keep(command) => command.run(),
        }
    }
}

/// Commands of the kubectl plugin, which name a study in the cluster: `kubectl study top NAME`.
const ON_A_STUDY: [&str; 6] = ["report", "top", "rank", "findings", "plot", "export"];

/// The command line as `studious` reads it. Called as `kubectl-study`, a bare name is a study of the current context.
pub(crate) fn as_plugin(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let called = arguments.first().and_then(|a| std::path::Path::new(a).file_stem()).unwrap_or_default();
    if called != "kubectl-study" && called != "kubectl_study" {
        return arguments;
    }
    let mut seen_command = false;
    let mut value_follows = false;
    for argument in arguments.iter_mut().skip(1) {
        let Some(text) = argument.to_str() else { continue };
        if value_follows {
            value_follows = false;
        } else if text.starts_with('-') {
            // Every option of these commands takes a value, but for these, and unless it is given with `=`.
            value_follows = !text.contains('=')
                && text.len() > 1
                && !matches!(text, "-h" | "--help" | "-V" | "--version" | "--list" | "--measurements");
        } else if !seen_command {
            if !ON_A_STUDY.contains(&text) {
                break;
            }
            seen_command = true;
        } else {
            if !text.contains('/') {
                *argument = OsString::from(format!("study/{text}"));
            }
            break;
        }
    }
    arguments
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    fn plugin(line: &str) -> String {
        let words = as_plugin(line.split(' ').map(OsString::from));
        words.iter().map(|w| w.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_plugin_names_studies_of_the_cluster() {
        for (given, meant) in [
            ("/usr/bin/kubectl-study top digits", "/usr/bin/kubectl-study top study/digits"),
            (
                "kubectl-study report -n team digits --out x.html",
                "kubectl-study report -n team study/digits --out x.html",
            ),
            ("kubectl-study export --measurements digits", "kubectl-study export --measurements study/digits"),
            ("kubectl-study export study/digits --format csv", "kubectl-study export study/digits --format csv"),
            ("kubectl-study validate study.yaml", "kubectl-study validate study.yaml"),
            ("studious top digits", "studious top digits"),
        ] {
            assert_eq!(plugin(given), meant);
        }
    }
}
