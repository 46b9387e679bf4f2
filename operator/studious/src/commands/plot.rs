//! `studious plot`: the plots of a study as files.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use studious_dashboard::{Drawer, Theme, WIDTHS};
use studious_playbook::{
    Plan,
    plots::{self, Plot, StepAxis},
    record::{CurveSelection, TrialRecord},
};

use crate::{
    exit,
    json::{self, PlotsDocument},
    output::{self, errln, outln},
    source::{SourceArguments, Target},
};

const AFTER: &str = "\
Draws without a network and without a browser. Without --plot all plots of the study are drawn; --list names them.

Examples:
  studious plot studious-runs/digits
  studious plot study/digits --plot axis-learning_rate --plot best-of-k --format png --out figures
  studious plot --study study.yaml --trials trials.jsonl --format svg --theme dark
  studious plot studious-runs/digits --plot isolation-explore --over learning_rate
  studious plot studious-runs/digits --beside digits-explore-0003,digits-explore-0004 --metric train_loss
  studious plot studious-runs/digits --plot curves-explore-train_loss --steps log
  studious plot studious-runs/digits --plot isolation-explore --format vega-lite --out - | jq .title";

#[derive(Args, Debug)]
#[command(after_help = AFTER)]
pub(crate) struct PlotCommand {
    #[command(flatten)]
    source: SourceArguments,
    /// Only this plot; may be given again
    #[arg(long = "plot", value_name = "NAME")]
    plots: Vec<String>,
    /// Name the plots that there are, and draw none; --format json names them for programs
    #[arg(long, conflicts_with_all = ["plots", "out"])]
    list: bool,
    /// What kind of files
    #[arg(long, value_enum, default_value_t = PlotFormat::Svg)]
    format: PlotFormat,
    /// For paper or for dark pages
    #[arg(long, default_value = "light", value_parser = |text: &str| text.parse::<Theme>())]
    theme: Theme,
    /// Width in pixels, without what stands beside the axes; a PNG has two for each
    #[arg(long, value_name = "PIXELS", default_value_t = 640, value_parser = clap::value_parser!(u32).range(i64::from(*WIDTHS.start())..=i64::from(*WIDTHS.end())))]
    width: u32,
    /// Buckets of the isolation plot of a scientific hyperparameter with a range
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=100))]
    buckets: Option<u8>,
    /// Nuisance hyperparameters that isolation plots optimise away, the others held: NAME or NAME,NAME [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    over: Vec<String>,
    /// Draw these trials' curves of one metric beside each other, and nothing else: NAME,NAME, up to five
    #[arg(long, value_name = "TRIALS", value_delimiter = ',', conflicts_with_all = ["plots", "list", "buckets", "over"])]
    beside: Vec<String>,
    /// The metric of --beside [default: the objective's]
    #[arg(long, value_name = "NAME", requires = "beside")]
    metric: Option<String>,
    /// How training steps are laid out along curves: log shows what happens at the beginning, such as during warmup
    #[arg(long, value_name = "linear|log", default_value_t = StepAxis::Linear, value_parser = |text: &str| text.parse::<StepAxis>())]
    steps: StepAxis,
    /// The folder for the files; - writes one plot to standard output
    #[arg(long, short, value_name = "FOLDER", default_value = "plots")]
    out: PathBuf,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum PlotFormat {
    /// Lines and text that scale
    Svg,
    /// Pixels
    Png,
    /// The specification itself, with its data
    VegaLite,
    /// With --list: the names, as `studious schema Plots` describes them
    Json,
}

impl PlotFormat {
    fn ending(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::VegaLite => "vl.json",
            // Only ever listed.
            Self::Json => "json",
        }
    }
}

impl PlotCommand {
    /// The study that it looks at.
    pub(crate) fn target_mut(&mut self) -> Option<&mut Target> {
        self.source.target_mut()
    }

