//! Colours, shapes, and what all specifications share.

use serde_json::{Value, json};

use super::Plot;
use crate::findings::wording::wrap;

/// Okabe and Ito's colours, the dark ones first; vermillion is kept for infeasible trials.
pub(super) const COLOURS: [&str; 5] = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9"];
/// Infeasible.
pub(super) const VERMILLION: &str = "#D55E00";
/// What stands in the background, readable on white and on black.
pub(super) const GREY: &str = "#8b949e";
/// One shape for each colour.
pub(super) const SHAPES: [&str; 5] = ["circle", "square", "triangle-up", "diamond", "triangle-down"];
/// ✕, as an SVG path in Vega's unit square.
pub(super) const CROSS: &str = "M-0.7,-0.7L0.7,0.7M-0.7,0.7L0.7,-0.7";

/// Titles are broken here: they are read at half the width of a laptop's screen.
const TITLE_WIDTH: usize = 60;
const SUBTITLE_WIDTH: usize = 80;

/// The n-th of a palette, again from the first when it is used up.
pub(super) fn nth<'a>(palette: &[&'a str], n: usize) -> &'a str {
    palette[n % palette.len()]
}

/// A scale of the given names, each with its own colour.
pub(super) fn colours(names: &[String]) -> Value {
    let range: Vec<_> = (0..names.len()).map(|i| nth(&COLOURS, i)).collect();
    json!({ "domain": names, "range": range })
}

/// A scale of the given names, each with its own shape.
pub(super) fn shapes(names: &[String]) -> Value {
    let range: Vec<_> = (0..names.len()).map(|i| nth(&SHAPES, i)).collect();
    json!({ "domain": names, "range": range })
}

/// A plot from its parts.
pub(super) fn plot(id: String, title: String, subtitle: String, height: u32, layers: &[Value]) -> Plot {
    let specification = json!({
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": format!("{title}. {subtitle}"),
        "title": { "text": wrap(&title, TITLE_WIDTH), "subtitle": wrap(&subtitle, SUBTITLE_WIDTH) },
        "width": "container",
        "height": height,
        "autosize": { "type": "fit", "contains": "padding" },
        "layer": layers,
    });
    Plot { id, title, subtitle, specification }
}

/// A plot under another name and title, with more to say about it.
pub(super) fn retitled(plot: Plot, id: String, title: String, more: &str) -> Plot {
    let Plot { subtitle, mut specification, .. } = plot;
    let subtitle = subtitle + more;
    specification["description"] = json!(format!("{title}. {subtitle}"));
    specification["title"] = json!({ "text": wrap(&title, TITLE_WIDTH), "subtitle": wrap(&subtitle, SUBTITLE_WIDTH) });
    Plot { id, title, subtitle, specification }
}
