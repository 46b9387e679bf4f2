//! One metric of a few runs in one plot: the hosts of a trial, or trials beside each other.

use serde_json::{Value, json};

use super::{Plot, scale, steps::StepAxis, style, thin::thin};
use crate::record::Curve;

/// Points of each curve: more than a screen shows.
const POINTS: usize = 600;
/// Curves that fall this far are drawn in log scale.
const CURVE_SPAN: f64 = 20.0;
/// Dashes, so that curves can be told apart in grey.
const DASHES: [&[u32]; 4] = [&[1, 0], &[6, 3], &[2, 2], &[8, 3, 2, 3]];

/// A run in the plot.
#[derive(Clone, Copy, Debug)]
pub struct RunCurve<'a> {
    /// What the legend says.
    pub name: &'a str,
    /// What was measured.
    pub curve: &'a Curve,
    /// The step whose evaluation counts, to be marked.
    pub marked: Option<u64>,
}

/// A metric of a few runs against the step; nothing when none was measured.
#[must_use]
pub fn overlay(metric: &str, runs: &[RunCurve<'_>]) -> Option<Plot> {
    drawn(metric, metric.to_owned(), "", runs, StepAxis::Linear)
}

/// As [`overlay`], with a title of its own and a subtitle that begins with `lead`.
pub(super) fn drawn(metric: &str, title: String, lead: &str, runs: &[RunCurve<'_>], steps: StepAxis) -> Option<Plot> {
    let runs: Vec<&RunCurve<'_>> = runs.iter().filter(|run| !steps.shown(run.curve).is_empty()).collect();
    if runs.is_empty() {
        return None;
    }
    let values = runs.iter().flat_map(|run| steps.shown(run.curve).iter().map(|(_, value)| *value));
    let (y_scale, y_axis) = scale::of_values(values, metric, CURVE_SPAN);
    let x = steps.channel(runs.iter().map(|run| run.curve), None);
    let y = json!({ "field": "value", "type": "quantitative", "scale": y_scale, "axis": y_axis });
    let names: Vec<String> = runs.iter().map(|run| run.name.to_owned()).collect();
    let dashes: Vec<_> = (0..names.len()).map(|i| DASHES[i % DASHES.len()]).collect();
    let legend = if names.len() > 1 {
        json!({ "title": null, "orient": "bottom", "columns": 2, "symbolType": "stroke", "symbolOpacity": 1 })
    } else {
        Value::Null
    };
    let colour = json!({ "field": "run", "type": "nominal", "scale": style::colours(&names), "legend": legend });
    let dash =
        json!({ "field": "run", "type": "nominal", "scale": { "domain": names, "range": dashes }, "legend": legend });
    let row = |run: &RunCurve<'_>, step: u64, value: f64| json!({ "run": run.name, "step": step, "value": value });
    let rows: Vec<Value> = runs
        .iter()
        .flat_map(|run| {
            thin(steps.shown(run.curve), POINTS, steps).into_iter().map(|(step, value)| row(run, step, value))
        })
        .collect();
    let marks: Vec<Value> = runs
        .iter()
        .filter_map(|run| {
            let step = run.marked?;
            let (_, value) = steps.shown(run.curve).iter().find(|(s, _)| *s == step)?;
            Some(row(run, step, *value))
        })
        .collect();
    let tooltip = json!([
        { "field": "run" },
        { "field": "step", "type": "quantitative" },
        { "field": "value", "type": "quantitative", "format": ".4~g", "title": metric },
    ]);
    let lonely = runs.iter().all(|run| steps.shown(run.curve).len() == 1);
    let mut layers = vec![
        json!({
            "data": { "values": rows },
            "mark": { "type": "line", "strokeWidth": 1.75, "tooltip": false },
            "encoding": { "x": x, "y": y, "color": colour, "strokeDash": dash },
        }),
        json!({
            "data": { "values": rows },
            "mark": { "type": "circle", "size": 60, "opacity": u8::from(lonely) },
            "encoding": { "x": x, "y": y, "color": colour, "tooltip": tooltip },
        }),
    ];
    if !marks.is_empty() {
        layers.push(json!({
            "data": { "values": marks },
            "mark": { "type": "point", "shape": "diamond", "size": 90, "filled": true, "opacity": 1 },
            "encoding": { "x": x, "y": y, "color": colour, "tooltip": tooltip },
        }));
    }
    let measured = runs.iter().map(|run| run.curve.len()).max().unwrap_or_default();
    let diamonds = if marks.is_empty() { "" } else { " The diamond marks the evaluation that counts." };
    let subtitle = format!("{lead}Up to {measured} measurements of each. No smoothing.{diamonds}");
    let id = metric.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
    Some(style::plot(id, title, subtitle, 300, &layers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_has_a_colour_a_dash_and_all_its_extremes() {
        let (mut a, b): (Curve, Curve) = ((0..5_000).map(|i| (i, 1.0)).collect(), vec![(10, 0.5)]);
        a[1_234].1 = 9.0;
        let runs = [
            RunCurve { name: "a", curve: &a, marked: Some(1_234) },
            RunCurve { name: "b", curve: &b, marked: Some(3) },
            RunCurve { name: "c", curve: &Curve::new(), marked: None },
        ];
        let plot = overlay("validation_error", &runs).unwrap();
        let text = plot.specification.to_string();
        assert!(text.contains(r#""run":"a","step":1234,"value":9.0"#));
        assert!(!text.contains(r#""run":"c""#));
        // A step that wasn't measured isn't marked.
        assert_eq!(plot.specification["layer"][2]["data"]["values"].as_array().map(Vec::len), Some(1));
        assert!(overlay("m", &runs[2..]).is_none());
    }
}
