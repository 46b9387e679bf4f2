//! The command line.

use std::{ffi::OsString, path::Path};

use clap::{Parser, Subcommand};

use crate::{commands, source::Target};

const AFTER: &str = "\
Exit codes: 0 success; 1 the study failed, or the command did; 2 the study or the command line is wrong, and \
nothing was started; 124 `studious wait` timed out; 130 interrupted. docs/cli.md has them by command, and \
the JSON that commands print with --format json.

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
    /// Make a study file from answers
    Init(Box<commands::init::InitCommand>),
    /// Run a study as processes of this machine
    Run(commands::run::RunCommand),
    /// Train one trial of values that are set by hand
    Try(commands::try_point::Try),
    /// Wait until a study has ended
    Wait(commands::wait::Wait),
    /// Stop a study: the run of a folder, or further trials on a cluster
    Stop(commands::stop::Stop),
    /// Say everything that is wrong with study files
    Validate(commands::validate::Validate),
    /// Say what a field of a study means
    Explain(commands::explain::Explain),
    /// Say what a study would do: rounds, arms, trials, steps
    Plan(commands::plan::PlanCommand),
    /// Say whether a study's program is ready: run it briefly, kill it, resume it
    Preflight(commands::preflight::PreflightCommand),
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
    Policy(commands::policy::PolicyCommand),
    /// Write the report of a study: a page, data, or text
    Report(commands::report::Report),
    /// Show studies in a browser, live as they run
    Ui(commands::ui::Ui),
    /// Draw the plots of a study as SVG or PNG files
    Plot(commands::plot::PlotCommand),
    /// Print the trials of a study as data
    Export(commands::export::Export),
    /// Read trials that ran elsewhere: CSV files, TensorBoard's event files
    Import(commands::import::Import),
    /// Carry studies out on the cluster this runs in (the chart starts it)
    Operator(commands::operator::OperatorCommand),
    /// Serve one host of a trial as its sidecar (the operator starts it)
    Agent(commands::agent::Agent),
    /// Wait until the agent has written what the trainer reads (the kubelet runs it as the sidecar's postStart hook)
    #[command(hide = true)]
    AgentReady(commands::agent::AgentReady),
    /// Print the CRDs, Study and Trial
    Crds(commands::crds::Crds),
    /// Print the completions of a shell
    Completions(commands::completions::Completions),
    /// Write the manual pages
    Man(commands::completions::Man),
    /// Print the JSON Schemas of study files and of what commands print
    Schema(commands::schema::SchemaCommand),
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
            Self::Init(command) => command.run(),
            Self::Run(command) => Box::pin(command.run()).await,
            Self::Try(command) => Box::pin(command.run()).await,
            Self::Wait(command) => command.run().await,
            Self::Stop(command) => command.run().await,
            Self::Validate(command) => command.run(),
            Self::Explain(command) => command.run(),
            Self::Plan(command) => command.run().await,
            Self::Preflight(command) => Box::pin(command.run()).await,
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
            Self::AgentReady(command) => command.run().await,
            Self::Crds(command) => command.run(),
            Self::Completions(command) => command.run(),
            Self::Man(command) => command.run(),
            Self::Schema(command) => command.run(),
            Self::About(command) => command.run(),
            Self::Keep(command) => command.run(),
        }
    }

    /// The study that ran which the command looks at, if it is one of those that do.
    fn target_mut(&mut self) -> Option<&mut Target> {
        match self {
            Self::Wait(command) => Some(command.target_mut()),
            Self::Stop(command) => Some(command.target_mut()),
            Self::Top(command) => command.target_mut(),
            Self::Rank(command) => command.target_mut(),
            Self::Findings(command) => command.target_mut(),
            Self::Report(command) => command.target_mut(),
            Self::Plot(command) => command.target_mut(),
            Self::Export(command) => command.target_mut(),
            Self::Init(_)
            | Self::Run(_)
            | Self::Try(_)
            | Self::Validate(_)
            | Self::Explain(_)
            | Self::Plan(_)
            | Self::Preflight(_)
            | Self::Sample(_)
            | Self::Suggest(_)
            | Self::Policy(_)
            | Self::Ui(_)
            | Self::Import(_)
            | Self::Operator(_)
            | Self::Agent(_)
            | Self::AgentReady(_)
            | Self::Crds(_)
            | Self::Completions(_)
            | Self::Man(_)
            | Self::Schema(_)
            | Self::About(_)
            | Self::Keep(_) => None,
        }
    }
}

/// Reads the command line. Called as `kubectl-study`, a bare name is a study of the current context.
///
/// # Errors
/// When the command line is not valid, or asks for help or the version.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Arguments, clap::Error> {
    let words: Vec<OsString> = words.into_iter().collect();
    let called = words.first().and_then(|word| Path::new(word).file_stem()).unwrap_or_default();
    let is_plugin = called == "kubectl-study" || called == "kubectl_study";
    let mut arguments = Arguments::try_parse_from(words)?;
    if is_plugin && let Some(target) = arguments.command.target_mut() {
        target.resolve_bare_name();
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    fn target_of(line: &str) -> Option<Target> {
        parse(line.split(' ').map(OsString::from)).unwrap().command.target_mut().cloned()
    }

    /// F-084: whatever flags a command has, with values and without.
    #[test]
    fn a_plugin_names_studies_of_the_cluster() {
        let study = Some(Target::Cluster("digits".to_owned()));
        for line in [
            "/usr/bin/kubectl-study top digits",
            "kubectl-study top study/digits",
            "kubectl-study report -n team digits --out x.html",
            "kubectl-study report -nteam --out=x.html digits",
            "kubectl-study export --measurements digits",
            "kubectl-study export digits --format csv",
            "kubectl_study plot --list digits",
            "kubectl-study plot --width 300 --list -- digits",
        ] {
            assert_eq!(target_of(line), study, "{line}");
        }
        for line in ["studious top digits", "kubectl-study top ./digits", "kubectl-study top runs/digits"] {
            assert!(matches!(target_of(line), Some(Target::Folder(_))), "{line}");
        }
        assert_eq!(target_of("kubectl-study validate study.yaml"), None);
        assert_eq!(target_of("kubectl-study findings --study s.yaml --trials t.jsonl"), None);
    }

    /// Each flag without a value of each command that looks at a study, those of commands to come included.
    #[test]
    fn flags_without_values_leave_the_name_alone() {
        let commands = Arguments::command();
        let with_target = |c: &&clap::Command| c.get_arguments().any(|a| a.get_id() == "target");
        let mut seen = 0;
        for command in commands.get_subcommands().filter(with_target) {
            let flags = command.get_arguments().filter(|a| matches!(a.get_action(), clap::ArgAction::SetTrue));
            for flag in flags.filter_map(clap::Arg::get_long) {
                let line = format!("kubectl-study {} --{flag} digits", command.get_name());
                assert_eq!(target_of(&line), Some(Target::Cluster("digits".to_owned())), "{line}");
                seen += 1;
            }
            let line = format!("kubectl-study {} digits", command.get_name());
            assert_eq!(target_of(&line), Some(Target::Cluster("digits".to_owned())), "{line}");
        }
        assert!(seen >= 2, "{seen}");
    }
}
