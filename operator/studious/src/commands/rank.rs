//! `studious rank`: the trials by another objective.

use clap::Args;
use studious_playbook::{
    record::CurveSelection,
    rejudge::{self, By},
};

use crate::{
    exit,
    json::{self, Format, RankingDocument},
    output::outln,
    show::{self, rank::Ranking},
    source::{SourceArguments, Target},
};

const AFTER: &str = "\
The objective may be changed afterwards: points of a quasi-random search stay evenly spread whatever is asked of them, and \
nothing is trained again. `studious findings`, `plot` and `report` take the same --by.

Examples:
  studious rank studious-runs/digits --by final
  studious rank studious-runs/digits --by train_loss
  studious rank study/digits --by accuracy:max --limit 5
  studious findings studious-runs/digits --by train_loss";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct Rank {
    #[command(flatten)]
    source: SourceArguments,
    /// Show this many trials; 0 shows all
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Rank {
    /// The study that it looks at.
    pub(crate) fn target_mut(&mut self) -> Option<&mut Target> {
        self.source.target_mut()
    }

    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        let by: By = self.source.by().cloned().unwrap_or_default();
        let Some(own) = self.source.load_own(CurveSelection::WHOLE).await? else { return Ok(exit::INVALID) };
        let Some(other) = own.judged_by(&by) else { return Ok(exit::INVALID) };
        let limit = if self.limit == 0 { usize::MAX } else { self.limit };
        let ranking = Ranking::new(&own, &other);
        let is_another = own.plan.spec().objective != other.plan.spec().objective;
        let reservation = rejudge::reservation(&own.plan).filter(|_| is_another);
        if self.format.is_json() {
            json::print(&RankingDocument::new((&own, &other), ranking.as_ref(), limit, reservation))?;
            return Ok(exit::OK);
        }
        outln!("{}\n{}\n", own.plan.spec().goal, own.status)?;
        match &ranking {
            Some(ranking) => outln!("{}", show::rank::table(&own, &other, ranking, limit))?,
            None => outln!("No trial has a result by both objectives yet.")?,
        }
        if let Some(why) = reservation {
            outln!("Mind: {why}.")?;
        }
        Ok(exit::OK)
    }
}