    pub(crate) async fn run(self) -> anyhow::Result<u8> {
        if self.format == PlotFormat::Json && !self.list {
            errln!("error: --format json goes with --list. Give vega-lite for the specification of a plot");
            return Ok(exit::INVALID);
        }
        // `--beside` draws any metric.
        let wanted = if self.beside.is_empty() { CurveSelection::concluded(None) } else { CurveSelection::WHOLE };
        let Some(study) = self.source.load(wanted).await? else { return Ok(exit::INVALID) };
        if let Some(why) = &study.without_curves {
            errln!("warning: {why}. Plots that need curves are left out");
        }
        let records = study.records();
        let all = match self.pictures(&study.plan, &records) {
            Ok(all) => all,
            Err(why) => {
                errln!("error: {why}");
                return Ok(exit::INVALID);
            }
        };
        if self.list && self.format == PlotFormat::Json {
            json::print(&PlotsDocument::new(study.plan.name(), &all))?;
            return Ok(exit::OK);
        }
        if self.list {
            let longest = all.iter().map(|plot| plot.id.len()).max().unwrap_or_default();
            for plot in &all {
                outln!("{:longest$}  {}", plot.id, plot.title)?;
            }
            return Ok(exit::OK);
        }
        let known: BTreeSet<&str> = all.iter().map(|plot| plot.id.as_str()).collect();
        let unknown: Vec<&String> = self.plots.iter().filter(|name| !known.contains(name.as_str())).collect();
        if let Some(name) = unknown.first() {
            let known: Vec<&str> = known.into_iter().collect();
            errln!("error: this study has no plot {name}. It has: {}", known.join(", "));
            return Ok(exit::INVALID);
        }
        let chosen: Vec<&Plot> =
            all.iter().filter(|plot| self.plots.is_empty() || self.plots.contains(&plot.id)).collect();
        if self.out == Path::new("-") {
            let [plot] = chosen.as_slice() else {
                errln!("error: standard output takes one plot: name it with --plot");
                return Ok(exit::INVALID);
            };
            let drawn = self.draw(self.drawer()?.as_ref(), plot)?;
            std::io::Write::write_all(&mut output::data(), &drawn).map_err(output::failed)?;
            return Ok(exit::OK);
        }
        if chosen.is_empty() {
            errln!("no trial has ended yet: there is nothing to draw");
            return Ok(exit::OK);
        }
        std::fs::create_dir_all(&self.out).with_context(|| format!("can't make {}", self.out.display()))?;
        let drawer = self.drawer()?;
        for plot in chosen {
            let path = self.out.join(format!("{}.{}", plot.id, self.format.ending()));
            std::fs::write(&path, self.draw(drawer.as_ref(), plot)?)
                .with_context(|| format!("can't write {}", path.display()))?;
            outln!("{}", path.display())?;
        }
        Ok(exit::OK)
    }

    /// All plots that there are, as the options want them, or why one of them can't be.
    fn pictures(&self, plan: &Plan, records: &[TrialRecord]) -> Result<Vec<Plot>, String> {
        if !self.beside.is_empty() {
            let metric = self.metric.as_ref().unwrap_or(&plan.spec().objective.metric);
            let plot = plots::beside(plan, records, &self.beside, metric, self.steps);
            return plot.map(|plot| vec![plot]).map_err(|error| format!("--beside: {error}"));
        }
        let mut all = plots::plots_along(plan, records, self.steps);
        let buckets = self.buckets.map(usize::from);
        let others = match buckets {
            _ if !self.over.is_empty() => {
                plots::isolation_over(plan, records, &self.over, buckets).map_err(|error| format!("--over: {error}"))?
            }
            Some(buckets) => plots::isolation_in_buckets(plan, records, buckets),
            None => Vec::new(),
        };
        for other in others {
            match all.iter_mut().find(|plot| plot.id == other.id) {
                Some(one) => *one = other,
                None => all.push(other),
            }
        }
        Ok(all)
    }

    /// Specifications need none.
    fn drawer(&self) -> anyhow::Result<Option<Drawer>> {
        Ok(matches!(self.format, PlotFormat::Svg | PlotFormat::Png).then(Drawer::new).transpose()?)
    }

    fn draw(&self, drawer: Option<&Drawer>, plot: &Plot) -> anyhow::Result<Vec<u8>> {
        Ok(match (self.format, drawer) {
            (PlotFormat::Svg, Some(drawer)) => drawer.svg(plot, self.theme, self.width)?.into_bytes(),
            (PlotFormat::Png, Some(drawer)) => drawer.png(plot, self.theme, self.width)?,
            _ => serde_json::to_vec_pretty(&plot.specification)?,
        })
    }
}
