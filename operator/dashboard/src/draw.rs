//! Plots as files: a Vega-Lite specification drawn without a browser and without a network.
//!
//! Vega itself draws the SVG, in `QuickJS` (rquickjs: its maintained Rust binding; a small engine in C, where V8 would
//! be a hundred times its size); resvg turns that into a PNG. Text is measured and drawn in the font that is bundled,
//! `DejaVu Sans`, so that a plot is the same on every machine.

use std::{fmt, str::FromStr, sync::Arc};

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{self, fontdb},
};
use rquickjs::{CatchResultExt, Context, Ctx, Function, Runtime, promise::MaybePromise};
use studious_playbook::plots::Plot;
use ttf_parser::Face;

const SCRIPT: &str = include_str!(concat!(env!("OUT_DIR"), "/svg.js"));
const FONT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/DejaVuSans.ttf"));
const FAMILY: &str = "DejaVu Sans";
/// What a browser has and the engine lacks. Nothing of Vega's drawing waits for a timer.
const PRELUDE: &str = include_str!("draw.js");
/// A plot takes some 30 MB to draw.
const MEMORY: usize = 1 << 30;
const STACK: usize = 1 << 20;
/// Pixels of a PNG for each of the SVG's: sharp in print and on dense screens.
const SCALE: f32 = 2.0;
/// Widest and narrowest plot, in the SVG's pixels.
pub const WIDTHS: std::ops::RangeInclusive<u32> = 200..=4000;

/// Dark marks on white, or light ones on black.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Theme {
    /// For paper.
    #[default]
    Light,
    /// For dark pages.
    Dark,
}

impl fmt::Display for Theme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Light => "light",
            Self::Dark => "dark",
        })
    }
}

impl FromStr for Theme {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "light" => Ok(Self::Light),
            "dark" => Ok(Self::Dark),
            other => Err(format!("unknown theme `{other}`; expected light or dark")),
        }
    }
}

/// Why a plot wasn't drawn.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// The engine didn't start: no memory, or a defect.
    #[error("the plot engine did not start: {0}")]
    Engine(String),
    /// Vega refused the specification.
    #[error("plot {id} can't be drawn: {why}")]
    Drawing {
        /// The plot.
        id: String,
        /// What the engine says.
        why: String,
    },
    /// The SVG can't be made into a PNG.
    #[error("plot {id} can't be made a PNG: {why}")]
    Png {
        /// The plot.
        id: String,
        /// What the rasteriser says.
        why: String,
    },
}

/// Draws plots, one after the other. Not to be shared between threads.
pub struct Drawer {
    context: Context,
    // Dropped after the context.
    _runtime: Runtime,
    fonts: Arc<fontdb::Database>,
}

impl fmt::Debug for Drawer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drawer").finish_non_exhaustive()
    }
}

impl Drawer {
    /// Starts the engine: about a quarter of a second.
    ///
    /// # Errors
    /// When it doesn't start.
    pub fn new() -> Result<Self, DrawError> {
        let engine = |error: rquickjs::Error| DrawError::Engine(error.to_string());
        let runtime = Runtime::new().map_err(engine)?;
        runtime.set_memory_limit(MEMORY);
        runtime.set_max_stack_size(STACK);
        let context = Context::full(&runtime).map_err(engine)?;
        context.with(|ctx| -> Result<(), DrawError> {
            let failed = |error: rquickjs::CaughtError<'_>| DrawError::Engine(error.to_string());
            ctx.eval::<(), _>(PRELUDE).catch(&ctx).map_err(failed)?;
            let measure = Function::new(ctx.clone(), measure).catch(&ctx).map_err(failed)?;
            ctx.globals().set("studiousMeasure", measure).catch(&ctx).map_err(failed)?;
            ctx.eval::<(), _>(SCRIPT).catch(&ctx).map_err(failed)
        })?;
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(FONT.to_vec());
        fonts.set_sans_serif_family(FAMILY);
        Ok(Self { context, _runtime: runtime, fonts: Arc::new(fonts) })
    }

