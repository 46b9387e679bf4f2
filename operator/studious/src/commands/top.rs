//! `studious top`: the trials of a study.

use clap::Args;
use studious_api::study::Direction;
use studious_playbook::record::CurveSelection;

use crate::{
    exit,
    json::{self, Format, ParetoDocument, TrialsDocument},
    output::{out, outln},
    show,
    source::{SourceArguments, Target},
};

const AFTER: &str = "\
Trials of the latest round come first: rounds train for different numbers of steps, so their results don't compare.

Examples:
  studious top studious-runs/digits
  studious top study/digits -n team-a --limit 5
  studious top studious-runs/digits --pareto latency_ms
  studious top studious-runs/digits --format json | jq '{phase, running, eta}'
  studious top --study study.yaml --trials trials.jsonl
  kubectl study top digits";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Top {
    #[command(flatten)]
    source: SourceArguments,
    /// Show this many trials; 0 shows all
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
    /// Show the objective against this metric instead: first the trials that no other beats in both. Smaller is better,
    /// unless the study's constraint on it has a lower bound alone, or METRIC:max is given
    #[arg(long, value_name = "METRIC[:min|:max]", value_parser = second)]
    pareto: Option<(String, Option<Direction>)>,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// A metric, and which way is better.
fn second(text: &str) -> Result<(String, Option<Direction>), String> {
    let (metric, direction) = match text.rsplit_once(':') {
        Some((metric, "min")) => (metric, Some(Direction::Minimize)),
        Some((metric, "max")) => (metric, Some(Direction::Maximize)),
        _ => (text, None),
    };
    if metric.is_empty() {
        return Err("give the name of a metric that trials report".to_owned());
    }
    Ok((metric.to_owned(), direction))
}

impl Top {
    /// The study that it looks at.
    pub(crate) fn target_mut(&mut self) -> Option<&mut Target> {
        self.source.target_mut()
    }

    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        // The second metric is read where the objective was best: of all points.
        let wanted = if self.pareto.is_some() { CurveSelection::WHOLE } else { CurveSelection::concluded(Some(8)) };
        let Some(study) = self.source.load(wanted).await? else { return Ok(exit::INVALID) };
        let limit = if self.limit == 0 { usize::MAX } else { self.limit };
        if let (true, Some((metric, direction))) = (self.format.is_json(), &self.pareto) {
            let records = study.records();
            let (found, second) = show::pareto::by_both(&study, &records, metric, *direction)?;
            json::print(&ParetoDocument::new(&study, &found, &second, limit))?;
            return Ok(exit::OK);
        }
        if self.format.is_json() {
            json::print(&TrialsDocument::new(&study, limit))?;
            return Ok(exit::OK);
        }
        outln!("{}\n{}\n", study.plan.spec().goal, show::standing(&study))?;
        if study.trials.is_empty() {
            outln!("No trial has begun.")?;
            return Ok(exit::OK);
        }
        if let Some((metric, direction)) = &self.pareto {
            outln!("{}", show::pareto::table(&study, metric, *direction, limit)?)?;
            return Ok(exit::OK);
        }
        outln!("{}", show::trials::table(&study, limit))?;
        if let Some(failures) = show::trials::failures(&study) {
            out!("\n{failures}")?;
        }
        if let Some(best) = show::best::best(&study) {
            out!("\n{best}")?;
        }
        Ok(exit::OK)
    }
}