    /// A plot as SVG, `width` pixels wide beside its axes.
    ///
    /// # Errors
    /// When Vega refuses the specification.
    pub fn svg(&self, plot: &Plot, theme: Theme, width: u32) -> Result<String, DrawError> {
        let width = width.clamp(*WIDTHS.start(), *WIDTHS.end());
        self.context.with(|ctx| {
            self::svg(&ctx, &plot.specification.to_string(), theme, width)
                .catch(&ctx)
                .map_err(|error| DrawError::Drawing { id: plot.id.clone(), why: error.to_string() })
        })
    }

    /// A plot as PNG, with two pixels for each of the SVG's.
    ///
    /// # Errors
    /// When Vega refuses the specification, or the plot is too large.
    pub fn png(&self, plot: &Plot, theme: Theme, width: u32) -> Result<Vec<u8>, DrawError> {
        let svg = self.svg(plot, theme, width)?;
        let failed = |why: String| DrawError::Png { id: plot.id.clone(), why };
        let options =
            usvg::Options { font_family: FAMILY.to_owned(), fontdb: self.fonts.clone(), ..usvg::Options::default() };
        let tree = usvg::Tree::from_str(&svg, &options).map_err(|error| failed(error.to_string()))?;
        let size = tree.size().to_int_size().scale_by(SCALE).ok_or_else(|| failed("it has no size".to_owned()))?;
        let mut pixels =
            Pixmap::new(size.width(), size.height()).ok_or_else(|| failed("it is too large".to_owned()))?;
        resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
        pixels.encode_png().map_err(|error| failed(error.to_string()))
    }
}

fn svg(ctx: &Ctx<'_>, specification: &str, theme: Theme, width: u32) -> rquickjs::Result<String> {
    let draw: Function<'_> = ctx.globals().get("studiousDraw")?;
    let drawn: MaybePromise<'_> = draw.call((specification, theme.to_string(), width))?;
    drawn.finish()
}

/// The width of a text in pixels at a size.
// rquickjs gives arguments by value.
#[allow(clippy::needless_pass_by_value)]
fn measure(text: String, size: f64) -> f64 {
    let Ok(face) = Face::parse(FONT, 0) else { return 0.6 * size * text.chars().count() as f64 };
    let advance = |c: char| face.glyph_index(c).and_then(|glyph| face.glyph_hor_advance(glyph)).unwrap_or(1_200);
    let units: f64 = text.chars().map(|c| f64::from(advance(c))).sum();
    units * size / f64::from(face.units_per_em().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(specification: serde_json::Value) -> Plot {
        Plot { id: "p".to_owned(), title: String::new(), subtitle: String::new(), specification }
    }

    #[test]
    fn a_specification_becomes_a_picture() {
        let plot = plot(serde_json::json!({
            "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
            "title": { "text": ["Rate & error"] }, "width": "container", "height": 120,
            "data": { "values": [{ "x": 0.001, "y": 2 }, { "x": 10, "y": 1 }] },
            "layer": [{
                "mark": { "type": "point" },
                "encoding": {
                    "x": { "field": "x", "type": "quantitative", "scale": { "type": "log" } },
                    "y": { "field": "y", "type": "quantitative" },
                },
            }],
        }));
        let drawer = Drawer::new().unwrap();
        let svg = drawer.svg(&plot, Theme::Light, 400).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("Rate &amp; error") && svg.contains("#ffffff"));
        assert_eq!(svg, drawer.svg(&plot, Theme::Light, 400).unwrap(), "the same again");
        let png = drawer.png(&plot, Theme::Dark, 400).unwrap();
        assert!(png.starts_with(b"\x89PNG") && png.len() > 2_000, "{}", png.len());
    }

    #[test]
    fn what_vega_refuses_is_an_error_that_names_the_plot() {
        let refused = Drawer::new().unwrap().svg(&plot(serde_json::json!({ "mark": 3 })), Theme::Light, 400);
        assert!(refused.unwrap_err().to_string().starts_with("plot p can't be drawn: "));
    }

    #[test]
    fn texts_have_the_width_of_the_font() {
        assert!((measure("mmmm".to_owned(), 10.0) - 39.0).abs() < 1.0);
        assert!(measure("iiii".to_owned(), 10.0) < 12.0);
    }
}
